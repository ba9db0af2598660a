"""Reading a memory of many tokens: similarity, the top k of every query, and the sum of their values.

STCN and XMem build the whole affinity matrix (tokens x queries) several times, fill in zeros outside the top k
and multiply it with every object's values. The same sums are taken here from the k tokens of each query alone:
one matrix product gives the similarities of a few queries, their top k are found, and the values of those tokens
are gathered once for all objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

TILE = (256, 4096)
"""Queries and tokens whose similarities are held at a time on a CPU: what its caches keep."""
TILE_DEVICE = (2048, 32768)
"""The same on an accelerator."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Store:
    """One store's part in a read: the pages of its similarity rows, and per object group those of its values.

    A group's values belong to the last rows of the store; a group without values there has an empty tuple.
    ``usage`` (tokens), where it is not None, is increased by the affinity that each token gets from all queries
    of the first group.
    """

    rows: Sequence[Tensor]
    values: Sequence[Sequence[Tensor]]
    usage: Tensor | None = None


def read_memory(queries: Tensor, stores: Sequence[Store], top_k: int) -> list[Tensor]:
    """Gives back, per object group, (queries, width of its values).

    ``queries`` (queries, channels) times a store's rows (tokens, channels) is the similarity. The affinity of a
    query is the softmax over its ``top_k`` most similar tokens of all stores together, among those that have
    values for the group; k is cut to their number.
    """
    on_host = queries.device.type == "cpu"
    most_queries, most_tokens = TILE if on_host else TILE_DEVICE
    count_usage, read_pages = (_count_usage, weighted_sum) if on_host else (count_usage_at_once, weighted_sum_masked)
    readouts: list[list[Tensor]] = [[] for _ in stores[0].values]
    for chunk in queries.split(most_queries):
        for group, (values, columns) in enumerate(_search(chunk, stores, top_k, most_tokens)):
            affinity = torch.softmax(values, dim=1)
            if group == 0:
                count_usage(stores, columns, affinity)
            pages = [page for store in stores for page in store.values[group]]
            readouts[group].append(read_pages(columns, affinity, pages))
    return [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in readouts]


def similarity(queries: Tensor, pages: Sequence[Tensor]) -> Tensor:
    """Gives back (queries, tokens), the products of ``queries`` (queries, channels) with all rows."""
    if len(pages) == 1:
        return queries @ pages[0].T
    out = queries.new_empty(len(queries), _length(pages))
    begin = 0
    for page in pages:
        torch.mm(queries, page.T, out=out[:, begin : begin + len(page)])
        begin += len(page)
    return out


def top_columns(similarities: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Gives back the values and columns (queries, k) of the k largest of every row, in no order.

    Exact: a column among the k largest lies in one of the k blocks with the largest maxima, so only those blocks
    (columns that are equal modulo the number of blocks) and the columns left over are looked through.
    """
    count = similarities.shape[1]
    if k >= count:
        columns = torch.arange(count, device=similarities.device).expand(len(similarities), count)
        return similarities, columns
    size = round((count / k) ** 0.5)
    if size < 4:
        return similarities.topk(k, dim=1, sorted=False)
    blocks = count // size
    grid = similarities[:, : size * blocks].unflatten(1, (size, blocks))
    best = grid.amax(1).topk(k, dim=1, sorted=False).indices
    within = torch.arange(size, device=best.device)[:, None] * blocks
    candidates = (best[:, None, :] + within).flatten(1)
    left_over = torch.arange(size * blocks, count, device=best.device).expand(len(best), -1)
    candidates = torch.cat([candidates, left_over], dim=1)
    values, chosen = similarities.gather(1, candidates).topk(k, dim=1, sorted=False)
    return values, candidates.gather(1, chosen)


def weighted_sum(columns: Tensor, weights: Tensor, pages: Sequence[Tensor]) -> Tensor:
    """Gives back (queries, width): for every query the sum of ``weights`` times the rows named by ``columns``.

    ``columns`` and ``weights`` are (queries, k); the columns count through all pages.
    """
    if len(pages) == 1:
        return functional.embedding_bag(columns, pages[0], mode="sum", per_sample_weights=weights)
    total = pages[0].new_zeros(len(columns), pages[0].shape[1])
    starts = torch.arange(0, columns.numel(), columns.shape[1], device=columns.device)
    flat, flat_weights, begin = columns.flatten(), weights.flatten(), 0
    for page in pages:
        here = ((flat >= begin) & (flat < begin + len(page))).nonzero().squeeze(1)
        total += functional.embedding_bag(
            flat[here] - begin,
            page,
            torch.searchsorted(here, starts),
            mode="sum",
            per_sample_weights=flat_weights[here],
        )
        begin += len(page)
    return total


def weighted_sum_masked(columns: Tensor, weights: Tensor, pages: Sequence[Tensor]) -> Tensor:
    """Gives back what `weighted_sum` gives, without waiting for an accelerator.

    Every page is asked for all columns, those of other pages with weight 0: to choose a page's own ones the host would
    have to know their number.
    """
    total, begin = pages[0].new_zeros(len(columns), pages[0].shape[1]), 0
    for page in pages:
        index = columns - begin
        within = index.clamp(0, len(page) - 1)
        own = weights * (index == within)
        total += functional.embedding_bag(within, page, mode="sum", per_sample_weights=own)
        begin += len(page)
    return total


def count_usage_at_once(stores: Sequence[Store], columns: Tensor, affinity: Tensor) -> None:
    """Increase the usage of the first group's tokens in one order of adding, without waiting for an accelerator.

    The parts of each token are brought together by sorting: added where they come, as `Tensor.index_add_` does on an
    accelerator, they would give other last digits in every run.
    """
    lengths = [_length(store.values[0]) for store in stores]
    found, order = columns.flatten().sort(stable=True)
    first = torch.searchsorted(found, torch.arange(sum(lengths), device=found.device))
    parts = affinity.flatten()[:, None]
    sums = functional.embedding_bag(order, parts, first, mode="sum")[:, 0]
    for store, part in zip(stores, sums.split(lengths), strict=True):
        if store.usage is not None:
            store.usage.add_(part)


def _search(queries: Tensor, stores: Sequence[Store], top_k: int, most_tokens: int) -> list[tuple[Tensor, Tensor]]:
    """Gives back the values and columns (queries, k) of the most similar tokens, for every group.

    Columns count a group's tokens through all stores.
    """
    groups = range(len(stores[0].values))
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in groups]
    passed = [0 for _ in groups]
    for store in stores:
        total = _length(store.rows)
        counts = [_length(store.values[group]) for group in groups]
        for begin, pages in _tiles(store.rows, most_tokens):
            tile = similarity(queries, pages)
            for group in groups:
                first = max(total - counts[group] - begin, 0)
                if first < tile.shape[1]:
                    values, columns = top_columns(tile[:, first:], top_k)
                    offset = passed[group] + begin + first - (total - counts[group])
                    found[group].append((values, columns + offset))
        passed = [before + count for before, count in zip(passed, counts, strict=True)]
    return [_merge(parts, top_k) for parts in found]


def _tiles(pages: Sequence[Tensor], most_tokens: int) -> Iterator[tuple[int, list[Tensor]]]:
    """Yields the number of tokens before and the pages, cut where they must be, of at most ``most_tokens`` tokens."""
    before, held, tile = 0, 0, list[Tensor]()
    for page in pages:
        for part in page.split(most_tokens):
            if held + len(part) > most_tokens:
                yield before, tile
                before, held, tile = before + held, 0, []
            tile.append(part)
            held += len(part)
    if tile:
        yield before, tile


def _merge(found: Sequence[tuple[Tensor, Tensor]], top_k: int) -> tuple[Tensor, Tensor]:
    """Gives back the k largest of all tiles from the k largest of each."""
    if len(found) == 1:
        return found[0]
    values = torch.cat([values for values, _ in found], dim=1)
    columns = torch.cat([columns for _, columns in found], dim=1)
    values, chosen = values.topk(min(top_k, values.shape[1]), dim=1, sorted=False)
    return values, columns.gather(1, chosen)


def _count_usage(stores: Sequence[Store], columns: Tensor, affinity: Tensor) -> None:
    flat, weights, begin = columns.flatten(), affinity.flatten(), 0
    for store in stores:
        end = begin + _length(store.values[0])
        if store.usage is not None:
            here = ((flat >= begin) & (flat < end)).nonzero().squeeze(1)
            store.usage.index_add_(0, flat[here] - begin, weights[here])
        begin = end


def _length(pages: Sequence[Tensor]) -> int:
    return sum(len(page) for page in pages)
