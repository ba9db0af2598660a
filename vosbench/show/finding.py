"""Finds the cells that a folder, or a run and some words, stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vosbench.errors import UsageError, nearest
from vosbench.records import Record
from vosbench.store.run import RECORD_FILE, find_run, read_record


def find_cells(where: str, words: Sequence[str]) -> list[tuple[Path, Record]]:
    """Gives back a cell by its folder, or the cells of a run that fit all ``words``.

    A word fits a cell whose suite, method, video, outcome or the beginning of whose key it is. Raises `UsageError`
    where none fits, `StoreError` where there is no such run.
    """
    folder = Path(where)
    if (folder / RECORD_FILE).is_file():
        return [(folder.resolve(), read_record(folder))]
    run = find_run(where)
    cells = list(run.records())
    found = [(path, record) for path, record in cells if all(_fits(word, path, record) for word in words)]
    if not found:
        known = {name for path, record in cells for name in _names(path, record)}
        stray = next((word for word in words if not any(_fits(word, *cell) for cell in cells)), " ".join(words))
        raise UsageError(f"no cell of this run fits '{stray}'", where=str(run.path), fix=nearest(stray, known))
    exact = [(path, record) for path, record in found if record.spec.method.label in words]
    return exact or found  # "xmem" is the method itself where that was run, and not its variants as well


def _fits(word: str, path: Path, record: Record) -> bool:
    return word in _names(path, record) or (len(word) >= 6 and record.key.startswith(word))


def _names(path: Path, record: Record) -> set[str]:
    spec = record.spec
    method = {spec.method.name, spec.method.label, spec.method.name.split("@")[0]}
    return {spec.suite.name, spec.video, record.outcome.status, path.name, path.parent.name, *method}
