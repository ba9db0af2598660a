"""Many masks in COCO's compressed text at once: what a file of results is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vosbench.rle import Bounds, torn


def bounds_of_texts(texts: Sequence[str], pixels: Sequence[int]) -> tuple[Bounds, Bounds, Bounds]:
    """Gives back the bounds of masks in COCO's compressed text, all in a row, where each begins, and the areas.

    Args:
        texts: n codes, as pycocotools writes them; an empty one is a mask of no pixels.
        pixels: Height times width of each; its run lengths must add up to it.

    Returns:
        (bounds,), (n + 1,) and (n,), int64.
    """
    from vosbench.metrics.vis_kernel import decode_masks

    text = np.frombuffer(bytearray("".join(texts), "ascii", "replace"), np.uint8)
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    bounds = np.empty(len(text), np.int64)
    starts = np.zeros(len(texts) + 1, np.int64)
    areas = np.zeros(len(texts), np.int64)
    place = decode_masks(text, ends, np.array(pixels, np.int64), bounds, starts, areas)
    if place >= 0:
        raise torn(pixels[place])
    return bounds[: starts[-1]].copy(), starts, areas
