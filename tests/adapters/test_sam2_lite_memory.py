"""SAM2-Lite's bank, its controller, and sessions that use both."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vosbench.adapters.sam2_lite import load
from vosbench.adapters.sam2_lite.bank import Bank, Tokens, anchored, newest
from vosbench.adapters.sam2_lite.controller import Controller, window_of
from vosbench.adapters.sam2_lite.motion import FrameMotion
from vosbench.adapters.sam2_lite.session import Sam2LiteSession, scaled_geometry
from vosbench.adapters.sam2_lite.settings import Sam2LiteSettings
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import AdapterError, UsageError
from vosbench.types import Frame, Prompt


def _tokens(frame, count=6, anchor=False, seed=0):
    generator = torch.Generator().manual_seed(seed + frame)
    keys, values = (torch.randn(count, 256, generator=generator) for _ in range(2))
    return Tokens(
        keys=keys,
        values=values,
        frame=torch.full((count,), frame),
        position=torch.arange(count),
        rows=torch.full((count,), 2),
        columns=torch.full((count,), 3),
        motion=torch.rand(count, generator=generator),
        uncertainty=torch.rand(count, generator=generator),
        anchor=torch.full((count,), anchor),
        draw=torch.rand(count, generator=generator),
    )


def _by_motion(tokens, _now):
    return tokens.motion


def _filled(pruning, budget=8, frames=5, write="token"):
    bank = Bank(budget=budget, pruning=pruning, write=write, score=_by_motion)
    for frame in range(frames):
        bank.add(_tokens(frame, anchor=frame == 0), frame)
    return bank.tokens


@pytest.mark.parametrize("pruning", ["learned", "fifo", "random", "anchor"])
def test_the_budget_is_hard_and_what_is_pruned_is_gone(pruning):
    tokens = _filled(pruning)
    assert 8 == len(tokens)
    storage = tokens.keys.untyped_storage().nbytes()
    assert 8 * 256 * 4 == storage


def test_unlimited_keeps_every_token():
    assert 30 == len(_filled("unlimited"))


def test_each_strategy_keeps_what_it_says():
    written = [_tokens(frame, anchor=frame == 0) for frame in range(5)]
    everything = written[0]
    for later in written[1:]:
        everything = everything.joined(later)
    assert {3, 4} == set(_filled("fifo").frame.tolist())
    best = everything.draw.topk(8).values.sort().values
    assert torch.equal(best, _filled("random").draw.sort().values)
    top = everything.motion.topk(8).values.sort().values
    assert torch.equal(top, _filled("learned").motion.sort().values)
    assert [0, 0, 0, 0, 4, 4, 4, 4] == _filled("anchor").frame.tolist()


def test_noise_makes_of_the_learned_choice_a_sample_weighed_by_the_score():
    tokens = _tokens(0, count=4000)
    scores = torch.where(torch.arange(4000) < 2000, 0.0, math.log(3.0))

    def share(noise):
        bank = Bank(budget=400, pruning="learned", write="token", score=lambda *_: scores, noise=noise)
        bank.add(tokens, 0)
        return float((bank.tokens.position >= 2000).float().mean())

    assert 1.0 == share(0.0)
    assert 0.75 == pytest.approx(share(1.0), abs=0.06)
    assert 0.5 == pytest.approx(share(1000.0), abs=0.06)


def test_free_places_of_one_half_go_to_the_other():
    few_anchors = _tokens(0, count=2, anchor=True).joined(_tokens(1, count=10))
    chosen = few_anchors.take(anchored(few_anchors, 8))
    assert [2, 6] == [int(chosen.anchor.sum()), int((~chosen.anchor).sum())]
    few_others = _tokens(0, count=10, anchor=True).joined(_tokens(1, count=2))
    chosen = few_others.take(anchored(few_others, 8))
    assert [6, 2] == [int(chosen.anchor.sum()), int((~chosen.anchor).sum())]


def test_ties_of_age_are_broken_by_the_random_number():
    tokens = _tokens(0).joined(_tokens(1))
    order = newest(tokens)
    assert [1] * 6 + [0] * 6 == tokens.frame[order].tolist()
    assert torch.equal(tokens.draw[order][:6].sort(descending=True).values, tokens.draw[order][:6])


def test_frame32_lets_no_more_than_32_tokens_of_a_frame_compete():
    bank = Bank(budget=96, pruning="fifo", write="frame32", score=_by_motion)
    for frame in range(5):
        bank.add(_tokens(frame, count=100), frame)
    assert {2: 32, 3: 32, 4: 32} == {frame: int((bank.tokens.frame == frame).sum()) for frame in (2, 3, 4)}


def test_a_window_reads_the_last_frames_and_the_anchors_and_deletes_nothing():
    bank = Bank(budget=100, pruning="fifo", write="token", score=_by_motion)
    for frame in range(6):
        bank.add(_tokens(frame, anchor=frame == 0), frame)
    view = bank.view(6, 2)
    assert {6, 2, 1} == set(view.ages[0].tolist())
    assert 36 == len(bank.tokens)


def _settle(control, device_ms, frames, target_ms=33.0):
    controller = Controller(target_ms=target_ms, control=control)
    scales = []
    for frame in range(frames):
        effort = controller.update(device_ms(frame) * controller.effort.scale**2)
        scales.append(effort.scale)
    return scales


def test_the_controller_settles_where_frames_take_the_target():
    scales = _settle("relative", lambda _: 50.0, 60)
    assert (33 / 50) ** 0.5 == pytest.approx(scales[-1], abs=0.01)
    assert max(scales[40:]) - min(scales[40:]) < 0.01
    assert max(abs(np.diff([1.0, *scales]))) <= 0.05 + 1e-12


def test_the_controller_follows_a_device_that_slows_down_and_recovers():
    scales = _settle("relative", lambda frame: 30.0 if frame < 20 or frame >= 90 else 60.0, 160)
    assert 1.0 == scales[19]
    assert (33 / 60) ** 0.5 == pytest.approx(scales[89], abs=0.02)
    assert 1.0 == pytest.approx(scales[-1], abs=0.02)


def test_the_equations_as_written_do_not_settle_in_milliseconds():
    scales = _settle("milliseconds", lambda _: 50.0, 60)
    assert max(scales[40:]) - min(scales[40:]) > 0.03


def test_scale_and_window_stay_within_the_papers_bounds():
    scales = _settle("relative", lambda _: 1000.0, 40)
    assert 0.5 == scales[-1]
    assert [2, 5, 8] == [window_of(scale) for scale in (0.5, 0.75, 1.0)]


def test_sides_are_the_nearest_multiples_of_16():
    assert (480, 848) == scaled_geometry(480, 854, 1.0).padded
    assert (240, 432) == scaled_geometry(480, 854, 0.5).padded


@pytest.mark.parametrize("kind", ["frames", "blocks"])
def test_motion_of_frames_is_in_range_and_zero_where_nothing_moves(kind):
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, 64, 96, generator=generator)
    moved = image.clone()
    moved[..., :32, :32] = torch.roll(image[..., :32, :32], 8, dims=-1)
    motion = FrameMotion(kind)
    assert torch.equal(torch.zeros(1, 24), motion(image))
    found = motion(moved)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert 0 == float(found[0, -1])
    assert float(found[0, 0]) > 0


@pytest.fixture(scope="module")
def model():
    settings = Sam2LiteSettings(preset="mini", budget=20, pruning="anchor")
    return load(Runtime(), Weights(kind="random", seed=3), settings)


def _frames(count, prompts):
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    return [
        Frame(index=index, name=f"{index:05d}", image=np.roll(image, index, axis=1), prompt=prompts.get(index))
        for index in range(count)
    ]


def _prompt(number, left=10):
    mask = np.zeros((64, 96), np.uint8)
    mask[8:40, left : left + 30] = number
    return Prompt(ids=(number,), mask=mask)


def test_the_banks_bytes_do_not_grow_with_frames_or_objects(model):
    session = model.open(View(id="video", height=64, width=96))
    sizes = []
    for frame in _frames(8, {0: _prompt(3), 4: _prompt(200, left=55)}):
        labels = session.step(frame)
        assert set(np.unique(labels)) <= {0, 3, 200}
        if frame.prompt is not None:
            assert np.array_equal(frame.prompt.mask > 0, labels == frame.prompt.ids[0])
        sizes.append(session.footprint()["tokens"])
    assert 1 == len(set(sizes))
    banks = session.inspect()["tokens"]
    assert 20 == len(banks["frame"])
    assert {"frame", "y", "x", "age", "usage"} == set(banks)
    assert (banks["age"] == 7 - banks["frame"]).all()


def test_adaptive_sessions_trace_scale_and_window_and_shrink_on_a_slow_device():
    settings = Sam2LiteSettings(preset="mini", adaptive=True, target_ms=33.0)
    network = load(Runtime(), Weights(kind="random", seed=3), settings).networks()[0]
    now = iter(np.arange(0, 100, 0.066))  # every step takes 66 ms of this clock
    view = View(id="video", height=64, width=96)
    session = Sam2LiteSession(view, network, settings, Runtime(), clock=lambda: float(next(now)))
    traces = []
    for frame in _frames(8, {0: _prompt(1)}):
        session.step(frame)
        traces.append(session.trace())
    scales = [trace["scale"] for trace in traces]
    assert sorted(scales, reverse=True) == scales
    assert scales[-1] < 0.7
    assert traces[-1]["window"] < traces[0]["window"]


@pytest.mark.parametrize(("size", "grid"), [(-1, (4, 6)), (32, (2, 3)), (96, (6, 9))])
def test_the_shorter_side_is_the_one_that_was_set(size, grid):
    settings = Sam2LiteSettings(preset="mini", pruning="unlimited", size=size)
    network = load(Runtime(), Weights(kind="random", seed=3), settings).networks()[0]
    session = Sam2LiteSession(View(id="video", height=64, width=96), network, settings, Runtime())
    labels = session.step(_frames(1, {0: _prompt(1)})[0])
    assert (64, 96) == labels.shape
    banks = session.inspect()["tokens"]
    assert grid[0] * grid[1] == len(banks["frame"])
    assert max(banks["y"]) < 64
    assert 96 * (1 - 0.5 / grid[1]) == pytest.approx(max(banks["x"]))


def first_step(slots, objects):
    """Gives back the answer on a frame of which each object has eight pixels."""
    settings = Sam2LiteSettings(preset="mini", pruning="unlimited", slots=slots)
    model = load(Runtime(), Weights(kind="random", seed=3), settings)
    ids = tuple(range(1, objects + 1))
    mask = np.zeros((64, 96), np.uint8)
    mask.ravel()[: objects * 8] = np.repeat(ids, 8)
    session = model.open(View(id="video", height=64, width=96))
    return session.step(_frames(1, {0: Prompt(ids=ids, mask=mask)})[0])


@pytest.mark.parametrize("slots", [2, 100])
def test_an_object_beyond_the_slots_is_refused(slots):
    assert set(range(slots + 1)) == set(np.unique(first_step(slots, slots)))
    with pytest.raises(AdapterError, match=f"{slots + 1} objects, and the network has {slots} slots"):
        first_step(slots, slots + 1)


def test_more_slots_than_the_network_has_are_refused():
    with pytest.raises(UsageError, match="slots is 101, and the network has 100"):
        load(Runtime(), Weights(kind="random"), Sam2LiteSettings(preset="mini", slots=101))


def test_a_budget_below_one_reduced_frame_is_refused():
    with pytest.raises(UsageError, match="cannot hold one frame of 32"):
        load(Runtime(), Weights(kind="random"), Sam2LiteSettings(preset="mini", budget=16, write="frame32"))
