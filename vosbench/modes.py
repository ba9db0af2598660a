"""How a run is measured: what a mode asks of methods, which cannot be, and the order of the passes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from vosbench.contract import Runtime
from vosbench.errors import UsageError
from vosbench.records import Mode
from vosbench.registry import Method

T = TypeVar("T")


def in_mode(method: Method, runtime: Runtime, mode: Mode, overrides: Mapping[str, str]) -> Method:
    """Gives back the method with the settings that ``mode`` asks for.

    ``overrides`` are the settings that the user gave. Raises `UsageError` for a method that cannot be run so.
    """
    if runtime.augmented and not method.card.augments:
        raise UsageError(
            f"--flip and --scales: '{method.name}' gives no probabilities that could be averaged",
            fix="leave it out of this run; 'vosbench methods NAME' says what a method offers",
        )
    if mode.short_side is None:
        return method
    name = method.card.size
    if not name:
        raise UsageError(
            f"--size {mode.short_side}: '{method.name}' has no setting for the size at which it sees frames",
            fix="leave it out of this run, or name its setting in the card's 'size'",
        )
    if name in overrides:
        raise UsageError(f"{method.name}: --size and --set {method.card.name}.{name} say the same", fix="give one")
    return replace(method, settings=replace(method.settings, **{name: mode.short_side}))


def mode_of_row(method: Method, mode: Mode, overrides: Mapping[str, str]) -> Mode:
    """Gives back the mode of one method's cells: a size that was set by hand sets it apart as ``--size`` does."""
    name = method.card.size
    if mode.short_side is not None or name not in overrides:
        return mode
    return replace(mode, short_side=int(getattr(method.settings, name)))


def check_runtime(runtime: Runtime, mode: Mode, *, system: str = "Linux") -> None:
    """Raise `UsageError` for a mode that this device or ``system`` (as Python calls it) cannot have."""
    if mode.one_core and (runtime.device != "cpu" or runtime.threads != 1):
        raise UsageError(
            f"--profile one-core: device {runtime.device} with {runtime.threads} threads",
            fix="add --device cpu, and leave --threads out",
        )
    if mode.one_core and system != "Linux":
        raise UsageError(
            f"--profile one-core: {system} pins no process to a core",
            fix="measure on Linux, or write --device cpu --threads 1 instead",
        )
    if mode.memory_budget is not None and runtime.device == "cpu" and system != "Linux":
        raise UsageError(
            f"--memory-budget: {system} does not tell what a process holds",
            fix="measure on Linux, or leave --memory-budget out",
        )


def shuffled(members: Sequence[T], repeat: int, *, repeats: int, seed: int) -> list[T]:
    """Gives back ``members`` in the order of one pass: as they are where there is one pass, else drawn by ``seed``.

    What runs first finds the machine cool and what runs last warm: with an order of its own in each pass that falls on
    every method alike.
    """
    drawn = list(members)
    if repeats > 1:
        random.Random(f"{seed} {repeat}").shuffle(drawn)  # noqa: S311 - an order, no secret
    return drawn
