"""Speed and memory of STCN and XMem against the straightforward computation, or against their official code.

    python benchmarks/memory_networks.py --threads 1
    python benchmarks/memory_networks.py --methods xmem --official path/to/XMem

Both sides get the same random weights, the same frames and a memory filled synthetically (an encoded frame and
noise) to the age of so many memory frames, XMem's consolidated as it would be then. Frames are timed in turn, one of
each side, host image in and label map out; the fastest of each counts. Where the two differ by more than rounding,
the k-th and the next similarity of a position were equal up to rounding and swapped, as they do between runs of the
official code with one and with two threads.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from official import method_of, official_inference
from straightforward import straightforward_network, straightforward_stcn, straightforward_xmem
from torch import Tensor

from vosbench.adapters.nn.geometry import geometry, image_to_network
from vosbench.adapters.nn.preparation import prepare_for_inference
from vosbench.adapters.nn.prompted import PromptedSession
from vosbench.adapters.nn.weights import build_network
from vosbench.adapters.stcn import network as stcn_network
from vosbench.adapters.stcn.inference import STCNInference
from vosbench.adapters.stcn.settings import STCNSettings
from vosbench.adapters.xmem import network as xmem_network
from vosbench.adapters.xmem.inference import XMemInference
from vosbench.adapters.xmem.settings import XMemSettings
from vosbench.contract import Runtime, View, Weights
from vosbench.errors import VosbenchError
from vosbench.types import Frame, Image, Prompt

NEVER = 10**6
"""The memory interval of both sides, so that a frame is a memory frame only where its number jumps by this much."""
MEMORY_FRAME_EVERY = 5
"""XMem's and STCN's interval, by which the two kinds of frames are weighed."""
SIDES = ("new", "baseline")


class Side:
    """One of the two implementations on one video, with access to its memory."""

    def __init__(self, side: str, method: str, objects: int, folder: Path | None) -> None:
        self.method = method
        settings = (STCNSettings if method == "stcn" else XMemSettings)(mem_every=NEVER)
        self._top_k = settings.top_k
        self.inference = _inference(side, method, objects, settings, folder)
        self.probabilities: Tensor | None = None
        self._session: PromptedSession | None = None

    def open(self, height: int, width: int, objects: int) -> None:
        """Begin the video with ``objects`` objects side by side."""
        view = View(id="benchmark", height=height, width=width)
        self._session = PromptedSession(
            view, inference=lambda: self, runtime=Runtime(), size=min(height, width), resize="bilinear"
        )
        mask = np.zeros((height, width), np.uint8)
        step = width // (objects + 1)
        for number in range(1, objects + 1):
            mask[height // 8 : -height // 8, number * step - step // 2 : number * step + step // 3] = number
        prompt = Prompt(ids=tuple(range(1, objects + 1)), mask=mask)
        self._session.step(Frame(index=0, name="0", image=picture(height, width, 0), prompt=prompt))

    def step(self, frame: int, image: Tensor, entering: Tensor | None = None) -> Tensor:
        """Stand between session and inference, to keep the probabilities."""
        self.probabilities = self.inference.step(frame, image, entering)
        return self.probabilities

    def seconds(self, index: int, image: Image) -> float:
        """Gives back what frame ``index`` took."""
        frame = Frame(index=index, name=str(index), image=image)
        began = time.perf_counter()
        self._session.step(frame)
        return time.perf_counter() - began

    def write(self, frame: int, features: Any, values: Tensor) -> None:
        """Put a memory frame into the memory, and read it a little so that there is usage to consolidate by."""
        if self.method == "stcn":
            self.inference.bank.add(frame, features.key, values, permanent=True)
            return
        self.inference.memory.write(frame, features, values)
        corner = {name: getattr(features, name)[:, :, :3, :5] for name in ("key", "selection")}
        self.inference.memory.read(dataclasses.replace(features, **corner))

    def read(self, features: Any) -> Tensor:
        """Read the memory alone."""
        if self.method == "stcn":
            return self.inference.bank.read(features.key, self._top_k)
        return self.inference.memory.read(features)


def main() -> None:
    """Measure what the command line asks for and print it."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.peak_of:
        print(peak_mib(arguments))
        return
    methods = [method_of(arguments.official)] if arguments.official else arguments.methods.split(",")
    baseline = "official code" if arguments.official else "straightforward"
    print(f"{arguments.height} x {arguments.width}, float32, {arguments.threads} thread(s); baseline: {baseline}")
    for method in methods:
        for objects in map(int, arguments.objects.split(",")):
            report(method, objects, arguments)


def report(method: str, objects: int, arguments: argparse.Namespace) -> None:
    """Print every figure of one method and number of objects."""
    print(f"\n{method}, {objects} object(s)")
    sides = {name: Side(name, method, objects, arguments.official) for name in SIDES}
    features, values = fill_material(method, objects, arguments.height, arguments.width)
    with torch.inference_mode():
        for side in sides.values():
            side.open(arguments.height, arguments.width, objects)
        age, index, plain = 1, 0, {}
        for goal in map(int, arguments.ages.split(",")):
            fill(list(sides.values()), features, values, age, goal)
            age = goal
            plain = measure(sides, lambda side, n: side.seconds(*n), _frames(arguments, index))
            index += arguments.rounds
            print(f"  bank of {goal:3} memory frames: {_ratio(plain)} s per plain frame")
        differences = (sides["new"].probabilities - sides["baseline"].probabilities).abs().flatten()
        reads = measure(sides, lambda side, _: _timed(lambda: side.read(features)), range(arguments.rounds))
        memory = measure(
            sides, lambda side, n: side.seconds(*n), [(NEVER, picture(arguments.height, arguments.width, 1))]
        )
    weighted = {name: ((MEMORY_FRAME_EVERY - 1) * plain[name] + memory[name]) / MEMORY_FRAME_EVERY for name in SIDES}
    print(f"  memory read alone, bank of {age}: {_ratio(reads)} s")
    print(f"  memory frame, bank of {age}:      {_ratio(memory)} s")
    print(f"  frames per second, plain frames: {_rates(plain)}")
    print(f"  frames per second, every {MEMORY_FRAME_EVERY}th a memory frame: {_rates(weighted)}")
    share = float((differences > 1e-3).float().mean())
    print(f"  probabilities differ by at most {float(differences.max()):.1e}, above 1e-3 on {share:.4%} of them")
    if not arguments.no_peak:
        peaks = {name: _peak_of(name, method, objects, arguments) for name in SIDES}
        print(f"  peak resident MiB: new {peaks['new']:.0f}, baseline {peaks['baseline']:.0f}")


def fill_material(method: str, objects: int, height: int, width: int) -> tuple[Any, Tensor]:
    """Gives back the features of a frame and values (objects, 512, h, w) to fill memories with."""
    network = _network(method)
    prepare_for_inference(network, device="cpu", direct=("value_encoder",))
    place = geometry(height, width, -1)
    with torch.inference_mode():
        image = image_to_network(
            picture(height, width, 0), place, mode="bilinear", device=torch.device("cpu"), dtype=torch.float32
        )
        features = network.encode_key(image)
        masks = torch.zeros(objects, *place.padded)
        for number, mask in enumerate(masks):
            mask[:, number * place.padded[1] // objects :][:, : place.padded[1] // (objects + 1)] = 1
        return features, network.value_encoder(image, features.f16, masks)


def fill(sides: list[Side], features: Any, values: Tensor, age: int, goal: int) -> None:
    """Write memory frames ``age`` to ``goal`` into every side: the same noise for all."""
    generator = torch.Generator().manual_seed(age)
    for frame in range(age, goal):
        key = features.key + 0.3 * features.key.std() * torch.randn(features.key.shape, generator=generator)
        noisy = values + 0.3 * values.std() * torch.randn(values.shape, generator=generator)
        for side in sides:
            side.write(frame, dataclasses.replace(features, key=key), noisy)


def measure(sides: dict[str, Side], seconds: Callable[[Side, Any], float], rounds: Any) -> dict[str, float]:
    """Gives back each side's fastest, the sides taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in rounds:
        for name, side in sides.items():
            taken[name].append(seconds(side, number))
    return {name: min(times) for name, times in taken.items()}


def peak_mib(arguments: argparse.Namespace) -> float:
    """Gives back the peak resident set of this process over a plain and a memory frame of one side."""
    method = method_of(arguments.official) if arguments.official else arguments.methods
    objects = int(arguments.objects)
    side = Side(arguments.peak_of, method, objects, arguments.official)
    features, values = fill_material(method, objects, arguments.height, arguments.width)
    with torch.inference_mode():
        side.open(arguments.height, arguments.width, objects)
        fill([side], features, values, 1, int(arguments.ages.split(",")[-1]))
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        for index in (1, NEVER):
            side.seconds(index, picture(arguments.height, arguments.width, index % 7))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def picture(height: int, width: int, shift: int) -> Image:
    """Gives back a frame (height, width, 3) of coloured squares, moved by ``shift`` pixels."""
    squares = np.random.default_rng(0).integers(0, 256, (height // 8 + 2, width // 8 + 4, 3), dtype=np.uint8)
    large = squares.repeat(8, axis=0).repeat(8, axis=1)
    return np.ascontiguousarray(large[shift : shift + height, shift : shift + width])


def _inference(side: str, method: str, objects: int, settings: Any, folder: Path | None) -> Any:
    network = _network(method)
    if side == "baseline" and folder is not None:
        return official_inference(folder, network.state_dict(), objects, settings)
    if side == "baseline":
        build = straightforward_stcn if method == "stcn" else straightforward_xmem
        return build(straightforward_network(network), settings)
    prepare_for_inference(network, device="cpu", direct=("value_encoder",))
    build = STCNInference if method == "stcn" else XMemInference
    return build(network, settings, device=torch.device("cpu"))


def _network(method: str) -> Any:
    module = stcn_network if method == "stcn" else xmem_network
    build = stcn_network.STCNNetwork if method == "stcn" else xmem_network.XMemNetwork
    weights = Weights(kind="random", seed=1)
    return build_network(build, weights, name=method, adjustments=module.ADJUSTMENTS, adapt=lambda state: state)


def _frames(arguments: argparse.Namespace, index: int) -> list[tuple[int, Image]]:
    numbers = range(index + 1, index + 1 + arguments.rounds)
    return [(number, picture(arguments.height, arguments.width, number % 7)) for number in numbers]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak_of(side: str, method: str, objects: int, arguments: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--peak-of", side, "--methods", method, "--objects", str(objects)]
    for name in ("threads", "height", "width", "ages"):
        command += [f"--{name}", str(getattr(arguments, name))]
    if arguments.official:
        command += ["--official", str(arguments.official)]
    # The official code prints on its own before.
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def _ratio(seconds: dict[str, float]) -> str:
    new, baseline = seconds["new"], seconds["baseline"]
    return f"{new:.3f} against {baseline:.3f}, {baseline / new:.2f} times as fast,"


def _rates(seconds: dict[str, float]) -> str:
    new, baseline = 1 / seconds["new"], 1 / seconds["baseline"]
    return f"{new:.3f} against {baseline:.3f} ({new / baseline:.2f} x)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--methods", default="xmem,stcn", help="stcn, xmem or both")
    parser.add_argument("--objects", default="1,3", help="numbers of objects")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--ages", default="1,5,10,20,50", help="memory frames in the bank, ascending")
    parser.add_argument("--rounds", type=int, default=2, help="frames timed of each side at each age")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=854)
    parser.add_argument("--official", type=Path, help="a checkout of the official XMem or STCN as the baseline")
    parser.add_argument("--no-peak", action="store_true", help="do not start processes to measure peak memory")
    parser.add_argument("--peak-of", choices=SIDES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except VosbenchError as error:
        sys.exit(f"error: {error}")
