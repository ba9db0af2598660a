"""The wheel holds the whole tree and nothing else."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = {"adapters": "vosbench/adapters", "suites": "vosbench/suites", "results": "vosbench/results"}
"""Folders of the top level and where they stand in the wheel."""


def _tree() -> list[Path]:
    """The files that git keeps or would keep, without links."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]


def _in_wheel(path: Path) -> str | None:
    """Where a file of the tree stands in the wheel, or None where it does not belong there."""
    top = path.parts[0]
    if top == "vosbench":
        kept = path.suffix == ".py" or path.name == "py.typed" or {"templates", "recipes"} & {*path.parts}
        return path.as_posix() if kept else None
    if top == "adapters":
        kept = path.suffix == ".py" or (path.parent.name == "weights" and path.suffix in (".safetensors", ".json"))
        return f"{MAPPED[top]}/{path.relative_to(top).as_posix()}" if kept else None
    if top == "suites":
        kept = path.suffix in (".py", ".yaml", ".txt")
        return f"{MAPPED[top]}/{path.relative_to(top).as_posix()}" if kept else None
    if path.parts[:2] == ("results", "published"):
        return f"{MAPPED[top]}/{path.relative_to(top).as_posix()}"
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Gives back the wheel made of a copy of the tree."""
    try:
        version = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    if int(version.partition(".")[0]) < 84:
        pytest.skip(f"setuptools {version} is installed, the build needs 84 or later, and nothing is downloaded here")
    folder = tmp_path_factory.mktemp("wheel")
    for path in _tree():
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / "tree" / path)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    done = subprocess.run([*build, str(folder / "tree")], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_package_and_its_data_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {name for path in _tree() if (name := _in_wheel(path)) is not None}
    assert {"vosbench/py.typed", "vosbench/report/templates/table.tex", "vosbench/suites/davis2016.yaml"} <= expected
    assert ([], []) == (sorted(expected - held), sorted(held - expected))


def test_the_wheel_brings_the_command_and_its_own_methods_and_suites(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        text = archive.read(name).decode()
    assert "vosbench = vosbench.cli:main" in text
    assert "xmem = vosbench.adapters.xmem:CARD" in text
    assert "[vosbench.suites]" in text


def test_the_wheel_carries_its_licence_and_names_its_dependencies(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (name,) = (name for name in names if name.endswith("dist-info/METADATA"))
        text = archive.read(name).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    required = {line.split()[1].split(">")[0] for line in text.splitlines() if line.startswith("Requires-Dist:")}
    assert {"torch", "numpy", "click", "PyYAML", "pyarrow", "opencv-python-headless"} <= required
