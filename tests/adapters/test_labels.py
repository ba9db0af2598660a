from __future__ import annotations

import numpy as np
import pytest
import torch

from vosbench.adapters.nn.labels import id_table, labels_of
from vosbench.errors import AdapterError


def test_channels_become_the_data_sets_ids():
    planes = torch.zeros(3, 16, 16)
    planes[0] = 0.4
    planes[2, 3, 4] = 0.6
    labels = labels_of(planes, [9, 5], "somewhere")
    assert (np.uint8, 5, 5) == (labels.dtype, labels[3, 4], labels.sum())


@pytest.mark.parametrize(("ids", "dtype"), [([255], np.uint8), ([1, 256], np.uint16), ([70000], np.uint32)])
def test_ids_are_as_wide_as_they_need(ids: list[int], dtype: type):
    assert dtype == id_table(ids).dtype


def test_probabilities_that_are_no_numbers_are_no_mask():
    planes = torch.full((2, 16, 16), 0.5)
    planes[:, 2, 2] = torch.nan
    with pytest.raises(AdapterError, match="not numbers") as error:
        labels_of(planes, [1], "video cows, frame 3 (00003)")
    assert "frame 3" in error.value.where
