"""The doctor: what it measures of the harness, and what it says of a machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from vosbench import doctor
from vosbench.cli import vosbench
from vosbench.meters.host_memory import HostMemory


def test_the_harness_itself_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FRAMES", 120)
    overhead = doctor.measure_overhead()
    assert 120 == overhead.frames
    assert "bounded" == overhead.growth.verdict
    assert overhead.growth.per_frame is not None
    assert abs(overhead.growth.per_frame) < 4096
    assert overhead.inside_ms > 0
    assert 0 < overhead.writing_ms < overhead.outside_ms
    assert overhead.cpu_ms > 0


def test_a_busy_machine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (1000.0, 0.0, 0.0))
    assert any("busy" in finding.what for finding in doctor.find_noise())
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert not any("busy" in finding.what for finding in doctor.find_noise())


def test_a_clock_that_changes_and_a_quota_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {"scaling_governor": "powersave", "cpu.max": "150000 100000"}
    monkeypatch.setattr(doctor, "_read", lambda path: said.get(Path(path).name, ""))
    words = " ".join(finding.what for finding in doctor.find_noise())
    assert "governor powersave" in words
    assert "1.5 CPUs by quota" in words


def test_a_system_that_tells_no_memory_is_said_to_measure_none(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = HostMemory(live=None, resident=None, peak_resident=None)
    monkeypatch.setattr(doctor, "read_host_memory", lambda: nothing)
    monkeypatch.setattr(doctor, "live_bytes", lambda: None)
    words = " ".join(f"{finding.what} {finding.fix}" for finding in doctor.find_noise())
    assert "memory and its growth on the CPU are not measured here" in words
    assert "resident set" not in words


def test_the_verb_prints_text_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FRAMES", 20)
    text = CliRunner().invoke(vosbench, ["doctor"])
    assert 0 == text.exit_code
    assert "fingerprint:" in text.output
    found = json.loads(CliRunner().invoke(vosbench, ["doctor", "--json"]).output)
    assert {"machine", "fingerprint", "findings", "overhead"} == set(found)
