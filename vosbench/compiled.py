"""Compiled functions with a cache on disk. Importing this module loads numba: import it where the first is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numba

_LINEAR_ALGEBRA = "scipy.linalg"


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives back ``function`` compiled, with a cache on disk where numba finds a folder that it may write."""
    compiled: Callable[..., Any]
    try:
        compiled = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba found no folder for its cache
        compiled = numba.njit(nogil=True)(function)
    return compiled


def leave_out_linear_algebra() -> None:
    """Keep numba from importing SciPy's linear algebra, which no kernel takes: a tenth of a short scoring's CPU time.

    For a process that runs no method: numba's products of matrices are missing in it from then on. Where SciPy's are
    loaded already nothing is left out.
    """
    if _LINEAR_ALGEBRA in sys.modules:
        return
    # None is what says that a module is not there.
    sys.modules[_LINEAR_ALGEBRA] = None  # type: ignore[assignment]
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[_LINEAR_ALGEBRA]
