"""What a cell of a run is: where its frames went slow, what its process said, and why it is or is not used again."""

from __future__ import annotations

from vosbench.show.finding import find_cells
from vosbench.show.reuse import Reason, reuse_reasons
from vosbench.show.slow import SlowFrame, slow_frames
from vosbench.show.words import cell_log, describe_cell

__all__ = ["Reason", "SlowFrame", "cell_log", "describe_cell", "find_cells", "reuse_reasons", "slow_frames"]
