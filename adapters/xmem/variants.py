"""XMem's variants: what its ablations change (tables 4 to 8), and whether they need weights of their own."""

from __future__ import annotations

from vosbench.contract import Knob, Variant

MEMORY_FRAMES = 50
"""The most memory frames of table 7's sparse insertion and local window, as in section 4.1."""

NO_KNOB = Knob(setting="", ladder=())

NETWORKS = (
    Variant(
        name="no-sensory",
        axis="network",
        summary="trained without sensory memory (table 4)",
        settings={"hidden_dim": 0},
        retrained=True,
        checkpoints=("XMem-no-sensory.pth",),
    ),
    Variant(
        name="single-object",
        axis="network",
        summary="the value encoder does not see the other objects' masks",
        settings={"single_object": True},
        retrained=True,
    ),
)

SCALING = (
    Variant(
        name="no-shrinkage",
        axis="scaling",
        summary="similarity without the shrinkage term, 'with selection e only' (table 5)",
        settings={"shrinkage": False},
        retrained=True,
    ),
    Variant(
        name="no-selection",
        axis="scaling",
        summary="similarity without the selection term, 'with shrinkage s only' (table 5)",
        settings={"selection": False},
        retrained=True,
    ),
    Variant(
        name="no-scaling",
        axis="scaling",
        summary="similarity without both terms, which is STCN's (table 5)",
        settings={"shrinkage": False, "selection": False},
        retrained=True,
    ),
)

MEMORIES = (
    Variant(
        name="no-working",
        axis="memory",
        summary="nothing is read, the sensory memory is all (table 4). The paper does not say that it retrained; "
        "weights that learned to read a memory are not made for this",
        settings={"enable_working": False, "enable_long_term": False},
        retrained=True,
        knob=NO_KNOB,
    ),
    Variant(
        name="no-long-term",
        axis="memory",
        summary="the working memory keeps every memory frame, nothing is consolidated (table 4)",
        settings={"enable_long_term": False},
        grows=True,
        knob=Knob(setting="mem_every", ladder=(1, 2, 5, 10, 20, 50)),
    ),
    Variant(
        name="eager",
        axis="memory",
        summary="every memory frame but the first is compressed at once: Tmin = 1, Tmax = 2, random prototypes "
        "(table 7); at the same compression ratio 128 / 5, so 26, of each frame",
        settings={
            "min_mid_term_frames": 1,
            "max_mid_term_frames": 2,
            "prototype_selection": "random",
            "num_prototypes": 26,
        },
    ),
    Variant(
        name="sparse",
        axis="memory",
        summary="every memory frame stays, but frames are written so seldom that a video leaves 50 of them (table 7); "
        "an insertion offset may add one",
        settings={"enable_long_term": False},
        grows=True,
        frames=MEMORY_FRAMES,
        knob=NO_KNOB,
    ),
    Variant(
        name="window",
        axis="memory",
        summary="the reference and the newest memory frames, 50 together, and nothing is consolidated (table 7)",
        settings={"enable_long_term": False, "max_memory_frames": MEMORY_FRAMES},
        grows=False,
        knob=Knob(setting="max_memory_frames", ladder=(2, 5, 10, 20, 50)),
    ),
)

PROTOTYPES = (
    Variant(
        name="random",
        axis="prototypes",
        summary="prototypes are random candidates (table 6)",
        settings={"prototype_selection": "random"},
    ),
    Variant(
        name="kmeans",
        axis="prototypes",
        summary="prototypes are the centroids of the candidates' keys (table 6)",
        settings={"prototype_selection": "kmeans"},
    ),
    Variant(
        name="no-potentiation",
        axis="potentiation",
        summary="a prototype keeps the value of the candidate that it was (table 6)",
        settings={"potentiation": False},
    ),
)

DEEP_UPDATES = (
    Variant(
        name="deep-every-frame",
        axis="deep update",
        summary="the value encoder refreshes the sensory memory at every frame, after the frame's own update (table "
        "8). The paper does not say whether it retrained; here it changes inference only",
        settings={"deep_update": "every-frame"},
    ),
    Variant(
        name="no-deep-update",
        axis="deep update",
        summary="the value encoder never refreshes the sensory memory (table 8). The paper does not say whether it "
        "retrained; here it changes inference only",
        settings={"deep_update": "never"},
    ),
)

VARIANTS = (*NETWORKS, *SCALING, *MEMORIES, *PROTOTYPES, *DEEP_UPDATES)
