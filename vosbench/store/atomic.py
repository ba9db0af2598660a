"""Files that are whole or not there: written under another name, flushed, renamed."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from vosbench.errors import StoreError
from vosbench.whole import write_beside


class DiskFullError(StoreError):
    """No space is left where a run is kept; what was finished before is safe."""


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write below ``path`` into a `StoreError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                "the disk is full",
                where=str(path),
                fix="free some space and run the same command again: every finished cell is safe and is not run again",
            ) from error
        raise StoreError(
            f"cannot write: {error.strerror}", where=str(path), fix="choose another folder with --out"
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a torn one."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, data, flush=True)


def flush_folder(path: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def flush_files(folder: Path) -> None:
    """Make every file below a folder last through a power cut.

    Linux flushes a whole file system with one call (syncfs(2)), some ten times faster than the thousands of masks of a
    video one by one, as other systems do it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        if ctypes.CDLL(None).syncfs(handle) == 0:
            return
    except (OSError, AttributeError):
        pass
    finally:
        os.close(handle)
    for path in folder.rglob("*"):
        flush_folder(path)
