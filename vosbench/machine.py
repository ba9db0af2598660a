"""What this machine is: the fingerprint that says which rows were measured on identical hardware.

Run as a module it prints itself as JSON: that is how another environment's Python is asked what it would measure on.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vosbench.cards import read_cards
from vosbench.digest import digest_json
from vosbench.errors import UsageError
from vosbench.plain import PlainError, from_plain, to_plain

VERSIONS_OF = ("vosbench", "torch", "numpy", "opencv-python-headless", "Pillow", "transformers", "timm")

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CPUINFO = Path("/proc/cpuinfo")
_BOARD = Path("/sys/firmware/devicetree/base/model")
_ANSWER_LIMIT = 120.0
"""Seconds that another Python may take to say what it runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Hardware and system software. Bytes are bytes.

    ``gpus``, their ``gpu_uuids`` and ``gpu_bytes`` are those that ``CUDA_VISIBLE_DEVICES`` leaves, in the order of
    torch's ``cuda:N``; they, ``driver`` and ``cuda``, the driver's CUDA version, are empty without an NVIDIA card, and
    ``card_trouble`` says where the driver could not be asked about cards. A card's bytes are 0 where it does not tell.
    ``governor`` sets the CPU's clock, '' where the system does not say; ``versions`` hold torch's build
    (``2.13.0+cu130``).
    """

    cpu: str
    cores: int
    memory_bytes: int
    gpus: tuple[str, ...]
    driver: str
    kernel: str
    python: str
    versions: dict[str, str]
    gpu_uuids: tuple[str, ...] = ()
    gpu_bytes: tuple[int, ...] = ()
    cuda: str = ""
    card_trouble: str = ""
    governor: str = ""

    def fingerprint(self, device: str, threads: int) -> str:
        """Gives back 12 hex digits that are equal where two rows may be ranked together.

        Hardware, torch build and threads decide; host name, kernel patch level and the other versions do not.
        """
        gpu = self._card(_gpu_index(device)) if device.startswith("cuda") and self.gpus else ""
        return digest_json([self.cpu, self.cores, gpu, self.versions.get("torch", ""), device[:4], threads])[:12]

    def _card(self, index: int) -> str:
        """A card's name, with its memory in GiB: some are sold under one name with different memories."""
        size = round(self.gpu_bytes[index] / (1 << 30)) if index < len(self.gpu_bytes) else 0
        return f"{self.gpus[index]}, {size} GiB" if size else self.gpus[index]

    def describe(self, device: str, threads: int) -> str:
        """Gives back one line for a table's footer."""
        if device.startswith("cuda") and self.gpus:
            return f"{self.gpus[_gpu_index(device)]}, driver {self.driver}, {self.cpu}"
        return f"CPU {self.cpu}, {threads} of {self.cores} cores"


def read_machine() -> Machine:
    """Gives back this machine, without importing torch."""
    cards = read_cards(os.environ)
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_memory(),
        gpus=tuple(card.name for card in cards.visible),
        driver=cards.driver,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: _version(name) for name in VERSIONS_OF},
        gpu_uuids=tuple(card.uuid for card in cards.visible),
        gpu_bytes=tuple(card.memory_bytes for card in cards.visible),
        cuda=cards.cuda,
        card_trouble=cards.trouble,
        governor=_GOVERNOR.read_text().strip() if _GOVERNOR.is_file() else "",
    )


def ask_machine(interpreter: str) -> Machine:
    """Gives back the machine as another Python sees it: its torch decides the fingerprint as well.

    Raises `UsageError` for an interpreter that does not answer, mostly because vosbench is not installed there.
    """
    command = [interpreter, "-P", "-m", "vosbench.machine"]
    fix = f"install vosbench there: {interpreter} -m pip install vosbench"
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_LIMIT)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise UsageError(f"{interpreter} cannot run vosbench: {said[-1] if said else 'it said nothing'}", fix=fix)
        lines = done.stdout.splitlines()  # what else is set up there may print as well, before
        return from_plain(Machine, json.loads(lines[-1] if lines else b""))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{interpreter} cannot be started: {error}", fix="name a Python") from error
    except (ValueError, PlainError) as error:
        raise UsageError(f"{interpreter} has another vosbench: {error}", fix=fix) from error


def default_device(machine: Machine) -> str:
    """Gives back ``cuda:0`` where there is a card and a torch build that can use it, else ``cpu``."""
    return "cuda:0" if machine.gpus and not machine.versions.get("torch", "").endswith("+cpu") else "cpu"


def _gpu_index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu_name() -> str:
    """The model of the processor: its architecture alone would be equal on different hardware."""
    if platform.system() == "Darwin":
        return _brand() or platform.processor() or platform.machine()
    try:
        lines = [line.partition(":") for line in _CPUINFO.read_text(encoding="utf-8").splitlines()]
    except OSError:
        lines = []
    for key, _, value in lines:
        if key.strip() == "model name":
            return value.strip()
    return _arm_name(lines) or platform.processor() or platform.machine()


def _arm_name(lines: list[tuple[str, str, str]]) -> str:
    """ARM's Linux gives numbers for the maker and for each kind of core, and mostly the name of the board."""
    found = {key.strip(): set[str]() for key, _, _ in lines}
    for key, _, value in lines:
        found[key.strip()].add(value.strip())
    makers, parts = (", ".join(sorted(found.get(key, ()))) for key in ("CPU implementer", "CPU part"))
    cores = f"{platform.machine()} implementer {makers}, part {parts}" if makers and parts else ""
    try:
        board = _BOARD.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        board = ""
    return ", ".join(word for word in (board, cores) if word)


def _brand() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(to_plain(read_machine())) + "\n")
