"""The objects that a session has seen, of the ids that its prompts announced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vosbench.adapters.nn.geometry import one_hot
from vosbench.adapters.nn.prompted import entry_order, require_mask_size
from vosbench.contract import View
from vosbench.types import LabelMap, Prompt


class SeenObjects:
    """Numbers objects as they show their first pixel; an id that is announced without a pixel never gets a number.

    ``ids`` are the data set's, in the order of those numbers.
    """

    def __init__(self, view: View) -> None:
        self.ids: list[int] = []
        self._view = view
        self._announced: list[int] = []

    def enter(self, prompt: Prompt, where: str) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """Gives back the ids that show pixels now, ascending, and where: (ids, height, width). They join ``ids``.

        Raises `AdapterError` at ``where`` for a mask of another size, for id 0 and for an id that was announced before.
        """
        require_mask_size(prompt, self._view, where)
        announced = tuple(sorted(entry_order(prompt.ids, self._announced, where)))
        self._announced.extend(announced)
        masks = one_hot(prompt.mask, announced)
        shown = masks.any(axis=(1, 2))
        entering = tuple(object_id for object_id, there in zip(announced, shown, strict=True) if there)
        self.ids.extend(entering)
        return entering, masks[shown]


def with_given(labels: LabelMap, prompt: Prompt) -> LabelMap:
    """Gives back ``labels`` with the objects of ``prompt`` where its mask shows them and nowhere else."""
    others = np.where(np.isin(labels, prompt.ids), 0, labels)
    return np.where(prompt.mask > 0, prompt.mask, others).astype(labels.dtype)
