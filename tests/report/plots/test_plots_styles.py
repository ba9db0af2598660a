"""One look per method, everywhere the same, no two alike, readable in grey."""

from __future__ import annotations

import pytest

from vosbench.report.plots_styles import COLOURS, assign_styles, blend, ink, luminance, self_check_styles, shades

FAMILIES = ("stcn", "xmem", "aot-l", "deaot-l", "mavos", "mobilevos", "sam2-lite", "mobileinst", "sam2", "edgetam")


def test_the_families_of_this_project_have_ten_colours_that_hold_in_any_company():
    together = assign_styles(FAMILIES)
    assert len(FAMILIES) == len({style.colour for style in together.values()})
    assert together == {name: assign_styles([name])[name] for name in FAMILIES}


def test_a_method_gives_way_to_no_variant():
    variants = [f"xmem@{number}" for number in range(20)]
    assert assign_styles(["xmem"])["xmem"] == assign_styles([*variants, "xmem"])["xmem"]


def test_no_two_of_many_methods_look_alike_nor_does_the_order_matter():
    names = [f"method-{number}" for number in range(35)]
    styles = assign_styles(names)
    assert len(names) == len(set(styles.values()))
    assert styles == assign_styles(reversed(names))


def test_colours_come_twice_only_where_all_are_taken():
    assert len(COLOURS) == len({style.colour for style in assign_styles(map(str, range(len(COLOURS)))).values()})


def test_methods_differ_in_marker_as_well_so_that_grey_print_tells_them_apart():
    assert len(FAMILIES) == len({style.marker for style in assign_styles(FAMILIES).values()})


def test_self_checks_are_thin_and_grey():
    styles = self_check_styles(["null", "echo"])
    assert all(style.thin for style in styles.values())
    assert {styles["echo"].colour} == {styles["null"].colour}
    assert styles["echo"] != styles["null"]


def test_the_settings_of_a_method_are_shades_that_begin_with_its_own_colour():
    own = assign_styles(["xmem"])["xmem"]
    made = shades(own, 4)
    assert own == made[0]
    assert 4 == len({(shade.colour, shade.marker) for shade in made})
    assert sorted(luminance(shade.colour) for shade in made) == [luminance(shade.colour) for shade in made]


@pytest.mark.parametrize("colour", COLOURS)
def test_text_is_dark_enough_on_white(colour):
    assert 1.05 / (luminance(ink(colour)) + 0.05) >= 4.5


def test_blending_goes_from_one_colour_to_the_other():
    assert ("#102030", "#ffffff", "#808080") == (
        blend("#102030", "#ffffff", 0),
        blend("#102030", "#ffffff", 1),
        blend("#000000", "#ffffff", 0.5),
    )
