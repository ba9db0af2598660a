"""Proves adapters: their behaviour on small videos, and their numbers against stored reference outputs."""

from __future__ import annotations

from vosbench.check.behaviour import behaviour_status, check_method
from vosbench.check.parity import check_parity, parity_status
from vosbench.check.results import CheckResult, FixtureResult
from vosbench.check.tallies import Comparison

__all__ = [
    "CheckResult",
    "Comparison",
    "FixtureResult",
    "behaviour_status",
    "check_method",
    "check_parity",
    "parity_status",
]
