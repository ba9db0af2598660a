from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vosbench.adapters.nn import memory_read
from vosbench.adapters.nn.memory_read import (
    Store,
    _count_usage,
    count_usage_at_once,
    read_memory,
    top_columns,
    weighted_sum,
    weighted_sum_masked,
)


def dense_read(logits: torch.Tensor, values: torch.Tensor, top_k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The definition: a dense affinity matrix, zero outside the top k, times the values; and its column sums."""
    affinity = torch.zeros_like(logits)
    for query, row in enumerate(logits):
        top = row.topk(min(top_k, len(row)))
        affinity[query, top.indices] = torch.softmax(top.values, 0)
    return affinity @ values, affinity.sum(0)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("count", [1, 29, 30, 31, 500, 1217])
@pytest.mark.parametrize("k", [1, 30])
def test_the_top_columns_are_those_of_a_full_sort(count: int, k: int):
    similarities = random(17, count, seed=count)
    expected = similarities.topk(min(k, count), dim=1)
    values, columns = top_columns(similarities, k)
    assert torch.equal(expected.values, values.sort(dim=1, descending=True).values)
    assert torch.equal(expected.indices.sort(dim=1).values, columns.sort(dim=1).values)


def test_the_top_columns_of_a_part_of_each_row_are_right():
    similarities = random(5, 2000, seed=3)
    expected = similarities[:, 777:].topk(20, dim=1).indices.sort(dim=1).values
    assert torch.equal(expected, top_columns(similarities[:, 777:], 20)[1].sort(dim=1).values)


def test_what_is_not_a_number_stays_visible():
    similarities = random(4, 1000, seed=3)
    similarities[2, 500] = torch.nan
    assert [False, False, True, False] == top_columns(similarities, 5)[0].isnan().any(1).tolist()


@pytest.mark.parametrize("top_k", [4, 1000])
def test_reading_equals_a_dense_affinity(monkeypatch: pytest.MonkeyPatch, top_k: int):
    monkeypatch.setattr(memory_read, "TILE", (4, 32))
    queries, rows, values = random(10, 6, seed=1), random(90, 6, seed=2), random(90, 8, seed=3)
    usage = torch.ones(90, dtype=torch.float64)
    store = Store(rows=rows.split(40), values=[values.split(25), values[60:].split(30)], usage=usage)
    logits = queries @ rows.T
    first, expected_usage = dense_read(logits, values, top_k)
    second, _ = dense_read(logits[:, 60:], values[60:], top_k)
    readouts = read_memory(queries, [store], top_k)
    torch.testing.assert_close(readouts, [first, second])
    torch.testing.assert_close(usage, 1 + expected_usage)


def test_two_stores_are_read_as_one_each_from_its_end():
    queries = random(7, 5, seed=1)
    long_rows, work_rows = random(33, 5, seed=2), random(20, 5, seed=3)
    long_values, work_values = random(33, 6, seed=4), random(20, 6, seed=5)
    long_usage, work_usage = torch.zeros(33, dtype=torch.float64), torch.zeros(20, dtype=torch.float64)
    stores = [
        Store(rows=[long_rows], values=[[long_values], [long_values[30:]], ()], usage=long_usage),
        Store(rows=[work_rows], values=[[work_values], [work_values[8:]], [work_values[12:]]], usage=work_usage),
    ]
    expected = []
    for long_count, work_count in ((33, 20), (3, 12), (0, 8)):
        rows = torch.cat([long_rows[33 - long_count :], work_rows[20 - work_count :]])
        values = torch.cat([long_values[33 - long_count :], work_values[20 - work_count :]])
        expected.append(dense_read(queries @ rows.T, values, 9))
    readouts = read_memory(queries, stores, 9)
    torch.testing.assert_close([readout for readout, _ in expected], readouts)
    torch.testing.assert_close(expected[0][1], torch.cat([long_usage, work_usage]))


class Listening(TorchDispatchMode):
    """The names of the operations that ran."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


WAITS = {"nonzero", "_local_scalar_dense", "masked_select", "index_add_", "unique2", "_to_copy"}
"""What an accelerator's host waits for, or what adds up in another order in every run."""


def columns_and_weights(queries: int, k: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    columns = torch.stack([torch.randperm(tokens, generator=generator)[:k] for _ in range(queries)])
    return columns, torch.softmax(random(queries, k, seed=5).float(), dim=1)


def test_the_read_of_an_accelerator_gives_the_same_sums_and_waits_for_nothing():
    columns, weights = columns_and_weights(50, 7, 90)
    values = random(90, 8, seed=6).float()
    for pages in ([values], values.split(25), [values[:1], values[1:60], values[60:]]):
        with Listening() as listening:
            found = weighted_sum_masked(columns, weights, pages)
        torch.testing.assert_close(weighted_sum(columns, weights, pages), found)
        assert not listening.names & WAITS


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_usage_counted_on_an_accelerator_is_the_same_and_added_in_one_order(dtype: torch.dtype):
    columns, weights = columns_and_weights(50, 7, 90)
    weights, values = weights.to(dtype), random(90, 8, seed=6)

    def stores() -> list[Store]:
        usages = (torch.ones(30, dtype=dtype), None, torch.zeros(40, dtype=dtype))
        parts = zip(values.split([30, 20, 40]), usages, strict=True)
        return [Store(rows=[part], values=[part.split(15)], usage=usage) for part, usage in parts]

    expected, counted = stores(), stores()
    _count_usage(expected, columns, weights)
    with Listening() as listening:
        count_usage_at_once(counted, columns, weights)
    for one, other in zip(expected, counted, strict=True):
        torch.testing.assert_close(one.usage, other.usage)
    assert not listening.names & WAITS


def test_a_whole_read_is_the_same_with_the_sums_of_an_accelerator(monkeypatch: pytest.MonkeyPatch):
    queries, rows, values = random(10, 6, seed=1), random(90, 6, seed=2), random(90, 8, seed=3)

    def read() -> tuple[list[torch.Tensor], torch.Tensor]:
        usage = torch.zeros(90, dtype=torch.float64)
        store = Store(rows=rows.split(40), values=[values.split(25), values[60:].split(30)], usage=usage)
        return read_memory(queries, [store], 4), usage

    expected = read()
    monkeypatch.setattr(memory_read, "weighted_sum", weighted_sum_masked)
    monkeypatch.setattr(memory_read, "_count_usage", count_usage_at_once)
    torch.testing.assert_close(expected, read())
