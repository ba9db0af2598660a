from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from vosbench.adapters.nn.geometry import (
    cell_centres,
    geometry,
    image_to_network,
    masks_to_network,
    one_hot,
    to_frame,
    without_padding,
)

CPU = torch.device("cpu")


def test_padding_puts_the_smaller_half_above_and_left():
    place = geometry(33, 47, -1)
    assert (0, 1, 7, 8) == place.padding
    assert (48, 48) == place.padded
    assert not place.resized


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (480, 854, 480, (480, 854)),
        (1080, 1920, 480, (480, 853)),
        (1920, 1080, 480, (853, 480)),
        (100, 100, 480, (480, 480)),
        (33, 47, -1, (33, 47)),
    ],
)
def test_the_shorter_side_becomes_the_size(height: int, width: int, size: int, expected: tuple[int, int]):
    place = geometry(height, width, size)
    assert expected == (place.network_height, place.network_width)


@pytest.mark.parametrize(
    ("picture", "size", "method", "mode"),
    [
        ("swan480.png", 360, "xmem", "bilinear"),
        ("swan480.png", 360, "stcn", "bicubic"),
        ("vspw1080.jpg", 480, "xmem", "bilinear"),
        ("vspw1080.jpg", 480, "stcn", "bicubic"),
    ],
)
def test_preparation_equals_the_stored_values_without_antialiasing(
    shared: Path, picture: str, size: int, method: str, mode: str
):
    folder = shared / "parity" / "networks" / "preproc"
    image = np.array(PillowImage.open(folder / picture).convert("RGB"))
    place = geometry(*image.shape[:2], size)
    with np.load(folder / "preproc.npz") as stored:
        expected = stored[f"{picture.split('.')[0]}_{method}_{size}_{mode}_aa0"]
    tensor = image_to_network(image, place, mode=mode, device=CPU, dtype=torch.float32)
    actual = without_padding(tensor[0], place)[:, 3::29, 5::31].numpy()
    np.testing.assert_allclose(actual, expected, atol=2e-4)


def test_padding_is_zero_after_normalisation_and_the_frame_is_not_written_to():
    image = np.full((33, 47, 3), 255, np.uint8)
    image.flags.writeable = False
    place = geometry(33, 47, -1)
    tensor = image_to_network(image, place, mode="bilinear", device=CPU, dtype=torch.float32)
    assert 0 == tensor[0, :, :7].abs().max()
    assert torch.allclose(torch.tensor([2.2489, 2.4286, 2.6400]), tensor[0, :, 20, 20], atol=1e-4)


def test_masks_go_nearest_and_come_back_by_probability():
    mask = np.zeros((20, 30), np.uint16)
    mask[5:15, 10:20] = 300
    place = geometry(20, 30, 40)
    planes = masks_to_network(one_hot(mask, (300, 7)), place, device=CPU, dtype=torch.float32)
    assert (2, 48, 64) == tuple(planes.shape)
    assert 400 == int(planes[0].sum())
    assert 0 == int(planes[1].sum())
    assert torch.equal(torch.from_numpy(mask == 300), to_frame(planes, place)[0] > 0.5)


def test_cells_lie_where_the_frame_shows_them():
    place = geometry(33, 47, -1)
    y, x = cell_centres(np.array([0, 4]), 3, place)
    assert ([1.0, 17.0], [8.0, 24.0]) == (y.tolist(), x.tolist())
