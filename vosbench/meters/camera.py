"""A camera that does not wait: which of its frames come while a step is still going on."""

from __future__ import annotations

from vosbench.types import Frame


class Camera:
    """A clock made of measured seconds, in which frame i comes i / ``frames_per_second`` after frame 0.

    A frame that comes while a step is going on is dropped. One that brings a prompt waits until the step is done:
    somebody drew its mask, and without it the objects would never enter. Decoding, writing and the harness's own work
    take no time on this clock.
    """

    def __init__(self, frames_per_second: float) -> None:
        self._rate = frames_per_second
        self._free = 0.0

    def drops(self, frame: Frame) -> bool:
        """True where ``frame`` comes before the last step is done and brings no prompt."""
        return frame.prompt is None and self._comes(frame) < self._free

    def took(self, frame: Frame, seconds: float) -> None:
        """Take in that the step of ``frame`` took ``seconds`` from when it came, or from when the last one was done."""
        self._free = max(self._free, self._comes(frame)) + seconds

    def _comes(self, frame: Frame) -> float:
        return frame.index / self._rate
