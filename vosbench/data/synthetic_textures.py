"""Procedural surfaces and backgrounds of synthetic videos: fractal noise, coloured by ramps, with patterns on top."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from vosbench.data.synthetic_shapes import Points, lobes, smooth
from vosbench.types import Image

Field: TypeAlias = NDArray[np.float32]
"""(height, width) float32 in [0, 1]."""

Colour: TypeAlias = tuple[float, float, float]
"""Red, green, blue in 0 to 255."""

TEXTURE = 192
"""Side of an object's texture in pixels."""


def fractal_noise(
    random: np.random.Generator, height: int, width: int, *, coarse: int = 4, decay: float = 0.55, stretch: float = 1.0
) -> Field:
    """Gives back smooth noise in [0, 1]: octaves from ``coarse`` cells per height on, each ``decay`` times as strong.

    ``stretch`` above 1 makes the grains wider than high.
    """
    total = np.zeros((height, width), np.float32)
    cells, strength = coarse, 1.0
    while cells < height:
        across = max(2, int(cells * width / height / stretch))
        grid = random.random((cells, across)).astype(np.float32)
        total += np.float32(strength) * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * decay
    low, high = float(total.min()), float(total.max())
    noise: Field = (total - np.float32(low)) / np.float32(max(high - low, 1e-6))
    return noise


def colour_ramp(field: Field, stops: tuple[Colour, ...]) -> Image:
    """Gives back the image in which a value of ``field`` is the colour that far along evenly spaced ``stops``."""
    at = np.linspace(0.0, 255.0, len(stops))
    table = np.stack([np.interp(np.arange(256), at, [stop[channel] for stop in stops]) for channel in range(3)], axis=1)
    index = np.clip(field * 255.0, 0, 255).astype(np.uint8)
    image: Image = table.astype(np.uint8)[index]
    return image


def draw_colour(random: np.random.Generator, *, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Gives back a colour of any hue, its saturation and value (each 0 to 1) drawn from the given ranges."""
    hue = 180.0 * float(random.random())
    chroma = saturation[0] + (saturation[1] - saturation[0]) * float(random.random())
    bright = value[0] + (value[1] - value[0]) * float(random.random())
    pixel = np.array([[[hue, 255.0 * chroma, 255.0 * bright]]]).astype(np.uint8)
    red, green, blue = (float(part) for part in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue


def scaled(colour: Colour, factor: float) -> Colour:
    """Gives back a colour made darker (``factor`` below 1) or lighter."""
    red, green, blue = (min(255.0, part * factor) for part in colour)
    return red, green, blue


def object_texture(random: np.random.Generator, colour: Colour, other: Colour) -> Image:
    """Gives back a surface (TEXTURE, TEXTURE, 3) in two colours: grained, with stripes, spots, patches or checks."""
    grain = fractal_noise(random, TEXTURE, TEXTURE, coarse=8, decay=0.75)
    base = colour_ramp(grain, (scaled(colour, 0.6), colour, scaled(colour, 1.25)))
    marks = colour_ramp(grain, (scaled(other, 0.65), other, scaled(other, 1.2)))
    pattern = _PATTERNS[int(random.random() * len(_PATTERNS))](random)
    weight = cv2.GaussianBlur(pattern, (0, 0), 1.2)[..., None]
    mixed: Image = (base * (1.0 - weight) + marks * weight).astype(np.uint8)
    return mixed


def _stripes(random: np.random.Generator) -> Field:
    warp = fractal_noise(random, TEXTURE, TEXTURE, coarse=3, decay=0.4)
    rows, columns = np.mgrid[0:TEXTURE, 0:TEXTURE].astype(np.float32) / np.float32(TEXTURE)
    tilt, count = float(random.random()), 5.0 + 6.0 * float(random.random())
    phase = count * (rows * tilt + columns * (1.0 - tilt)) + 1.3 * warp
    field: Field = (np.mod(phase, 1.0) < 0.42).astype(np.float32)
    return field


def _spots(random: np.random.Generator) -> Field:
    field = np.zeros((TEXTURE, TEXTURE), np.float32)
    for _ in range(30 + int(30 * random.random())):
        x, y, radius = (int(part) for part in random.random(3) * (TEXTURE, TEXTURE, 9) + (0, 0, 4))
        cv2.circle(field, (x, y), radius, 1.0, -1, cv2.LINE_AA)
    return field


def _patches(random: np.random.Generator) -> Field:
    noise = fractal_noise(random, TEXTURE, TEXTURE, coarse=5, decay=0.35)
    field: Field = (noise > 0.52).astype(np.float32)
    return field


def _checks(random: np.random.Generator) -> Field:
    cell = 12 + int(16 * random.random())
    rows, columns = np.mgrid[0:TEXTURE, 0:TEXTURE] // cell
    field: Field = ((rows + columns) % 2).astype(np.float32)
    return field


_PATTERNS: tuple[Callable[[np.random.Generator], Field], ...] = (_stripes, _spots, _patches, _checks)


def background(random: np.random.Generator, height: int, width: int) -> Image:
    """Gives back a scenery (height, width, 3): a landscape, a wall, water or foliage, with clutter on it."""
    kind = int(random.random() * len(_SCENERIES))
    canvas = _SCENERIES[kind](random, height, width)
    canvas = _clutter(random, canvas)
    vignette = fractal_noise(random, height, width, coarse=2, decay=0.3)[..., None]
    lit: Image = (canvas * (0.72 + 0.36 * vignette)).clip(0, 255).astype(np.uint8)
    return lit


def _landscape(random: np.random.Generator, height: int, width: int) -> Image:
    horizon = int(height * (0.3 + 0.2 * float(random.random())))
    clouds = fractal_noise(random, height, width, coarse=3, stretch=2.5)
    sky = colour_ramp(clouds, ((96, 140, 190), (150, 185, 215), (232, 236, 240)))
    soil = draw_colour(random, saturation=(0.25, 0.55), value=(0.35, 0.6))
    ground = colour_ramp(
        fractal_noise(random, height, width, coarse=6, decay=0.72, stretch=2.0),
        (scaled(soil, 0.5), soil, scaled(soil, 1.15), scaled(soil, 1.5)),
    )
    ridge = fractal_noise(random, 64, width, coarse=4)[32] * (0.16 * height) + (horizon - 0.12 * height)
    rows = np.arange(height)[:, None]
    hills = colour_ramp(fractal_noise(random, height, width, coarse=12), (scaled(soil, 0.4), scaled(soil, 0.85)))
    image = np.where((rows > ridge[None, :])[..., None], hills, sky)
    below: Image = np.where((rows > horizon)[..., None], ground, image)
    return below


def _wall(random: np.random.Generator, height: int, width: int) -> Image:
    paint = draw_colour(random, saturation=(0.1, 0.45), value=(0.45, 0.75))
    grain = fractal_noise(random, height, width, coarse=10, decay=0.8)
    image = colour_ramp(grain, (scaled(paint, 0.7), paint, scaled(paint, 1.12)))
    tall, wide = height // (5 + int(5 * random.random())), width // (5 + int(4 * random.random()))
    joint = scaled(paint, 0.45)
    for row, top in enumerate(range(0, height, max(tall, 4))):
        cv2.line(image, (0, top), (width, top), joint, max(1, height // 300))
        for left in range((row % 2) * wide // 2, width, max(wide, 4)):
            cv2.line(image, (left, top), (left, top + tall), joint, max(1, height // 300))
    return image


def _water(random: np.random.Generator, height: int, width: int) -> Image:
    deep = draw_colour(random, saturation=(0.35, 0.6), value=(0.35, 0.55))
    waves = fractal_noise(random, height, width, coarse=10, decay=0.8, stretch=4.0)
    return colour_ramp(waves, (scaled(deep, 0.6), deep, scaled(deep, 1.3), (225.0, 232.0, 235.0)))


def _foliage(random: np.random.Generator, height: int, width: int) -> Image:
    leaf = draw_colour(random, saturation=(0.4, 0.65), value=(0.3, 0.5))
    image = colour_ramp(
        fractal_noise(random, height, width, coarse=9, decay=0.85), (scaled(leaf, 0.35), leaf, scaled(leaf, 1.4))
    )
    for _ in range(160):
        x, y, size, turn, tone = random.random(5)
        outline = smooth([(0.0, -1.0), (0.45, 0.0), (0.0, 1.0), (-0.45, 0.0)], 2)
        side = (0.02 + 0.05 * size) * height
        sine, cosine = np.sin(6.3 * turn), np.cos(6.3 * turn)
        points = outline @ np.array([[cosine, sine], [-sine, cosine]]) * side + (x * width, y * height)
        cv2.fillPoly(image, [points.astype(np.int32)], scaled(leaf, 0.5 + 1.1 * float(tone)), cv2.LINE_AA)
    return image


_SCENERIES: tuple[Callable[[np.random.Generator, int, int], Image], ...] = (_landscape, _wall, _water, _foliage)


def _clutter(random: np.random.Generator, canvas: Image) -> Image:
    """Puts stones, boards and bushes with grain, shade and shadow on a scenery."""
    height, width = canvas.shape[:2]
    for _ in range(14 + int(12 * random.random())):
        x, y = float(random.random()) * width, (0.25 + 0.75 * float(random.random())) * height
        size = (0.03 + 0.09 * float(random.random()) ** 2) * height
        outline = lobes(random, 1.0, 0.7) if random.random() < 0.6 else smooth(_board(random), 1)
        points = outline * size * (1.0 + 0.5 * float(random.random()), 1.0) + (x, y)
        tint = draw_colour(random, saturation=(0.1, 0.6), value=(0.3, 0.8))
        _place(random, canvas, points, tint)
    return canvas


def _board(random: np.random.Generator) -> list[tuple[float, float]]:
    wide, tall = 0.3 + float(random.random()), 0.3 + float(random.random())
    return [(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)]


def _place(random: np.random.Generator, canvas: Image, points: Points, tint: Colour) -> None:
    margin = 8
    left, top = (np.floor(points.min(axis=0)).astype(int) - margin).clip(0)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + margin
    window = canvas[top:bottom, left:right]
    tall, wide = window.shape[:2]
    if min(tall, wide) < 8:
        return
    mask = np.zeros((tall, wide), np.float32)
    cv2.fillPoly(mask, [(points - (left, top)).astype(np.int32)], 1.0, cv2.LINE_AA)
    grain = fractal_noise(random, tall, wide, coarse=4, decay=0.8)
    surface = colour_ramp(grain, (scaled(tint, 0.55), tint, scaled(tint, 1.3))).astype(np.float32)
    puff = cv2.blur(mask, (tall // 3 + 1, tall // 3 + 1), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)[..., None]
    shadow = 1.0 - 0.4 * cv2.blur(mask, (9, 9), anchor=(7, 7), borderType=cv2.BORDER_CONSTANT)[..., None]
    alpha = mask[..., None]
    window[:] = (window * shadow * (1.0 - alpha) + surface * (0.5 + 0.6 * puff) * alpha).clip(0, 255).astype(np.uint8)
