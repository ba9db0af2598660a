"""Replays stored outputs of the official code: as the session computes, but with labels from outside in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vosbench.adapters.aot.engine import Engine, Schedule
from vosbench.adapters.aot.geometry import AlignedGeometry, aligned_geometry, image_to_network, labels_to_network
from vosbench.adapters.aot.grid import Grid
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.aot.merging import merged_probabilities
from vosbench.adapters.aot.model import prepare_network
from vosbench.adapters.aot.network import AOTNetwork
from vosbench.adapters.aot.strategies import Strategy, keep_all
from vosbench.adapters.nn.weights import build_from_fixture
from vosbench.contract import Fixture, ReferenceFrame
from vosbench.types import LabelMap

MAX_LONG_EDGE = 1040
"""Official ``TEST_MAX_LONG_EDGE``; no stored clip is larger."""

VALUES = {True: 512, False: 256}
"""Channels of the visual values, by whether the network is gated."""


class Replay:
    """The state of one replay. ``strategy`` is the long-term memory's."""

    def __init__(self, fixture: Fixture, network: AOTNetwork, strategy: Strategy) -> None:
        prepare_network(network, device="cpu")
        height, width = fixture.images[0].shape[:2]
        self._fixture = fixture
        self._network = network
        self._ids: list[int] = []
        self._place = aligned_geometry(
            height, width, max_short_edge=-1, max_long_edge=MAX_LONG_EDGE, align_corners=network.align_corners
        )
        schedule = Schedule(
            gap=int(fixture.config["long_term_mem_gap"]), skip=int(fixture.config["short_term_mem_skip"])
        )
        self._inference = AOTInference(network, schedule, strategy, self._place)

    def frames(self) -> Iterator[ReferenceFrame]:
        """Yields every frame of the clip."""
        with torch.inference_mode():
            for index in range(len(self._fixture.images)):
                yield self._frame(index)

    def _frame(self, index: int) -> ReferenceFrame:
        """Gives back what frame ``index`` is answered with; objects count in the order in which they appeared."""
        prompt = self._fixture.prompts.get(index)
        given = None if prompt is None else self._numbered(prompt)
        image = image_to_network(self._fixture.images[index], self._place, device=torch.device("cpu"))
        predicted = self._inference.predict(index, image)
        if predicted is None and given is None:
            return ReferenceFrame(probabilities=None, labels=np.zeros(self._place.own, np.uint8))
        features = self._inference.features
        probes = self._frame_probes(index, image) if predicted is None else self._prediction_probes(index)
        labels = given if predicted is None else predicted.numpy()
        if predicted is not None and given is not None:
            labels = np.where(given > 0, given, labels)
        self._remember(index, labels, given is not None)
        entered = predicted is not None and given is not None
        engines = self._inference.engines
        return ReferenceFrame(
            probabilities=None if predicted is None else self._probabilities(),
            labels=labels.astype(np.uint8),
            sizes={"long_term_tokens_per_engine": [tokens(engine) for engine in engines]},
            events=({"t": index, "obj_nums": [engine.objects for engine in engines]},) if entered else (),
            probes=probes | self._memory_probes(index, features.grid),
        )

    def _numbered(self, prompt: LabelMap) -> NDArray[np.int64]:
        """Gives back the prompt with its ids' numbers; it may show ids again that are known."""
        self._ids.extend(int(i) for i in np.unique(prompt) if i and int(i) not in self._ids)
        numbers = np.zeros(int(max(self._ids)) + 1, np.int64)
        numbers[self._ids] = np.arange(1, len(self._ids) + 1)
        return numbers[prompt]

    def _remember(self, index: int, labels: NDArray[Any], given: bool) -> None:
        forced = labels if self._fixture.forced_labels is None else self._fixture.forced_labels[index]
        kept = torch.from_numpy(forced.astype(np.int64))
        if not given:
            self._inference.update(kept)
        elif not self._inference.engines:
            self._inference.refer(kept, len(self._ids))
        else:
            # The official evaluator opens as many channels as the largest number in the merged labels says.
            self._inference.refer(kept, int(kept.max()))

    def _probabilities(self) -> NDArray[Any]:
        planes = merged_probabilities(self._inference.logits, self._place.own, align_corners=self._place.align_corners)
        return planes.numpy()

    def _prediction_probes(self, index: int) -> dict[str, NDArray[Any]]:
        """Gives back what belongs to the prediction of frame ``index``."""
        logits = {f"logits_stride4_engine{i}": part.numpy() for i, part in enumerate(self._inference.logits)}
        output = self._inference.engines[0].propagation.output
        return logits | {f"lstt_out_t{index}": output[0].flatten(1).T.numpy()}

    def _frame_probes(self, index: int, image: torch.Tensor) -> dict[str, NDArray[Any]]:
        """Gives back what belongs to the first reference frame, where that is frame 0."""
        if index:
            return {}
        features = self._inference.features
        labels = torch.from_numpy(self._numbered(self._fixture.prompts[index]))
        identity = identity_of(self._network, labels, len(self._ids), self._place)
        shortcuts = {f"feat{i}_t0": part[0].numpy() for i, part in enumerate(features.shortcuts)}
        return shortcuts | {
            "input_t0": image[0].numpy(),
            "enc_t0": features.top.T.reshape(-1, *features.grid).numpy(),
            "id_emb_t0": identity.numpy(),
        }

    def _memory_probes(self, index: int, grid: Grid) -> dict[str, NDArray[Any]]:
        """Gives back what the first engine's memory holds after the first and after the last frame."""
        engine = self._inference.engines[0]
        visual = VALUES[self._network.gated]
        probes = {}
        if index == 0:
            probes["lt_v_l0_t0"] = stored(engine, 0)[1][:, :visual]
            probes["lt_idv_l2_t0"] = stored(engine, 2)[1][:, -visual:]
        if index == len(self._fixture.images) - 1:
            short = engine.short_term[0].blocks[1].value[:, :visual]
            probes["lt_k_l0_end"] = stored(engine, 0)[0]
            probes["lt_v_l1_end"] = stored(engine, 1)[1][:, :visual]
            probes["lt_idv_l2_end"] = stored(engine, 2)[1][:, -visual:]
            probes["st_v_l1_end"] = short.T.reshape(visual, *grid).numpy()
        return probes


def identity_of(network: AOTNetwork, labels: torch.Tensor, objects: int, place: AlignedGeometry) -> torch.Tensor:
    """Gives back the first engine's identity embedding (tokens, 256) of ``labels`` (height, width)."""
    own = torch.where(labels <= network.objects, labels, torch.zeros_like(labels))
    return network.identify(labels_to_network(own, place), min(objects, network.objects))


def stored(engine: Engine, block: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gives back keys and values (tokens, channels) of the long-term memory in the official order, newest first."""
    frames = [kept.blocks[block] for kept in engine.long_term]
    return torch.cat([frame.key for frame in frames]).numpy(), torch.cat([frame.value for frame in frames]).numpy()


def tokens(engine: Engine) -> int:
    """Gives back how many tokens the long-term memory holds."""
    return sum(kept.tokens for kept in engine.long_term)


def encoder_of(network: str) -> str:
    """Gives back the encoder that a fixture's network name (``AOT:r50_aotl``) says."""
    name = network.partition(":")[2]
    return {"r50": "r50", "swinb": "swinb"}.get(name.partition("_")[0], "mnv2")


def replay_fixture(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields every frame of a fixture of AOT-L or DeAOT-L."""
    encoder = encoder_of(fixture.network)
    gated = fixture.network.endswith("deaotl")
    network = build_from_fixture(lambda: AOTNetwork(encoder, gated=gated), fixture)
    yield from Replay(fixture, network, keep_all).frames()
