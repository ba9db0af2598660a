"""``--workers``: the same run and the same scores from several processes."""

from __future__ import annotations

import json
from pathlib import Path

from vosbench.cli.workers import interpreters_of
from vosbench.errors import UsageError


def test_several_workers_give_the_run_and_the_scores_of_one(run_tiny, vosbench, tiny):
    said = run_tiny("echo,null", "--workers", 2)
    assert (0, "") == (said.status, said.err)
    assert 4 == sum(": ok, " in line for line in said.out.splitlines())
    masks = next(Path("run/tiny").glob("echo-*")) / "aa.0" / "masks"
    for video in ("aa", "bb"):
        (Path("masks") / video).parent.mkdir(exist_ok=True)
        (Path("masks") / video).symlink_to((masks.parents[1] / f"{video}.0" / "masks").resolve())
    found = [
        json.loads(
            vosbench("score", "masks", "--suite", tiny, "--data", tiny.parent, "--json", "--workers", workers).out
        )
        for workers in (1, 2)
    ]
    assert found[0] == found[1]
    assert found[0]["measures"]


def test_a_cluster_is_for_clusters(vosbench, tiny):
    said = vosbench("run", "--suite", tiny, "--methods", "echo", "--workers", 2, "--cluster", "partition=gpu")
    assert 2 == said.status
    assert "--cluster is for --backend dask, ray and slurm" in said.err


def test_the_python_of_a_method_needs_its_name():
    assert {"xmem": "/a/python"} == interpreters_of(["xmem=/a/python"])
    try:
        interpreters_of(["/a/python"])
    except UsageError as error:
        assert "--python /a/python: not understood" in error.what
    else:
        raise AssertionError("a flag without a method must be refused")
