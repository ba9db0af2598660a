"""MobileVOS (Miles et al., CVPR 2023): STCN made small by distillation, with a queue of two memory frames."""

from __future__ import annotations

from vosbench.adapters.mobilevos.settings import MobileVOSSettings
from vosbench.contract import Knob, MethodCard, Mini, Model, Runtime, Trainable, Variant, Weights


def load(runtime: Runtime, weights: Weights, settings: MobileVOSSettings) -> Model:
    """Gives back the model; torch and the network are imported here and not before."""
    from vosbench.adapters.mobilevos.model import load_model

    return load_model(runtime, weights, settings)


def train(settings: MobileVOSSettings) -> Trainable:
    """Gives back the student for training."""
    from vosbench.adapters.mobilevos.training import trainable

    return trainable(settings)


STUDENTS = (
    Variant(
        name="r18",
        axis="network",
        summary="ResNet-18 for the keys, with ASPP: 8.1 M parameters (table 4)",
        settings={"student": "r18"},
        retrained=True,
    ),
    Variant(
        name="mnv2",
        axis="network",
        summary="MobileNetV2 for the keys, with ASPP: 2.5 M parameters (table 4)",
        settings={"student": "mnv2"},
        retrained=True,
    ),
    Variant(
        name="mnv2-noaspp",
        axis="network",
        summary="MobileNetV2 for the keys, without ASPP: 1.9 M parameters (table 4); the plain name is this one",
        settings={"student": "mnv2-noaspp"},
    ),
)

UNBOUNDED = Variant(
    name="unbounded",
    axis="memory",
    summary="the queue keeps every frame that is due (figure 4, unbounded)",
    settings={"queue_length": None},
    grows=True,
    knob=Knob(setting="mem_every", ladder=(1, 2, 5, 10, 20, 50)),
)

CARD = MethodCard(
    name="mobilevos",
    title="MobileVOS",
    family="mobilevos",
    summary="STCN with small trunks and a queue of the first and the latest frame, distilled from STCN",
    paper="Miles, Yucel, Manganelli and Saa-Garriga: MobileVOS: Real-Time Video Object Segmentation, Contrastive "
    "Learning Meets Knowledge Distillation, CVPR 2023",
    memory="the first frame and the latest n-1, whatever the length; every frame for ever with @unbounded",
    licence="no code was published; this is written from the paper",
    load=load,
    settings=MobileVOSSettings,
    variants=(*STUDENTS, UNBOUNDED),
    knob=Knob(setting="queue_length", ladder=(1, 2, 3, 5, 10, 20)),
    interval="mem_every",
    offset="mem_offset",
    size="size",
    augments=True,
    needs_weights=True,
    notes=(
        "No official checkpoint and no code was published. The paper gives trunks, changes against STCN and the "
        "counts of parameters; the widths are those at which all three counts come out (8.1, 2.5, 1.9 M).",
        "The latest frame is in memory at every frame. Where a suite or a user sets mem_every above 1, that spaces the "
        "frames between the first and the latest, of which a queue of 2 has none.",
        "An object that enters later has a queue of its own, which begins with the frame it enters on: keys are kept "
        "once for each group of objects that entered together.",
        "What the paper does not say is as in STCN: the top 20 positions are read, the value encoder sees the other "
        "objects' masks, frames have 480 lines. Larger frames shrink to that by the means of areas, as in training.",
        "The mini is the paper's smallest student, distilled from STCN's mini; both were trained on DAVIS's training "
        "sequences among others: for non-commercial use. Five of DAVIS 2016's 20 validation sequences, which it has "
        "not seen and was not chosen on: J&F 82.6 (blackswan, dog, drift-straight, horsejump-high, libby). After long "
        "absences its queue holds nothing of an object: J&F 80.2 on the synthetic long-time videos, where XMem's mini "
        "has 94.2 and MAVOS's 92.5 (results/measured/minis).",
        "Distillation at an equal budget (table 5; 750 iterations, one seed): J&F on held-back windows 74.6 from masks "
        "alone, 75.7 with the teacher's logits, 76.2 with its representation too; on the five sequences 80.2, 79.8, "
        "80.7 (results/measured/mobilevos-distillation).",
    ),
    shares=("vosbench.adapters.nn", "vosbench.adapters.stcn"),
    minis=(
        Mini(
            name="mobilevos-mini",
            file="mobilevos-mini.safetensors",
            settings={"size": 288, "top_k": 5},
            marks=("distilled",),
        ),
    ),
    train=train,
)
