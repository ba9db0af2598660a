"""The memory of a process that handles many arrays of one size, and has no reference cycles."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

import numpy as np

_LARGEST = 1 << 24


def keep_freed_memory() -> None:
    """Let glibc keep up to 32 MiB that were freed, instead of giving every mask back to the system.

    Fresh pages cost more than decoding a mask does: 0.44 ms a mask became 0.08. glibc raises its threshold to the
    largest block that it ever mapped and freed; the block is never touched, so it costs nothing. Elsewhere nothing
    happens.

    A cell's process does so as well. A method's own first large tensor would bring it about in any case, at a moment of
    its own; so the allocator is in the same state from the first frame on, for every method. Live bytes stay what they
    are; the resident set falls later.
    """
    np.empty(_LARGEST, np.uint8)


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Keep the collector of reference cycles off.

    JSON, masks and scores have no cycles, and it would walk millions of their objects, and numba's, over and over.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
