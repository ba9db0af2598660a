"""Writes the result files of the official tools: same names, columns and digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vosbench.errors import StoreError
from vosbench.metrics.protocol import Protocol
from vosbench.metrics.summary import Row, Summary
from vosbench.whole import write_beside

_GLOBAL_LABEL = "Global score"


def write_official_csv(folder: Path, protocol: Protocol, summary: Summary, *, subset: str) -> tuple[Path, ...]:
    """Write what the protocol's official tool would leave in a results folder and give back the files.

    The official tools of DAVIS and LVOS read such files back instead of computing anew; these are always overwritten.

    Args:
        folder: Where the predictions of the videos lie; it must exist.
        protocol: The protocol of ``summary``. YouTube-VOS has no official tool and so no file.
        summary: The scores.
        subset: The split's name in the file names of DAVIS and LVOS, such as ``val``.
    """
    match protocol.name:
        case "youtube-vos":
            return ()
        case "vos-benchmark" | "sav":
            texts = {"results.csv": vos_benchmark_csv(summary)}
        case "long-time-afb-urr":
            texts = {
                "global_results.csv": global_csv(summary).replace("F-", "NF-"),
                "per-sequence_results.csv": per_sequence_csv(summary).replace("F-Mean", "NF-Mean", 1),
            }
        case _:
            texts = {
                f"global_results-{subset}.csv": global_csv(summary),
                f"per-sequence_results-{subset}.csv": per_sequence_csv(summary),
            }
    return tuple(_publish(folder / name, text) for name, text in texts.items())


def global_csv(summary: Summary) -> str:
    """Gives back the global means as davis2017-evaluation writes them: one line of names, one of ``%.3f``."""
    names = [measure.name for measure in summary.measures]
    return _table([names, [_three_digits(measure.value) for measure in summary.measures]])


def per_sequence_csv(summary: Summary) -> str:
    """Gives back one line per object as davis2017-evaluation and, with V, lvos-evaluation write them."""
    has_variance = any(row.variance is not None for row in summary.rows)
    lines = [["Sequence", "J-Mean", "F-Mean"] + ["V-Mean"] * has_variance]
    for row in summary.rows:
        values = [row.j_mean, row.f_mean] + [row.variance] * has_variance
        lines.append([row.label, *(_three_digits(value) for value in values)])
    return _table(lines)


def vos_benchmark_csv(summary: Summary) -> str:
    """Gives back the padded table of vos-benchmark, in percent; the objects of a video stand in ascending order.

    The tool itself lists them in the order of a Python set, which is the same for small ids.
    """
    width = max(len(name) for name in (*summary.videos, _GLOBAL_LABEL))
    j = _mean_percent([row.j_mean for row in summary.rows])
    f = _mean_percent([row.f_mean for row in summary.rows])
    lines = [
        f"{'sequence':<{width}},{'obj':>3}, {'J&F':>4}, {'J':>4}, {'F':>4}",
        f"{_GLOBAL_LABEL:<{width}},{'':>3}, {(j + f) / 2:.1f}, {j:.1f}, {f:.1f}",
        *(_percent_line(row, width) for row in summary.rows),
    ]
    return "\n".join(lines) + "\n"


def _percent_line(row: Row, width: int) -> str:
    j = _percent(row.j_mean)
    f = _percent(row.f_mean)
    return f"{row.video:<{width}},{row.object_id:03}, {(j + f) / 2:>4.1f}, {j:>4.1f}, {f:>4.1f}"


def _percent(value: float | None) -> float:
    return float("nan") if value is None else value * 100


def _mean_percent(values: Sequence[float | None]) -> float:
    """Gives back the mean, or the NaN that the official file shows where there is nothing to average."""
    return float(np.mean([_percent(value) for value in values])) if values else float("nan")


def _three_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()


def _publish(path: Path, text: str) -> Path:
    try:
        write_beside(path, text.encode())
    except OSError as error:
        raise StoreError(
            f"the scores cannot be written: {error.strerror}", where=str(path), fix="check the folder and free space"
        ) from error
    return path
