"""What SAM2-Lite adds to a loss over masks: edges (section 3.2, "L_edge")."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vosbench.train.losses import LossInput, LossPart, mean_over_objects, objects_of

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def edges() -> LossPart:
    """Gives back the mean squared difference of the gradients of probabilities (the paper's "gradient matching").

    What they are matched with is the teacher's probabilities, where the recipe names a teacher, else the truth.
    """

    def part(given: LossInput) -> Tensor:
        probability, truth = objects_of(given)
        if given.teacher is not None:
            truth = given.teacher.logits.float().softmax(dim=2)[:, :, 1:].detach()
        difference = sobel(probability) - sobel(truth)
        return mean_over_objects(difference.square().sum(-1).mean(dim=(3, 4)), given.objects)

    return part


def sobel(planes: Tensor) -> Tensor:
    """Gives back (..., height, width, 2): the gradients across and down of planes (..., height, width), per pixel.

    Sobel's kernels over 8, so that a ramp of 1 per pixel has the gradient 1; the border is repeated.
    """
    kernel = torch.tensor(SOBEL, device=planes.device, dtype=planes.dtype) / 8
    flat = functional.pad(planes.reshape(-1, 1, *planes.shape[-2:]), (1, 1, 1, 1), mode="replicate")
    gradients = functional.conv2d(flat, torch.stack([kernel, kernel.T])[:, None])
    return gradients.view(*planes.shape[:-2], 2, *planes.shape[-2:]).movedim(-3, -1)
