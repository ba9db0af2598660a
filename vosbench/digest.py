"""SHA-256 digests of everything that can change an answer."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest_bytes(data: bytes) -> str:
    """Gives back the hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Gives back the SHA-256 of a file's contents, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_array(array: NDArray[Any]) -> str:
    """Gives back the digest of an array's dtype, shape and row-major bytes."""
    head = f"{array.dtype.str}{array.shape}".encode()
    return digest_bytes(head + np.ascontiguousarray(array).tobytes())


def digest_labels(labels: NDArray[np.unsignedinteger[Any]]) -> bytes:
    """Gives back the 32 bytes of a label map's SHA-256 (height, width), by its values alone, whatever their dtype.

    It is that of the map's runs, which takes a quarter of the time; of the map itself, where it has so many runs that
    this would not be shorter.
    """
    wide = np.ascontiguousarray(labels).ravel()
    ends = np.flatnonzero(wide[1:] != wide[:-1])
    found = hashlib.sha256(f"{labels.shape}{ends.size}".encode())
    if ends.size * 12 < wide.size:
        found.update(ends.astype("<i8", copy=False).data)
        found.update(np.append(wide[ends], wide[-1:]).astype("<u4").data)
    else:
        found.update(wide.astype("<u4").data)
    return found.digest()


def digest_json(value: object) -> str:
    """Gives back the digest of plain data or a dataclass, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return digest_bytes(text.encode())


def digest_files(paths: Iterable[Path], root: Path) -> str:
    """Gives back one digest of several files: their names below ``root`` and their contents."""
    return digest_json([[path.relative_to(root).as_posix(), digest_file(path)] for path in sorted(paths)])


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} cannot be digested as JSON")
