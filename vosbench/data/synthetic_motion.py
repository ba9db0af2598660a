"""Where the actors of a synthetic video are at a frame: each answer comes from the frame's number alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vosbench.data.synthetic_shapes import Part, Points, Shape
from vosbench.data.synthetic_waves import Wave, bounce, cosine, draw_wave, sine

FRACTION_BITS = 4
"""Outlines are filled at positions in 1/16 of a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """An actor at one frame: centre (x, y) in pixels, pixels per own unit, turn, and how it is bent.

    ``squash`` widens x and narrows y by that share; ``bend`` shifts x by bend[0] (y^2 - 0.3) and y by
    bend[1] (x^2 - 0.3); ``gait`` is the phase of its swinging parts in turns.
    """

    x: float
    y: float
    unit: float
    turn: float = 0.0
    flip: bool = False
    squash: float = 0.0
    bend: tuple[float, float] = (0.0, 0.0)
    gait: float = 0.0

    def matrix(self) -> tuple[float, float, float, float]:
        """Gives back the row-major 2x2 matrix from bent own coordinates to pixels."""
        across, along = self.unit * cosine(self.turn), self.unit * sine(self.turn)
        mirror = -1.0 if self.flip else 1.0
        return across * mirror, -along, along * mirror, across


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How an actor moves through one shot; positions in shares of width and height, times in frames."""

    home: tuple[float, float]
    reach: tuple[float, float]
    x: Wave
    y: Wave
    growth: Wave
    turning: Wave
    bending: tuple[Wave, Wave]
    squashing: Wave
    stride: float
    flip: bool


def draw_motion(random: np.random.Generator, home: tuple[float, float], speed: float) -> Motion:
    """Gives back a motion that starts near ``home``; ``speed`` 1 crosses a third of the picture in about 2 s."""
    pace = max(speed, 1e-6)
    return Motion(
        home=home,
        reach=(0.34, 0.24),
        x=draw_wave(random, 210.0 / pace, at_rest=True),
        y=draw_wave(random, 260.0 / pace, at_rest=True),
        growth=draw_wave(random, 300.0 / pace),
        turning=draw_wave(random, 160.0 / pace),
        bending=(draw_wave(random, 60.0 / pace), draw_wave(random, 75.0 / pace)),
        squashing=draw_wave(random, 48.0 / pace),
        stride=pace / (26.0 + 14.0 * float(random.random())),
        flip=bool(random.random() < 0.5),
    )


def pose_at(motion: Motion, frames: float, *, height: int, width: int, unit: float, deformation: float) -> Pose:
    """Gives back the pose ``frames`` after the shot began; ``unit`` is the actor's mean half size in pixels."""
    x = bounce(motion.home[0] + motion.reach[0] * motion.x.at(frames), 0.1, 0.9)
    y = bounce(motion.home[1] + motion.reach[1] * motion.y.at(frames), 0.18, 0.82)
    return Pose(
        x=x * width,
        y=y * height,
        unit=unit * (1.0 + 0.3 * motion.growth.at(frames)),
        turn=0.07 * motion.turning.at(frames),
        flip=motion.flip,
        squash=0.1 * deformation * motion.squashing.at(frames),
        bend=(
            0.22 * deformation * motion.bending[0].at(frames),
            0.22 * deformation * motion.bending[1].at(frames),
        ),
        gait=motion.stride * frames,
    )


def swing_of(part: Part, pose: Pose, deformation: float) -> float:
    """Gives back the angle of a part about its joint, in turns."""
    return part.swing * deformation * sine(pose.gait + part.phase) if part.swing else 0.0


def place(points: Points, part: Part, pose: Pose, deformation: float) -> Points:
    """Gives back a part's outline in pixels; forward of what `unplace` undoes for textures."""
    x, y = points[:, 0], points[:, 1]
    turn = swing_of(part, pose, deformation)
    if turn:
        c, s = cosine(turn), sine(turn)
        x, y = x - part.joint[0], y - part.joint[1]
        x, y = c * x - s * y + part.joint[0], s * x + c * y + part.joint[1]
    x, y = (
        (1.0 + pose.squash) * x + pose.bend[0] * (y * y - 0.3),
        (1.0 - pose.squash) * y + pose.bend[1] * (x * x - 0.3),
    )
    xx, xy, yx, yy = pose.matrix()
    return np.stack([xx * x + xy * y + pose.x, yx * x + yy * y + pose.y], axis=1)


def unplace(
    x: NDArray[np.float64], y: NDArray[np.float64], part: Part, pose: Pose, deformation: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gives back the own coordinates of pixels (x, y): exact but for the bend, which is undone to first order."""
    xx, xy, yx, yy = pose.matrix()
    scale = xx * yy - xy * yx
    x, y = x - pose.x, y - pose.y
    x, y = (yy * x - xy * y) / scale, (xx * y - yx * x) / scale
    x, y = (
        (x - pose.bend[0] * (y * y - 0.3)) / (1.0 + pose.squash),
        (y - pose.bend[1] * (x * x - 0.3)) / (1.0 - pose.squash),
    )
    turn = swing_of(part, pose, deformation)
    if turn:
        c, s = cosine(turn), sine(turn)
        x, y = x - part.joint[0], y - part.joint[1]
        x, y = c * x + s * y + part.joint[0], c * y - s * x + part.joint[1]
    return x, y


def outlines(shape: Shape, pose: Pose, deformation: float) -> list[list[NDArray[np.int32]]]:
    """Gives back each part's contours in 1/16 pixels, as ``cv2.fillPoly`` takes them with ``shift`` 4."""
    scale = float(1 << FRACTION_BITS)
    return [
        [np.floor(place(contour, part, pose, deformation) * scale + 0.5).astype(np.int32) for contour in part.contours]
        for part in shape
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A slow pan, zoom and roll; shifts in shares of the width."""

    x: Wave
    y: Wave
    zoom: Wave
    roll: Wave

    def shift(self, frames: float, width: int) -> tuple[float, float]:
        """Gives back how far the far background has moved, in pixels."""
        return 0.16 * width * self.x.at(frames), 0.07 * width * self.y.at(frames)


def draw_camera(random: np.random.Generator, speed: float) -> Camera:
    """Gives back a camera for one shot."""
    pace = max(speed, 1e-6)
    return Camera(
        x=draw_wave(random, 340.0 / pace),
        y=draw_wave(random, 280.0 / pace),
        zoom=draw_wave(random, 400.0 / pace),
        roll=draw_wave(random, 330.0 / pace),
    )
