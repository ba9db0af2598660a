"""Sweeps, curves and insertion offsets from the command line to the table and the figure."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

ADAPTER = '''\
"""Repeats its prompt, and moves it down by one pixel on every frame between ``every`` and ``shift``."""

from dataclasses import dataclass

import numpy as np

from vosbench.contract import Knob, MethodCard, setting


@dataclass(frozen=True)
class Settings:
    kept: int = setting(1, source="this test", help="rows of memory", minimum=1)
    every: int = setting(2, source="this test", help="interval", minimum=1)
    shift: int = setting(0, source="this test", help="offset", minimum=0)


class Session:
    def __init__(self, settings):
        self.settings = settings
        self.bank = np.ones((settings.kept, 1 << 20), np.uint8)

    def step(self, frame):
        if frame.prompt is not None:
            self.labels = frame.prompt.mask
        return np.roll(self.labels, self.settings.shift, axis=0)

    def finish(self):
        return None

    def close(self):
        self.bank = None


class Model:
    def __init__(self, settings):
        self.settings = settings

    def open(self, view):
        return Session(self.settings)


CARD = MethodCard(
    name="swept",
    summary="a method of this test",
    load=lambda runtime, weights, settings: Model(settings),
    settings=Settings,
    knob=Knob(setting="kept", ladder=(1, 40)),
    interval="every",
    offset="shift",
)
'''


@pytest.fixture
def swept(clean_environment):
    path = clean_environment / "swept.py"
    path.write_text(ADAPTER)
    return path


def read(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def test_a_curve_is_a_row_for_each_value_and_one_line_in_the_figure(run_tiny, swept):
    said = run_tiny("swept", "--curve", "--videos", "aa", adapters=(swept,))
    assert (0, "") == (said.status, said.err)
    assert ["swept kept=1", "swept kept=40"] == [row["method"] for row in read("run/tables/tiny.csv")]
    points = read("run/figures/memory-accuracy.csv")
    assert [("swept", "curve", "1"), ("swept", "curve", "40")] == [(p["series"], p["form"], p["note"]) for p in points]


def test_offsets_end_in_one_row_with_mean_and_deviation(run_tiny, swept):
    said = run_tiny("swept,null", "--offsets", 2, "--videos", "aa", adapters=(swept,))
    assert 0 == said.status
    assert "null has 1 of 2 insertion offsets: it cannot shift its insertions" in said.out
    rows = {row["method"]: row for row in read("run/tables/tiny.csv")}
    assert {"swept", "null"} == set(rows)
    assert float(rows["swept"]["J&F-Mean deviation"]) > 1
    assert 2 == len([path for path in Path("run/tiny").glob("swept-*/*") if path.is_dir()])
