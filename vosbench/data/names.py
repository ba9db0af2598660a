"""Names of videos and frames: those that lists and meta files bring along, and those of files."""

from __future__ import annotations

from pathlib import Path

from vosbench.errors import DataError

LONGEST_NAME = 255
"""Bytes, what file systems allow."""


def is_plain_name(name: object) -> bool:
    """Tells whether a name stays in its folder: one part of a path, printable, not hidden."""
    return (
        isinstance(name, str)
        and name.isprintable()
        and not name.startswith(".")
        and not {"/", "\\"} & set(name)
        and 0 < len(name.encode()) <= LONGEST_NAME
    )


def files_by_stem(folder: Path, suffixes: frozenset[str], where: str, what: str) -> dict[str, Path]:
    """Gives back a folder's files with one of ``suffixes`` (lower case), by stem and in its order; no hidden ones.

    Raises `DataError` for two with one stem; ``what`` says what they are.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DataError(
                f"two {what} have the stem {path.stem}: {found[path.stem].name} and {path.name}",
                where=f"{where}, {folder}",
                fix="remove one of them",
            )
        found[path.stem] = path
    return dict(sorted(found.items()))
