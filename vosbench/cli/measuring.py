"""The options of ``vosbench run`` that say how methods are computed and measured."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from vosbench.cli.options import comma_list
from vosbench.contract import Runtime
from vosbench.errors import UsageError
from vosbench.machine import Machine, default_device
from vosbench.records import Minimum, Mode

F = TypeVar("F", bound=Callable[..., Any])

GIB = 1 << 30

OPTIONS = (
    click.option("--device", help="cpu, cuda or cuda:N. Default: the first GPU, else the CPU."),
    click.option("--threads", type=click.IntRange(min=1), help="CPU threads. Default: all cores."),
    click.option("--precision", type=click.Choice(["fp32", "tf32", "fp16", "bf16"]), default="fp32", show_default=True),
    click.option("--compile", is_flag=True, help="Hand the networks to torch.compile; its time is warm-up."),
    click.option(
        "--size",
        type=click.IntRange(min=16),
        metavar="PIXELS",
        help="Shorter side at which the networks see the frames, as 480, 600 or 720. Default: each method's own.",
    ),
    click.option("--flip", is_flag=True, help="Average probabilities with those of the mirrored frames."),
    click.option(
        "--scales",
        callback=comma_list,
        metavar="S,S,...",
        help="Average probabilities over the frames enlarged by each factor, as 1,1.15,1.3; the cost is in the clock.",
    ),
    click.option(
        "--profile",
        type=click.Choice(["one-core"]),
        help="one-core: one pinned core, one thread; a stand-in for a phone, with a line at 33 ms in speed plots.",
    ),
    click.option(
        "--realtime",
        type=click.FloatRange(min=0, min_open=True),
        metavar="FPS",
        help="A camera that does not wait: a frame that comes while the one before is computed is dropped, and "
        "answered with that one's masks; the score shows what that costs. Frames with prompts wait.",
    ),
    click.option(
        "--memory-budget",
        type=click.FloatRange(min=0, min_open=True),
        metavar="GIB",
        help="The most that torch's allocator (CUDA) or the process (CPU) may hold from the first frame on, weights "
        "included. Out of memory is a result: the frame it happened at, and the score over the frames before.",
    ),
    click.option("--core", is_flag=True, help="Time the network part as well (synchronises inside the step)."),
    click.option("--warm-up", type=click.IntRange(min=0), help="Frames of warm-up. Default: 10 on a GPU, 2 on a CPU."),
    click.option(
        "--repeats",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Passes over everything, each in an order of its own; tables show the 95 % interval of FPS.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Draws the order of the passes, and what methods draw."
    ),
    click.option(
        "--min-seconds",
        type=click.FloatRange(min=0),
        default=Minimum().seconds,
        show_default=True,
        help="A video that is timed for less says so in record and table.",
    ),
    click.option(
        "--min-frames",
        type=click.IntRange(min=0),
        default=Minimum().frames,
        show_default=True,
        help="A video with fewer timed frames says so in record and table.",
    ),
)
"""In the order in which the help shows them."""


def measuring_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def runtime_of(options: dict[str, Any], machine: Machine) -> Runtime:
    """Gives back how methods are asked to compute."""
    one_core = options["profile"] == "one-core"
    return Runtime(
        device=device_of("cpu" if one_core and options["device"] is None else options["device"], machine),
        precision=options["precision"],
        compile=options["compile"],
        threads=options["threads"] or (1 if one_core else machine.cores),
        seed=options["seed"],
        scales=_scales(options["scales"]),
        flip=options["flip"],
    )


def mode_of(options: dict[str, Any]) -> Mode:
    """Gives back what sets the run apart beside its runtime."""
    budget = _finite("--memory-budget", options["memory_budget"])
    return Mode(
        short_side=options["size"],
        one_core=options["profile"] == "one-core",
        realtime=_finite("--realtime", options["realtime"]),
        memory_budget=int(budget * GIB) if budget is not None else None,
    )


def minimum_of(options: dict[str, Any]) -> Minimum:
    """Gives back the shortest measurement that is taken for one."""
    return Minimum(frames=options["min_frames"], seconds=_finite("--min-seconds", options["min_seconds"]) or 0.0)


def _finite(option: str, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise UsageError(f"{option} {value}: expected a finite number", fix="leave it out to have no such limit")
    return value


def device_of(named: str | None, machine: Machine) -> str:
    """Gives back the torch device that ``--device`` names. Raises `UsageError` for one that is not there."""
    device = named or default_device(machine)
    device = "cuda:0" if device == "cuda" else device
    if not re.fullmatch(r"cpu|cuda:[0-9]+", device):
        raise UsageError(f"--device {device}: not known", fix="write cpu, cuda or cuda:N")
    if device != "cpu" and int(device[5:]) >= len(machine.gpus) and machine.card_trouble:
        raise UsageError(
            f"--device {device}: {machine.card_trouble}",
            fix="see what 'nvidia-smi' says: a new driver wants a restart; or write --device cpu",
        )
    if device != "cpu" and int(device[5:]) >= len(machine.gpus):
        raise UsageError(f"--device {device}: this machine has {len(machine.gpus)} NVIDIA cards", fix="write cpu")
    return device


def _scales(texts: tuple[str, ...]) -> tuple[float, ...]:
    if not texts:
        return (1.0,)
    try:
        scales = tuple(float(text) for text in texts)
    except ValueError as error:
        raise UsageError(f"--scales {','.join(texts)}: expected numbers", fix="write --scales 1,1.15,1.3") from error
    if not all(0.1 <= scale <= 10 for scale in scales):
        raise UsageError(f"--scales {','.join(texts)}: a factor lies between 0.1 and 10", fix="1 is the frame's own")
    return scales
