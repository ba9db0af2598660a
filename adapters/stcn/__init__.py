"""STCN (Cheng, Tai and Tang, NeurIPS 2021): every r-th frame is remembered, for ever."""

from __future__ import annotations

from collections.abc import Iterator

from vosbench.adapters.nn.mini_note import mini_note
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.contract import Fixture, Knob, MethodCard, Mini, Model, ReferenceFrame, Runtime, Trainable, Weights


def load(runtime: Runtime, weights: Weights, settings: STCNSettings) -> Model:
    """Gives back the model; torch and the network are imported here and not before."""
    from vosbench.adapters.stcn.model import load_model

    return load_model(runtime, weights, settings)


def train(settings: STCNSettings) -> Trainable:
    """Gives back the small network for training."""
    from vosbench.adapters.stcn.training import trainable

    return trainable(settings)


def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields what the official code's stored outputs are compared with."""
    from vosbench.adapters.stcn.reference import replay_fixture

    return replay_fixture(fixture)


CARD = MethodCard(
    name="stcn",
    title="STCN",
    family="stcn",
    summary="one affinity for all objects, by the distance of keys; reads every r-th frame since the beginning",
    paper="Cheng, Tai and Tang: Rethinking Space-Time Networks with Improved Memory Coverage, NeurIPS 2021",
    memory="every r-th frame, for ever",
    licence="MIT",
    load=load,
    settings=STCNSettings,
    knob=Knob(setting="mem_every", ladder=(1, 2, 5, 10, 20, 50)),
    interval="mem_every",
    offset="mem_offset",
    size="size",
    augments=True,
    grows=True,
    needs_weights=True,
    checkpoints=("stcn.pth",),
    notes=(
        "The official yv rule, streamed; with all objects in the first frame it is the official davis rule. The "
        "official code learns all ids in advance and aggregates prompted frames over objects still to come as well "
        "(each with odds of 1e-7); a run does not know them.",
        "The official loop writes no memory on the last frame; a run does not know which frame is the last.",
        "On a CPU in single precision wide 3 x 3 convolutions are computed by Winograd's algorithm, as libraries for "
        "GPUs do; results agree with the direct form up to rounding.",
        "Frames resize bicubic without antialiasing, as torchvision before 0.17 did.",
        mini_note(84.8),
        "Trained for 2,400 iterations more on the same clips it has J&F 84.7 on those five, and 86.4 after 2,400 more "
        "on every training clip; neither is bundled (results/measured/stcn-longer).",
    ),
    shares=("vosbench.adapters.nn",),
    minis=(
        Mini(
            name="stcn-mini",
            file="stcn-mini.safetensors",
            settings={"trunk": "mini", "size": 288, "mem_every": 5, "top_k": 5},
        ),
    ),
    train=train,
    fixtures={"stcn": ""},
    replay=replay,
)
