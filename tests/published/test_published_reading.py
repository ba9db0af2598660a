import pytest

from vosbench.errors import UsageError
from vosbench.published import METRICS, read_errata, read_tables, select_numbers

EXPECTED = {
    "xmem": [*map(str, range(1, 9)), *(f"S{i}" for i in range(1, 12)), "prose"],
    "mobilevos": [*map(str, range(1, 9)), "prose"],
    "mavos": [*map(str, range(2, 9)), "prose"],
    "sam2-lite": ["1", "2", "3", "prose"],
    "mobileinst": [*map(str, range(1, 8)), "prose"],
}


def one(numbers, **wanted):
    (found,) = (n for n in numbers if all(getattr(n, key) == value for key, value in wanted.items()))
    return found


def test_every_table_of_the_five_papers_is_there(tables):
    found = {paper: [table.table for table in tables if table.paper == paper] for paper in EXPECTED}
    assert EXPECTED == found


def test_no_number_stands_twice_in_one_cell_and_all_say_where_they_come_from(numbers):
    places = [(n.paper, n.table, n.row, n.column) for n in numbers]
    assert len(places) == len(set(places))
    assert all(n.metric in METRICS and 0 < n.lines[0] <= n.lines[1] and n.unit for n in numbers)


def test_a_number_carries_its_spread_and_protocol(numbers):
    number = one(numbers, paper="xmem", table="1", method="stm", suite="long-time@3x", metric="J&F")
    assert (75.3, 13.0, "percent", "") == (number.value, number.spread, number.unit, number.hardware)
    assert "5 insertion offsets" in number.protocol


def test_a_dagger_names_the_card_and_its_absence_does_not(numbers):
    found = {n.method: n.hardware for n in numbers if (n.paper, n.table, n.column) == ("xmem", "2", "D17 FPS")}
    assert ("NVIDIA V100", "", "NVIDIA V100") == (found["stm"], found["cfbi"], found["xmem"])


def test_the_crosses_of_mobilevos_table_4_are_out_of_memory_and_not_seven_frames_per_second(numbers):
    found = [n for n in numbers if (n.paper, n.table) == ("mobilevos", "4") and n.oom]
    assert ["stm", "gsfm", "stcn"] == [n.method for n in found]
    assert all(n.value is None and n.hardware == "NVIDIA GTX 1080 Ti" and "500" in n.protocol for n in found)


def test_numbers_of_sam2_lite_are_marked_unverified_and_no_others(numbers):
    assert {"sam2-lite"} == {n.paper for n in numbers if n.reservation == "unverified by its authors' release"}
    assert all(n.reservation for n in numbers if n.paper == "sam2-lite")


def test_numbers_of_missing_rows_are_prose(numbers):
    found = [(n.method, n.variant, n.metric, n.value) for n in numbers if (n.paper, n.table) == ("mavos", "2")]
    assert ("mavos", "r50", "J&F", 63.3) in found
    assert 6 == len(found)
    assert {"prose"} == {n.source for n in numbers if (n.paper, n.table) == ("mavos", "2")}


def test_a_variant_of_row_and_column_is_one_name(numbers):
    number = one(numbers, paper="mobileinst", table="7", row="local-local", column="w/ T=3")
    assert ("topformer, no-se, local-local, T=3", 29.5) == (number.variant, number.value)
    latency = one(numbers, paper="mobileinst", table="7", row="latency (ms)", column="w/ T=3")
    assert ("milliseconds_per_frame", "", 143.0) == (latency.metric, latency.suite, latency.value)


def test_accuracy_has_no_hardware(numbers):
    assert {""} == {n.hardware for n in numbers if not METRICS[n.metric].machine}


def test_a_suite_brings_what_its_rows_say_of_no_suite(numbers):
    found = select_numbers(numbers, suites=["davis2017"], methods=["sam2"])
    assert {"J&F", "J", "F", "parameters", "frames_per_second", "energy"} == {n.metric for n in found}


def test_an_unknown_suite_or_method_offers_the_nearest(numbers):
    with pytest.raises(UsageError, match="davis2107") as caught:
        select_numbers(numbers, suites=["davis2107"])
    assert "davis2017" in caught.value.fix
    with pytest.raises(UsageError, match="'xmen'"):
        select_numbers(numbers, methods=["xmen"])


def test_errata_tell_the_text_s_errors_from_the_paper_s():
    kinds = {kind: sum(e.kind == kind for e in read_errata()) for kind in ("text", "paper")}
    assert kinds["text"] > 10
    assert kinds["paper"] > 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('- {printed: a, method: a, values: "1 2"}\n', "2 cells and there are 3"),
        ('- {printed: a, method: a, values: "1 2 x"}\n', "'x' is no number"),
        (
            '- {printed: a, method: a, values: "1 2 3"}\n- {printed: a, method: b, values: "1 2 3"}\n',
            "stands here twice",
        ),
        ('- {printed: a, method: a, metric: mood, values: "1 2 3"}\n', "no metric 'mood'"),
        ('- {printed: a, method: a, colour: red, values: "1 2 3"}\n', "unknown key 'colour'"),
    ],
)
def test_a_torn_table_is_refused_with_its_file(write_table, rows, message):
    with pytest.raises(UsageError, match=message) as caught:
        read_tables(write_table(rows))
    assert "table.yaml" in caught.value.where


def test_a_claim_about_a_row_that_is_not_there_is_refused(write_table):
    row = '- {printed: a, method: a, values: "1 1 1"}\n'
    claim = "claims: [{says: s, of: b, column: J, relationship: best}]\n"
    with pytest.raises(UsageError, match="there is no 'b'"):
        read_tables(write_table(row, more=claim))
