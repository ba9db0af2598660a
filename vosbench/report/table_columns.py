"""The columns that tables choose from, each with what makes its values better and what must be said about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vosbench.report.measures import MIB
from vosbench.report.rows import MethodRow
from vosbench.report.table import Column, Notes

HEADLINES = ("J&F-Mean", "G", "AP")
"""The score that a suite is ranked by, by its name in a row: the first of these that its protocol gives."""

MINUTE = 24 * 60
"""Frames. "Per minute" means a minute of video at 24 frames per second, the rate of DAVIS."""

CONSTANT = {"bounded": "yes", "growing": "no", "too short": "?"}


def headline_of(row: MethodRow) -> str:
    """Gives back the name of a row's headline score, '' where it has none."""
    return next((name for name in HEADLINES if name in row.scores), "")


def score_column(name: str) -> Column:
    """Gives back the column of a score, in percent."""
    return Column(
        key=name,
        title=name.removesuffix("-Mean"),
        decimals=1,
        better="neither" if name.endswith("Decay") else "higher",
        value=lambda row: _shown_scores(row).get(name),
        accuracy=True,
        deviation=lambda row: row.deviations.get(name),
        note=_coverage_note,
    )


def _shown_scores(row: MethodRow) -> Mapping[str, float]:
    """Where memory ran out, those over the frames that were answered: marked, and never ranked."""
    return row.measures.so_far or row.scores


def _coverage_note(row: MethodRow) -> str:
    if not row.measures.so_far or row.measures.coverage is None:
        return ""
    return f"score so far: {row.measures.coverage:.0%} of the frames were answered before memory ran out"


def score_columns(rows: Sequence[MethodRow]) -> list[Column]:
    """Gives back a column for each score that any row has."""
    return [score_column(name) for name in dict.fromkeys(name for row in rows for name in _shown_scores(row))]


def change_column(shorter: dict[str, MethodRow], times: tuple[int, int]) -> Column:
    """Gives back the column of the headline score's change from a suite played less often (XMem, table 1).

    ``shorter`` holds the rows of that suite by identity.
    """

    def change(row: MethodRow) -> float | None:
        other, name = shorter.get(row.identity), headline_of(row)
        if other is None or name not in other.scores or not (other.complete and row.complete):
            return None
        return row.scores[name] - other.scores[name]

    title = f"change {times[0]}x to {times[1]}x"
    return Column(key="change", title=title, decimals=1, better="neither", value=change, accuracy=True)


def growth_note(row: MethodRow) -> str:
    """Gives back which rule a row's growth is of, with its verdict."""
    if row.growth is None or row.growth.per_frame is None:
        return ""
    if row.growth.verdict == "too short":
        return "video too short for a verdict on growth: slope of its second half"
    if row.growth.frames_100_to_200 is None:
        return f"{row.growth.verdict}: slope of the video's second half; XMem's rule needs 200 frames"
    return f"{row.growth.verdict}; (frame 200 - frame 100) / 100"


def _growth(row: MethodRow) -> float | None:
    if row.growth is None or row.growth.per_frame is None:
        return None
    return row.growth.per_frame / MIB


def _per_minute(row: MethodRow) -> float | None:
    growth = _growth(row)
    return growth * MINUTE if growth is not None else None


def _constant(row: MethodRow, notes: Notes) -> str:  # noqa: ARG001 - the signature of Column.word
    return CONSTANT[row.growth.verdict] if row.growth is not None else ""


def _constant_number(row: MethodRow) -> float | None:
    verdicts = {"bounded": 1.0, "growing": 0.0}
    return verdicts.get(row.growth.verdict) if row.growth is not None else None


FPS = Column(
    key="frames_per_second",
    title="FPS",
    decimals=2,
    better="higher",
    value=lambda row: row.frames_per_second,
    note=lambda row: "; ".join(text for text in (row.measures.short, row.measures.disturbed) if text),
)
MEDIAN = Column(key="median_ms", title="median ms", decimals=1, better="lower", value=lambda row: row.median_ms)
FPS_LOW = Column(
    key="frames_per_second_low",
    title="FPS 95 % from",
    decimals=2,
    better="neither",
    value=lambda row: row.measures.speed.low if row.measures.speed is not None else None,
)
FPS_HIGH = Column(
    key="frames_per_second_high",
    title="to",
    decimals=2,
    better="neither",
    value=lambda row: row.measures.speed.high if row.measures.speed is not None else None,
)
P90 = Column(key="p90_ms", title="p90 ms", decimals=1, better="lower", value=lambda row: row.measures.p90_ms)
P99 = Column(key="p99_ms", title="p99 ms", decimals=1, better="lower", value=lambda row: row.p99_ms)
CORE = Column(
    key="core_frames_per_second",
    title="core FPS",
    decimals=2,
    better="higher",
    value=lambda row: row.core_frames_per_second,
)
SLOWING = Column(
    key="slope_ms_per_1000_frames",
    title="ms/1000 frames",
    decimals=2,
    better="lower",
    value=lambda row: 1000 * row.measures.slope_ms.value if row.measures.slope_ms is not None else None,
)
ENERGY = Column(
    key="energy_wh_per_10_minutes",
    title="Wh/10 min",
    decimals=2,
    better="lower",
    value=lambda row: row.measures.wh_per_ten_minutes,
)
OPERATIONS = Column(key="gmacs", title="GMACs", decimals=1, better="neither", value=lambda row: row.measures.gmacs)
DROPPED = Column(
    key="dropped_frames", title="dropped", decimals=0, better="lower", value=lambda row: row.measures.dropped
)
PEAK = Column(key="peak_mib", title="peak MiB", decimals=0, better="lower", value=lambda row: row.peak_mib)
GROWTH = Column(
    key="growth_mib_per_frame", title="MiB/frame", decimals=3, better="lower", value=_growth, note=growth_note
)
PER_MINUTE = Column(key="growth_mib_per_minute", title="MiB/min", decimals=1, better="lower", value=_per_minute)
CONSTANT_COST = Column(
    key="constant_cost", title="constant", decimals=0, better="neither", value=_constant_number, word=_constant
)
COMPRESSION = Column(
    key="compression_percent", title="compression %", decimals=0, better="neither", value=lambda row: row.compression
)
PARAMETERS = Column(
    key="parameters_millions", title="params M", decimals=1, better="neither", value=lambda row: row.parameters
)
AFTER_LOAD = Column(
    key="after_load_mib", title="loaded MiB", decimals=0, better="lower", value=lambda row: row.after_load_mib
)
PROCESS = Column(key="process_mib", title="device MiB", decimals=0, better="lower", value=lambda row: row.process_mib)
ALLOCATED = Column(
    key="allocated_mib",
    title="allocated MiB",
    decimals=0,
    better="lower",
    value=lambda row: row.measures.allocated_mib,
)
RESERVED = Column(
    key="reserved_mib", title="reserved MiB", decimals=0, better="lower", value=lambda row: row.measures.reserved_mib
)
HOST = Column(key="host_mib", title="host MiB", decimals=0, better="lower", value=lambda row: row.host_mib)


def where_measured(columns: Sequence[Column], rows: Sequence[MethodRow]) -> list[Column]:
    """Gives back the columns in which any row has something."""
    return [
        column
        for column in columns
        if any(column.value(row) is not None or (column.word is not None and column.word(row, Notes())) for row in rows)
    ]


def on_suite(column: Column, suite: str) -> Column:
    """Gives back a column that shows each line's row of ``suite``, with the suite above its title."""
    return replace(column, key=f"{suite} {column.key}", suite=suite, group=suite)


def differences(column: Column, reference: Callable[[MethodRow], MethodRow | None]) -> Column:
    """Gives back the column of a value's difference from that of each row's reference (the tables of ablations)."""

    def difference(row: MethodRow) -> float | None:
        other = reference(row)
        value, base = column.value(row), column.value(other) if other is not None else None
        if other is None or other is row or value is None or base is None:
            return None
        alike = other.planned == row.planned and other.cut_frames == row.cut_frames and row.complete and other.complete
        return value - base if alike else None

    return replace(
        column, key=f"{column.key} difference", title=f"Δ {column.title}", better="neither", value=difference,
        deviation=None, word=None, note=None,
    )  # fmt: skip
