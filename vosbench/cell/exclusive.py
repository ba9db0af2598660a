"""The machine, or one of its cards, for one cell at a time: what is timed shares neither with another cell.

The cell takes the lock itself, so no scheduler and no second run can book a card twice; the system gives it back when
the cell's process ends, however it ends and whatever it forked. The locks lie in one folder of the machine, which all
its users share.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from vosbench.errors import StoreError
from vosbench.machine import Machine
from vosbench.store.locks import own

FOLDER_VARIABLE = "VOSBENCH_LOCKS"
"""The environment variable that names another folder of locks than the system's temporary one."""

LOOK = 0.05
"""Seconds between looks at locks that others hold."""

TELL_EVERY = 1.0
"""Seconds between two words that a cell is still waiting."""


@contextlib.contextmanager
def exclusive(device: str, machine: Machine, *, spread: bool, waiting: Callable[[], None]) -> Iterator[str]:
    """Hold what ``device`` computes on; gives back the card's UUID, '' for the CPU.

    A cell on the CPU has the machine for itself. Cells on cards share the machine, each with one card: the one that
    ``device`` names, or with ``spread`` whichever card of the same kind is free first; then that card is made the only
    one, and so ``cuda:0``, which must happen before CUDA starts. ``waiting`` is called now and then while others hold
    it.
    """
    with contextlib.ExitStack() as held:
        if not device.startswith("cuda") or not machine.gpu_uuids:
            _take_one({"machine": ""}, fcntl.LOCK_EX, held, waiting)
            yield ""
            return
        _take_one({"machine": ""}, fcntl.LOCK_SH, held, waiting)
        planned = int(device.partition(":")[2] or 0)
        cards = _candidates(machine, planned, spread=spread)
        uuid = _take_one({card: card for card in cards}, fcntl.LOCK_EX, held, waiting)
        if uuid != machine.gpu_uuids[planned]:
            os.environ["CUDA_VISIBLE_DEVICES"] = uuid
        yield uuid


def _candidates(machine: Machine, planned: int, *, spread: bool) -> Sequence[str]:
    sliced = "MIG-" in os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not spread or planned or sliced:
        return (machine.gpu_uuids[planned],)
    kind = machine.gpus[planned]
    return tuple(uuid for uuid, name in zip(machine.gpu_uuids, machine.gpus, strict=True) if name == kind)


def _take_one(names: Mapping[str, str], how: int, held: contextlib.ExitStack, waiting: Callable[[], None]) -> str:
    """Wait until one of the locks is free, hold it, and give back what it stands for."""
    told = time.monotonic()
    while True:
        for name, value in names.items():
            stream = _open(name)
            try:
                fcntl.flock(stream, how | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.close()
                continue
            held.enter_context(own(stream))
            return value
        if time.monotonic() - told > TELL_EVERY:
            waiting()
            told = time.monotonic()
        time.sleep(LOOK)


def _open(name: str) -> IO[bytes]:
    """Opens a lock's file so that every user of the machine may lock it: to lock a file it need not be written."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or Path(tempfile.gettempdir()) / "vosbench-locks")
    path = folder / f"{name}.lock"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(PermissionError):
                folder.chmod(0o1777)
            path.touch()
            with contextlib.suppress(PermissionError):  # another user was faster
                path.chmod(0o644)  # whatever this user's umask
        return path.open("rb")
    except OSError as error:
        raise StoreError(
            f"the machine cannot be locked: {error.strerror}",
            where=str(path),
            fix=f"name a folder that all users of this machine can write with {FOLDER_VARIABLE}",
        ) from error
