"""XMem (Cheng and Schwing, ECCV 2022): sensory, working and long-term memory."""

from __future__ import annotations

from collections.abc import Iterator

from vosbench.adapters.nn.mini_note import mini_note
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.variants import VARIANTS
from vosbench.contract import Fixture, Knob, MethodCard, Mini, Model, ReferenceFrame, Runtime, Trainable, Weights


def load(runtime: Runtime, weights: Weights, settings: XMemSettings) -> Model:
    """Gives back the model; torch and the network are imported here and not before."""
    from vosbench.adapters.xmem.model import load_model

    return load_model(runtime, weights, settings)


def train(settings: XMemSettings) -> Trainable:
    """Gives back the small network for training."""
    from vosbench.adapters.xmem.training import trainable

    return trainable(settings)


def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields what the official code's stored outputs are compared with."""
    from vosbench.adapters.xmem.reference import replay_fixture

    return replay_fixture(fixture)


CARD = MethodCard(
    name="xmem",
    title="XMem",
    family="xmem",
    summary="three memories after the Atkinson-Shiffrin model: what is used much stays, as prototypes",
    paper="Cheng and Schwing: XMem: Long-Term Video Object Segmentation with an Atkinson-Shiffrin Memory Model, "
    "ECCV 2022",
    memory="sensory, working (at most Tmax frames) and long-term (at most LTmax positions) with consolidation",
    licence="MIT",
    load=load,
    settings=XMemSettings,
    variants=VARIANTS,
    knob=Knob(setting="max_long_term_elements", ladder=(500, 1000, 2500, 5000, 10000, 20000)),
    interval="mem_every",
    offset="mem_offset",
    size="size",
    augments=True,
    needs_weights=True,
    checkpoints=("XMem.pth", "XMem-s012.pth", "XMem-s2.pth"),
    notes=(
        "The official loop counts long-term usage only where the video is long enough to fill long-term memory; a run "
        "does not know the length and always counts, which changes answers only where something is evicted.",
        "The official loop remembers nothing on the last frame; a run does not know which frame is the last.",
        "Where the official code evicts for one object group only and ends with an error for several, every group "
        "loses the columns here.",
        "Features are stored in single precision whatever the precision of the convolutions.",
        "On a CPU in single precision wide 3 x 3 convolutions are computed by Winograd's algorithm, as libraries for "
        "GPUs do; results agree with the direct form up to rounding.",
        "Frames resize bilinearly without antialiasing, as torchvision before 0.17 did.",
        mini_note(83.5),
    ),
    shares=("vosbench.adapters.nn",),
    minis=(
        Mini(
            name="xmem-mini",
            file="xmem-mini.safetensors",
            # P and LTmax by positions of a frame, 18 x 33 at 288 pixels against 30 x 54 at 480: the paper's ratios
            settings={
                "trunk": "mini",
                "hidden_dim": 32,
                "size": 288,
                "mem_every": 5,
                "top_k": 5,
                "num_prototypes": 46,
                "max_long_term_elements": 3600,
            },
        ),
    ),
    train=train,
    fixtures={"xmem": "", "xmem_no_sensory": "no-sensory", "xmem_single_object": "single-object"},
    replay=replay,
)
