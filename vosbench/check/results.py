"""What checks give back, and the one place where an adapter's own exceptions become a result."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from vosbench.check.tallies import Comparison
from vosbench.errors import VosbenchError

T = TypeVar("T")

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One behaviour check: its ``name``, how it ended, and one sentence of ``detail``."""

    name: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureResult:
    """One fixture's comparisons; ``problem`` says why a replay did not come to its end, else ''."""

    name: str
    network: str
    comparisons: tuple[Comparison, ...]
    problem: str = ""

    @property
    def passed(self) -> bool:
        """True where the replay ended and every difference is inside its tolerance."""
        return not self.problem and all(comparison.within for comparison in self.comparisons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """What ``work`` gave, or the words for what it threw."""

    value: T | None
    problem: str


def attempt(work: Callable[[], T]) -> Attempt[T]:
    """Gives back what ``work`` gives, or what went wrong in it, in one line with the place.

    An adapter is somebody else's code, and what it throws is what a check is there to find. So this is the checks'
    cell boundary, the only place of theirs that catches everything.
    """
    try:
        return Attempt(value=work(), problem="")
    except VosbenchError as error:
        return Attempt(value=None, problem=" ".join(str(error).split()))
    except Exception as error:  # noqa: BLE001
        words = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Attempt(value=None, problem=f"{words} ({Path(last.filename).name}, line {last.lineno})")
