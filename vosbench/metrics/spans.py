"""Where the data set's meta file, not the pixels, says which objects there are and on which frames they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.errors import ScoreError

_LVOS_STEP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSpan:
    """One true object and the names of the frames on which it is scored, in order.

    ``group`` is "seen" or "unseen" (YouTube-VOS: by the object's category, LVOS: by the video). ``missing`` counts
    further frames that enter the object's mean as 0.
    """

    id: int
    frames: tuple[str, ...]
    group: str = ""
    missing: int = 0


def lvos_span(*, id: int, start: int, end: int, frame_nums: int, group: str) -> ObjectSpan:  # noqa: A002
    """Gives back an object's span by the rule of lvos-evaluation (``evaluation.py``).

    ``start``, ``end`` and ``frame_nums`` are the entries of ``frame_range`` in the meta file. The tool reads every
    fifth frame from ``start`` up to, not including, ``end``, leaves out the first of them and number
    ``frame_nums - 1``, and divides by ``frame_nums - 2``. Where ``frame_nums`` promises more frames than the range
    holds, the rest counts as 0.
    """
    numbers = list(range(start, end, _LVOS_STEP))
    if frame_nums < 3 or len(numbers) > frame_nums:
        raise ScoreError(
            f"frame_range of object {id} holds {len(numbers)} frames but frame_nums is {frame_nums}",
            where="meta file of LVOS",
            fix="the official tool fails here too: frame_nums must be at least 3 and (end - start) / 5",
        )
    frames = tuple(f"{number:08d}" for number in numbers[1 : frame_nums - 1])
    return ObjectSpan(id=id, frames=frames, group=group, missing=frame_nums - 2 - len(frames))


def youtube_vos_span(*, id: int, annotated: Sequence[str], first: str, group: str) -> ObjectSpan:  # noqa: A002
    """Gives back an object's span by the public rule of YouTube-VOS: after its ``first`` frame, before the last one.

    ``annotated`` are the video's annotated frames in order. From frtm-vos ``lib/davis.py``, ``evaluate_sequence``.
    """
    if first not in annotated:
        raise ScoreError(
            f"object {id} first appears on frame '{first}', which is not annotated",
            where="meta file of YouTube-VOS",
            fix="check that the annotations and meta.json belong to the same release",
        )
    begin = list(annotated).index(first) + 1
    return ObjectSpan(id=id, frames=tuple(annotated[begin:-1]), group=group)
