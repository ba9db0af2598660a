"""The fingerprint that says which rows were measured on identical hardware."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from vosbench import machine as module
from vosbench.errors import UsageError
from vosbench.machine import Machine, ask_machine, default_device

ARM = "".join(f"processor\t: {i}\nCPU implementer\t: 0x41\nCPU part\t: 0xd{p}\n\n" for i, p in enumerate(("0b", "05")))
"""Two kinds of core, as ARM's Linux tells them."""


@pytest.fixture
def gpu_machine():
    return Machine(
        cpu="CPU",
        cores=8,
        memory_bytes=1 << 34,
        gpus=("Card A", "Card B"),
        driver="580",
        kernel="Linux 6",
        python="3.11",
        versions={"torch": "2.9.0+cu130", "numpy": "2.0"},
    )


def test_hardware_torch_and_threads_decide(gpu_machine):
    same = gpu_machine.fingerprint("cuda:0", 8)
    other_numpy = dataclasses.replace(gpu_machine, kernel="Linux 7", versions={"torch": "2.9.0+cu130", "numpy": "2.1"})
    assert same == other_numpy.fingerprint("cuda:0", 8)
    different = {
        same,
        gpu_machine.fingerprint("cuda:1", 8),
        gpu_machine.fingerprint("cuda:0", 4),
        gpu_machine.fingerprint("cpu", 8),
        dataclasses.replace(gpu_machine, cpu="other").fingerprint("cuda:0", 8),
        dataclasses.replace(gpu_machine, versions={"torch": "2.8.0"}).fingerprint("cuda:0", 8),
    }
    assert 6 == len(different)


def test_two_equal_cards_may_be_ranked_together(gpu_machine):
    twins = dataclasses.replace(gpu_machine, gpus=("Card A", "Card A"))
    assert twins.fingerprint("cuda:0", 8) == twins.fingerprint("cuda:1", 8)


def test_memory_tells_cards_of_one_name_apart_and_says_nothing_of_the_cpu(gpu_machine):
    small, same, large = (
        dataclasses.replace(gpu_machine, gpu_bytes=(size, 0)) for size in (10 << 30, (10 << 30) - 4096, 12 << 30)
    )
    assert small.fingerprint("cuda:0", 8) == same.fingerprint("cuda:0", 8) != large.fingerprint("cuda:0", 8)
    assert small.fingerprint("cuda:1", 8) == gpu_machine.fingerprint("cuda:1", 8)
    assert small.fingerprint("cpu", 8) == gpu_machine.fingerprint("cpu", 8)


@pytest.mark.parametrize(
    ("system", "cpuinfo", "board", "expected"),
    [
        ("Linux", "processor\t: 0\nmodel name\t: Xeon 1\nprocessor\t: 1\nmodel name\t: Xeon 1\n", None, "Xeon 1"),
        ("Linux", ARM, None, "aarch64 implementer 0x41, part 0xd05, 0xd0b"),
        ("Linux", ARM, "Some Board\0", "Some Board, aarch64 implementer 0x41, part 0xd05, 0xd0b"),
        ("Linux", "processor : 0\n", None, "aarch64"),
        ("Darwin", None, None, "Apple M1"),
    ],
)
def test_a_processor_is_named_by_its_model(monkeypatch, tmp_path, system, cpuinfo, board, expected):
    for name, text in (("_CPUINFO", cpuinfo), ("_BOARD", board)):
        monkeypatch.setattr(module, name, tmp_path / name)
        if text is not None:
            (tmp_path / name).write_text(text)
    for name, value in (("system", system), ("machine", "aarch64"), ("processor", "")):
        monkeypatch.setattr(module.platform, name, lambda value=value: value)
    monkeypatch.setattr(module, "_brand", lambda: "Apple M1")
    assert expected == module._cpu_name()


def test_the_footer_names_what_computed(gpu_machine):
    assert "Card B, driver 580, CPU" == gpu_machine.describe("cuda:1", 8)
    assert "CPU CPU, 2 of 8 cores" == gpu_machine.describe("cpu", 2)


def test_the_default_device_is_a_card_that_torch_can_use(gpu_machine):
    assert "cuda:0" == default_device(gpu_machine)
    assert "cpu" == default_device(dataclasses.replace(gpu_machine, versions={"torch": "2.9.0+cpu"}))
    assert "cpu" == default_device(dataclasses.replace(gpu_machine, gpus=()))


def test_this_machine_is_described(machine):
    assert machine.cores >= 1
    assert machine.memory_bytes > 0
    assert machine.cpu
    assert machine.versions["numpy"]


def test_another_python_says_what_it_runs_on(machine):
    assert machine == ask_machine(sys.executable)


def test_a_python_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be started"):
        ask_machine(str(tmp_path / "python"))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no module >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match="cannot run vosbench: no module"):
        ask_machine(str(broken))
    broken.write_text("#!/bin/sh\necho '{}'\n")
    with pytest.raises(UsageError, match="has another vosbench"):
        ask_machine(str(broken))
