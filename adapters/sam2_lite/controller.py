"""Adaptive inference (section 3.4): a PID controller that trades resolution and window for time."""

from __future__ import annotations

from dataclasses import dataclass

PROPORTIONAL, INTEGRAL, DERIVATIVE = 0.1, 0.01, 0.05
"""Gains (section 3.4)."""
LARGEST_STEP = 0.05
SMALLEST_SCALE, LARGEST_SCALE = 0.5, 1.0
SMALLEST_WINDOW, LARGEST_WINDOW = 2, 8
LARGEST_INTEGRAL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the next frame may cost: ``scale`` of its sides in [0.5, 1], ``window`` of frames read, 2 to 8."""

    scale: float = LARGEST_SCALE
    window: int = LARGEST_WINDOW


class Controller:
    """Equations 11 and 12. ``control`` says what the error is.

    ``relative`` is (target - actual) / target with the integral clamped to [-1, 1]: it settles on the target.
    ``milliseconds`` and ``seconds`` are the equations as written, which name no unit and clamp nothing: in milliseconds
    every step is the largest one and the scale swings, in seconds it drifts.
    """

    def __init__(self, *, target_ms: float, control: str) -> None:
        self._target = target_ms
        self._control = control
        self._sum = 0.0
        self._before = 0.0
        self.effort = Effort()

    def update(self, milliseconds: float) -> Effort:
        """Take the time of the step before; gives back what the next one may cost."""
        error = self._error(milliseconds)
        self._sum += error
        if self._control == "relative":
            self._sum = min(max(self._sum, -LARGEST_INTEGRAL), LARGEST_INTEGRAL)
        step = PROPORTIONAL * error + INTEGRAL * self._sum + DERIVATIVE * (error - self._before)
        self._before = error
        step = min(max(step, -LARGEST_STEP), LARGEST_STEP)
        scale = min(max(self.effort.scale + step, SMALLEST_SCALE), LARGEST_SCALE)
        self.effort = Effort(scale=scale, window=window_of(scale))
        return self.effort

    def _error(self, milliseconds: float) -> float:
        difference = self._target - milliseconds
        return difference / {"relative": self._target, "milliseconds": 1.0, "seconds": 1000.0}[self._control]


def window_of(scale: float) -> int:
    """Gives back the window that goes with a scale: 2 frames at 0.5, 8 at 1. The paper has no rule for it."""
    share = (scale - SMALLEST_SCALE) / (LARGEST_SCALE - SMALLEST_SCALE)
    return round(SMALLEST_WINDOW + (LARGEST_WINDOW - SMALLEST_WINDOW) * min(max(share, 0.0), 1.0))
