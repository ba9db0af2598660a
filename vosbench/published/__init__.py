"""The numbers that papers published, as data: read, linted and compared with each other.

Every table of the five papers lies in ``results/published/`` as it is printed; nothing is filled in. A published
number is never ranked with a measured one.
"""

from __future__ import annotations

from vosbench.published.conflicts import Conflict, find_conflicts
from vosbench.published.lint import Finding, lint_tables
from vosbench.published.numbers import METRICS, Metric, PublishedNumber
from vosbench.published.reading import read_errata, read_published, read_tables, select_numbers
from vosbench.published.tables import Erratum, PublishedTable

__all__ = [
    "METRICS",
    "Conflict",
    "Erratum",
    "Finding",
    "Metric",
    "PublishedNumber",
    "PublishedTable",
    "find_conflicts",
    "lint_tables",
    "read_errata",
    "read_published",
    "read_tables",
    "select_numbers",
]
