"""Memory strategies and several engines against the rules, written out frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vosbench.adapters.aot.engine import Engine, Schedule
from vosbench.adapters.aot.geometry import aligned_geometry
from vosbench.adapters.aot.inference import AOTInference
from vosbench.adapters.aot.merging import merged_labels, merged_probabilities
from vosbench.adapters.aot.network import ADJUSTMENTS, AOTNetwork
from vosbench.adapters.aot.strategies import MemoryFrame, Strategy, keep_all, named_strategy
from vosbench.adapters.mavos.network import build_network, dynamic_frame
from vosbench.adapters.nn.random_weights import fill_random

SHAPE = (33, 49)
PLACE = aligned_geometry(*SHAPE, max_short_edge=-1, max_long_edge=-1, align_corners=True)


@pytest.fixture(scope="module", autouse=True)
def inference(one_thread: None) -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def network() -> AOTNetwork:
    made = build_network("mnv2").eval()
    fill_random(made, torch.Generator().manual_seed(2), ADJUSTMENTS)
    return made


def images(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(1, 3, *SHAPE, generator=generator) for _ in range(count)]


def mask(objects: int, first: int = 1) -> Tensor:
    """Vertical stripes of 3 pixels, one for each object, ``first`` the first of them."""
    labels = torch.zeros(SHAPE, dtype=torch.int64)
    for index in range(first, objects + 1):
        labels[4:28, 3 * index : 3 * index + 3] = index
    return labels


def run(
    network: AOTNetwork,
    strategy: Strategy,
    frames: int,
    *,
    gap: int = 2,
    skip: int = 1,
    offset: int = 0,
    late: int | None = None,
):
    """Yields the inference after each frame; a second object enters at frame ``late``."""
    inference = AOTInference(network, Schedule(gap=gap, skip=skip, offset=offset), strategy, PLACE)
    for index, image in enumerate(images(frames)):
        given = mask(1) if index == 0 else (mask(2, first=2) if index == late else None)
        labels = inference.step(index, image, given)
        yield inference, labels


def literal_bank(memory: str, frames: int, gap: int, late: int | None) -> list[list[int]]:
    """Which frames long-term memory holds after every frame, newest first, as the papers say it."""
    written: list[tuple[int, bool]] = []
    banks, last = [], 0
    for index in range(frames):
        given = index in (0, late)
        if given or index - last >= gap:
            written.append((index, given))
            last = index
        numbers = [number for number, _ in written]
        banks.append(
            {
                "all": numbers,
                "reference": [number for number, was_given in written if was_given],
                "previous": numbers[-1:],
                "reference+previous": numbers[:1] + numbers[1:][-1:],
                "last-n": numbers[:1] + numbers[1:][-3:],
            }[memory][::-1]
        )
    return banks


@pytest.mark.parametrize("late", [None, 5])
@pytest.mark.parametrize("memory", ["all", "last-n", "reference", "previous", "reference+previous"])
def test_long_term_memory_holds_the_frames_that_the_strategy_names(network: AOTNetwork, memory: str, late: int | None):
    steps = run(network, named_strategy(memory, 4), 12, late=late)
    actual = [[kept.frame for kept in inference.engines[0].long_term] for inference, _ in steps]
    assert literal_bank(memory, 12, 2, late) == actual


@pytest.mark.parametrize(("offset", "expected"), [(0, [8, 4, 0]), (1, [9, 5, 1, 0]), (3, [7, 3, 0])])
def test_an_insertion_offset_shifts_all_written_frames_but_the_reference(
    network: AOTNetwork, offset: int, expected: list[int]
):
    *_, (inference, _) = run(network, named_strategy("all", 6), 10, gap=4, offset=offset)
    assert expected == [kept.frame for kept in inference.engines[0].long_term]


def test_two_frames_are_the_reference_and_the_previous_one(network: AOTNetwork):
    pairs = zip(
        run(network, named_strategy("last-n", 2), 9, late=4),
        run(network, named_strategy("reference+previous", 6), 9, late=4),
        strict=True,
    )
    for (two, labels), (previous, others) in pairs:
        assert torch.equal(labels, others)
        assert [len(two.logits)] == [len(previous.logits)]
        assert all(torch.equal(a, b) for a, b in zip(two.logits, previous.logits, strict=True))


def test_the_dynamic_frame_fuses_every_new_one_and_the_reference_stays(network: AOTNetwork):
    fusion = network.long_term_memory_attention
    expected: list[MemoryFrame] = []
    for index, (inference, _) in enumerate(run(network, dynamic_frame(network), 8)):
        kept, (newest,) = inference.engines[0].long_term, inference.engines[0].short_term
        if index == 0:
            expected = [newest]
        elif index == 2:
            expected = [newest, expected[0]]
        elif index % 2 == 0:
            blocks = [fusion.fuse(i, newest.blocks[i], expected[0].blocks[i], newest.grid) for i in range(3)]
            expected[0] = MemoryFrame(frame=index, given=False, grid=newest.grid, blocks=tuple(blocks))
        assert [frame.frame for frame in expected] == [frame.frame for frame in kept]
        for ours, theirs in zip(expected, kept, strict=True):
            for a, b in zip(ours.blocks, theirs.blocks, strict=True):
                torch.testing.assert_close(a.key, b.key)
                torch.testing.assert_close(a.value, b.value)


def test_a_later_reference_is_fused_and_restarts_the_gap(network: AOTNetwork):
    held = [
        [kept.frame for kept in inference.engines[0].long_term]
        for inference, _ in run(network, dynamic_frame(network), 8, gap=3, late=4)
    ]
    assert [[0], [0], [0], [3, 0], [4, 0], [4, 0], [4, 0], [7, 0]] == held


@pytest.mark.parametrize("skip", [1, 3])
def test_short_term_memory_is_the_frame_so_many_frames_ago(network: AOTNetwork, skip: int):
    steps = run(network, keep_all, 8, skip=skip, late=5)
    actual = [inference.engines[0].short_term[0].frame for inference, _ in steps]
    assert [max(index + 1 - skip, 5 if index >= 5 else 0) for index in range(8)] == actual


def test_mca_is_a_flat_line_and_all_a_straight_one(network: AOTNetwork):
    flat = [inference.footprint()["long_term"] for inference, _ in run(network, dynamic_frame(network), 12)]
    straight = [inference.footprint()["long_term"] for inference, _ in run(network, keep_all, 12)]
    frame = 3 * 4 * 3 * 4 * (128 + 1024)
    assert [frame] * 2 + [2 * frame] * 10 == flat
    assert [frame * (1 + index // 2) for index in range(12)] == straight


def literal_merge(logits: list[Tensor]) -> Tensor:
    """Section 7.8 of the rules: eleven channels for each engine, log-odds, one softmax over all of them."""
    engines = []
    for part in logits:
        closed = torch.cat([part, part.new_full((11 - len(part), *part.shape[1:]), -1e10)])
        engines.append(
            torch.softmax(functional.interpolate(closed[None], SHAPE, mode="bilinear", align_corners=True), 1)
        )
    background = torch.stack([engine[:, 0] for engine in engines]).prod(0)
    merged = torch.cat([background[:, None], *(engine[:, 1:] for engine in engines)], dim=1).clamp(1e-5, 1 - 1e-5)
    return torch.softmax(torch.log(merged / (1 - merged)), dim=1)[0]


def test_more_than_ten_objects_run_in_several_engines(network: AOTNetwork):
    schedule = Schedule(gap=2, skip=1)
    inference = AOTInference(network, schedule, keep_all, PLACE)
    engines = [Engine(network, schedule, keep_all)]
    counts: list[list[int]] = []
    for index, image in enumerate(images(6)):
        given = {0: mask(9), 3: mask(13, first=10)}.get(index)
        labels = inference.step(index, image, given)
        features = network.encode(image)
        expected = torch.zeros(SHAPE, dtype=torch.int64)
        if index:
            logits = [engine.match(features, None) for engine in engines]
            planes = (
                literal_merge(logits) if len(logits) > 1 else merged_probabilities(logits, SHAPE, align_corners=True)
            )
            expected = planes.argmax(0)
            if len(logits) > 1:
                actual = merged_probabilities(inference.logits, SHAPE, align_corners=True)
                torch.testing.assert_close(planes[:14], actual, atol=1e-5, rtol=1e-4)
                assert torch.equal(expected, merged_labels(inference.logits, SHAPE, align_corners=True))
        if given is not None:
            expected = torch.where(given > 0, given, expected)
            objects = 9 if index == 0 else 13
            engines += [Engine(network, schedule, keep_all)] * (len(engines) * 10 < objects)
            for number, engine in enumerate(engines):
                own = torch.where((expected > 10 * number) & (expected <= 10 * number + 10), expected - 10 * number, 0)
                engine.refer(index, features, None, own.float(), min(10, objects - 10 * number))
        else:
            for number, engine in enumerate(engines):
                own = torch.where((expected > 10 * number) & (expected <= 10 * number + 10), expected - 10 * number, 0)
                engine.update(index, own.float())
        assert torch.equal(expected, labels)
        counts.append([len(engine.long_term) for engine in inference.engines])
    assert [[1], [1], [2], [3, 1], [3, 1], [4, 2]] == counts


def test_elements_tell_where_they_come_from(network: AOTNetwork):
    *_, (inference, _) = run(network, keep_all, 4)
    bank: dict[str, Any] = inference.inspect()["long_term"]
    assert [2] * 12 + [0] * 12 == bank["frame"].tolist()
    assert [1] * 12 + [3] * 12 == bank["age"].tolist()
    assert np.allclose([0.5, 16.5, 32.5, 48.5], bank["x"][:4])
    assert np.allclose([0.5] * 4 + [16.5] * 4, bank["y"][:8])
