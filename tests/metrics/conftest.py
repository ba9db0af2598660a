"""Helpers of the tests of scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vosbench.metrics.protocol import Protocol
from vosbench.metrics.records import VideoScore
from vosbench.metrics.video import score_video


@pytest.fixture(scope="session")
def goldens(shared: Path) -> Path:
    """Gives back the folder of what the official tools gave."""
    return shared / "goldens" / "metrics"


@pytest.fixture(scope="session")
def score_arrays() -> Callable[..., VideoScore]:
    """Gives back a function that scores arrays of label maps (frames, height, width)."""

    def score(
        protocol: Protocol,
        prediction: Sequence[np.ndarray],
        truth: Sequence[np.ndarray],
        *,
        names: Sequence[str] = (),
        video: str = "clip",
        **options: Any,
    ) -> VideoScore:
        names = tuple(names) or tuple(f"{index:05d}" for index in range(len(truth)))
        predictions: Mapping[str, np.ndarray] = dict(zip(names, prediction, strict=True))
        truths: Mapping[str, np.ndarray] = dict(zip(names, truth, strict=True))
        return score_video(
            protocol,
            video=video,
            frames=names,
            read_prediction=predictions.__getitem__,
            read_truth=truths.__getitem__,
            **options,
        )

    return score
