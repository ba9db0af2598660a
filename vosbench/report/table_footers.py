"""The small print under a table: what was run, on what, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.report.origins import measured
from vosbench.report.rows import MethodRow, known_sides, sides_in_words
from vosbench.report.table import Column, Notes
from vosbench.report.table_columns import COMPRESSION, CONSTANT_COST, PER_MINUTE

CLOCK = (
    "Clock: host uint8 image in to host label map out, device synchronised at both ends; resize, upload, network, "
    "memory update, argmax and download are inside, decoding and writing are not. FPS is frames over the sum of "
    "seconds."
)
PROMPTED = (
    "Prompted: given each instance's first mask and category, score 1; not ranked with methods that find instances "
    "themselves."
)
MARKED = {
    CONSTANT_COST.key: "Constant: this run's own verdict on the growth of memory, never a paper's word for it.",
    PER_MINUTE.key: "MiB/min: growth per frame over a minute of video at 24 frames per second.",
    COMPRESSION.key: "Compression: elements before it in percent of those it keeps (XMem, section 4).",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the numbers of a run come from: machines, versions and days of measuring in words."""

    machine: str
    versions: str
    date: str


def table_footers(
    rows: Sequence[MethodRow], columns: Sequence[Column], notes: Notes, origin: Origin, more: Sequence[str] = ()
) -> tuple[str, ...]:
    """Gives back the small print of a table of ``rows``; ``more`` is what its style has to say."""
    footers = [_scope([row for row in rows if row.suite_title == title]) for title in _titles(rows)]
    if any("(synthetic)" in row.suite_title for row in rows):
        footers.append("Synthetic videos: these figures are not those of a data set.")
    protocols = dict.fromkeys(row.protocol for row in rows if row.scores)
    if protocols:
        footers.append(f"Scores in percent by protocol {' and '.join(protocols)}.")
    if any(row.weights.startswith("random") for row in rows):
        footers.append("Random weights show speed and memory only; they have no accuracy.")
    if any(row.prompted for row in rows):
        footers.append(PROMPTED)
    footers += [*_passes(rows), *_apart(rows)]
    given = list(dict.fromkeys(f"{row.label}: {row.given}" for row in rows if row.given))
    if given:
        footers.append(f"Set by the suite: {'; '.join(given)}.")
    keys = {column.key.split()[-1] for column in columns}
    footers += [text for key, text in MARKED.items() if key in keys]
    memory = [f"Memory: {text}." for text in dict.fromkeys(row.memory for row in rows) if text]
    modes = " / ".join(sorted({row.mode for row in rows}))
    hardware = f"Hardware: {origin.machine}; {modes}. {measured(origin.date, origin.versions)}."
    return (*footers, *more, *notes.lines(), CLOCK, *memory, hardware)


def _titles(rows: Sequence[MethodRow]) -> list[str]:
    return list(dict.fromkeys(row.suite_title for row in rows))


def _scope(rows: Sequence[MethodRow]) -> str:
    first = rows[0]
    videos = len({row.video for row in rows}) if first.video else max(row.planned for row in rows)
    scope = f"{first.suite_title}: {videos} video{'s' if videos != 1 else ''}"
    if first.official_videos > videos:
        scope += f", a subset of the official {first.official_videos}"
    cuts = sorted({row.cut_frames for row in rows if row.cut_frames is not None})
    if cuts:
        scope += f"; cut to the first {' or '.join(map(str, cuts))} frames"
    return scope + "."


def _passes(rows: Sequence[MethodRow]) -> list[str]:
    numbers = sorted({row.passes for row in rows if row.deviations})
    if not numbers:
        return []
    return [
        f"±: sample deviation over {' or '.join(map(str, numbers))} passes (insertion offsets, repeats that differ)."
    ]


def _apart(rows: Sequence[MethodRow]) -> list[str]:
    footers: list[str] = []
    suites = [[row for row in rows if row.suite_title == title] for title in _titles(rows)]
    if len({row.fingerprint for row in rows}) > 1 or len({row.mode for row in rows}) > 1:
        footers.append("Rows differ in hardware or mode: speed and memory are not ranked.")
    if sides := sides_in_words(rows):
        apart = any(
            len(known_sides(row for row in members if not (row.self_check or row.beside))) > 1 for members in suites
        )
        footers.append(sides + ": speed and memory are not ranked." * apart + "." * (not apart))
    if any(len({(row.planned, row.cut_frames) for row in members}) > 1 for members in suites):
        footers.append("Rows differ in videos or their length: they are not ranked.")
    return footers + model_footers(rows)


def model_footers(rows: Sequence[MethodRow]) -> list[str]:
    """Gives back which rows are not ranked because of what their weights are."""
    footers: list[str] = []
    if len({row.mini for row in rows if not row.self_check}) > 1:
        footers.append("Bundled small models (mini) and full networks are not ranked together.")
    beside = dict.fromkeys(f"{row.label} ({row.weights})" for row in rows if row.beside)
    if beside:
        footers.append(f"Beside the controlled comparison, not ranked: {', '.join(beside)}.")
    return footers
