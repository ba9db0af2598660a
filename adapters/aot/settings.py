"""What can be set of AOT-L and DeAOT-L, under the official names where there are any."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.nn.insertion import OFFSET_HELP, OFFSET_SOURCE
from vosbench.contract import setting

OFFICIAL = "official code (yoxu515/aot-benchmark), "
PLAIN_NAME = "the plain name is the MobileNet-V2 model in the papers' tables and in the official configs "

ENCODER_HELP = (
    "MobileNetV2, ResNet-50 or Swin-B; mini: a small network with the same memory and the same loop (not aot-l). Each "
    "has weights of its own"
)
STRATEGIES = ("all", "last-n", "reference", "previous", "reference+previous")
ENCODER_NAMES = ("mnv2", "r50", "swinb", SMALL)
MEMORY_HELP = (
    "what long-term memory keeps: all written frames; the reference and the last n-1 (last-n); the frames whose "
    "objects were given (reference); the last written one (previous); reference and last written one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AOTSettings:
    """The settings of AOT-L and DeAOT-L; each default is the official one."""

    encoder: str = setting(
        "mnv2",
        source=PLAIN_NAME + "aotl.py, deaotl.py",
        help=ENCODER_HELP,
        choices=ENCODER_NAMES,
    )
    memory: str = setting(
        "all",
        source="AOT, section 4 and DeAOT, section 5: the L models append to long-term memory",
        help=MEMORY_HELP,
        choices=STRATEGIES,
    )
    memory_frames: int = setting(
        6, source="MAVOS, table 5 (6F)", help="n of memory=last-n, the reference frame included", minimum=1
    )
    long_term_mem_gap: int = setting(
        5,
        source=OFFICIAL + "configs/models: TEST_LONG_TERM_MEM_GAP",
        help="frames from one long-term memory frame to the next",
        minimum=1,
    )
    long_term_mem_offset: int = setting(0, source=OFFSET_SOURCE, help=OFFSET_HELP, minimum=0)
    short_term_mem_skip: int = setting(
        1,
        source=OFFICIAL + "configs/default.py: TEST_SHORT_TERM_MEM_SKIP",
        help="the short-term memory is the frame so many frames ago",
        minimum=1,
    )
    size: int = setting(
        -1,
        source="not in the official code, which only shrinks",
        help="shorter side at which the network sees a frame, whatever the limits; -1: the frame's own within them",
        minimum=-1,
    )
    max_short_edge: int = setting(
        -1,
        source=OFFICIAL + "configs/default.py: TEST_MAX_SHORT_EDGE (none)",
        help="larger frames are shrunk until their shorter side has so many pixels; -1: no limit",
        minimum=-1,
    )
    max_long_edge: int = setting(
        1040,
        source=OFFICIAL + "configs/default.py: TEST_MAX_LONG_EDGE = 1.3 x 800",
        help="larger frames are shrunk until their longer side has so many pixels; -1: no limit",
        minimum=-1,
    )
