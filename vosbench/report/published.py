"""The papers' numbers as tables of their own: each with its paper, table, hardware and clock, never ranked."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.published import METRICS, Conflict, PublishedNumber
from vosbench.published.reading import read_papers

SHORT = {
    "frames_per_second": "FPS",
    "milliseconds_per_frame": "ms",
    "peak_memory": "peak",
    "parameters": "params M",
    "energy": "Wh/10 min",
    "flops": "GFLOPs",
    "compression_ratio": "compression %",
    "constant_cost": "constant cost",
    "J&F change from 1x to 3x": "change 1x to 3x",
}
NOT_NAMED = "not named"
CONDITIONS = ("hardware", "precision", "clock", "protocol")
NEVER_RANKED = (
    "Numbers as the papers print them, in the papers' order; they are not ranked, with measured ones least of all."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedView:
    """A table of published numbers, every cell as it is shown."""

    title: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    footers: tuple[str, ...]


def published_views(numbers: Sequence[PublishedNumber]) -> list[PublishedView]:
    """Gives back one table per suite, and one for the numbers of rows that belong to no suite."""
    suites = list(dict.fromkeys(number.suite for number in numbers if number.suite))
    views = []
    taken: set[tuple[str, str, str]] = set()
    for suite in suites:
        rows = {_row(number) for number in numbers if number.suite == suite}
        taken |= rows
        shown = [n for n in numbers if n.suite == suite or (not n.suite and _row(n) in rows)]
        views.append(_view(f"{suite}, as published", shown))
    rest = [number for number in numbers if not number.suite and _row(number) not in taken]
    return [*views, _view("Of no suite, as published", rest)] if rest else views


def conflict_view(conflicts: Sequence[Conflict]) -> PublishedView:
    """Gives back the contradictions as one table, the widest gap first."""
    names = {key: paper.short for key, paper in read_papers().items()}
    lines = tuple(
        (c.numbers[0].label, c.suite, SHORT.get(c.metric, c.metric), f"{100 * c.gap:.1f}", _voices(c, names))
        for c in conflicts
    )
    return PublishedView(
        title="Where the papers disagree",
        head=("method", "suite", "metric", "gap %", "published"),
        lines=lines,
        footers=("Gap: largest distance over largest value. Differences that rounding explains are left out.",),
    )


def markdown_view(view: PublishedView) -> str:
    """Gives back the table in markdown."""
    lines = [f"### {view.title}", "", _pipes(view.head), _pipes(["---"] * len(view.head))]
    return "\n".join([*lines, *map(_pipes, view.lines), "", *(f"{footer}  " for footer in view.footers)]) + "\n"


def csv_view(view: PublishedView) -> str:
    """Gives back the table as CSV, every cell as printed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([("table", *view.head), *((view.title, *line) for line in view.lines)])
    return buffer.getvalue()


def shown(number: PublishedNumber) -> str:
    """Gives back a number as the paper prints it, with its unit where that is not the metric's own."""
    if number.value is None:
        return "OOM"
    if number.metric == "constant_cost":
        return "yes" if number.value else "no"
    text = f"{number.value:.{number.decimals}f}"
    if number.relation != "=":
        text = number.relation + text
    if number.spread is not None:
        text += f" ± {number.spread:.{number.decimals}f}"
    return f"{text} {number.unit}" if number.metric == "peak_memory" else text


def _row(number: PublishedNumber) -> tuple[str, str, str]:
    return (number.paper, number.table, number.row)


class _Line:
    """Numbers of one row of one table that were taken under the same conditions."""

    def __init__(self, first: PublishedNumber) -> None:
        self.first = first
        self.numbers = {first.metric: first}

    def takes(self, number: PublishedNumber) -> bool:
        if number.metric in self.numbers or (*_row(number), number.variant) != (*_row(self.first), self.first.variant):
            return False
        return all(
            getattr(number, name) in ("", self.condition(name)) or not self.condition(name) for name in CONDITIONS
        )

    def condition(self, name: str) -> str:
        return next((getattr(number, name) for number in self.numbers.values() if getattr(number, name)), "")


def _view(title: str, numbers: Sequence[PublishedNumber]) -> PublishedView:
    lines: list[_Line] = []
    for number in numbers:
        line = next((line for line in lines if line.takes(number)), None)
        if line is None:
            lines.append(_Line(number))
        else:
            line.numbers[number.metric] = number
    metrics = [metric for metric in METRICS if any(metric in line.numbers for line in lines)]
    machine = any(METRICS[metric].machine for metric in metrics)
    named = [
        name for name in CONDITIONS if (machine if name != "protocol" else any(line.condition(name) for line in lines))
    ]
    names = {key: paper.short for key, paper in read_papers().items()}
    notes: dict[str, str] = {}
    cells = tuple(_cells(line, metrics, named, names, notes) for line in lines)
    return PublishedView(
        title=title,
        head=("method", *(SHORT.get(metric, metric) for metric in metrics), "paper", "table", *named),
        lines=cells,
        footers=(*(f"({letter}) {text}" for text, letter in notes.items()), NEVER_RANKED),
    )


def _cells(
    line: _Line, metrics: list[str], named: list[str], names: dict[str, str], notes: dict[str, str]
) -> tuple[str, ...]:
    first = line.first
    texts = [first.reservation, *(number.note for number in line.numbers.values())]
    if first.source == "prose":
        texts.append("from the paper's running text")
    for text in filter(None, texts):
        notes.setdefault(text, _letters(len(notes)))
    marks = "".join(f" ({notes[text]})" for text in dict.fromkeys(filter(None, texts)))
    machine = any(METRICS[metric].machine for metric in line.numbers)
    return (
        first.label + marks,
        *(shown(line.numbers[metric]) if metric in line.numbers else "-" for metric in metrics),
        names[first.paper],
        first.table,
        *(line.condition(name) or (NOT_NAMED if machine and name != "protocol" else "") for name in named),
    )


def _letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _voices(conflict: Conflict, names: dict[str, str]) -> str:
    """ "8.4 (SAM2-Lite 1: NVIDIA V100); 22.6 (XMem 2, 4, 8: NVIDIA V100)"."""
    voices: dict[str, dict[tuple[str, str], list[str]]] = {}
    for number in conflict.numbers:
        place = (names[number.paper], number.hardware or (NOT_NAMED if METRICS[number.metric].machine else ""))
        voices.setdefault(shown(number), {}).setdefault(place, []).append(number.table)
    return "; ".join(
        f"{value} ({', '.join(_voice(place, tables) for place, tables in places.items())})"
        for value, places in voices.items()
    )


def _voice(place: tuple[str, str], tables: list[str]) -> str:
    paper, hardware = place
    return f"{paper} {', '.join(dict.fromkeys(tables))}" + (f": {hardware}" if hardware else "")


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
