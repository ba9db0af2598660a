"""What can be set of MobileInst. The paper published no code; each default's source is named."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.contract import setting

PAPER = "MobileInst, "
BACKBONES = (
    "topformer-tiny",
    "topformer-small",
    "topformer-base",
    "seaformer-tiny",
    "seaformer-small",
    "seaformer-base",
    "seaformer-large",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileInstSettings:
    """MobileInst's settings."""

    reuse: int = setting(
        3,
        source=PAPER + "section 4.1 and table 7 (T = 3)",
        help="T: frames that one keyframe's kernels serve, itself included",
        minimum=1,
    )
    association: str = setting(
        "one-to-one",
        source=PAPER + 'section 3.4 ("one-to-one correspondence"); MinVIS solves it with the Hungarian method',
        help="how new kernels find their tracks: the best assignment of all, or best pairs one after the other",
        choices=("one-to-one", "greedy"),
    )
    kernel_memory: float = setting(
        0.0,
        source=PAPER + "section 3.4: kernels of consecutive keyframes are compared",
        help="share of the older kernels in what new ones are compared with; 0: the previous keyframe's alone",
        minimum=0,
    )
    size: int = setting(360, source=PAPER + "section 4.1 (YouTube-VIS)", help="shorter side of a frame", minimum=64)
    max_size: int = setting(
        640, source="CrossVIS, configs: MAX_SIZE_TEST 640", help="longer side of a frame at most", minimum=64
    )
    mask_threshold: float = setting(
        0.45, source="SparseInst, configs: MASK_THRESHOLD 0.45", help="probability above which a pixel is in", minimum=0
    )
    tracks: int = setting(
        10, source="CrossVIS, evaluation: 10 predictions a video", help="tracks answered at most", minimum=1
    )
    inference: str = setting(
        "video",
        source="YouTube-VIS's form is CrossVIS's; COCO's is SparseInst's",
        help="what a frame is answered with. video: the best tracks so far; image: every query above a score of 0.005, "
        "its score times its maskness, the mean probability of its pixels",
        choices=("video", "image"),
    )
    presence: float = setting(
        0.0,
        source="ours: the paper answers every track on every frame",
        help="a track is left out of the frames whose keyframe scores it lower; 0: never",
        minimum=0,
    )
    backbone: str = setting(
        "topformer-base",
        source=PAPER + "section 4.1",
        help="each has weights of its own; mini is the small models' MobileNetV2",
        choices=(*BACKBONES, "mini"),
    )
    hidden_dim: int = setting(
        256,
        source="SparseInst, configs: HIDDEN_DIM 256; " + PAPER + "table 6 fixes it",
        help="channels of mask features, queries and kernels, a multiple of 8",
        minimum=8,
    )
    categories: int = setting(
        40, source="YouTube-VIS 2019 and 2021: 40 categories; COCO has 80", help="classes of the head", minimum=1
    )
    category_names: str = setting(
        "",
        source="what the weights were trained on",
        help="names of the classes in turn, with commas; a suite's categories of other names are not answered. Empty: "
        "the k-th class is the k-th of the suite's category ids",
    )
    num_queries: int = setting(100, source=PAPER + "table 6", help="N: queries, and so tracks at most", minimum=1)
    decoder: str = setting(
        "global-local",
        source=PAPER + "table 3",
        help="which maps the halves of the instance decoder read",
        choices=("global-local", "local-local", "global-global", "global", "local"),
    )
    local_pool: str = setting(
        "max8",
        source=PAPER + "table 4",
        help="how the mask features become the local map",
        choices=("max8", "max4", "avg8", "none"),
    )
    semantic_enhancers: bool = setting(
        True, source=PAPER + "table 5", help="off: the mask decoder without the coarsest map"
    )
