"""MobileInst (Zhang et al., AAAI 2024): instances found by queries; the memory is the kernels of the last keyframe."""

from __future__ import annotations

from vosbench.adapters.mobileinst.settings import BACKBONES, MobileInstSettings
from vosbench.contract import Knob, MethodCard, Mini, Model, Runtime, TrainableInstances, Variant, Weights


def load(runtime: Runtime, weights: Weights, settings: MobileInstSettings) -> Model:
    """Gives back the model; torch and the network are imported here and not before."""
    from vosbench.adapters.mobileinst.model import load_model

    return load_model(runtime, weights, settings)


def train(settings: MobileInstSettings) -> TrainableInstances:
    """Gives back a new network as the training bench sees it."""
    from vosbench.adapters.mobileinst.training import MobileInstTraining

    return MobileInstTraining(settings)


def _backbone(name: str) -> Variant:
    family, _, size = name.partition("-")
    title = {"topformer": "TopFormer", "seaformer": "SeaFormer"}[family]
    return Variant(
        name=name,
        axis="backbone",
        summary=f"{title}-{size} as backbone",
        settings={"backbone": name},
        retrained=True,
    )


CARD = MethodCard(
    name="mobileinst",
    title="MobileInst",
    family="mobileinst",
    summary="instances as queries whose mask kernels are reused for T frames and associated from keyframe to keyframe",
    paper="Zhang, Cheng et al.: MobileInst: Video Instance Segmentation on the Mobile, AAAI 2024",
    memory="the kernels of the last keyframe, one for each of 100 queries, whatever the length",
    licence="MIT",
    tasks=("vos", "vis"),
    load=load,
    settings=MobileInstSettings,
    variants=(
        Variant(name="topformer", axis="backbone", summary="TopFormer-base as backbone (the paper's)", settings={}),
        Variant(
            name="seaformer",
            axis="backbone",
            summary="SeaFormer-base as backbone",
            settings={"backbone": "seaformer-base"},
            retrained=True,
        ),
        *(_backbone(name) for name in BACKBONES),
        Variant(
            name="local-local",
            axis="decoder",
            summary="both halves of the instance decoder read the local map (tables 3 and 7)",
            settings={"decoder": "local-local"},
            retrained=True,
        ),
        Variant(
            name="image",
            axis="answers",
            summary="answers images as SparseInst does, up to one instance per query (tables 1 and 3 to 6)",
            settings={"inference": "image"},
        ),
    ),
    knob=Knob(setting="reuse", ladder=(1, 2, 3, 6, 12)),
    needs_weights=True,
    notes=(
        "The paper published neither code nor weights. Where its text leaves a form open, the one is taken that meets "
        "its FLOPs: tables 3 to 6 are met within 0.02 G, as a test shows.",
        "The k-th class of the head is the k-th of the suite's category ids, ascending, unless classes have names.",
        "Every frame is answered with the ten tracks that are best by then; their final categories and scores follow "
        "at the end of the video.",
        "On a VOS suite each prompt takes the query whose mask fits it best and follows it: a protocol of ours, since "
        "the paper knows no prompts. A frame with a prompt is a keyframe.",
        "Frames resize bilinearly without antialiasing.",
        "The mini knows the eight kinds of objects of synthetic videos and was trained on such alone; on other suites "
        "it answers the categories of those names. A track is left out where its keyframe scores it below 0.2 "
        "(`presence`), which the paper does not do. On sixteen synthetic videos that it has not seen, its settings "
        "chosen on others: AP 32.8, 26.1 and 14.1 at T = 1, 3 and 6.",
    ),
    shares=("vosbench.adapters.nn",),
    minis=(
        Mini(
            name="mobileinst-mini",
            file="mobileinst-mini.safetensors",
            settings={
                "backbone": "mini",
                "hidden_dim": 64,
                "num_queries": 20,
                "local_pool": "max4",
                "categories": 8,
                "category_names": "quadruped,vehicle,fish,person,bird,octopus,cup,plant",
                "size": 240,
                "presence": 0.2,
                "kernel_memory": 0.0,
                "association": "one-to-one",
            },
            marks=("own data",),
        ),
    ),
    train_instances=train,
)
