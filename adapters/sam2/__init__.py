"""SAM 2 (Ravi et al., 2024) and EdgeTAM (Zhou et al., CVPR 2025), through the library ``transformers``, streamed."""

from __future__ import annotations

from vosbench.adapters.sam2.settings import SIZES, EdgeTamSettings, Sam2Settings
from vosbench.contract import MethodCard, Model, Runtime, Variant, Weights

NOTES = (
    "The network is the library's; streaming is written here: frames and outputs that no later frame reads are "
    "dropped, and the logits stay those of the library's own session, which keeps everything.",
    "A frame is squeezed to a square, as the official code does. Objects are followed each for itself and share the "
    "encoder; where their masks meet, the larger logit wins.",
    "On the frame that prompts an object its pixels are the given mask.",
    "Checkpoints are folders in the library's format: --weights METHOD=FOLDER, or METHOD=hub:NAME for one of the hub.",
)


def load_sam2(runtime: Runtime, weights: Weights, settings: Sam2Settings) -> Model:
    """Gives back SAM 2; torch and the library are imported here and not before."""
    from vosbench.adapters.sam2 import model

    return model.load_sam2(runtime, weights, settings)


def load_edgetam(runtime: Runtime, weights: Weights, settings: EdgeTamSettings) -> Model:  # noqa: ARG001 - the contract
    """Gives back EdgeTAM; torch and the library are imported here and not before."""
    from vosbench.adapters.sam2 import model

    return model.load_edgetam(runtime, weights)


SAM2 = MethodCard(
    name="sam2",
    title="SAM 2",
    family="sam2",
    summary="every object for itself, with the memories of its prompts and of the last six frames, and object pointers",
    paper="Ravi et al.: SAM 2: Segment Anything in Images and Videos, 2024",
    memory="the prompted frames, the last six frames and fifteen object pointers, whatever the length",
    licence="Apache-2.0",
    load=load_sam2,
    settings=Sam2Settings,
    variants=tuple(
        Variant(
            name=size, axis="trunk", summary=f"Hiera {size.replace('-', ' ')}", settings={"trunk": size}, retrained=True
        )
        for size in SIZES
    ),
    needs_weights=True,
    checkpoint_folders=True,
    notes=NOTES,
    shares=("vosbench.adapters.nn",),
    libraries=("transformers",),
)

EDGETAM = MethodCard(
    name="edgetam",
    title="EdgeTAM",
    family="sam2",
    summary="SAM 2 with a RepViT trunk, whose memories a perceiver resamples to a few tokens",
    paper="Zhou et al.: EdgeTAM: On-Device Track Anything Model, CVPR 2025",
    memory="the prompted frames, the last six frames and fifteen object pointers, whatever the length",
    licence="Apache-2.0",
    load=load_edgetam,
    settings=EdgeTamSettings,
    needs_weights=True,
    checkpoint_folders=True,
    notes=(*NOTES, "Its trunk comes through timm, which needs torchvision: without them it says so and does not run."),
    shares=("vosbench.adapters.nn",),
    libraries=("transformers", "timm"),
)
