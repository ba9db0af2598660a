"""What official checkpoint files carry beside the network's own keys."""

from __future__ import annotations

from collections.abc import Callable

from vosbench.adapters.aot.widths import SMALL
from vosbench.adapters.nn.checkpoint import State

COUNTERS = ".num_batches_tracked"
"""Of norms that were trained; inference freezes them, and a frozen norm counts nothing."""

IMAGENET_PARTS = {
    "mnv2": ("encoder.classifier.",),
    "r50": ("encoder.layer4.", "encoder.fc."),
    SMALL: (),
    "swinb": ("encoder.layers.3.", "encoder.layers.2.downsample.", "encoder.norm3.", "encoder.norm.", "encoder.head."),
}
"""Parts of the encoders' ImageNet models behind stride 16, which no pass reaches."""

MASKS = ".attn_mask"
"""Swin's shift masks for the resolution of its training; they are made anew for every size."""


def without_unused(encoder: str) -> Callable[[State], State]:
    """Gives back what takes the keys off a state that the official loader drops and no pass needs.

    The official ``load_network`` drops every key it does not know and leaves random values where one is missing.
    Here these are dropped: counters of batches, ImageNet parts behind stride 16, Swin's shift masks. Any other
    unknown key and any missing one is an error, since the file is then another network's.
    """

    def adapt(state: State) -> State:
        return {key: value for key, value in state.items() if not _unused(key)}

    def _unused(key: str) -> bool:
        return key.endswith((COUNTERS, MASKS)) or key.startswith(IMAGENET_PARTS[encoder])

    return adapt
