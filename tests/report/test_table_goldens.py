"""Tables in every style and format, as stored; LaTeX compiles without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vosbench.growth import Growth
from vosbench.published import read_published
from vosbench.report.latex import latex
from vosbench.report.macros import macro_file, table_macros
from vosbench.report.measures import MIB, Measures
from vosbench.report.table_footers import Origin
from vosbench.report.table_styles import build_tables
from vosbench.report.text import comma_separated, markdown
from vosbench.stats import Interval, Slope

GOLDENS = Path(__file__).parent / "goldens"
ORIGIN = Origin(machine="NVIDIA V100, driver 1, CPU x", versions="vosbench 0, torch 2.6", date="2026-01-01")
WRITERS = {"md": markdown, "csv": comma_separated, "tex": latex}
STYLES = ("suite", "methods", "ablation", "short-long", "memory", "speed")


def _growth(mib, verdict):
    slope = Slope(value=mib * MIB, low=mib * MIB, high=mib * MIB)
    return Growth(frames_100_to_200=mib * MIB, tail=slope, verdict=verdict)


@pytest.fixture(scope="module")
def published():
    return read_published()


@pytest.fixture
def rows(row):
    """Gives back two methods, a variant, one that runs out of memory and a self-check, on a suite played 1x and 3x."""
    made = []
    for times in (1, 3):
        suite = {
            "suite": f"long-time{'@3x' * (times > 1)}",
            "suite_title": f"Long-time Video{' (3x)' * (times > 1)}",
            "base": "Long-time Video",
            "times": times,
            "mean_frames": 2000.0 * times,
            "device": ORIGIN.machine,
            "mode": "fp32, cuda",
            "official_videos": 3,
            "videos": 3,
            "planned": 3,
        }
        drop = 0.25 * (times - 1)
        xmem = {
            "method": "xmem",
            "identity": "x",
            "key": "k1",
            "settings": {"size": 480, "mem_every": 10},
            "offsets": 5,
        }
        made += [
            row("XMem", **suite, **xmem, scores={"J&F-Mean": 89.75 + drop, "J-Mean": 88.0, "F-Mean": 91.5},
                passes=5, deviations={"J&F-Mean": 0.21, "J-Mean": 0.2, "F-Mean": 0.2},
                frames_per_second=23.4, median_ms=42.0, p99_ms=61.5, peak_mib=1515.0, growth=_growth(0.0, "bounded"),
                parameters=62.2, compression=6328.1, after_load_mib=240.0, process_mib=1800.0,
                measures=Measures(speed=Interval(mean=23.4, low=23.1, high=23.7, count=5), p90_ms=50.0, gmacs=120.5)),
            row("XMem@no-long-term", **suite, method="xmem@no-long-term", identity="y", key="k2",
                scores={"J&F-Mean": 87.0 - drop, "J-Mean": 85.0, "F-Mean": 89.0}, frames_per_second=19.0,
                median_ms=52.0, p99_ms=80.0, peak_mib=9000.0, growth=_growth(3.2, "growing"), parameters=62.2,
                after_load_mib=240.0, process_mib=9400.0),
            row("STCN", **{**suite, "videos": 3 if times == 1 else 0}, method="stcn", identity="z", key="k3",
                scores={"J&F-Mean": 87.3, "J-Mean": 85.4, "F-Mean": 89.2} if times == 1 else {},
                frames_per_second=13.2 if times == 1 else None, peak_mib=12000.0 if times == 1 else 32000.0,
                growth=_growth(5.0, "growing") if times == 1 else None, parameters=54.4, oom=times == 3,
                trouble=() if times == 1 else ("blueboy: out of memory at frame 3001: CUDA out of memory",)),
            row("Echo", **suite, method="echo", identity="e", key="k4", self_check=True, scores={"J&F-Mean": 30.0},
                frames_per_second=4000.0, growth=_growth(0.0, "bounded")),
        ]  # fmt: skip
    return made


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("suffix", WRITERS)
def test_tables_are_as_stored(rows, published, style, suffix, tmp_path):
    """To store a table again after a wanted change, look at the file that the message names and copy it."""
    tables = build_tables(rows, ORIGIN, style=style, published=published if style == "suite" else ())
    found = "\n".join(WRITERS[suffix](table) for table in tables)
    expected = GOLDENS / f"{style}.{suffix}"
    new = tmp_path / expected.name
    new.write_text(found, encoding="utf-8")
    stored = expected.read_text(encoding="utf-8") if expected.is_file() else ""
    assert stored == found, f"differs from {expected}; the new one is {new}"


@pytest.mark.parametrize("style", STYLES)
def test_latex_is_well_formed(rows, published, style):
    for siunitx in (False, True):
        for table in build_tables(rows, ORIGIN, style=style, published=published):
            assert [] == _trouble(latex(table, siunitx=siunitx)), table.title


def test_the_parser_finds_what_latex_would_stumble_over(rows):
    (table, _) = build_tables(rows, ORIGIN)
    good = latex(table)
    assert [] == _trouble(good)
    for before, after, trouble in (
        (r"\bottomrule", "", "no \\bottomrule"),
        (r"XMem &", "XMem & &", "cells"),
        (r"XMem &", r"XMem_1 &", "unescaped _"),
        (r"\toprule", r"\toprule}", "braces"),
        (r"\end{minipage}", "", "minipage"),
        (r"XMem &", "XMem≤ &", "not ASCII"),
        (r"XMem &", r"[x] &", "bracket"),
    ):
        assert any(trouble in found for found in _trouble(good.replace(before, after, 1))), trouble


def _trouble(text: str) -> list[str]:
    """What pdfLaTeX would not take in a table of ours: a strict reading of the few commands that it uses."""
    found = [f"no {rule}" for rule in (r"\toprule", r"\midrule", r"\bottomrule") if text.count(rule) != 1]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("% "))
    bare = re.sub(r"\\[\\&%$#_{}]", "", body)
    if bare.count("{") != bare.count("}"):
        found.append("braces do not match")
    environments = set(re.findall(r"\\(?:begin|end)\{([\w*]+)\}", body))
    uneven = [name for name in environments if body.count(rf"\begin{{{name}}}") != body.count(rf"\end{{{name}}}")]
    found += [f"{name} does not end" for name in uneven]
    found += [f"unescaped {sign}" for sign in "_#^" if sign in re.sub(r"\$[^$]*\$", "", bare).replace("^{", "")]
    found += ["not ASCII"] * (not body.isascii())
    inside = body.partition(r"\begin{tabular}")[2].partition(r"\end{tabular}")[0]
    width = _columns(inside.partition("\n")[0])
    for line in inside.splitlines():
        if line.endswith(r"\\"):
            plain = line.replace(r"\&", "")
            spans = [int(number) for number in re.findall(r"\\multicolumn\{(\d+)\}", plain)]
            if plain.count("&") + 1 + sum(spans) - len(spans) != width:
                found.append(f"{width} columns, other cells: {line}")
            found += ["a bracket or star behind a line's end"] * line.lstrip().startswith(("[", "*"))
    return found


def _columns(formats: str) -> int:
    """How many columns ``{lrrS[table-format=2.1]}`` has."""
    return len(re.sub(r"\[[^]]*\]", "", formats).strip("{}"))


@pytest.mark.parametrize("siunitx", [False, True])
def test_latex_compiles_without_a_warning(rows, published, siunitx, tmp_path):
    """Twice, because labels settle on the second pass; every style in one document, macros and published numbers."""
    needed = ["booktabs", "amssymb", *["siunitx"] * siunitx]
    if shutil.which("pdflatex") is None or not all(map(_has_package, needed)):
        pytest.skip("pdflatex with its packages is not installed (Debian: texlive-latex-recommended, texlive-science)")
    rows[0] = type(rows[0])(
        **{name: getattr(rows[0], name) for name in rows[0].__slots__} | {"label": "X&M_e~m^ 5%|<>"}
    )
    tables = [
        (f"{style}{number}", table)
        for style in STYLES
        for number, table in enumerate(build_tables(rows, ORIGIN, style=style, published=published))
    ]
    for name, table in tables:
        (tmp_path / f"{name}.tex").write_text(latex(table, siunitx=siunitx).replace("{tab:", f"{{tab:{name}"))
    macros = table_macros(build_tables(rows, ORIGIN))
    (tmp_path / "macros.tex").write_text(macro_file(macros))
    inputs = "\\clearpage\n".join(f"\\input{{{name}}}\n" for name, _ in tables)
    package = ",siunitx" * siunitx
    document = (
        f"\\documentclass{{article}}\n\\usepackage{{booktabs,graphicx,amssymb{package}}}\n\\input{{macros}}\n"
        f"\\begin{{document}}\nThe score is \\{macros[0].name}.\n{inputs}\\end{{document}}\n"
    )
    (tmp_path / "paper.tex").write_text(document)
    for _ in range(2):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert 0 == done.returncode, done.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert [] == [line for line in log.splitlines() if re.search(r"warning|overfull|underfull", line, re.IGNORECASE)]


def _has_package(name):
    found = subprocess.run(["kpsewhich", f"{name}.sty"], capture_output=True, check=False, timeout=60)
    return found.returncode == 0
