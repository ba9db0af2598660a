"""Suites: YAML files that say where a data set lies, how its folders are laid out and how it is scored."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from vosbench.config import Places
from vosbench.data.meta import MetaKind
from vosbench.data.names import is_plain_name
from vosbench.errors import DataError, UsageError, nearest
from vosbench.records import Feed, SuiteSpec
from vosbench.strict_yaml import load_yaml

GROUP = "vosbench.suites"
SUITE_SCHEMA = 1

FIRST_FRAME_IDS = frozenset({"davis2017-semi", "long-time-afb-urr", "long-time-xmem"})
"""Protocols that refuse ids above the largest of the first mask, and so every object that is given later."""

Variable = Literal["length", "objects", "distractors", "cuts", "occlusion", "speed", "size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Folders of frames and masks, a folder per video.

    ``roots`` are tried in order below the data root; ``frames`` and ``masks`` hold the videos' folders, and
    ``dense_frames`` those with every frame where ``frames`` has every fifth; ``lists`` are files of video names,
    tried in order; without one every folder is a video. ``protocol_masks`` are other folders of masks, by the protocol
    whose official tool reads them. With ``dense_masks`` every frame has a mask, but on splits whose truth is on a
    server. ``meta`` is the file that names objects, in the form
    ``meta_kind``. All of these paths may hold ``{split}``. ``objects: single`` takes every non-zero pixel as object
    1. ``prompt`` says which mask files prompt: the first frame's, or in every file the ids not seen before.
    ``void`` is no object; ``largest_id`` is the largest allowed. ``annotations`` are the JSON files of video instance
    segmentation, tried in order, which take the place of ``masks``; those of ``annotation_kind: coco`` are of images,
    which lie in ``frames`` itself and are videos of one frame. With ``object_folders`` a video's masks lie in a folder
    per object, and may overlap.
    """

    roots: tuple[str, ...] = (".",)
    frames: str = "JPEGImages"
    masks: str = "Annotations"
    protocol_masks: Mapping[str, str] = field(default_factory=dict)
    dense_masks: bool = False
    dense_frames: str | None = None
    lists: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    annotation_kind: Literal["youtube-vis", "coco"] = "youtube-vis"
    meta: str | None = None
    meta_kind: MetaKind = "youtube-vos"
    objects: Literal["single", "many"] = "many"
    prompt: Literal["first-frame", "at-first-appearance"] = "first-frame"
    void: int | None = None
    largest_id: int = 65535
    object_folders: bool = False
    frames_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """The default split; per split the official video names (a file beside the YAML file) or just their number; and
    the splits whose truth is on an evaluation server: those run, but have no score here.
    """

    default: str = "val"
    official: Mapping[str, str] = field(default_factory=dict)
    videos: Mapping[str, int] = field(default_factory=dict)
    on_server: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Lists beside the YAML file that part objects into seen and unseen: by category, or by video; and the categories
    of another edition in the same layout, whose annotations are refused.
    """

    other_categories: Path | None = None
    seen_categories: Path | None = None
    unseen_videos: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """How often banks are written on long videos: every ``interval`` frames where they forget, and where they do not,
    so seldom that a video leaves ``frames`` memory frames.
    """

    interval: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The zip file that the data set's server takes: the folder around the videos' folders, whether it holds all
    frames or those that the meta file lists for the objects, and of how many digits their names are.
    """

    top: str = ""
    frames: Literal["all", "meta"] = "all"
    digits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the data is to be had and on which terms."""

    home: str = ""
    archive: str = ""
    terms: str = ""
    cite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The synthetic videos that stand in where no data root is configured.

    ``truth_every`` draws a mask for every n-th frame and the first; with ``late`` the objects after the first enter
    one after the other, ``leaving`` ones are away for a sixth of the time in the second half; ``first_name`` is the
    first frame's, the others count on. ``sizes`` are the objects' (`vosbench.data.synthetic_scene.Scene`), in turn from
    video to video.

    With ``vary`` the videos are a ladder: the same scene at each of ``values`` of one variable, the length, the number
    of objects, of distractors (unlabelled copies of the objects) or of cuts, the share of time behind an occluder, or
    the objects' speed or size (see `vosbench.data.synthetic_scene.Scene`).
    """

    videos: int
    frames: int
    objects: int
    height: int
    width: int
    truth_every: int = 1
    late: bool = False
    leaving: bool = False
    first_name: str = "00000"
    vary: Variable | None = None
    values: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Videos of random frames: one for each of ``frames`` with each of ``objects``. They have no truth."""

    height: int
    width: int
    frames: tuple[int, ...]
    objects: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One benchmark suite as its YAML file describes it.

    ``feed`` says which frames a method gets: all there are, or those of ``layout.frames`` alone where that has every
    fifth. ``times`` plays every video that often, forth and back in turn. A ``drawn`` suite is its stand-in, or its
    ``noise``: no data root holds it.
    """

    schema: int
    name: str
    title: str
    protocol: str
    task: Literal["vos", "vis"] = "vos"
    layout: Layout = field(default_factory=Layout)
    splits: Splits = field(default_factory=Splits)
    groups: Groups = field(default_factory=Groups)
    memory: Memory | None = None
    feed: Feed = "all"
    times: int = 1
    drawn: bool = False
    submission: Submission = field(default_factory=Submission)
    source: Source = field(default_factory=Source)
    stand_in: StandIn | None = None
    noise: Noise | None = None


def suite_files() -> dict[str, Path]:
    """Gives back the YAML file of every suite that is installed, by name."""
    return {path.stem: path for folder in suite_folders() for path in sorted(folder.glob("*.yaml"))}


def suite_folders() -> list[Path]:
    """Gives back the folder of every installed package of suites.

    A package that does not import gives none, and a warning: all other suites go on working.
    """
    folders: list[Path] = []
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            origin = importlib.import_module(point.value).__file__
        except Exception as error:  # noqa: BLE001 - another package's import may fail in any way
            warnings.warn(f"the suites of {point.value} do not load: {type(error).__name__}: {error}", stacklevel=2)
            continue
        if origin is not None:
            folders.append(Path(origin).parent)
    return folders


def find_suite(text: str) -> tuple[Suite, Path]:
    """Gives back a suite and its file, by name or by a path to a YAML file. Raises `UsageError` for an unknown one."""
    if text.endswith((".yaml", ".yml")):
        return load_suite(Path(text)), Path(text).resolve()
    files = suite_files()
    if text not in files:
        raise UsageError(f"there is no suite '{text}'", fix=f"{nearest(text, files)} Or name a YAML file.")
    return load_suite(files[text]), files[text]


def load_suite(path: Path) -> Suite:
    """Gives back the suite of a YAML file. Raises `UsageError` with the line for whatever is wrong in it."""
    suite = load_yaml(Suite, path)
    if suite.schema != SUITE_SCHEMA:
        raise UsageError(
            f"schema {suite.schema}; this vosbench reads {SUITE_SCHEMA}", where=str(path), fix="write schema: 1"
        )
    if not re.fullmatch(r"\w[\w.-]*", suite.name):
        raise UsageError(
            f"'{suite.name}' is no suite name",
            where=str(path),
            fix="it names a folder of every run: write letters, digits, '-', '_' and '.'",
        )
    _check_noise(suite.noise, path)
    if suite.layout.prompt == "at-first-appearance" and suite.protocol in FIRST_FRAME_IDS:
        raise UsageError(
            f"'{suite.protocol}' knows the first frame's objects only, so it cannot score those that appear later",
            where=str(path),
            fix="write 'protocol: vos-benchmark', or 'prompt: first-frame' where all objects are there at first",
        )
    groups = Groups(
        other_categories=_beside(path, suite.groups.other_categories),
        seen_categories=_beside(path, suite.groups.seen_categories),
        unseen_videos=_beside(path, suite.groups.unseen_videos),
    )
    return replace(suite, groups=groups)


def _check_noise(noise: Noise | None, path: Path) -> None:
    if noise is None:
        return
    numbers = (noise.height, noise.width, *noise.frames, *noise.objects)
    if not noise.frames or not noise.objects or min(numbers) < 1 or max(noise.objects) > 255:
        raise UsageError(
            "random frames need a size, numbers of frames, and numbers of objects from 1 to 255",
            where=str(path),
            fix="write them below noise: as height, width, frames and objects",
        )


def _beside(suite_file: Path, listed_in: Path | None) -> Path | None:
    return suite_file.parent / listed_in if listed_in is not None else None


def listed(path: Path | None) -> frozenset[str]:
    """Gives back the lines of a list beside a suite's YAML file; nothing where the suite names none."""
    return frozenset(_beside_text(path).splitlines()) if path is not None else frozenset()


def _beside_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the suite's list cannot be read: {error}", where=str(path), fix="put the list beside the suite's file"
        ) from error


def suite_of(spec: SuiteSpec) -> Suite:
    """Gives back the suite that a record names, as it was run. Raises `DataError` where its file is gone."""
    return at_split(load_suite(recorded_file(spec)), spec.split, feed=spec.feed, times=spec.times)


def recorded_file(spec: SuiteSpec) -> Path:
    """Gives back the YAML file that a record names; where it is gone, as on another machine, the installed one.

    That one must have the same file name, name and protocol. Raises `DataError` where there is neither.
    """
    if spec.file.is_file():
        return spec.file
    installed = suite_files().get(spec.file.stem)
    if installed is not None:
        suite = load_suite(installed)
        if (suite.name, suite.protocol) == (spec.name.split("@")[0], spec.protocol):
            return installed
    raise DataError(
        f"the file of the suite '{spec.name}' is gone, and no installed suite has its name and protocol",
        where=str(spec.file),
        fix="put the file back there, or install the package that has it",
    )


def split_times(text: str) -> tuple[str, int | None]:
    """Gives back a suite's name and how often its videos are played: ``long-time@3x`` is ``long-time``, 3."""
    name, at, times = text.rpartition("@")
    if not at or text.endswith((".yaml", ".yml")):
        return text, None
    if not times.endswith("x") or not times[:-1].isdecimal() or int(times[:-1]) < 1:
        raise UsageError(f"'{text}': '@{times}' is not understood", fix="write @3x to play videos three times")
    return name, int(times[:-1])


def at_split(
    suite: Suite, split: str, *, feed: Feed | None = None, times: int | None = None, protocol: str | None = None
) -> Suite:
    """Gives back the suite with ``{split}`` filled in, the masks that its protocol reads, and another feed, number of
    times or protocol's masks where one is given.
    """
    layout = suite.layout
    filled = replace(
        layout,
        roots=tuple(_filled(root, split) for root in layout.roots),
        frames=_filled(layout.frames, split),
        masks=_filled(layout.protocol_masks.get(protocol or suite.protocol, layout.masks), split),
        dense_masks=layout.dense_masks and split not in suite.splits.on_server,
        dense_frames=_filled(layout.dense_frames, split) if layout.dense_frames is not None else None,
        lists=tuple(_filled(path, split) for path in layout.lists),
        annotations=tuple(_filled(path, split) for path in layout.annotations),
        meta=_filled(layout.meta, split) if layout.meta is not None else None,
    )
    return replace(suite, layout=filled, feed=feed or suite.feed, times=times or suite.times)


def _filled(text: str, split: str) -> str:
    return text.replace("{split}", split)


def find_root(suite: Suite, places: Places) -> Path | None:
    """Gives back the folder that holds a suite's data, or None where it is drawn or no data root is configured at all.

    Raises `DataError` where one is configured and the data set is not there.
    """
    base = places.data_for(suite.name)
    if base is None or suite.drawn or suite.noise is not None:
        return None
    tried = [base / root for root in suite.layout.roots] + [base] * _may_be_itself(suite, places, base)
    for root in tried:
        if _is_there(suite.layout, root):
            _check_dense(suite, root)
            return root
    raise DataError(
        f"{suite.title} is not there: expected {expected_there(suite)}",
        where="tried " + ", ".join(str(path) for path in tried),
        fix=f"get {suite.source.archive or 'the data'} from {suite.source.home or 'its home page'}, or point at it "
        f"with --data {suite.name}=PATH"
        + ("; with no data root configured the suite runs on synthetic videos" if suite.stand_in else ""),
    )


def _may_be_itself(suite: Suite, places: Places, base: Path) -> bool:
    """Tells whether a data root may be the data set itself.

    Several data sets that come along have one layout, and one would be taken for the other: a root is such a data set
    only where it is named as this one's or is called as one of its roots. Annotation files say what they are of.
    """
    if suite.name in places.suite_data or suite.layout.annotations or suite.name not in suite_files():
        return True
    return any(base.parts[-len(parts) :] == parts for root in suite.layout.roots if (parts := Path(root).parts))


def expected_there(suite: Suite) -> str:
    """Gives back what the reader looks for below a data root, in words."""
    layout = suite.layout
    if suite.task == "vis":
        frames = "IMAGE.jpg" if layout.annotation_kind == "coco" else "VIDEO"
        return f"{' or '.join(layout.annotations)}, and for runs {layout.frames}/{frames}"
    return f"{layout.frames}/VIDEO and {layout.masks}/VIDEO"


def _is_there(layout: Layout, root: Path) -> bool:
    if layout.annotations:
        return any((root / name).is_file() for name in layout.annotations)
    return (root / layout.frames).is_dir() and (root / layout.masks).is_dir()


def _check_dense(suite: Suite, root: Path) -> None:
    dense = suite.layout.dense_frames
    if suite.feed == "all" and dense is not None and not (root / dense).is_dir():
        raise DataError(
            f"{suite.title} is here with every fifth frame only",
            where=f"expected every frame in {root / dense}",
            fix="unpack the archive with all frames there, or feed every fifth frame with --feed fifth, which is "
            "another protocol and says so",
        )


def official_count(suite: Suite, path: Path, split: str) -> int:
    """Gives back how many videos a split officially has, 0 where the suite does not say."""
    return len(official_names(suite, path, split)) or suite.splits.videos.get(split, 0)


def official_names(suite: Suite, path: Path, split: str) -> tuple[str, ...]:
    """Gives back the official video names of a split, or () where the suite has no list; ``path`` is its YAML file."""
    if split not in suite.splits.official:
        return ()
    return tuple(_beside_text(path.parent / suite.splits.official[split]).split())


def video_names(suite: Suite, root: Path, split: str) -> tuple[str, ...]:
    """Gives back the names of the videos that the data set's own list (or its folders) hold, in their order.

    Raises `DataError` for data that is not there, a split without a list, and a list or folder that is empty.
    """
    there = root if suite.layout.lists else root / suite.layout.frames
    if not there.is_dir():
        raise DataError(
            f"the data of {suite.title} is not there",
            where=str(there),
            fix="put the data set back there, or a link to where it is now: runs keep the path that they read from",
        )
    if not suite.layout.lists:
        folders = [path for path in (root / suite.layout.frames).iterdir() if path.is_dir()]
        names = tuple(sorted(path.name for path in folders if not path.name.startswith(".")))
        if not names:
            raise DataError(
                "there is no video",
                where=str(root / suite.layout.frames),
                fix="put one folder of frames per video there",
            )
        return names
    tried = [root / path for path in suite.layout.lists]
    for path in tried:
        if path.is_file():
            return _listed(path)
    raise DataError(
        f"{suite.title} has no list of the split '{split}'",
        where="tried " + ", ".join(map(str, tried)),
        fix="choose another with --split, or unpack the data set's ImageSets folder there",
    )


def _listed(path: Path) -> tuple[str, ...]:
    """A line is a name, or a pair of paths whose folder is the name (DAVIS 2016)."""
    names: dict[str, None] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the list cannot be read: {error}", where=str(path), fix="unpack the data set's list again"
        ) from error
    for line in lines:
        words = line.split()
        if words:
            names[words[0].split("/")[-2] if "/" in words[0] else words[0]] = None
    for name in names:
        if not is_plain_name(name):
            raise DataError(f"'{name}' is no video name", where=str(path), fix="list one folder name per line")
    if not names:
        raise DataError("the list is empty", where=str(path), fix="list one video name per line")
    return tuple(names)
