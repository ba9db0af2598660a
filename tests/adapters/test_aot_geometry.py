from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vosbench.adapters.aot.geometry import aligned_geometry, image_to_network, labels_to_network, token_centres


def place(height: int, width: int, *, align_corners: bool = True, short: int = -1):
    return aligned_geometry(height, width, max_short_edge=short, max_long_edge=1040, align_corners=align_corners)


@pytest.mark.parametrize("align_corners", [True, False])
def test_sizes_are_the_official_ones(shared: Path, align_corners: bool):
    content = json.loads((shared / "parity" / "networks" / "preproc" / "preproc.json").read_text())
    for (height, width), expected in content[f"sizes_align_corners_{str(align_corners).lower()}"]:
        assert tuple(expected) == place(height, width, align_corners=align_corners).network, (height, width)


@pytest.mark.parametrize(("image", "file"), [("swan480", "swan480.png"), ("vspw1080", "vspw1080.jpg")])
@pytest.mark.parametrize("align_corners", [True, False])
def test_pixels_are_the_official_ones(shared: Path, image: str, file: str, align_corners: bool):
    folder = shared / "parity" / "networks" / "preproc"
    pixels = np.ascontiguousarray(cv2.imread(str(folder / file))[..., ::-1])
    geometry = place(*pixels.shape[:2], align_corners=align_corners)
    actual = image_to_network(pixels, geometry, device=torch.device("cpu"))[0].numpy()
    with np.load(folder / "preproc.npz") as stored:
        expected = stored[f"{image}_aot_align{int(align_corners)}"]
    assert np.abs(expected - actual[:, 3::29, 5::31]).max() < 1e-5


@pytest.mark.parametrize(("size", "expected"), [((1, 1), (1, 1)), ((8, 10), (1, 17)), ((17, 33), (17, 33))])
def test_tiny_frames_keep_a_grid(size: tuple[int, int], expected: tuple[int, int]):
    assert expected == place(*size).network
    assert (16, 16) == place(1, 5, align_corners=False).network


def test_a_limit_on_the_short_edge_shrinks_and_never_enlarges():
    assert (353, 641) == place(720, 1280, short=360).network
    assert (113, 209) == place(120, 213, short=360).network


def test_labels_are_the_nearest_in_single_precision():
    labels = torch.arange(854).repeat(3, 1)
    geometry = aligned_geometry(3, 854, max_short_edge=-1, max_long_edge=-1, align_corners=False)
    expected = torch.nn.functional.interpolate(labels[None, None].float(), (16, 848), mode="nearest")[0, 0]
    assert torch.equal(expected, labels_to_network(labels, geometry))


def test_tokens_lie_where_they_look():
    y, x = token_centres(6, 3, place(17, 33))
    assert np.allclose([0.5, 0.5, 0.5, 16.5, 16.5, 16.5], y)
    assert np.allclose([0.5, 16.5, 32.5] * 2, x)
    y, x = token_centres(4, 2, place(32, 64, align_corners=False))
    assert np.allclose([8, 8, 24, 24], token_centres(8, 4, place(32, 64, align_corners=False))[0][[0, 1, 4, 5]])
