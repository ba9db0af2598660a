"""What can be set of MAVOS, under the official names where there are any."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.adapters.aot.settings import ENCODER_HELP, ENCODER_NAMES, MEMORY_HELP, STRATEGIES
from vosbench.adapters.nn.insertion import OFFSET_HELP, OFFSET_SOURCE
from vosbench.contract import setting

OFFICIAL = "official code (Amshaker/MAVOS), "


@dataclass(frozen=True, slots=True, kw_only=True)
class MAVOSSettings:
    """MAVOS's settings; each default is the official one."""

    encoder: str = setting(
        "mnv2",
        source="MAVOS, tables 2 to 4: the plain name is the MobileNet-V2 model; "
        + OFFICIAL
        + "configs/models/mavos.py",
        help=ENCODER_HELP,
        choices=ENCODER_NAMES,
    )
    memory: str = setting(
        "mca",
        source="MAVOS, section 3.1 and table 7",
        help="the reference and one dynamic frame into which new ones are fused (mca), or " + MEMORY_HELP,
        choices=("mca", *STRATEGIES),
    )
    memory_frames: int = setting(
        6, source="MAVOS, table 5 (6F)", help="n of memory=last-n, the reference frame included", minimum=1
    )
    fusion: str = setting(
        "mca",
        source="MAVOS, equation 6 and table 6",
        help="the operator of memory=mca; each has weights of its own, published for mca only",
        choices=("mca", "cross-attention", "focal-modulation"),
    )
    focal_levels: int = setting(
        2,
        source="MAVOS, supplementary table 8",
        help="levels of local context in the modulator; each number has weights of its own, published for 2 only",
        choices=(1, 2, 3),
    )
    long_term_mem_gap: int = setting(
        10,
        source="MAVOS, section 4.1 (delta); " + OFFICIAL + "configs/models: TEST_LONG_TERM_MEM_GAP",
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
