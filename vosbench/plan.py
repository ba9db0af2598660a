"""Turns what a command asks for into cells, and refuses what cannot be before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from vosbench.config import Places
from vosbench.contract import Runtime, Weights
from vosbench.data.absent import COUNTED, Absent, absent_notice, absent_objects
from vosbench.data.opening import SuiteVideos
from vosbench.data.stand_in import stand_in_root
from vosbench.data.suite import (
    Suite,
    at_split,
    find_root,
    find_suite,
    official_count,
    split_times,
    suite_files,
)
from vosbench.data.video import video_digest
from vosbench.digest import digest_json
from vosbench.errors import UsageError, nearest
from vosbench.insertion import given_interval, offset_count, shift_of
from vosbench.machine import Machine
from vosbench.method_groups import expand_groups
from vosbench.modes import check_runtime, in_mode, mode_of_row, shuffled
from vosbench.plain import to_plain
from vosbench.records import CellSpec, Feed, MethodSpec, Minimum, Mode, SuiteSpec
from vosbench.registry import Method, Registry, source_digest
from vosbench.sweep import Asked, Wish, make_wishes
from vosbench.weights import equip, parse_weights, weights_notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command asks for.

    ``methods`` may carry settings of their own (see `vosbench.sweep.Asked`). ``settings``, ``sweeps`` and ``weights``
    are the flags ``--set``, ``--sweep`` and ``--weights`` as written; ``curve`` sweeps every method's memory knob.
    """

    suites: tuple[str, ...]
    methods: tuple[str, ...]
    settings: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    curve: bool = False
    weights: tuple[str, ...] = ()
    split: str | None = None
    feed: Feed | None = None
    videos: tuple[str, ...] = ()
    max_frames: int | None = None
    repeats: int = 1
    offsets: int = 1
    core: bool = False
    warmup_frames: int | None = None
    runtime: Runtime = field(default_factory=Runtime)
    mode: Mode = field(default_factory=Mode)
    minimum: Minimum = field(default_factory=Minimum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cells in the order in which they run, and what a reader should know beforehand."""

    cells: tuple[CellSpec, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row of the run: the method that a wish names, as its cells run it."""

    wish: Wish
    method: Method
    spec: MethodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Videos:
    """The videos of one suite with their digests, and the notices about them.

    ``has_instances`` says that annotations of instances are here, to prompt with and to score against.
    """

    suite: Suite
    spec: SuiteSpec
    digests: Mapping[str, str]
    lengths: Mapping[str, int]
    notices: tuple[str, ...]
    has_instances: bool


def make_plan(
    request: Request,
    registry: Registry,
    places: Places,
    machine: Machine,
    others: Callable[[str], Machine | None] = lambda _: None,
) -> Plan:
    """Gives back the cells of a run; passes are interleaved over the methods, each in an order of its own.

    ``others`` gives the machine as the Python of a method sees it that has one of its own, by the method's name:
    another torch is another fingerprint.
    Raises `UsageError`, `DataError` or `CheckpointError` for whatever is unknown, missing or cannot be combined.
    """
    for what, named in (("suite", request.suites), ("method", request.methods)):
        if not named:
            raise UsageError(f"no {what} is named", fix=f"'vosbench {what}s' shows what there is")
    check_runtime(request.runtime, request.mode, system=machine.kernel.partition(" ")[0])
    _check_data_names(request, places)
    methods, notices = expand_groups(request.methods, registry)
    request = replace(request, methods=methods)
    rows, said = _rows_by_kind(request, registry, places)
    suites = [_suite_videos(text, request, places) for text in request.suites]
    made = [
        _series(_seen_by(row, seeing), videos, request, _fingerprint(request, seeing))
        for videos in suites
        for row in rows[videos.spec.noise]
        for seeing in [others(row.method.name) or machine]
    ]
    cells = tuple(
        replace(cell, repeat=repeat)
        for repeat in range(request.repeats)
        for offset in range(request.offsets)
        for series in shuffled(made, repeat, repeats=request.repeats, seed=request.runtime.seed)
        for cell in series
        if cell.offset == offset
    )
    said += [notice for videos in suites for notice in videos.notices]
    if machine.card_trouble:
        said.append(f"{machine.card_trouble}; this run is on {request.runtime.device}")
    return Plan(cells=cells, notices=(*notices, *said, *_offset_notices(made, request)))


def _rows_by_kind(request: Request, registry: Registry, places: Places) -> tuple[dict[bool, list[_Row]], list[str]]:
    """The rows for suites of random frames (True) and for the others, and the notices about them."""
    kinds = {find_suite(split_times(text)[0])[0].noise is not None for text in request.suites}
    found = {kind: _rows(request, registry, places, noise=kind) for kind in kinds}
    said = [notice for _, notices in found.values() for notice in notices]
    return {kind: rows for kind, (rows, _) in found.items()}, list(dict.fromkeys(said))


def _rows(request: Request, registry: Registry, places: Places, *, noise: bool) -> tuple[list[_Row], list[str]]:
    """The rows of the run, and the notices about them; two that come out the same are one.

    On random frames a full-size network with random weights is as good as any: it is what runs where nobody says
    otherwise.
    """
    asked = Asked(methods=request.methods, settings=request.settings, sweeps=request.sweeps, curve=request.curve)
    wishes, notices = make_wishes(asked, registry)
    names = tuple(dict.fromkeys(wish.method for wish in wishes))
    choices = parse_weights(request.weights, names)
    rows: dict[str, _Row] = {}
    said = list(notices)
    for wish in wishes:
        method = registry.method(wish.method, wish.overrides)
        choice = choices.get(method.name, "random:0" if noise else None)
        method, weights = equip(method, choice, places.weights)
        said += [notice for notice in [weights_notice(method, weights, choice, places.weights)] if notice]
        method = in_mode(method, request.runtime, request.mode, wish.overrides)
        spec = _method_spec(method, wish, weights)
        first = rows.setdefault(digest_json([spec.name, spec.settings]), _Row(wish=wish, method=method, spec=spec))
        if first.spec.label != spec.label:
            said.append(f"{spec.label} is the same as {first.spec.label}: one row")
    return list(rows.values()), said


def _seen_by(row: _Row, machine: Machine) -> _Row:
    """Gives back the row with the libraries' versions of the Python that it will run in."""
    if not row.method.card.libraries:
        return row
    return replace(row, spec=replace(row.spec, source=source_digest(row.method.card, machine.versions)))


def _fingerprint(request: Request, machine: Machine) -> str:
    return machine.fingerprint(request.runtime.device, request.runtime.threads)


def _series(row: _Row, videos: _Videos, request: Request, fingerprint: str) -> list[CellSpec]:
    """The cells of one row on one suite in one pass: every video at every insertion offset."""
    method, overrides = row.method, row.wish.overrides
    prompted = _is_prompted(method, videos)
    lengths = videos.lengths.items()
    given = {name: given_interval(videos.suite, method, length, overrides) for name, length in lengths}
    warmup = request.warmup_frames
    if warmup is None:
        warmup = 10 if request.runtime.device.startswith("cuda") else 2
    offsets = offset_count(method, given, request.offsets, overrides)
    mode = mode_of_row(method, request.mode, overrides)
    return [
        CellSpec(
            suite=videos.spec,
            method=row.spec,
            runtime=request.runtime,
            video=name,
            video_digest=digest,
            given=given[name],
            offset=offset,
            offsets=offsets,
            shift=shift_of(method, given[name], offset, offsets),
            prompted=prompted,
            max_frames=request.max_frames,
            warmup_frames=warmup,
            core=request.core,
            mode=mode,
            minimum=request.minimum,
            fingerprint=fingerprint,
        )
        for offset in range(offsets)
        for name, digest in videos.digests.items()
    ]


def _offset_notices(made: list[list[CellSpec]], request: Request) -> list[str]:
    """Which rows have fewer insertion offsets than asked for."""
    fewer = {
        f"{series[0].method.label} has {series[0].offsets} of {request.offsets} insertion offsets: "
        + ("it cannot shift its insertions" if series[0].offsets == 1 else "it writes more often")
        for series in made
        if series[0].offsets < request.offsets
    }
    return sorted(fewer)


def _is_prompted(method: Method, videos: _Videos) -> bool:
    """Whether a method of label maps is asked for instances. Refuses pairs that cannot be, before anything runs."""
    asked, answers = videos.suite.task, method.card.tasks
    if asked in answers:
        return False
    if "vos" not in answers:
        raise UsageError(
            f"'{method.name}' finds instances itself, and '{videos.spec.name}' asks it to follow objects that it is "
            "given",
            fix="run it on a suite of instances (vosbench suites), or leave it out here",
        )
    if not videos.has_instances:
        raise UsageError(
            f"'{method.name}' follows objects that it is given, and the annotations of {videos.spec.title} here hold "
            "none: their truth is on an evaluation server",
            fix="choose a split with truth with --split, or methods that find instances themselves",
        )
    return True


def _method_spec(method: Method, wish: Wish, weights: Weights) -> MethodSpec:
    return MethodSpec(
        name=method.name,
        label=method.label,
        title=_title(method),
        settings=to_plain(method.settings),
        weights=weights,
        source=source_digest(method.card),
        ranked=method.card.ranked,
        swept=wish.swept,
        adapter_file=method.adapter_file.resolve() if method.adapter_file else None,
    )


def _title(method: Method) -> str:
    card = method.card
    return (card.title or card.name) + method.label.removeprefix(card.name)


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
    if suite.task == "vis" and suite.times > 1:
        raise UsageError(f"'{text}': tracks are scored over a video as it is", fix=f"write {name}")
    if suite.noise is not None and suite.times > 1:
        raise UsageError(f"'{text}': random frames are as many as the suite says", fix=f"write {name}")
    root = find_root(suite, places)
    synthetic = root is None and suite.noise is None
    if root is None:
        root = stand_in_root(suite, split, places.cache) if suite.noise is None else file.parent.resolve()
    source = SuiteVideos(suite, root, split)
    there = source.names
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
        has_truth=suite.noise is None and (synthetic or source.has_instances or split not in suite.splits.on_server),
        task=suite.task,
        feed=suite.feed,
        times=suite.times,
        vary=suite.stand_in.vary or "" if synthetic and suite.stand_in is not None else "",
        noise=suite.noise is not None,
    )
    videos = _open_all(source, chosen, request.max_frames)
    counted = suite.protocol in COUNTED and spec.has_truth and not synthetic
    absent = _absent_notices(source, chosen, request.max_frames, spec) if counted else []
    return _Videos(
        suite=suite,
        spec=spec,
        digests={name: digest for name, (digest, _) in videos.items()},
        lengths={name: length for name, (_, length) in videos.items()},
        notices=(
            *_overlap_notices(suite, spec),
            *_notices(spec, there, chosen, official, request.max_frames),
            *absent,
        ),
        has_instances=source.has_instances,
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


def _open_all(source: SuiteVideos, names: tuple[str, ...], max_frames: int | None) -> dict[str, tuple[str, int]]:
    """Gives back each video's digest and length; what is wrong with one is told before anything runs."""

    def look(name: str) -> tuple[str, int]:
        video = source.open(name, max_frames=max_frames)
        return video_digest(video), len(video.names)

    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(look, names), strict=True))


def _absent_notices(source: SuiteVideos, names: tuple[str, ...], max_frames: int | None, spec: SuiteSpec) -> list[str]:
    def look(name: str) -> Absent:
        return absent_objects(source.open(name, max_frames=max_frames))

    with ThreadPoolExecutor() as pool:
        notice = absent_notice(dict(zip(names, pool.map(look, names), strict=True)), spec.protocol)
    return [f"{spec.name}: {notice}"] if notice else []


def _overlap_notices(suite: Suite, spec: SuiteSpec) -> list[str]:
    if suite.layout.annotation_kind == "coco":
        return [f"{spec.name}: images are videos of one frame: a method that needs prompts is given its answer there"]
    if not suite.layout.object_folders:
        return []
    return [
        f"{spec.name}: objects may overlap there, and label maps cannot show it: in a prompt the smaller one lies in "
        "front, and an answer shows one of them"
    ]


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
    if spec.noise:
        notices.append(f"{spec.name}: random frames and, where no others are named, random weights: no scores")
    elif not spec.has_truth:
        notices.append(f"{spec.name}: the truth of '{spec.split}' is on an evaluation server: no scores here")
    if len(chosen) < len(there):
        notices.append(f"{spec.name}: cut to {len(chosen)} of {len(there)} videos by --videos")
    if max_frames is not None:
        notices.append(f"{spec.name}: every video is cut to its first {max_frames} frames")
    return notices
