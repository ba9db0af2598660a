"""What can be set of XMem, under the official names."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.contract import setting
from vosbench.errors import UsageError

OFFICIAL = "official code (hkchengrex/XMem), "


@dataclass(frozen=True, slots=True, kw_only=True)
class XMemSettings:
    """XMem's settings; each default is the official one unless its source says otherwise."""

    mem_every: int = setting(
        5, source=OFFICIAL + "eval.py --mem_every", help="r: frames from one memory frame to the next", minimum=1
    )
    deep_update_every: int = setting(
        -1,
        source=OFFICIAL + "eval.py --deep_update_every",
        help="frames from one deep update of the sensory memory to the next; -1: at every memory frame",
        minimum=-1,
    )
    top_k: int = setting(30, source=OFFICIAL + "eval.py --top_k", help="memory positions read per query", minimum=1)
    enable_long_term: bool = setting(
        True, source=OFFICIAL + "eval.py --disable_long_term", help="off: the working memory keeps every memory frame"
    )
    enable_long_term_count_usage: bool = setting(
        True,
        source="always on: the official code counts where the video is long enough for long-term memory to fill up, "
        "which a run cannot know",
        help="off: long-term elements are evicted by age instead of by usage",
    )
    max_mid_term_frames: int = setting(
        10, source=OFFICIAL + "eval.py --max_mid_term_frames", help="Tmax: frames of a full working memory", minimum=2
    )
    min_mid_term_frames: int = setting(
        5,
        source=OFFICIAL + "eval.py --min_mid_term_frames",
        help="Tmin: frames of the working memory after consolidation",
        minimum=1,
    )
    max_long_term_elements: int = setting(
        10000, source=OFFICIAL + "eval.py --max_long_term_elements", help="LTmax: long-term positions", minimum=1
    )
    num_prototypes: int = setting(
        128, source=OFFICIAL + "eval.py --num_prototypes", help="P: prototypes of one consolidation", minimum=1
    )
    size: int = setting(
        480,
        source=OFFICIAL + "eval.py --size",
        help="shorter side at which the network sees a frame; -1 keeps the frame's own",
        minimum=-1,
    )
    hidden_dim: int = setting(
        64,
        source=OFFICIAL + "util/configuration.py hidden_dim",
        help="channels of the sensory memory; 0: none",
        minimum=0,
    )
    single_object: bool = setting(
        False,
        source=OFFICIAL + "model/network.py XMem(single_object)",
        help="the value encoder sees each object's mask without the other objects'",
    )


def check_settings(settings: XMemSettings) -> None:
    """Raise `UsageError` for settings that contradict each other."""
    if settings.enable_long_term and settings.min_mid_term_frames >= settings.max_mid_term_frames:
        raise UsageError(
            f"min_mid_term_frames={settings.min_mid_term_frames} leaves nothing to consolidate of "
            f"max_mid_term_frames={settings.max_mid_term_frames}",
            where="settings of xmem",
            fix="set min_mid_term_frames below max_mid_term_frames (official: 5 and 10)",
        )
