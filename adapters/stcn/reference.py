"""Replays stored outputs of the official STCN: as the session computes, but told ids and length in advance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vosbench.adapters.nn.geometry import (
    Geometry,
    geometry,
    image_to_network,
    masks_to_network,
    one_hot,
    without_padding,
)
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.weights import build_from_fixture
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.network import STCNNetwork
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.contract import Fixture, ReferenceFrame

PROBES = {"key": "key_t0", "f16_thin": "f16thin_t0", "f16": "f16_t0", "f8": "f8_t0", "f4": "f4_t0"}


class _Replay:
    """The state of one replay: which objects have entered, and how often the memory was matched."""

    def __init__(self, fixture: Fixture) -> None:
        self.fixture = fixture
        self.dtype = torch.float64 if fixture.float64 else torch.float32
        self.ids = tuple(sorted({int(i) for mask in fixture.prompts.values() for i in np.unique(mask)} - {0}))
        self.entered: list[int] = []
        self.calls = 0
        self.seen: dict[str, Tensor] = {}
        network = build_from_fixture(STCNNetwork, fixture)
        prepare_for_inference(network, device="cpu", dtype=self.dtype)
        self.inference = STCNInference(
            network,
            settings_of(fixture),
            device=torch.device("cpu"),
            dtype=self.dtype,
            unseen=len(self.ids),
            observe=self.seen.__setitem__,
        )

    def frame(self, index: int, place: Geometry) -> ReferenceFrame:
        """Gives back what frame ``index`` is answered with."""
        self.seen.clear()
        prompt = self.fixture.prompts.get(index)
        if prompt is None and not self.entered:
            return self._before(place)
        # The davis rule reads one bank for all objects, the yv rule one for each.
        sizes = self.inference.bank.sizes
        sizes = sizes[:1] if self.fixture.config["mode"] == "davis" else sizes
        image = image_to_network(
            self.fixture.images[index], place, mode="bicubic", device=torch.device("cpu"), dtype=self.dtype
        )
        entering = None if prompt is None else self._enter(prompt, place)
        last = index == len(self.fixture.images) - 1
        planes = self.inference.step(index, image, entering, last=last)
        probabilities = self._in_id_order(without_padding(planes, place)).numpy()
        return ReferenceFrame(
            probabilities=probabilities,
            labels=probabilities.argmax(0).astype(np.uint8),
            sizes={"match_sizes": sizes},
            probes=self._probes(index, len(sizes)),
        )

    def _enter(self, prompt: NDArray[np.unsignedinteger], place: Geometry) -> Tensor:
        entering = tuple(int(i) for i in np.unique(prompt) if i)
        self.entered.extend(entering)
        masks = one_hot(prompt, entering)
        return masks_to_network(masks, place, device=torch.device("cpu"), dtype=self.dtype)

    def _in_id_order(self, planes: Tensor) -> Tensor:
        """Gives back (1 + all ids, height, width): channel i is the i-th id, 0 where a prediction has none."""
        out = planes.new_zeros(1 + len(self.ids), *planes.shape[1:])
        out[0] = planes[0]
        later = [i for i in self.ids if i not in self.entered]
        for channel, object_id in enumerate([*self.entered, *later][: len(planes) - 1], start=1):
            out[1 + self.ids.index(object_id)] = planes[channel]
        return out

    def _before(self, place: Geometry) -> ReferenceFrame:
        planes = np.zeros((1 + len(self.ids), place.height, place.width), np.float64)
        planes[0] = 1e-7
        return ReferenceFrame(
            probabilities=planes,
            labels=np.zeros((place.height, place.width), np.uint8),
            sizes={"match_sizes": []},
        )

    def _probes(self, index: int, calls: int) -> dict[str, NDArray[np.floating]]:
        probes = {}
        if index == 0:
            probes = {name: self.seen[key][0].numpy() for key, name in PROBES.items()}
        if "readout" in self.seen:
            parts = self.seen["readout"].numpy()
            for call, part in enumerate([parts] if calls == 1 else np.split(parts, calls)):
                probes[f"readout_call{self.calls + call}"] = part
            self.calls += calls
        return probes


def settings_of(fixture: Fixture) -> STCNSettings:
    """Gives back the settings that a fixture's configuration names; clips are not resized."""
    names = {field.name for field in dataclasses.fields(STCNSettings)}
    return STCNSettings(**{key: value for key, value in fixture.config.items() if key in names} | {"size": -1})


def replay_fixture(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields every frame of the clip; labels count ids in ascending order over the whole clip."""
    height, width = fixture.images[0].shape[:2]
    place = geometry(height, width, -1)
    with torch.inference_mode():
        replay = _Replay(fixture)
        for index in range(len(fixture.images)):
            yield replay.frame(index, place)
