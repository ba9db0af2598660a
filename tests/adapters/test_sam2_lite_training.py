"""SAM2-Lite in training: the same answers as in a run, gradients where they belong, and the gate's own traces."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from vosbench.adapters.nn.random_weights import fill_random
from vosbench.adapters.sam2_lite.bank import gumbel
from vosbench.adapters.sam2_lite.clip_memory import BankPolicy, ClipMemory, grid_cells
from vosbench.adapters.sam2_lite.gate_training import (
    EVERYWHERE,
    GumbelMemory,
    competitions,
    position_weights,
    straight_through,
)
from vosbench.adapters.sam2_lite.inference import Sam2LiteInference
from vosbench.adapters.sam2_lite.model import ADJUSTMENTS
from vosbench.adapters.sam2_lite.reader import weighed_softmax
from vosbench.adapters.sam2_lite.settings import SLOTS, Sam2LiteSettings
from vosbench.adapters.sam2_lite.training import Sam2LiteTraining, drawn_slots, encoded_frames, first_masks, trainable
from vosbench.contract import TokenRead, Unrolled
from vosbench.errors import UsageError

FRAMES, HEIGHT, WIDTH = 4, 32, 48
TOKENS = 6
OBJECTS = (2, 1)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def training(**settings: object) -> Sam2LiteTraining:
    made = trainable(Sam2LiteSettings(**{"preset": "mini", **settings}))
    with torch.no_grad():
        fill_random(made.network, generator(), ADJUSTMENTS)
    return made


def clips() -> tuple[Tensor, Tensor]:
    images = torch.randn(2, FRAMES, 3, HEIGHT, WIDTH, generator=generator())
    masks = torch.zeros(2, FRAMES, HEIGHT, WIDTH, dtype=torch.int64)
    masks[:, :, 4:20, 4:24] = 1
    masks[0, :, 10:30, 20:40] = 2
    return images, masks


def unrolled(made: Sam2LiteTraining) -> Unrolled:
    images, masks = clips()
    return made.unroll(images, masks, OBJECTS, generator())


def in_a_run(made: Sam2LiteTraining, settings: Sam2LiteSettings, clip: int) -> list[Tensor]:
    """Gives back the probabilities of each frame behind the first, as a session computes them; the objects have the
    slots that training drew for them.
    """
    images, masks = clips()
    network = copy.deepcopy(made.network).eval()
    slots, _ = drawn_slots(OBJECTS, generator(), SLOTS)
    with torch.no_grad():
        drawn = network.slots.weight[slots[clip]].clone()
        network.slots.weight[: len(drawn)] = drawn
        inference = Sam2LiteInference(network, settings, device=torch.device("cpu"), seed=0)
        given = torch.stack([(masks[clip, 0] == i).float() for i in range(1, OBJECTS[clip] + 1)])
        answers = [
            inference.step(frame, images[clip, frame][None], given if frame == 0 else None, None)
            for frame in range(FRAMES)
        ]
        return [
            torch.nn.functional.interpolate(answer[None], (HEIGHT, WIDTH), mode="bilinear", align_corners=False)[0]
            for answer in answers[1:]
        ]


@pytest.mark.parametrize(
    ("pruning", "budget"), [("unlimited", 1), ("fifo", 2 * TOKENS), ("learned", 7), ("learned", 3 * TOKENS)]
)
def test_training_answers_as_a_run_does(pruning: str, budget: int):
    made = training(pruning=pruning, budget=budget)
    with torch.no_grad():
        logits = unrolled(made).logits
    for clip, objects in enumerate(OBJECTS):
        expected = in_a_run(made, Sam2LiteSettings(preset="mini", pruning=pruning, budget=budget), clip)
        for frame, probabilities in enumerate(expected):
            actual = torch.softmax(logits[clip, frame], 0)
            torch.testing.assert_close(probabilities, actual[: 1 + objects], rtol=0, atol=1e-4)
            assert 0 == actual[1 + objects :].sum()


def test_objects_of_a_full_network_do_not_see_those_that_a_clip_lacks():
    made = training(preset="tiny-full", pruning="unlimited")
    with torch.no_grad():
        both = unrolled(made).logits[1]
        images, masks = clips()
        expected = in_a_run(made, Sam2LiteSettings(preset="tiny-full", pruning="unlimited"), 1)
    for frame, probabilities in enumerate(expected):
        torch.testing.assert_close(probabilities, torch.softmax(both[frame], 0)[:2], rtol=0, atol=1e-4)
    assert images.shape[1] == masks.shape[1]


def test_later_masks_are_not_looked_at():
    made = training(pruning="unlimited")
    images, masks = clips()
    expected = made.unroll(images, masks, OBJECTS, generator()).logits
    masks[:, 1:] = 0
    assert torch.equal(expected, made.unroll(images, masks, OBJECTS, generator()).logits)


def learns(made: Sam2LiteTraining) -> set[str]:
    return {name for name, value in made.network.named_parameters() if value.grad is not None and value.grad.any()}


def test_a_reader_learns_everything_but_the_gate_and_the_features_that_trunks_share():
    made = training(pruning="unlimited")
    found = unrolled(made)
    torch.nn.functional.cross_entropy(found.logits.flatten(0, 1), clips()[1][:, 1:].flatten(0, 1)).backward()
    still = {name for name, _ in made.network.named_parameters()} - learns(made)
    assert {"encoder", "gate"} == {name.split(".")[0] for name in still}
    assert {"0", "1", "2"} == {name.split(".")[3] for name in still if name.startswith("encoder")}
    assert all(not value.requires_grad for name, value in made.network.named_parameters() if name in still)


def test_what_was_written_of_a_prediction_has_a_gradient():
    made = training(pruning="unlimited")
    images, masks = clips()
    frames = encoded_frames(made.network, images)
    slots, present = drawn_slots(OBJECTS, generator(), SLOTS)
    memory = ClipMemory(made.network, slots, present, generator(), policy=BankPolicy(pruning="unlimited", budget=1))
    probabilities = first_masks(masks[:, 0], present).requires_grad_()
    memory.write(0, frames[0], probabilities, given=False)
    made.network.read(frames[1], memory.view(1), slots, present)[0].square().mean().backward()
    assert probabilities.grad is not None
    assert probabilities.grad[:, 1:].abs().sum() > 0


def test_banks_of_every_kind_are_met_in_training_and_the_settings_own_outside():
    made = training(training="banks", pruning="unlimited")
    images, masks = clips()
    draw = generator()
    with torch.no_grad():
        sizes = {made.unroll(images, masks, OBJECTS, draw).reads[-1].frames.shape[1] for _ in range(24)}
        made.network.eval()
        outside = {made.unroll(images, masks, OBJECTS, draw).reads[-1].frames.shape[1] for _ in range(4)}
    assert {2, 4, 8, 16, 18} == sizes
    assert {18} == outside


def test_usage_teaches_the_gate_alone():
    made = training(training="gate")
    trace = unrolled(made).gate
    assert trace is not None
    assert (2, FRAMES - 1, TOKENS) == trace.weights.shape
    assert [0, 1, 2] == trace.times.tolist()
    assert 4 == trace.budget
    assert [[6, 10, 10]] * 2 == trace.competing.sum(2).tolist()
    assert [0] * TOKENS + [1] * TOKENS + [2] * TOKENS == trace.frames.tolist()
    trace.scores.sum().backward()
    assert {"gate"} == {name.split(".")[0] for name in learns(made)}


def test_a_position_counts_by_its_objects_and_a_little_without():
    attention = torch.tensor([[[0.25, 0.75], [1.0, 0.0]]])
    nothing = torch.zeros(1, 2, dtype=torch.int64)
    logits = torch.full((1, 1, 2, 16, 32), -1e4)
    logits[:, :, 1, :, :16], logits[:, :, 0, :, 16:] = 1e4, 1e4
    read = TokenRead(attention=attention, readout=attention, frames=nothing, cells=nothing)
    weights = position_weights(Unrolled(logits=logits, reads=(read,)))
    torch.testing.assert_close(torch.tensor([[[1 + EVERYWHERE, EVERYWHERE]]]), weights)


def test_what_competes_is_a_frames_own_and_what_the_gate_kept_until_then():
    made = training()
    images, masks = clips()
    frames = encoded_frames(made.network, images)
    slots, present = drawn_slots(OBJECTS, generator(), SLOTS)
    whole, own = (
        ClipMemory(made.network, slots, present, generator(), policy=BankPolicy(pruning=kind, budget=4))
        for kind in ("unlimited", "learned")
    )
    with torch.no_grad():
        for index in range(3):
            for memory in (whole, own):
                memory.write(index, frames[index], first_masks(masks[:, 0], present), given=index == 0)
            if index == 1:
                before = own.tokens()
        competing = competitions(whole, 2, 4)
    assert (2, 3, 3 * TOKENS) == competing.shape
    assert [TOKENS, TOKENS + 4, TOKENS + 4] == competing[0].sum(1).tolist()
    for clip in range(2):
        found = competing[clip, 2, : 2 * TOKENS].nonzero()[:, 0]
        assert (before.frame[clip] * TOKENS + before.position[clip]).tolist() == found.tolist()


def test_the_gates_own_choice_teaches_all_of_the_network():
    made = training(training="gate", gate_training="gumbel")
    made.follow(0.5)
    found = unrolled(made)
    torch.nn.functional.cross_entropy(found.logits.flatten(0, 1), clips()[1][:, 1:].flatten(0, 1)).backward()
    assert {"gate", "reader", "key", "encoder"} <= {name.split(".")[0] for name in learns(made)}
    assert found.gate is not None
    kept = found.gate.kept.detach()
    for place, time in enumerate(found.gate.times.tolist()):
        count = min(found.gate.budget, TOKENS * (1 + time))
        assert [count, count] == kept[:, place].sum(1).tolist()
    assert not (kept[:, 1:] > 0)[kept[:, :-1] == 0].reshape(2, -1)[:, : kept.shape[2] - 2 * TOKENS].all()


def test_a_dropped_token_stays_dropped_and_weighs_nothing():
    made = training()
    images, masks = clips()
    frames = encoded_frames(made.network, images)
    slots, present = drawn_slots(OBJECTS, generator(), SLOTS)
    memory = GumbelMemory(made.network, slots, present, generator(), budget=4, temperature=1.0)
    with torch.no_grad():
        memory.write(0, frames[0], first_masks(masks[:, 0], present), given=True)
        before = memory.view(1).weights.clone()
        memory.write(1, frames[1], first_masks(masks[:, 0], present), given=False)
        weights = memory.view(2).weights
        _, read = made.network.read(frames[2], memory.view(2), slots, present, tell=True)
    assert (weights[:, :TOKENS][before == 0] == 0).all()
    assert [4.0, 4.0] == weights.sum(1).tolist()
    assert 0 == read.attention[(weights == 0)[:, None].expand_as(read.attention)].sum()


def test_the_straight_through_choice_is_hard_and_has_the_gradient_of_a_sigmoid():
    scores = torch.tensor([[3.0, 1.0, 2.0, 5.0]], requires_grad=True)
    alive = torch.tensor([[True, True, True, False]])
    chosen = straight_through(scores, alive, 2, 0.5)
    assert [1.0, 0.0, 1.0, 0.0] == chosen[0].tolist()
    chosen[0, 1].backward()
    soft = torch.sigmoid(torch.tensor((1.0 - 1.5) / 0.5))
    torch.testing.assert_close(torch.tensor([0.0, float(soft * (1 - soft)) / 0.5, 0.0, 0.0]), scores.grad[0])


def test_all_stay_where_they_fit():
    chosen = straight_through(torch.zeros(1, 3), torch.tensor([[True, False, True]]), 2, 1.0)
    assert [1.0, 0.0, 1.0] == chosen[0].tolist()


def test_gumbel_noise_has_the_mean_and_spread_of_its_distribution():
    noise = gumbel(torch.rand(20000, generator=generator()))
    assert 0.5772 == pytest.approx(float(noise.mean()), abs=0.03)
    assert 1.2825 == pytest.approx(float(noise.std()), abs=0.03)


def test_weighed_softmax_is_the_softmax_of_what_counts_and_has_a_gradient_where_nothing_does():
    logits, weights = torch.tensor([1.0, 50.0, 2.0]), torch.tensor([1.0, 0.0, 1.0], requires_grad=True)
    shares = weighed_softmax(logits, weights)
    expected = torch.softmax(torch.tensor([1.0, 2.0]), 0)
    torch.testing.assert_close(torch.stack([expected[0], torch.tensor(0.0), expected[1]]), shares.detach())
    shares[1].backward()
    assert weights.grad[1] > 0
    assert torch.isfinite(weights.grad).all()


def test_the_cells_of_a_frame_are_sixteen():
    position = torch.arange(8 * 4)
    rows, columns = torch.full_like(position, 8), torch.full_like(position, 4)
    cells = grid_cells(position, rows, columns)
    assert [0, 1, 2, 3] == cells[:4].tolist()
    assert [0, 4, 12] == [int(cells[row * 4]) for row in (1, 2, 7)]
    assert 16 == len(cells.unique())


def test_a_vision_transformer_takes_no_weights_of_mobilenet():
    with pytest.raises(UsageError, match="preset tiny"):
        trainable(Sam2LiteSettings(preset="tiny")).load_backbone({})


def test_other_presets_have_no_trunk_that_learns_slower():
    assert [] == list(trainable(Sam2LiteSettings(preset="tiny")).trunk_parameters())
    assert list(trainable(Sam2LiteSettings(preset="mini")).trunk_parameters())


def test_objects_take_the_first_slots_by_chance():
    random = generator()
    drawn = [drawn_slots((3, 1), random, 4)[0] for _ in range(60)]
    assert {(2, 3)} == {tuple(slots.shape) for slots in drawn}
    assert {0, 1, 2, 3} == set(torch.stack(drawn).flatten().tolist())
    assert all(3 == len(set(slots[0].tolist())) for slots in drawn)
    with pytest.raises(UsageError, match="a clip shows 3 objects, and slots is 2"):
        drawn_slots((3, 1), random, 2)


def test_training_draws_from_the_slots_that_are_set():
    made = training(slots=2)
    unrolled(made).logits.square().mean().backward()
    reached = made.network.slots.weight.grad.abs().sum(1) > 0
    assert reached[:2].all()
    assert not reached[2:].any()


def test_more_slots_than_there_are_cannot_be_taught():
    with pytest.raises(UsageError, match="slots is 101, and the network has 100"):
        trainable(Sam2LiteSettings(preset="mini", slots=101))
