"""The two sides of a comparison: one method's finished cells on one suite, and whether two sides may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vosbench.errors import UsageError
from vosbench.metrics.records import VideoScore
from vosbench.records import CellSpec, Record
from vosbench.scorer import read_score
from vosbench.store.run import Run

_Member = tuple[Path, Record, VideoScore | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The finished cells of one method on one suite, by video; each video's passes together.

    ``folders`` are those of the cells, in the order of the ``records``.
    """

    label: str
    spec: CellSpec
    records: Mapping[str, tuple[Record, ...]]
    scores: Mapping[str, tuple[VideoScore, ...]]
    folders: Mapping[str, tuple[Path, ...]]
    failed: tuple[str, ...]


def read_sides(run: Run, suites: Sequence[str], methods: Sequence[str]) -> dict[tuple[str, str], Side]:
    """Gives back a run's sides by suite title and method label, all or those of some suites and methods.

    Raises `UsageError` where one label was run in several ways.
    """
    groups: dict[tuple[str, str, str], list[_Member]] = {}
    for folder, record in run.records():
        spec = record.spec
        if (suites and spec.suite.name not in suites) or (methods and spec.method.label not in methods):
            continue
        score = read_score(folder, spec.suite.protocol) if record.outcome.status == "ok" else None
        groups.setdefault((spec.suite.title, spec.method.label, spec.method_key), []).append((folder, record, score))
    sides: dict[tuple[str, str], Side] = {}
    for (title, label, _), members in groups.items():
        if (title, label) in sides:
            raise UsageError(
                f"'{label}' was run on '{title}' in several ways (weights, hardware, precision or length)",
                where=str(run.path),
                fix="compare runs that hold one of them each",
            )
        sides[title, label] = _side(label, members)
    return sides


def _side(label: str, members: Sequence[_Member]) -> Side:
    records: dict[str, tuple[Record, ...]] = {}
    folders: dict[str, tuple[Path, ...]] = {}
    scores: dict[str, tuple[VideoScore, ...]] = {}
    failed = {record.spec.video: record.outcome.status for _, record, _ in members if record.outcome.status != "ok"}
    for folder, record, score in members:
        video = record.spec.video
        if video in failed:
            continue
        records[video] = (*records.get(video, ()), record)
        folders[video] = (*folders.get(video, ()), folder)
        if score is not None:
            scores[video] = (*scores.get(video, ()), score)
    whole = {video: found for video, found in scores.items() if len(found) == len(records[video])}
    words = tuple(f"{video} ({status})" for video, status in failed.items())
    spec = members[0][1].spec
    return Side(label=label, spec=spec, records=records, scores=whole, folders=folders, failed=words)


def refuse_others(a: CellSpec, b: CellSpec) -> None:
    """Raises `UsageError` where two cells were not asked the same question."""
    asked = {
        "protocol": (a.suite.protocol, b.suite.protocol),
        "suite": (a.suite.title, b.suite.title),
        "split": (a.suite.split, b.suite.split),
        "cut": (f"{a.max_frames} frames", f"{b.max_frames} frames"),
    }
    for what, (one, other) in asked.items():
        if one != other:
            raise UsageError(
                f"these were run under another {what}: {one.replace('None', 'all')} and {other.replace('None', 'all')}",
                where=f"suite {a.suite.name}, methods {a.method.label} and {b.method.label}",
                fix="run both under one",
            )


def refuse_other_frames(a: Side, b: Side, videos: Iterable[str]) -> None:
    """Raises `UsageError` for a video whose frames or prompts differ."""
    for video in videos:
        if a.records[video][0].spec.video_digest != b.records[video][0].spec.video_digest:
            raise UsageError(
                f"the frames or prompts of video '{video}' are not the same on both sides",
                where=f"suite {a.spec.suite.name}",
                fix="run both on one copy of the data set",
            )


def failed(a: Side, b: Side) -> list[str]:
    """Gives back in words which videos did not go through on either side."""
    return [
        f"{name} did not go through on {', '.join(side.failed)}" for name, side in (("A", a), ("B", b)) if side.failed
    ]


def left_out(a: Side, b: Side, videos: Sequence[str]) -> list[str]:
    """Gives back in words what is not on both sides."""
    alone = sorted({*a.records, *b.records} - set(videos))
    return [f"compared on {len(videos)} videos; not on both sides: {', '.join(alone)}"] if alone else []


def same_answers(a: Side, b: Side, videos: Iterable[str]) -> bool:
    """Tells whether every pass of every video gave the same masks."""
    digests = [{record.masks_digest for side in (a, b) for record in side.records[video]} for video in videos]
    return all(len(found) == 1 and "" not in found for found in digests)


def other_machine(a: CellSpec, b: CellSpec) -> str:
    """Gives back why speed and memory cannot be compared, '' where they can."""
    if a.fingerprint != b.fingerprint:
        return "other hardware or another torch"
    if (a.runtime, a.mode, a.core) != (b.runtime, b.mode, b.core):
        return "another precision, device, thread count or mode"
    return ""
