"""What counts as out of memory, and the series of a cell while it runs."""

from __future__ import annotations

import errno

import cv2
import pytest

from vosbench.cell.recording import _out_of_memory
from vosbench.cell.series import Series
from vosbench.meters.device import Memory
from vosbench.meters.host_memory import HostMemory
from vosbench.session import FrameRow


class OutOfMemoryError(RuntimeError):
    """Named as torch's own."""


def _opencv(code):
    """OpenCV's own error, which says by a code what it was: -4 is StsNoMem."""
    error = cv2.error("OpenCV")
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"), True),
        (RuntimeError("CUDA driver error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (_opencv(-4), True),
        (_opencv(-215), False),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
)
def test_torchs_pythons_and_the_cpu_allocators_errors_are_out_of_memory(error, expected):
    assert expected == _out_of_memory(error)


def test_a_series_keeps_what_came_late_and_what_was_not_measured():
    series = Series(3)
    memory = Memory(host=HostMemory(live=None, resident=5, peak_resident=6))
    for index in range(2):
        footprint = {"late": 9} if index else {}
        series.add(
            FrameRow(index=index, name=str(index), seconds=0.5, core_seconds=None, memory=memory, footprint=footprint)
        )
    assert [0.5, 0.5] == list(series.column("seconds"))
    assert [True, False] == [value != value for value in series.column("footprint.late")]
    assert [True, True] == [value != value for value in series.column("live")]
    assert 2 == series.column("no such column").size
