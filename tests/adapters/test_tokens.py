from __future__ import annotations

import torch

from vosbench.adapters.nn.tokens import GROWTH, TokenTable


def table(width: int = 3) -> TokenTable:
    return TokenTable(width, device=torch.device("cpu"), dtype=torch.float32)


def rows(start: int, count: int, width: int = 3) -> torch.Tensor:
    return torch.arange(start * width, (start + count) * width, dtype=torch.float32).view(count, width)


def test_rows_come_back_in_the_order_of_writing_over_many_pages():
    tokens = table()
    for start in range(0, 60, 2):
        tokens.append(rows(start, 2))
    assert torch.equal(rows(0, 60), torch.cat(tokens.pages()))
    assert torch.equal(rows(7, 30), torch.cat(tokens.between(7, 37)))
    assert torch.equal(rows(51, 9), torch.cat(tokens.last(9)))
    assert tokens.last(0) == []


def test_an_append_moves_nothing_that_is_there():
    tokens = table()
    tokens.append(rows(0, 4))
    where = tokens.pages()[0].data_ptr()
    for start in range(4, 100, 4):
        tokens.append(rows(start, 4))
    assert where == tokens.pages()[0].data_ptr()


def test_growth_stays_modest():
    tokens = table()
    for start in range(400):
        tokens.append(rows(start, 1))
        held = sum(page.untyped_storage().nbytes() for page in tokens.pages())
        assert held <= tokens.nbytes * (1 + 1 / GROWTH) + 3 * 4
    assert len(tokens.pages()) < 60


def test_appends_of_any_length_fill_pages_up():
    tokens = table()
    start = 0
    for count in (5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 3, 1, 9):
        tokens.append(rows(start, count))
        start += count
    assert torch.equal(rows(0, start), torch.cat(tokens.pages()))


def test_dropping_the_last_rows_lets_the_next_append_take_their_place():
    tokens = table()
    for start in range(0, 40, 2):
        tokens.append(rows(start, 2))
    tokens.drop_last(2)
    tokens.append(rows(100, 2))
    tokens.drop_last(2)
    assert torch.equal(rows(0, 38), torch.cat(tokens.pages()))
    tokens.drop_last(38)
    assert (0, []) == (len(tokens), tokens.pages())


def test_keep_leaves_the_named_rows_in_one_page():
    tokens = table()
    for start in range(0, 40, 2):
        tokens.append(rows(start, 2))
    index = torch.tensor([0, 3, 17, 39])
    assert torch.equal(rows(0, 40)[[39, 0]], tokens.take(torch.tensor([39, 0])))
    tokens.keep(index)
    assert torch.equal(rows(0, 40)[index], torch.cat(tokens.pages()))
    tokens.append(rows(50, 2))
    assert torch.equal(torch.cat([rows(0, 40)[index], rows(50, 2)]), torch.cat(tokens.pages()))
    tokens.keep(torch.zeros(0, dtype=torch.long))
    assert 0 == tokens.nbytes
