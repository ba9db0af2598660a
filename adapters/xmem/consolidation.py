"""From working to long-term memory: prototypes, potentiation, eviction (section 3.3, and the official code)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.nn.memory_read import similarity
from vosbench.adapters.xmem.prototypes import Prototypes, Select, most_used
from vosbench.adapters.xmem.similarity import memory_rows, query_columns, shrinkage_of
from vosbench.adapters.xmem.stores import FeatureStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Consolidation:
    """What one consolidation did: how many candidates, and which of them became prototypes, most used first."""

    candidates: int
    prototypes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eviction:
    """The long-term columns that an eviction left, ascending."""

    survivors: NDArray[np.int64]


def consolidate(
    working: FeatureStore,
    long_term: FeatureStore,
    *,
    first_frame: int,
    remaining: int,
    prototypes: int,
    select: Select = most_used,
    potentiation: bool = True,
) -> Consolidation:
    """Move what is between the first frame and the latest ones into long-term memory, as prototypes.

    ``first_frame`` columns at the beginning are never candidates; ``remaining`` columns stay in working memory, the
    first frame's among them. ``select`` says which candidates become the ``prototypes`` long-term columns; without
    ``potentiation`` (table 6) they keep the values and the shrinkage that they had.
    """
    start, stop = first_frame, len(working) - remaining + first_frame
    chosen = select(working, start, stop, prototypes)
    _remember(working, long_term, chosen, start, stop, remaining=remaining, potentiation=potentiation)
    _cut(working, first_frame=first_frame, remaining=remaining)
    return Consolidation(candidates=stop - start, prototypes=chosen.origins.cpu().numpy())


def evict(long_term: FeatureStore, *, target: int, by_usage: bool) -> Eviction:
    """Bring long-term memory, which is larger, down to ``target`` columns: the least used leave, or the oldest.

    As in the official code every column whose usage ties with the last to leave leaves too. The official code
    evicts for one object group only and ends otherwise; here a column leaves for every group, whose values belong
    to the last columns.
    """
    excess = len(long_term) - target
    if by_usage:
        usage = long_term.usage
        threshold = usage.topk(excess, largest=False).values.max()
        survivors = (usage > threshold).nonzero().squeeze(1)
    else:
        survivors = torch.arange(excess, len(long_term), device=long_term.use.device)
    long_term.keep(survivors)
    return Eviction(survivors=survivors.cpu().numpy())


def _remember(
    working: FeatureStore,
    long_term: FeatureStore,
    chosen: Prototypes,
    start: int,
    stop: int,
    *,
    remaining: int,
    potentiation: bool,
) -> None:
    """Give long-term memory the prototypes: their keys, and the values and shrinkage of their surroundings.

    Each prototype's value is the mean of the candidates' values, weighted by the softmax of their similarity to it
    (Eq. 3, "memory potentiation"); without potentiation it is the value of its origin. A late group takes part with
    the candidates that it has values for.
    """
    queries = query_columns(chosen.keys, chosen.selection)
    shrinkage: Tensor | None = None
    for group, table in enumerate(working.values):
        count = _candidates(len(table), len(working), remaining=remaining, first_frame=start)
        valid = chosen.origins >= stop - start - count
        if not count or not bool(valid.any()):
            break
        if potentiation:
            affinity = torch.softmax(similarity(queries[valid], working.rows.between(stop - count, stop)), dim=1)
        else:
            own = chosen.origins[valid] - (stop - start - count)
            affinity = functional.one_hot(own, count).to(queries.dtype)
        if group == 0:
            shrinkage = _weighted(affinity, [shrinkage_of(page) for page in working.rows.between(start, stop)])
        begin = len(table) - remaining + start - count
        long_term.add_values(group, _weighted(affinity, table.between(begin, begin + count)))
    host = (chosen.origins + start).cpu().numpy()
    long_term.add_columns(memory_rows(chosen.keys, shrinkage), None, working.frames[host], working.positions[host])


def _candidates(values: int, total: int, *, remaining: int, first_frame: int) -> int:
    """Gives back how many candidates a group of ``values`` columns has: the last ones of all candidates."""
    if values == total:
        return total - remaining
    return values - remaining if values > remaining + first_frame else 0


def _cut(working: FeatureStore, *, first_frame: int, remaining: int) -> None:
    """Leave the first frame and the latest columns, ``remaining`` together.

    Every group of at least ``remaining`` + one frame loses its own middle, the first frame that it has values for
    stays. From then on that frame's values stand beside the keys of the video's first frame: the official code
    reads a group's values as those of the last columns, and is followed in this.
    """
    device = working.use.device
    for table in working.values:
        if len(table) >= remaining + first_frame:
            table.keep(_ends(len(table), first_frame, remaining, device))
    working.keep_columns(_ends(len(working), first_frame, remaining, device))


def _ends(total: int, first_frame: int, remaining: int, device: torch.device) -> Tensor:
    latest = torch.arange(total - remaining + first_frame, total, device=device)
    return torch.cat([torch.arange(first_frame, device=device), latest])


def _weighted(affinity: Tensor, pages: list[Tensor]) -> Tensor:
    """Gives back (prototypes, width): ``affinity`` (prototypes, candidates) times the candidates' rows."""
    total = affinity.new_zeros(len(affinity), pages[0].shape[1])
    begin = 0
    for page in pages:
        total.addmm_(affinity[:, begin : begin + len(page)], page)
        begin += len(page)
    return total
