"""What a study leaves in its run's folder: its tables beside the published ones, and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vosbench.registry import Registry
from vosbench.report.latex import latex_view
from vosbench.report.plots import PlotRequest, build_plot, write_plot
from vosbench.report.plots_data import NothingToDrawError
from vosbench.report.published import PublishedView, csv_view, markdown_view
from vosbench.report.rows import method_rows, read_cells
from vosbench.report.study import study_views
from vosbench.store.atomic import write_whole
from vosbench.store.run import Run
from vosbench.studies import Study, StudyFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A study's tables, the files they and the figures were written into, and why a figure is missing."""

    views: tuple[PublishedView, ...]
    written: tuple[Path, ...]
    missing: tuple[str, ...]


def finish_study(run: Run, study: Study, registry: Registry) -> Finished:
    """Write ``tables/STUDY-PAPER-TABLE`` as LaTeX, markdown and CSV, and the study's figures, into the run's folder."""
    cells = read_cells(run)
    rows = method_rows(cells)
    if any(column.video for table in study.tables for column in table.columns):
        rows += [row for row in method_rows(cells, by_video=True) if not row.noise]
    views = study_views(rows, study, registry)
    written: list[Path] = []
    for name, view in zip(_names(study), views, strict=True):
        texts = {".tex": latex_view(view, name), ".md": markdown_view(view), ".csv": csv_view(view)}
        for suffix, text in texts.items():
            path = run.path / "tables" / (name + suffix)
            write_whole(path, text.encode())
            written.append(path)
    there = {row.suite for row in rows}
    missing: list[str] = []
    for figure in study.figures:
        try:
            written += _draw(run, figure, there)
        except NothingToDrawError as error:
            missing.append(error.what)
    return Finished(views=tuple(views), written=tuple(written), missing=tuple(missing))


def _names(study: Study) -> list[str]:
    """A name for each table; of parts of one published table the second ends in -2."""
    names = [f"{study.name}-{table.paper}-{table.table}".lower() for table in study.tables]
    parts = [names[:place].count(name) + 1 for place, name in enumerate(names)]
    return [f"{name}-{part}" if part > 1 else name for name, part in zip(names, parts, strict=True)]


def _draw(run: Run, figure: StudyFigure, there: set[str]) -> list[Path]:
    suites = tuple(suite for suite in figure.suites if suite in there)
    if figure.suites and not suites:
        raise NothingToDrawError(f"no figure {figure.kind}: this run is not on {', '.join(figure.suites)}")
    plot = build_plot(run, PlotRequest(kind=figure.kind, suites=suites, cost=figure.cost))
    return write_plot(plot, run.path / "figures")
