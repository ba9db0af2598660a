"""Tables as markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from vosbench.report.latex import latex, latex_text
from vosbench.report.table import Column, Line, Table, Value
from vosbench.report.text import comma_separated, markdown, number

COLUMNS = (
    Column(key="J&F-Mean", title="J&F", decimals=1, better="higher", value=lambda row: None),
    Column(key="growth", title="growth MiB/frame", decimals=3, better="lower", value=lambda row: None),
)
TABLE = Table(
    title="S_1 50% #1",
    columns=COLUMNS,
    lines=(
        Line(label="x@a top_k=3", values=(Value(number=81.25, mark="best"), Value(number=0.0004, note="a"))),
        Line(label="y | z", values=(Value(number=70.0, mark="second"), Value(number=None))),
        Line(label="w", values=(Value(number=-0.04), Value(number=-0.0))),
    ),
    footers=("(a) 5 % & more_", "Hardware: {x} ~ ^ \\ $"),
)


def test_markdown_has_best_bold_second_italic_and_a_dash_for_what_was_not_measured():
    lines = markdown(TABLE).splitlines()
    assert "### S_1 50% #1" == lines[0]
    assert "| method | J&F | growth MiB/frame |" == lines[2]
    assert "| --- | ---: | ---: |" == lines[3]
    assert "| x@a top_k=3 | **81.2** | 0.000 (a) |" == lines[4]
    assert "| y \\| z | *70.0* | - |" == lines[5]
    assert ["(a) 5 % & more_  ", "Hardware: {x} ~ ^ \\ $  "] == lines[-2:]


def test_csv_has_every_digit_and_nothing_where_nothing_was_measured():
    rows = list(csv.reader(io.StringIO(comma_separated(TABLE))))
    assert ["suite", "method", "J&F-Mean", "growth"] == rows[0]
    assert ["S_1 50% #1", "x@a top_k=3", "81.25", "0.0004"] == rows[1]
    assert ["S_1 50% #1", "y | z", "70.0", ""] == rows[2]


def test_csv_has_the_words_of_notes_in_a_last_column_where_there_are_any():
    missing = Value(number=None)
    values = (Value(number=81.25, note="b", about="92% so far"), missing)
    noted = Line(label="x [2 of 3 videos] (a)", values=values, notes=("2 of 3 videos", "(a) cc: out of memory"))
    plain = Line(label="y", values=(Value(number=1.0), missing))
    rows = list(csv.reader(io.StringIO(comma_separated(replace(TABLE, lines=(noted, plain))))))
    assert ["note", "2 of 3 videos; (a) cc: out of memory; J&F-Mean: 92% so far", ""] == [row[-1] for row in rows]


def test_latex_has_best_bold_second_underlined_and_escapes_every_text():
    text = latex(TABLE)
    assert r"x@a top\_k=3 & \textbf{81.2} & 0.000\rlap{\textsuperscript{a}} \\" in text
    assert r"y \textbar{} z & \underline{70.0} & - \\" in text
    assert r"\caption{S\_1 50\% \#1}" in text
    assert r"Method & J\&F & growth MiB/frame \\" in text
    assert r"\begin{tabular}{lrr}" in text
    assert r"(a) 5 \% \& more\_" in text
    assert r"Hardware: \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


def test_latex_sets_each_footer_as_a_paragraph_of_its_own():
    assert "(a) 5 \\% \\& more\\_\\par\n" in latex(TABLE)


def test_latex_has_a_minus_where_a_number_is_negative_and_leaves_those_of_siunitx_alone():
    line = Line(label="x", values=(Value(number=-3.14, mark="best"), Value(number=-0.5)))
    table = replace(TABLE, lines=(line,))
    assert r"x & \textbf{$-$3.1} & $-$0.500 \\" in latex(table)
    assert r"x & {\textbf{$-$3.1}} & -0.500 \\" in latex(table, siunitx=True)


@pytest.mark.parametrize(("columns", "name"), [(8, "table"), (9, "table*")])
def test_latex_gives_a_table_of_many_columns_both_columns_of_a_page(columns, name):
    line = Line(label="x", values=(Value(number=1.0),) * columns)
    text = latex(replace(TABLE, columns=COLUMNS[:1] * columns, lines=(line,)))
    assert rf"\begin{{{name}}}[t]" in text
    assert text.endswith(rf"\end{{{name}}}")


def test_latex_braces_and_environments_are_balanced():
    text = latex(TABLE).replace(r"\{", "").replace(r"\}", "")
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a--b", "a-{}-b"),
        ("[x] *", "{[}x{]} {*}"),
        ("1 ± 2", r"1 $\pm$ 2"),
        ("größer", "größer"),
        ("漢\t", "(U+6F22) "),
        ("a_b", r"a\_b"),
        ("5%", r"5\%"),
        ("\\", r"\textbackslash{}"),
        ("{}", r"\{\}"),
        ("plain", "plain"),
    ],
)
def test_special_characters_are_escaped(text, expected):
    assert expected == latex_text(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "-"), (81.25, "81.2"), (-0.04, "0.0"), (0.0, "0.0"), (-3.14, "-3.1"), (1e6, "1000000.0")],
)
def test_numbers_are_rounded_to_the_columns_decimals_and_zero_has_no_sign(value, expected):
    assert expected == number(COLUMNS[0], Value(number=value))
