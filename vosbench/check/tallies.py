"""Compares a replay with a fixture frame by frame, and keeps the largest difference of each kind.

The criterion is that of ``parity/networks/README.md``, section "Criterion".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vosbench.check.fixtures import Outputs, StoredFixture
from vosbench.check.thinning import PER_CALL, Probe, thin_grid, thin_logits, thinned
from vosbench.contract import ReferenceFrame
from vosbench.errors import AdapterError

PROBE_ABSOLUTE = 1e-3
PROBE_RELATIVE = 1e-4
"""Probes may differ by 1e-3 plus 1e-4 of the stored value's size."""

CLOSED = -1e9
"""Logits below this belong to channels that are shut off; the official code sets them to -1e10."""

INDEX_SETS = frozenset({"prototype_indices", "survived_indices"})
EXACT_FIELDS = frozenset({"candidates", "before", "after", "max_size", "obj_nums"})
"""What is compared of an event: index lists as sets and, where the replay gives them, these numbers exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One quantity of a fixture: the largest difference found, what it may be, and where it was found."""

    what: str
    difference: float
    tolerance: float
    where: str = ""

    @property
    def within(self) -> bool:
        """True where the difference is inside its tolerance; one that is NaN is not."""
        return self.difference <= self.tolerance


class Tally(Protocol):
    """Watches one quantity over a replay."""

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare frame ``index``."""

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back the result."""


class LabelTally:
    """Counts the pixels whose label differs."""

    def __init__(self, stored: StoredFixture, outputs: Outputs) -> None:
        self._stored, self._labels = stored, outputs.labels
        self._differing = np.zeros(stored.frames, np.int64)

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare the label map of frame ``index``."""
        expected = self._labels[index]
        if np.shape(frame.labels) != expected.shape:
            raise AdapterError(
                f"the replay's labels have shape {np.shape(frame.labels)}, the fixture's {expected.shape}",
                where=f"fixture {self._stored.name}, frame {index}",
                fix="give labels at the clip's size",
            )
        self._differing[index] = np.count_nonzero(expected != frame.labels)

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back the share of differing pixels in the whole clip."""
        share = float(self._differing.sum() / max(1, self._labels.size))
        where = f"most on frame {int(self._differing.argmax())}" if share else ""
        tolerance = self._stored.tolerance.label_fraction
        yield Comparison(what="label_fraction", difference=share, tolerance=tolerance, where=where)


class GridTally:
    """Compares the probabilities at the pixels that the fixture keeps."""

    def __init__(self, stored: StoredFixture, outputs: Outputs) -> None:
        self._stored, self._grid = stored, outputs.grid
        self._shape = outputs.labels.shape[1:]
        self._differences = np.zeros(outputs.grid.shape)
        self._patterns = 0
        self._first_pattern = ""

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare the probabilities of frame ``index``."""
        expected = self._grid[index].astype(np.float64)
        actual = self._thinned(index, frame.probabilities)
        wrong = int(np.count_nonzero(np.isnan(expected) != np.isnan(actual)))
        if wrong and not self._first_pattern:
            self._first_pattern = f"first on frame {index}"
        self._patterns += wrong
        self._differences[index] = np.nan_to_num(np.abs(expected - actual), nan=0.0)

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back the 99.9 % quantile, the maximum, and in how many values the NaN pattern differs."""
        limit = self._stored.tolerance
        per_frame = self._differences.reshape(self._stored.frames, -1).max(axis=1, initial=0.0)
        where = f"frame {int(per_frame.argmax())}" if per_frame.size else ""
        known = self._differences[~np.isnan(self._grid)]
        p999 = float(np.quantile(known, 0.999)) if known.size else 0.0
        yield Comparison(what="prob_p999", difference=p999, tolerance=limit.prob_p999)
        largest = float(per_frame.max(initial=0.0))
        yield Comparison(what="prob_max", difference=largest, tolerance=limit.prob_max, where=where)
        yield Comparison(what="nan_pattern", difference=self._patterns, tolerance=0, where=self._first_pattern)

    def _thinned(self, index: int, probabilities: NDArray[Any] | None) -> NDArray[np.float64]:
        channels = self._grid.shape[1]
        if probabilities is None:
            return np.full(self._grid.shape[1:], np.nan)
        if probabilities.ndim != 3 or probabilities.shape[1:] != self._shape or len(probabilities) > channels:
            raise AdapterError(
                f"the replay's probabilities are {probabilities.shape}, the fixture's {(channels, *self._shape)}",
                where=f"fixture {self._stored.name}, frame {index}",
                fix="give (1 + objects, height, width) at the clip's size, background first",
            )
        full = np.full((channels, *self._shape), self._stored.family.absent)
        full[: len(probabilities)] = probabilities
        return thin_grid(full, self._stored.grid_subsample)


class LogitTally:
    """Compares the stride-4 logits of each engine (AOT, DeAOT, MAVOS)."""

    def __init__(self, stored: StoredFixture, outputs: Outputs) -> None:
        self._stored, self._logits = stored, outputs.logits
        self._worst = (0.0, "")
        self._missing: list[str] = []

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare every engine's logits of frame ``index``."""
        for engine, stored in self._logits.items():
            expected = stored[index].astype(np.float64)
            name = f"logits_stride4_engine{engine}"
            actual = self._thinned(frame.probes.get(name), expected.shape)
            where = f"{name}, frame {index}"
            if actual is None or not np.array_equal(np.isnan(expected), np.isnan(actual)):
                self._missing.append(where)
                continue
            largest = float(np.nan_to_num(np.abs(expected - actual), nan=0.0).max(initial=0.0))
            self._worst = max(self._worst, (largest, where))

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back the largest difference, and how many logits are missing or open another set of channels."""
        tolerance = self._stored.tolerance.logit_max
        if not self._logits or tolerance is None:
            return
        yield Comparison(what="logit_max", difference=self._worst[0], tolerance=tolerance, where=self._worst[1])
        where = f"first {self._missing[0]}" if self._missing else ""
        yield Comparison(what="logits missing", difference=len(self._missing), tolerance=0, where=where)

    def _thinned(self, logits: NDArray[Any] | None, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Gives back the replay's logits as stored: closed channels NaN, as many channels as there are objects."""
        if logits is None:
            return np.full(shape, np.nan)
        kept = thin_logits(np.asarray(logits, np.float64), self._stored.logits_subsample)
        if kept.ndim != 3 or kept.shape[1:] != shape[1:]:
            return None
        full = np.full(shape, np.nan)
        count = min(len(kept), shape[0])
        full[:count] = np.where(kept[:count] < CLOSED, np.nan, kept[:count])
        return full


class SizeTally:
    """Compares the memory sizes, which must be equal."""

    def __init__(self, stored: StoredFixture) -> None:
        self._stored = stored
        self._calls: dict[str, list[Any]] = {name: [] for name in stored.sizes}
        self._wrong: dict[str, list[int]] = {name: [] for name in stored.sizes}

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare every memory size after frame ``index``."""
        for name, expected in self._stored.sizes.items():
            if self._stored.family.sizes[name] is PER_CALL:
                self._take_calls(name, index, frame.sizes.get(name, ()))
            elif _plain(frame.sizes.get(name)) != _plain(expected[index]):
                self._wrong[name].append(index)

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back on how many frames each size differs."""
        for name, frames in self._wrong.items():
            per_call = self._stored.family.sizes[name] is PER_CALL
            short = per_call and len(self._calls[name]) < len(self._stored.sizes[name])
            wrong = frames + [self._stored.frames] * short
            where = f"first on frame {wrong[0]}" if wrong else ""
            yield Comparison(what=name, difference=len(wrong), tolerance=0, where=where)

    def _take_calls(self, name: str, index: int, sizes: Iterable[Any]) -> None:
        """A frame's calls are the next ones of the fixture's list."""
        begin = len(self._calls[name])
        self._calls[name].extend(_plain(size) for size in sizes)
        expected = [_plain(size) for size in self._stored.sizes[name][begin : len(self._calls[name])]]
        if self._calls[name][begin:] != expected:
            self._wrong[name].append(index)


class EventTally:
    """Compares what happened to the memory: kinds in order, index lists as sets, numbers exactly."""

    def __init__(self, stored: StoredFixture) -> None:
        self._stored = stored
        self._wrong: list[str] = []

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare the events of frame ``index``."""
        expected = [event for event in self._stored.events if event["t"] == index]
        if [_kind(event) for event in expected] != [_kind(event) for event in frame.events]:
            self._wrong.append(f"frame {index}")
            return
        for ours, theirs in zip(frame.events, expected, strict=True):
            self._wrong += [f"{name}, frame {index}" for name in theirs if not _same(name, ours, theirs)]

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back how many events differ, where the fixture has any or the replay gave one."""
        if self._stored.events or self._wrong:
            where = f"first {self._wrong[0]}" if self._wrong else ""
            yield Comparison(what="events", difference=len(self._wrong), tolerance=0, where=where)


class ProbeTally:
    """Compares intermediate tensors: 1 is a difference of 1e-3 plus 1e-4 of the value."""

    def __init__(self, stored: StoredFixture, outputs: Outputs, probes: tuple[Probe, ...]) -> None:
        self._stored, self._outputs = stored, outputs
        self._waiting = {probe.name: probe for probe in probes}
        self._worst = (0.0, "")
        self._unlike: list[str] = []

    def take(self, index: int, frame: ReferenceFrame) -> None:
        """Compare the probes that frame ``index`` brings."""
        for probe in list(self._waiting.values()):
            tensor = _tensor(probe, index, frame.probes)
            if tensor is None:
                continue
            del self._waiting[probe.name]
            self._compare(probe, np.asarray(tensor))

    def comparisons(self) -> Iterable[Comparison]:
        """Gives back the largest difference in units of its tolerance, and how many probes are missing."""
        if not self._outputs.probes:
            return
        yield Comparison(what="probes", difference=self._worst[0], tolerance=1.0, where=self._worst[1])
        missing = [*self._unlike, *self._waiting]
        where = f"first {missing[0]}" if missing else ""
        yield Comparison(what="probes missing", difference=len(missing), tolerance=0, where=where)

    def _compare(self, probe: Probe, tensor: NDArray[Any]) -> None:
        expected = self._outputs.probes[probe.name].astype(np.float64)
        actual = thinned(tensor, probe, self._stored.family)
        if actual is None or actual.shape != expected.shape:
            shape = "too few axes" if actual is None else f"{actual.shape} after thinning, stored {expected.shape}"
            self._unlike.append(f"{probe.name} ({shape})")
            return
        allowed = PROBE_ABSOLUTE + PROBE_RELATIVE * np.abs(expected)
        ratio = np.abs(expected - actual.astype(np.float64)) / allowed
        largest = float(ratio.max(initial=0.0))
        self._worst = max(self._worst, (largest if largest == largest else float("inf"), probe.name))


def all_tallies(stored: StoredFixture, outputs: Outputs, probes: tuple[Probe, ...]) -> tuple[Tally, ...]:
    """Gives back a tally for everything that the criterion names."""
    return (
        GridTally(stored, outputs),
        LabelTally(stored, outputs),
        LogitTally(stored, outputs),
        SizeTally(stored),
        EventTally(stored),
        ProbeTally(stored, outputs, probes),
    )


def _tensor(probe: Probe, index: int, given: Mapping[str, NDArray[Any]]) -> NDArray[Any] | None:
    """Gives back a probe by its full name on any frame, or by its base name on its own."""
    if probe.name in given:
        return given[probe.name]
    return given.get(probe.base) if probe.frame == index else None


def _kind(event: Mapping[str, Any]) -> Any:
    return event.get("kind", "")


def _same(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    if name in INDEX_SETS:
        return set(_plain(ours.get(name)) or ()) == set(theirs[name])
    return name not in EXACT_FIELDS or name not in ours or _plain(ours[name]) == _plain(theirs[name])


def _plain(value: Any) -> Any:
    """Gives back NumPy numbers, arrays and tuples as Python numbers and lists, so that equality means equal."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
