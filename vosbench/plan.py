"""Turns what a command asks for into cells, and refuses what cannot be before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from vosbench.config import Places
from vosbench.contract import Runtime
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import Suite, find_root, find_suite, official_names, video_names
from vosbench.data.video import open_video, video_digest
from vosbench.errors import UsageError, nearest
from vosbench.machine import Machine
from vosbench.plain import to_plain
from vosbench.records import CellSpec, MethodSpec, SuiteSpec
from vosbench.registry import Method, Registry, source_digest
from vosbench.weights import parse_weights, resolve_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command asks for. ``settings`` and ``weights`` are the flags ``--set`` and ``--weights`` as written."""

    suites: tuple[str, ...]
    methods: tuple[str, ...]
    settings: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    split: str | None = None
    videos: tuple[str, ...] = ()
    max_frames: int | None = None
    repeats: int = 1
    core: bool = False
    warmup_frames: int | None = None
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cells in the order in which they run, and what a reader should know beforehand."""

    cells: tuple[CellSpec, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Videos:
    """The videos of one suite with their digests, and the notices about them."""

    spec: SuiteSpec
    digests: Mapping[str, str]
    notices: tuple[str, ...]


def make_plan(request: Request, registry: Registry, places: Places, machine: Machine) -> Plan:
    """Gives back the cells of a run; passes are interleaved over the methods.

    Raises `UsageError`, `DataError` or `CheckpointError` for whatever is unknown, missing or cannot be combined.
    """
    methods = [_method_spec(text, request, registry, places) for text in request.methods]
    suites = [_suite_videos(text, request, places) for text in request.suites]
    warmup = request.warmup_frames
    if warmup is None:
        warmup = 10 if request.runtime.device.startswith("cuda") else 2
    fingerprint = machine.fingerprint(request.runtime.device, request.runtime.threads)
    cells = tuple(
        CellSpec(
            suite=videos.spec,
            method=method,
            runtime=request.runtime,
            video=name,
            video_digest=digest,
            repeat=repeat,
            max_frames=request.max_frames,
            warmup_frames=warmup,
            core=request.core,
            fingerprint=fingerprint,
        )
        for repeat in range(request.repeats)
        for videos in suites
        for method in methods
        for name, digest in videos.digests.items()
    )
    return Plan(cells=cells, notices=tuple(notice for videos in suites for notice in videos.notices))


def _method_spec(text: str, request: Request, registry: Registry, places: Places) -> MethodSpec:
    name = text.split("@")[0]
    _check_setting_names(request)
    overrides = _overrides(request.settings, text)
    method = registry.method(text, overrides)
    if "vos" not in method.card.tasks:
        raise UsageError(f"'{name}' answers {', '.join(method.card.tasks)}, these suites ask for vos")
    choice = parse_weights(request.weights, request.methods).get(text)
    return MethodSpec(
        name=method.name,
        label=method.label,
        title=_title(method),
        settings=to_plain(method.settings),
        weights=resolve_weights(method, choice, places.weights),
        source=source_digest(method.card),
        ranked=method.card.ranked,
        adapter_file=method.adapter_file.resolve() if method.adapter_file else None,
    )


def _title(method: Method) -> str:
    card = method.card
    return (card.title or card.name) + method.label.removeprefix(card.name)


def _check_setting_names(request: Request) -> None:
    names = {text.split("@")[0] for text in request.methods} | set(request.methods)
    for flag in request.settings:
        name, dot, rest = flag.partition(".")
        if not dot or "=" not in rest:
            raise UsageError(f"--set {flag}: not understood", fix="write METHOD.SETTING=VALUE, as xmem.top_k=20")
        if name not in names:
            raise UsageError(f"--set {flag}: this run has no method '{name}'", fix=nearest(name, names))


def _overrides(flags: tuple[str, ...], method: str) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for flag in flags:
        name, _, rest = flag.partition(".")
        if name in (method, method.split("@")[0]):
            key, _, value = rest.partition("=")
            chosen[key] = value
    return chosen


def _suite_videos(text: str, request: Request, places: Places) -> _Videos:
    suite, file = find_suite(text)
    split = request.split or suite.splits.default
    root = find_root(suite, places)
    synthetic = root is None
    if root is None:
        root = stand_in_root(suite, split, places.cache)
    there = video_names(suite, root, split)
    chosen = _choose(there, request.videos, suite)
    official = () if synthetic else official_names(suite, file, split)
    title = f"{suite.title} {split}" if suite.splits.official else suite.title
    spec = SuiteSpec(
        name=suite.name,
        title=f"{title} (synthetic)" if synthetic else title,
        file=file.resolve(),
        root=root,
        split=split,
        protocol=suite.protocol,
        synthetic=synthetic,
        official_videos=len(official),
    )
    return _Videos(
        spec=spec,
        digests=_digests(suite, root, chosen, request.max_frames),
        notices=tuple(_notices(spec, there, chosen, official, request.max_frames)),
    )


def _choose(there: tuple[str, ...], wanted: tuple[str, ...], suite: Suite) -> tuple[str, ...]:
    for name in wanted:
        if name not in there:
            raise UsageError(f"{suite.title} has no video '{name}' here", fix=nearest(name, there))
    return tuple(name for name in there if not wanted or name in wanted)


def _digests(suite: Suite, root: Path, names: tuple[str, ...], max_frames: int | None) -> dict[str, str]:
    def digest(name: str) -> str:
        return video_digest(open_video(suite, root, name, max_frames=max_frames))

    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(digest, names), strict=True))


def _notices(
    spec: SuiteSpec, there: tuple[str, ...], chosen: tuple[str, ...], official: tuple[str, ...], max_frames: int | None
) -> list[str]:
    notices: list[str] = []
    if spec.synthetic:
        notices.append(
            f"{spec.name}: no data root is configured (--data, VOSBENCH_DATA), so this is a synthetic stand-in"
        )
    missing = [name for name in official if name not in there]
    if missing:
        notices.append(f"{spec.name}: a subset, {len(official) - len(missing)} of the {len(official)} official videos")
    if len(chosen) < len(there):
        notices.append(f"{spec.name}: cut to {len(chosen)} of {len(there)} videos by --videos")
    if max_frames is not None:
        notices.append(f"{spec.name}: every video is cut to its first {max_frames} frames")
    return notices
