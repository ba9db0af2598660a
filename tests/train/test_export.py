"""What a training leaves: half-precision weights that load again, and a card that hides nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from vosbench.errors import CheckpointError, StoreError, UsageError
from vosbench.train.checkpoint import read_checkpoint
from vosbench.train.export import export
from vosbench.train.facts import commit_of
from vosbench.train.job import take_over
from vosbench.train.loop import Unwatched, train
from vosbench.train.recipe import StartPlan
from vosbench.train.terms import terms_of
from vosbench.train.weights import find_export, halved, read_weights, write_weights

CHOOSE = ("loss:\n", "choose: {size: [32, 48]}\nloss:\n")


def test_the_average_is_exported_in_half_precision(tiny_job, tmp_path):
    job = tiny_job()
    train(job, Unwatched(), resume=False)
    card = export(job, tmp_path / "export")
    average = read_checkpoint(job.out).average
    found = read_weights(tmp_path / "export" / card.file)
    assert average.keys() == found.keys()
    for name, value in average.items():
        torch.testing.assert_close(found[name], value.half().float(), rtol=0.0, atol=0.0)
    assert sum(2 * value.numel() for value in average.values()) < card.bytes < 4096


def test_the_card_says_what_the_weights_are_made_of(tiny_job, tmp_path):
    job = tiny_job(CHOOSE)
    train(job, Unwatched(), resume=False)
    export(job, tmp_path)
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert ("tiny", "toy", 3, 10, 10) == tuple(
        card[key] for key in ("name", "method", "seed", "steps", "steps_planned")
    )
    assert card["seconds"] > 0.0
    assert {"ccp", "davis2016-train", "unknown", "synthetic"} == {entry["source"] for entry in card["data"]}
    assert card["non_commercial"]
    assert ["two"] == card["held_back_clips"]
    assert 10 == card["held_back"][-1]["step"]
    assert {"width": 4, "size": 32} == card["settings"]
    assert 2 == len(card["trials"])
    assert 3 == card["recipe"]["seed"]
    assert "CPU" in card["machine"]


def test_an_unfinished_training_is_exported_as_it_is(tiny_job, tmp_path):
    class Stop(Unwatched):
        def stepped(self, point):
            if point.step == 5:
                raise KeyboardInterrupt

    job = tiny_job(("loss:\n", "hardware: {checkpoint_seconds: 1.0e-9}\nloss:\n"))
    with pytest.raises(KeyboardInterrupt):
        train(job, Stop(), resume=False)
    card = export(job, tmp_path / "early")
    assert (5, 10) == (card.steps, card.steps_planned)


def test_without_a_checkpoint_there_is_nothing_to_export(tiny_job, tmp_path):
    with pytest.raises(StoreError, match="no checkpoint to export"):
        export(tiny_job(), tmp_path / "export")


def test_a_weight_beyond_half_precision_is_refused_by_name():
    with pytest.raises(CheckpointError, match="the weight wide is beyond half precision"):
        halved({"wide": torch.tensor([1e6])}, "here")


def test_whole_numbers_keep_their_type(tmp_path):
    write_weights(tmp_path / "w.safetensors", {"count": torch.tensor([70000]), "weight": torch.tensor([0.5])})
    found = read_weights(tmp_path / "w.safetensors")
    assert (70000, torch.float32) == (int(found["count"]), found["weight"].dtype)


def test_what_is_no_safetensors_file_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_weights(tmp_path / "w.safetensors")


def test_weights_of_another_recipe_begin_a_training_where_names_and_shapes_fit():
    network = torch.nn.ModuleDict({"encoder": torch.nn.Linear(2, 3), "head": torch.nn.Linear(3, 1)})
    before = network["head"].weight.detach().clone()
    state = {
        "key.trunk.weight": torch.ones(3, 2),
        "key.trunk.bias": torch.ones(3),
        "head.weight": torch.ones(5, 3),
        "other": torch.ones(1),
    }
    taken = take_over(network, state, StartPlan(recipe="r", rename={"key.": "no.", "key.trunk.": "encoder."}))
    assert ("encoder.bias", "encoder.weight") == taken
    np.testing.assert_array_equal(np.ones((3, 2)), network["encoder"].weight.detach())
    assert before.equal(network["head"].weight)


def test_a_recipe_that_builds_on_another_says_what_to_train_first(tiny_job):
    job = tiny_job(("backbone: false", "backbone: false\nstart: {recipe: stcn-base}"))
    with pytest.raises(UsageError, match="begins with the weights of 'stcn-base', which are not there") as caught:
        train(job, Unwatched(), resume=False)
    assert "vosbench train stcn-base" in caught.value.fix


def test_an_export_beside_the_training_is_found(tmp_path):
    file = tmp_path / "stcn-base" / "export" / "stcn-base.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    assert file == find_export("stcn-base", tmp_path / "xmem-mini")


def test_data_of_unknown_terms_keeps_weights_from_commercial_use():
    (known, unknown) = terms_of(["ccp", "my videos"])
    assert ("Apache-2.0", False) == (known.terms, known.non_commercial)
    assert unknown.non_commercial


def test_outside_a_working_tree_the_commit_is_unknown(tmp_path):
    assert commit_of(tmp_path) is None
