"""STCN's bank against the official scheme: a bank per object, and a temporary slot that every write empties."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vosbench.adapters.nn.geometry import geometry
from vosbench.adapters.stcn.memory import MemoryBank

HEIGHT, WIDTH = 2, 3
CELLS = HEIGHT * WIDTH


class LiteralBank:
    """One object's bank: keys (64, n) and values (512, n), and the slot for the last frame."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.slot: list[tuple[Tensor, Tensor]] = []

    def add(self, key: Tensor, value: Tensor, *, permanent: bool) -> None:
        self.slot = []
        if permanent or not self.keys:
            self.keys.append(key)
            self.values.append(value)
        else:
            self.slot = [(key, value)]

    def read(self, query: Tensor, top_k: int) -> Tensor:
        keys = torch.cat([*self.keys, *(key for key, _ in self.slot)], 1)
        values = torch.cat([*self.values, *(value for _, value in self.slot)], 1)
        logits = (2 * keys.T @ query - keys.square().sum(0)[:, None]) / 8
        top = logits.topk(min(top_k, len(logits)), dim=0)
        affinity = torch.zeros_like(logits).scatter(0, top.indices, torch.softmax(top.values, 0))
        return values @ affinity


def plane(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, HEIGHT, WIDTH, generator=generator, dtype=torch.float64) - 0.5


def test_shared_keys_equal_a_bank_per_object():
    generator = torch.Generator().manual_seed(0)
    bank = MemoryBank(device=torch.device("cpu"), dtype=torch.float64)
    literal: list[LiteralBank] = []
    entries = {0: 2, 5: 1, 6: 2, 13: 1}
    for frame in range(20):
        literal += [LiteralBank() for _ in range(entries.get(frame, 0))]
        permanent = frame in entries or frame % 4 == 0
        key, values = plane(generator, 1, 64), plane(generator, len(literal), 512)
        bank.add(frame, key, values, permanent=permanent)
        for one, value in zip(literal, values, strict=True):
            one.add(key[0].flatten(1), value.flatten(1), permanent=permanent)
        query = plane(generator, 1, 64)
        expected = torch.stack([one.read(query[0].flatten(1), 5) for one in literal])
        torch.testing.assert_close(expected, bank.read(query, 5).flatten(2))
        slots = [len(one.keys) + len(one.slot) for one in literal]
        assert [CELLS * count for count in slots] == bank.sizes


def test_the_temporary_frame_is_the_last_and_gone_after_the_next_write():
    generator = torch.Generator().manual_seed(0)
    bank = MemoryBank(device=torch.device("cpu"), dtype=torch.float64)
    frames = []
    for frame in range(7):
        bank.add(frame, plane(generator, 1, 64), plane(generator, 1, 512), permanent=frame % 4 == 0)
        frames.append(sorted(set(bank.inspect(frame, geometry(32, 48, -1))["bank"]["frame"].tolist())))
    assert [[0], [0, 1], [0, 2], [0, 3], [0, 4], [0, 4, 5], [0, 4, 6]] == frames


def test_the_bank_tells_its_bytes_and_where_its_elements_come_from():
    generator = torch.Generator().manual_seed(0)
    bank = MemoryBank(device=torch.device("cpu"), dtype=torch.float64)
    bank.add(3, plane(generator, 1, 64), plane(generator, 2, 512), permanent=True)
    bank.add(8, plane(generator, 1, 64), plane(generator, 3, 512), permanent=True)
    kept = bank.inspect(10, geometry(32, 48, -1))["bank"]
    assert [7] * CELLS + [2] * CELLS == kept["age"].tolist()
    assert [8, 24, 40] * 4 == kept["x"].tolist()
    assert np.array_equal([8, 8, 8, 24, 24, 24] * 2, kept["y"])
    assert {"bank": (12 * 65 + (12 * 2 + 6) * 512) * 8} == bank.footprint()
