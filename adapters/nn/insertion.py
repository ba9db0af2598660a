"""XMem's insertion offsets (section 4.1): the same interval of writing, begun at another phase."""

from __future__ import annotations

OFFSET_SOURCE = "XMem, section 4.1: runs at evenly spaced offsets set it, see 'vosbench run --offsets'"
OFFSET_HELP = "s: the first memory frame comes s frames after the first prompt, later ones at the interval; 0: no shift"


def shifted_write(time: int, interval: int, offset: int) -> int:
    """Gives back the time that counts as the last write once the first prompted frame, at ``time``, is written.

    With offset 0 that is ``time`` itself; with s the next write is due at ``time`` + s, and then at every interval.
    """
    return time - (interval - offset) % interval
