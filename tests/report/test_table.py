"""A table's columns, marks, notes and footers."""

from __future__ import annotations

import pytest

from vosbench.growth import Growth
from vosbench.report.measures import MIB
from vosbench.report.table_footers import CLOCK, Origin
from vosbench.report.table_styles import build_tables
from vosbench.stats import Slope

ORIGIN = Origin(machine="CPU x, 1 of 2 cores", versions="vosbench 0", date="2026-01-01")


def _table(rows):
    (table,) = build_tables(rows, ORIGIN)
    return table


def _marks(rows, key):
    table = _table(rows)
    index = [column.key for column in table.columns].index(key)
    return [line.values[index].mark for line in table.lines]


def _growth(verdict, rule=None, slope=0.0):
    return Growth(frames_100_to_200=rule, tail=Slope(value=slope, low=slope, high=slope), verdict=verdict)


def test_a_table_per_suite(row):
    tables = build_tables([row("a"), row("b", suite_title="T (synthetic)"), row("c")], ORIGIN)
    assert [("S val", 2), ("T (synthetic)", 1)] == [(table.title, len(table.lines)) for table in tables]
    assert ["s-val", "t-synthetic"] == [table.name for table in tables]


def test_scores_come_first_then_speed_then_memory(row):
    table = _table([row("a", scores={"J&F-Mean": 50.0, "J-Mean": 40.0})])
    keys = [column.key for column in table.columns]
    assert ["J&F-Mean", "J-Mean", "frames_per_second", "median_ms", "p99_ms"] == keys[:5]
    assert ["peak_mib", "growth_mib_per_frame", "parameters_millions"] == keys[-3:]
    assert "J&F" == table.columns[0].title


def test_the_network_part_has_a_column_where_it_was_timed(row):
    assert "core_frames_per_second" not in [column.key for column in _table([row("a")]).columns]
    timed = _table([row("a", core_frames_per_second=3.0), row("b")])
    assert "core_frames_per_second" in [column.key for column in timed.columns]


def test_best_and_second_are_marked_by_what_is_better(row):
    rows = [
        row("a", frames_per_second=10.0, median_ms=100.0, scores={"J&F-Mean": 80.0, "J-Decay": 1.0}),
        row("b", frames_per_second=30.0, median_ms=33.0, scores={"J&F-Mean": 70.0, "J-Decay": 2.0}),
        row("c", frames_per_second=20.0, median_ms=50.0, scores={"J&F-Mean": 75.0, "J-Decay": 3.0}),
    ]
    assert ["", "best", "second"] == _marks(rows, "frames_per_second")
    assert ["", "best", "second"] == _marks(rows, "median_ms")
    assert ["best", "", "second"] == _marks(rows, "J&F-Mean")
    assert ["", "", ""] == _marks(rows, "J-Decay")


def test_values_that_are_shown_equal_share_a_place_and_the_next_is_behind_all_of_them(row):
    rows = [row("a", median_ms=10.04), row("b", median_ms=9.96), row("c", median_ms=12.0)]
    assert ["best", "best", ""] == _marks(rows, "median_ms")
    rows = [row("d", median_ms=9.0), *rows]
    assert ["best", "second", "second", ""] == _marks(rows, "median_ms")


@pytest.mark.parametrize(
    "other",
    [
        {"mode": "fp16, cpu, 1 threads"},
        {"fingerprint": "other"},
        {"cut_frames": 5},
        {"planned": 3, "videos": 3},
        {"videos": 1},
        {"self_check": True},
        {"weights": "mini"},
        {"frames_per_second": None},
    ],
)
def test_rows_that_cannot_be_compared_are_not_ranked(row, other):
    rows = [row("a", frames_per_second=10.0), row("b", **({"frames_per_second": 20.0} | other))]
    assert ["", ""] == _marks(rows, "frames_per_second")


SIDES = "Shorter side at which networks see the frames: "


def test_speed_and_memory_at_different_sizes_are_not_ranked_and_accuracy_is(row):
    rows = [
        row("a", frames_per_second=10.0, peak_mib=9.0, scores={"J&F-Mean": 70.0}, settings={"size": 288}),
        row("b", frames_per_second=20.0, peak_mib=5.0, scores={"J&F-Mean": 80.0}, settings={"size": 240}),
    ]
    assert ["", ""] == _marks(rows, "frames_per_second")
    assert ["", ""] == _marks(rows, "peak_mib")
    assert ["second", "best"] == _marks(rows, "J&F-Mean")
    expected = f"{SIDES}288 pixels (a), 240 pixels (b): speed and memory are not ranked."
    assert expected in _table(rows).footers


def test_one_size_for_all_whoever_chose_it_is_ranked_and_not_told(row):
    mode = "fp32, cuda, short side 480"
    rows = [
        row(name, mode=mode, frames_per_second=speed, settings={"size": 480}) for name, speed in (("a", 1), ("b", 2))
    ]
    assert ["second", "best"] == _marks(rows, "frames_per_second")
    assert not any(SIDES in footer for footer in _table(rows).footers)


@pytest.mark.parametrize("settings", [{"size": -1}, {}])
def test_a_size_that_is_not_known_sets_nothing_apart(row, settings):
    """A frame's own may be the same; one that is told is told."""
    rows = [
        row("a", frames_per_second=10.0, settings={"size": 480}),
        row("b", frames_per_second=20.0, settings=settings),
    ]
    assert ["second", "best"] == _marks(rows, "frames_per_second")
    told = f"{SIDES}480 pixels (a), the frame's own (b)." in _table(rows).footers
    assert told == bool(settings)


def test_accuracy_is_ranked_whatever_the_hardware(row):
    rows = [row("a", scores={"J&F-Mean": 1.0}), row("b", scores={"J&F-Mean": 2.0}, fingerprint="other")]
    assert ["second", "best"] == _marks(rows, "J&F-Mean")
    assert any("not ranked" in footer for footer in _table(rows).footers)


def test_one_row_alone_or_equal_rows_are_not_marked(row):
    assert [""] == _marks([row("a", frames_per_second=10.0)], "frames_per_second")
    assert ["", ""] == _marks([row("a", frames_per_second=10.0), row("b", frames_per_second=10.0)], "frames_per_second")


def test_a_label_says_weights_missing_videos_and_trouble(row):
    trouble = ("aa: out of memory at frame 3: MemoryError", "bb: timed out at frame 0")
    table = _table([row("M", weights="random weights 0", videos=1, planned=3, trouble=trouble, outputs_differ=True)])
    assert "M (random weights 0) [1 of 3 videos] (a)(b)(c)" == table.lines[0].label
    assert [f"(a) {trouble[0]}", f"(b) {trouble[1]}", "(c) outputs differ between repeats"] == [
        footer for footer in table.footers if footer.startswith("(")
    ]


def test_more_notes_than_letters_go_on_with_two(row):
    table = _table([row("M", trouble=tuple(f"video {i}: error" for i in range(30)))])
    notes = [footer.split(")")[0].removeprefix("(") for footer in table.footers if footer.startswith("(")]
    assert ["a", "z", "aa", "ad"] == [notes[0], notes[25], notes[26], notes[29]]


@pytest.mark.parametrize(
    ("growth", "number", "words"),
    [
        (_growth("growing", rule=2 * MIB), 2.0, "growing; (frame 200 - frame 100) / 100"),
        (_growth("bounded", slope=0.5 * MIB), 0.5, "XMem's rule needs 200 frames"),
        (_growth("too short", slope=MIB), 1.0, "too short for a verdict"),
    ],
)
def test_growth_carries_its_verdict_and_rule(row, growth, number, words):
    table = _table([row("a", growth=growth)])
    index = [column.key for column in table.columns].index("growth_mib_per_frame")
    value = table.lines[0].values[index]
    assert (number, "a") == (value.number, value.note)
    assert any(footer.startswith("(a)") and words in footer for footer in table.footers)


def test_the_footers_make_the_table_honest(row):
    table = _table(
        [
            row(
                "a",
                suite_title="S (synthetic)",
                official_videos=30,
                cut_frames=12,
                scores={"J-Mean": 1.0},
                weights="random",
            )
        ]
    )
    text = "\n".join(table.footers)
    for words in (
        "S (synthetic): 2 videos, a subset of the official 30; cut to the first 12 frames.",
        "Synthetic videos: these figures are not those of a data set",
        "Scores in percent by protocol davis2017-semi.",
        "Random weights show speed and memory only",
        CLOCK,
        "Hardware: CPU x, 1 of 2 cores; fp32, cpu, 1 threads. Measured 2026-01-01 with vosbench 0.",
    ):
        assert words in text


def test_prompted_rows_are_marked_and_not_ranked_by_accuracy_with_others(row):
    scores = ({"AP": 50.0}, {"AP": 80.0}, {"AP": 60.0})
    rows = [
        row(name, scores=values, frames_per_second=speed, prompted=name == "b")
        for name, values, speed in zip("abc", scores, (10.0, 30.0, 20.0), strict=True)
    ]
    assert ["", "", ""] == _marks(rows, "AP")
    assert ["", "best", "second"] == _marks(rows, "frames_per_second")
    assert ["second", "best"] == _marks([rows[0], rows[2]], "AP")
    assert any(text.startswith("Prompted: ") for text in _table(rows).footers)
    assert not any(text.startswith("Prompted: ") for text in _table(rows[:1]).footers)


def test_small_models_are_ranked_among_each_other_and_those_of_their_own_kind_stand_beside(row):
    rows = [
        row("a", weights="mini", frames_per_second=10.0),
        row("b", weights="mini", frames_per_second=20.0),
        row("c", weights="mini, own trunk", frames_per_second=90.0),
    ]
    assert ["second", "best", ""] == _marks(rows, "frames_per_second")
    assert "Beside the controlled comparison, not ranked: c (mini, own trunk)." in _table(rows).footers
    rows.append(row("d", frames_per_second=30.0))
    assert ["", "", "", ""] == _marks(rows, "frames_per_second")
    assert any("full networks are not ranked together" in footer for footer in _table(rows).footers)
