"""The published numbers, read once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vosbench.published import PublishedNumber, PublishedTable, read_published, read_tables
from vosbench.published.reading import published_folder


@pytest.fixture(scope="session")
def tables() -> tuple[PublishedTable, ...]:
    return read_tables()


@pytest.fixture(scope="session")
def numbers() -> tuple[PublishedNumber, ...]:
    return read_published()


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Gives back a function that writes a folder with the real papers and one table of DAVIS 2017."""

    def write(rows: str, *, columns: tuple[str, ...] = ("J&F", "J", "F"), more: str = "") -> Path:
        for name in ("papers.yaml", "errata.yaml"):
            shutil.copy(published_folder() / name, tmp_path / name)
        heads = "".join(f"- {{name: {name}, metric: {name}}}\n" for name in columns)
        text = f"schema: 1\npaper: xmem\ntable: '1'\ntitle: t\nlines: [1, 2]\nsuite: davis2017\ncolumns:\n{heads}"
        (tmp_path / "table.yaml").write_text(f"{text}rows:\n{rows}{more}", encoding="utf-8")
        return tmp_path

    return write
