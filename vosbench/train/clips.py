"""Training clips: a filmed one, a photo set into motion, a collage of cut-outs, a synthetic video."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosbench.train.library import Photo, RealClip
from vosbench.train.warp import Light, Motion, bending, draw_light, flicker, lit, placed, sampled, way
from vosbench.types import Image, LabelMap

SMALLEST = 0.002
"""An object that is given shows at least this share of the first frame; smaller ones count as background."""

TRIES = 12
"""A clip whose first frame shows no object is drawn again, at most so often."""

PHOTO_ZOOM = (0.75, 1.5)
REAL_ZOOM = (1.0, 1.7)
CUT_OUT_SIDE = (0.25, 0.8)
"""A cut-out's longer side, as a share of the frame's shorter one times 1.4."""

HAND_HELD = Motion(rotation=4.0, scale=0.05, shear=0.03, shift=0.03, bending=0.0)
"""What is added to the motion that a filmed clip has of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainClip:
    """``images`` (frames, height, width, 3) uint8 RGB; ``masks`` (frames, height, width) uint8: 0 the background,
    1 to ``objects`` what the first frame shows. ``origin`` says what it was made of. ``categories`` are those of the
    objects in turn, from 0, where they are known."""

    origin: str
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    objects: int
    categories: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a clip shall be: ``objects`` at most, sizes in pixels, ``gap`` of real clips in stored frames."""

    frames: int
    height: int
    width: int
    objects: int = 1
    gap: tuple[int, int] = (1, 5)


Draw = Callable[[np.random.Generator, Wish], TrainClip | None]
"""Draws a clip, or None where its first frame shows no object that is large enough."""


def draw_clip(random: np.random.Generator, wish: Wish, draw: Draw) -> TrainClip:
    """Gives back a clip with an object in its first frame.

    After `TRIES` clips without one, the last resort is a plain ellipse: a batch never fails for want of luck.
    """
    for _ in range(TRIES):
        clip = draw(random, wish)
        if clip is not None:
            return clip
    return _ellipse(random, wish)


def real_clip(random: np.random.Generator, wish: Wish, clips: Sequence[RealClip]) -> TrainClip | None:
    """Gives back frames of a filmed clip, ``gap`` apart, half of them backwards, cut out and shaken a little.

    A clip too short for the gap is read with a smaller one; at its end it turns back.
    """
    clip = clips[int(random.integers(len(clips)))]
    height, width = clip.masks[0].shape
    picked = picked_frames(random, len(clip.images), wish)
    place = placed(random, (height, width), height=wish.height, width=wish.width, zoom=REAL_ZOOM)
    moves = way(random, wish.frames, HAND_HELD, height=wish.height, width=wish.width)
    light = draw_light(random, 0.6)
    images, masks = [], []
    for index, move in zip(picked, moves, strict=True):
        image, mask = sampled(
            clip.images[index],
            clip.masks[index],
            move @ place,
            None,
            height=wish.height,
            width=wish.width,
            mirrored=True,
        )
        images.append(lit(image, flicker(random, light)))
        masks.append(mask)
    return _finished(random, wish, f"real {clip.name} {picked}", images, masks)


def picked_frames(random: np.random.Generator, length: int, wish: Wish) -> list[int]:
    """Gives back the places of a clip's frames in ``length`` stored ones, ``gap`` apart, half of them backwards."""
    widest = max(1, min(wish.gap[1], (length - 1) // (wish.frames - 1)))
    steps = random.integers(min(wish.gap[0], widest), widest + 1, wish.frames - 1)
    offsets = np.concatenate([[0], np.cumsum(steps)])
    start = int(random.integers(0, max(1, length - int(offsets[-1]))))
    places = [_turned(start + int(offset), length) for offset in offsets]
    return places[::-1] if random.random() < 0.5 else places


def _turned(index: int, length: int) -> int:
    """Gives back ``index`` reflected at the clip's ends."""
    if length == 1:
        return 0
    folded = index % (2 * length - 2)
    return folded if folded < length else 2 * length - 2 - folded


def photo_clip(random: np.random.Generator, wish: Wish, photo: Photo) -> TrainClip | None:
    """Gives back one photo set into motion: turned, scaled, sheared, shifted, bent and lit frame by frame."""
    height, width = photo.mask.shape
    place = placed(random, (height, width), height=wish.height, width=wish.width, zoom=PHOTO_ZOOM)
    motion = Motion()
    light = draw_light(random)
    images, masks = [], []
    for move in way(random, wish.frames, motion, height=wish.height, width=wish.width):
        bend = bending(random, wish.height, wish.width, motion.bending)
        image, mask = sampled(
            photo.image, photo.mask, move @ place, bend, height=wish.height, width=wish.width, mirrored=True
        )
        images.append(lit(image, flicker(random, light)))
        masks.append(mask)
    return _finished(random, wish, f"photo {photo.name}", images, masks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layer:
    """One cut-out with its own way: ``label`` 0 is never a target."""

    label: int
    image: Image
    mask: LabelMap
    moves: list[NDArray[np.float64]]
    motion: Motion
    light: Light


def composite_clip(random: np.random.Generator, wish: Wish, photos: Sequence[Photo]) -> TrainClip | None:
    """Gives back cut-outs that move over a photo, each on its own way, one before the other.

    In 35 % of them (as in the measured recipe) the object of the photo behind, or the hindmost cut-out, is the target
    and what passes before it is not; 15 % have a second copy of a cut-out that is not labelled.
    """
    behind = photos[0]
    fronts = [layer for photo in photos[1:] if (layer := _layer(random, wish, photo)) is not None]
    if not fronts:
        return None
    hidden_target = random.random() < 0.35
    base_label = 1 if hidden_target else 0
    layers = [_labelled(layer, 0 if hidden_target else 2 + at) for at, layer in enumerate(fronts)]
    if random.random() < 0.15:
        twin = _layer(random, wish, photos[1])
        layers = [*([_labelled(twin, 0)] if twin is not None else []), *layers]
    images, masks = _collage(random, wish, behind, base_label, layers)
    names = " ".join(photo.name for photo in photos)
    return _finished(random, wish, f"composite {names}", images, masks)


def _labelled(layer: _Layer, label: int) -> _Layer:
    return _Layer(
        label=label,
        image=layer.image,
        mask=layer.mask,
        moves=layer.moves,
        motion=layer.motion,
        light=layer.light,
    )


def _layer(random: np.random.Generator, wish: Wish, photo: Photo) -> _Layer | None:
    """Gives back one object of a photo as a cut-out, placed in the frame."""
    ids = [int(number) for number in np.unique(photo.mask) if number]
    if not ids:
        return None
    chosen = photo.mask == ids[int(random.integers(len(ids)))]
    rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if chosen.sum() < 100 or max(bottom - top, right - left) < 16:
        return None
    side = 1.4 * min(wish.height, wish.width) * random.uniform(*CUT_OUT_SIDE)
    scale = side / max(bottom - top, right - left)
    mirrored = -1.0 if random.random() < 0.5 else 1.0
    to = (wish.width * random.uniform(0.15, 0.85), wish.height * random.uniform(0.2, 0.8))
    linear = np.array([[mirrored * scale, 0.0], [0.0, scale]])
    middle = ((right - left) / 2.0, (bottom - top) / 2.0)
    place = np.eye(3)
    place[:2, :2] = linear
    place[:2, 2] = np.asarray(to) - linear @ np.asarray(middle)
    motion = Motion(shift=0.2)
    moves = way(random, wish.frames, motion, height=wish.height, width=wish.width)
    around = np.array([[1.0, 0.0, wish.width / 2.0 - to[0]], [0.0, 1.0, wish.height / 2.0 - to[1]], [0.0, 0.0, 1.0]])
    return _Layer(
        label=0,
        image=np.ascontiguousarray(photo.image[top:bottom, left:right]),
        mask=np.ascontiguousarray(chosen[top:bottom, left:right]).astype(np.uint8),
        moves=[np.linalg.inv(around) @ move @ around @ place for move in moves],
        motion=motion,
        light=draw_light(random, 0.6),
    )


def _collage(
    random: np.random.Generator, wish: Wish, behind: Photo, base_label: int, layers: Sequence[_Layer]
) -> tuple[list[Image], list[LabelMap]]:
    size = {"height": wish.height, "width": wish.width}
    place = placed(random, behind.mask.shape, zoom=PHOTO_ZOOM, **size)
    moves = way(random, wish.frames, Motion(shift=0.06, rotation=6.0, scale=0.1, shear=0.04), **size)
    light = draw_light(random)
    target = _largest(behind.mask) if base_label else 0
    images, masks = [], []
    for frame, move in enumerate(moves):
        picture, ground = sampled(behind.image, behind.mask, move @ place, None, mirrored=True, **size)
        labels = np.where(ground == target, base_label, 0).astype(np.uint8) if base_label else np.zeros_like(ground)
        for layer in layers:
            bend = bending(random, wish.height, wish.width, layer.motion.bending)
            _paste(picture, labels, layer, frame, bend)
        images.append(lit(picture, flicker(random, light)))
        masks.append(labels)
    return images, masks


def _largest(mask: LabelMap) -> int:
    counts = np.bincount(mask.reshape(-1), minlength=2)
    return int(counts[1:].argmax()) + 1


def _paste(picture: Image, labels: LabelMap, layer: _Layer, frame: int, bend: NDArray[np.float32]) -> None:
    """Paints the cut-out over picture and labels, its edge blended over about a pixel."""
    height, width = labels.shape
    image, mask = sampled(layer.image, layer.mask, layer.moves[frame], bend, height=height, width=width, mirrored=False)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    window = (slice(max(0, rows[0] - 2), rows[-1] + 3), slice(max(0, columns[0] - 2), columns[-1] + 3))
    alpha = cv2.GaussianBlur(mask[window].astype(np.float32), (0, 0), 0.6)[..., None]
    blended = alpha * lit(np.ascontiguousarray(image[window]), layer.light) + (1.0 - alpha) * picture[window]
    picture[window] = blended.astype(np.uint8)
    labels[window][mask[window] > 0] = layer.label


def synthetic_clip(random: np.random.Generator, wish: Wish, videos: Sequence[RealClip]) -> TrainClip | None:
    """Gives back frames of a synthetic video, in which objects leave, come back and hide."""
    clip = real_clip(random, wish, videos)
    if clip is None:
        return None
    return TrainClip(
        origin=clip.origin.replace("real", "synthetic", 1), images=clip.images, masks=clip.masks, objects=clip.objects
    )


def _finished(
    random: np.random.Generator, wish: Wish, origin: str, images: Sequence[Image], masks: Sequence[LabelMap]
) -> TrainClip | None:
    """Gives back the clip with the objects of its first frame numbered at random from 1, None where there is none."""
    stacked = np.stack(masks)
    areas = np.bincount(stacked[0].reshape(-1), minlength=256)
    areas[0] = 0
    ids = np.flatnonzero(areas >= max(16.0, SMALLEST * stacked[0].size))
    if not len(ids):
        return None
    table = np.zeros(256, np.uint8)
    chosen = random.permutation(ids)[: wish.objects]
    table[chosen] = np.arange(1, len(chosen) + 1)
    return TrainClip(origin=origin, images=np.stack(images), masks=table[stacked], objects=len(chosen))


def _ellipse(random: np.random.Generator, wish: Wish) -> TrainClip:
    """Gives back a plain ellipse that drifts over noise."""
    size = (wish.height, wish.width)
    noise = random.integers(0, 90, (*size, 3)).astype(np.uint8)
    images, masks = [], []
    for frame in range(wish.frames):
        mask = np.zeros(size, np.uint8)
        centre = (wish.width // 2 + frame * wish.width // (8 * wish.frames), wish.height // 2)
        cv2.ellipse(mask, centre, (wish.width // 5, wish.height // 5), 0.0, 0.0, 360.0, 1, cv2.FILLED)
        images.append(np.where(mask[..., None] > 0, np.uint8(200), noise))
        masks.append(mask)
    return TrainClip(origin="ellipse", images=np.stack(images), masks=np.stack(masks), objects=1)


def weights_of(shares: Mapping[str, float]) -> NDArray[np.float64]:
    """Gives back shares as probabilities that sum to 1."""
    values: NDArray[np.float64] = np.array(list(shares.values()), np.float64)
    values /= values.sum()
    return values
