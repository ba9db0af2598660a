"""Host memory of this process: live bytes of the allocator, resident set, and the resident set's peak."""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_MALLINFO2 = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """Bytes, or None where this system does not tell.

    ``live`` counts what is allocated and not freed (glibc's ``mallinfo2``: arenas and mapped blocks), so it falls
    when a tensor is freed, which the resident set need not do.
    """

    live: int | None
    resident: int | None
    peak_resident: int | None


class _Mallinfo2(ctypes.Structure):
    """``struct mallinfo2`` of glibc 2.33 and later."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO2)
    hblkhd: int
    uordblks: int


def read_host_memory() -> HostMemory:
    """Gives back this process's memory now; costs well under 0.1 ms."""
    resident, peak = _resident()
    return HostMemory(live=live_bytes(), resident=resident, peak_resident=peak)


def live_bytes() -> int | None:
    """Gives back the allocator's live bytes, or None where the C library has no ``mallinfo2``."""
    call = _mallinfo2()
    if call is None:
        return None
    info = call()
    return int(info.uordblks) + int(info.hblkhd)


def reset_peak_resident() -> bool:
    """Lower the peak of the resident set to its present value; False where the system cannot.

    Writing 5 to ``/proc/self/clear_refs`` does it (Linux, proc(5)).
    """
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


@functools.cache
def _mallinfo2() -> ctypes._NamedFuncPointer | None:
    try:
        call = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return None
    call.restype = _Mallinfo2
    call.argtypes = []
    return call


def _resident() -> tuple[int | None, int | None]:
    try:
        text = _STATUS.read_text()
    except OSError:
        return None, None
    values = dict(line.split(":", 1) for line in text.splitlines() if line.startswith(("VmRSS", "VmHWM")))
    return _kib(values.get("VmRSS")), _kib(values.get("VmHWM"))


def _kib(text: str | None) -> int | None:
    return int(text.split()[0]) * 1024 if text else None
