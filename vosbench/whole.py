"""Files that are whole or not there: written under another name beside, then renamed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_beside(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a torn one.

    With ``flush`` the bytes last through a power cut before the file gets its name. Its folder must exist. Raises the
    system's own `OSError` and then leaves nothing behind. A run does this for every frame, so it takes plain calls.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            _write_all(handle, data)
            if flush:
                os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _write_all(handle: int, data: bytes) -> None:
    """The system may write less than it is given, when the disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
