"""What the key of a cell covers, and where the cell lives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from vosbench.contract import Runtime, Weights
from vosbench.records import CellSpec, MethodSpec, SuiteSpec


@pytest.fixture
def spec():
    suite = SuiteSpec(
        name="s",
        title="S val",
        file=Path("s.yaml"),
        root=Path("data"),
        split="val",
        protocol="p",
        synthetic=False,
        official_videos=3,
    )
    method = MethodSpec(
        name="m@v",
        label="m@v k=1",
        title="M",
        settings={"k": 1},
        weights=Weights(kind="random", seed=1),
        source="digest",
    )
    return CellSpec(
        suite=suite, method=method, runtime=Runtime(), video="a", video_digest="d", warmup_frames=2, fingerprint="f"
    )


def _with(spec, part, **changes):
    return dataclasses.replace(spec, **{part: dataclasses.replace(getattr(spec, part), **changes)})


def test_everything_that_can_change_the_answer_or_its_time_changes_the_method_key(spec):
    changed = [
        spec,
        _with(spec, "method", name="m"),
        _with(spec, "method", settings={"k": 2}),
        _with(spec, "method", source="other"),
        _with(spec, "method", weights=Weights(kind="random", seed=2)),
        _with(spec, "method", weights=Weights(kind="checkpoint", sha256="x")),
        _with(spec, "runtime", device="cuda:0"),
        _with(spec, "runtime", precision="fp16"),
        _with(spec, "runtime", compile=True),
        _with(spec, "runtime", threads=2),
        _with(spec, "runtime", seed=1),
        _with(spec, "suite", title="S val (synthetic)"),
        _with(spec, "suite", split="train"),
        dataclasses.replace(spec, max_frames=3),
        dataclasses.replace(spec, warmup_frames=3),
        dataclasses.replace(spec, core=True),
        _with(spec, "runtime", scales=(1.0, 1.3)),
        _with(spec, "runtime", flip=True),
        _with(spec, "mode", short_side=600),
        _with(spec, "mode", one_core=True),
        _with(spec, "mode", realtime=30.0),
        _with(spec, "mode", memory_budget=1 << 30),
        dataclasses.replace(spec, fingerprint="g"),
    ]
    assert len(changed) == len({cell.method_key for cell in changed})
    assert len(changed) == len({cell.folder.parent for cell in changed})


def test_the_video_and_the_pass_change_the_key_and_not_the_method_key(spec):
    changed = [
        spec,
        dataclasses.replace(spec, video="b"),
        dataclasses.replace(spec, video_digest="e"),
        dataclasses.replace(spec, repeat=1),
    ]
    assert 4 == len({cell.key for cell in changed})
    assert {spec.method_key} == {cell.method_key for cell in changed}


def test_where_things_lie_and_what_they_are_called_changes_no_key(spec):
    moved = _with(_with(spec, "suite", root=Path("elsewhere"), file=Path("other.yaml")), "method", title="Other")
    weights = Weights(kind="random", seed=1, path=Path("moved"))
    assert spec.key == _with(moved, "method", weights=weights).key


def test_a_cell_lives_under_suite_label_and_video(spec):
    assert Path("s", f"m@v_k=1-{spec.method_key[:8]}", "a.0") == spec.folder


def test_a_label_cannot_lead_out_of_the_run(spec):
    folder = _with(spec, "method", label="m path=../../etc/x").folder
    assert 3 == len(folder.parts)
    assert ".." not in folder.parts
