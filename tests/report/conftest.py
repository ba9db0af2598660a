"""Helpers of the tests of tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from vosbench.report.measures import Measures
from vosbench.report.rows import MethodRow

PLAIN = {
    "str": "",
    "bool": False,
    "int": 1,
    "float": 0.0,
    "tuple[str, ...]": (),
    "Mapping[str, float]": {},
    "Mapping[str, Any]": {},
    "Measures": Measures(),
}
"""What a row holds where a test says nothing; a value that may be None is None."""


@pytest.fixture
def row() -> Callable[..., MethodRow]:
    """Gives back a function that makes a row of a table, complete and measured on one machine."""

    def make(label: str, **values: Any) -> MethodRow:
        chosen = {
            "label": label,
            "suite": "s",
            "suite_title": "S val",
            "protocol": "davis2017-semi",
            "videos": 2,
            "planned": 2,
            "official_videos": 0,
            "scores": {},
            "fingerprint": "f",
            "mode": "fp32, cpu, 1 threads",
        }
        for field in dataclasses.fields(MethodRow):
            chosen.setdefault(field.name, PLAIN.get(str(field.type)))
        return MethodRow(**(chosen | values))

    return make
