"""The files of ``results/published/``: a paper's table as it is printed, and what its words claim about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vosbench.published.numbers import Source

Relationship = Literal["difference", "ratio", "percent less", "below", "at most", "at least", "best"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper.

    Attributes:
        key: Its name in the files.
        short: Its name for people.
        title: Title, authors, where it appeared, as far as the texts say so.
        text: The flattened text that line numbers refer to.
        reservation: What holds for all of its numbers.
    """

    key: str
    short: str
    title: str
    text: str
    reservation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The file ``papers.yaml``."""

    schema: Literal[1]
    papers: tuple[Paper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. What it leaves out is the table's; ``variant`` is added to the row's.

    Attributes:
        name: Its own name in this file.
        metric: A key of `vosbench.published.numbers.METRICS`.
        difference: Two columns whose difference it shows, first minus second.
    """

    name: str
    metric: str
    suite: str | None = None
    unit: str = ""
    variant: str = ""
    hardware: str | None = None
    precision: str | None = None
    clock: str | None = None
    protocol: str | None = None
    difference: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. What it names wins over column and table.

    Attributes:
        printed: The label as printed, several cells apart by " | ".
        values: The cells as printed, apart by spaces, one per column.
    """

    printed: str
    method: str
    values: str
    variant: str = ""
    metric: str = ""
    suite: str | None = None
    hardware: str | None = None
    precision: str | None = None
    clock: str | None = None
    protocol: str | None = None
    lines: tuple[int, int] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A sign behind numbers, and what it says of them."""

    sign: str
    means: str
    hardware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence of the paper about its own table, to be checked against the numbers.

    Attributes:
        says: The sentence, shortened.
        of: The row it speaks of.
        to: The row it compares with, where it compares.
        column: The column, by name.
        to_column: The other row's column, where it is another.
        relationship: How the two relate ("difference": of minus to; "ratio": of / to; "percent less": of against to).
        stated: The number that the sentence gives, with the digits it gives.
    """

    says: str
    of: str
    column: str
    relationship: Relationship
    stated: str = ""
    to: str = ""
    to_column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """What numbers of the paper make together, held against what it says.

    Attributes:
        says: The sentence, shortened.
        lines: Where it stands in the paper's text.
        makes: An expression of numbers, + - * / and brackets, and of the names of ``numbers``.
        numbers: Cells by name: table, row as printed, column.
        relationship: How the result relates to what is stated.
        stated: The number that the sentence gives, with the digits it gives.
        what: What the result is, in words and with its unit.
    """

    says: str
    lines: tuple[int, int]
    makes: str
    relationship: Literal["equal", "at most", "at least"]
    stated: str
    what: str
    numbers: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A column whose values must rise or fall (never strictly) along the rows, or along some of them."""

    column: str
    goes: Literal["up", "down"]
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """One table of one paper.

    Attributes:
        table: Its number as printed; "prose" for the numbers of the running text that no table holds.
        lines: First and last line of the paper's text, from 1.
        source: "prose" where the text lacks the rows and only sentences give numbers.
        suite: The suite of every column that names none; likewise hardware, precision, clock, protocol.
    """

    schema: Literal[1]
    paper: str
    table: str
    title: str
    lines: tuple[int, int]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    source: Source = "table"
    suite: str = ""
    hardware: str = ""
    precision: str = ""
    clock: str = ""
    protocol: str = ""
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    calculations: tuple[Calculation, ...] = ()
    orders: tuple[Order, ...] = ()

    def row(self, printed: str) -> Row:
        """Gives back the row of that label."""
        return next(row for row in self.rows if row.printed == printed)

    def column(self, name: str) -> Column:
        """Gives back the column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erratum:
    """Something wrong that was found by looking.

    Attributes:
        kind: "text": the flattened text reads wrongly what the paper prints; "paper": the paper itself is wrong, or
            contradicts itself or another paper.
        what: What is wrong.
        found: A stretch of the text that must be read otherwise, where there is one.
        means: How it must be read.
    """

    paper: str
    kind: Literal["text", "paper"]
    what: str
    table: str = ""
    found: str = ""
    means: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errata:
    """The file ``errata.yaml``."""

    schema: Literal[1]
    errata: tuple[Erratum, ...] = field(default=())
