"""AOT-L (Yang, Wei and Yang, NeurIPS 2021) and DeAOT-L (Yang and Yang, NeurIPS 2022): objects as identities."""

from __future__ import annotations

from collections.abc import Iterator

from vosbench.adapters.aot.settings import AOTSettings
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

NOTES = (
    "No look-ahead: every frame is answered when it comes. The official evaluator reads the same way, but keeps every "
    "predicted mask of a video on the device and so measures itself; here a mask leaves with its frame.",
    "Objects are numbered as they show their first pixel. An id that is announced without a pixel is never answered: "
    "the official code, which counts ids as label maps show them, has no channel for it either.",
    "More than ten objects run in several engines that share the image's features, merged as in the official code.",
    "A frame on which objects enter is encoded once; the official code encodes it twice, with the same result.",
    "The marked network part holds encoder, transformer, decoder, upsampling, argmax and memory write.",
    "In fp16 and bf16 the memory is kept in that precision, as the official code does under autocast.",
    "Of official files these keys are dropped, knowingly: counters of batches (*.num_batches_tracked), ImageNet parts "
    "behind stride 16 (encoder.layer4, encoder.fc, encoder.classifier, Swin's layers.3, norm3, head) and Swin's "
    "*.attn_mask. Any other unknown key, and any missing one, is an error; the official loader is silent about both.",
)

TWO_FRAMES = Variant(
    name="2f",
    axis="memory",
    summary="two frames: the reference and the last written one (MAVOS, table 5)",
    settings={"memory": "last-n", "memory_frames": 2},
    grows=False,
)
SIX_FRAMES = Variant(
    name="6f",
    axis="memory",
    summary="six frames: the reference and the last five written ones (MAVOS, table 5)",
    settings={"memory": "last-n", "memory_frames": 6},
    grows=False,
)


def encoder_variants(model: str) -> tuple[Variant, ...]:
    """Gives back a variant for each encoder; ``model`` is the official name, which their files begin with."""
    stage = "PRE_YTB_DAV"
    encoders = (("mnv2", "MobileNetV2", ""), ("r50", "ResNet-50", "R50_"), ("swinb", "Swin-B", "SwinB_"))
    return tuple(
        Variant(
            name=name,
            axis="encoder",
            summary=f"{title} as encoder",
            settings={"encoder": name},
            retrained=True,
            checkpoints=(f"{prefix}{model}_{stage}.pth",),
        )
        for name, title, prefix in encoders
    )


def load_aot(runtime: Runtime, weights: Weights, settings: AOTSettings) -> Model:
    """Gives back AOT-L; torch and the network are imported here and not before."""
    from vosbench.adapters.aot.model import load_model

    return load_model(runtime, weights, settings, method="aot-l")


def load_deaot(runtime: Runtime, weights: Weights, settings: AOTSettings) -> Model:
    """Gives back DeAOT-L; torch and the network are imported here and not before."""
    from vosbench.adapters.aot.model import load_model

    return load_model(runtime, weights, settings, method="deaot-l")


def train_deaot(settings: AOTSettings) -> Trainable:
    """Gives back the small DeAOT for training."""
    from vosbench.adapters.aot.training import trainable

    return trainable(settings)


def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields what the official code's stored outputs are compared with."""
    from vosbench.adapters.aot.reference import replay_fixture

    return replay_fixture(fixture)


AOT_L = MethodCard(
    name="aot-l",
    title="AOT-L",
    family="aot",
    summary="all objects in one pass as identities; long- and short-term attention in three blocks of eight heads",
    paper="Yang, Wei and Yang: Associating Objects with Transformers for Video Object Segmentation, NeurIPS 2021",
    memory="every r-th frame, for ever; the reference and the last n-1 with @2f, @6f",
    licence="BSD-3-Clause",
    load=load_aot,
    settings=AOTSettings,
    variants=(*encoder_variants("AOTL"), TWO_FRAMES, SIX_FRAMES),
    knob=Knob(setting="long_term_mem_gap", ladder=(1, 2, 5, 10, 20, 50)),
    interval="long_term_mem_gap",
    offset="long_term_mem_offset",
    size="size",
    augments=True,
    grows=True,
    needs_weights=True,
    checkpoints=("AOTL_PRE_YTB_DAV.pth",),
    notes=NOTES,
    shares=("vosbench.adapters.nn",),
    fixtures={"AOT:aotl": "mnv2", "AOT:r50_aotl": "r50", "AOT:swinb_aotl": "swinb"},
    replay=replay,
)

DEAOT_L = MethodCard(
    name="deaot-l",
    title="DeAOT-L",
    family="aot",
    summary="AOT with a visual and an identity branch that share single-head, gated attention",
    paper="Yang and Yang: Decoupling Features in Hierarchical Propagation for Video Object Segmentation, NeurIPS 2022",
    memory="every r-th frame, for ever; the reference and the last n-1 with @2f, @6f",
    licence="BSD-3-Clause",
    load=load_deaot,
    settings=AOTSettings,
    variants=(*encoder_variants("DeAOTL"), TWO_FRAMES, SIX_FRAMES),
    knob=Knob(setting="long_term_mem_gap", ladder=(1, 2, 5, 10, 20, 50)),
    interval="long_term_mem_gap",
    offset="long_term_mem_offset",
    size="size",
    augments=True,
    grows=True,
    needs_weights=True,
    checkpoints=("DeAOTL_PRE_YTB_DAV.pth",),
    notes=(
        *NOTES,
        mini_note(82.8),
    ),
    shares=("vosbench.adapters.nn",),
    minis=(
        Mini(
            name="deaot-mini",
            file="deaot-mini.safetensors",
            settings={"encoder": "mini", "size": 288, "long_term_mem_gap": 5},
        ),
    ),
    train=train_deaot,
    fixtures={"AOT:deaotl": "mnv2", "AOT:r50_deaotl": "r50", "AOT:swinb_deaotl": "swinb"},
    replay=replay,
)
