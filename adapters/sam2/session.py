"""A video streamed through the library's model, with everything dropped that later frames do not read.

The library's own streaming keeps every frame, every mask and every memory: its state grows by megabytes a frame. What
SAM 2 reads of the past is bounded: all conditioning frames, the last six frames' memories and the last fifteen
frames' object pointers (Ravi et al. 2024, section 4; official configs: num_maskmem 7, max_obj_ptrs_in_encoder 16).
Dropping the rest changes no logit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional

from vosbench.adapters.nn.entering import SeenObjects, with_given
from vosbench.adapters.nn.geometry import MEAN, STD
from vosbench.adapters.nn.labels import id_table
from vosbench.adapters.nn.prompted import require_frame_size
from vosbench.adapters.nn.runtime import computing
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, Image, LabelMap, Prompt

MEMORIES = 6
"""Frames behind the current one whose memories are read, beside the conditioning frames."""
POINTERS = 15
"""Frames behind the current one whose object pointers are read, beside the conditioning frames."""


class StreamingSession:
    """One video, one call of the model for each frame."""

    def __init__(self, view: View, network: nn.Module, make_session: Callable[..., Any], runtime: Runtime) -> None:
        self._view = view
        self._network: Any = network
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        self._side = int(network.config.image_size)
        self._seen = SeenObjects(view)
        self._state: Any = make_session(
            video_height=view.height,
            video_width=view.width,
            inference_device=self._device,
            inference_state_device=self._device,
            video_storage_device=self._device,
            dtype=torch.float32,
        )

    def step(self, frame: Frame) -> LabelMap:
        """Gives back the label map (height, width) of ``frame``: uint8, or wider where an id needs it.

        An object's pixels on the frame that prompts it are the given mask. An id that is announced without a pixel is
        never answered.
        """
        if self._state is None:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        require_frame_size(frame, self._view, self._where(frame))
        prompt = frame.prompt if frame.prompt is not None and frame.prompt.ids else None
        with computing(self._runtime):
            self._enter(prompt, frame)
            if not self._seen.ids:
                return np.zeros((self._view.height, self._view.width), np.uint8)
            pixels = image_to_square(frame.image, self._side, self._device)
            with core():
                answer = self._network(inference_session=self._state, frame=pixels, frame_idx=frame.index)
                self._drop(frame.index)
            labels = self._labels(answer, frame)
        return labels if prompt is None else with_given(labels, prompt)

    def finish(self) -> None:
        """Gives no late answer."""

    def close(self) -> None:
        """Give back the memory of this video."""
        self._state = None
        self._network = None

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes kept of conditioning frames and of recent ones."""
        if self._state is None:
            return {}
        outputs = list(self._state.output_dict_per_obj.values())
        return {
            "conditioning": _nbytes(one["cond_frame_outputs"].values() for one in outputs),
            "recent": _nbytes(one["non_cond_frame_outputs"].values() for one in outputs),
        }

    def _enter(self, prompt: Prompt | None, frame: Frame) -> None:
        """Hand the masks of the objects that enter to the library: all of a frame's in one go, as it wants them."""
        entering: tuple[int, ...] = ()
        if prompt is not None:
            entering, masks = self._seen.enter(prompt, self._where(frame))
            for object_id, mask in zip(entering, masks, strict=True):
                index = self._state.obj_id_to_idx(object_id)
                self._state.add_mask_inputs(index, frame.index, self._square_mask(mask))
        self._state.obj_with_new_inputs = list(entering)

    def _square_mask(self, mask: np.ndarray) -> Tensor:
        """Gives back (1, 1, side, side) of 0 and 1 (official ``add_new_mask``: bilinear with antialias, from 0.5)."""
        planes = torch.from_numpy(mask).to(self._device)[None, None].float()
        size = (self._side, self._side)
        resized = functional.interpolate(planes, size, mode="bilinear", align_corners=False, antialias=True)
        return (resized >= 0.5).float()

    def _labels(self, answer: Any, frame: Frame) -> LabelMap:
        logits = answer.pred_masks[:, 0].float()[None]
        size = (self._view.height, self._view.width)
        planes = functional.interpolate(logits, size, mode="bilinear", align_corners=False)[0]
        if not bool(torch.isfinite(planes).all()):
            raise AdapterError(
                "the network's logits are not numbers (NaN or infinite)",
                where=self._where(frame),
                fix="check the weights; with fp16 try bf16 or fp32",
            )
        best, places = planes.max(dim=0)
        return id_table(list(answer.object_ids))[((places + 1) * (best > 0)).cpu().numpy()]

    def _drop(self, now: int) -> None:
        """Drop what no later frame reads."""
        state = self._state
        state.processed_frames.clear()
        for index, outputs in state.output_dict_per_obj.items():
            for kept in outputs.values():
                for output in kept.values():
                    output.pop("high_res_masks", None)
            recent = outputs["non_cond_frame_outputs"]
            for time in [time for time in recent if time <= now - POINTERS]:
                del recent[time]
            for time, output in recent.items():
                if time <= now - MEMORIES:
                    for name in ("maskmem_features", "maskmem_pos_enc", "pred_masks"):
                        output.pop(name, None)
            state.mask_inputs_per_obj[index].clear()
            state.frames_tracked_per_obj[index].clear()

    def _where(self, frame: Frame) -> str:
        return f"video {self._view.id}, frame {frame.index} ({frame.name})"


def image_to_square(image: Image, side: int, device: torch.device) -> Tensor:
    """Gives back (1, 3, side, side), normalised; the aspect is not kept (official ``_load_img_as_tensor``)."""
    resized = np.asarray(Pillow.fromarray(image).resize((side, side)))
    pixels = torch.from_numpy(resized.copy()).to(device).permute(2, 0, 1)[None].float().div_(255)
    mean = torch.tensor(MEAN, device=device)[:, None, None]
    std = torch.tensor(STD, device=device)[:, None, None]
    return pixels.sub_(mean).div_(std)


def _nbytes(frames: Iterable[Iterable[Mapping[str, Any]]]) -> int:
    """The bytes of all tensors, each storage once: the position encodings are one tensor for all frames."""
    storages: dict[int, int] = {}
    for outputs in frames:
        for output in outputs:
            for value in output.values():
                for tensor in value if isinstance(value, (list, tuple)) else (value,):
                    if isinstance(tensor, Tensor):
                        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(storages.values())
