"""The loop: a seed decides everything, a kill costs nothing, and no broken weights are ever kept."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vosbench.errors import CheckpointError, StoreError, UsageError
from vosbench.store import atomic
from vosbench.train import checkpoint as checkpoints
from vosbench.train.checkpoint import FILE, load_network, read_checkpoint
from vosbench.train.curve import read_curve, scores_of
from vosbench.train.loop import MOST_SKIPPED, NonFiniteLossError, Unwatched, train

LONG = ("- {steps: 4, batch: 4, frames: 4, size: [16, 32]}", "- {steps: 94, batch: 2, frames: 2, size: [16, 16]}")


def _losses(folder):
    return [loss for _, loss in read_curve(folder)]


def test_a_seed_gives_the_same_first_hundred_losses(tiny_job, tmp_path):
    for name in ("a", "b"):
        train(tiny_job(LONG, out=tmp_path / name), Unwatched(), resume=False)
    assert 100 == len(_losses(tmp_path / "a"))
    assert _losses(tmp_path / "a") == _losses(tmp_path / "b")


def test_another_seed_gives_other_losses(tiny_job, tmp_path):
    train(tiny_job(out=tmp_path / "a"), Unwatched(), resume=False)
    train(tiny_job(("seed: 3", "seed: 4"), out=tmp_path / "b"), Unwatched(), resume=False)
    assert _losses(tmp_path / "a") != _losses(tmp_path / "b")


def test_the_network_learns(tiny_job):
    fast = ("optimizer: {warm_up: 2}", "optimizer: {warm_up: 2, rate: 0.02, trunk_rate: 0.02}")
    whole = ("{part: bootstrapped-cross-entropy}", "{part: bootstrapped-cross-entropy, options: {share: 1.0}}")
    still = ("{real: 1, photo: 1, composite: 1, synthetic: 1}", "{photo: 1}")
    job = tiny_job(fast, whole, still, ("steps: 6, batch: 2", "steps: 60, batch: 4"), ("several: 0.5", "several: 0.0"))
    train(job, Unwatched(), resume=False)
    losses = _losses(job.out)
    assert np.mean(losses[:10]) > 1.2 * np.mean(losses[-20:])


KILLED = """
import os, pickle, signal, sys
from vosbench.train.loop import Unwatched, train

class Killer(Unwatched):
    def stepped(self, point):
        if point.step == 6:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    train(pickle.loads(sys.stdin.buffer.read()), Killer(), resume=False)
"""


def test_a_killed_training_goes_on_exactly_where_its_checkpoint_was(tiny_job, tmp_path):
    often = ("loss:\n", "hardware: {checkpoint_seconds: 1.0e-9}\nloss:\n")
    whole, cut = tiny_job(often, out=tmp_path / "whole"), tiny_job(often, out=tmp_path / "cut")
    train(whole, Unwatched(), resume=False)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run([sys.executable, str(script)], input=pickle.dumps(cut), check=False, env=dict(os.environ))
    assert -signal.SIGKILL == done.returncode
    found = read_checkpoint(cut.out)
    assert found is not None
    assert 6 == found.step
    train(cut, Unwatched(), resume=True)
    assert read_curve(whole.out) == read_curve(cut.out)
    for name, value in read_checkpoint(whole.out).average.items():
        torch.testing.assert_close(read_checkpoint(cut.out).average[name], value, rtol=0.0, atol=0.0)


def test_a_folder_with_a_training_is_not_begun_again(tiny_job):
    job = tiny_job()
    train(job, Unwatched(), resume=False)
    with pytest.raises(UsageError, match="10 of 10 iterations"):
        train(job, Unwatched(), resume=False)


def test_a_finished_training_resumed_does_nothing(tiny_job):
    job = tiny_job()
    train(job, Unwatched(), resume=False)
    before = _losses(job.out)
    train(job, Unwatched(), resume=True)
    assert before == _losses(job.out)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tiny_job):
    often = ("loss:\n", "hardware: {checkpoint_seconds: 1.0e-9}\nloss:\n")
    job = tiny_job(
        often,
        ("{width: 4}", "{width: 4, poison: 7}"),
        ("held_back: {clips: [two], photos: 3}", "objects: 2"),
        ("  objects: 2\nstages", "stages"),
    )
    with pytest.raises(NonFiniteLossError, match=r"the loss of iteration 7 is no number; .* 7 is kept") as caught:
        train(job, Unwatched(), resume=False)
    assert "batch 7: " in caught.value.where
    kept = read_checkpoint(job.out)
    assert kept is not None
    assert 7 == kept.step
    assert all(torch.isfinite(value).all() for value in kept.network.values())


def test_half_precision_that_finds_no_scale_stops(tiny_job, monkeypatch):
    job = tiny_job(("steps: 6", "steps: 60"))
    monkeypatch.setattr("torch.amp.GradScaler.is_enabled", lambda self: True)
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    with pytest.raises(NonFiniteLossError, match=f"the gradient of iteration {MOST_SKIPPED} is no number"):
        train(job, Unwatched(), resume=False)


def test_a_device_that_is_not_there_is_refused(tiny_job):
    for device in ("gpu", "cuda:99", "cuda:x"):
        with pytest.raises(UsageError, match=f"there is no device '{device}'"):
            train(replace(tiny_job(), device=device), Unwatched(), resume=False)


def test_a_full_disk_stops_and_keeps_the_checkpoint_before(tiny_job, monkeypatch):
    job = tiny_job(("loss:\n", "hardware: {checkpoint_seconds: 1.0e-9}\nloss:\n"))
    calls = []

    def full(path, data):
        calls.append(path)
        if len(calls) == 4:
            raise atomic.DiskFullError("the disk is full")
        return atomic.write_whole(path, data)

    monkeypatch.setattr(checkpoints, "write_whole", full)
    with pytest.raises(StoreError, match="the disk is full: the checkpoint of iteration 4 was not written"):
        train(job, Unwatched(), resume=False)
    assert 3 == read_checkpoint(job.out).step


def test_a_checkpoint_of_another_recipe_is_refused(tiny_job):
    train(tiny_job(), Unwatched(), resume=False)
    with pytest.raises(UsageError, match="another recipe"):
        train(tiny_job(("seed: 3", "seed: 4")), Unwatched(), resume=True)


def test_how_the_work_is_done_does_not_make_it_another_training(tiny_recipe):
    plain, faster = tiny_recipe(), tiny_recipe(("loss:\n", "hardware: {processes: 2, loaders: 1}\nloss:\n"))
    assert plain.key() == faster.key()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": (2, 9), "bias": (2,)}, "have in another shape 1 tensors of the network, the first is weight"),
        ({"weight": (2, 3)}, "lack 1 tensors of the network, the first is bias"),
        ({"weight": (2, 3), "bias": (2,), "scale": (2,)}, "have beside 1 tensors of the network, the first is scale"),
    ],
)
def test_weights_of_another_architecture_are_refused_by_name(state, message):
    with pytest.raises(CheckpointError, match=message):
        load_network(nn.Linear(3, 2), {name: torch.zeros(shape) for name, shape in state.items()}, "here")


def test_a_torn_checkpoint_is_refused(tiny_job):
    job = tiny_job()
    job.out.mkdir()
    (job.out / FILE).write_bytes(b"PK torn")
    with pytest.raises(CheckpointError, match="no checkpoint of a training"):
        train(job, Unwatched(), resume=True)


def test_two_processes_train_as_one_does(tiny_job, tmp_path):
    single = ("several: 0.5", "several: 0.0")
    two = ("loss:\n", "hardware: {processes: 2}\nloss:\n")
    train(tiny_job(single, out=tmp_path / "one"), Unwatched(), resume=False)
    train(tiny_job(single, two, out=tmp_path / "two"), Unwatched(), resume=False)
    assert _losses(tmp_path / "one") == pytest.approx(_losses(tmp_path / "two"), rel=1e-4)


def test_loaders_change_nothing(tiny_job, tmp_path):
    ahead = ("loss:\n", "hardware: {loaders: 2}\nloss:\n")
    train(tiny_job(out=tmp_path / "none"), Unwatched(), resume=False)
    train(tiny_job(ahead, out=tmp_path / "two"), Unwatched(), resume=False)
    assert _losses(tmp_path / "none") == _losses(tmp_path / "two")


def test_held_back_clips_are_scored_at_the_end(tiny_job):
    job = tiny_job()
    train(job, Unwatched(), resume=False)
    (step, j, f) = scores_of(job.out)[-1]
    assert 9 == step
    assert 0.0 <= j <= 1.0
    assert 0.0 <= f <= 1.0
