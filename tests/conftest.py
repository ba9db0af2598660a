"""Fixtures that several folders of tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.run_maker import RunMaker

from vosbench.config import find_places
from vosbench.contract import Runtime
from vosbench.data.masks import read_mask, write_mask
from vosbench.machine import Machine, read_machine
from vosbench.plan import Plan, Request, make_plan
from vosbench.records import CellSpec, Event, Outcome
from vosbench.registry import Registry
from vosbench.rle import bounds_of_mask, text_of_bounds


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--power-cuts N``: how often the run of tests/execute/test_power_cut.py is killed."""
    parser.addoption("--power-cuts", type=int, default=5, help="Kills of the power-cut test; 50 before a release.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Gives back the folder of reference material beside the checkout, or skips the test where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder `shared` with the reference material does not lie beside this checkout")
    return folder


TINY_SUITE = """\
schema: 1
name: tiny
title: Tiny
protocol: davis2017-semi
layout:
  roots: [Tiny]
  lists: ["ImageSets/{split}.txt"]
  void: 255
  largest_id: 254
"""

ADAPTER = """\
import os, pathlib, signal, subprocess, sys, threading, time

import numpy as np

from vosbench.contract import MethodCard

NAME, FAULT, VIDEO, FRAME, NEEDS_WEIGHTS, JOURNAL = {constants!r}


def note(text):
    with open(JOURNAL, "a") as stream:
        stream.write(text + "\\n")


def raises():
    raise ValueError("broken on purpose")


def runs_out_of_memory():
    raise MemoryError("no memory left, on purpose")


def fails_once():
    flag = pathlib.Path(JOURNAL + ".flag")
    if not flag.exists():
        flag.write_text("was here")
        raises()


def dies_before_the_next_video():
    import vosbench.cell.worker

    vosbench.cell.worker.Worker._open = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def forks_and_dies():
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = dict(
    raises=raises,
    memory=runs_out_of_memory,
    kill=lambda: os.kill(os.getpid(), signal.SIGKILL),
    hang=lambda: time.sleep(60),
    exit=lambda: sys.exit(0),
    once=fails_once,
    fork=forks_and_dies,
    thread=lambda: threading.Thread(target=time.sleep, args=(60,)).start(),
)


class Session:
    def __init__(self, view):
        self.view = view
        self.labels = np.zeros((view.height, view.width), np.uint8)
        self.held = []

    def step(self, frame):
        if frame.prompt is not None:
            self.labels = np.where(frame.prompt.mask > 0, frame.prompt.mask, self.labels)
        note(f"{{self.view.id}} {{frame.index}}")
        if FAULT == "slow":
            time.sleep(0.08)
        if FAULT == "leak":
            self.held.append(np.ones(1 << 20, np.uint8))
        if FAULT == "prints":
            print('{{"kind": "failed", "text": "not an event"}}', flush=True)
            os.write(1, b"x" * 70000)
        if FAULT == "random":
            noise = np.frombuffer(os.urandom(self.labels.size), np.uint8).reshape(self.labels.shape)
            return np.where(noise > 127, self.labels, 0).astype(np.uint8)
        if self.view.id == VIDEO and frame.index == FRAME:
            if FAULT == "shape":
                return np.zeros((2, 3), np.uint8)
            if FAULT == "dtype":
                return self.labels.astype(np.int64)
            if FAULT == "unknown id":
                return np.full_like(self.labels, 9)
            if FAULT in FAULTS:
                FAULTS[FAULT]()
        return self.labels.copy()

    def finish(self):
        return None

    def close(self):
        note(f"{{self.view.id}} closed")
        if FAULT == "between" and self.view.id == VIDEO:
            dies_before_the_next_video()
        self.held = []

    def footprint(self):
        return {{"held": sum(array.nbytes for array in self.held)}}

    def trace(self):
        return {{"objects": float(self.labels.max())}}


class Model:
    def open(self, view):
        return Session(view)


def load(runtime, weights, settings):
    if FAULT.startswith("load "):
        FAULTS[FAULT.removeprefix("load ")]()
    return Model()


CARD = MethodCard(
    name=NAME, title=NAME.capitalize(), summary="a method of the tests", needs_weights=NEEDS_WEIGHTS, load=load
)
"""


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lets neither the user's folders nor the present one count: gives back the folder that stands for all of them."""
    for name in ("VOSBENCH_DATA", "VOSBENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VOSBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VOSBENCH_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def machine() -> Machine:
    """Gives back this machine."""
    return read_machine()


@pytest.fixture
def write_video() -> Callable[..., None]:
    """Gives back a function that writes a video of moving squares: JPEG frames and palette masks in DAVIS's layout."""

    def write(root: Path, name: str, *, frames: int = 6, objects: int = 1, height: int = 32, width: int = 48) -> None:
        (root / "JPEGImages" / name).mkdir(parents=True)
        (root / "Annotations" / name).mkdir(parents=True)
        for index in range(frames):
            labels = np.zeros((height, width), np.uint8)
            for number in range(objects):
                labels[4 + 14 * number : 14 + 14 * number, 4 + 2 * index : 16 + 2 * index] = number + 1
            image = np.repeat(labels[..., None] * 60 + 20, 3, axis=-1)
            cv2.imwrite(str(root / "JPEGImages" / name / f"{index:05d}.jpg"), image)
            write_mask(root / "Annotations" / name / f"{index:05d}.png", labels)

    return write


@pytest.fixture
def tiny(clean_environment: Path, write_video: Callable[..., None]) -> Path:
    """Gives back the YAML file of a suite of two videos of 6 frames, 32 x 48: ``aa`` (1 object) and ``bb`` (2).

    Its data lies beside it, in ``Tiny``, so that ``--data`` is its folder.
    """
    root = clean_environment / "Tiny"
    write_video(root, "aa", objects=1)
    write_video(root, "bb", objects=2)
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "val.txt").write_text("aa\nbb\n")
    file = clean_environment / "tiny.yaml"
    file.write_text(TINY_SUITE)
    return file


@pytest.fixture
def write_adapter(tmp_path: Path) -> Callable[..., Path]:
    """Gives back a function that writes an adapter that repeats its prompt, but for one ``fault``.

    The fault strikes at ``frame`` of ``video``, or in ``load`` ("load raises"). Each step is a line of the journal
    ``NAME.journal``.
    """

    def write(
        name: str = "mine", fault: str = "", *, video: str = "aa", frame: int = 3, needs_weights: bool = False
    ) -> Path:
        constants = (name, fault, video, frame, needs_weights, str(tmp_path / f"{name}.journal"))
        path = tmp_path / f"{name}.py"
        path.write_text(ADAPTER.format(constants=constants))
        return path

    return write


@pytest.fixture
def plan_cells(tiny: Path, machine: Machine) -> Callable[..., tuple[CellSpec, ...]]:
    """Gives back a function that plans cells of adapter files on the tiny suite."""

    def plan(*adapters: Path, **request: Any) -> tuple[CellSpec, ...]:
        methods = tuple(request.pop("methods", [path.stem for path in adapters]))
        wish = Request(suites=(str(tiny),), methods=methods, runtime=Runtime(threads=1), warmup_frames=0, **request)
        made: Plan = make_plan(wish, Registry(adapters), find_places((str(tiny.parent),)), machine)
        return made.cells

    return plan


@dataclass
class Told:
    """A progress that keeps what it is told."""

    events: list[Event] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    begun: tuple[int, int] = (0, 0)

    def begin(self, cells: int, found: int) -> None:
        self.begun = (cells, found)

    def event(self, spec: CellSpec, event: Event) -> None:
        self.events.append(event)

    def ended(self, spec: CellSpec, outcome: Outcome) -> None:
        self.outcomes[f"{spec.method.name} {spec.video}.{spec.repeat}"] = outcome

    def failed(self, spec: CellSpec, reason: str) -> None:
        self.failures.append(reason)


@pytest.fixture
def told() -> Told:
    """Gives back a progress that keeps what it is told."""
    return Told()


@pytest.fixture
def steps(tmp_path: Path) -> Callable[[str], list[str]]:
    """Gives back a function that reads an adapter's journal: ``VIDEO FRAME`` per step."""

    def read(name: str = "mine") -> list[str]:
        path = tmp_path / f"{name}.journal"
        return path.read_text().splitlines() if path.is_file() else []

    return read


VIS_SUITE = """\
schema: 1
name: things
title: Things
task: vis
protocol: youtube-vis
layout:
  frames: "{split}/JPEGImages"
  annotations: ["{split}.json"]
splits:
  default: val
  on_server: [hidden]
"""

FINDER = """\
import numpy as np

from vosbench.contract import MethodCard
from vosbench.types import Instance, Track

NAME, FAULT, TASKS = {constants!r}


class Session:
    def __init__(self, view):
        self.view = view
        self.labels = np.zeros((view.height, view.width), np.uint8)

    def step(self, frame):
        if self.view.task == "vos" or FAULT == "label map":
            return self.labels
        assert frame.prompt is None and set(self.view.categories.values()) == {{"one", "two", "three"}}
        grey = frame.image.mean(axis=2)
        found = tuple(
            Instance(track_id=10 * k, category=k, score=1 - k / 10, mask=np.abs(grey - 20 - 60 * k) < 30)
            for k in (1, 2)
            if FAULT != "blind"
        )
        return found + found[:1] if FAULT == "twice" else found

    def finish(self):
        if FAULT == "late":  # the same masks once more, as another category
            return [Track(track_id=10, category=3, score=0.5), Track(track_id=10, category=1, score=0.25)]
        return [Track(track_id=7, category=1, score=0.5)] if FAULT == "stranger" else None

    def close(self):
        pass


class Model:
    def open(self, view):
        return Session(view)


CARD = MethodCard(
    name=NAME, title=NAME.capitalize(), summary="finds grey squares", tasks=TASKS, load=lambda *_: Model()
)
"""


@pytest.fixture
def write_finder(tmp_path: Path) -> Callable[..., Path]:
    """Gives back a function that writes an adapter that finds the squares of `things` by their grey."""

    def write(name: str = "finder", fault: str = "", *, tasks: tuple[str, ...] = ("vis",)) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(FINDER.format(constants=(name, fault, tasks)))
        return path

    return write


@pytest.fixture
def things(clean_environment: Path, write_video: Callable[..., None]) -> Path:
    """Gives back the YAML file of a suite of instances: ``aa`` (id 3) with one square, ``bb`` (id 5) with two.

    There are 6 frames of 32 x 48. The first square of both is of category 1; the second of ``bb``, of category 2, is
    in the annotations from frame 2 to 4 only, once as numbers. The data lies beside it, so that ``--data`` is its
    folder.
    """
    root = clean_environment
    (root / "masks").mkdir()
    write_video(root / "masks", "aa", objects=1)
    write_video(root / "masks", "bb", objects=2)
    (root / "val").mkdir()
    (root / "masks" / "JPEGImages").rename(root / "val" / "JPEGImages")
    videos, annotations = [], []
    for video, (name, objects) in zip((3, 5), (("aa", 1), ("bb", 2)), strict=True):
        files = [f"{name}/{index:05d}.jpg" for index in range(6)]
        videos.append({"id": video, "height": 32, "width": 48, "length": 6, "file_names": files})
        for number in range(1, objects + 1):
            labels = [read_mask(root / "masks" / "Annotations" / name / f"{i:05d}.png") for i in range(6)]
            codes = [{"size": [32, 48], "counts": text_of_bounds(bounds_of_mask(m == number), 32 * 48)} for m in labels]
            if number == 2:
                lengths = np.diff(bounds_of_mask(labels[3] == 2), prepend=0, append=32 * 48).tolist()
                codes = [None, None, codes[2], {"size": [32, 48], "counts": lengths}, codes[4], None]
            areas = [None if code is None else int((m == number).sum()) for code, m in zip(codes, labels, strict=True)]
            place = {"id": len(annotations) + 1, "video_id": video, "category_id": number, "iscrowd": 0}
            annotations.append({**place, "segmentations": codes, "areas": areas})
    categories = [{"id": i, "name": name} for i, name in enumerate(("one", "two", "three"), start=1)]
    data = {"videos": videos, "categories": categories, "annotations": annotations}
    (root / "val.json").write_text(json.dumps(data))
    file = root / "things.yaml"
    file.write_text(VIS_SUITE)
    return file


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Lets torch use one thread, for answers that are the same on every machine."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def made(tmp_path: Path) -> RunMaker:
    """Gives back a run that tests fill by hand."""
    return RunMaker(tmp_path / "run")
