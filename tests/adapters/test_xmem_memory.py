"""XMem's memory against a literal one: the rules of the official code written down without any cleverness."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from vosbench.adapters.nn.geometry import geometry
from vosbench.adapters.xmem.consolidation import Consolidation, Eviction
from vosbench.adapters.xmem.memory import Memory
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.similarity import keys_of, shrinkage_of

HEIGHT, WIDTH = 2, 3
CELLS = HEIGHT * WIDTH


def similarity(keys: Tensor, shrinkage: Tensor, query: Tensor, selection: Tensor) -> Tensor:
    """(columns, queries): the definition, Eq. 2 of the paper."""
    distance = ((keys[:, :, None] - query[:, None, :]).square() * selection[:, None, :]).sum(0)
    return -distance * shrinkage[:, None] / 8


def dense_softmax(logits: Tensor, top_k: int) -> Tensor:
    """(columns, queries): softmax over the top k columns of each query, zero elsewhere."""
    affinity = torch.zeros_like(logits)
    top = logits.topk(min(top_k, len(logits)), dim=0)
    return affinity.scatter(0, top.indices, torch.softmax(top.values, 0))


@dataclass
class LiteralStore:
    """Dense tensors with the columns last, as the official ``KeyValueMemoryStore`` has them."""

    key: Tensor
    shrinkage: Tensor
    selection: Tensor
    use: Tensor
    life: Tensor
    values: list[Tensor] = field(default_factory=list)

    @property
    def usage(self) -> Tensor:
        return self.use / self.life


def empty_store() -> LiteralStore:
    wide, narrow = torch.zeros(64, 0).double(), torch.zeros(0).double()
    return LiteralStore(key=wide, shrinkage=narrow, selection=wide, use=narrow, life=narrow)


class LiteralMemory:
    """Working and long-term memory with one affinity per group, built and multiplied in full."""

    def __init__(self, settings: XMemSettings) -> None:
        self.settings = settings
        self.work, self.long = empty_store(), empty_store()
        self.groups: list[int] = []
        self.events: list[tuple[str, list[int]]] = []

    def read(self, query: Tensor, selection: Tensor) -> Tensor:
        work, long = self.work, self.long
        logits_work = similarity(work.key, work.shrinkage, query, selection)
        logits_long = similarity(long.key, long.shrinkage, query, selection)
        readouts = []
        for group, value in enumerate(work.values):
            long_value = long.values[group] if group < len(long.values) else value[:, :, :0]
            from_long, from_work = long_value.shape[2], value.shape[2]
            logits = torch.cat([last(logits_long, from_long), last(logits_work, from_work)])
            affinity = dense_softmax(logits, self.settings.top_k)
            readouts.append(torch.cat([long_value, value], dim=2) @ affinity)
            if group == 0 and self.settings.enable_long_term:
                self.count(affinity.sum(1))
        return torch.cat(readouts)

    def count(self, use: Tensor) -> None:
        split = len(use) - len(self.work.use)
        self.work.use, self.work.life = self.work.use + use[split:], self.work.life + 1
        if self.settings.enable_long_term_count_usage:
            self.long.use, self.long.life = self.long.use + use[:split], self.long.life + 1

    def write(self, key: Tensor, shrinkage: Tensor, selection: Tensor, values: Tensor) -> None:
        work = self.work
        work.key = torch.cat([work.key, key], 1)
        work.shrinkage = torch.cat([work.shrinkage, shrinkage])
        work.selection = torch.cat([work.selection, selection], 1)
        work.use = torch.cat([work.use, torch.zeros(CELLS)])
        work.life = torch.cat([work.life, torch.full((CELLS,), 1e-7)])
        if len(values) > sum(self.groups):
            self.groups.append(len(values) - sum(self.groups))
            work.values.append(torch.zeros(self.groups[-1], 512, 0).double())
        parts = values.split(self.groups)
        work.values = [torch.cat([old, new], 2) for old, new in zip(work.values, parts, strict=True)]
        self.events = []
        settings = self.settings
        if settings.enable_long_term and work.key.shape[1] >= settings.max_mid_term_frames * CELLS:
            target = settings.max_long_term_elements - settings.num_prototypes
            if len(self.long.use) > target:
                self.evict(target)
            self.consolidate()

    def evict(self, target: int) -> None:
        usage = self.long.usage
        threshold = usage.sort().values[len(usage) - target - 1]
        survives = usage > threshold
        self.long.key = self.long.key[:, survives]
        for name in ("shrinkage", "use", "life"):
            setattr(self.long, name, getattr(self.long, name)[survives])
        # One column leaves for all groups; a group's values are those of the last columns.
        self.long.values = [value[:, :, survives[len(survives) - value.shape[2] :]] for value in self.long.values]
        self.events.append(("evict", survives.nonzero().squeeze(1).tolist()))

    def consolidate(self) -> None:
        work, settings = self.work, self.settings
        size, kept = work.key.shape[1], settings.min_mid_term_frames * CELLS
        cut = slice(CELLS, size - kept + CELLS)
        keys, shrinkage = work.key[:, cut], work.shrinkage[cut]
        candidates = keys.shape[1]
        order = work.usage[cut].topk(min(settings.num_prototypes, candidates)).indices
        prototype_key, prototype_selection = keys[:, order], work.selection[:, cut][:, order]
        for group, value in enumerate(work.values):
            length = value.shape[2]
            if length < size and length <= kept + CELLS:
                continue
            own = value[:, :, CELLS : length - kept + CELLS]
            count = own.shape[2]
            valid = order >= candidates - count
            if not valid.any():
                continue
            logits = similarity(
                last(keys.T, count).T, last(shrinkage, count), prototype_key[:, valid], prototype_selection[:, valid]
            )
            affinity = torch.softmax(logits, 0)
            if group == 0:
                prototype_shrinkage = shrinkage @ affinity
            if group == len(self.long.values):
                self.long.values.append(value[:, :, :0])
            self.long.values[group] = torch.cat([self.long.values[group], own @ affinity], 2)
        self.long.key = torch.cat([self.long.key, prototype_key], 1)
        self.long.shrinkage = torch.cat([self.long.shrinkage, prototype_shrinkage])
        self.long.use = torch.cat([self.long.use, torch.zeros(len(order))])
        self.long.life = torch.cat([self.long.life, torch.full((len(order),), 1e-7)])
        work.key, work.selection = without(work.key, cut), without(work.selection, cut)
        for name in ("shrinkage", "use", "life"):
            setattr(work, name, without(getattr(work, name)[None], cut)[0])
        work.values = [
            without(value, slice(CELLS, value.shape[2] - kept + CELLS)) if value.shape[2] >= kept + CELLS else value
            for value in work.values
        ]
        self.events.append(("consolidate", order.tolist()))


def last(tensor: Tensor, count: int) -> Tensor:
    return tensor[len(tensor) - count :]


def without(tensor: Tensor, cut: slice) -> Tensor:
    return torch.cat([tensor[..., : cut.start], tensor[..., cut.stop :]], -1)


def features(generator: torch.Generator) -> SimpleNamespace:
    def plane(channels: int, low: float, high: float) -> Tensor:
        shape = (1, channels, HEIGHT, WIDTH)
        return torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low

    return SimpleNamespace(key=plane(64, -0.5, 0.5), shrinkage=plane(1, 1, 3), selection=plane(64, 0, 1))


def compare(
    settings: XMemSettings, entries: dict[int, int], frames: int, reads: int = 2
) -> tuple[Memory, LiteralMemory]:
    """Write ``frames`` memory frames, read ``reads`` times after each, and compare everything all the time."""
    generator = torch.Generator().manual_seed(0)
    memory = Memory(settings, device=torch.device("cpu"), dtype=torch.float64)
    literal = LiteralMemory(settings)
    objects = 0
    for frame in range(frames):
        objects += entries.get(frame, 0)
        here = features(generator)
        values = torch.rand(objects, 512, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)
        memory.write(frame, here, values)
        literal.write(here.key[0].flatten(1), here.shrinkage.flatten(), here.selection[0].flatten(1), values.flatten(2))
        expected_events = [indices for _, indices in literal.events]
        actual = [event.prototypes if isinstance(event, Consolidation) else event.survivors for event in memory.events]
        assert expected_events == [indices.tolist() for indices in actual]
        for _ in range(reads):
            query = features(generator)
            expected = literal.read(query.key[0].flatten(1), query.selection[0].flatten(1))
            torch.testing.assert_close(expected, memory.read(query).flatten(2))
        for store, reference in ((memory.working, literal.work), (memory.long_term, literal.long)):
            assert [value.shape[2] for value in reference.values] == store.value_sizes
            torch.testing.assert_close(reference.usage, store.usage)
            rows = torch.cat([torch.zeros(0, 129).double(), *store.rows.pages()])
            torch.testing.assert_close(reference.key, keys_of(rows).T)
            torch.testing.assert_close(reference.shrinkage, shrinkage_of(rows)[:, 0])
    return memory, literal


def small(**changes: object) -> XMemSettings:
    values = {
        "max_mid_term_frames": 5,
        "min_mid_term_frames": 2,
        "num_prototypes": 4,
        "max_long_term_elements": 1000,
        "top_k": 5,
    }
    return XMemSettings(**values | changes)


def test_one_group_consolidates_as_written():
    memory, _ = compare(small(), {0: 2}, 20)
    assert (2 * CELLS, [2 * CELLS]) == (len(memory.working), memory.working.value_sizes)
    assert (24, [24]) == (len(memory.long_term), memory.long_term.value_sizes)


def test_late_groups_keep_the_official_misalignments():
    memory, _ = compare(small(), {0: 1, 2: 2, 4: 1, 6: 1, 7: 1, 13: 3}, 30)
    assert 6 == len(memory.working.values)
    assert len(set(memory.long_term.value_sizes)) > 1


@pytest.mark.parametrize("entry", range(1, 9))
def test_a_group_of_any_age_at_consolidation(entry: int):
    memory, _ = compare(small(min_mid_term_frames=3, max_mid_term_frames=6), {0: 1, entry: 1}, 14)
    assert 2 == len(memory.working.values)


@pytest.mark.parametrize("kept", [1, 2, 4])
def test_every_size_of_the_remaining_working_memory(kept: int):
    memory, _ = compare(small(min_mid_term_frames=kept), {0: 1, 3: 1}, 13)
    assert len(memory.working) < 5 * CELLS


def test_what_is_used_least_is_evicted():
    memory, literal = compare(small(max_long_term_elements=18), {0: 2}, 30)
    assert len(memory.long_term) <= 18
    assert any(isinstance(event, Eviction) for event in memory.events) == (len(literal.events) == 2)


def test_eviction_leaves_every_group_its_own_columns():
    memory, _ = compare(small(max_long_term_elements=18), {0: 1, 3: 2, 9: 1}, 40)
    assert len(memory.long_term) <= 18
    assert memory.long_term.value_sizes[0] == len(memory.long_term)


def test_a_store_that_is_exactly_full_needs_no_eviction():
    memory, _ = compare(small(max_long_term_elements=12), {0: 1}, 11)
    assert 12 == len(memory.long_term)


def test_without_usage_counts_the_oldest_leave():
    settings = small(max_long_term_elements=10, enable_long_term_count_usage=False)
    memory = Memory(settings, device=torch.device("cpu"), dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for frame in range(30):
        memory.write(frame, features(generator), torch.rand(1, 512, HEIGHT, WIDTH, generator=generator).double())
        memory.read(features(generator))
    assert len(memory.long_term) <= 10
    assert memory.long_term.frames.min() > 12


def test_without_long_term_memory_every_memory_frame_stays():
    memory, _ = compare(small(enable_long_term=False), {0: 1, 4: 1}, 15)
    assert 15 * CELLS == len(memory.working)
    assert 0 == memory.footprint()["long_term"]


def test_fewer_candidates_than_prototypes_all_become_prototypes():
    memory, _ = compare(small(num_prototypes=128), {0: 1}, 9)
    assert 2 * 3 * CELLS == len(memory.long_term)


def test_top_k_beyond_the_bank_reads_all_of_it():
    memory, _ = compare(small(top_k=500), {0: 1}, 4)
    assert 4 * CELLS == len(memory.working)


def test_the_banks_tell_where_their_columns_come_from():
    memory, _ = compare(small(), {0: 1}, 8)
    banks = memory.inspect(40, geometry(HEIGHT * 16, WIDTH * 16, -1))
    first = {name: banks["working"][name][:4].tolist() for name in ("frame", "y", "x", "age")}
    assert {"frame": [0] * 4, "y": [8, 8, 8, 24], "x": [8, 24, 40, 8], "age": [40] * 4} == first
    assert set(banks["long_term"]["frame"]) <= {1, 2, 3, 4, 5, 6}
    assert all(np.isfinite(banks[name]["usage"]).all() for name in banks)
    per_column = (129 + 64 + 2 + 512) * 8 + 2 * 8
    assert len(memory.working) * per_column == memory.footprint()["working"]
