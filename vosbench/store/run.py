"""A run's folder: which cells are there, who works on which, and how a finished one is published."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vosbench.digest import digest_json
from vosbench.errors import StoreError, nearest
from vosbench.plain import PlainError, from_plain, to_plain
from vosbench.records import RECORD_SCHEMA, CellSpec, Record
from vosbench.store.atomic import flush_files, flush_folder, storing, write_whole
from vosbench.store.locks import own

RUNS = Path("results/runs")
"""Where runs go, below the present folder, unless ``--out`` says otherwise."""

RECORD_FILE = "record.json"
FRAMES_FILE = "frames.parquet"
MASKS_FOLDER = "masks"
PLAN_FILE = "plan.json"


@dataclass(slots=True)
class Claim:
    """The right to work on one cell; the system gives it back when its holder dies, whatever that one forked."""

    stream: IO[bytes]

    def release(self) -> None:
        """Give the cell back."""
        self.stream.close()


class Run:
    """The folder of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def cell(self, spec: CellSpec) -> Path:
        """Gives back the folder of a cell."""
        return self.path / spec.folder

    def record(self, spec: CellSpec) -> Record | None:
        """Gives back the record of a cell, or None where it is not finished.

        A cell that failed on other frames or prompts counts as not finished: somebody mended them. Raises
        `StoreError` where the folder holds the same video computed from other frames or prompts.
        """
        folder = self.cell(spec)
        if not (folder / RECORD_FILE).is_file():
            return None
        record = read_record(folder)
        if record.key != spec.key and record.outcome.status != "ok":
            return None
        if record.key != spec.key:
            raise StoreError(
                f"video '{spec.video}' was run on other frames or prompts than the data set holds now",
                where=str(folder),
                fix="give this run another folder with --out, or restore the data set",
            )
        return record

    def records(self) -> Iterator[tuple[Path, Record]]:
        """Yields every finished cell's folder and record, in the order of their names."""
        for path in sorted(self.path.glob(f"[!.]*/*/*/{RECORD_FILE}")):
            yield path.parent, read_record(path.parent)

    def finished(self, cells: Iterable[CellSpec], *, well: bool = False) -> bool:
        """True where every one of ``cells`` has a record; with ``well`` it must say "ok"."""
        records = [self.record(spec) for spec in cells]
        return all(record is not None and (not well or record.outcome.status == "ok") for record in records)

    def plan(self) -> str:
        """Gives back the digest of the cells that this run was begun for, or '' where it is not known."""
        path = self.path / PLAN_FILE
        try:
            return str(json.loads(path.read_bytes())["digest"]) if path.is_file() else ""
        except (ValueError, KeyError, TypeError, RecursionError, OSError):
            return ""

    def save_plan(self, cells: Iterable[CellSpec]) -> None:
        """Keep the digest of the cells this run is for, so that the same command finds it again."""
        write_whole(self.path / PLAN_FILE, json.dumps({"digest": plan_digest(cells)}).encode())

    def claim(self, spec: CellSpec) -> Claim | None:
        """Gives back the claim on a cell, or None where another process works on it."""
        folder = self.path / ".claims"
        with storing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            stream = (folder / f"{spec.key[:24]}.lock").open("wb")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        return Claim(own(stream))

    def workspace(self, spec: CellSpec) -> Path:
        """Gives back a fresh folder to fill before publishing; only the holder of the claim may ask."""
        folder = self.path / ".unfinished" / spec.key[:24]
        with storing(folder):
            shutil.rmtree(folder, ignore_errors=True)
            (folder / MASKS_FOLDER).mkdir(parents=True)
        return folder

    def publish(self, workspace: Path, record: Record) -> Path:
        """Write the record and move the whole workspace to its place; gives back that place."""
        flush_files(workspace)
        write_whole(workspace / RECORD_FILE, json.dumps(to_plain(record), indent=1).encode())
        flush_folder(workspace)
        target = self.cell(record.spec)
        if target.exists():
            self.set_aside(record.spec)
        with storing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            workspace.rename(target)
        flush_folder(target.parent)
        return target

    def set_aside(self, spec: CellSpec) -> None:
        """Move a failed cell out of the way so that it can be run again; nothing is deleted."""
        folder = self.cell(spec)
        attempts = self.path / ".set-aside" / spec.folder
        places = (attempts.with_name(f"{attempts.name}-{number}") for number in itertools.count(1))
        with storing(self.path):
            attempts.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(next(place for place in places if not place.exists()))


def read_record(folder: Path) -> Record:
    """Gives back a cell's record. Raises `StoreError` for one that is torn or of another version."""
    path = folder / RECORD_FILE
    fix = "delete the cell's folder and run the same command again"
    try:
        value = json.loads(path.read_bytes())
        if value.get("schema") != RECORD_SCHEMA:
            raise StoreError(
                f"written by another version (schema {value.get('schema')}, this one reads {RECORD_SCHEMA})",
                where=str(path),
                fix="read it with the vosbench that wrote it",
            )
        return from_plain(Record, value)
    except (OSError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        detail = f"{'.'.join(map(str, error.path))}: {error.message}" if isinstance(error, PlainError) else str(error)
        raise StoreError(f"the record cannot be read: {detail}", where=str(path), fix=fix) from error


def plan_digest(cells: Iterable[CellSpec]) -> str:
    """Gives back the digest of a set of cells."""
    return digest_json(sorted(spec.key for spec in cells))


def unfinished_run(cells: Sequence[CellSpec], *, well: bool) -> Run | None:
    """Gives back the latest run below ``results/runs`` that was begun for ``cells`` and has not finished them."""
    digest = plan_digest(cells)
    for path in sorted(RUNS.iterdir(), reverse=True) if RUNS.is_dir() else ():
        run = Run(path)
        if run.plan() == digest:
            return None if run.finished(cells, well=well) else run
    return None


def find_run(text: str) -> Run:
    """Gives back the run that a folder or a name below ``results/runs`` stands for."""
    for path in (Path(text), RUNS / text):
        if path.is_dir():
            return Run(path)
    known = [path.name for path in RUNS.iterdir()] if RUNS.is_dir() else []
    raise StoreError(f"there is no run '{text}'", where=os.fspath(RUNS), fix=nearest(text, known))
