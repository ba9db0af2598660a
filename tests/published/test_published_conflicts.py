import dataclasses

import pytest

from vosbench.published import find_conflicts


@pytest.fixture
def xmem(numbers):
    """XMem's frame rate on DAVIS 2017 in its own paper."""
    (found,) = (n for n in numbers if (n.table, n.method, n.variant, n.column) == ("2", "xmem", "", "D17 FPS"))
    return found


def values(conflicts):
    return [[number.value for number in conflict.numbers] for conflict in conflicts]


def elsewhere(number, **changes):
    return dataclasses.replace(number, **{"paper": "mavos", "table": "9"} | changes)


def test_the_known_contradictions_are_found(numbers):
    found = {(c.method, c.variant, c.suite, c.metric): c for c in find_conflicts(numbers)}
    speed = found["xmem", "", "davis2017", "frames_per_second"]
    assert {8.4, 22.6, 24.2} == {n.value for n in speed.numbers}
    assert {62.2, 81.3} == {n.value for n in found["xmem", "", "", "parameters"].numbers}
    assert {6.2, 29.3} == {n.value for n in found["deaot-l", "", "davis2017", "frames_per_second"].numbers}
    assert {90.6, 91.0} == {n.value for n in found["mobilevos", "r18", "davis2016", "J&F"].numbers}
    assert {0.0, 1.0} == {n.value for n in found["xmem", "bl30k", "", "constant_cost"].numbers}


def test_the_widest_gap_stands_first(numbers):
    gaps = [conflict.gap for conflict in find_conflicts(numbers)]
    assert sorted(gaps, reverse=True) == gaps
    assert all(0 < gap <= 1 for gap in gaps)


def test_xmem_agrees_with_itself(numbers):
    """A typing error of ours in one of its nineteen tables would show here."""
    assert () == find_conflicts(n for n in numbers if n.paper == "xmem")


def test_what_rounding_explains_is_no_contradiction(xmem):
    assert () == find_conflicts([xmem, elsewhere(xmem, value=22.7)])
    assert [[22.6, 22.8]] == values(find_conflicts([xmem, elsewhere(xmem, value=22.8)]))
    assert () == find_conflicts([xmem, elsewhere(xmem, value=23.0, decimals=0)])


@pytest.mark.parametrize(
    "change",
    [
        {"hardware": "NVIDIA A40"},
        {"protocol": "600p, r = 5"},
        {"variant": "bl30k"},
        {"suite": "davis2016"},
        {"relation": "<"},
        {"value": None, "oom": True},
    ],
)
def test_what_was_taken_otherwise_does_not_contradict(xmem, change):
    assert () == find_conflicts([xmem, elsewhere(xmem, **{"value": 10.0} | change)])


def test_what_names_no_hardware_may_be_the_same(xmem):
    assert [[10.0, 22.6]] == values(find_conflicts([xmem, elsewhere(xmem, value=10.0, hardware="")]))


def test_two_cells_of_one_row_do_not_contradict(xmem):
    assert () == find_conflicts([xmem, dataclasses.replace(xmem, column="other", value=10.0)])
