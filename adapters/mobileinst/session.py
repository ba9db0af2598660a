"""A video answered frame by frame: keyframes run everything, the frames between reuse the kernels (section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.mobileinst.network import STRIDE, Instances, Maps, MobileInstNetwork, mask_logits
from vosbench.adapters.mobileinst.settings import MobileInstSettings
from vosbench.adapters.mobileinst.tracks import Standing, Tracks
from vosbench.adapters.nn.entering import with_given
from vosbench.adapters.nn.geometry import Geometry, image_to_network, masks_to_network, one_hot, to_frame
from vosbench.adapters.nn.labels import id_table
from vosbench.adapters.nn.prompted import entry_order, require_frame_size, require_mask_size
from vosbench.adapters.nn.runtime import computing, full_precision
from vosbench.contract import Runtime, View, core
from vosbench.errors import AdapterError
from vosbench.types import Frame, Instance, LabelMap, Prediction, Prompt, Track

MASK_STRIDE = 4

Known = tuple[tuple[int, ...], tuple[int, ...]]
"""Classes of the head that a suite asks for, and the suite's category ids of the same."""

NOTHING: Known = ((), ())

SMALLEST_SCORE = 0.005
"""Of queries that answer an image (SparseInst, configs: CLS_THRESHOLD 0.005)."""


class MobileInstSession:
    """One video. With task "vis" it finds instances itself; with "vos" each prompt takes the query that fits it best.

    Following prompted objects is a protocol of ours: the paper knows no prompts.
    """

    def __init__(
        self, view: View, network: MobileInstNetwork, settings: MobileInstSettings, runtime: Runtime, known: Known
    ) -> None:
        self._view = view
        self._network: MobileInstNetwork | None = network
        self._settings = settings
        self._runtime = runtime
        self._device = torch.device(runtime.device)
        self._place = padded_geometry(view.height, view.width, settings.size, settings.max_size)
        self._classes, self._categories = known
        self._tracks = Tracks(association=settings.association, kernel_memory=settings.kernel_memory)
        self._of_images = settings.inference == "image"
        self._objects: dict[int, int | None] = {}
        self._answered: set[int] = set()
        self._since_keyframe = 0
        self._keyframe = False

    def step(self, frame: Frame) -> Prediction:
        """Gives back the instances (task "vis") or the label map (task "vos") of ``frame``."""
        network = self._open(frame)
        prompt = frame.prompt if self._view.task == "vos" and frame.prompt is not None and frame.prompt.ids else None
        if self._view.task == "vos" and not self._objects and prompt is None:
            return np.zeros((self._view.height, self._view.width), np.uint8)
        self._keyframe = prompt is not None or self._since_keyframe % self._settings.reuse == 0
        self._since_keyframe = 1 if self._keyframe else self._since_keyframe + 1
        with computing(self._runtime):
            image = image_to_network(
                frame.image, self._place, mode="bilinear", device=self._device, dtype=torch.float32
            )
            with core():
                maps = network.encode(image)
                if self._keyframe:
                    self._remember(network.decode(maps)[1], frame)
            if self._view.task == "vis":
                return self._instances(maps)
            if prompt is not None:
                self._enter(prompt, maps, frame)
            return self._labels(maps, prompt)

    def finish(self) -> tuple[Track, ...] | None:
        """Gives back the best tracks with their final categories and scores; nothing for prompted objects and images.

        A track that no frame showed a pixel of is none.
        """
        if self._view.task == "vos" or self._of_images or not self._tracks.keyframes:
            return None
        return tuple(
            Track(track_id=one.track, category=self._categories[one.category], score=one.score)
            for one in self._tracks.best(self._settings.tracks)
            if one.track in self._answered
        )

    def close(self) -> None:
        """Give back the memory of this video."""
        self._network = None
        self._tracks = Tracks(association=self._settings.association, kernel_memory=0.0)
        self._objects = {}

    def footprint(self) -> Mapping[str, int]:
        """Gives back the bytes of kernels and scores, which do not grow."""
        return self._tracks.footprint()

    def trace(self) -> Mapping[str, float]:
        """Gives back whether the last frame was a keyframe."""
        return {"keyframe": float(self._keyframe)}

    def _remember(self, said: Instances, frame: Frame) -> None:
        """Let the keyframe's queries continue the tracks; score = sqrt(class * objectness), as SparseInst's."""
        classes = said.classes[0].float()
        if self._classes:
            classes = classes[:, list(self._classes)]
        scores = (classes.sigmoid() * said.objectness[0, :, None].float().sigmoid()).sqrt()
        if not bool(torch.isfinite(scores).all() & torch.isfinite(said.kernels).all()):
            raise AdapterError(
                "the network's answer is not finite", where=self._where(frame), fix="try --precision fp32"
            )
        self._tracks.update(said.kernels[0].float(), scores)

    def _probabilities(self, maps: Maps, tracks: list[int]) -> Tensor:
        """Gives back (tracks, padded height / 4, padded width / 4)."""
        kernels = self._tracks.kernels[torch.tensor(tracks, device=self._device)]
        return mask_logits(kernels[None].to(maps.masks.dtype), maps.masks)[0].float().sigmoid()

    def _at_frame(self, probabilities: Tensor) -> Tensor:
        """Gives back (tracks, height, width) at the frame's own size."""
        size = self._place.padded
        padded = functional.interpolate(probabilities[None], size, mode="bilinear", align_corners=False)[0]
        return to_frame(padded, self._place)

    def _instances(self, maps: Maps) -> tuple[Instance, ...]:
        best = self._best()
        if not best:
            return ()
        probabilities = self._probabilities(maps, [one.track for one in best])
        threshold = self._settings.mask_threshold
        sure = maskness(probabilities, threshold) if self._of_images else [1.0] * len(best)
        masks = (self._at_frame(probabilities) > threshold).cpu().numpy()
        self._answered.update(one.track for one, mask in zip(best, masks, strict=True) if mask.any())
        return tuple(
            Instance(track_id=one.track, category=self._categories[one.category], score=one.score * part, mask=mask)
            for one, part, mask in zip(best, sure, masks, strict=True)
            if mask.any()
        )

    def _best(self) -> list[Standing]:
        """Gives back the tracks that answer a frame: of a video those that its last keyframe scores high enough."""
        if not self._of_images:
            return [one for one in self._tracks.best(self._settings.tracks) if one.now >= self._settings.presence]
        return [one for one in self._tracks.best(self._settings.num_queries) if one.score > SMALLEST_SCORE]

    def _enter(self, prompt: Prompt, maps: Maps, frame: Frame) -> None:
        """Give each object the free track whose mask fits it best; one without a pixel gets none."""
        require_mask_size(prompt, self._view, self._where(frame))
        ids = entry_order(prompt.ids, list(self._objects), self._where(frame))
        masks = one_hot(prompt.mask, ids)
        self._objects.update(dict.fromkeys(ids))
        seen = [number for number in range(len(ids)) if masks[number].any()]
        taken = {track for track in self._objects.values() if track is not None}
        free = [track for track in range(self._settings.num_queries) if track not in taken]
        if len(seen) > len(free):
            raise AdapterError(
                f"{len(seen)} objects enter and only {len(free)} of {self._settings.num_queries} queries are free",
                where=self._where(frame),
                fix="this method follows one object per query; use weights with more queries",
            )
        if not seen:
            return
        overlap = self._overlaps(masks[seen], self._probabilities(maps, free))
        for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
            self._objects[ids[seen[row]]] = free[column]

    def _overlaps(self, masks: NDArray[np.bool_], probabilities: Tensor) -> NDArray[np.float32]:
        """Gives back the IoU (objects, tracks) of given masks with the tracks' masks, both on the stride-4 grid."""
        given = masks_to_network(masks, self._place, device=self._device, dtype=torch.float32)
        given = (functional.avg_pool2d(given[None], MASK_STRIDE)[0] > 0.5).flatten(1).float()
        found = (probabilities > self._settings.mask_threshold).flatten(1).float()
        with full_precision(self._device):  # half precision does not count so many pixels
            both = given @ found.T
        either = given.sum(1)[:, None] + found.sum(1)[None] - both
        return (both / either.clamp(min=1)).cpu().numpy()

    def _labels(self, maps: Maps, prompt: Prompt | None) -> LabelMap:
        followed = {number: track for number, track in self._objects.items() if track is not None}
        labels = np.zeros((self._view.height, self._view.width), id_table(list(self._objects)).dtype)
        if followed:
            probabilities = self._at_frame(self._probabilities(maps, list(followed.values())))
            best, places = probabilities.max(dim=0)
            numbers = (places + 1).where(best > self._settings.mask_threshold, 0)
            labels = id_table(list(followed))[numbers.cpu().numpy()].astype(labels.dtype)
        return labels if prompt is None else with_given(labels, prompt)

    def _open(self, frame: Frame) -> MobileInstNetwork:
        if self._network is None:
            raise AdapterError("the session is closed", where=self._where(frame), fix="open another for each video")
        require_frame_size(frame, self._view, self._where(frame))
        return self._network

    def _where(self, frame: Frame) -> str:
        return f"video {self._view.id}, frame {frame.index} ({frame.name})"


def maskness(probabilities: Tensor, threshold: float) -> list[float]:
    """Gives back the mean of each map's probabilities (maps, height, width) above ``threshold``, 0 where none is.

    SparseInst, ``rescoring_mask``.
    """
    inside = probabilities > threshold
    means = (probabilities * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)
    return means.tolist()


def answered(view: View, settings: MobileInstSettings, *, trained: bool = True) -> Known:
    """Gives back the classes of the head that a suite asks for, and the suite's category ids of the same.

    Classes without names are the suite's categories in the order of their ids; named ones are found by their names. A
    head that was not ``trained`` answers suites of fewer categories as well: its classes mean nothing.
    Raises `AdapterError` where the numbers differ, or no name is the suite's.
    """
    ids = sorted(view.categories)
    names = [name.strip() for name in settings.category_names.split(",")] if settings.category_names else []
    if len(names or ids) != settings.categories and (trained or names or len(ids) > settings.categories):
        whose = "their names are" if names else "the suite has"
        raise AdapterError(
            f"the head knows {settings.categories} categories, {whose} {len(names or ids)}",
            where=f"video {view.id}",
            fix="use weights that were trained for this data set, with --set mobileinst.categories=N",
        )
    if not names:
        return tuple(range(len(ids))), tuple(ids)
    known = [(names.index(view.categories[number]), number) for number in ids if view.categories[number] in names]
    if not known:
        raise AdapterError(
            f"the weights know {', '.join(names)}, and the suite has none of them",
            where=f"video {view.id}",
            fix="use weights that were trained for this data set, with --set mobileinst.category_names=NAME,NAME",
        )
    return tuple(at for at, _ in known), tuple(number for _, number in known)


def padded_geometry(height: int, width: int, size: int, max_size: int) -> Geometry:
    """Gives back the geometry of frames (height, width): shorter side ``size``, longer at most ``max_size``.

    Sides are rounded half up (detectron2 ``ResizeShortestEdge``, which CrossVIS uses), then padded below and right to
    multiples of 64.
    """
    scale = min(size / min(height, width), max_size / max(height, width))
    network_height, network_width = (max(1, int(side * scale + 0.5)) for side in (height, width))
    return Geometry(
        height=height,
        width=width,
        network_height=network_height,
        network_width=network_width,
        padding=(0, -network_width % STRIDE, 0, -network_height % STRIDE),
    )
