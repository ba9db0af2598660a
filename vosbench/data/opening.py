"""The videos of a suite's data set by name, however it lists them."""

from __future__ import annotations

from pathlib import Path

from vosbench.data.suite import Suite, video_names
from vosbench.data.video import Video, noise_videos, open_video
from vosbench.data.vis_videos import AnnotatedVideos


class SuiteVideos:
    """The videos of a suite (see `at_split`) below ``root``.

    An annotation file is read once for all of them, when this is made; ``apart`` see `AnnotatedVideos`.
    """

    def __init__(self, suite: Suite, root: Path, split: str, *, apart: bool = False) -> None:
        self._suite = suite
        self._root = root
        self._split = split
        self._annotated = AnnotatedVideos(suite, root, apart=apart) if suite.task == "vis" else None

    @property
    def names(self) -> tuple[str, ...]:
        """The videos' names, in the order of the data set's own list."""
        if self._suite.noise is not None:
            return tuple(noise_videos(self._suite))
        return self._annotated.names if self._annotated is not None else self._listed()

    @property
    def has_instances(self) -> bool:
        """True where an annotation file holds instances, to prompt with and to score against."""
        return self._annotated is not None and self._annotated.annotated

    def open(self, name: str, *, max_frames: int | None = None) -> Video:
        """Gives back one video, cut to ``max_frames``. Raises `DataError` for whatever is wrong with it."""
        if self._annotated is not None:
            return self._annotated.open(name, max_frames=max_frames)
        return open_video(self._suite, self._root, name, max_frames=max_frames)

    def _listed(self) -> tuple[str, ...]:
        return video_names(self._suite, self._root, self._split)
