"""Why a cell is used again by the same command, or not: everything its key covers, then and now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vosbench.contract import Weights
from vosbench.data.suite import suite_of
from vosbench.data.video import open_video, video_digest
from vosbench.errors import UsageError, VosbenchError
from vosbench.machine import read_machine
from vosbench.plain import to_plain
from vosbench.records import CellSpec, Record
from vosbench.registry import Method, Registry, source_digest
from vosbench.weights import MINI, equip

SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One part of a cell's key: what the record has and what is there now. ``same`` is None where nobody can tell."""

    part: str
    recorded: str
    now: str
    same: bool | None


def reuse_reasons(record: Record, adapters: Sequence[Path] = ()) -> list[Reason]:
    """Gives back every part of a cell's key that may have changed since, with its value now.

    A cell is used again where all are the same and it went through; `--retry` runs one that failed once more.
    ``adapters`` are the files whose code may run: those that the user names, never one that only a record names.
    """
    spec = record.spec
    return [
        Reason(part="outcome", recorded=record.outcome.status, now="", same=record.outcome.status == "ok"),
        _reason("adapter's source", spec.method.source, lambda: source_digest(_method(spec, adapters).card)),
        _settings(spec, adapters),
        _weights(spec, adapters),
        _reason("frames and prompts", spec.video_digest, lambda: _video(spec)),
        _reason(
            "hardware, torch, threads",
            spec.fingerprint,
            lambda: read_machine().fingerprint(spec.runtime.device, spec.runtime.threads),
        ),
    ]


def _reason(part: str, recorded: str, now: Callable[[], str]) -> Reason:
    try:
        found = now()
    except VosbenchError as error:
        return Reason(part=part, recorded=recorded[:SHORT], now=error.what, same=None)
    return Reason(part=part, recorded=recorded[:SHORT], now=found[:SHORT], same=found == recorded)


def _method(spec: CellSpec, adapters: Sequence[Path]) -> Method:
    file = spec.method.adapter_file
    if file is not None and file not in [path.resolve() for path in adapters]:
        raise UsageError(f"not looked at; to do: add --adapter {file}")
    words = spec.method.label.removeprefix(spec.method.name).split()
    overrides = {key: value for key, equals, value in (word.partition("=") for word in words) if equals}
    return Registry(() if file is None else (file,)).method(spec.method.name, overrides)


def _settings(spec: CellSpec, adapters: Sequence[Path]) -> Reason:
    """Defaults may have changed, or settings may be there that were not."""
    part = "settings"
    try:
        mini = spec.method.weights.kind == MINI
        now = to_plain((_equipped(spec, adapters)[0] if mini else _method(spec, adapters)).settings)
    except VosbenchError as error:
        return Reason(part=part, recorded="", now=error.what, same=None)
    then = to_plain(spec.method.settings)
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    return Reason(
        part=part,
        recorded=", ".join(f"{name}={then.get(name, 'absent')}" for name in names),
        now=", ".join(f"{name}={now.get(name, 'absent')}" for name in names),
        same=not names,
    )


def _weights(spec: CellSpec, adapters: Sequence[Path]) -> Reason:
    weights = spec.method.weights
    if weights.path is None:
        words = f"random:{weights.seed}" if weights.kind == "random" else weights.kind
        return Reason(part="weights", recorded=words, now=words, same=True)
    return _reason("weights", weights.sha256, lambda: _equipped(spec, adapters)[1].sha256)


def _equipped(spec: CellSpec, adapters: Sequence[Path]) -> tuple[Method, Weights]:
    """The method with the weights that the record names, as they are now."""
    weights = spec.method.weights
    return equip(_method(spec, adapters), MINI if weights.kind == MINI else str(weights.path), None)


def _video(spec: CellSpec) -> str:
    suite = suite_of(spec.suite)
    return video_digest(open_video(suite, spec.suite.root, spec.video, max_frames=spec.max_frames))
