"""The actors of a synthetic video and their places at any frame: the geometry that pictures and masks share."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vosbench.data.synthetic_motion import Camera, Motion, Pose, draw_camera, draw_motion, pose_at
from vosbench.data.synthetic_render import Figure
from vosbench.data.synthetic_scene import Scene, check_scene, outside
from vosbench.data.synthetic_shapes import Part, Shape, Surface, draw_shape, family_count, limb, lobes
from vosbench.data.synthetic_textures import draw_colour, object_texture, scaled
from vosbench.data.synthetic_waves import Wave, cosine, draw_wave, generator, sine
from vosbench.types import Image

_SHOTS_KEPT = 2
"""So many shots stay worked out at a time: a video of many cuts needs no more memory than one of two."""

_FOLLOW = 0.35
"""Objects move with the camera by this share of the background's way: it follows them a little."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actor:
    """Something that moves. ``number`` is the object's (for a distractor: of which it is a copy), ``label`` its
    value in the truth, 0 for what is not labelled."""

    number: int
    label: int
    shape: Shape
    textures: Mapping[Surface, Image]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """What holds between two cuts: its first frame, who is in front of whom, the motions, camera and light."""

    number: int
    start: int
    order: tuple[int, ...]
    motions: tuple[Motion, ...]
    camera: Camera
    brightness: Wave
    warmth: Wave
    focus: Wave


class Stage:
    """Places all actors of a `Scene` at any frame."""

    def __init__(self, scene: Scene) -> None:
        check_scene(scene)
        self.scene = scene
        plain = _draw_plain_textures(scene)
        objects = [_draw_object(scene, number, plain) for number in range(1, scene.objects + 1)]
        copies = [dataclasses.replace(objects[index % scene.objects], label=0) for index in range(scene.distractors)]
        self._actors = objects + copies
        self._occluders = [_draw_occluder(scene, actor.number, plain) for actor in objects] if scene.occlusion else []
        self._shots: dict[int, Shot] = {}

    def shot(self, index: int) -> Shot:
        """Gives back the shot that frame ``index`` belongs to."""
        number = bisect.bisect_right(self.scene.cuts, index)
        if number not in self._shots:
            while len(self._shots) >= _SHOTS_KEPT:
                self._shots.pop(next(iter(self._shots)))
            self._shots[number] = self._draw_shot(number)
        return self._shots[number]

    def figures(self, index: int) -> list[Figure]:
        """Gives back all that stands in the picture at frame ``index``, from the back to the front."""
        shot = self.shot(index)
        placed = [
            (self._actors[at], self._placed(self._actors[at], shot.motions[at], shot, index)) for at in shot.order
        ]
        seen = [(actor, figure) for actor, figure in placed if figure is not None]
        fronts = [self._covering(actor, figure, index) for actor, figure in seen if self._occluders and actor.label]
        return [figure for _, figure in seen] + fronts

    def _placed(self, actor: Actor, motion: Motion, shot: Shot, index: int) -> Figure | None:
        gone = outside(self.scene, actor.number, index) if actor.label else 0.0
        if gone is None:
            return None
        pose, later = (self._pose(motion, shot, index + ahead) for ahead in (0.0, 0.5))
        if gone:
            pose = _carried_out(pose, gone, self.scene.width, to_left=actor.number % 2 == 1)
        return Figure(
            label=actor.label,
            shape=actor.shape,
            pose=pose,
            deformation=self.scene.deformation,
            textures=actor.textures,
            smear=(self.scene.blur * abs(later.x - pose.x), self.scene.blur * abs(later.y - pose.y))
            if not gone
            else (0.0, 0.0),
        )

    def _pose(self, motion: Motion, shot: Shot, frames: float) -> Pose:
        scene, time = self.scene, frames - shot.start
        unit = 0.5 * scene.size * min(scene.height, scene.width)
        pose = pose_at(motion, time, height=scene.height, width=scene.width, unit=unit, deformation=scene.deformation)
        x, y = shot.camera.shift(time, scene.width)
        return dataclasses.replace(pose, x=pose.x - _FOLLOW * x, y=pose.y - _FOLLOW * y)

    def _covering(self, actor: Actor, figure: Figure, index: int) -> Figure:
        """Gives back the occluder of an object: it sweeps across, and stands before it for the scene's share of time.

        Its way is a cosine of amplitude D; it covers while nearer than R, so for the share (2/pi) asin(R/D).
        """
        scene, occluder = self.scene, self._occluders[actor.number - 1]
        near = 1.1 * figure.pose.unit
        way = near / max(sine(scene.occlusion / 4.0), 0.02)
        period = 150.0 / max(scene.speed, 0.1) * (1.0 + 0.13 * actor.number)
        pose = Pose(
            x=figure.pose.x + way * cosine(index / period),
            y=figure.pose.y,
            unit=1.1 * figure.pose.unit,
            gait=index / 40.0,
        )
        return Figure(label=0, shape=occluder.shape, pose=pose, deformation=1.0, textures=occluder.textures)

    def _draw_shot(self, number: int) -> Shot:
        """Gives back shot ``number``. Each actor draws from a generator of its own, so that a scene with more
        distractors, or with occluders, shows the same objects on the same ways."""
        scene, seed = self.scene, self.scene.seed
        random = generator(seed, "shot", number)
        homes = _homes(generator(seed, "homes", number), scene.objects, scene)
        homes += _homes(generator(seed, "homes of distractors", number), scene.distractors, scene)
        ways = [generator(seed, "way", number, at) for at in range(len(homes))]
        depths = [float(way.random()) for way in ways]
        return Shot(
            number=number,
            start=scene.cuts[number - 1] if number else 0,
            order=tuple(sorted(range(len(homes)), key=depths.__getitem__)),
            motions=tuple(draw_motion(way, home, scene.speed) for way, home in zip(ways, homes, strict=True)),
            camera=draw_camera(random, scene.speed),
            brightness=draw_wave(random, 170.0),
            warmth=draw_wave(random, 230.0),
            focus=draw_wave(random, 130.0),
        )


def _homes(random: np.random.Generator, count: int, scene: Scene) -> list[tuple[float, float]]:
    """Gives back ``count`` places, spread over the picture in a random order, as shares of width and height."""
    columns = 1
    while columns * max(1, columns * scene.height // scene.width) < count:
        columns += 1
    rows = max(1, -(-count // columns))
    cells = np.argsort(random.random(rows * columns), kind="stable")[:count]
    jitter = 0.6 * random.random((count, 2)) + 0.2
    return [
        (
            0.08 + 0.84 * (int(cell) % columns + float(dx)) / columns,
            0.12 + 0.76 * (int(cell) // columns + float(dy)) / rows,
        )
        for cell, (dx, dy) in zip(cells, jitter, strict=True)
    ]


def _carried_out(pose: Pose, gone: float, width: int, *, to_left: bool) -> Pose:
    """Gives back the pose moved towards the border: half outside at ``gone`` 0.5, wholly at 1."""
    reach = 1.6 * pose.unit
    if gone <= 0.5:
        border = 0.0 if to_left else float(width)
        return dataclasses.replace(pose, x=pose.x + 2.0 * gone * (border - pose.x))
    beyond = (2.0 * gone - 1.0) * reach
    return dataclasses.replace(pose, x=-beyond if to_left else width + beyond)


def object_family(scene: Scene, number: int) -> int:
    """Gives back which family of shapes object ``number`` of a scene is of: neighbours are of different ones."""
    first = int(generator(scene.seed, "families").random() * family_count())
    return (first + number) % family_count()


def _draw_object(scene: Scene, number: int, plain: Mapping[Surface, Image]) -> Actor:
    random = generator(scene.seed, "object", number)
    shape = draw_shape(random, object_family(scene, number))
    return Actor(number=number, label=number, shape=shape, textures={**plain, **_draw_textures(random)})


def _draw_textures(random: np.random.Generator) -> dict[Surface, Image]:
    main = draw_colour(random, saturation=(0.35, 0.9), value=(0.5, 0.95))
    accent = draw_colour(random, saturation=(0.3, 0.8), value=(0.35, 0.9))
    mark = draw_colour(random, saturation=(0.1, 0.7), value=(0.2, 1.0))
    return {
        "main": object_texture(random, main, mark),
        "accent": object_texture(random, accent, scaled(main, 0.8)),
    }


def _draw_plain_textures(scene: Scene) -> dict[Surface, Image]:
    """Gives back the surfaces that all objects share: eyes, tyres, windows, faces."""
    random = generator(scene.seed, "plain surfaces")
    return {
        "dark": object_texture(random, (34.0, 32.0, 38.0), (58.0, 56.0, 62.0)),
        "light": object_texture(random, (226.0, 214.0, 198.0), (205.0, 190.0, 172.0)),
    }


def _draw_occluder(scene: Scene, number: int, plain: Mapping[Surface, Image]) -> Actor:
    """Gives back a bush, a post or a board, taller than the object it passes."""
    random = generator(scene.seed, "occluder", number)
    kind = number % 3
    if kind == 0:
        leaves = [
            lobes(random, 0.75, 0.9) + np.array([0.5 * float(dx) - 0.25, float(dy) - 0.7])
            for dx, dy in random.random((4, 2))
        ]
        shape: Shape = tuple(Part(contours=(leaf,), swing=0.01, phase=float(random.random())) for leaf in leaves)
    elif kind == 1:
        shape = (Part(contours=(limb((0.0, -6.0), (0.05, 6.0), 0.42, 0.5),)),)
    else:
        shape = (Part(contours=(np.array([(-0.75, -1.3), (0.8, -1.2), (0.75, 1.3), (-0.8, 1.25)]),)),)
    return Actor(number=number, label=0, shape=shape, textures={**plain, **_draw_textures(random)})
