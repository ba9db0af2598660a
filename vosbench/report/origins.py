"""When records were measured and with what versions, in words: what is printed later says so of then."""

from __future__ import annotations

from collections.abc import Iterable

from vosbench.records import Record

TOLD = ("vosbench", "torch")
"""The packages whose versions stand below tables and figures."""


def days_of(records: Iterable[Record]) -> str:
    """Gives back the day on which records were measured, or the first and the last of several; UTC."""
    days = sorted({record.started[:10] for record in records})
    return " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))


def versions_of(records: Iterable[Record]) -> str:
    """Gives back the versions that measured records, '' where none says them."""
    versions = [record.machine.versions for record in records]
    found = {name: sorted({one[name] for one in versions if one.get(name)}) for name in TOLD}
    return ", ".join(f"{name} {' or '.join(numbers)}" for name, numbers in found.items() if numbers)


def measured(days: str, versions: str) -> str:
    """Gives back a sentence of the two, without its full stop."""
    return f"Measured {days}" + (f" with {versions}" if versions else "")
