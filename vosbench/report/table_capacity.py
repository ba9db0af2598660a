"""The column that says after how many frames a card's memory is full."""

from __future__ import annotations

from vosbench.gpus import GraphicsMemory
from vosbench.report.rows import MethodRow
from vosbench.report.table import Column, Notes

NEVER = {"bounded": "never", "too short": "?", "growing": ""}


def until_full(card: GraphicsMemory) -> Column:
    """Gives back the column: a number of frames where memory grows, "never" where this run found it bounded.

    Extrapolated, and marked so: from what the process held at the end of the row's longest video, by the slope of that
    video's second half.
    """

    def frames(row: MethodRow) -> float | None:
        return row.measures.frames_until_full(row.growth, card.bytes)

    def word(row: MethodRow, _notes: Notes) -> str:
        return NEVER[row.growth.verdict] if row.growth is not None else ""

    def note(row: MethodRow) -> str:
        size = f"{card.bytes / (1 << 30):.4g} GiB"
        return f"extrapolated to {size} from frame {row.measures.held_frames}, by the slope of the video's second half"

    return Column(
        key="frames_until_full",
        title=f"frames to fill {card.name}",
        decimals=0,
        better="neither",
        value=frames,
        word=word,
        note=note,
    )
