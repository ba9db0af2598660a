"""One published number, the metrics there are, and a table's cell as it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Source = Literal["table", "prose"]
Relation = Literal["=", "<", "≈"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a metric is measured in and where its values can lie.

    Attributes:
        unit: The unit, unless a column names another.
        low: The smallest possible value, in that unit.
        high: The largest plausible value: beyond it a column has slipped.
        better: Which values are better.
        machine: Whether it depends on hardware, precision and clock.
    """

    unit: str
    low: float = 0.0
    high: float = 100.0
    better: Literal["higher", "lower", "neither"] = "higher"
    machine: bool = False


_PERCENT = Metric(unit="percent")

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        **dict.fromkeys(("J&F", "J", "F", "G", "J-seen", "F-seen", "J-unseen", "F-unseen"), _PERCENT),
        **dict.fromkeys(("AP", "AP50", "AP75", "AP-small", "AP-medium", "AP-large", "AR1"), _PERCENT),
        "J&F change from 1x to 3x": Metric(unit="points", low=-100),
        "constant_cost": Metric(unit="mark", high=1, better="neither"),
        "frames_per_second": Metric(unit="frames per second", high=500, machine=True),
        "milliseconds_per_frame": Metric(unit="ms", high=2000, better="lower", machine=True),
        "peak_memory": Metric(unit="MB", high=100_000, better="lower", machine=True),
        "parameters": Metric(unit="millions", high=1000, better="neither"),
        "energy": Metric(unit="Wh per 10 minutes", better="lower", machine=True),
        "flops": Metric(unit="G", better="lower"),
        "compression_ratio": Metric(unit="percent", high=20_000),
    }
)
"""The metrics of the published tables. G is the mean of J and F over seen and unseen classes (YouTube-VOS).

``constant_cost`` is 1 where a paper marks a method as one of bounded memory, else 0.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedNumber:
    """One number of one cell.

    Attributes:
        method: The method, by the harness's name where it has one.
        variant: What sets the row apart from the method's default; empty for the default.
        suite: The harness's name of the suite; empty where the number belongs to none (parameters).
        metric: A key of `METRICS`.
        value: The number in ``unit``; None where the method ran out of memory.
        spread: The standard deviation that is printed with it, None where there is none.
        relation: "<" and "≈" where the paper gives only a bound or an estimate.
        decimals: Digits after the point as printed: the number is known to half of the last one.
        unit: The unit of value and spread.
        oom: Whether the paper reports that the method ran out of memory.
        hardware: The device; empty where the paper does not name it, or where it has no part in the metric.
        precision: Likewise.
        clock: What the paper says about what is timed and how, likewise.
        protocol: Input size, insertion interval and the like, as far as the paper names them.
        paper: The paper's key.
        table: The table's number as printed, or "prose".
        row: The row's label as printed.
        column: The column's name in its file.
        lines: First and last line of the flattened text of the paper.
        source: Whether it stands in the text's table or only in its prose.
        reservation: What holds for all of the paper's numbers ("unverified by its authors' release").
        note: What else the reader must know about it.
    """

    method: str
    variant: str
    suite: str
    metric: str
    value: float | None
    spread: float | None
    relation: Relation
    decimals: int
    unit: str
    oom: bool
    hardware: str
    precision: str
    clock: str
    protocol: str
    paper: str
    table: str
    row: str
    column: str
    lines: tuple[int, int]
    source: Source
    reservation: str
    note: str

    @property
    def half_digit(self) -> float:
        """Half of the last printed digit: what rounding may have hidden."""
        return 0.5 * 10.0**-self.decimals

    @property
    def label(self) -> str:
        """The method with its variant."""
        return f"{self.method} ({self.variant})" if self.variant else self.method


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A printed cell that holds something."""

    value: float | None
    spread: float | None
    relation: Relation
    decimals: int
    signs: str


NOTHING = ("-", "n/a")
"""What a cell reads where the paper prints no number."""

_CELL = re.compile(
    r"(?P<relation>[<≈]?)(?P<value>-?\d[\d,]*(?:\.(?P<decimals>\d+))?)"
    r"(?:±(?P<spread>\d+(?:\.\d+)?))?(?:%|ms|G)?(?P<signs>[†‡\u2217]*)"
)
_WORDS = {"OOM": None, "✓": 1.0, "✗": 0.0}


def parse_cell(text: str) -> Cell | None:
    """Gives back what a printed cell says, None where it says nothing.

    Raises `ValueError` where it is neither a number nor one of the few words that tables use.
    """
    if text in NOTHING:
        return None
    if text in _WORDS:
        return Cell(value=_WORDS[text], spread=None, relation="=", decimals=1, signs="")
    found = _CELL.fullmatch(text)
    if found is None:
        raise ValueError(f"the cell '{text}' is no number")
    relation: Relation = "<" if found["relation"] == "<" else "≈" if found["relation"] else "="
    return Cell(
        value=float(found["value"].replace(",", "")),
        spread=float(found["spread"]) if found["spread"] else None,
        relation=relation,
        decimals=len(found["decimals"] or ""),
        signs=found["signs"],
    )
