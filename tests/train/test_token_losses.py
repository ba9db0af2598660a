"""SAM2-Lite's losses: edges, the gate's targets and budget, attention and readouts against a teacher's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vosbench.contract import GateTrace, TokenRead, Unrolled
from vosbench.errors import UsageError
from vosbench.train.loss import PartContext
from vosbench.train.losses import LossInput
from vosbench.train.token_distillation import (
    FLOOR,
    GRID,
    attention_matching,
    binned_attention,
    divergence,
    held_frames,
    readout_distance,
    readout_matching,
)
from vosbench.train.token_edges import edges, sobel
from vosbench.train.token_gate import (
    gate_usage,
    later_attention,
    literal_budget_loss,
    needed_tokens,
    of_clips,
    repaired_budget_loss,
    token_budget,
    usage_loss,
)


def loss_input(answer: Unrolled, teacher: Unrolled | None = None, masks: Tensor | None = None) -> LossInput:
    given = torch.zeros(1, 2, 8, 8, dtype=torch.int64) if masks is None else masks
    draw = torch.Generator().manual_seed(0)
    return LossInput(answer=answer, masks=given, objects=(1,), progress=0.0, generator=draw, teacher=teacher)


def logits_of(probability: Tensor) -> Tensor:
    """Gives back (1, 1, 2, height, width) whose softmax has the object's ``probability``."""
    both = torch.stack([1 - probability, probability])
    return both.clamp(min=1e-12).log()[None, None]


def context(student: object = None, teacher: object = None) -> PartContext:
    return PartContext(student=student, teacher=teacher, where="here")


def test_the_gradient_of_a_ramp_is_its_slope():
    ramp = torch.arange(6.0)[None, :].expand(5, 6) * 0.5
    gradients = sobel(ramp)
    torch.testing.assert_close(torch.full((5, 4), 0.5), gradients[:, 1:-1, 0])
    assert 0 == gradients[..., 1].abs().max()
    torch.testing.assert_close(gradients[:, 2, 0], sobel(ramp.T)[2, :, 1])


def test_edges_cost_nothing_where_they_are_the_truths_and_more_the_further_they_are():
    masks = torch.zeros(1, 2, 16, 16, dtype=torch.int64)
    masks[:, :, :, 8:] = 1
    right = (masks[0, 1] == 1).float()
    values = [
        float(edges()(loss_input(Unrolled(logits=logits_of(plane)), masks=masks)))
        for plane in (right, 0.5 + 0.2 * right, torch.full_like(right, 0.5))
    ]
    assert values[0] == pytest.approx(0.0, abs=1e-9)
    assert values[0] < values[1] < values[2]


def test_edges_are_matched_with_the_teachers_where_there_is_one():
    masks = torch.zeros(1, 2, 16, 16, dtype=torch.int64)
    answer = Unrolled(logits=logits_of(torch.eye(16)))
    assert 0 == float(edges()(loss_input(answer, teacher=answer, masks=masks)))
    assert float(edges()(loss_input(answer, masks=masks))) > 0.01


SOURCE = torch.tensor([0, 0, 1, 1])
WEIGHTS = torch.tensor([[[1.0, 0.5], [0.25, 0.25]]])


def reads() -> tuple[TokenRead, TokenRead]:
    return (
        read([[0.9, 0.1], [0.4, 0.6]], [0, 0], [0, 0]),
        read([[0.1, 0.2, 0.3, 0.4], [0.0, 0.2, 0.0, 0.8]], [0, 0, 1, 1], [0, 0, 0, 0]),
    )


def test_later_frames_attention_is_divided_among_what_competes():
    first, every = torch.tensor([[True, True, False, False]]), torch.ones(1, 4, dtype=torch.bool)
    attention, weights = later_attention(reads(), WEIGHTS, first, 0)
    expected = [[0.9, 0.1], [0.4, 0.6], [1 / 3, 2 / 3], [0.0, 1.0]]
    torch.testing.assert_close(torch.tensor([expected]), attention)
    assert [1.0, 0.5, 0.25, 0.25] == weights[0].tolist()
    attention, weights = later_attention(reads(), WEIGHTS, every, 1)
    torch.testing.assert_close(reads()[1].attention, attention)
    assert [0.25, 0.25] == weights[0].tolist()


def test_each_clip_has_its_own_tokens():
    values = torch.arange(12.0).view(2, 2, 3)
    chosen = torch.tensor([[True, False, True], [False, True, True]])
    assert [[[0, 2], [3, 5]], [[7, 8], [10, 11]]] == of_clips(values, chosen).tolist()
    assert [[0, 2], [7, 8]] == of_clips(values[:, 0], chosen).tolist()


def test_in_one_round_the_tokens_that_are_looked_at_most_are_needed():
    attention = torch.tensor([[[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.0, 1.0]]])
    assert [[1.0, 1.0, 0.0]] == needed_tokens(attention, torch.tensor([[1.0, 1.0, 0.5]]), 2, 1).tolist()


def test_in_more_rounds_what_is_served_counts_less():
    attention = torch.tensor([[[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.0, 1.0]]])
    assert [[1.0, 0.0, 1.0]] == needed_tokens(attention, torch.tensor([[1.0, 1.0, 0.5]]), 2, 2).tolist()


@pytest.mark.parametrize("rounds", [1, 3, 8])
def test_as_many_are_needed_as_the_budget_has(rounds: int):
    attention = torch.softmax(torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(0)), 2)
    assert [7.0, 7.0] == needed_tokens(attention, torch.ones(2, 5), 7, rounds).sum(1).tolist()


def test_tokens_to_keep_and_to_drop_count_alike():
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    scores = torch.tensor([[-2.0, -1.0, -1.0, -1.0]])
    expected = (torch.nn.functional.softplus(torch.tensor(2.0)) + torch.nn.functional.softplus(torch.tensor(-1.0))) / 2
    torch.testing.assert_close(expected, usage_loss(scores, targets))


def usage_value(scores: list[float], budget: int, time: int = 1) -> float:
    trace = GateTrace(
        frames=SOURCE,
        times=torch.tensor([time]),
        scores=torch.tensor([[scores]]),
        competing=(SOURCE <= time)[None, None],
        weights=WEIGHTS,
        budget=budget,
    )
    answer = Unrolled(logits=torch.zeros(1, 2, 2, 8, 8), reads=reads(), gate=trace)
    return float(gate_usage()(loss_input(answer)))


def test_the_part_falls_when_the_gate_tells_what_is_needed():
    values = [usage_value(scores, 1) for scores in ([-3, -3, -3, 3], [0, 0, 0, 0], [3, 3, 3, -3])]
    assert values[0] < values[1] < values[2]


def test_nothing_is_asked_where_all_tokens_fit():
    assert 0 == usage_value([1, -1, 5, 5], 2, time=0)
    assert 0 < usage_value([1, -1, 5, 5], 1, time=0)


def test_the_literal_budget_only_drives_scores_down():
    scores = torch.tensor([[1.0, 2.0, -3.0]], requires_grad=True)
    hard = torch.tensor([[1.0, 1.0, 0.0]])
    assert 0.0 == pytest.approx(float(literal_budget_loss(scores.detach(), hard, 2)))
    literal_budget_loss(scores, hard, 2).backward()
    torch.testing.assert_close(torch.full((1, 3), 0.01), scores.grad)
    assert 1.0 == pytest.approx(float(literal_budget_loss(torch.zeros(1, 3), torch.ones(1, 3), 2)))


def test_the_repaired_budget_has_a_gradient_until_probabilities_fit_and_no_depth():
    scores = torch.full((1, 4), 2.0, requires_grad=True)
    probability = 1 / (1 + torch.exp(torch.tensor(-2.0)))
    expected = (4 * probability - 2) ** 2 / 4 + 0.01 * probability
    loss = repaired_budget_loss(scores, 2)
    torch.testing.assert_close(expected, loss.detach())
    loss.backward()
    assert (scores.grad > 0.01).all()
    assert 0 <= float(repaired_budget_loss(torch.full((1, 4), -100.0), 2)) < 1e-6


@pytest.mark.parametrize("form", ["repaired", "literal"])
def test_the_budget_counts_at_each_choice_the_tokens_that_there_are(form: str):
    scores = torch.tensor([[[0.5, -0.5, 9.0, 9.0], [0.5, -0.5, 0.1, 0.2]]])
    kept = torch.tensor([[[1.0, 0, 0, 0], [1.0, 0, 0, 1.0]]])
    trace = GateTrace(frames=SOURCE, times=torch.tensor([0, 1]), scores=scores, kept=kept, budget=1)
    value = token_budget(form=form)(loss_input(Unrolled(logits=torch.zeros(1, 1, 2, 8, 8), gate=trace)))
    parts = [(scores[:, 0, :2], kept[:, 0, :2]), (scores[:, 1], kept[:, 1])]
    single = [
        literal_budget_loss(own, chosen, 1) if form == "literal" else repaired_budget_loss(own, 1)
        for own, chosen in parts
    ]
    torch.testing.assert_close(torch.stack(single).mean(), value)


def test_gates_that_tell_nothing_are_refused():
    silent = loss_input(Unrolled(logits=torch.zeros(1, 1, 2, 8, 8)))
    for part in (gate_usage(), token_budget()):
        with pytest.raises(UsageError, match="nothing of a gate"):
            part(silent)
    trace = GateTrace(frames=SOURCE, times=torch.tensor([0]), scores=torch.zeros(1, 1, 4))
    half = loss_input(Unrolled(logits=torch.zeros(1, 1, 2, 8, 8), gate=trace))
    for part in (gate_usage(), token_budget()):
        with pytest.raises(UsageError, match="was not taken"):
            part(half)
    with pytest.raises(UsageError, match="0 rounds"):
        gate_usage(rounds=0)
    with pytest.raises(UsageError, match="no form"):
        token_budget(form="other")


def read(attention: list[list[float]], frames: list[int], cells: list[int], seed: int = 0) -> TokenRead:
    readout = torch.randn(1, len(attention), 8, generator=torch.Generator().manual_seed(seed))
    return TokenRead(
        attention=torch.tensor([attention]),
        readout=readout,
        frames=torch.tensor([frames]),
        cells=torch.tensor([cells]),
    )


def test_attention_is_compared_over_frames_that_both_banks_hold():
    student = read([[0.5, 0.3, 0.2]], [0, 0, 2], [3, 3, 5])
    teacher = read([[0.4, 0.1, 0.3, 0.2]], [0, 0, 1, 2], [3, 4, 0, 5])
    ours, theirs = binned_attention(student, teacher, torch.tensor([0]))
    assert (1, 1, 3 * GRID + 1) == ours.shape == theirs.shape
    whole = 1 + FLOOR * (3 * GRID + 1)
    places = [3, 4, GRID, 2 * GRID + 5, 3 * GRID]
    torch.testing.assert_close((torch.tensor([0.8, 0, 0, 0.2, 0]) + FLOOR) / whole, ours[0, 0, places])
    torch.testing.assert_close((torch.tensor([0.4, 0.1, 0, 0.2, 0.3]) + FLOOR) / whole, theirs[0, 0, places])
    torch.testing.assert_close(torch.ones(1, 1), ours.sum(2))
    assert [[True, False, True]] == held_frames(student, 3).tolist()


def test_both_directions_of_the_divergence():
    first, second = torch.tensor([0.7, 0.3]), torch.tensor([0.5, 0.5])
    expected = 0.5 * torch.log(torch.tensor(0.5 / 0.7)) + 0.5 * torch.log(torch.tensor(0.5 / 0.3))
    torch.testing.assert_close(expected, divergence(first, second, "teacher-student"))
    torch.testing.assert_close((first * (first / second).log()).sum(), divergence(first, second, "student-teacher"))


def pair(student: TokenRead, teacher: TokenRead) -> LossInput:
    logits = torch.zeros(1, 1, 2, 8, 8)
    return loss_input(Unrolled(logits=logits, reads=(student,)), Unrolled(logits=logits, reads=(teacher,)))


@pytest.mark.parametrize("direction", ["teacher-student", "student-teacher"])
def test_the_same_attention_costs_nothing_and_teaches_the_student_alone(direction: str):
    part = attention_matching(context(teacher=object()), direction=direction)
    same = read([[0.5, 0.5]], [0, 1], [0, 0])
    assert 0 == pytest.approx(float(part(pair(same, same))), abs=1e-7)
    student, teacher = read([[0.9, 0.1]], [0, 1], [0, 0]), read([[0.5, 0.5]], [0, 1], [0, 0])
    student.attention.requires_grad_()
    teacher.attention.requires_grad_()
    part(pair(student, teacher)).backward()
    assert student.attention.grad.abs().sum() > 0
    assert teacher.attention.grad is None


class Reads:
    """A network that reads 8 numbers at 4 positions."""

    def unroll(self, images: Tensor, masks: Tensor, objects: tuple[int, ...], generator: torch.Generator) -> object:
        return SimpleNamespace(reads=(read([[1.0]] * 4, [0], [0]),))


def test_readouts_are_compared_by_direction_and_not_by_scale():
    x = torch.randn(3, 8)
    torch.testing.assert_close(torch.tensor(0.0), readout_distance(x, 5 * x + 2), atol=1e-4, rtol=0)
    assert 3.9 < float(readout_distance(x, -x)) < 4.1


def test_the_readouts_adapter_learns_and_the_teacher_does_not():
    part = readout_matching(context(Reads(), Reads()))
    student, teacher = read([[1.0]] * 4, [0], [0], seed=1), read([[1.0]] * 4, [0], [0], seed=2)
    student.readout.requires_grad_()
    teacher.readout.requires_grad_()
    part(pair(student, teacher)).backward()
    assert all(value.grad.abs().sum() > 0 for value in (*part.parameters(), student.readout))
    assert teacher.readout.grad is None
    assert (8, 8) == part.adapter.weight.shape


def test_matching_without_a_teacher_or_a_bank_is_refused():
    for make in (attention_matching, readout_matching):
        with pytest.raises(UsageError, match="needs a teacher"):
            make(context(Reads()))
    with pytest.raises(UsageError, match="no direction"):
        attention_matching(context(teacher=object()), direction="both")
    silent = Unrolled(logits=torch.zeros(1, 1, 2, 8, 8))
    with pytest.raises(UsageError, match="nothing of what it read"):
        attention_matching(context(teacher=object()))(loss_input(silent, teacher=silent))
