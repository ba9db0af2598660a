"""What of a whole tensor a fixture stores: the thinning rules of ``parity/networks/README.md``, as data.

A network's family is the part of its name that the rules go by: ``xmem``, ``stcn``, or ``aot`` for ``AOT:...`` and
``MAVOS:...``. Another family plugs in with a row in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vosbench.errors import DataError

Tensor: TypeAlias = NDArray[Any]
Thinning: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How the fixtures of one family are stored.

    ``absent`` is the probability of an object that does not exist yet; ``sizes`` names the memory sizes and whether
    they are one entry per frame or one per memory call (then a frame brings several, one after the other);
    ``probes`` maps the name of a probe, without its frame, to what is kept of the whole tensor.
    """

    absent: float
    sizes: Mapping[str, bool]
    probes: Mapping[str, Thinning]


PER_FRAME = True
PER_CALL = False


def family_of(network: str, where: str) -> Family:
    """Gives back the family that a fixture's network name belongs to. Raises `DataError` for an unknown one."""
    name = "aot" if network.startswith(("AOT:", "MAVOS:")) else network.split("_")[0]
    if name not in FAMILIES:
        raise DataError(
            f"nothing is known about how fixtures of the network '{network}' are stored",
            where=where,
            fix=f"known are {', '.join(sorted(FAMILIES))}; add a row to vosbench.check.thinning.FAMILIES",
        )
    return FAMILIES[name]


def thin_grid(probabilities: Tensor, subsample: int) -> Tensor:
    """Gives back every 4th pixel from pixel 2 on of (channels, height, width), every 8th with ``subsample`` 2."""
    return probabilities[:, 2 :: 4 * subsample, 2 :: 4 * subsample]


def thin_logits(logits: Tensor, subsample: int) -> Tensor:
    """Gives back every ``subsample``-th pixel of (channels, height, width)."""
    return logits[..., ::subsample, ::subsample]


def _whole(tensor: Tensor) -> Tensor:
    return tensor


def _every(step: int, axis: int) -> Thinning:
    def thin(tensor: Tensor) -> Tensor:
        return tensor[(slice(None),) * axis + (slice(None, None, step),)]

    return thin


def _space(step: int) -> Thinning:
    def thin(tensor: Tensor) -> Tensor:
        return tensor[..., ::step, ::step]

    return thin


def _both(channels: Thinning, space: Thinning) -> Thinning:
    def thin(tensor: Tensor) -> Tensor:
        return space(channels(tensor))

    return thin


def _first_rows(count: int) -> Thinning:
    def thin(tensor: Tensor) -> Tensor:
        return tensor[:count]

    return thin


def _eight_channels(tensor: Tensor) -> Tensor:
    """Keeps every (C // 8)-th of C channels."""
    return tensor[:: max(1, tensor.shape[0] // 8)]


def _sixteen_columns(tensor: Tensor) -> Tensor:
    """Keeps 16 columns: every 32nd of 512 (DeAOT, MAVOS), every 16th of 256 (AOT-L)."""
    return tensor[:, :: max(1, tensor.shape[1] // 16)]


_ENCODER: Mapping[str, Thinning] = {
    "key": _whole,
    "f16": _every(64, 0),
    "f8": _both(_every(64, 0), _space(2)),
    "f4": _both(_every(64, 0), _space(4)),
    "readout": _every(8, 1),
}

FAMILIES: Mapping[str, Family] = {
    "xmem": Family(
        absent=float("nan"),
        sizes={
            "work_mem_elements": PER_FRAME,
            "long_mem_elements": PER_FRAME,
            "work_value_elements_per_group": PER_FRAME,
            "long_value_elements_per_group": PER_FRAME,
        },
        probes={
            **_ENCODER,
            "shrink": _whole,
            "sel": _whole,
            "work_key_end_first4": _first_rows(4),
            "work_value_g0": _every(64, 1),
            "hidden": _every(8, 1),
            "long_key_end_first4": _first_rows(4),
            "long_value_g0": _every(64, 1),
            "long_usage": _whole,
        },
    ),
    "stcn": Family(
        absent=0.0,
        sizes={"match_sizes": PER_CALL},
        probes={**_ENCODER, "f16thin": _every(32, 0)},
    ),
    "aot": Family(
        absent=0.0,
        sizes={"long_term_tokens_per_engine": PER_FRAME},
        probes={
            "input": _space(8),
            "feat0": _both(_eight_channels, _space(4)),
            "feat1": _both(_eight_channels, _space(2)),
            "feat2": _eight_channels,
            "enc": _every(16, 0),
            "id_emb": _every(8, 1),
            "lt_v_l0_t0": _every(32, 1),
            "lt_idv_l2_t0": _sixteen_columns,
            "lstt_out": _every(32, 1),
            "lt_k_l0_end": _every(16, 1),
            "lt_v_l1_end": _every(64, 1),
            "lt_idv_l2_end": _every(64, 1),
            "st_v_l1_end": _every(64, 0),
        },
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A stored tensor: its ``name`` in the fixture, the ``base`` its rule goes by, and the ``frame`` it belongs to.

    ``frame`` is None where the name does not say it (the i-th call of the memory).
    """

    name: str
    base: str
    frame: int | None


def probe_of(name: str, frames: int, family: Family, where: str) -> Probe:
    """Gives back what the name of a stored probe (``readout_t42``, ``hidden_end``, ``readout_call3``) says."""
    stem, _, last = name.rpartition("_")
    if last.startswith("t") and last[1:].isdigit():
        frame: int | None = int(last[1:])
    elif name.endswith(("_end", "_end_first4")):
        stem, frame = name.partition("_end")[0], frames - 1
    elif last.startswith("call") and last[4:].isdigit():
        frame = None
    else:
        raise DataError(f"the probe {name} names no frame", where=where, fix="names end in _t<frame>, _end or _call<i>")
    base = name if name in family.probes else stem
    if base not in family.probes:
        raise DataError(f"nothing says how the probe {name} was thinned out", where=where, fix="add a rule for it")
    return Probe(name=name, base=base, frame=frame)


def thinned(tensor: Tensor, probe: Probe, family: Family) -> Tensor | None:
    """Gives back what the fixture stores of a whole tensor, or None where the tensor has too few axes for it."""
    try:
        return np.asarray(family.probes[probe.base](tensor))
    except IndexError:
        return None
