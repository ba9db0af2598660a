"""Replays stored outputs of the official XMem: as the session computes, but told which frame is the last."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

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
from vosbench.adapters.nn.prompted import entry_order
from vosbench.adapters.nn.weights import build_from_fixture
from vosbench.adapters.nn.widths import OFFICIAL
from vosbench.adapters.xmem.consolidation import Consolidation
from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.memory import Event, Memory
from vosbench.adapters.xmem.network import XMemNetwork
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.adapters.xmem.similarity import keys_of
from vosbench.adapters.xmem.stores import FeatureStore
from vosbench.contract import Fixture, ReferenceFrame
from vosbench.types import LabelMap

PROBES = {
    "key": "key_t0",
    "shrinkage": "shrink_t0",
    "selection": "sel_t0",
    "f16": "f16_t0",
    "f8": "f8_t0",
    "f4": "f4_t0",
}


class _Replay:
    """The state of one replay."""

    def __init__(self, fixture: Fixture) -> None:
        self.fixture = fixture
        self.dtype = torch.float64 if fixture.float64 else torch.float32
        self.ids: list[int] = []
        self.seen: dict[str, Tensor] = {}
        settings = settings_of(fixture)
        network = build_from_fixture(
            lambda: XMemNetwork(hidden_dim=settings.hidden_dim, single_object=settings.single_object), fixture
        )
        prepare_for_inference(network, device="cpu", dtype=self.dtype)
        self.inference = XMemInference(
            network, settings, device=torch.device("cpu"), dtype=self.dtype, observe=self.seen.__setitem__
        )

    def frame(self, index: int, place: Geometry) -> ReferenceFrame:
        """Gives back what frame ``index`` is answered with; nothing before the first prompt."""
        prompt = self.fixture.prompts.get(index)
        if prompt is None and not self.ids:
            labels = np.zeros((place.height, place.width), np.uint8)
            return ReferenceFrame(probabilities=None, labels=labels, sizes=sizes_of(self.inference.memory))
        self.seen.clear()
        image = image_to_network(
            self.fixture.images[index], place, mode="bilinear", device=torch.device("cpu"), dtype=self.dtype
        )
        entering = None if prompt is None else self._enter(prompt, place, index)
        last = index == len(self.fixture.images) - 1
        planes = self.inference.step(index, image, entering, last=last)
        probabilities = without_padding(planes, place).numpy()
        memory = self.inference.memory
        return ReferenceFrame(
            probabilities=probabilities,
            labels=probabilities.argmax(0).astype(np.uint8),
            sizes=sizes_of(memory),
            events=tuple(event_of(index, event) for event in memory.events),
            probes=self._probes(index) | (end_probes(memory) if last else {}),
        )

    def _enter(self, prompt: LabelMap, place: Geometry, index: int) -> Tensor:
        entering = tuple(int(i) for i in np.unique(prompt) if i)
        order = entry_order(entering, self.ids, f"fixture {self.fixture.name}, frame {index}")
        self.ids.extend(order)
        return masks_to_network(one_hot(prompt, order), place, device=torch.device("cpu"), dtype=self.dtype)

    def _probes(self, index: int) -> dict[str, NDArray[Any]]:
        probes = {}
        if index == 0:
            probes = {name: self.seen[key][0].numpy() for key, name in PROBES.items()}
        if "readout" in self.seen:
            probes[f"readout_t{index}"] = self.seen["readout"].numpy()
        return probes


def settings_of(fixture: Fixture) -> XMemSettings:
    """Gives back the settings that a fixture names; clips are not resized."""
    names = {field.name for field in dataclasses.fields(XMemSettings)}
    values = {key: value for key, value in fixture.config.items() if key in names}
    if fixture.network == "xmem_no_sensory":
        values["hidden_dim"] = 0
    single_object = fixture.network == "xmem_single_object"
    return XMemSettings(**values | {"single_object": single_object, "size": -1})


def sizes_of(memory: Memory) -> Mapping[str, Any]:
    """Gives back the memory's sizes under the fixtures' names."""
    return {
        "work_mem_elements": len(memory.working),
        "long_mem_elements": len(memory.long_term),
        "work_value_elements_per_group": memory.working.value_sizes,
        "long_value_elements_per_group": memory.long_term.value_sizes,
    }


def event_of(index: int, event: Event) -> Mapping[str, Any]:
    """Gives back an event as the fixtures write it."""
    if isinstance(event, Consolidation):
        return {
            "t": index,
            "kind": "consolidate",
            "candidates": event.candidates,
            "prototype_indices": event.prototypes.tolist(),
        }
    return {"t": index, "kind": "remove_obsolete", "survived_indices": event.survivors.tolist()}


def end_probes(memory: Memory) -> dict[str, NDArray[Any]]:
    """Gives back what the memory holds after the last frame: keys (64, columns), values (objects, 512, columns)."""
    probes = _store_probes("work", memory.working)
    if len(memory.long_term):
        probes |= _store_probes("long", memory.long_term)
        probes["long_usage_end"] = memory.long_term.usage.numpy()
    if memory.sensory.hidden is not None:
        probes["hidden_end"] = memory.sensory.hidden.numpy()
    return probes


def _store_probes(name: str, store: FeatureStore) -> dict[str, NDArray[Any]]:
    keys = torch.cat([keys_of(page) for page in store.rows.pages()])
    probes = {f"{name}_key_end_first4": keys.T.numpy()}
    if store.values:
        values = torch.cat(store.values[0].pages())
        probes[f"{name}_value_g0_end"] = values.view(len(values), -1, OFFICIAL.value).permute(1, 2, 0).numpy()
    return probes


def replay_fixture(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields every frame of the clip; labels count objects in the order in which they entered."""
    height, width = fixture.images[0].shape[:2]
    place = geometry(height, width, -1)
    with torch.inference_mode():
        replay = _Replay(fixture)
        for index in range(len(fixture.images)):
            yield replay.frame(index, place)
