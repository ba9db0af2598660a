"""Turns what a command asks for into cells, and refuses what cannot be before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from vosbench.config import Places
from vosbench.contract import Runtime
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import (
    Suite,
    at_split,
    find_root,
    find_suite,
    official_count,
    split_times,
    suite_files,
    video_names,
)
from vosbench.data.video import open_video, video_digest
from vosbench.errors import UsageError, nearest
from vosbench.machine import Machine
from vosbench.plain import to_plain
from vosbench.records import CellSpec, Feed, MethodSpec, SuiteSpec
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
    feed: Feed | None = None
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

    suite: Suite
    spec: SuiteSpec
    digests: Mapping[str, str]
    lengths: Mapping[str, int]
    notices: tuple[str, ...]


def make_plan(request: Request, registry: Registry, places: Places, machine: Machine) -> Plan:
    """Gives back the cells of a run; passes are interleaved over the methods.

    Raises `UsageError`, `DataError` or `CheckpointError` for whatever is unknown, missing or cannot be combined.
    """
    for what, named in (("suite", request.suites), ("method", request.methods)):
        if not named:
            raise UsageError(f"no {what} is named", fix=f"'vosbench {what}s' shows what there is")
    _check_data_names(request, places)
    _check_setting_names(request)
    methods = [_method(text, request, registry) for text in request.methods]
    specs = [_method_spec(method, request, places) for method in methods]
    suites = [_suite_videos(text, request, places) for text in request.suites]
    warmup = request.warmup_frames
    if warmup is None:
        warmup = 10 if request.runtime.device.startswith("cuda") else 2
    fingerprint = machine.fingerprint(request.runtime.device, request.runtime.threads)
    cells = tuple(
        CellSpec(
            suite=videos.spec,
            method=spec,
            runtime=request.runtime,
            video=name,
            video_digest=videos.digests[name],
            given=_given(videos.suite, method, length, _overrides(request.settings, method.name)),
            repeat=repeat,
            max_frames=request.max_frames,
            warmup_frames=warmup,
            core=request.core,
            fingerprint=fingerprint,
        )
        for repeat in range(request.repeats)
        for videos in suites
        for method, spec in zip(methods, specs, strict=True)
        for name, length in videos.lengths.items()
    )
    return Plan(cells=cells, notices=tuple(notice for videos in suites for notice in videos.notices))


def _method(text: str, request: Request, registry: Registry) -> Method:
    method = registry.method(text, _overrides(request.settings, text))
    if "vos" not in method.card.tasks:
        raise UsageError(f"'{method.name}' answers {', '.join(method.card.tasks)}, these suites ask for vos")
    return method


def _given(suite: Suite, method: Method, length: int, overrides: Mapping[str, str]) -> dict[str, int]:
    """The settings that a suite of long videos sets, from a length that the method itself does not learn.

    What the user sets, or a variant, wins.
    """
    name = method.card.interval
    chosen = name in overrides or any(name in variant.settings for variant in method.variants)
    if suite.memory is None or not name or chosen:
        return {}
    return {name: -(-length // suite.memory.frames) if method.grows else suite.memory.interval}


def _method_spec(method: Method, request: Request, places: Places) -> MethodSpec:
    choice = parse_weights(request.weights, request.methods).get(method.name)
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


def _check_data_names(request: Request, places: Places) -> None:
    """A suite's name mistyped in ``--data`` must not turn a run on real data into a synthetic one."""
    known = {*suite_files(), *(find_suite(split_times(text)[0])[0].name for text in request.suites)}
    for name, path in places.suite_data.items():
        if name not in known:
            raise UsageError(f"--data {name}={path}: there is no suite '{name}'", fix=nearest(name, known))


def _suite_videos(text: str, request: Request, places: Places) -> _Videos:
    name, times = split_times(text)
    found, file = find_suite(name)
    split = request.split or found.splits.default
    suite = at_split(found, split, feed=request.feed, times=times)
    if suite.task == "vis":
        raise UsageError(
            f"'{suite.name}' asks for video instance segmentation, which no method here answers in a run",
            fix=f"score a results file that your own code wrote: vosbench score results.json --suite {suite.name}",
        )
    if suite.layout.object_folders:
        raise UsageError(
            f"the objects of '{suite.name}' may overlap, and a run's label maps cannot",
            fix=f"score masks that your own code wrote: vosbench score FOLDER --suite {suite.name}",
        )
    root = find_root(suite, places)
    synthetic = root is None
    if root is None:
        root = stand_in_root(suite, split, places.cache)
    there = video_names(suite, root, split)
    chosen = _choose(there, request.videos, suite)
    official = 0 if synthetic else official_count(suite, file, split)
    spec = SuiteSpec(
        name=f"{suite.name}@{times}x" if times else suite.name,
        title=_suite_title(suite, split, synthetic=synthetic),
        file=file.resolve(),
        root=root,
        split=split,
        protocol=suite.protocol,
        synthetic=synthetic,
        official_videos=official,
        has_truth=synthetic or split not in suite.splits.on_server,
        feed=suite.feed,
        times=suite.times,
        vary=suite.stand_in.vary or "" if synthetic and suite.stand_in is not None else "",
    )
    videos = _open_all(suite, root, chosen, request.max_frames)
    return _Videos(
        suite=suite,
        spec=spec,
        digests={name: digest for name, (digest, _) in videos.items()},
        lengths={name: length for name, (_, length) in videos.items()},
        notices=tuple(_notices(spec, there, chosen, official, request.max_frames)),
    )


def _suite_title(suite: Suite, split: str, *, synthetic: bool) -> str:
    """The title with everything that makes its numbers other ones."""
    words = [suite.title]
    if suite.splits.official or suite.splits.on_server:
        words.append(split)
    words += [f"({suite.times}x)"] * (suite.times > 1)
    words += ["(every fifth frame)"] * (suite.layout.dense_frames is not None and suite.feed == "fifth")
    return " ".join([*words, *["(synthetic)"] * synthetic])


def _choose(there: tuple[str, ...], wanted: tuple[str, ...], suite: Suite) -> tuple[str, ...]:
    for name in wanted:
        if name not in there:
            raise UsageError(f"{suite.title} has no video '{name}' here", fix=nearest(name, there))
    return tuple(name for name in there if not wanted or name in wanted)


def _open_all(suite: Suite, root: Path, names: tuple[str, ...], max_frames: int | None) -> dict[str, tuple[str, int]]:
    """Gives back each video's digest and length; what is wrong with one is told before anything runs."""

    def look(name: str) -> tuple[str, int]:
        video = open_video(suite, root, name, max_frames=max_frames)
        return video_digest(video), len(video.names)

    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(look, names), strict=True))


def _notices(
    spec: SuiteSpec, there: tuple[str, ...], chosen: tuple[str, ...], official: int, max_frames: int | None
) -> list[str]:
    notices: list[str] = []
    if spec.synthetic and not spec.vary:
        notices.append(
            f"{spec.name}: no data root is configured (--data, VOSBENCH_DATA), so this is a synthetic stand-in"
        )
    if len(there) < official:
        notices.append(f"{spec.name}: a subset, {len(there)} of the {official} official videos")
    if not spec.has_truth:
        notices.append(f"{spec.name}: the truth of '{spec.split}' is on an evaluation server: no scores here")
    if len(chosen) < len(there):
        notices.append(f"{spec.name}: cut to {len(chosen)} of {len(there)} videos by --videos")
    if max_frames is not None:
        notices.append(f"{spec.name}: every video is cut to its first {max_frames} frames")
    return notices
