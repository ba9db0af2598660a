"""Counts the multiply-accumulates of one frame, in a session that is thrown away and not timed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from vosbench.contract import HasNetworks, Model, Runtime, View
from vosbench.records import Operations
from vosbench.types import Frame

FRAMES = 2
"""The first one brings the prompt, the second is counted: its memory holds one frame."""


def count_operations(model: Model, view: View, frames: Iterable[Frame], runtime: Runtime) -> Operations:
    """Gives back the operations of the last of ``frames``, those of convolutions and matrix products.

    A convolution counts as the direct one, whatever algorithm computes it, so that the number is that of the network
    and not of the machine. Additions, activations and resizing do not count.
    """
    if not isinstance(model, HasNetworks):
        return Operations(reason="the method shows no network")
    if runtime.compile:
        return Operations(reason="compiled code hides its operations")
    try:
        return Operations(macs=_count(model, view, frames))
    except Exception as error:  # noqa: BLE001 - at the cell's boundary: a count that fails must not cost the measurement
        return Operations(reason=f"{type(error).__name__}: {error}".splitlines()[0])


def _count(model: Any, view: View, frames: Iterable[Frame]) -> int:
    macs = 0
    session = model.open(view)
    try:
        for frame in frames:
            with _Counting(model.networks()) as counting:
                session.step(frame)
            macs = counting.macs
    finally:
        session.close()
    return macs


class _Counting:
    """Counts while it is entered: torch's counter of operations, with each convolution taken as the direct one."""

    def __init__(self, networks: Iterable[Any]) -> None:
        from torch.utils.flop_counter import FlopCounterMode

        self._networks = tuple(networks)
        self._counter = FlopCounterMode(display=False)
        self._begun = 0
        self._missing = 0
        self._exits = ExitStack()

    def __enter__(self) -> _Counting:
        self._exits.enter_context(_hooked(self._networks, self._before, self._after))
        self._exits.enter_context(self._counter)
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    @property
    def macs(self) -> int:
        """The multiply-accumulates so far."""
        return self._counted() + self._missing

    def _counted(self) -> int:
        """The counter takes a product and a sum for two operations."""
        return int(self._counter.get_total_flops()) // 2

    def _before(self, _module: Any, _inputs: Any) -> None:
        self._begun = self._counted()

    def _after(self, module: Any, _inputs: Any, output: Any) -> None:
        """Puts the direct convolution in the place of what was counted since `_before`."""
        direct = int(output.numel()) * int(module.weight[0].numel())
        self._missing += direct - (self._counted() - self._begun)


@contextmanager
def _hooked(networks: tuple[Any, ...], before: Any, after: Any) -> Iterator[None]:
    from torch import nn

    handles = []
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and not list(module.children()):
                handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
