"""MobileVOS's queue: which frames it holds, what it reads, and that it never moves nor grows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vosbench.adapters.mobilevos.model import schedule
from vosbench.adapters.mobilevos.queue import QueueBank
from vosbench.adapters.mobilevos.settings import MobileVOSSettings
from vosbench.adapters.nn.geometry import geometry
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.memory import MemoryBank
from vosbench.adapters.stcn.settings import STCNSettings

HEIGHT, WIDTH = 2, 3
CELLS = HEIGHT * WIDTH
PLACE = geometry(32, 48, -1)


def plane(seed: int, *shape: int) -> Tensor:
    return torch.rand(*shape, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5


def held(bank: QueueBank, frame: int, group: int = 0) -> list[int]:
    kept = bank.inspect(frame, PLACE)["queue"]
    return sorted(set(kept["frame"][kept["group"] == group].tolist()))


def written(bank: QueueBank, frames: int, every: int = 1, entries: dict[int, int] | None = None) -> list[list[int]]:
    """Gives back what the first group's queue holds after each frame."""
    counts = entries or {0: 2}
    objects, histories = 0, []
    for frame in range(frames):
        objects += counts.get(frame, 0)
        bank.add(frame, plane(frame, 1, 64), plane(1000 + frame, objects, 5), permanent=frame % every == 0)
        histories.append(held(bank, frame))
    return histories


def queue(length: int) -> QueueBank:
    return QueueBank(length, dtype=torch.float64)


def test_two_frames_are_the_first_and_the_latest():
    assert [[0], [0, 1], [0, 2], [0, 3]] == written(queue(2), 4)


def test_longer_queues_hold_the_latest_ones_behind_the_first():
    assert [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 2, 3, 4], [0, 3, 4, 5]] == written(queue(4), 6)


def test_a_queue_of_one_holds_the_first():
    assert [[0]] * 4 == written(queue(1), 4)


def test_an_interval_spaces_what_lies_between_the_first_and_the_latest():
    histories = written(queue(4), 14, every=4)
    assert [[0, 3], [0, 4], [0, 4, 5], [0, 4, 8], [0, 4, 8, 9], [0, 4, 8, 12], [0, 8, 12, 13]] == [
        histories[frame] for frame in (3, 4, 5, 8, 9, 12, 13)
    ]
    assert [[0, frame] for frame in range(1, 14)] == written(queue(2), 14, every=4)[1:]


def test_an_object_that_enters_later_has_its_own_first_frame():
    bank = queue(2)
    assert [[0], [0, 1], [0, 2], [0, 3], [0, 4]] == written(bank, 5, entries={0: 1, 3: 2})
    assert [3, 4] == held(bank, 4, group=1)
    assert [2 * CELLS] * 3 == bank.sizes


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_reading_equals_a_bank_of_the_same_frames(length: int):
    bank = queue(length)
    written(bank, 9, entries={0: 2, 4: 1})
    query = plane(77, 1, 64)
    for group, (first, objects) in enumerate([(0, slice(0, 2)), (4, slice(2, 3))]):
        same = MemoryBank(device=torch.device("cpu"), dtype=torch.float64)
        latest = range(max(first + 1, 10 - length), 9)
        for frame in (first, *latest):
            total = 2 if frame < 4 else 3
            same.add(frame, plane(frame, 1, 64), plane(1000 + frame, total, 5)[objects], permanent=True)
        assert [first, *latest] == held(bank, 8, group)
        torch.testing.assert_close(same.read(query, 4), bank.read(query, 4)[objects])


@pytest.mark.parametrize("every", [1, 7])
def test_frame_5000_finds_what_frame_50_found(every: int):
    bank = queue(3)
    written(bank, 51, every)
    (first,) = bank._queues
    addresses, sizes, footprint = (first.rows.data_ptr(), first.values.data_ptr()), bank.sizes, bank.footprint()
    tokens = bank.inspect(50, PLACE)["queue"]["age"].shape
    for frame in range(51, 5001):
        bank.add(frame, plane(frame % 7, 1, 64), plane(frame % 5, 2, 5), permanent=frame % every == 0)
    assert addresses == (first.rows.data_ptr(), first.values.data_ptr())
    assert (sizes, footprint) == (bank.sizes, bank.footprint())
    assert tokens == bank.inspect(5000, PLACE)["queue"]["age"].shape
    assert {"queue": 3 * CELLS * (65 + 2 * 5) * 8} == footprint
    assert {0, 5000} <= set(held(bank, 5000))


def test_elements_tell_where_and_when_they_are_from():
    bank = queue(2)
    written(bank, 4)
    kept = bank.inspect(5, PLACE)["queue"]
    assert [5] * CELLS + [2] * CELLS == kept["age"].tolist()
    assert [8, 24, 40] * 4 == kept["x"].tolist()
    assert np.array_equal([8, 8, 8, 24, 24, 24] * 2, kept["y"])
    assert [0] * 2 * CELLS == kept["group"].tolist()


def test_an_empty_bank_tells_of_nothing():
    assert 0 == len(queue(2).inspect(0, PLACE)["queue"]["frame"])
    assert {"queue": 0} == queue(2).footprint()


class Script:
    """Stands for the network: counts how often a mask is encoded."""

    def __init__(self) -> None:
        self.encoded: list[int] = []

    def encode_key(self, image: Tensor) -> object:
        return type("Features", (), dict.fromkeys(("key", "f16_thin", "f16", "f8", "f4", "source"), plane(0, 1, 64)))

    def decoder(self, readout: Tensor, features: object) -> Tensor:
        return torch.zeros(len(readout), 32, 48)

    def value_encoder(self, source: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        self.encoded.append(len(masks))
        return plane(1, len(masks), 5)


def run(settings: MobileVOSSettings, frames: int, entries: dict[int, int]) -> tuple[Script, QueueBank]:
    script, bank = Script(), queue(settings.queue_length or 0)
    inference = STCNInference(script, schedule(settings), device=torch.device("cpu"), bank=bank)
    for frame in range(frames):
        entering = torch.zeros(entries[frame], 32, 48) if frame in entries else None
        inference.step(frame, torch.zeros(1, 3, 32, 48), entering)
    return script, bank


def test_a_queue_of_one_encodes_masks_only_when_objects_enter():
    script, bank = run(MobileVOSSettings(queue_length=1, mem_offset=1), 9, {0: 2, 5: 1})
    assert [2, 3] == script.encoded
    assert ([0], [5]) == (held(bank, 8), held(bank, 8, group=1))


def test_the_previous_frame_is_there_whatever_the_interval():
    for every in (1, 4, 100):
        _, bank = run(MobileVOSSettings(queue_length=2, mem_every=every), 9, {0: 1})
        assert [0, 8] == held(bank, 8)
    _, bank = run(MobileVOSSettings(queue_length=3, mem_every=4, mem_offset=2), 9, {0: 1})
    assert [0, 6, 8] == held(bank, 8)


def test_unbounded_is_stcns_own_bank():
    bank = MemoryBank(device=torch.device("cpu"), dtype=torch.float64)
    settings = schedule(MobileVOSSettings(queue_length=None, mem_every=4))
    assert STCNSettings(mem_every=4, include_last=True) == settings
    inference = STCNInference(Script(), settings, device=torch.device("cpu"), bank=bank)
    for frame in range(10):
        inference.step(frame, torch.zeros(1, 3, 32, 48), torch.zeros(1, 32, 48) if frame == 0 else None)
    assert [0, 4, 8, 9] == sorted(set(bank.inspect(9, PLACE)["bank"]["frame"].tolist()))
