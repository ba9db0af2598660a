"""MobileVOS as a method of the contract, with random weights on small videos."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from helpers.sessions import answers

from vosbench.adapters.mobilevos import CARD
from vosbench.contract import HasNetworks, Model, ReportsBanks, ReportsFootprint, Runtime, View, Weights
from vosbench.errors import UsageError
from vosbench.registry import Registry
from vosbench.types import Frame, Prompt

HEIGHT, WIDTH = 48, 64

pytestmark = pytest.mark.usefixtures("one_thread")


def load(**settings: object) -> Model:
    return CARD.load(Runtime(), Weights(kind="random", seed=3), CARD.settings(**{"size": -1} | settings))


def video(frames: int, entries: dict[int, int]) -> list[Frame]:
    """Noise that drifts; ``entries`` maps frames to the object that enters there, each in a box of its own."""
    texture = np.random.default_rng(0).integers(0, 256, (HEIGHT + frames, WIDTH + frames, 3), dtype=np.uint8)
    made = []
    for i in range(frames):
        prompt = None
        if i in entries:
            mask = np.zeros((HEIGHT, WIDTH), np.uint16)
            corner = 16 * list(entries).index(i)
            mask[corner : corner + 20, corner : corner + 24] = entries[i]
            prompt = Prompt(ids=(entries[i],), mask=mask)
        image = np.ascontiguousarray(texture[i : i + HEIGHT, i : i + WIDTH])
        made.append(Frame(index=i, name=f"{i:05}", image=image, prompt=prompt))
    return made


def test_importing_the_card_loads_no_torch():
    code = "import sys, vosbench.adapters.mobilevos; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == result.stdout.strip()


def test_a_session_keeps_two_frames_and_their_bytes():
    model = load()
    session = model.open(View(id="video", height=HEIGHT, width=WIDTH))
    assert isinstance(model, HasNetworks)
    assert isinstance(session, ReportsFootprint)
    assert isinstance(session, ReportsBanks)
    kept, footprints = [], []
    for frame in video(8, {0: 7}):
        session.step(frame)
        kept.append(sorted(set(session.inspect()["queue"]["frame"].tolist())))
        footprints.append(session.footprint())
    assert [[0], *[[0, frame] for frame in range(1, 8)]] == kept
    assert [footprints[0]] * 8 == footprints
    session.close()
    assert {} == session.footprint()


def test_late_objects_are_answered_beside_the_first():
    labels = answers(load(queue_length=3), video(7, {1: 9, 3: 300}))
    assert 0 == labels[0].max()
    assert 9 in labels[1]
    assert (labels[3][16:36, 16:40] == 300).all()
    assert {0, 9, 300} >= set(np.unique(labels[6]))


def test_masks_of_random_weights_are_neither_empty_nor_full():
    labels = answers(load(), video(5, {0: 1}))
    assert 0.005 < (labels[4] == 1).mean() < 0.98


def test_the_queue_matters_and_unbounded_keeps_all():
    frames = video(8, {0: 1})
    by_length = {length: answers(load(queue_length=length), frames)[7] for length in (1, 2, None)}
    assert not np.array_equal(by_length[1], by_length[2])
    assert not np.array_equal(by_length[2], by_length[None])
    session = load(queue_length=None).open(View(id="video", height=HEIGHT, width=WIDTH))
    for frame in frames:
        session.step(frame)
    assert list(range(8)) == sorted(set(session.inspect()["bank"]["frame"].tolist()))
    session.close()


def test_networks_and_memories_compose_by_name():
    registry = Registry()
    method = registry.method("mobilevos@mnv2@unbounded")
    assert ("mnv2", None) == (method.settings.student, method.settings.queue_length)
    assert method.grows
    assert not registry.method("mobilevos").grows
    assert registry.method("mobilevos").settings == registry.method("mobilevos@mnv2-noaspp").settings
    assert registry.method("mobilevos", {"queue_length": "none"}).settings.queue_length is None
    with pytest.raises(UsageError, match="the smallest value is 1"):
        registry.method("mobilevos", {"queue_length": "0"})
    with pytest.raises(UsageError, match="both change the network"):
        registry.method("mobilevos@mnv2@r18")


def test_every_variant_says_where_its_weights_come_from():
    retrained = {variant.name for variant in CARD.variants if variant.retrained}
    assert {"r18", "mnv2"} == retrained
    assert () == CARD.checkpoints
    assert any("No official checkpoint" in note for note in CARD.notes)
