"""Studies: YAML files that say which rows on which suites repeat a paper's experiment, and what tables they fill."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vosbench.data.suite import suite_folders
from vosbench.errors import UsageError, nearest
from vosbench.strict_yaml import load_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One row: ``printed`` is its label in the paper, ``run`` the method with the settings that set it apart."""

    printed: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyColumn:
    """A measured column and the published ones beside it.

    ``metric`` is one of `vosbench.published.METRICS`, ``published`` names columns of the paper's table; ``video`` is
    one video of the suite, "" their mean. ``run`` are settings that every row gets in this column, as ``reuse=3``.
    """

    title: str
    metric: str
    suite: str
    video: str = ""
    run: str = ""
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTable:
    """A published table and what fills it here; without ``columns`` each published one has a measured one beside."""

    paper: str
    table: str
    rows: tuple[StudyRow, ...]
    columns: tuple[StudyColumn, ...] = ()

    @property
    def runs(self) -> tuple[str, ...]:
        """Every row with the settings of every column, once."""
        settings = dict.fromkeys(column.run for column in self.columns) or {"": None}
        return tuple(dict.fromkeys(run_of(row, more) for row in self.rows for more in settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFigure:
    """A figure of the run: a kind that ``vosbench plot`` draws, of some suites; ``cost`` is the x axis of pareto."""

    kind: str
    suites: tuple[str, ...] = ()
    cost: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A paper's experiment. ``rows`` are methods, with settings, that stand in its figures only."""

    schema: Literal[1]
    name: str
    title: str
    suites: tuple[str, ...]
    offsets: int = 1
    tables: tuple[StudyTable, ...] = ()
    rows: tuple[str, ...] = ()
    figures: tuple[StudyFigure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Every row that is run, once, in the order of tables and figures."""
        runs = [run for table in self.tables for run in table.runs]
        return tuple(dict.fromkeys([*runs, *self.rows]))


def run_of(row: StudyRow, settings: str) -> str:
    """Gives back what is run for a row in a column with these ``settings``."""
    return f"{row.run} {settings}".strip()


def study_files() -> dict[str, Path]:
    """Gives back the YAML file of every study that comes with an installed package of suites, by name."""
    return {path.stem: path for folder in suite_folders() for path in sorted((folder / "studies").glob("*.yaml"))}


def find_study(text: str) -> Study:
    """Gives back a study by name or by a path to a YAML file. Raises `UsageError` for an unknown one."""
    if text.endswith((".yaml", ".yml")):
        return load_study(Path(text))
    files = study_files()
    if text not in files:
        raise UsageError(f"there is no study '{text}'", fix=f"{nearest(text, files)} Or name a YAML file.")
    return load_study(files[text])


def load_study(path: Path) -> Study:
    """Gives back the study of a YAML file. Raises `UsageError` with the line for whatever is wrong in it."""
    study = load_yaml(Study, path)
    if not study.methods or not study.suites or study.offsets < 1:
        raise UsageError(
            "a study runs at least one row on one suite, at one offset or more",
            where=str(path),
            fix="name suites, and rows in tables or beside them",
        )
    return study
