"""A study's tables: the paper's rows, what the run measured, and the published values beside."""

from __future__ import annotations

from dataclasses import replace
from statistics import stdev

import pytest

from vosbench.contract import Weights
from vosbench.errors import UsageError
from vosbench.plain import to_plain
from vosbench.records import Outcome
from vosbench.registry import Registry
from vosbench.report.rows import method_rows, read_cells
from vosbench.report.study import study_views
from vosbench.report.study_files import finish_study
from vosbench.report.table_columns import headline_of
from vosbench.studies import Study, StudyColumn, StudyFigure, StudyRow, StudyTable

ROWS = (
    StudyRow(printed="Consolidation", run="xmem"),
    StudyRow(printed="Local window", run="xmem@window"),
)


def study(*rows: StudyRow, table: str = "7", columns: tuple[StudyColumn, ...] = (), **more: object) -> Study:
    tables = (StudyTable(paper="xmem", table=table, rows=rows or ROWS, columns=columns),)
    return Study(schema=1, name="mine", title="Mine", suites=("long-time",), tables=tables, **more)


def settings_of(text: str, **overrides: str):
    return to_plain(Registry().method(text, overrides).settings)


@pytest.fixture
def add(made):
    """Gives back a function that publishes a cell of a method on Long-time Video, as XMem's settings have it."""

    def publish(text: str, *, times: int = 1, change: dict[str, str] | None = None, **cell: object) -> None:
        name = f"long-time@{times}x" if times > 1 else "long-time"
        suite = made.suite(name, f"Long-time Video{f' ({times}x)' if times > 1 else ''}", times=times)
        chosen = {key: settings_of(text, **(change or {}))[key] for key in change or {}}
        made.add(text, suite=suite, settings=settings_of(text), chosen=chosen, **cell)

    return publish


def views(made, one: Study):
    return study_views(method_rows(read_cells(made.run)), one, Registry())


def test_measured_and_published_stand_side_by_side(made, add):
    add("xmem", jf=81.0)
    add("xmem", times=3, jf=80.5)
    add("xmem@window", jf=70.0)
    (view,) = views(made, study())
    assert ("published row", "run here", "L1x, here", "L1x, XMem") == view.head[:4]
    assert ("Consolidation", "xmem", "81.0", "89.8 ± 0.2", "80.5", "90.0 ± 0.4", "-0.5", "0.2") == view.lines[0]
    assert ("Local window", "xmem@window", "70.0", "86.2 ± 1.5", "-", "85.5 ± 0.9", "-", "-0.7") == view.lines[1]
    assert any("not ranked" in footer for footer in view.footers)


def test_offsets_of_two_numbers_are_passes_of_their_own(made, add):
    for offset, jf in (((0, 5), 70.0), ((1, 5), 72.0), ((1, 3), 80.0)):
        add("xmem", jf=jf, offset=offset)
    cells = read_cells(made.run)
    told_apart = [replace(cell, record=replace(cell.record, masks_digest=cell.folder.name)) for cell in cells]
    (row,) = method_rows(told_apart)
    assert (3, False) == (row.passes, row.outputs_differ)
    assert row.deviations[headline_of(row)] == pytest.approx(stdev([70.0, 72.0, 80.0]))


def test_offsets_give_mean_and_deviation(made, add):
    for offset, jf in enumerate((70.0, 72.0, 74.0)):
        add("xmem", jf=jf, offset=(offset, 3))
    (view,) = views(made, study())
    assert "72.0 ± 2.0" == view.lines[0][2]
    assert any("over the passes" in footer for footer in view.footers)


def test_rows_of_one_method_are_told_apart_by_their_settings(made, add):
    rows = (
        StudyRow(printed="500", run="xmem max_long_term_elements=500"),
        StudyRow(printed="10,000", run="xmem"),
    )
    add("xmem", times=3, jf=60.0, change={"max_long_term_elements": "500"})
    add("xmem", times=3, jf=65.0)
    (view,) = views(made, study(*rows, table="S1"))
    assert ["60.0", "65.0"] == [line[2] for line in view.lines]
    assert all(line[4].endswith(" MiB") for line in view.lines)


def test_what_ran_out_of_memory_and_what_is_missing_say_so(made, add):
    add("xmem", outcome=Outcome(status="oom", frame=3))
    (view,) = views(made, study())
    assert ("OOM", "-") == (view.lines[0][2], view.lines[1][2])


def test_random_weights_have_no_accuracy(made, add):
    add("xmem", weights=Weights(kind="random"))
    (view,) = views(made, study())
    assert "-" == view.lines[0][2]
    assert "Random weights here: they have no accuracy." in view.footers


def test_columns_of_a_study_may_have_several_published_ones_and_one_video(made):
    suite = made.suite("throughput", "Throughput", noise=True)
    for frames in (50, 500):
        made.add("stcn", suite=suite, video=f"frames-{frames}-objects-1", frames=10, settings=settings_of("stcn"))
    column = StudyColumn(
        title="FPS",
        metric="frames_per_second",
        suite="throughput",
        video="frames-50-objects-1",
        published=("A40 short", "1080Ti short"),
    )
    table = StudyTable(
        paper="mobilevos", table="4", rows=(StudyRow(printed="STCN [10]", run="stcn"),), columns=(column,)
    )
    one = Study(schema=1, name="mine", title="Mine", suites=("throughput",), tables=(table,))
    (view,) = views(made, one)
    assert ("FPS, here", "MobileVOS: A40 short", "MobileVOS: 1080Ti short") == view.head[2:]
    assert (("STCN [10]", "stcn", "20.0", "37.4", "18.1"),) == view.lines


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (study(table="77"), "no table 77 of the paper 'xmem'"),
        (study(StudyRow(printed="Consolidatoin", run="xmem")), "has no row 'Consolidatoin'"),
        (
            study(columns=(StudyColumn(title="x", metric="J&F", suite="", published=("L9x",)),)),
            "has no column 'L9x'",
        ),
        (study(columns=(StudyColumn(title="x", metric="speed", suite=""),)), "has no metric 'speed'"),
    ],
)
def test_a_study_of_what_is_not_published_is_refused(made, one, what):
    with pytest.raises(UsageError, match=what):
        views(made, one)


def test_a_finished_study_leaves_tables_and_figures_and_says_what_it_could_not_draw(made, add):
    add("xmem")
    one = study(figures=(StudyFigure(kind="memory-accuracy"), StudyFigure(kind="fps-frames", suites=("lvos-v1",))))
    finished = finish_study(made.run, one, Registry())
    names = {path.name for path in finished.written}
    assert {"mine-xmem-7.md", "mine-xmem-7.csv", "memory-accuracy.svg"} <= names
    assert "89.8 ± 0.2" in (made.run.path / "tables" / "mine-xmem-7.md").read_text()
    assert ("no figure fps-frames: this run is not on lvos-v1",) == finished.missing


def _reuse_study(*tables: StudyTable) -> Study:
    return Study(schema=1, name="mine", title="Mine", suites=("youtube-vis-2021",), tables=tables)


def _reuse_table(printed: str, metric: str) -> StudyTable:
    columns = tuple(
        StudyColumn(title=f"T = {reuse}", metric=metric, suite="youtube-vis-2021", run=f"reuse={reuse}",
                    published=(f"w/ T={reuse}",))
        for reuse in (1, 6)
    )  # fmt: skip
    rows = (StudyRow(printed=printed, run="mobileinst"),)
    return StudyTable(paper="mobileinst", table="7", rows=rows, columns=columns)


@pytest.fixture
def reused(made):
    """Gives back a run of MobileInst at two T, which is slower on the first of so many frames."""
    suite = made.suite("youtube-vis-2021", "YouTube-VIS 2021")
    for reuse in (1, 6):
        settings = settings_of("mobileinst", reuse=str(reuse))
        made.add("mobileinst", suite=suite, settings=settings, chosen={"reuse": reuse}, frames=12,
                 seconds=lambda t, reuse=reuse: 0.14 + 0.06 * ((t - 1) % reuse == 0))  # fmt: skip
    return made


def test_a_column_may_be_a_setting_of_its_own(reused):
    one = _reuse_study(_reuse_table("latency (ms)", "milliseconds_per_frame"))
    assert ("mobileinst reuse=1", "mobileinst reuse=6") == one.methods
    (view,) = views(reused, one)
    # a keyframe takes 200 ms and the others 140 ms, and the mean holds both
    assert (("latency (ms)", "mobileinst", "200", "154", "150", "140"),) == view.lines


def test_parts_of_one_published_table_have_files_of_their_own(reused):
    parts = (_reuse_table("global-local", "AP"), _reuse_table("latency (ms)", "milliseconds_per_frame"))
    names = {path.name for path in finish_study(reused.run, _reuse_study(*parts), Registry()).written}
    assert {"mine-mobileinst-7.csv", "mine-mobileinst-7-2.csv"} <= names


def test_scores_by_size_are_found_under_the_papers_names(made, monkeypatch):
    monkeypatch.setattr("vosbench.report.cells.read_measures", lambda cells: {"AP": 0.3, "APs": 0.125})
    made.add("mobileinst", suite=made.suite("coco", task="vis", protocol="coco"), settings=settings_of("mobileinst"))
    column = StudyColumn(title="small", metric="AP-small", suite="coco", published=("APS",))
    rows = (StudyRow(printed="MobileInst | TopFormer", run="mobileinst"),)
    table = StudyTable(paper="mobileinst", table="1", rows=rows, columns=(column,))
    (view,) = views(made, Study(schema=1, name="mine", title="Mine", suites=("coco",), tables=(table,)))
    assert ("12.5", "10.3") == view.lines[0][2:]
