"""MAVOS (Shaker et al. 2024): DeAOT-L with a long-term memory of two frames, one of them dynamic."""

from __future__ import annotations

from collections.abc import Iterator

from vosbench.adapters.aot import NOTES, SIX_FRAMES, TWO_FRAMES, encoder_variants
from vosbench.adapters.mavos.settings import MAVOSSettings
from vosbench.adapters.nn.mini_note import mini_note
from vosbench.contract import (
    Fixture,
    Knob,
    MethodCard,
    Mini,
    Model,
    ReferenceFrame,
    Runtime,
    Trainable,
    Variant,
    Weights,
)


def load(runtime: Runtime, weights: Weights, settings: MAVOSSettings) -> Model:
    """Gives back the model; torch and the network are imported here and not before."""
    from vosbench.adapters.mavos.model import load_model

    return load_model(runtime, weights, settings)


def train(settings: MAVOSSettings) -> Trainable:
    """Gives back the small network for training."""
    from vosbench.adapters.mavos.training import trainable

    return trainable(settings)


def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields what the official code's stored outputs are compared with."""
    from vosbench.adapters.mavos.reference import replay_fixture

    return replay_fixture(fixture)


MEMORY_VARIANTS = (
    Variant(
        name="reference",
        axis="memory",
        summary="long-term memory keeps the frames whose objects were given (table 7)",
        settings={"memory": "reference"},
    ),
    Variant(
        name="previous",
        axis="memory",
        summary="long-term memory keeps the last written frame (table 7)",
        settings={"memory": "previous"},
    ),
    Variant(
        name="reference+previous",
        axis="memory",
        summary="long-term memory keeps the reference and the last written frame (table 7)",
        settings={"memory": "reference+previous"},
    ),
    TWO_FRAMES,
    SIX_FRAMES,
    Variant(
        name="all",
        axis="memory",
        summary="long-term memory keeps every written frame, as DeAOT-L's",
        settings={"memory": "all"},
        grows=True,
    ),
)

FUSION_VARIANTS = (
    Variant(
        name="cross-attention",
        axis="fusion",
        summary="cross-attention in place of MCA (table 6)",
        settings={"fusion": "cross-attention"},
        retrained=True,
    ),
    Variant(
        name="focal-modulation",
        axis="fusion",
        summary="focal modulation in place of MCA (table 6)",
        settings={"fusion": "focal-modulation"},
        retrained=True,
    ),
)

MAVOS_NOTES = (
    "The official files lie on Google Drive, one for each data set (LVOS, LTV, DAVIS) and encoder; put the one that "
    "is wanted under the name shown here, or name it with --weights.",
    "The modulator of MCA lies channel by channel and is read as if it lay token by token, as in the official code; "
    "the other two operators of table 6 read it as the paper says.",
    mini_note(82.9),
)

CARD = MethodCard(
    name="mavos",
    title="MAVOS",
    family="aot",
    summary="DeAOT-L whose long-term memory is the reference and one frame into which modulated cross-attention fuses "
    "every new one",
    paper="Shaker, Wasim, Danelljan, Khan, Yang and Khan: Efficient Video Object Segmentation via Modulated "
    "Cross-Attention Memory, 2024",
    memory="the reference and one dynamic frame, whatever the length; table 7's other banks with @reference, "
    "@previous, @reference+previous, @all",
    licence="BSD-3-Clause",
    load=load,
    settings=MAVOSSettings,
    variants=(*encoder_variants("MAVOS"), *MEMORY_VARIANTS, *FUSION_VARIANTS),
    knob=Knob(setting="memory", ladder=("reference", "reference+previous", "mca", "all")),
    interval="long_term_mem_gap",
    offset="long_term_mem_offset",
    size="size",
    augments=True,
    needs_weights=True,
    checkpoints=("MAVOS_PRE_YTB_DAV.pth",),
    notes=(*NOTES, *MAVOS_NOTES),
    shares=("vosbench.adapters.nn", "vosbench.adapters.aot"),
    minis=(
        Mini(
            name="mavos-mini",
            file="mavos-mini.safetensors",
            settings={"encoder": "mini", "size": 288, "long_term_mem_gap": 3},
        ),
    ),
    train=train,
    fixtures={"MAVOS:mavos": "mnv2", "MAVOS:r50_mavos": "r50", "MAVOS:swinb_mavos": "swinb"},
    replay=replay,
)
