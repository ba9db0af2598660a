"""A LaTeX macro for each number of a run's tables, so that a paper's text says what its tables say."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.digest import digest_json
from vosbench.report.latex import latex_text
from vosbench.report.table import Column, Line, Table
from vosbench.report.text import ABSENT, number

PREFIX = "vos"
SO_FAR = "SoFar"
"""What the name of a number ends in that misses videos: a paper that has it says so."""

_WORDS = {
    "0": "Zero", "1": "One", "2": "Two", "3": "Three", "4": "Four", "5": "Five", "6": "Six", "7": "Seven",
    "8": "Eight", "9": "Nine",
    "&": "And", "@": "At", "=": "Is", "%": "Percent", "+": "Plus", ".": "Point", "/": "Per", "<": "Below",
    ">": "Above",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One number: the macro's name without its backslash, its text in LaTeX, and where it comes from.

    ``note`` is what must be said about it, '' for nothing.
    """

    name: str
    text: str
    source: str
    note: str = ""


def table_macros(tables: Sequence[Table]) -> list[Macro]:
    """Gives back a macro per number that is there, in the order of the tables.

    A name is made of the table's title, the method's label and the column's key, so it stays the same when rows are
    added. Where two rows would share one, both names end with letters of what tells the rows apart. Those of rows that
    miss videos end in `SO_FAR`.
    """
    numbers = [(table, line, place) for table in tables for line in table.lines for place in range(len(table.columns))]
    plain = [macro_name(table.title, line.name, table.columns[place].key) for table, line, place in numbers]
    shared = {name for name, count in Counter(plain).items() if count > 1}
    macros: list[Macro] = []
    for (table, line, place), name in zip(numbers, plain, strict=True):
        column, value = table.columns[place], line.values[place]
        text = number(column, value)
        if text != ABSENT:
            unique = name + _suffix(line, column) * (name in shared) + SO_FAR * value.partial
            note = "; ".join([*line.notes, *[value.about] * bool(value.about)])
            source = _source(table, line, column)
            macros.append(Macro(name=unique, text=latex_text(text), source=source, note=" ".join(note.split())))
    return macros


def macro_file(macros: Iterable[Macro]) -> str:
    r"""Gives back the macros as a file for ``\input``, each below a comment that says which number it is, and another
    where something must be said about it.
    """
    head = "% numbers of a run, by vosbench table RUN --macros; \\input this file in the preamble\n"
    return head + "".join(map(_definition, macros))


def macro_name(*parts: str) -> str:
    r"""Gives back letters only, as LaTeX asks for: "davis2017 val", "xmem@eager" is ``vosDavisTwoZeroOneSevenVal...``.

    Every word begins with a capital; digits and signs are spelled, letters that are not ASCII become their numbers.
    """
    return PREFIX + "".join(_spelled(part) for part in parts)


def _definition(macro: Macro) -> str:
    comments = "".join(f"% {text}\n" for text in (macro.source, macro.note) if text)
    return f"{comments}\\newcommand{{\\{macro.name}}}{{{macro.text}}}\n"


def _spelled(text: str) -> str:
    words = re.findall(r"[^\W_]+|[^\w\s]", unicodedata.normalize("NFKD", text))
    return "".join(_word(word) for word in words)


def _word(word: str) -> str:
    letters = [_WORDS.get(character) or _letter(character) for character in word]
    joined = "".join(letters)
    return joined[:1].upper() + joined[1:]


def _letter(character: str) -> str:
    if character.isascii():
        return character if character.isalpha() else ""
    if unicodedata.combining(character):
        return ""
    return "U" + "".join(_WORDS[digit] for digit in str(ord(character)))


def _suffix(line: Line, column: Column) -> str:
    digest = digest_json([line.key, line.name, column.key])[:10]
    return "X" + "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


def _source(table: Table, line: Line, column: Column) -> str:
    return " ".join(f"{table.title} | {line.name} | {column.key}".split())
