"""The fakes whose memory is known: meter and verdict on growth say the truth about each."""

from __future__ import annotations

import dataclasses
import gc

import numpy as np
import pytest

from vosbench.adapters import fakes
from vosbench.contract import Runtime, View, Weights
from vosbench.growth import measure_growth
from vosbench.meters.device import CpuDevice
from vosbench.meters.host_memory import live_bytes
from vosbench.session import Ending, run_video
from vosbench.types import Frame

FRAMES = 320
BLOCK = 64 << 10
VIEW = View(id="clip", height=4, width=6)
CARDS = {
    card.name: card for card in (fakes.BOUNDED, fakes.LINEAR, fakes.STEP, fakes.SAWTOOTH, fakes.LOGARITHMIC, fakes.LEAK)
}


def _run(card):
    """Gives back the live bytes after each frame, those of the bank, and those after the session was closed."""
    image = np.zeros((4, 6, 3), np.uint8)
    frames = (Frame(index=i, name=f"{i:05d}", image=image) for i in range(FRAMES))
    live, banks = np.full(FRAMES, np.nan), np.full(FRAMES, np.nan)
    model = card.load(Runtime(), Weights(kind="none"), card.settings())
    gc.collect()  # what other tests left must not go while this one is measured
    before, after = live_bytes(), None
    for row in run_video(model, VIEW, frames, CpuDevice(), core=False, harness_bytes=lambda: 0, answer=lambda *_: None):
        if isinstance(row, Ending):
            after = row.after_close.host.live
        else:
            live[row.index], banks[row.index] = row.memory.host.live, row.footprint["bank"]
    return live - before, banks, after - before


@pytest.fixture(scope="module")
def measured():
    """Gives back what each fake measured, by its name."""
    if live_bytes() is None:
        pytest.skip("this C library has no mallinfo2")
    return {name: _run(card) for name, card in CARDS.items()}


@pytest.mark.parametrize(
    ("name", "verdict", "blocks"),
    [
        ("fake-bounded", "bounded", 0.0),
        ("fake-linear", "growing", 1.0),
        ("fake-step", "growing", 1.2),  # three steps of 40 blocks between frame 100 and frame 200
        ("fake-sawtooth", "bounded", -0.2),  # 20 blocks at frame 100, none at frame 200
        ("fake-logarithmic", "growing", 0.28),  # 40 log(201 / 101) blocks over 100 frames
        ("fake-leak", "growing", 0.25),
    ],
)
def test_the_verdict_is_the_truth_and_xmems_rule_counts_the_blocks(measured, name, verdict, blocks):
    growth = measure_growth(measured[name][0])
    assert verdict == growth.verdict
    assert blocks == pytest.approx(growth.frames_100_to_200 / BLOCK, abs=0.02)


@pytest.mark.parametrize("name", sorted(set(CARDS) - {"fake-leak"}))
def test_the_meter_reads_the_bytes_of_the_bank_on_every_frame(measured, name):
    live, banks, _ = measured[name]
    assert np.allclose(banks, live, atol=1 << 20)
    assert np.allclose(np.diff(banks), np.diff(live), atol=256 << 10)


def test_a_leak_is_in_the_meter_and_not_in_the_bank(measured):
    live, banks, after = measured["fake-leak"]
    assert 40 * BLOCK == banks[-1]
    assert FRAMES / 4 * BLOCK == pytest.approx(live[-1] - banks[-1], rel=0.1)
    assert FRAMES / 4 * BLOCK == pytest.approx(after, rel=0.1)


@pytest.mark.parametrize("name", sorted(set(CARDS) - {"fake-leak"}))
def test_all_others_give_everything_back(measured, name):
    assert 0 == pytest.approx(measured[name][2], abs=256 << 10)


def test_fakes_stand_in_no_ranking():
    assert {False} == {card.ranked for card in CARDS.values()}


def test_a_fakes_block_is_a_setting():
    settings = dataclasses.replace(fakes.FakeSettings(), block_kib=1)
    session = fakes.load_linear(Runtime(), Weights(kind="none"), settings).open(VIEW)
    session.step(Frame(index=0, name="0", image=np.zeros((4, 6, 3), np.uint8)))
    assert {"bank": 1024} == session.footprint()
