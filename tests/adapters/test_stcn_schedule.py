"""When STCN writes and what it aggregates, against the rules of the official yv core."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor

from vosbench.adapters.nn.aggregation import aggregate
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.settings import STCNSettings


class Script:
    """Stands for the network: every object is predicted with probability one half."""

    def __init__(self) -> None:
        self.masks: list[Tensor] = []

    def encode_key(self, image: Tensor) -> SimpleNamespace:
        keys = torch.zeros(1, 64, image.shape[2] // 16, image.shape[3] // 16)
        return SimpleNamespace(source=image, key=keys, f16_thin=keys, f16=keys, f8=keys, f4=keys)

    def decoder(self, readout: Tensor, features: object) -> Tensor:
        return torch.zeros(len(readout), readout.shape[2] * 16, readout.shape[3] * 16)

    def value_encoder(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        self.masks.append(masks)
        return torch.zeros(len(masks), 512, f16.shape[2], f16.shape[3])


def run(frames: int, entries: dict[int, int], *, unseen: int = 0, last: int = -1, **settings: object):
    """Gives back the bank's size before each frame in memory frames, the answers, and the script."""
    script = Script()
    inference = STCNInference(script, STCNSettings(**settings), device=torch.device("cpu"), unseen=unseen)
    sizes, answers = [], []
    for frame in range(frames):
        sizes.append([size // 2 for size in inference.bank.sizes])
        entering = torch.zeros(entries[frame], 16, 32) if frame in entries else None
        answers.append(inference.step(frame, torch.zeros(1, 3, 16, 32), entering, last=frame == last))
    return sizes, answers, script


def test_every_fifth_frame_is_remembered_for_ever():
    sizes, _, _ = run(13, {0: 2})
    assert [[], *[[1, 1]] * 5, *[[2, 2]] * 5, *[[3, 3]] * 2] == sizes


def test_a_prompt_is_remembered_and_the_interval_starts_anew():
    sizes, _, script = run(14, {0: 1, 3: 1})
    assert [[1], [2, 1], [2, 1], [3, 2], [3, 2]] == [sizes[frame] for frame in (3, 4, 8, 9, 13)]
    assert [1, 2, 2, 2] == [len(masks) for masks in script.masks]


def test_an_insertion_offset_shifts_all_memory_frames_but_the_prompted_one():
    sizes, _, _ = run(14, {0: 1}, mem_offset=2)
    assert [0, 2, 7, 12] == [frame for frame in range(13) if sizes[frame + 1] != sizes[frame]]


def test_the_previous_frame_is_read_where_it_is_asked_for():
    sizes, _, _ = run(7, {0: 1}, mem_every=4, include_last=True)
    assert [[], [1], [2], [2], [2], [2], [3]] == sizes


def test_the_last_frame_remembers_nothing():
    _, _, script = run(6, {0: 1}, last=5)
    assert 1 == len(script.masks)


def test_a_prompted_frame_aggregates_known_objects_twice_and_counts_those_to_come():
    _, answers, script = run(3, {0: 1, 2: 1}, unseen=3)
    half = torch.full((1, 16, 32), 0.5)
    predicted = aggregate(half)
    torch.testing.assert_close(predicted, answers[1])
    expected = aggregate(torch.cat([predicted[1:], torch.zeros(2, 16, 32)]))
    torch.testing.assert_close(expected, answers[2])
    torch.testing.assert_close(expected[1:3], script.masks[-1])
    assert [4, 2, 4] == [len(answer) for answer in answers]
