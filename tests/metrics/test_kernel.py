"""The compiled pass: where it may be cached, and that the cache does not matter."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench import compiled
from vosbench.metrics.kernel import _matched

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

    monkeypatch.setattr(compiled.numba, "njit", njit)
    assert len is compiled.compiled(len)
    assert [{"nogil": True, "cache": True}, {"nogil": True}] == asked


def test_a_cache_folder_that_cannot_be_made_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("in the way")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache"), "HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, env=environment
    )
    assert (0, "4\n") == (done.returncode, done.stdout)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 150), st.floats(0, 0.3))
def test_points_match_where_the_disk_around_another_covers_them(seed, height, width, share):
    """Against the definition, on boxes wider than a word of 64 bits."""
    generator = np.random.default_rng(seed)
    own, other = (np.argwhere(generator.random((height, width)) < share).astype(np.int32) for _ in range(2))
    radius = int(generator.integers(1, 20))
    reaches = np.array([math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1)], np.int64)
    squares = ((own[:, None].astype(np.int64) - other[None]) ** 2).sum(axis=2)
    expected = int((squares <= radius * radius).any(axis=1).sum()) if len(other) else 0
    assert expected == _matched(own, other, reaches)
