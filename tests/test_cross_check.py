"""The official tools beside our scores: the real ones where they are installed, and made-up ones that differ."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vosbench.cross_check import cross_check
from vosbench.data.masks import read_mask, write_mask
from vosbench.data.suite import at_split, find_suite
from vosbench.errors import UsageError
from vosbench.metrics.protocol import find_protocol

REAL = os.environ.get("VOSBENCH_TOOLS_PYTHON") or sys.executable
"""An interpreter that has the official tools, where it is not this one."""

FOLDER = os.environ.get("VOSBENCH_TOOLS_PATH")
"""A folder with those tools that are on PyPI, filled as `tests/official-tools.txt` says."""

FAKE = """
class VideoEvaluator:
    def __init__(self, truth, masks):
        pass

    def __call__(self, video):
        {body}
"""


@pytest.fixture
def masks(tiny):
    """Gives back masks of the tiny suite that are a little wrong: those of the frame before."""
    for folder in sorted((tiny.parent / "Tiny" / "Annotations").iterdir()):
        (Path("masks") / folder.name).mkdir(parents=True)
        paths = sorted(folder.iterdir())
        for path, before in zip(paths, paths[:1] + paths, strict=False):
            shutil.copy(before, Path("masks") / folder.name / path.name)
    return Path("masks")


@pytest.fixture
def check(tiny, masks):
    """Gives back a function that checks the masks by a protocol: the tools' answers by name."""

    def call(protocol="davis2017-semi", python=sys.executable):
        suite = at_split(find_suite(str(tiny))[0], "val")
        found = cross_check(masks, suite, tiny.parent / "Tiny", ("aa", "bb"), find_protocol(protocol), python)
        return {entry.tool: entry for entry in found}

    return call


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Gives back a function that plugs in a vos-benchmark of one's own."""

    def plug(body):
        package = tmp_path / "fakes" / "vos_benchmark"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "benchmark.py").write_text(FAKE.format(body=body))
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return plug


@pytest.fixture
def tools(monkeypatch):
    """Lets the interpreter of the tools find those in `FOLDER`."""
    if FOLDER is not None:
        monkeypatch.setenv("PYTHONPATH", FOLDER)


def _need(module):
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
    if subprocess.run([REAL, "-c", code], check=False).returncode:
        pytest.skip(f"{module} is not installed: see tests/official-tools.txt, or set VOSBENCH_TOOLS_PYTHON")


@pytest.mark.parametrize(
    ("tool", "module", "protocol", "compared"),
    [
        ("vos-benchmark", "vos_benchmark", "vos-benchmark", 3),
        ("TrackEval", "trackeval", "davis2017-unsup", 2),
        ("davis2017-evaluation", "davis2017", "davis2017-semi", 3),
    ],
)
def test_the_real_tool_agrees(check, tools, tool, module, protocol, compared):
    _need(module)
    found = check(protocol, REAL)[tool]
    assert ("", (), compared) == (found.problem, found.differences, found.compared)
    assert 0 < found.mean < 1
    assert found.largest < 1e-12


def test_what_is_not_installed_is_said(check, fake):
    fake("return None")
    found = check()["davis2017-evaluation"]
    assert f"not installed for {sys.executable}" == found.problem
    assert found.mean is None
    assert not found.unexplained


def test_a_tool_that_differs_without_a_reason_is_told(check, fake):
    fake("return video, {1: 50.0}, {1: 25.0}")
    found = check("vos-benchmark")["vos-benchmark"]
    assert found.unexplained
    assert {"aa_1": (0.5, 0.25), "bb_1": (0.5, 0.25)} == {
        entry.label: entry.there for entry in found.differences if entry.label != "bb_2"
    }
    assert "bb_2" in {entry.label for entry in found.differences}  # which the tool does not have
    assert () == found.by_design
    assert 0.375 == found.mean


def test_other_rules_are_told_apart_in_words(check, fake):
    fake("return video, {}, {}")
    sentences = check("davis2017-unsup")["vos-benchmark"].by_design
    assert ["frames", "objects", "void", "matching"] == [sentence.split(":")[0] for sentence in sentences]
    assert "every annotated frame counts" in sentences[0]


def test_a_tool_that_stops_is_quoted(check, fake):
    fake("print('no such thing'); raise SystemExit(0)")
    assert "no such thing" in check()["vos-benchmark"].problem


def test_single_objects_are_handed_over_as_one(check, fake, masks):
    """By davis2016 every label but 0 is the object, and the tool sees it as 1."""
    mask = read_mask(masks / "bb" / "00002.png")
    write_mask(masks / "bb" / "00002.png", mask * 100)
    body = (
        "import numpy, PIL.Image; "
        "print(numpy.unique(numpy.array(PIL.Image.open(f'predictions/{{video}}/00002.png')))); raise SystemExit(3)"
    )
    fake(body.replace("{{", "{").replace("}}", "}"))
    assert "status 3: [0 1]" in check("davis2016")["vos-benchmark"].problem


def test_an_interpreter_that_there_is_not_is_an_error(check):
    with pytest.raises(UsageError, match="cannot be run"):
        check(python="/nowhere/python")


def test_no_tool_scores_folders_per_object(check):
    with pytest.raises(UsageError, match="sav"):
        check("sav")


def test_nothing_is_left_behind(check, fake, masks, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    fake("return video, {}, {}")
    check()
    assert [] == list((tmp_path / "temporary").iterdir())
    assert ["aa", "bb"] == sorted(path.name for path in masks.iterdir())
