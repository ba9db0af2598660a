"""The zip files that evaluation servers take, made of a run's masks and checked before they are written."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.data.masks import has_palette, read_mask
from vosbench.data.names import is_plain_name
from vosbench.data.opening import SuiteVideos
from vosbench.data.prompts import prompt_at
from vosbench.data.suite import Suite, official_count, recorded_file, suite_of
from vosbench.data.video import Video, open_video
from vosbench.errors import DataError, ScoreError, UsageError, nearest
from vosbench.records import Record
from vosbench.store.atomic import storing
from vosbench.store.run import MASKS_FOLDER, Run
from vosbench.submission_tracks import results_bytes, results_name

FOLDER = "submissions"
"""Where the zip files of a run go, below its folder."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that equal masks make equal files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The cells of one method on one suite, one per video, and the suite as it was run."""

    suite: Suite
    cells: tuple[tuple[Path, Record], ...]

    @property
    def record(self) -> Record:
        """The record of the first video: what it says of suite and method holds for all."""
        return self.cells[0][1]

    @property
    def name(self) -> str:
        """``SUITE-METHOD`` with the letters of the cells' folder, and its key."""
        method = self.record.spec.folder.parts[1]
        return f"{self.record.spec.suite.name}-{method}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A zip file that was written: what is in it. ``masks`` counts ``what`` says: masks, or tracks of instances."""

    path: Path
    suite: str
    method: str
    videos: int
    masks: int
    what: str
    bytes: int


def find_answers(run: Run, suites: Sequence[str] = (), methods: Sequence[str] = ()) -> list[Answers]:
    """Gives back what a run holds to pack, per suite and method; of repeats and offsets the first.

    Cut runs are refused later.
    """
    groups: dict[tuple[str, str], dict[str, tuple[Path, Record]]] = {}
    for folder, record in run.records():
        spec = record.spec
        if (suites and spec.suite.name not in suites) or (methods and spec.method.label not in methods):
            continue
        cells = groups.setdefault((spec.suite.name, spec.folder.parts[1]), {})
        held = cells.get(spec.video)
        if held is None or (spec.repeat, spec.offset) < (held[1].spec.repeat, held[1].spec.offset):
            cells[spec.video] = (folder, record)
    if not groups:
        raise UsageError("the run holds nothing of this to pack", where=str(run.path), fix=_known(run))
    found = []
    for cells in groups.values():
        ordered = tuple(cells[video] for video in sorted(cells))
        found.append(Answers(suite=suite_of(ordered[0][1].spec.suite), cells=ordered))
    return found


def pack(answers: Answers, path: Path) -> Packed:
    """Write the zip file of one method's masks on one suite and give back what is in it.

    Every mask is checked first: its name, size, ids and palette, and that none is missing. Raises `ScoreError` for
    what a server would refuse, and then writes nothing.
    """
    _check_whole(answers)
    entries, count = _contents(answers)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(draft, "w") as archive:
                for name, content in entries:
                    kind = zipfile.ZIP_STORED if isinstance(content, Path) else zipfile.ZIP_DEFLATED
                    data = content.read_bytes() if isinstance(content, Path) else content
                    archive.writestr(_entry(name), data, kind)  # PNG files shrink no further
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return Packed(
        path=path,
        suite=answers.record.spec.suite.name,
        method=answers.record.spec.method.label,
        videos=len(answers.cells),
        masks=count,
        what="tracks" if answers.suite.task == "vis" else "masks",
        bytes=path.stat().st_size,
    )


def _contents(answers: Answers) -> tuple[list[tuple[str, Path | bytes]], int]:
    """Gives back the names of the zip's entries with their files or bytes, and how many masks or tracks they hold."""
    if answers.suite.task == "vis":
        data, count = results_bytes(answers.suite, answers.cells)
        spec = answers.record.spec
        return [(results_name(answers.suite, spec.method.label, spec.suite.split), data)], count
    found = [entry for folder, record in answers.cells for entry in _entries(answers.suite, folder, record)]
    return list(found), len(found)


def _check_whole(answers: Answers) -> None:
    """Refuse what is no answer to the whole split as it is."""
    spec = answers.record.spec
    where = f"suite {spec.suite.name}, method {spec.method.label}"
    if spec.suite.synthetic:
        raise ScoreError("the videos are synthetic, no server takes masks of them", where=where,
                         fix="run on the data set: say where it is with --data ROOT")  # fmt: skip
    if answers.suite.layout.object_folders:
        raise ScoreError("objects may overlap in this data set, and label maps are no submission", where=where,
                         fix="'vosbench score RUN' scores them here")  # fmt: skip
    if spec.suite.times > 1 or spec.max_frames is not None:
        raise ScoreError("the videos were cut or played several times", where=where,
                         fix="run without --max-frames, on the suite itself")  # fmt: skip
    names = SuiteVideos(answers.suite, spec.suite.root, spec.suite.split).names
    missing = [name for name in names if name not in {record.spec.video for _, record in answers.cells}]
    if missing:
        raise ScoreError(f"{len(missing)} of {len(names)} videos are missing, the first is '{missing[0]}'", where=where,
                         fix="run the command again without --videos: it does what is missing")  # fmt: skip
    official = official_count(answers.suite, recorded_file(spec.suite), spec.suite.split)
    if len(names) < official:
        raise ScoreError(f"the data set here has {len(names)} of the {official} official videos", where=where,
                         fix="unpack the whole data set: the server wants a mask for every video")  # fmt: skip
    for _, record in answers.cells:
        if record.outcome.status != "ok":
            raise ScoreError(f"video '{record.spec.video}' ended with {record.outcome.status}", where=where,
                             fix="run the command again")  # fmt: skip


def _entries(suite: Suite, folder: Path, record: Record) -> Iterator[tuple[str, Path]]:
    """Gives back the name in the zip file and the file of every mask of a video, each of them checked."""
    video = open_video(suite, record.spec.suite.root, record.spec.video)
    ids = _prompted(video)
    top = f"{suite.submission.top}/" if suite.submission.top else ""
    for frame in _frames(suite, video):
        mask = folder / MASKS_FOLDER / f"{frame}.png"
        _check_mask(mask, video, frame, ids)
        yield _safe(f"{top}{video.id}/{frame}.png"), mask


def _frames(suite: Suite, video: Video) -> tuple[str, ...]:
    """The frames that the server scores: all, or the union of those that the meta file lists for the objects."""
    digits = suite.submission.digits
    unlike = [name for name in video.names if digits and not (len(name) == digits and name.isdecimal())]
    if unlike:
        raise ScoreError(f"frame '{unlike[0]}' has no name of {digits} digits", where=f"video {video.id}",
                         fix="keep the frames' names as the data set has them")  # fmt: skip
    if suite.submission.frames == "all":
        return video.names
    listed = {name for entry in video.objects for name in entry.frames}
    unknown = sorted(listed - set(video.names))
    if unknown:
        raise DataError(f"the meta file lists frame '{unknown[0]}', which is not there", where=f"video {video.id}",
                        fix="unpack the data set again")  # fmt: skip
    return tuple(name for name in video.names if name in listed)


def _prompted(video: Video) -> frozenset[int]:
    """The ids that a method was given: no other may appear."""
    known: frozenset[int] = frozenset()
    for index, name in enumerate(video.names):
        if name in video.masks and (prompt := prompt_at(video, index, known)) is not None:
            known |= frozenset(prompt.ids)
    return known


def _check_mask(path: Path, video: Video, frame: str, ids: frozenset[int]) -> None:
    where = f"video {video.id}, frame {frame}, file {path}"
    try:
        labels = read_mask(path)
    except DataError as error:
        raise ScoreError(
            f"the mask is missing or torn: {error.what}", where=where, fix="run the video again"
        ) from error
    if labels.shape != (video.height, video.width):
        raise ScoreError(f"the mask is {labels.shape[1]} x {labels.shape[0]}, the frame {video.width} x {video.height}",
                         where=where, fix="run the video again")  # fmt: skip
    unknown = set(np.flatnonzero(np.bincount(labels.ravel())).tolist()) - ids - {0}
    if unknown:
        raise ScoreError(f"the mask shows id {min(unknown)}, which was never given", where=where,
                         fix="mend the method: 'vosbench check' shows where")  # fmt: skip
    if not has_palette(path):
        raise ScoreError("the mask is no 8-bit palette PNG", where=where,
                         fix="servers take ids up to 255 in palette files: run the video again")  # fmt: skip


def _safe(name: str) -> str:
    """Refuse a name that could leave the folder it is unpacked in."""
    parts = name.split("/")
    if not all(is_plain_name(part) and ":" not in part for part in parts):
        raise DataError(f"{name!r} is no name for a file in a zip", fix="rename the video's folder or frame")
    return name


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    return entry


def _known(run: Run) -> str:
    names = {name for _, record in run.records() for name in (record.spec.suite.name, record.spec.method.label)}
    return nearest("", names)
