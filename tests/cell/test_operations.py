"""Multiply-accumulates, counted on networks whose number is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from vosbench.adapters.nn.winograd import WinogradConv2d
from vosbench.cell.operations import count_operations
from vosbench.contract import Runtime, View
from vosbench.types import Frame

VIEW = View(id="clip", height=6, width=8)
FRAMES = [Frame(index=i, name=str(i), image=np.zeros((6, 8, 3), np.uint8)) for i in range(2)]


class Model:
    """Convolves each frame, as often as its index says on top of once."""

    def __init__(self, *layers):
        self.network = nn.Sequential(*layers).eval()
        self.opened = self.closed = 0

    def networks(self):
        return (self.network,)

    def open(self, _view):
        self.opened += 1
        return self

    def step(self, frame):
        planes = torch.zeros(1, self.network[0].in_channels, 6, 8)
        with torch.inference_mode():
            for _ in range(frame.index + 1):
                self.network(planes)

    def close(self):
        self.closed += 1


def _macs(*layers, runtime=None):
    return count_operations(Model(*layers), VIEW, FRAMES, runtime or Runtime()).macs


def test_a_convolution_counts_its_products_on_the_last_frame_alone():
    assert 2 * (6 * 8 * 5 * 3 * 9) == _macs(nn.Conv2d(3, 5, 3, padding=1))


def test_groups_and_strides_count():
    assert 2 * (3 * 4 * 6 * 1 * 9) == _macs(nn.Conv2d(6, 6, 3, padding=1, stride=2, groups=6))


def test_a_matrix_product_counts():
    depthwise, product = 6 * 8 * 3, 3 * 48 * 7
    assert 2 * (depthwise + product) == _macs(nn.Conv2d(3, 3, 1, groups=3), nn.Flatten(2), nn.Linear(48, 7))


def test_a_convolution_by_winograds_algorithm_counts_as_the_direct_one():
    direct = nn.Conv2d(128, 128, 3, padding=1)
    assert _macs(direct) == _macs(WinogradConv2d(direct))


def test_hooks_are_gone_and_the_session_is_closed():
    model = Model(nn.Conv2d(3, 5, 3))
    count_operations(model, VIEW, FRAMES, Runtime())
    assert (1, 1) == (model.opened, model.closed)
    assert not model.network[0]._forward_hooks
    assert not model.network[0]._forward_pre_hooks


def test_compiled_code_is_not_counted():
    found = count_operations(Model(nn.Conv2d(3, 5, 3)), VIEW, FRAMES, Runtime(compile=True))
    assert (None, "compiled code hides its operations") == (found.macs, found.reason)


def test_a_count_that_fails_is_a_reason():
    class Broken(Model):
        def step(self, frame):
            raise ValueError("no such operator")

    model = Broken(nn.Conv2d(3, 5, 3))
    found = count_operations(model, VIEW, FRAMES, Runtime())
    assert (None, "ValueError: no such operator", 1) == (found.macs, found.reason, model.closed)
