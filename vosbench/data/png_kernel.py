"""The compiled pass that undoes the filters of PNG rows; importing this module loads numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vosbench.compiled import compiled

Bytes = NDArray[np.uint8]


@compiled
def _paeth(left: np.int64, above: np.int64, corner: np.int64) -> np.int64:
    """Give of three neighbours the one nearest to ``left + above - corner``; of equals the first in this order."""
    guess = left + above - corner
    from_left = abs(guess - left)
    from_above = abs(guess - above)
    from_corner = abs(guess - corner)
    if from_left <= from_above and from_left <= from_corner:
        return left
    return above if from_above <= from_corner else corner


@compiled
def undo_filters(rows: Bytes, values: Bytes) -> None:
    """Write the values (height, width) of filtered rows (height, 1 + width), one byte a pixel, filter bytes 0 to 4.

    PNG specification, section 9.2; beyond the left and upper edge all is 0.
    """
    height, width = values.shape
    above = np.zeros(width, np.uint8)
    for y in range(height):
        row = rows[y, 1:]
        out = values[y]
        kind = rows[y, 0]
        if kind == 0:
            for x in range(width):
                out[x] = row[x]
        elif kind == 2:
            for x in range(width):
                out[x] = row[x] + above[x]
        else:
            left = np.int64(0)
            corner = np.int64(0)
            for x in range(width):
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + np.int64(above[x])) >> 1
                else:
                    guess = _paeth(left, np.int64(above[x]), corner)
                out[x] = row[x] + guess
                left = np.int64(out[x])
                corner = np.int64(above[x])
        above = out
