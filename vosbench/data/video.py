"""A video on disk: its frame files, its mask files, and what of the masks prompts a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vosbench.contract import View
from vosbench.data.images import read_image
from vosbench.data.masks import read_mask
from vosbench.data.meta import ObjectMeta, read_meta
from vosbench.data.suite import Layout, Suite
from vosbench.digest import digest_file, digest_json
from vosbench.errors import DataError
from vosbench.types import Frame, LabelMap, Prompt

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video: ``names`` and ``images`` in order, ``masks`` by frame name; sizes in pixels.

    ``objects`` is what the data set's meta file says, () where it has none.
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

    @property
    def view(self) -> View:
        """What a method may know before the first frame."""
        return View(id=self.id, height=self.height, width=self.width, fps=self.layout.frames_per_second)

    def where(self, index: int, path: Path) -> str:
        """Gives back the words that lead a reader of an error to one frame's file."""
        return f"suite {self.suite}, video {self.id}, frame {index} ({self.names[index]}), file {path}"


def open_video(suite: Suite, root: Path, name: str, *, max_frames: int | None = None) -> Video:
    """Gives back one video of a suite (see `at_split`), played ``suite.times`` times and cut to ``max_frames``.

    Raises `DataError` for a missing or empty folder, frames with one stem twice, masks without a frame, and a
    video whose first frame has no mask where that is what prompts.
    """
    layout = suite.layout
    where = f"suite {suite.name}, video {name}"
    images = _by_stem(root / _frames_folder(suite) / name, IMAGE_SUFFIXES, where, "frames")
    masks = _by_stem(root / layout.masks / name, frozenset({".png"}), where, "masks")
    names = tuple(images)
    stray = [stem for stem in masks if stem not in images]
    if stray:
        raise DataError(
            f"{len(stray)} masks have no frame, the first is {stray[0]}",
            where=f"{where}, file {masks[stray[0]]}",
            fix=f"put the frame beside the others in {root / _frames_folder(suite) / name}, or remove the mask",
        )
    if layout.prompt == "first-frame" and names[0] not in masks:
        raise DataError(
            "the first frame has no mask, so no object is given",
            where=f"{where}, expected {root / layout.masks / name / names[0]}.png",
            fix="add the first mask, or write 'prompt: at-first-appearance' in the suite",
        )
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
    )
    return cut(back_and_forth(video, suite.times), max_frames)


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
    masks = {
        name: video.masks[video.names[source]]
        for name, source in zip(names, order, strict=True)
        if video.names[source] in video.masks
    }
    return replace(video, names=names, images=tuple(video.images[source] for source in order), masks=masks)


def cut(video: Video, frames: int | None) -> Video:
    """Gives back the video's first frames, and the masks of these."""
    names = video.names[:frames]
    kept = set(names)
    masks = {name: path for name, path in video.masks.items() if name in kept}
    return replace(video, names=names, images=video.images[:frames], masks=masks)


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


def prompt_at(video: Video, index: int, known: frozenset[int]) -> Prompt | None:
    """Gives back the objects that enter at a frame, or None; ``known`` are those that entered before."""
    name = video.names[index]
    first_only = video.layout.prompt == "first-frame"
    if name not in video.masks or (first_only and index > 0):
        return None
    mask = read_truth(video, name)
    present = np.flatnonzero(np.bincount(mask.ravel()))
    ids = tuple(int(i) for i in present if i != 0 and i != video.layout.void and int(i) not in known)
    if not ids and index > 0:
        return None
    return Prompt(ids=ids, mask=np.where(np.isin(mask, ids), mask, 0).astype(mask.dtype))


def read_frame(video: Video, index: int) -> Frame:
    """Gives back a frame without its prompt. Raises `DataError` for a torn file or another size than the first's."""
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
    prompting = [video.masks[name] for name in video.names[: 1 if video.layout.prompt == "first-frame" else None]
                 if name in video.masks]  # fmt: skip
    rule = [video.layout.objects, video.layout.prompt, video.layout.void]
    return digest_json(
        [rule, video.names, [digest_file(path) for path in video.images], [digest_file(path) for path in prompting]]
    )


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
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DataError(
                f"two {what} have the stem {path.stem}: {found[path.stem].name} and {path.name}",
                where=f"{where}, {folder}",
                fix="remove one of them",
            )
        found[path.stem] = path
    if not found and what == "frames":
        raise DataError(
            f"the folder holds no {what} ({', '.join(sorted(suffixes))})", where=f"{where}, {folder}",
            fix="unpack the data set again, or take the video out of the list",
        )  # fmt: skip
    return dict(sorted(found.items()))
