"""A table of tokens that grows in pages which never move."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

GROWTH = 8
"""A new page holds at least this fraction of what is there: few pages, and a growth that still looks linear."""


class TokenTable:
    """Rows of one width, one per token, in the order in which they came.

    Rows are written once into pages and read where they lie: appending copies nothing that is already there, and
    reading concatenates nothing. A page holds as many rows as one append brings, or an eighth of the table.
    """

    def __init__(self, width: int, *, device: torch.device, dtype: torch.dtype) -> None:
        self.width = width
        self._device = device
        self._dtype = dtype
        self._pages: list[Tensor] = []
        self._free = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """The bytes of the rows in use."""
        return self._length * self.width * self._dtype.itemsize

    def append(self, rows: Tensor) -> None:
        """Add ``rows`` (tokens, width)."""
        begin = 0
        while begin < len(rows):
            if not self._free:
                self._add_page(len(rows))
            count = min(self._free, len(rows) - begin)
            first = len(self._pages[-1]) - self._free
            self._pages[-1][first : first + count] = rows[begin : begin + count]
            self._free -= count
            begin += count
        self._length += len(rows)

    def drop_last(self, count: int) -> None:
        """Forget the last ``count`` rows."""
        self._length -= count
        self._free += count
        while self._pages and self._free >= len(self._pages[-1]):
            self._free -= len(self._pages.pop())

    def between(self, start: int, stop: int) -> list[Tensor]:
        """Gives back views of the rows ``start`` to ``stop``, page by page."""
        views, begin = [], 0
        for page in self._used():
            end = begin + len(page)
            if start < end and stop > begin:
                views.append(page[max(start - begin, 0) : min(stop, end) - begin])
            begin = end
        return views

    def last(self, count: int) -> list[Tensor]:
        """Gives back views of the last ``count`` rows, page by page."""
        return self.between(self._length - count, self._length)

    def pages(self) -> list[Tensor]:
        """Gives back views of all rows, page by page."""
        return self._used()

    def take(self, index: Tensor) -> Tensor:
        """Gives back the rows that ``index`` names, in its order, as one tensor (index, width)."""
        taken = torch.empty(len(index), self.width, device=self._device, dtype=self._dtype)
        begin = 0
        for page in self._used():
            here = ((index >= begin) & (index < begin + len(page))).nonzero().squeeze(1)
            taken[here] = page[index[here] - begin]
            begin += len(page)
        return taken

    def keep(self, index: Tensor) -> None:
        """Forget all rows but those that ``index`` names, ascending; they move into one page."""
        kept = self.take(index)
        self._pages = [kept] if len(kept) else []
        self._length = len(kept)
        self._free = 0

    def _used(self) -> list[Tensor]:
        if not self._free:
            return list(self._pages)
        return [*self._pages[:-1], self._pages[-1][: len(self._pages[-1]) - self._free]]

    def _add_page(self, count: int) -> None:
        appends = max(1, self._length // (GROWTH * count))
        self._pages.append(torch.empty(appends * count, self.width, device=self._device, dtype=self._dtype))
        self._free = appends * count


def nbytes(tables: Sequence[TokenTable]) -> int:
    """Gives back the bytes in use of several tables."""
    return sum(table.nbytes for table in tables)
