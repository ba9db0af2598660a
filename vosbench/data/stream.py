"""Frames in order, decoded a few ahead between steps, so that no decoding runs while a step is timed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from types import TracebackType

from vosbench.data.prompts import prompt_at
from vosbench.data.video import Video, read_frame
from vosbench.types import Frame

AHEAD = 8
"""Frames decoded at a time. A 480p frame is 1.2 MB; a longer look-ahead buys nothing."""


class FrameStream:
    """Iterates over a video's frames with their prompts, in constant memory.

    The frames of a batch are decoded in parallel when the batch before is used up: on a CPU a decoder that ran
    beside the timed step would slow the method down and make its time depend on the file format.
    """

    def __init__(self, video: Video, *, threads: int = 2) -> None:
        self._video = video
        self._ready: deque[Future[Frame]] = deque()
        self._threads = max(1, threads)
        self._pool = ThreadPoolExecutor(max_workers=self._threads)
        self._next = 0
        self._known: frozenset[int] = frozenset()

    def __enter__(self) -> FrameStream:
        """Starts every thread: one that started under a memory limit could die unseen, and be waited for for ever."""
        met = threading.Barrier(self._threads + 1)
        for _ in range(self._threads):
            self._pool.submit(met.wait)
        met.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._ready.clear()

    def __iter__(self) -> Iterator[Frame]:
        while self._ready or self._next < len(self._video.names):
            if not self._ready:
                self._decode()
            yield self._with_prompt(self._ready.popleft().result())

    def held_bytes(self) -> int:
        """Gives back the bytes of the frames that wait here: the harness's own memory, not the method's."""
        return sum(frame.result().image.nbytes for frame in self._ready if frame.exception() is None)

    def _decode(self) -> None:
        indices = range(self._next, min(self._next + AHEAD, len(self._video.names)))
        batch = [self._pool.submit(read_frame, self._video, index) for index in indices]
        wait(batch)
        self._ready.extend(batch)  # a frame that cannot be read raises when its turn comes
        self._next = indices.stop

    def _with_prompt(self, frame: Frame) -> Frame:
        prompt = prompt_at(self._video, frame.index, self._known)
        if prompt is not None:
            self._known |= set(prompt.ids)
        return replace(frame, prompt=prompt)
