"""A video on disk: its frame files, its mask files, and what of the masks prompts a method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from vosbench.contract import View
from vosbench.data.images import read_image
from vosbench.data.masks import read_mask
from vosbench.data.meta import ObjectMeta, read_meta
from vosbench.data.names import files_by_stem
from vosbench.data.noise import NoiseVideo
from vosbench.data.object_folders import object_masks
from vosbench.data.suite import Layout, Suite
from vosbench.digest import digest_array, digest_file, digest_json
from vosbench.errors import DataError
from vosbench.rle import Bounds, text_of_bounds
from vosbench.types import Frame, LabelMap

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entrance:
    """The first mask of an instance: at which frame it appears, its category, and the mask's bounds.

    ``id`` counts from 1 within the video, ``annotation`` is the id in the annotation file. See `vosbench.rle` for
    ``bounds``.
    """

    id: int
    annotation: int
    category: int
    frame: int
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instances:
    """What an annotation file of video instance segmentation says of one video: its id there, the names of all
    categories by their ids, and the instances in the file's order. It has none where the truth is on a server.
    """

    video: int
    categories: Mapping[int, str]
    entrances: tuple[Entrance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video: ``names`` and ``images`` in order, ``masks`` by frame name; sizes in pixels.

    ``objects`` is what the data set's meta file says, () where it has none. ``folders`` are the masks by object and
    frame name where they lie in a folder per object, ``instances`` what stands in an annotation file: such videos have
    no ``masks``. ``task`` says what a method is asked for, see `vosbench.contract.View`. The frames of a video with
    ``noise`` are random, and lie nowhere.
    """

    suite: str
    id: str
    names: tuple[str, ...]
    images: tuple[Path, ...]
    masks: Mapping[str, Path]
    layout: Layout
    height: int
    width: int
    objects: tuple[ObjectMeta, ...] = ()
    folders: Mapping[int, Mapping[str, Path]] = field(default_factory=dict)
    instances: Instances | None = None
    noise: NoiseVideo | None = None
    task: Literal["vos", "vis"] = "vos"

    @property
    def view(self) -> View:
        """What a method may know before the first frame."""
        view = View(id=self.id, height=self.height, width=self.width, fps=self.layout.frames_per_second)
        if self.task == "vos" or self.instances is None:
            return view
        return replace(view, task="vis", categories=self.instances.categories)

    def where(self, index: int, path: Path) -> str:
        """Gives back the words that lead a reader of an error to one frame's file."""
        return f"suite {self.suite}, video {self.id}, frame {index} ({self.names[index]}), file {path}"


def open_video(suite: Suite, root: Path, name: str, *, max_frames: int | None = None) -> Video:
    """Gives back one video of a suite (see `at_split`), played ``suite.times`` times and cut to ``max_frames``.

    Raises `DataError` for a missing or empty folder, frames with one stem twice or numbers of different lengths, masks
    without a frame, and frames without a mask: the first where that is what prompts, any where the data set has all.
    """
    if suite.task == "vis":
        from vosbench.data.vis_videos import AnnotatedVideos  # it makes such videos, and so imports this module

        return AnnotatedVideos(suite, root).open(name, max_frames=max_frames)
    if suite.noise is not None:
        return cut(_noise_video(suite, name), max_frames)
    layout = suite.layout
    where = f"suite {suite.name}, video {name}"
    images = _by_stem(root / _frames_folder(suite) / name, IMAGE_SUFFIXES, where, "frames")
    folders: Mapping[int, Mapping[str, Path]] = {}
    if layout.object_folders:
        # label maps have 0 for the background, and folders may be named 000
        folders = {number + 1: found for number, found in object_masks(root / layout.masks / name, where).items()}
        masks = {}
    else:
        masks = _by_stem(root / layout.masks / name, frozenset({".png"}), where, "masks")
    _check_masks(images, [masks, *folders.values()], root / layout.masks / name, layout, where)
    names = tuple(images)
    height, width = read_image(images[names[0]]).shape[:2]
    video = Video(
        suite=suite.name,
        id=name,
        names=names,
        images=tuple(images.values()),
        masks=masks,
        layout=layout,
        height=height,
        width=width,
        objects=read_meta(root / layout.meta, layout.meta_kind, name) if layout.meta is not None else (),
        folders=folders,
    )
    return cut(back_and_forth(video, suite.times), max_frames)


def _check_masks(
    images: Mapping[str, Path], found: list[Mapping[str, Path]], folder: Path, layout: Layout, where: str
) -> None:
    """Refuse masks without a frame, a first frame without a mask where that is what prompts, and any frame without one
    where all have one.
    """
    stray = [path for masks in found for stem, path in masks.items() if stem not in images]
    if stray:
        raise DataError(
            f"{len(stray)} masks have no frame, the first is {stray[0].stem}",
            where=f"{where}, file {stray[0]}",
            fix="put the frame beside the others, or remove the mask",
        )
    first = next(iter(images))
    if layout.prompt == "first-frame" and all(first not in masks for masks in found):
        raise DataError(
            "the first frame has no mask, so no object is given",
            where=f"{where}, expected {folder / first}.png",
            fix="add the first mask, or write 'prompt: at-first-appearance' and 'protocol: vos-benchmark' in the suite",
        )
    bare = [name for name in images if all(name not in masks for masks in found)] if layout.dense_masks else []
    if bare:
        raise DataError(
            f"{len(bare)} of {len(images)} frames have no mask, the first is {bare[0]}: they would not be scored",
            where=f"{where}, expected {folder / bare[0]}.png",
            fix="unpack the data set's masks again, or remove these frames too",
        )


def _noise_video(suite: Suite, name: str) -> Video:
    noise = noise_videos(suite)[name]
    return Video(
        suite=suite.name,
        id=name,
        names=tuple(f"{index:05d}" for index in range(noise.frames)),
        images=(),
        masks={},
        layout=suite.layout,
        height=noise.height,
        width=noise.width,
        noise=noise,
    )


def noise_videos(suite: Suite) -> dict[str, NoiseVideo]:
    """Gives back a suite's videos of random frames by name; none where its frames lie on disk."""
    noise = suite.noise
    if noise is None:
        return {}
    sizes = {"height": noise.height, "width": noise.width}
    videos = [NoiseVideo(frames=count, objects=number, **sizes) for count in noise.frames for number in noise.objects]
    return {video.name: video for video in videos}


def back_and_forth(video: Video, times: int) -> Video:
    """Gives back the video played ``times`` times, forth and back in turn, its frames renamed 00000, 00001, ...

    Every second pass begins with the last frame again, as in XMem's n-times variants of Long-time Video. The truth
    of a frame played again is that of the frame.
    """
    if times == 1:
        return video
    count = len(video.names)
    order = [i if turn % 2 == 0 else count - 1 - i for turn in range(times) for i in range(count)]
    names = tuple(f"{index:05d}" for index in range(len(order)))
    sources = {name: video.names[source] for name, source in zip(names, order, strict=True)}

    def played(masks: Mapping[str, Path]) -> Mapping[str, Path]:
        return {name: masks[source] for name, source in sources.items() if source in masks}

    return replace(
        video,
        names=names,
        images=tuple(video.images[source] for source in order),
        masks=played(video.masks),
        folders={number: played(masks) for number, masks in video.folders.items()},
    )


def cut(video: Video, frames: int | None) -> Video:
    """Gives back the video's first frames, and the masks of these."""
    if frames is None:
        return video
    names = video.names[:frames]
    kept = set(names)

    def within(masks: Mapping[str, Path]) -> Mapping[str, Path]:
        return {name: path for name, path in masks.items() if name in kept}

    instances = video.instances
    if instances is not None:
        seen = tuple(entrance for entrance in instances.entrances if entrance.frame < frames)
        instances = replace(instances, entrances=seen)
    return replace(
        video,
        names=names,
        images=video.images[:frames],
        masks=within(video.masks),
        folders={number: within(masks) for number, masks in video.folders.items()},
        instances=instances,
    )


def read_truth(video: Video, name: str) -> LabelMap:
    """Gives back the label map (height, width) of a mask file: one object where the suite has single objects.

    Raises `DataError` for a torn file, another size than the frame's, and ids above what the suite allows.
    """
    index = video.names.index(name)
    path = video.masks[name]
    labels = read_mask(path)
    where = video.where(index, path)
    if labels.shape != (video.height, video.width):
        raise DataError(
            f"the mask is {labels.shape[1]} x {labels.shape[0]}, its frame {video.width} x {video.height}",
            where=where,
            fix="masks have their frame's own size; export this one again",
        )
    if video.layout.objects == "single":
        return (labels > 0).astype(np.uint8)
    largest = _largest_object(labels, video.layout.void)
    if largest > video.layout.largest_id:
        raise DataError(
            f"object id {largest}; this suite allows ids up to {video.layout.largest_id}",
            where=where,
            fix="renumber the objects, or raise largest_id in a suite of your own",
        )
    return labels


def read_frame(video: Video, index: int) -> Frame:
    """Gives back a frame without its prompt. Raises `DataError` for a torn file or another size than the first's."""
    if video.noise is not None:
        return Frame(index=index, name=video.names[index], image=video.noise.image(index))
    path = video.images[index]
    image = read_image(path)
    if image.shape[:2] != (video.height, video.width):
        raise DataError(
            f"the frame is {image.shape[1]} x {image.shape[0]}, the first {video.width} x {video.height}",
            where=video.where(index, path),
            fix="all frames of a video have one size",
        )
    return Frame(index=index, name=video.names[index], image=image)


def video_digest(video: Video) -> str:
    """Gives back the digest of everything a method sees of a video: frames in order and the masks that prompt."""
    prompting = video.names[: 1 if video.layout.prompt == "first-frame" else None]
    files = [masks[name] for masks in (video.masks, *video.folders.values()) for name in prompting if name in masks]
    rule = [video.layout.objects, video.layout.prompt, video.layout.void, *map(str, video.folders)]
    digests = [[digest_file(path) for path in paths] for paths in (video.images, files)]
    parts: list[object] = [rule, video.names, *digests]
    if video.instances is not None:
        parts.append(_described(video.instances, video.height * video.width))
    if video.noise is not None:
        parts.append([digest_array(video.noise.image(0)), digest_array(video.noise.mask())])
    return digest_json(parts)


def _described(instances: Instances, pixels: int) -> list[object]:
    entrances = [
        [entrance.annotation, entrance.category, entrance.frame, text_of_bounds(entrance.bounds, pixels)]
        for entrance in instances.entrances
    ]
    return [instances.video, dict(instances.categories), entrances]


def _frames_folder(suite: Suite) -> str:
    dense = suite.layout.dense_frames
    return dense if dense is not None and suite.feed == "all" else suite.layout.frames


def _largest_object(labels: LabelMap, void: int | None) -> int:
    largest = int(labels.max(initial=0))
    if void is None or largest < void:
        return largest
    return int(labels.max(initial=0, where=labels != void))


def _by_stem(folder: Path, suffixes: frozenset[str], where: str, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"there is no folder of {what}", where=f"{where}, {folder}", fix="unpack the data set again")
    found = files_by_stem(folder, suffixes, where, what)
    if not found and what == "frames":
        raise DataError(
            f"the folder holds no {what} ({', '.join(sorted(suffixes))})", where=f"{where}, {folder}",
            fix="unpack the data set again, or take the video out of the list",
        )  # fmt: skip
    if what == "frames":
        _check_numbers(found, f"{where}, {folder}")
    return found


def _check_numbers(stems: Iterable[str], where: str) -> None:
    """Refuse numbers of different lengths: in the order of their names 10 plays before 2."""
    numbers = sorted(stems, key=len)
    if all(stem.isascii() and stem.isdecimal() for stem in numbers) and len(numbers[0]) < len(numbers[-1]):
        raise DataError(
            f"the frames are numbers of different lengths, from {numbers[0]} to {numbers[-1]}, and would play in the "
            "order of their names: 1, 10, 11, 2",
            where=where,
            fix="pad the names of frames and masks: 00001",
        )
