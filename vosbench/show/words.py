"""A cell in words: what it is, how it ended and what it measured."""

from __future__ import annotations

from pathlib import Path

from vosbench.records import Record
from vosbench.scorer import read_score
from vosbench.store.run import MASKS_FOLDER
from vosbench.store.tracks import TRACKS_FILE
from vosbench.vis_runs import Pass, read_measures
from vosbench.weights import weights_label

MIB = float(1 << 20)

LAST_LINES = 20


def describe_cell(folder: Path, record: Record) -> dict[str, str]:
    """Gives back what a cell is, by name, for people; every number beside its unit."""
    spec = record.spec
    changed = [f"{name}={value}" for name, value in {**spec.method.settings, **spec.given}.items()]
    return {
        "cell": str(folder),
        "key": record.key,
        "method": f"{spec.method.title} ({spec.method.label})",
        "weights": _weights(record),
        "settings": ", ".join(changed) or "none",
        "suite": f"{spec.suite.title}, split {spec.suite.split}, protocol {spec.suite.protocol}",
        "video": _video(record),
        "pass": f"repeat {spec.repeat}, insertion offset {spec.offset} of {spec.offsets}",
        "outcome": _outcome(record),
        "score": _score(folder, record),
        "time": _time(record),
        "memory": _memory(record),
        "answers": f"{record.masks_digest[:16] or 'none'} (digest of the masks), {_answers_place(folder, record)}",
        "machine": record.machine.describe(spec.runtime.device, spec.runtime.threads)
        + f"; {spec.runtime.precision}; torch {record.machine.versions.get('torch', '') or 'not there'}"
        + f"; fingerprint {spec.fingerprint}",
        "started": record.started,
        **({"notes": "; ".join(record.notes)} if record.notes else {}),
    }


def cell_log(folder: Path, record: Record) -> str:
    """Gives back what is left of a failure: its traceback, else the last lines of the log of its process."""
    if record.outcome.detail:
        return record.outcome.detail
    path = folder.parents[2] / "logs" / f"{folder.parent.name}.log"
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])


def _weights(record: Record) -> str:
    weights = record.spec.method.weights
    words = weights_label(weights) or weights.kind
    return f"{words}, {weights.path}, sha256 {weights.sha256[:16]}" if weights.path is not None else words


def _video(record: Record) -> str:
    spec = record.spec
    size = f", {record.height} x {record.width}" if record.height is not None else ""
    cut = f", cut to {spec.max_frames} frames" if spec.max_frames is not None else ""
    return f"{spec.video}: {record.frames} frames answered{size}{cut}"


def _outcome(record: Record) -> str:
    outcome = record.outcome
    at = f" at frame {outcome.frame}" if outcome.frame is not None else ""
    return outcome.status + at + (f": {outcome.reason}" if outcome.reason else "")


def _answers_place(folder: Path, record: Record) -> Path:
    return folder / (TRACKS_FILE if record.spec.suite.task == "vis" else MASKS_FOLDER)


def _score(folder: Path, record: Record) -> str:
    if not record.spec.method.weights.trained:
        return "none: random weights have no accuracy"
    if record.spec.suite.task == "vis":
        measures = read_measures([(folder, record)])
        headline = Pass(folder=folder.parent, cells=((folder, record),)).rules.headline
        shown = ", ".join(f"{name} {100 * measures[name]:.1f}" for name in headline if name in measures)
        return f"{shown} on this video alone" if shown else "none: not scored; 'vosbench score RUN' says why"
    score = read_score(folder, record.spec.suite.protocol)
    if score is None:
        return "none: not scored; 'vosbench score RUN' says why"
    words = [
        f"object {scored.id} J {_percent(scored.j_statistics.mean)} F {_percent(scored.f_statistics.mean)}"
        for scored in score.objects
    ]
    return "; ".join(words) or "no object"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _time(record: Record) -> str:
    timing = record.timing
    if timing is None:
        return "not measured"
    return (
        f"{timing.frames_per_second:.2f} frames per second; median {timing.median_ms:.1f} ms, "
        f"p90 {timing.p90_ms:.1f} ms, p99 {timing.p99_ms:.1f} ms"
    )


def _memory(record: Record) -> str:
    memory = record.memory
    if memory is None:
        return "not measured"
    stations = {
        "before load": memory.before_load,
        "after load": memory.after_load,
        "before the video": memory.before_open,
        "peak": memory.peak,
        "after close": memory.after_close,
    }
    words = [f"{name} {size / MIB:.0f} MiB" for name, size in stations.items() if size is not None]
    return ", ".join(words) or "not measured"
