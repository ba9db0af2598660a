"""One engine: the memories of at most ten objects, fewer in a small network (official ``AOTEngine``)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vosbench.adapters.aot.block import Memory
from vosbench.adapters.aot.network import AOTNetwork, Features
from vosbench.adapters.aot.strategies import Kept, MemoryFrame, Strategy
from vosbench.adapters.aot.transformer import Propagation
from vosbench.adapters.nn.insertion import shifted_write


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When memory is written: ``gap`` frames from one long-term write to the next, the first of them
    ``offset`` frames after the first prompt where that is not 0; the short-term memory is the frame ``skip`` frames
    ago.
    """

    gap: int
    skip: int
    offset: int = 0


class Engine:
    """The memory of its objects; features of the image come from outside, since all engines share them.

    In training it is the memory of a batch of clips.
    """

    def __init__(self, network: AOTNetwork, schedule: Schedule, strategy: Strategy) -> None:
        self._network = network
        self._schedule = schedule
        self._strategy = strategy
        self._time = 0
        self._last_write = 0
        self.objects = 0
        self.long_term: Kept = ()
        self.short_term: Kept = ()
        self.propagation: Propagation | None = None

    def match(self, features: Features, positions: Tensor | None) -> Tensor:
        """Gives back the logits (1 + objects, height / 4, width / 4) of the next frame."""
        self._time += 1
        pages = [[kept.blocks[block] for kept in self.long_term] for block in range(len(self.long_term[0].blocks))]
        oldest = self.short_term[0].blocks
        memories = [Memory(long_term=page, short_term=short) for page, short in zip(pages, oldest, strict=True)]
        self.propagation = self._network.match(features, positions, memories)
        return self._network.decode(self.propagation, features, self.objects)

    def refer(self, frame: int, features: Features, positions: Tensor | None, labels: Tensor, objects: int) -> None:
        """Take the present frame, number ``frame``, as a reference: ``labels`` (network's height, width) are given.

        It goes to the long-term memory at once, and is all of the short-term memory.
        """
        self.objects = objects
        identity = self._network.identify(labels, objects)
        propagation = self._network.refer(features, positions, identity)
        new = MemoryFrame(frame=frame, given=True, grid=features.grid, blocks=tuple(propagation.memory))
        self.propagation = None
        self._write(new)
        self.short_term = (new,)

    def update(self, frame: int, labels: Tensor) -> None:
        """Remember the present frame, number ``frame``, whose objects were predicted to be ``labels``."""
        identity = self._network.identify(labels, self.objects)
        blocks = tuple(self._network.remember(self.propagation, identity))
        self.propagation = None
        new = MemoryFrame(frame=frame, given=False, grid=self.short_term[0].grid, blocks=blocks)
        self.short_term = (*self.short_term, new)[-self._schedule.skip :]
        if self._time - self._last_write >= self._schedule.gap:
            self._write(new)

    def _write(self, new: MemoryFrame) -> None:
        if self.long_term:
            self.long_term = self._strategy(self.long_term, new)
            self._last_write = self._time
        else:
            self.long_term = (new,)
            self._last_write = shifted_write(self._time, self._schedule.gap, self._schedule.offset)
