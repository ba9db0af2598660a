"""Which candidates become prototypes: the most used ones, random ones, or centroids (section 3.3, table 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.xmem.similarity import keys_of
from vosbench.adapters.xmem.stores import FeatureStore

ROUNDS = 20
"""The most rounds of k-means; it ends before where nothing moves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prototypes:
    """The prototypes of one consolidation: ``keys`` and ``selection`` (prototypes, 64) of each.

    ``origins`` (prototypes) are candidates, counted from 0: the one that a prototype is, or that its centroid is
    nearest to.
    """

    origins: Tensor
    keys: Tensor
    selection: Tensor


Select = Callable[[FeatureStore, int, int, int], Prototypes]
"""From the working memory, the first candidate's column, the column behind the last one, and how many are wanted. With
fewer candidates than that, all of them are prototypes."""


def most_used(working: FeatureStore, start: int, stop: int, count: int) -> Prototypes:
    """Gives back the candidates that were read most in the time they were there, the most used first (the default)."""
    usage = working.usage[start:stop]
    return _candidates(working, start, usage.topk(min(count, stop - start)).indices)


def any_random(generator: torch.Generator) -> Select:
    """Gives back the rule that takes candidates at random, each once; ``generator`` is on the CPU."""

    def select(working: FeatureStore, start: int, stop: int, count: int) -> Prototypes:
        order = torch.randperm(stop - start, generator=generator)[:count]
        return _candidates(working, start, order.sort().values.to(working.use.device))

    return select


def centroids(generator: torch.Generator) -> Select:
    """Gives back the rule that takes the centroids of the candidates' keys under k-means.

    The paper says no more than "K-means centroid". Here it is Lloyd's algorithm from candidates drawn at random; a
    centroid has no selection of its own and takes that of the candidate nearest to it.
    """

    def select(working: FeatureStore, start: int, stop: int, count: int) -> Prototypes:
        keys = torch.cat([keys_of(page) for page in working.rows.between(start, stop)])
        centres = k_means(keys, min(count, len(keys)), generator)
        nearest = torch.cdist(centres, keys).argmin(1)
        return Prototypes(origins=nearest, keys=centres, selection=_selection(working, nearest + start))

    return select


def k_means(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Gives back ``count`` centres (count, channels) of ``points`` (points, channels); an empty cluster's stays."""
    first = torch.randperm(len(points), generator=generator)[:count]
    centres = points[first.to(points.device)]
    members = torch.full((len(points),), -1, device=points.device)
    for _ in range(ROUNDS):
        before, members = members, torch.cdist(points, centres).argmin(1)
        if torch.equal(before, members):
            break
        # A product with the membership sums in one order; scattered additions on a GPU do not.
        membership = functional.one_hot(members, count).to(points.dtype)
        sizes = membership.sum(0)[:, None]
        centres = torch.where(sizes > 0, membership.T @ points / sizes.clamp(min=1), centres)
    return centres


def selection_rule(name: str, generator: torch.Generator) -> Select:
    """Gives back the rule that the setting ``prototype_selection`` names."""
    return {"usage": most_used, "random": any_random(generator), "kmeans": centroids(generator)}[name]


def _candidates(working: FeatureStore, start: int, chosen: Tensor) -> Prototypes:
    columns = chosen + start
    return Prototypes(origins=chosen, keys=keys_of(working.rows.take(columns)), selection=_selection(working, columns))


def _selection(working: FeatureStore, columns: Tensor) -> Tensor:
    if working.selection is None:
        raise ValueError("a working memory whose columns may become prototypes keeps their selection")
    return working.selection.take(columns)
