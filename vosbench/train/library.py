"""Photos and clips to train on, decoded once and kept in memory.

The folder holds ``static/images`` and ``static/masks`` (one file per photo, equal stems, ``static/index.json`` with
each one's source) and ``clips/JPEGImages/CLIP`` and ``clips/Annotations/CLIP``; masks are palette or grey PNG files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.data.images import read_image
from vosbench.data.masks import read_mask
from vosbench.digest import digest_bytes
from vosbench.errors import DataError, UsageError, nearest
from vosbench.train.recipe import HeldBack
from vosbench.types import Image, LabelMap

UNKNOWN = "unknown"
"""The source of what no index names."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photo:
    """A photo with the masks of its objects (height, width) uint8, 0 elsewhere; ``source`` is the collection."""

    name: str
    source: str
    image: Image
    mask: LabelMap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealClip:
    """A filmed clip: its frames in order and a mask of each; ``categories``, from 0, of its objects where known."""

    name: str
    source: str
    images: tuple[Image, ...]
    masks: tuple[LabelMap, ...]
    categories: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Library:
    """What is trained on and what is held back."""

    photos: tuple[Photo, ...]
    clips: tuple[RealClip, ...]
    held_photos: tuple[Photo, ...] = ()
    held_clips: tuple[RealClip, ...] = ()


def read_library(root: Path, held_back: HeldBack, *, photos: bool = True, clips: bool = True) -> Library:
    """Gives back what lies in ``root``, parted into what is trained on and what is held back.

    A photo that is held back is not trained on under another name either. Raises `DataError` for a missing folder, a
    mask without its image or an image without its mask, two images of one name, and for sizes that differ;
    `UsageError` for a held-back clip that is not there.
    """
    if not root.is_dir():
        raise DataError(
            "there is no data to train on",
            where=str(root),
            fix="say with --data ROOT where the folder train/ with static/ and clips/ lies",
        )
    all_clips = tuple(_clips(root / "clips")) if clips else ()
    names = [clip.name for clip in all_clips]
    for name in (*held_back.clips, *held_back.exclude) if clips else ():
        if name not in names:
            raise UsageError(f"there is no clip '{name}' to hold back", where=str(root), fix=nearest(name, names))
    all_photos = tuple(_photos(root / "static")) if photos else ()
    held = _every(all_photos, held_back.photos)
    shown = {digest_bytes(photo.image.tobytes()) for photo in all_photos if photo.name in held}
    kept_back = {*held_back.clips, *held_back.exclude}
    return Library(
        photos=tuple(photo for photo in all_photos if digest_bytes(photo.image.tobytes()) not in shown),
        clips=tuple(clip for clip in all_clips if clip.name not in kept_back),
        held_photos=tuple(photo for photo in all_photos if photo.name in held),
        held_clips=tuple(clip for clip in all_clips if clip.name in held_back.clips),
    )


def read_sources(root: Path, *, photos: bool, clips: bool) -> tuple[str, ...]:
    """Gives back the collections that photos and clips come from, each once, without decoding anything."""
    found: set[str] = set()
    if photos:
        listed = _photo_sources(root / "static")
        stems = {path.stem for path in (root / "static" / "masks").glob("*.png")}
        found |= {listed.get(stem, UNKNOWN) for stem in stems}
    if clips:
        listed = _clip_sources(root / "clips")
        names = {path.name for path in (root / "clips" / "JPEGImages").glob("*") if path.is_dir()}
        found |= {listed.get(name, UNKNOWN) for name in names}
    return tuple(sorted(found))


def _photo_sources(folder: Path) -> dict[str, str]:
    entries = [entry for entry in _index(folder / "index.json") if "name" in entry]
    return {str(entry["name"]): str(entry.get("source", UNKNOWN)) for entry in entries}


def _clip_sources(folder: Path) -> dict[str, str]:
    entries = [entry for entry in _index(folder / "index.json") if "video" in entry]
    return {str(entry["video"]): str(entry.get("source", UNKNOWN)).partition(",")[0] for entry in entries}


def _every(photos: Sequence[Photo], step: int) -> frozenset[str]:
    """Gives back the names of each source's photos number step - 1, 2 step - 1, ... in the order of names."""
    if step < 1:
        return frozenset()
    by_source: dict[str, list[str]] = {}
    for photo in photos:
        by_source.setdefault(photo.source, []).append(photo.name)
    return frozenset(name for names in by_source.values() for name in names[step - 1 :: step])


def _photos(folder: Path) -> Iterator[Photo]:
    sources = _photo_sources(folder)
    for stem, image_file, mask_file in _matched(folder / "images", folder / "masks"):
        image, mask = _pair(image_file, mask_file)
        yield Photo(name=stem, source=sources.get(stem, UNKNOWN), image=image, mask=mask)


def _clips(folder: Path) -> Iterator[RealClip]:
    sources = _clip_sources(folder)
    frames = folder / "JPEGImages"
    if not frames.is_dir():
        raise DataError("there are no clips to train on", where=str(frames), fix="say with --data ROOT where train/ is")
    masks = folder / "Annotations"
    names = sorted(path.name for path in frames.iterdir() if path.is_dir())
    drawn = sorted(path.name for path in masks.iterdir() if path.is_dir()) if masks.is_dir() else []
    lonely = [name for name in drawn if name not in names]
    if lonely:
        raise DataError(
            f"{len(lonely)} clips have masks and no images, the first is {lonely[0]}",
            where=str(masks / lonely[0]),
            fix=f"add {frames / lonely[0]}, or remove the masks",
        )
    for clip in names:
        pairs = [_pair(image, mask) for _, image, mask in _matched(frames / clip, masks / clip)]
        yield RealClip(
            name=clip,
            source=sources.get(clip, UNKNOWN),
            images=tuple(image for image, _ in pairs),
            masks=tuple(mask for _, mask in pairs),
        )


def _index(path: Path) -> list[dict[str, object]]:
    """Gives back the entries of an index file; a folder without one has photos of unknown source."""
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"the index cannot be read: {error}", where=str(path), fix="it is a JSON list") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError("the index is no list of entries", where=str(path), fix="each has a name and a source")
    return entries


def _matched(images: Path, masks: Path) -> list[tuple[str, Path, Path]]:
    """Gives back (stem, image, mask) in the order of stems."""
    for folder in (images, masks):
        if not folder.is_dir():
            raise DataError("there is no such folder of training data", where=str(folder), fix="check --data ROOT")
    found = _by_stem(images, IMAGE_SUFFIXES)
    drawn = _by_stem(masks, frozenset({".png"}))
    for here, there, what in ((found, drawn, "mask"), (drawn, found, "image")):
        lonely = sorted(here.keys() - there.keys())
        if lonely:
            raise DataError(
                f"{len(lonely)} files have no {what}, the first is {lonely[0]}",
                where=str(here[lonely[0]]),
                fix=f"images in {images} and masks in {masks} have equal names: add the {what} or remove the file",
            )
    if not found:
        raise DataError("this folder of training data is empty", where=str(images), fix="check --data ROOT")
    return [(stem, found[stem], drawn[stem]) for stem in sorted(found)]


def _by_stem(folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes:
            continue
        if path.stem in found:
            raise DataError(
                f"two files are called {path.stem}: {found[path.stem].name} and {path.name}",
                where=str(folder),
                fix="remove one of them: which of both belongs to the mask cannot be told",
            )
        found[path.stem] = path
    return found


def _pair(image_file: Path, mask_file: Path) -> tuple[Image, LabelMap]:
    image, mask = read_image(image_file), read_mask(mask_file)
    if image.shape[:2] != mask.shape:
        raise DataError(
            f"the image is {image.shape[1]} x {image.shape[0]} and its mask {mask.shape[1]} x {mask.shape[0]} pixels",
            where=f"{image_file} and {mask_file}",
            fix="bring the mask to the image's size",
        )
    if int(mask.max()) > np.iinfo(np.uint8).max:
        raise DataError("an object id exceeds 255", where=str(mask_file), fix="number the objects from 1")
    return image, mask.astype(np.uint8)
