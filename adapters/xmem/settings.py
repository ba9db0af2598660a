"""What can be set of XMem, under the official names."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.adapters.nn.insertion import OFFSET_HELP, OFFSET_SOURCE
from vosbench.adapters.nn.widths import TRUNK_HELP, TRUNK_NAMES
from vosbench.contract import setting
from vosbench.errors import UsageError

OFFICIAL = "official code (hkchengrex/XMem), "


@dataclass(frozen=True, slots=True, kw_only=True)
class XMemSettings:
    """XMem's settings; each default is the official one unless its source says otherwise."""

    mem_every: int = setting(
        5, source=OFFICIAL + "eval.py --mem_every", help="r: frames from one memory frame to the next", minimum=1
    )
    mem_offset: int = setting(0, source=OFFSET_SOURCE, help=OFFSET_HELP, minimum=0)
    deep_update_every: int = setting(
        -1,
        source=OFFICIAL + "eval.py --deep_update_every",
        help="frames from one deep update of the sensory memory to the next; -1: at every memory frame",
        minimum=-1,
    )
    deep_update: str = setting(
        "memory-frames",
        source="XMem, table 8: every r-th frame; " + OFFICIAL + "inference/inference_core.py",
        help="when the value encoder refreshes the sensory memory: at memory frames (as deep_update_every says), at "
        "every frame, or never",
        choices=("memory-frames", "every-frame", "never"),
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
    max_memory_frames: int = setting(
        0,
        source="XMem, section 3.3: consolidation, and no window",
        help="without long-term memory: the frames where objects entered and the newest so many together stay; 0: all",
        minimum=0,
    )
    max_long_term_elements: int = setting(
        10000, source=OFFICIAL + "eval.py --max_long_term_elements", help="LTmax: long-term positions", minimum=1
    )
    num_prototypes: int = setting(
        128, source=OFFICIAL + "eval.py --num_prototypes", help="P: prototypes of one consolidation", minimum=1
    )
    prototype_selection: str = setting(
        "usage",
        source="XMem, section 3.3 and table 6",
        help="which candidates become prototypes: the most used, random ones, or centroids of k-means over their keys",
        choices=("usage", "random", "kmeans"),
    )
    potentiation: bool = setting(
        True, source="XMem, Eq. 3 and table 6", help="off: a prototype keeps the value of the candidate that it was"
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
    enable_working: bool = setting(
        True, source="XMem, section 3.4 and table 4", help="off: nothing is read, the sensory memory is all there is"
    )
    shrinkage: bool = setting(True, source="XMem, Eq. 2 and table 5", help="off: every memory element has shrinkage 1")
    selection: bool = setting(True, source="XMem, Eq. 2 and table 5", help="off: every channel is selected by 1")
    single_object: bool = setting(
        False,
        source=OFFICIAL + "model/network.py XMem(single_object)",
        help="the value encoder sees each object's mask without the other objects'",
    )
    trunk: str = setting(
        "resnet",
        source="XMem, section 3.6: ResNet-50 for keys, ResNet-18 for values",
        help=TRUNK_HELP,
        choices=TRUNK_NAMES,
    )


def check_settings(settings: XMemSettings) -> None:
    """Raise `UsageError` for settings that contradict each other."""
    for contradicts, what, fix in _contradictions(settings):
        if contradicts:
            raise UsageError(what, where="settings of xmem", fix=fix)


def _contradictions(settings: XMemSettings) -> list[tuple[bool, str, str]]:
    """Pairs of settings that cannot be: whether they are there, what is wrong, and what to do."""
    return [
        (
            settings.enable_long_term and settings.min_mid_term_frames >= settings.max_mid_term_frames,
            f"min_mid_term_frames={settings.min_mid_term_frames} leaves nothing to consolidate of "
            f"max_mid_term_frames={settings.max_mid_term_frames}",
            "set min_mid_term_frames below max_mid_term_frames (official: 5 and 10)",
        ),
        (
            settings.enable_long_term and settings.num_prototypes > settings.max_long_term_elements,
            f"one consolidation brings num_prototypes={settings.num_prototypes} positions, more than "
            f"max_long_term_elements={settings.max_long_term_elements} allows",
            "set num_prototypes to max_long_term_elements or less",
        ),
        (
            settings.enable_long_term and settings.max_memory_frames > 0,
            f"max_memory_frames={settings.max_memory_frames} is for a memory without consolidation",
            "set enable_long_term=off as well, or name the variant @window",
        ),
        (
            settings.max_memory_frames == 1,
            "max_memory_frames=1 leaves the reference frame alone",
            "set 2 or more: the reference and the newest, or 0 for no limit",
        ),
        (
            not settings.enable_working and settings.enable_long_term,
            "without working memory nothing reaches long-term memory",
            "set enable_long_term=off as well, or name the variant @no-working",
        ),
        (
            not settings.enable_working and (not settings.hidden_dim or settings.deep_update == "never"),
            "without working memory the deep update of the sensory memory is the only way in for a mask",
            "leave hidden_dim and deep_update as they are",
        ),
        (
            not settings.enable_long_term and (settings.prototype_selection != "usage" or not settings.potentiation),
            "nothing is consolidated, so there are no prototypes to choose otherwise",
            "leave prototype_selection and potentiation as they are, or enable_long_term on",
        ),
        (
            settings.deep_update != "memory-frames" and settings.deep_update_every >= 0,
            f"deep_update={settings.deep_update} and deep_update_every={settings.deep_update_every} contradict",
            "set one of the two",
        ),
    ]
