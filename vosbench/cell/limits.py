"""What a cell is held to: one core, so many bytes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")
_STATUS = Path("/proc/self/status")


@contextlib.contextmanager
def pinned_to_one_core() -> Iterator[int]:
    """Keep every thread of this process, and those that it starts, on one core; gives back that core's number.

    It is the last one that the process may use: the system's own work gathers on the first.
    """
    allowed = os.sched_getaffinity(0)
    core = max(allowed)
    _pin({core})
    try:
        yield core
    finally:
        _pin(allowed)


@contextlib.contextmanager
def within_budget(device: str, budget: int | None) -> Iterator[None]:
    """Make an allocation fail that would take more than ``budget`` bytes: on CUDA of torch's allocator, else of data.

    What is held already counts. None stands for no limit.
    """
    if budget is None:
        yield
        return
    with _within_cuda_budget(device, budget) if device.startswith("cuda") else _within_data_budget(budget):
        yield


@contextlib.contextmanager
def _within_cuda_budget(device: str, budget: int) -> Iterator[None]:
    import torch

    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, budget / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


@contextlib.contextmanager
def _within_data_budget(budget: int) -> Iterator[None]:
    """Limit the process's private memory (RLIMIT_DATA).

    The system counts what is mapped. What is mapped by now and was never touched (threads' stacks, what libraries set
    aside) is no memory, so the limit lies that much higher. Only the soft limit is lowered: what is left of a cell
    must still be written when it was hit. Raises `MemoryError` where more than the budget is held already.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    _give_back_freed()
    mapped, touched = _kib("VmData"), _kib("RssAnon")
    if touched > budget:
        raise MemoryError(f"{touched >> 20} MiB are held before the first frame, the budget is {budget >> 20} MiB")
    limit = budget + max(0, mapped - touched)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _give_back_freed() -> None:
    """Freed blocks that the allocator keeps would serve allocations beyond the limit (glibc's ``malloc_trim``)."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _pin(cores: set[int]) -> None:
    """Pin each thread: those that libraries started on import are not the caller's."""
    for task in _TASKS.iterdir() if _TASKS.is_dir() else ():
        with contextlib.suppress(ProcessLookupError):  # a thread that ended meanwhile
            os.sched_setaffinity(int(task.name), cores)
    os.sched_setaffinity(0, cores)


def _kib(key: str) -> int:
    """Gives back bytes from a line ``key: N kB`` of the process's status."""
    found = re.search(rf"^{key}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else 0
