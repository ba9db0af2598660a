"""SAM 2 and EdgeTAM from the library ``transformers``, with weights in memory, ready for videos."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from vosbench.adapters.nn.runtime import compile_modules
from vosbench.adapters.sam2.session import StreamingSession
from vosbench.adapters.sam2.settings import Sam2Settings
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import AdapterError, CheckpointError

HIERA: dict[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 96,
        "num_attention_heads": 1,
        "blocks_per_stage": [1, 2, 7, 2],
        "global_attention_blocks": [5, 7, 9],
        "window_size_per_stage": [8, 4, 14, 7],
        "window_positional_embedding_background_size": [7, 7],
    },
    "small": {
        "hidden_size": 96,
        "num_attention_heads": 1,
        "blocks_per_stage": [1, 2, 11, 2],
        "global_attention_blocks": [7, 10, 13],
        "window_size_per_stage": [8, 4, 14, 7],
        "window_positional_embedding_background_size": [7, 7],
    },
    "base-plus": {
        "hidden_size": 112,
        "num_attention_heads": 2,
        "blocks_per_stage": [2, 3, 16, 3],
        "global_attention_blocks": [12, 16, 20],
        "window_size_per_stage": [8, 4, 14, 7],
        "window_positional_embedding_background_size": [14, 14],
    },
    "large": {
        "hidden_size": 144,
        "num_attention_heads": 2,
        "blocks_per_stage": [2, 6, 36, 4],
        "global_attention_blocks": [23, 33, 43],
        "window_size_per_stage": [8, 4, 16, 8],
        "window_positional_embedding_background_size": [7, 7],
    },
}
"""The published trunks (facebookresearch/sam2, configs/sam2.1)."""

EXTRA = 'pip install "vosbench[sam2]"'


class StreamedModel:
    """Good for many videos one after the other."""

    def __init__(self, network: nn.Module, make_session: Callable[..., Any], runtime: Runtime) -> None:
        self._network = network
        self._make_session = make_session
        self._runtime = runtime

    def open(self, view: View) -> StreamingSession:
        """Begin a video."""
        return StreamingSession(view, self._network, self._make_session, self._runtime)

    def networks(self) -> tuple[nn.Module]:
        """Gives back the one network."""
        return (self._network,)


def load_sam2(runtime: Runtime, weights: Weights, settings: Sam2Settings) -> StreamedModel:
    """Gives back SAM 2; raises `CheckpointError` for weights that do not fit, `AdapterError` without the library."""
    _require("transformers", EXTRA, "sam2")
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession, Sam2VideoModel

    if weights.kind == "random":
        network = _seeded(lambda: Sam2VideoModel(sam2_config(settings)), weights.seed)
    else:
        network = _pretrained(Sam2VideoModel, weights)
    return StreamedModel(_ready(mend_sam2(network), runtime), Sam2VideoInferenceSession, runtime)


def load_edgetam(runtime: Runtime, weights: Weights) -> StreamedModel:
    """Gives back EdgeTAM; its trunk, RepViT, comes through transformers' wrapper of timm, which needs torchvision.

    Raises `AdapterError` where those cannot be imported, `CheckpointError` for weights that do not fit.
    """
    _require("transformers", EXTRA, "edgetam")
    _require("timm", "pip install timm, with a torchvision that was built for this torch", "edgetam")
    from transformers.models.edgetam_video.modeling_edgetam_video import EdgeTamVideoInferenceSession, EdgeTamVideoModel

    if weights.kind == "random":
        raise CheckpointError(
            "only EdgeTAM's checkpoint says what its trunk is: the library's default is another network",
            where="method 'edgetam'",
            fix="--weights edgetam=FOLDER, or edgetam=hub:NAME",
        )
    network = _pretrained(EdgeTamVideoModel, weights)
    return StreamedModel(_ready(mend_edgetam(network), runtime), EdgeTamVideoInferenceSession, runtime)


def sam2_config(settings: Sam2Settings) -> Any:
    """Gives back the library's configuration of a published trunk at ``settings.image_size``."""
    from transformers import Sam2VideoConfig

    side = settings.image_size
    if side % 64:
        raise AdapterError(
            f"image_size={side} is no multiple of 64", where="settings of sam2", fix="take 1024, as published, or 512"
        )
    config = Sam2VideoConfig()
    config.image_size = config.prompt_encoder_config.image_size = side
    trunk = config.vision_config.backbone_config
    trunk.image_size = [side, side]
    for name, value in HIERA[settings.trunk].items():
        setattr(trunk, name, value)
    first, heads = trunk.hidden_size, trunk.num_attention_heads
    trunk.embed_dim_per_stage = [first * 2**stage for stage in range(4)]
    trunk.num_attention_heads_per_stage = [heads * 2**stage for stage in range(4)]
    config.vision_config.backbone_channel_list = trunk.embed_dim_per_stage[::-1]
    config.vision_config.backbone_feature_sizes = [[side // stride] * 2 for stride in (4, 8, 16)]
    config.memory_attention_rope_feat_sizes = [side // 16, side // 16]
    return config


def mend_sam2(network: Any) -> Any:
    """Gives back ``network`` able to remember a frame on which one object is new and another is followed.

    There transformers 5.23.0 makes the followed objects' masks binary as well, which is for given masks alone: here
    the two kinds are encoded one after the other.
    """
    original = network._batch_encode_memories

    def batch_encode_memories(*, is_mask_from_pts_per_obj: list[bool], **named: Any) -> None:
        for given in (True, False):
            chosen = [index for index, one in enumerate(is_mask_from_pts_per_obj) if one == given]
            part = {
                key: [value[i] for i in chosen] if isinstance(value, list) else value for key, value in named.items()
            }
            original(is_mask_from_pts_per_obj=[given] * len(chosen), **part)

    network._batch_encode_memories = batch_encode_memories
    return network


def mend_edgetam(network: Any) -> Any:
    """Gives back ``network`` able to take a frame on which one object is new and another is followed.

    There transformers 5.23.0 joins object scores of other dimensions and fails: a given mask's have one too few.
    """
    original = network._use_mask_as_output

    def use_mask_as_output(*arguments: Any, **named: Any) -> Any:
        output = original(*arguments, **named)
        if output.object_score_logits.ndim == 2:
            output.object_score_logits = output.object_score_logits.unsqueeze(-1)
        return output

    network._use_mask_as_output = use_mask_as_output
    return network


def _require(module: str, command: str, method: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise AdapterError(f"'{method}' needs the package {module}", where=f"method '{method}'", fix=command)


def _seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The library draws initial values from the global generator, which is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def _pretrained(kind: Any, weights: Weights) -> nn.Module:
    path = weights.path
    if path is None or not (path / "config.json").is_file():
        raise CheckpointError(
            "no folder with a config.json was given",
            where=str(path),
            fix="name a checkpoint's folder in the library's format, or hub:NAME, as hub:facebook/sam2.1-hiera-tiny",
        )
    try:
        network, report = kind.from_pretrained(
            Path(path), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"the folder cannot be read as weights: {str(error).splitlines()[0]}",
            where=str(path),
            fix="it should hold config.json and model.safetensors of this model",
        ) from error
    wrong = {what: sorted(map(str, report.get(what) or ())) for what in ("missing_keys", "mismatched_keys")}
    if any(wrong.values()):
        words = "; ".join(f"{len(keys)} {what.replace('_', ' ')} ({keys[0]})" for what, keys in wrong.items() if keys)
        raise CheckpointError(
            f"the checkpoint does not fit {kind.__name__}: {words}", where=str(path), fix="use this model's checkpoint"
        )
    return network


def _ready(network: nn.Module, runtime: Runtime) -> nn.Module:
    network = network.eval().requires_grad_(requires_grad=False).to(runtime.device)
    compile_modules(network, ("vision_encoder",), runtime)
    return network
