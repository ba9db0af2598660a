"""Names of videos and frames that a data set's lists and meta files bring along."""

from __future__ import annotations

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
