"""``vosbench plot`` on a run of real processes, and the figure that every run ends with."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from vosbench.cli import vosbench
from vosbench.errors import UsageError
from vosbench.report.plots_data import NothingToDrawError


@pytest.fixture
def call(tiny, write_adapter):
    """Gives back a function that calls the command line; the run ``out`` has two methods on the tiny suite."""
    adapters = (write_adapter(), write_adapter("leaky", "leak"))
    flags = [flag for path in adapters for flag in ("--adapter", str(path))]
    data = ["--suite", str(tiny), "--data", str(tiny.parent)]
    methods = ["--methods", "mine,leaky", "--threads", "1", "--warm-up", "0", "--out", "out", "--json"]

    def run(*words):
        return CliRunner().invoke(vosbench, words, catch_exceptions=False)

    done = run("run", *data, *methods, *flags)
    assert 0 == done.exit_code, done.output
    return run


def test_a_run_ends_with_a_figure_and_plot_draws_the_others(call, tmp_path):
    names = {"memory-accuracy.csv", "memory-accuracy.pdf", "memory-accuracy.png", "memory-accuracy.svg"}
    assert names == {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    done = call("plot", "out", "--kind", "footprint", "--width", "double")
    assert (0, True) == (done.exit_code, done.output.startswith("written: "))
    with (tmp_path / "out" / "figures" / "footprint.csv").open() as stream:
        held = [float(row["y"]) for row in csv.DictReader(stream) if row["panel"] == "Leaky"]
    assert [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] == held
    for kind in ("memory-frames", "fps-frames", "quality-time"):
        assert 0 == call("plot", "out", "--kind", kind, "--video", "bb", "--out", "elsewhere").exit_code
    assert 12 == len(list((tmp_path / "elsewhere").iterdir()))
    told = json.loads(call("plot", "out", "--kind", "pareto", "--x", "memory", "--json").output)
    assert ("pareto-memory", 4) == (told["plot"]["name"], len(told["written"]))
    assert {"Mine", "Leaky"} <= {series["label"] for series in told["plot"]["panels"][0]["series"]}
    with pytest.raises(NothingToDrawError, match="no figure ladder"):
        call("plot", "out", "--kind", "ladder")
    with pytest.raises(UsageError, match="this run has no method 'mime'"):
        call("plot", "out", "--methods", "mime")


@pytest.mark.filterwarnings("default")
def test_characters_that_no_font_has_are_one_note(vosbench, made):
    made.add("xmem", title="\N{CJK UNIFIED IDEOGRAPH-6F22}")
    said = vosbench("plot", made.run.path)
    assert 0 == said.status
    assert ["note: no font here has \N{CJK UNIFIED IDEOGRAPH-6F22}"] == [
        line.partition(": PDF")[0] for line in said.err.splitlines()
    ]
