"""Helpers of the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vosbench.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def vosbench(clean_environment: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Gives back a function that runs the command line in this process."""

    def call(*arguments: object) -> Said:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return Said(status=int(status or 0), out=out, err=err)

    return call


@pytest.fixture
def run_tiny(vosbench: Callable[..., Said], tiny: Path) -> Callable[..., Said]:
    """Gives back a function that runs methods on the tiny suite, without warm-up, into the folder ``run``."""

    def call(methods: str, *arguments: object, adapters: tuple[Path, ...] = ()) -> Said:
        plugged = [word for path in adapters for word in ("--adapter", path)]
        fixed = ["--data", tiny.parent, "--threads", 1, "--warm-up", 0, "--out", "run"]
        return vosbench("run", "--suite", tiny, "--methods", methods, *fixed, *plugged, *arguments)

    return call
