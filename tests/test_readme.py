"""Does what the README says: every command line, the whole adapter, the whole suite file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.data.synthetic import Scene, SyntheticVideo

README = Path(__file__).resolve().parents[1] / "README.md"
NOT_RUN = ("python3 -m venv", "pip install", "pytest", "export")
"""What made the environment that this test runs in, and what this test is part of."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(NOT_RUN)]


def vosbench(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words = line.split()
    assert words[0] == "vosbench"
    return subprocess.run(
        [str(Path(sys.executable).with_name("vosbench")), *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder), "VOSBENCH_CACHE": str(folder / "cache")} | environment,
    )


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """A data root with DAVIS/ of one short video in the layouts of 2016 and 2017."""
    video = SyntheticVideo(Scene(id="one", seed=1, height=48, width=64, length=4, objects=1))
    root = tmp_path / "data"
    write_videos(video, root / "DAVIS" / "JPEGImages" / "480p" / "one", root / "DAVIS" / "Annotations" / "480p" / "one")
    for year in ("2016", "2017"):
        names = root / "DAVIS" / "ImageSets" / year / "val.txt"
        names.parent.mkdir(parents=True)
        names.write_text("one\n", encoding="utf-8")
    return root


def write_videos(video: SyntheticVideo, frames: Path, masks: Path) -> None:
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for index in range(4):
        cv2.imwrite(str(frames / f"{index:05d}.jpg"), np.ascontiguousarray(video.frame(index)[:, :, ::-1]))
        write_mask(masks / f"{index:05d}.png", video.labels(index))


def test_the_first_command_gives_accuracies_on_a_machine_with_no_data_and_no_checkpoint(tmp_path: Path) -> None:
    done = vosbench(commands()[0], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "DAVIS 2016 val (synthetic)" in done.stdout
    for label in ("STCN (mini)", "XMem (mini)"):
        accuracy = re.search(rf"^{re.escape(label)} +(\d+\.\d)", done.stdout, flags=re.MULTILINE)
        assert accuracy is not None
        assert float(accuracy[1]) > 50
    assert list(tmp_path.glob("results/runs/*/tables/*.tex"))


def test_the_second_command_plays_long_videos(tmp_path: Path) -> None:
    done = vosbench(f"{commands()[1]} --videos synthetic-1 --max-frames 41", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Long-time Video (synthetic)" in done.stdout
    assert "J&F" in done.stdout


def test_the_third_command_runs_with_a_data_root_and_the_authors_file_names(tmp_path: Path, davis: Path) -> None:
    import torch

    from vosbench.adapters.nn.random_weights import fill_random
    from vosbench.adapters.stcn.network import ADJUSTMENTS as STCN
    from vosbench.adapters.stcn.network import STCNNetwork
    from vosbench.adapters.xmem.network import ADJUSTMENTS as XMEM
    from vosbench.adapters.xmem.network import XMemNetwork

    weights = tmp_path / "weights"
    weights.mkdir()
    for network, adjustments, file in ((STCNNetwork(), STCN, "stcn.pth"), (XMemNetwork(), XMEM, "XMem.pth")):
        with torch.no_grad():
            fill_random(network, torch.Generator().manual_seed(0), adjustments)
        torch.save(network.state_dict(), weights / file)
    done = vosbench(commands()[2], tmp_path, VOSBENCH_DATA=str(davis), VOSBENCH_WEIGHTS=str(weights))
    assert done.returncode == 0, done.stderr
    assert "DAVIS 2016 val" in done.stdout
    assert "DAVIS 2017 val" in done.stdout
    assert "J&F" in done.stdout


def test_the_adapter_of_the_readme_passes_its_check_and_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(blocks("python")[0], encoding="utf-8")
    checked = vosbench("vosbench check mine --adapter mine.py", tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    line = "vosbench run --suite davis2016 --methods mine,echo --adapter mine.py --max-frames 4"
    done = vosbench(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout


def test_the_suite_of_the_readme_runs_on_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    video = SyntheticVideo(Scene(id="one", seed=1, height=48, width=64, length=4, objects=2))
    write_videos(video, tmp_path / "folder" / "JPEGImages" / "one", tmp_path / "folder" / "Annotations" / "one")
    done = vosbench("vosbench run --suite mine.yaml --data folder --methods echo", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "My videos: 1 video." in done.stdout
    assert "J&F" in done.stdout


def test_every_verb_of_the_readme_exists() -> None:
    from vosbench.cli import VERBS

    named = set(re.findall(r"vosbench ([a-z]+)", README.read_text(encoding="utf-8"))) - {"measures"}
    assert named <= set(VERBS)
    assert set(VERBS) <= named
