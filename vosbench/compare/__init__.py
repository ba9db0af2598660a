"""Compares two runs, or two methods of one, video by video: what got worse, what better, what shows no difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.compare.bootstrap import FEWEST, Interval
from vosbench.compare.instances import instance_accuracy
from vosbench.compare.measures import Comparison, Verdict, VideoPair, accuracy, memory, speed
from vosbench.compare.sides import (
    Side,
    failed,
    left_out,
    other_machine,
    read_sides,
    refuse_other_frames,
    refuse_others,
    same_answers,
)
from vosbench.errors import UsageError, nearest
from vosbench.store.run import Run

__all__ = ["FEWEST", "Compared", "Comparison", "Interval", "VideoPair", "compare_methods", "compare_runs"]

ORDER: tuple[Verdict, ...] = ("worse", "too few videos", "no difference seen", "the same", "better")
"""Regressions first, then what nobody can tell."""

DRIFT = "Speed of two runs differs by the machine's state as well; methods of one run with --repeats are interleaved."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Comparisons with the regressions first; videos that did not go through; what could not be compared, and why."""

    comparisons: tuple[Comparison, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def compare_runs(a: Run, b: Run, *, suites: Sequence[str] = (), methods: Sequence[str] = ()) -> Compared:
    """Gives back what changed from run ``a`` to run ``b`` in the methods and suites that both hold.

    Raises `UsageError` where they share none, and where a suite's protocol, split, frames or prompts differ.
    """
    sides_a, sides_b = read_sides(a, suites, methods), read_sides(b, suites, methods)
    shared = [key for key in sides_a if key in sides_b]
    if not shared:
        raise UsageError(
            "these runs share no method on a suite",
            where=f"{a.path} has {_list(sides_a)}; {b.path} has {_list(sides_b)}",
            fix="to compare two methods, run both into one folder and name it once: vosbench compare RUN --methods A,B",
        )
    notes = [DRIFT]
    notes += [f"only in {run.path.name}: {_list(set(own) - set(shared))}" for run, own in ((a, sides_a), (b, sides_b))
             if set(own) - set(shared)]  # fmt: skip
    return _ordered([_compare_sides(sides_a[key], sides_b[key]) for key in shared], notes)


def compare_methods(run: Run, a: str, b: str, *, suites: Sequence[str] = ()) -> Compared:
    """Gives back what changes from method ``a`` to method ``b`` of one run, on every suite that both were run on."""
    sides = read_sides(run, suites, ())
    known = {label for _, label in sides}
    for name in (a, b):
        if name not in known:
            raise UsageError(f"this run has no method '{name}'", where=str(run.path), fix=nearest(name, known))
    shared = [suite for suite, label in sides if label == a and (suite, b) in sides]
    if not shared:
        raise UsageError(f"'{a}' and '{b}' were run on no common suite", where=str(run.path))
    return _ordered([_compare_sides(sides[suite, a], sides[suite, b]) for suite in shared], [])


def _compare_sides(a: Side, b: Side) -> Compared:
    """Gives back the comparisons of one method on one suite with another, or with itself in another run."""
    refuse_others(a.spec, b.spec)
    videos = [video for video in a.records if video in b.records]
    refuse_other_frames(a, b, videos)
    label = a.label if a.label == b.label else f"{a.label} to {b.label}"
    where = f"{a.spec.suite.title}, {label}"
    failures = [f"{where}: {text}" for text in failed(a, b)]
    notes = [f"{where}: {text}" for text in left_out(a, b, videos)]
    found: list[Comparison] = []
    if videos:
        if same_answers(a, b, videos):
            notes.append(f"{where}: every answer is the same, pixel by pixel")
        compared, reason = _accuracy(a, b, videos)
        found += compared
        notes += [f"{where}: {reason}"] * bool(reason)
        if reason := other_machine(a.spec, b.spec):
            notes.append(f"{where}: speed and memory are not compared: {reason}")
        else:
            found += [*speed(a, b, videos), *memory(a, b, videos)]
    return Compared(comparisons=tuple(found), failures=tuple(failures), notes=tuple(notes))


def _accuracy(a: Side, b: Side, videos: Sequence[str]) -> tuple[list[Comparison], str]:
    """Gives back the comparisons of scores, or why there are none."""
    if a.spec.suite.task == "vis":
        return instance_accuracy(a, b, videos)
    if all(video in side.scores for side in (a, b) for video in videos):
        return accuracy(a, b, videos), ""
    return [], "no accuracy on both sides"


def _ordered(parts: Sequence[Compared], notes: Sequence[str]) -> Compared:
    """All comparisons, regressions first, those of one verdict by the share of the value that was lost."""
    found = [comparison for part in parts for comparison in part.comparisons]
    found.sort(key=lambda one: (ORDER.index(one.verdict), -one.loss))
    return Compared(
        comparisons=tuple(found),
        failures=tuple(failure for part in parts for failure in part.failures),
        notes=(*(note for part in parts for note in part.notes), *notes),
    )


def _list(keys: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted(f"{label} on {title}" for title, label in keys)) or "nothing"
