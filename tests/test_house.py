"""The house rules that a machine can check: which way imports run, where torch is, how long things are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LONGEST_MODULE = 500
LONGEST_FUNCTION = 60

FOUNDATION = {
    "types",
    "errors",
    "digest",
    "plain",
    "strict_yaml",
    "contract",
    "cards",
    "machine",
    "records",
    "config",
    "registry",
    "weights",
    "method_groups",
    "parallel",
    "compiled",
    "heap",
    "rle",
    "whole",
}

ALLOWED: dict[str, set[str]] = {
    # foundation: each imports only what stands before it
    "__init__": set(),
    "types": set(),
    "errors": set(),
    "digest": set(),
    "parallel": set(),
    "compiled": {"errors"},
    "heap": {"errors"},
    "rle": {"errors"},
    "whole": set(),
    "plain": {"errors"},
    "strict_yaml": {"errors", "plain"},
    "contract": {"types"},
    "cards": set(),
    "machine": {"cards", "digest", "errors", "plain"},
    "records": {"contract", "digest", "machine"},
    "config": {"errors", "strict_yaml"},
    "registry": {"contract", "digest", "errors", "plain"},
    "weights": {"contract", "digest", "errors", "registry"},
    "method_groups": {"errors", "registry"},
    # data, scoring, meters, the library
    "data": FOUNDATION,
    "metrics": FOUNDATION,
    "meters": FOUNDATION,
    "store": FOUNDATION,
    "published": FOUNDATION,
    "stats": FOUNDATION,
    "gpus": {"errors"},
    "growth": FOUNDATION | {"stats"},
    # running
    "session": FOUNDATION | {"meters"},
    "sweep": FOUNDATION,
    "insertion": FOUNDATION | {"data", "sweep"},
    "studies": FOUNDATION | {"data"},
    "modes": FOUNDATION,
    "plan": FOUNDATION | {"data", "store", "insertion", "modes", "sweep"},
    "cell": FOUNDATION | {"data", "session", "meters", "store", "stats"},
    "execute": FOUNDATION | {"plan", "store"},
    # judging
    "scorer": FOUNDATION | {"data", "metrics", "store", "vis_runs", "object_scorer"},
    "submission_tracks": FOUNDATION | {"data", "store"},
    "submission": FOUNDATION | {"data", "store", "submission_tracks"},
    "cross_check": FOUNDATION | {"data", "metrics"},
    "official_tools": set(),
    "vis_scorer": FOUNDATION | {"data", "metrics"},
    "object_scorer": FOUNDATION | {"data", "metrics"},
    "vis_runs": FOUNDATION | {"data", "metrics", "store"},
    "check": FOUNDATION | {"data", "session", "meters", "metrics"},
    "train": FOUNDATION | {"data", "session", "meters", "metrics", "store"},
    "doctor": FOUNDATION | {"session", "meters", "growth", "stats", "data", "cell"},
    "compare": FOUNDATION | {"store", "data", "stats", "growth", "published", "scorer", "metrics"},
    "show": FOUNDATION | {"data", "store", "scorer", "vis_runs"},
    "report": FOUNDATION
    | {"gpus", "store", "data", "stats", "growth", "published", "compare", "scorer", "metrics", "vis_runs"}
    | {"studies", "sweep"},
}
"""What each part of ``vosbench/`` may import of vosbench. ``cli`` may import all of it, and nothing imports ``cli``."""

TORCH = {"meters", "cell", "check", "train"}
"""The parts of ``vosbench/`` that may import torch; ``adapters/`` may as well, but not when a card is read."""

ADAPTERS = {"contract", "types", "errors"}
"""What ``adapters/`` may import of vosbench beside their own family and ``adapters.nn``."""

BUILDS_ON = {"mavos": "aot", "mobilevos": "stcn"}
"""Families whose paper builds on another family's network: they may import that one's folder as well."""


@dataclass(frozen=True)
class Import:
    """One imported module and where that stands; ``late`` is True inside a function or for type checkers only."""

    file: Path
    line: int
    module: str
    late: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def _sources(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if path.is_file())


def _own_sources() -> list[Path]:
    """The harness's own modules: the links to adapters, suites and results lead elsewhere."""
    links = ("adapters", "suites", "results")
    return [path for path in _sources("vosbench") if path.relative_to(ROOT / "vosbench").parts[0] not in links]


def _imports(file: Path) -> Iterator[Import]:
    def walk(node: ast.AST, late: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inside = late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                inside = True
            if isinstance(child, ast.Import):
                yield from (Import(file, child.lineno, alias.name, late) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield from (Import(file, child.lineno, name, late) for name in _modules(child))
            yield from walk(child, inside)

    yield from walk(ast.parse(file.read_text(encoding="utf-8")), False)


def _modules(node: ast.ImportFrom) -> list[str]:
    """``from vosbench import digest`` imports vosbench.digest."""
    if node.level:
        return ["a relative import: write the whole name"]
    module = node.module or ""
    return (
        [f"{module}.{alias.name}" for alias in node.names] if module in ("vosbench", "vosbench.adapters") else [module]
    )


def _part(file: Path) -> str:
    return file.relative_to(ROOT / "vosbench").parts[0].removesuffix(".py")


def test_arrows_run_downwards_only():
    wrong = []
    for file in _own_sources():
        part = _part(file)
        if part == "cli":
            continue
        assert part in ALLOWED, f"say in ALLOWED what {file.relative_to(ROOT)} may import"
        for found in _imports(file):
            names = found.module.split(".")
            inside = names[0] == "vosbench" and names[1:] not in ([], ["__version__"])
            if found.module.startswith("a relative") or (inside and names[1] not in ALLOWED[part] | {part}):
                wrong.append(str(found))
    assert [] == wrong


def test_no_cycle_hides_in_the_table():
    order: list[str] = []
    left = dict(ALLOWED)
    while left:
        ready = [part for part, allowed in left.items() if not (allowed & left.keys()) - {part}]
        assert ready, f"these import each other: {sorted(left)}"
        order += ready
        left = {part: allowed for part, allowed in left.items() if part not in ready}
    assert set(order) == set(ALLOWED)


def test_torch_is_imported_only_where_it_may_be():
    found = [item for file in _own_sources() if _part(file) not in TORCH for item in _imports(file)]
    assert [] == [str(item) for item in found if item.module.split(".")[0] in ("torch", "torchvision")]


def test_adapters_know_the_contract_their_family_and_the_shared_layers_only():
    wrong = []
    for file in _sources("adapters"):
        family = file.relative_to(ROOT / "adapters").parts[0].removesuffix(".py")
        for found in _imports(file):
            names = found.module.split(".")
            if names[0] != "vosbench" or len(names) == 1:
                if found.module.startswith("a relative"):
                    wrong.append(str(found))
                continue
            mine = names[1] == "adapters" and names[2:3] in ([family], ["nn"], [BUILDS_ON.get(family)])
            if names[1] not in ADAPTERS and not mine:
                wrong.append(str(found))
    assert [] == wrong


def test_a_card_is_read_without_torch():
    cards = [path for path in _sources("adapters") if path.name == "__init__.py"]
    assert len(cards) > 3
    early = [item for file in cards for item in _imports(file) if not item.late]
    assert [] == [str(item) for item in early if item.module.split(".")[0] in ("torch", "safetensors", "torchvision")]


@pytest.mark.parametrize("folder", ["vosbench", "adapters", "suites", "tests", "benchmarks"])
def test_no_module_and_no_function_is_too_long(folder):
    wrong = []
    for file in _own_sources() if folder == "vosbench" else _sources(folder):
        text = file.read_text(encoding="utf-8")
        lines = len(text.splitlines())
        if lines > LONGEST_MODULE:
            wrong.append(f"{file.relative_to(ROOT)}: {lines} lines, at most {LONGEST_MODULE}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert [] == wrong


def test_nothing_is_printed_outside_the_command_line():
    wrong = []
    for file in [*_own_sources(), *_sources("adapters")]:
        if file.parent == ROOT / "vosbench" / "cli":
            continue
        calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        wrong += [
            f"{file.relative_to(ROOT)}:{call.lineno}"
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id == "print"
        ]
    assert [] == wrong


def test_a_wrong_arrow_would_be_found(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text("from vosbench import digest\nimport torch\ndef f():\n    from vosbench.cli.run import command\n")
    found = {(item.module, item.line, item.late) for item in _imports(file)}
    assert {("vosbench.digest", 1, False), ("torch", 2, False), ("vosbench.cli.run", 4, True)} == found
