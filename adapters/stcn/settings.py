"""What can be set of STCN, under the official names."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.adapters.nn.insertion import OFFSET_HELP, OFFSET_SOURCE
from vosbench.adapters.nn.widths import TRUNK_HELP, TRUNK_NAMES
from vosbench.contract import setting

OFFICIAL = "official code (hkchengrex/STCN), "


@dataclass(frozen=True, slots=True, kw_only=True)
class STCNSettings:
    """STCN's settings; each default is the official one."""

    mem_every: int = setting(
        5, source=OFFICIAL + "eval_*.py --mem_every", help="frames from one memory frame to the next", minimum=1
    )
    mem_offset: int = setting(0, source=OFFSET_SOURCE, help=OFFSET_HELP, minimum=0)
    top_k: int = setting(20, source=OFFICIAL + "eval_*.py --top", help="memory positions read per query", minimum=1)
    include_last: bool = setting(
        False,
        source=OFFICIAL + "eval_*.py --include_last",
        help="the previous frame is in memory as well, for one frame",
    )
    size: int = setting(
        480,
        source=OFFICIAL + "dataset/yv_test_dataset.py",
        help="shorter side at which the network sees a frame; -1 keeps the frame's own",
        minimum=-1,
    )
    trunk: str = setting(
        "resnet",
        source="STCN, section 4.1: ResNet-50 for keys, ResNet-18 for values",
        help=TRUNK_HELP,
        choices=TRUNK_NAMES,
    )
