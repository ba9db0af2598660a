"""One function over many things, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def each(function: Callable[..., T], calls: Sequence[tuple[Any, ...]], workers: int) -> list[T]:
    """Gives back ``function(*call)`` for each of ``calls``, in their order, with ``workers`` processes (joblib's loky).

    What one of them raises is raised here.
    """
    if workers == 1 or len(calls) < 2:
        return [function(*call) for call in calls]
    import joblib

    with joblib.parallel_config(backend="loky", n_jobs=min(workers, len(calls))):
        found: list[T] = joblib.Parallel()(joblib.delayed(function)(*call) for call in calls)
    return found
