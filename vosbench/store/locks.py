"""Locks end with the process that took them: what it forked meanwhile does not hold them on."""

from __future__ import annotations

import os
import weakref
from typing import IO

_HELD: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()


def own(stream: IO[bytes]) -> IO[bytes]:
    """Gives back ``stream``, a locked file, which is closed in every process that this one forks from now on.

    The system gives a lock (flock(2)) back when the last process has closed the file. A worker of a data loader that
    outlives its killed parent would keep it.
    """
    _HELD.add(stream)
    return stream


def _close_all() -> None:
    for stream in list(_HELD):
        stream.close()  # and not unlocked: that would take the lock from the parent as well


os.register_at_fork(after_in_child=_close_all)
