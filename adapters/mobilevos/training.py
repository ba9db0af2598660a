"""MobileVOS's students unrolled over clips for training (section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vosbench.adapters.mobilevos.network import STUDENTS, MobileVOSNetwork
from vosbench.adapters.mobilevos.settings import MobileVOSSettings
from vosbench.adapters.nn.unrolling import frames_first, given_masks, object_rows
from vosbench.adapters.stcn.training import UnrolledClip
from vosbench.contract import Unrolled

OMEGA = {"r18": 0.0, "mnv2": 0.95, "mnv2-noaspp": 0.95}
"""The weight of the teacher's correlations beside the labels' (section 4.3)."""


class MobileVOSTraining:
    """A student as the training bench sees it.

    Every frame is answered from the queue that it would find in a run: the first frame with its given mask, and the
    latest frames with what the network itself predicted, without gradient. The read is over all of memory: the top k
    are for inference. The distillation's linear embedding is not part of it (see `vosbench.train.distillation`).
    """

    def __init__(self, settings: MobileVOSSettings) -> None:
        self._queue_length = settings.queue_length
        self.omega = OMEGA[settings.student]
        self.network = MobileVOSNetwork(STUDENTS[settings.student]).to(memory_format=torch.channels_last)

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take torchvision's ImageNet weights into both trunks; raises `CheckpointError` for others.

        MobileNetV2's are enough but for the student on ResNet-18, which needs ``resnet18``'s in the same mapping.
        """
        self.network.load_backbone(state)

    def trunk_parameters(self) -> Iterable[nn.Parameter]:
        """Gives back the parameters of both trunks that are trained."""
        return self.network.trunk_parameters()

    def unroll(self, images: Tensor, masks: Tensor, objects: Sequence[int], generator: Any) -> Unrolled:  # noqa: ARG002
        """Gives back the answers on (batch, frames, 3, height, width); see `Trainable`. Nothing is left to chance."""
        frames = images.shape[1]
        rows = object_rows(objects, images.device)
        clip = UnrolledClip(self.network, self.network.encode_key(frames_first(images)), rows, frames)
        clip.write(0, given_masks(masks[:, 0], rows.most))
        for frame in range(1, frames):
            probabilities = clip.answer(frame, frame + 1)
            if frame < frames - 1 and self._queue_length != 1:
                clip.write(frame, probabilities[-1, :, 1:], keep=self._queue_length)
        return clip.unrolled()


def trainable(settings: MobileVOSSettings) -> MobileVOSTraining:
    """Gives back the student that ``settings`` name, for training."""
    return MobileVOSTraining(settings)
