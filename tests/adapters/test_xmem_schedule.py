"""When XMem writes, reads and updates, against the rules of the official ``InferenceCore``."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.network import ImageFeatures
from vosbench.adapters.xmem.settings import XMemSettings


class Script:
    """Stands for the network: features of nothing, and a list of what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.value_encoder = _Values(self.calls)
        self.hidden_before: list[float] = []

    def encode_key(self, image: Tensor) -> SimpleNamespace:
        shape = (image.shape[2] // 16, image.shape[3] // 16)
        keys = torch.zeros(1, 64, *shape)
        ones = torch.ones(1, 1, *shape)
        return SimpleNamespace(source=image, key=keys, shrinkage=ones, selection=keys, f16=keys, f8=keys, f4=keys)

    def decoder(self, readout: Tensor, features: object, hidden: Tensor, *, update: bool) -> tuple[Tensor, Tensor]:
        self.calls.append("decode+update" if update else "decode")
        self.hidden_before.append(float(hidden[0, 0, 0, 0]))
        height, width = readout.shape[2] * 16, readout.shape[3] * 16
        return torch.zeros(len(readout), height, width), hidden + 1 if update else hidden


class _Values:
    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def __call__(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        self._calls.append("value")
        return torch.zeros(len(masks), 512, f16.shape[2], f16.shape[3])

    def hidden_reinforce(self, values: Tensor, hidden: Tensor) -> Tensor:
        self._calls.append("deep")
        return hidden + 100


def run(frames: int, entries: dict[int, int], *, last: int = -1, first: int = 0, **settings: object):
    """Gives back what was asked of the network at every frame, the hidden values read, and the inference."""
    script = Script()
    inference = XMemInference(script, XMemSettings(**settings), device=torch.device("cpu"))
    asked = []
    for frame in range(first, frames):
        entering = torch.zeros(entries[frame], 16, 32) if frame in entries else None
        inference.step(frame, torch.zeros(1, 3, 16, 32), entering, last=frame == last)
        asked.append("|".join(script.calls))
        script.calls.clear()
    return asked, script.hidden_before, inference


def test_every_fifth_frame_is_a_memory_frame_and_updates_deep_instead():
    asked, hidden, _ = run(11, {0: 1})
    plain, memory = "decode+update", "decode|value|deep"
    assert ["value|deep", *[plain] * 4, memory, *[plain] * 4, memory] == asked
    assert [100, 101, 102, 103, 104, 204, 205, 206, 207, 208] == hidden


def test_a_mask_makes_a_memory_frame_and_the_interval_starts_anew():
    asked, _, inference = run(10, {0: 1, 3: 2})
    memory = [frame for frame, calls in enumerate(asked) if "value" in calls]
    assert [0, 3, 8] == memory
    assert 3 == inference.objects
    assert (3, 64, 1, 2) == tuple(inference.memory.sensory.hidden.shape)


def test_new_objects_begin_without_sensory_memory():
    _, _, inference = run(4, {0: 1, 3: 1})
    hidden = inference.memory.sensory.hidden[:, 0, 0, 0]
    assert [100 + 2 + 100, 0 + 100] == hidden.tolist()


def test_the_last_frame_remembers_nothing():
    asked, _, inference = run(6, {0: 1, 5: 1}, last=5)
    assert "decode" == asked[-1]
    assert 2 == inference.memory.working.value_sizes[0]


@pytest.mark.parametrize(
    ("every", "interval", "expected"), [(7, 5, [0, 10, 20]), (3, 4, [0, 4, 8, 12, 16, 20]), (0, 5, [0, 5, 10, 15, 20])]
)
def test_deep_updates_wait_for_the_next_memory_frame(every: int, interval: int, expected: list[int]):
    asked, _, _ = run(22, {0: 1}, deep_update_every=every, mem_every=interval)
    assert expected == [frame for frame, calls in enumerate(asked) if "deep" in calls]
    assert all("decode+update" in calls for calls in asked[1:])


def test_time_counts_from_the_first_prompt():
    asked, _, _ = run(19, {7: 1}, first=7)
    assert [7, 12, 17] == [7 + i for i, calls in enumerate(asked) if "value" in calls]


def test_without_sensory_memory_there_is_nothing_to_update():
    inference = XMemInference(_NoSensory(), XMemSettings(hidden_dim=0), device=torch.device("cpu"))
    for frame in range(7):
        entering = torch.zeros(1, 16, 32) if frame == 0 else None
        inference.step(frame, torch.zeros(1, 3, 16, 32), entering)
    assert {"sensory": 0} == {name: size for name, size in inference.footprint().items() if name == "sensory"}


def test_a_deep_update_at_every_frame_comes_on_top_of_the_frames_own():
    asked, hidden, inference = run(7, {0: 1}, deep_update="every-frame")
    assert ["value|deep", *["decode+update|value|deep"] * 6] == asked
    assert [100 + 101 * i for i in range(6)] == hidden
    assert 2 * 2 == len(inference.memory.working)


def test_without_deep_updates_every_frame_updates_by_itself():
    asked, hidden, _ = run(7, {0: 1}, deep_update="never")
    plain = "decode+update"
    assert ["value", *[plain] * 4, f"{plain}|value", plain] == asked
    assert list(range(6)) == hidden


@pytest.mark.parametrize(("offset", "expected"), [(0, [0, 5, 10, 15]), (2, [0, 2, 7, 12]), (4, [0, 4, 9, 14])])
def test_an_insertion_offset_shifts_all_memory_frames_but_the_prompted_one(offset: int, expected: list[int]):
    asked, _, _ = run(16, {0: 1}, mem_offset=offset)
    assert expected == [frame for frame, calls in enumerate(asked) if "value" in calls]


def test_an_offset_counts_from_the_first_prompt_and_a_later_one_starts_the_interval_anew():
    asked, _, _ = run(20, {3: 1, 9: 1}, first=3, mem_offset=2)
    assert [3, 5, 9, 14, 19] == [3 + i for i, calls in enumerate(asked) if "value" in calls]


@pytest.mark.parametrize("off", ["shrinkage", "selection"])
def test_a_scaling_term_that_is_off_is_one_everywhere(off: str):
    features = ImageFeatures(**{name: torch.full((1, 4, 1, 2), 3.0) for name in ImageFeatures.__dataclass_fields__})
    inference = XMemInference(Script(), XMemSettings(**{off: False}), device=torch.device("cpu"))
    scaled = inference._scaled(features)
    assert {off} == {name for name in ("shrinkage", "selection", "key") if (getattr(scaled, name) == 1).all()}


class _NoSensory(Script):
    def __init__(self) -> None:
        super().__init__()
        self.value_encoder.hidden_reinforce = None

    def decoder(self, readout: Tensor, features: object, hidden: None, *, update: bool) -> tuple[Tensor, None]:
        assert hidden is None
        return torch.zeros(len(readout), readout.shape[2] * 16, readout.shape[3] * 16), None
