"""Masks that lie in a folder per object, as SA-V has them: those of two objects may overlap."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vosbench.data.names import files_by_stem
from vosbench.errors import DataError

_MOST_DIGITS = 9


def object_masks(folder: Path, where: str) -> Mapping[int, Mapping[str, Path]]:
    """Gives back the mask files of a video by object and frame name, from ``folder/OBJECT/FRAME.png``.

    Objects are numbered by their folders' names, ``000`` on; both in order. Raises `DataError` for a folder that is
    missing, empty or not a number, and for two masks of one frame.
    """
    if not folder.is_dir():
        raise DataError("there is no folder of masks", where=f"{where}, {folder}", fix="unpack the data set again")
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if not (path.name.isascii() and path.name.isdecimal() and len(path.name) <= _MOST_DIGITS):
            raise DataError(f"'{path.name}' is no object", where=f"{where}, {path}", fix="name folders 000, 001, ...")
        if int(path.name) in found:
            raise DataError(f"two folders are of object {int(path.name)}", where=f"{where}, {path}", fix="remove one")
        found[int(path.name)] = files_by_stem(path, frozenset({".png"}), where, "masks of one object")
    if not found:
        raise DataError("no object has a folder of masks", where=f"{where}, {folder}", fix="unpack the data set again")
    return found
