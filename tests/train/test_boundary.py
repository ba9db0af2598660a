"""Which pixels are distilled: the boundary's, as wide as asked, and as many anywhere."""

from __future__ import annotations

import torch

from vosbench.train.boundary import anywhere, boundary, draw, sobel, to_stride


def square() -> torch.Tensor:
    plane = torch.zeros(1, 12, 16)
    plane[0, 4:8, 5:11] = 1
    return plane


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_a_step_has_the_sobel_answers_of_the_textbook():
    plane = torch.zeros(5, 6)
    plane[:, 3:] = 1
    expected = torch.tensor([0.0, 0.0, 4.0, 4.0, 0.0, 0.0])
    torch.testing.assert_close(expected.expand(5, 6), sobel(plane))
    torch.testing.assert_close(expected.expand(5, 6).T, sobel(plane.T))


def test_the_frames_border_is_no_edge():
    assert 0 == sobel(torch.ones(2, 3, 8, 8)).max()


def test_width_counts_the_pixels_on_either_side():
    for width in (1, 2, 3):
        expected = torch.zeros(12, 16, dtype=torch.bool)
        expected[4 - width : 8 + width, 5 - width : 11 + width] = True
        expected[4 + width : 8 - width, 5 + width : 11 - width] = False
        assert torch.equal(expected, boundary(square(), width)[0])


def test_planes_keep_their_dimensions_and_their_type_is_free():
    planes = square().expand(2, 3, 4, 12, 16)
    assert torch.equal(boundary(planes, 2), boundary(planes.bool(), 2))
    assert (2, 3, 4, 12, 16) == boundary(planes, 2).shape


def test_a_cell_is_chosen_with_any_of_its_pixels():
    chosen = torch.zeros(2, 8, 12, dtype=torch.bool)
    chosen[1, 3, 4] = True
    expected = torch.zeros(2, 2, 3, dtype=torch.bool)
    expected[1, 0, 1] = True
    assert torch.equal(expected, to_stride(chosen, 4))


def test_random_pixels_are_as_many_and_lie_anywhere():
    chosen = torch.stack([boundary(square(), 1)[0], torch.zeros(12, 16, dtype=torch.bool)])
    found = torch.stack([anywhere(chosen, gen) for gen in [generator()] for _ in range(50)])
    assert {int(chosen[0].sum())} == set(found[:, 0].sum((1, 2)).tolist())
    assert 0 == found[:, 1].sum()
    assert found[:, 0].any(0).all()


def test_all_pixels_are_drawn_where_they_are_few_enough():
    chosen = boundary(torch.cat([square(), square().roll(3, 2), torch.zeros(1, 12, 16)]), 1)
    sample = draw(chosen, None, generator())
    for plane, index, valid in zip(chosen, sample.index, sample.valid, strict=True):
        assert plane.flatten().nonzero().flatten().tolist() == sorted(index[valid].tolist())


def test_a_limited_draw_takes_chosen_pixels_only_and_each_sometimes():
    chosen = boundary(square(), 1)
    gen = generator()
    seen = set()
    for _ in range(60):
        sample = draw(chosen, 7, gen)
        assert (1, 7) == sample.index.shape
        assert sample.valid.all()
        assert 7 == len(set(sample.index[0].tolist()))
        seen |= set(sample.index[0].tolist())
    assert set(chosen.flatten().nonzero().flatten().tolist()) == seen


def test_draws_repeat_with_their_generator():
    chosen = boundary(square(), 2)
    assert torch.equal(draw(chosen, 9, generator()).index, draw(chosen, 9, generator()).index)
    assert torch.equal(anywhere(chosen, generator()), anywhere(chosen, generator()))


def test_nothing_chosen_is_nothing_drawn():
    sample = draw(torch.zeros(3, 4, 4, dtype=torch.bool), 5, generator())
    assert not sample.valid.any()
