"""When banks are written: the interval that a suite of long videos sets, and XMem's insertion offsets.

Both follow from a video's length, which the plan knows and a method does not.
"""

from __future__ import annotations

from collections.abc import Mapping

from vosbench.data.suite import Suite
from vosbench.registry import Method
from vosbench.sweep import is_chosen


def given_interval(suite: Suite, method: Method, length: int, overrides: Mapping[str, str]) -> dict[str, int]:
    """Gives back the insertion interval that the suite, or a bank of so many frames, asks for; {} for the method's own.

    What the user sets, or a variant, wins. A bank that never forgets is written so seldom that a video leaves the
    suite's number of memory frames (XMem, section 4.1); a variant may bring that number along, and then keeps to it on
    every suite (XMem, table 7: sparse insertion).
    """
    name = method.card.interval
    if not name or is_chosen(name, method, overrides):
        return {}
    own: int = getattr(method.settings, name)
    if suite.memory is None:
        seldom = -(-length // method.frames) if method.frames is not None else own
        return {name: seldom} if seldom > own else {}
    if method.frames is None and not method.grows:
        return {name: suite.memory.interval}
    return {name: -(-length // (method.frames or suite.memory.frames))}


def offset_count(
    method: Method, intervals: Mapping[str, Mapping[str, int]], wanted: int, overrides: Mapping[str, str]
) -> int:
    """Gives back how many of ``wanted`` insertion offsets a method can have on these videos.

    ``intervals`` is what `given_interval` said of each video. A method that writes every r-th frame has at most r
    different offsets; one that cannot shift its insertions, or whose shift the user set, has one.
    """
    if not method.card.offset or is_chosen(method.card.offset, method, overrides):
        return 1
    return min(wanted, *(_interval(method, given) for given in intervals.values()))


def shift_of(method: Method, given: Mapping[str, int], offset: int, offsets: int) -> dict[str, int]:
    """Gives back the setting of one offset: r k / n frames, rounded down (XMem, section 4.1); {} for the first."""
    return {method.card.offset: _interval(method, given) * offset // offsets} if offset else {}


def _interval(method: Method, given: Mapping[str, int]) -> int:
    name = method.card.interval
    own: int = getattr(method.settings, name)
    return given.get(name, own)
