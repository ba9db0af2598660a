"""Published numbers beside measured ones: columns of their own, marked wherever they were taken otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vosbench.published import METRICS, PublishedNumber
from vosbench.published.reading import read_papers
from vosbench.report.published import NOT_NAMED, shown
from vosbench.report.rows import MethodRow
from vosbench.report.study import SIZES
from vosbench.report.table import Column, Notes

PUBLISHED = "published"

METRIC_OF: Mapping[str, str] = {
    **{f"{name}-Mean": name for name in ("J&F", "J", "F", "J-seen", "F-seen", "J-unseen", "F-unseen")},
    **{name: name for name in ("G", "AP", "AP50", "AP75", "AR1")},
    **{short: name for name, short in SIZES.items()},
    "frames_per_second": "frames_per_second",
    "median_ms": "milliseconds_per_frame",
    "peak_mib": "peak_memory",
    "parameters_millions": "parameters",
    "constant_cost": "constant_cost",
    "compression_percent": "compression_ratio",
    "energy_wh_per_10_minutes": "energy",
    "change": "J&F change from 1x to 3x",
}
"""The published metric that stands beside a measured column."""

DEVICE, PRECISION, CLOCK, PROTOCOL = "†", "‡", "§", "¶"
MARKS = (
    f"Published, never ranked with measured: {DEVICE} on another device, or one that the paper does not name; "
    f"{PRECISION} at another precision, or one that it does not name; {CLOCK} by another clock; "
    f"{PROTOCOL} by another protocol, on other videos or with other weights."
)

_INPUT = re.compile(r"\b(\d{3,4})p\b")
_INTERVAL = re.compile(r"\br = (\d+)\b")
_OFFSETS = re.compile(r"\b(\d+) insertion offsets\b")


def beside_columns(
    columns: Sequence[Column], rows: Sequence[MethodRow], numbers: Sequence[PublishedNumber]
) -> list[Column]:
    """Gives back, for each column of which a paper prints something about any of ``rows``, a column of that."""
    beside: list[Column] = []
    papers = {key: paper.short for key, paper in read_papers().items()} if numbers else {}
    for column in columns:
        metric = METRIC_OF.get(column.key.split()[-1], "")
        found = [row for row in rows if metric and not row.video and matching(row, numbers, metric)]
        if any(not column.suite or row.suite_title == column.suite for row in found):
            beside.append(_beside(column, metric, numbers, papers))
    return beside


def is_published(column: Column) -> bool:
    """Tells whether a column holds what papers print."""
    return column.key.startswith(f"{PUBLISHED} ")


def beside_footers(columns: Sequence[Column]) -> list[str]:
    """Gives back what the marks mean, where a column holds what papers print."""
    return [MARKS] * any(map(is_published, columns))


def matching(row: MethodRow, numbers: Sequence[PublishedNumber], metric: str) -> list[PublishedNumber]:
    """Gives back the numbers of a metric about the same method, variant and suite as ``row``."""
    name, *variants = row.method.split("@")
    return [
        number
        for number in numbers
        if (number.method, number.metric) == (name, metric)
        and number.suite in (row.suite, "")
        and {part for part in number.variant.split(", ") if part} == {*variants, *row.changed}
    ]


def differences(number: PublishedNumber, row: MethodRow) -> dict[str, str]:
    """Gives back the marks that a number earns beside ``row``, and the reason for each.

    A device is the same where the row's description names it; no paper's clock is this harness's. What a paper does
    not name counts as other.
    """
    found: dict[str, str] = {}
    if METRICS[number.metric].machine:
        if not number.hardware or number.hardware not in row.device:
            found[DEVICE] = number.hardware or f"device {NOT_NAMED}"
        if number.precision != row.mode.split(",")[0]:
            found[PRECISION] = number.precision or f"precision {NOT_NAMED}"
        if number.metric not in ("peak_memory", "energy"):
            found[CLOCK] = f"clock: {number.clock or NOT_NAMED}"
    reasons = _protocol_reasons(number, row)
    if reasons:
        found[PROTOCOL] = "; ".join(reasons)
    return found


def _beside(column: Column, metric: str, numbers: Sequence[PublishedNumber], papers: Mapping[str, str]) -> Column:
    return replace(
        column,
        key=f"{PUBLISHED} {column.key}",
        group=f"{PUBLISHED} {column.group}".strip(),
        better="neither",
        value=lambda _: None,
        deviation=None,
        note=None,
        word=_word(metric, numbers, papers),
    )


def _word(
    metric: str, numbers: Sequence[PublishedNumber], papers: Mapping[str, str]
) -> Callable[[MethodRow, Notes], str]:
    def word(row: MethodRow, notes: Notes) -> str:
        """ "22.6†‡§(b) / 8.4†‡§(c)": each value once, with its marks and where it stands."""
        voices: dict[tuple[str, str], dict[tuple[str, str], list[str]]] = {}
        for number in matching(row, numbers, metric):
            marks = differences(number, row)
            reasons = "; ".join([*marks.values(), *_reservations(number)])
            places = voices.setdefault((shown(number), "".join(marks)), {})
            places.setdefault((papers[number.paper], reasons), []).append(number.table)
        return " / ".join(
            text + marks + "".join(f"({notes.letter(_voice(*place, tables))})" for place, tables in places.items())
            for (text, marks), places in voices.items()
        )

    return word


def _voice(paper: str, reasons: str, tables: list[str]) -> str:
    """ "XMem, tables 2, 4; NVIDIA V100"."""
    numbered = [table for table in dict.fromkeys(tables) if table != "prose"]
    place = [f"table{'s' * (len(numbered) > 1)} {', '.join(numbered)}"] * bool(numbered)
    place += ["running text"] * ("prose" in tables)
    return "; ".join(part for part in (f"{paper}, {', '.join(place)}", reasons) if part)


def _reservations(number: PublishedNumber) -> list[str]:
    return [text for text in (number.reservation, number.note) if text]


def _protocol_reasons(number: PublishedNumber, row: MethodRow) -> list[str]:
    """Why a number was not taken as the row was, as far as the paper names it and the record knows it."""
    reasons = ["here a smaller network"] * row.mini
    if not number.suite and not METRICS[number.metric].machine:
        return reasons
    reasons += ["here on synthetic videos"] * row.synthetic
    if row.cut_frames is not None:
        reasons.append(f"here cut to {row.cut_frames} frames")
    if row.official_videos > row.videos:
        reasons.append(f"here {row.videos} of {row.official_videos} videos")
    reasons += [f"here {row.weights}"] * row.weights.startswith("random")
    return reasons + (_named_differences(number.protocol, row) if number.suite else [])


def _named_differences(protocol: str, row: MethodRow) -> list[str]:
    known = {
        "input ": (_INPUT.search(protocol), row.settings.get("size"), "p"),
        "r = ": (_INTERVAL.search(protocol), row.settings.get("mem_every"), ""),
        "offsets: ": (_OFFSETS.search(protocol), row.offsets, ""),
    }
    return [
        f"{word}{found[1]}{unit}, here {here}{unit}"
        for word, (found, here, unit) in known.items()
        if found is not None and here is not None and str(here) != found[1]
    ]
