"""The compiled pass: where it may be cached, and that the cache does not matter."""

from __future__ import annotations

import os
import subprocess
import sys

from vosbench.metrics import kernel

_PROGRAM = (
    "import numpy as np; from vosbench.metrics.jf import count_frame;"
    "dot = np.zeros((9, 9), np.uint8); dot[4, 4] = 1;"
    "print(count_frame(dot, dot, (1,)).matched_truth.item())"
)


def test_without_a_folder_for_its_cache_numba_compiles_in_memory(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernel.numba, "njit", njit)
    assert len is kernel.compiled(len)
    assert [{"nogil": True, "cache": True}, {"nogil": True}] == asked


def test_a_cache_folder_that_cannot_be_made_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("in the way")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache"), "HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, env=environment
    )
    assert (0, "4\n") == (done.returncode, done.stdout)
