"""What the long-term memory keeps: one function for each strategy.

A strategy is called whenever a frame is written: every ``long_term_mem_gap`` frames, and where objects are given.
It gets what is kept, newest first, and the new frame, and gives back what is kept from then on. The first frame of a
video, the reference frame, is kept before any strategy is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vosbench.adapters.aot.attention import KeyValue
from vosbench.adapters.aot.grid import Grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemoryFrame:
    """One remembered frame: its number, whether its objects were given (and not predicted), a memory per block.

    ``grid`` is the rows and columns of its tokens.
    """

    frame: int
    given: bool
    grid: Grid
    blocks: tuple[KeyValue, ...]

    @property
    def tokens(self) -> int:
        """How many tokens each block keeps."""
        return len(self.blocks[0].key)

    @property
    def nbytes(self) -> int:
        """The bytes of all blocks."""
        return sum(block.nbytes for block in self.blocks)


Kept = tuple[MemoryFrame, ...]
Strategy = Callable[[Kept, MemoryFrame], Kept]


def keep_all(kept: Kept, new: MemoryFrame) -> Kept:
    """Every frame for ever (AOT-L, DeAOT-L)."""
    return (new, *kept)


def keep_reference(kept: Kept, new: MemoryFrame) -> Kept:
    """Frames whose objects were given, and no other (DeAOT-T/S/B; MAVOS, table 7)."""
    return (new, *kept) if new.given else kept


def keep_previous(kept: Kept, new: MemoryFrame) -> Kept:  # noqa: ARG001 - strategies are called alike
    """The frame written last, and no other (MAVOS, table 7)."""
    return (new,)


def keep_last(frames: int) -> Strategy:
    """Gives back the strategy that keeps the reference frame and the last ``frames`` - 1 written ones.

    With 2 frames it is "reference + previous" (MAVOS, tables 5 and 7), with 6 the larger bank of table 5.
    """

    def keep(kept: Kept, new: MemoryFrame) -> Kept:
        *later, reference = kept
        return (*[new, *later][: frames - 1], reference)

    return keep


def keep_dynamic(fuse: Callable[[MemoryFrame, MemoryFrame], MemoryFrame]) -> Strategy:
    """Gives back MAVOS's strategy: the reference frame, and one dynamic frame into which ``fuse`` works new ones.

    ``fuse(new, dynamic)`` is equation 1 of the paper. The first written frame becomes the dynamic frame as it is. A
    later frame whose objects were given is fused too; the first reference frame is never replaced (official
    ``update_long_term_memory``).
    """

    def keep(kept: Kept, new: MemoryFrame) -> Kept:
        if len(kept) == 1:
            return (new, *kept)
        dynamic, reference = kept
        return (fuse(new, dynamic), reference)

    return keep


def named_strategy(memory: str, frames: int) -> Strategy:
    """Gives back the strategy that a setting names; ``frames`` counts for ``last-n`` only."""
    strategies: dict[str, Strategy] = {
        "all": keep_all,
        "last-n": keep_last(frames),
        "reference": keep_reference,
        "previous": keep_previous,
        "reference+previous": keep_last(2),
    }
    return strategies[memory]
