"""Reads stored outputs of reference implementations: ``fixture.json``, ``outputs.npz`` and the clip beside them."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosbench.check.filling import Override, WeightRule
from vosbench.check.thinning import Family, Probe, family_of, probe_of
from vosbench.contract import Fixture
from vosbench.data.images import read_image
from vosbench.data.masks import read_mask
from vosbench.errors import DataError, UsageError
from vosbench.types import Image, LabelMap

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_LOGITS = "logits_stride4_engine"
_PROBE = "probe_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """The largest differences that are right; ``logit_max`` where the family has logits."""

    prob_p999: float
    prob_max: float
    label_fraction: float
    logit_max: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """The stored arrays: ``labels`` (T, H, W) uint8, ``grid`` (T, 1 + K, h, w), logits by engine, probes by name."""

    labels: LabelMap
    grid: NDArray[np.float32]
    logits: Mapping[int, NDArray[np.float32]]
    probes: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredFixture:
    """A fixture as its folder describes it. ``forced`` says that the recorded labels replace the method's own."""

    folder: Path
    name: str
    network: str
    clip: str
    frames: int
    config: Mapping[str, Any]
    rule: WeightRule
    forced: bool
    tolerance: Tolerance
    family: Family
    sizes: Mapping[str, tuple[Any, ...]]
    events: tuple[Mapping[str, Any], ...]
    grid_subsample: int
    logits_subsample: int


def fixture_folders(folder: Path) -> Iterator[Path]:
    """Yields ``folder`` if it is a fixture, else the fixtures in it, by name. Raises `UsageError` for no folder."""
    if (folder / "fixture.json").is_file():
        yield folder
        return
    if not folder.is_dir():
        raise UsageError("there is no such folder of fixtures", where=f"--parity {folder}", fix="check the path")
    yield from sorted(path.parent for path in folder.glob("*/fixture.json"))


def read_network(folder: Path) -> str:
    """Gives back the name of the network that a fixture's outputs come from."""
    return str(_text(_read_json(folder / "fixture.json"), "network", folder / "fixture.json"))


def read_fixture(folder: Path) -> StoredFixture:
    """Gives back the description of the fixture in ``folder``. Raises `DataError` where it is not whole."""
    path = folder / "fixture.json"
    fields = _read_json(path)
    network = _text(fields, "network", path)
    frames = _number(fields, "frames", path)
    tolerances = _mapping(fields, "tolerance", path)
    forced = "labels_forced" in tolerances
    family = family_of(network, str(path))
    return StoredFixture(
        folder=folder,
        name=_text(fields, "name", path),
        network=network,
        clip=_text(fields, "clip", path),
        frames=frames,
        config=_mapping(fields, "config", path),
        rule=_rule(fields, path),
        forced=forced,
        tolerance=_tolerance(_mapping(tolerances, "labels_forced" if forced else "free_run", path), path),
        family=family,
        sizes={name: _entries(fields, name, frames if framed else None, path) for name, framed in family.sizes.items()},
        events=tuple(_event(event, frames, path) for event in fields.get("events", [])),
        grid_subsample=int(fields.get("grid_subsample", 1)),
        logits_subsample=int(fields.get("logits_subsample", 1)),
    )


def read_outputs(stored: StoredFixture) -> Outputs:
    """Gives back a fixture's arrays. Raises `DataError` where the file is torn or its arrays do not fit together."""
    path = stored.folder / "outputs.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except _UNREADABLE as error:
        raise DataError(f"the stored outputs cannot be read: {error}", where=str(path), fix="copy it again") from error
    for name in ("labels", "prob_grid"):
        if name not in arrays or len(arrays[name]) != stored.frames or arrays[name].ndim != {"labels": 3}.get(name, 4):
            raise DataError(
                f"{name} is missing or not an array of {stored.frames} frames", where=str(path), fix="copy it again"
            )
    return Outputs(
        labels=arrays["labels"],
        grid=arrays["prob_grid"],
        logits={int(name.removeprefix(_LOGITS)): arrays[name] for name in arrays if name.startswith(_LOGITS)},
        probes={name.removeprefix(_PROBE): arrays[name] for name in arrays if name.startswith(_PROBE)},
    )


def probes_of(stored: StoredFixture, outputs: Outputs) -> tuple[Probe, ...]:
    """Gives back the stored probes. Raises `DataError` for one that no thinning rule covers."""
    where = str(stored.folder / "outputs.npz")
    return tuple(probe_of(name, stored.frames, stored.family, where) for name in outputs.probes)


def build_fixture(stored: StoredFixture, outputs: Outputs) -> Fixture:
    """Gives back what a card's ``replay`` gets: clip, prompts, weights by rule, labels where they are forced."""
    clip = _clip_folder(stored)
    images = tuple(read_image(clip / "frames" / f"{index:05d}.png") for index in range(stored.frames))
    prompts = _prompts(clip, images)
    if images and outputs.labels.shape[1:] != images[0].shape[:2]:
        raise DataError(
            f"the stored labels are {outputs.labels.shape[1:]}, the clip {images[0].shape[:2]}",
            where=f"{stored.folder}, clip {clip}",
            fix="fixture and clip do not belong together; copy both again",
        )
    return Fixture(
        name=stored.name,
        network=stored.network,
        config=stored.config,
        images=images,
        prompts=prompts,
        fill=stored.rule,
        float64=not stored.forced,
        forced_labels=outputs.labels if stored.forced else None,
    )


def _prompts(clip: Path, images: tuple[Image, ...]) -> dict[int, LabelMap]:
    prompts = {}
    for index, image in enumerate(images):
        path = clip / "masks" / f"{index:05d}.png"
        if not path.is_file():
            continue
        prompts[index] = read_mask(path)
        if prompts[index].shape != image.shape[:2]:
            raise DataError(
                f"the mask is {prompts[index].shape}, the frame {image.shape[:2]}", where=str(path), fix="copy it again"
            )
    if not prompts:
        raise DataError("the clip has no mask", where=str(clip / "masks"), fix="copy it again")
    return prompts


def _clip_folder(stored: StoredFixture) -> Path:
    clip = stored.folder.resolve().parent / "clips" / stored.clip
    if not clip.is_dir():
        raise DataError(
            f"the clip '{stored.clip}' is not there", where=str(clip), fix="keep the folder `clips` beside the fixtures"
        )
    return clip


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"the fixture cannot be read: {error}", where=str(path), fix="copy it again") from error
    if not isinstance(fields, dict):
        raise DataError("the fixture is no JSON object", where=str(path), fix="copy it again")
    return fields


def _rule(fields: Mapping[str, Any], path: Path) -> WeightRule:
    checksums = _mapping(fields, "weights_crc32", path)
    overrides = fields.get("overrides", [])
    try:
        return WeightRule(
            seed=_number(fields, "seed", path),
            gain2=float(fields["gain2"]),
            overrides=tuple(_override(item) for item in overrides),
            checksums={str(key): int(value) for key, value in checksums.items()},
            where=str(path),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _torn("the weight rule", error, path) from error


def _override(item: Mapping[str, Any]) -> Override:
    known = {"key", "mul", "add", "center", "in"}
    if set(item) - known:
        raise ValueError(f"an override has the unknown field {min(set(item) - known)!r}")
    columns = (int(item["in"][0]), int(item["in"][1])) if "in" in item else None
    return Override(
        key=str(item["key"]),
        mul=float(item["mul"]),
        add=float(item["add"]),
        center=bool(item.get("center", False)),
        columns=columns,
    )


def _tolerance(values: Mapping[str, Any], path: Path) -> Tolerance:
    try:
        return Tolerance(
            prob_p999=float(values["prob_p999"]),
            prob_max=float(values["prob_max"]),
            label_fraction=float(values["label_fraction"]),
            logit_max=float(values["logit_max"]) if "logit_max" in values else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _torn("the tolerance", error, path) from error


def _event(event: Any, frames: int, path: Path) -> Mapping[str, Any]:
    if not isinstance(event, dict) or not isinstance(event.get("t"), int) or not 0 <= event["t"] < frames:
        raise DataError("an event names no frame of the clip", where=str(path), fix="copy the fixture again")
    return event


def _entries(fields: Mapping[str, Any], name: str, count: int | None, path: Path) -> tuple[Any, ...]:
    value = fields.get(name)
    if not isinstance(value, list) or (count is not None and len(value) != count):
        wanted = "a list" if count is None else f"a list of {count}"
        raise DataError(f"{name} is not {wanted}", where=str(path), fix="copy the fixture again")
    return tuple(value)


def _text(fields: Mapping[str, Any], name: str, path: Path) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise DataError(f"the field '{name}' is missing or no text", where=str(path), fix="copy the fixture again")
    return value


def _number(fields: Mapping[str, Any], name: str, path: Path) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DataError(f"the field '{name}' is missing or no number", where=str(path), fix="copy the fixture again")
    return value


def _mapping(fields: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise DataError(f"the field '{name}' is missing or no table", where=str(path), fix="copy the fixture again")
    return value


def _torn(what: str, error: Exception, path: Path) -> DataError:
    return DataError(f"{what} is not whole ({type(error).__name__}: {error})", where=str(path), fix="copy it again")
