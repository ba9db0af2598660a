"""What can be set of MobileVOS; its names are STCN's official ones where it keeps what STCN has."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.adapters.nn.insertion import OFFSET_HELP, OFFSET_SOURCE
from vosbench.contract import setting

KEPT = "official code of STCN (hkchengrex/STCN), which MobileVOS keeps (section 4.2), "
STUDENT_NAMES = ("mnv2-noaspp", "mnv2", "r18")


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileVOSSettings:
    """MobileVOS's settings; each default is the paper's, or STCN's where the paper keeps it."""

    student: str = setting(
        "mnv2-noaspp",
        source="MobileVOS, section 4.1: the model that runs in real time on a phone (figure 4, the star)",
        help="the network: ResNet-18 or MobileNetV2 for the keys, with or without ASPP; each has weights of its own",
        choices=STUDENT_NAMES,
    )
    queue_length: int | None = setting(
        2,
        source="MobileVOS, section 4.2 and figure 4: 2",
        help="memory frames: the first, for ever, and the latest; none: every frame, for ever",
        minimum=1,
    )
    mem_every: int = setting(
        1,
        source="MobileVOS, figure 1: memory from the previous and the first frame",
        help="of the frames before the previous one, which is always there, every n-th is kept while the queue has "
        "room; nothing changes with a queue of 2",
        minimum=1,
    )
    mem_offset: int = setting(0, source=OFFSET_SOURCE, help=OFFSET_HELP, minimum=0)
    top_k: int = setting(20, source=KEPT + "eval_*.py --top", help="memory positions read per query", minimum=1)
    size: int = setting(
        480,
        source=KEPT + "dataset/yv_test_dataset.py",
        help="shorter side at which the network sees a frame; -1 keeps the frame's own",
        minimum=-1,
    )
