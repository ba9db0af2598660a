"""A working memory of so many frames that compresses nothing: the oldest one leaves (table 7, local window)."""

from __future__ import annotations

from collections.abc import Collection

import torch

from vosbench.adapters.xmem.stores import FeatureStore


def keep_window(working: FeatureStore, *, frames: int, cells: int, references: Collection[int]) -> None:
    """Bring the working memory, where it has one memory frame more, down to ``frames`` memory frames.

    The oldest one leaves that is no reference: XMem always keeps the first frame, and a frame of ``references`` where
    further objects entered is theirs. Where all older ones are references, the oldest after the first leaves.
    ``cells`` are the columns of a frame.
    """
    count = len(working) // cells
    if count <= frames:
        return
    older = range(1, count - 1)
    leaving = next((i for i in older if int(working.frames[i * cells]) not in references), 1)
    kept = torch.ones(len(working), dtype=torch.bool, device=working.use.device)
    kept[leaving * cells : (leaving + 1) * cells] = False
    working.keep(kept.nonzero().squeeze(1))
