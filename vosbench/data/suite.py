"""Suites: YAML files that say where a data set lies, how its folders are laid out and how it is scored."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vosbench.config import Places
from vosbench.errors import DataError, UsageError, nearest
from vosbench.strict_yaml import load_yaml

GROUP = "vosbench.suites"
SUITE_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Folders of frames and masks, a folder per video.

    ``roots`` are tried in order below the data root; ``frames`` and ``masks`` hold the videos' folders; ``lists``
    are files of video names, tried in order, with ``{split}``; without one every folder is a video. ``objects:
    single`` takes every non-zero pixel as object 1. ``prompt`` says which mask files prompt: the first frame's,
    or in every file the ids not seen before. ``void`` is no object; ``largest_id`` is the largest allowed.
    """

    roots: tuple[str, ...] = (".",)
    frames: str = "JPEGImages"
    masks: str = "Annotations"
    lists: tuple[str, ...] = ()
    objects: Literal["single", "many"] = "many"
    prompt: Literal["first-frame", "at-first-appearance"] = "first-frame"
    void: int | None = None
    largest_id: int = 65535
    frames_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """The default split, and per split the list of the official video names (a file beside the YAML file)."""

    default: str = "val"
    official: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the data is to be had and on which terms."""

    home: str = ""
    archive: str = ""
    terms: str = ""
    cite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The synthetic videos that stand in where no data root is configured."""

    videos: int
    frames: int
    objects: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One benchmark suite as its YAML file describes it."""

    schema: int
    name: str
    title: str
    protocol: str
    task: Literal["vos"] = "vos"
    layout: Layout = field(default_factory=Layout)
    splits: Splits = field(default_factory=Splits)
    source: Source = field(default_factory=Source)
    stand_in: StandIn | None = None


def suite_files() -> dict[str, Path]:
    """Gives back the YAML file of every suite that is installed, by name."""
    files: dict[str, Path] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        origin = importlib.import_module(point.value).__file__
        if origin is not None:
            files |= {path.stem: path for path in sorted(Path(origin).parent.glob("*.yaml"))}
    return files


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
    return suite


def find_root(suite: Suite, places: Places) -> Path | None:
    """Gives back the folder that holds a suite's data, or None where no data root is configured at all.

    Raises `DataError` where one is configured and the data set is not there.
    """
    base = places.data_for(suite.name)
    if base is None:
        return None
    tried = [base / root for root in suite.layout.roots] + [base]
    for root in tried:
        if (root / suite.layout.frames).is_dir() and (root / suite.layout.masks).is_dir():
            return root
    expected = f"{suite.layout.frames}/VIDEO and {suite.layout.masks}/VIDEO"
    raise DataError(
        f"{suite.title} is not there: expected {expected}",
        where="tried " + ", ".join(str(path) for path in tried),
        fix=f"get {suite.source.archive or 'the data'} from {suite.source.home or 'its home page'}, or point at it "
        f"with --data {suite.name}=PATH; with no data root configured the suite runs on synthetic videos",
    )


def official_names(suite: Suite, path: Path, split: str) -> tuple[str, ...]:
    """Gives back the official video names of a split, or () where the suite has no list; ``path`` is its YAML file."""
    if split not in suite.splits.official:
        return ()
    return tuple((path.parent / suite.splits.official[split]).read_text(encoding="utf-8").split())


def video_names(suite: Suite, root: Path, split: str) -> tuple[str, ...]:
    """Gives back the names of the videos that the data set's own list (or its folders) hold, in their order.

    Raises `DataError` for a split without a list and for a list or folder that is empty.
    """
    if not suite.layout.lists:
        names = tuple(sorted(path.name for path in (root / suite.layout.frames).iterdir() if path.is_dir()))
        if not names:
            raise DataError(
                "there is no video",
                where=str(root / suite.layout.frames),
                fix="put one folder of frames per video there",
            )
        return names
    tried = [root / pattern.format(split=split) for pattern in suite.layout.lists]
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
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words:
            names[words[0].split("/")[-2] if "/" in words[0] else words[0]] = None
    for name in names:
        if name in (".", "..") or "\\" in name:
            raise DataError(f"'{name}' is no video name", where=str(path), fix="list one folder name per line")
    if not names:
        raise DataError("the list is empty", where=str(path), fix="list one video name per line")
    return tuple(names)
