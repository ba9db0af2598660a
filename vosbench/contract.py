"""What a method promises the harness, and what the harness promises a method.

A method is a `MethodCard` that imports no network library, whose ``load`` gives a `Model`, whose ``open`` gives
a `Session` for each video, whose ``step`` answers each frame when it comes. No method learns the length of a
video, a later frame or any truth beside its prompts.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vosbench.types import Frame, Image, LabelMap, Prediction, Track

Precision = Literal["fp32", "fp16", "bf16", "tf32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How a method is asked to compute; ``threads`` counts CPU threads, ``device`` is a torch device string.

    ``scales`` and ``flip`` ask a method whose card `augments` to average its probabilities over the frames enlarged
    by each factor and, with ``flip``, mirrored as well.
    """

    device: str = "cpu"
    precision: Precision = "fp32"
    compile: bool = False
    threads: int = 1
    seed: int = 0
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False

    @property
    def augmented(self) -> bool:
        """True where probabilities are averaged over more than the frame as it is."""
        return self.flip or self.scales != (1.0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights to load.

    ``checkpoint`` and ``mini`` name a file (``path``, ``sha256``), ``random`` a ``seed``, ``none`` is for
    methods that have no weights. ``marks`` are those of a `Mini`.
    """

    kind: Literal["checkpoint", "mini", "random", "none"]
    path: Path | None = None
    seed: int = 0
    sha256: str = ""
    marks: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        """True where an accuracy means something: rows of random weights never show one."""
        return self.kind != "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a method may know of a video before its first frame; sizes in pixels, ``fps`` where it is known.

    ``task`` says which answers are asked for: label maps of the objects that prompts announce ("vos"), or instances
    that the method finds itself ("vis"), of the suite's ``categories``, names by their ids.
    """

    id: str
    height: int
    width: int
    fps: float | None = None
    task: Literal["vos", "vis"] = "vos"
    categories: Mapping[int, str] = dataclasses.field(default_factory=dict)


class Session(Protocol):
    """One video. ``step`` is what the clock measures."""

    def step(self, frame: Frame) -> Prediction:
        """Answer one frame. Objects of ``frame.prompt`` enter now; those known before go on."""

    def finish(self) -> Sequence[Track] | None:
        """Give late answers of VIS methods, or None."""

    def close(self) -> None:
        """Give back everything this video took; the harness checks."""


class Model(Protocol):
    """A method with its weights in memory, good for many videos one after the other."""

    def open(self, view: View) -> Session:
        """Begin a video."""


@runtime_checkable
class ReportsFootprint(Protocol):
    """A session that tells the bytes of each of its banks, by name. Untimed."""

    def footprint(self) -> Mapping[str, int]:
        """Gives back bytes by bank."""


@runtime_checkable
class ReportsBanks(Protocol):
    """A session that tells what each bank keeps: per element source frame, position, age, usage. Untimed."""

    def inspect(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Gives back, by bank, arrays over its elements."""


@runtime_checkable
class ReportsTrace(Protocol):
    """A session that gives named numbers of the frame it answered last (scale, window, keyframe). Untimed."""

    def trace(self) -> Mapping[str, float]:
        """Gives back numbers by name."""


@runtime_checkable
class HasNetworks(Protocol):
    """A model that shows its networks (torch modules), so that their parameters can be counted."""

    def networks(self) -> Iterable[Any]:
        """Gives back every network that holds weights."""


class CoreScope(Protocol):
    """A meter that is told when the network part of a step begins and ends."""

    def enter(self) -> None:
        """The network part begins."""

    def exit(self) -> None:
        """The network part ends."""


_core_scope: ContextVar[CoreScope | None] = ContextVar("vosbench core scope", default=None)


@contextlib.contextmanager
def core() -> Iterator[None]:
    """Mark the network part inside ``step``, for comparison with papers that time only that."""
    scope = _core_scope.get()
    if scope is None:
        yield
        return
    scope.enter()
    try:
        yield
    finally:
        scope.exit()


@contextlib.contextmanager
def measured_core(scope: CoreScope | None) -> Iterator[None]:
    """Let ``scope`` hear of every `core` block inside this one. For the harness."""
    token = _core_scope.set(scope)
    try:
        yield
    finally:
        _core_scope.reset(token)


def setting(
    default: Any,
    *,
    source: str,
    help: str,  # noqa: A002 - the word that argparse, click and dataclasses users know
    choices: tuple[Any, ...] = (),
    minimum: float | None = None,
) -> Any:
    """Declare one field of a settings dataclass: its default, where that stands, and what it does."""
    return dataclasses.field(
        default=default,
        metadata={"source": source, "help": help, "choices": choices, "minimum": minimum},
    )


@dataclass(frozen=True)
class NoSettings:
    """The settings of a method that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """The setting that trades memory for accuracy, and a ladder of values for it."""

    setting: str
    ladder: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A named change of a method: ``xmem@no-sensory``.

    Variants of different ``axis`` compose (``deaot-l@r50@2f``), two of one axis do not. ``retrained`` says that
    it needs weights of its own; otherwise it changes inference only. ``grows`` says whether the bank never forgets
    with it, None that it is as without it. With ``frames`` the interval of writing follows from a video's length, so
    that it leaves that many memory frames. ``checkpoints`` and ``knob`` replace the card's; a knob without a setting
    says that there is none.
    """

    name: str
    axis: str
    summary: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    retrained: bool = False
    grows: bool | None = None
    frames: int | None = None
    checkpoints: tuple[str, ...] = ()
    knob: Knob | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fixture:
    """Stored outputs of a reference implementation, as ``MethodCard.replay`` gets them.

    ``network`` and ``config`` are the reference's own; ``images`` are the clip's frames in order; ``prompts``
    maps a frame's index to the (height, width) mask given there; ``fill(key, shape)`` gives the weights by the
    fixture's rule; ``float64`` asks for a replay in double precision; ``forced_labels`` (frames, height, width)
    replaces the method's own labels in its memory where it is not None. The replay may know the length.
    """

    name: str
    network: str
    config: Mapping[str, Any]
    images: tuple[Image, ...]
    prompts: Mapping[int, LabelMap]
    fill: Callable[[str, tuple[int, ...]], NDArray[np.float32]]
    float64: bool
    forced_labels: LabelMap | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceFrame:
    """What a replay gives for one frame.

    ``probabilities`` (1 + objects, height, width), background first, or None where the reference gives none;
    ``labels`` (height, width) in the reference's internal numbering; ``sizes`` are the fixture's memory sizes by
    name; ``events`` its events of this frame; ``probes`` its intermediate tensors of this frame by name, whole
    and not yet thinned out to what the fixture stores.
    """

    probabilities: NDArray[np.floating[Any]] | None
    labels: LabelMap
    sizes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()
    probes: Mapping[str, NDArray[Any]] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mini:
    """A small model whose weights come with the adapter: what a run uses where no weights are configured.

    ``file`` lies in the folder ``weights`` beside the module of the card's ``load``, with its card, a JSON file of the
    same name, beside it. ``settings`` are what the model was built and chosen with; they are laid under a variant's and
    the user's own. ``variant`` is the variant that it is of, "" the method without a network variant. ``marks`` say
    why it stands beside the controlled comparison instead of in it ("distilled", "own trunk").
    """

    name: str
    file: str
    settings: Mapping[str, Any]
    variant: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenRead:
    """What one frame of each clip of a batch read of its bank of tokens, for a loss.

    ``attention`` (batch, positions, tokens) sums to 1 over the tokens, ``readout`` (batch, positions, channels) is what
    was read. Of each token: its source frame ``frames`` (batch, tokens) and its cell of a 4 x 4 grid on that frame,
    row by row, ``cells`` (batch, tokens), int64.
    """

    attention: Any
    readout: Any
    frames: Any
    cells: Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GateTrace:
    """What a gate said of all tokens of a clip, of those that later frames need among them, for a loss.

    ``frames`` (tokens) are the tokens' source frames and ``times`` (times) the frames at which the gate was asked,
    int64; ``scores`` (batch, times, tokens) what it said, which means nothing of tokens that were not yet written.
    ``competing`` (batch, times, tokens) bool are those of which it was to keep ``budget``, as many in every clip.
    ``weights`` (batch, frames - 1, positions) say how much what a position reads counts, where the gate is to learn
    from what is read; ``kept`` (batch, times, tokens), 0 or 1, is the gate's choice with a gradient, where it has one.
    """

    frames: Any
    times: Any
    scores: Any
    competing: Any | None = None
    weights: Any | None = None
    kept: Any | None = None
    budget: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unrolled:
    """What a network answers on a batch of clips, for a loss.

    ``logits`` (batch, frames - 1, 1 + objects, height, width), background first, softmax over the third axis gives the
    probabilities; a clip's missing objects have -1e4 or less, or, in training, an answer that the loss counts as wrong.
    ``representation`` (batch, frames - 1, objects, channels, height / s, width / s), where the network gives one for
    distillation, is what the decoder computes before its last convolution.
    ``reads``, of each frame answered, and ``gate`` are told by methods with a bank of tokens.
    """

    logits: Any
    representation: Any | None = None
    reads: tuple[TokenRead, ...] = ()
    gate: GateTrace | None = None


class Trainable(Protocol):
    """A network that the training bench unrolls over clips; ``network`` (a torch module) holds what is saved."""

    network: Any

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take ImageNet weights (torchvision's MobileNetV2 keys) into every trunk; a trunk's further input channels
        begin at zero. Raises `CheckpointError` for weights that do not fit.
        """

    def trunk_parameters(self) -> Iterable[Any]:
        """Gives back the parameters that came from the backbone: they learn slower than the rest."""

    def unroll(self, images: Any, masks: Any, objects: Sequence[int], generator: Any) -> Unrolled:
        """Answer a batch of clips as the method would, with gradients.

        ``images`` (batch, frames, 3, height, width) normalised, sides multiples of 16; ``masks`` (batch, frames,
        height, width) int64, 0 the background, 1 to ``objects[b]``: only frame 0 may be looked at, and the frames
        behind it only where the schedule says so. ``generator`` (a torch generator on the CPU) draws what the method's
        schedule leaves to chance.
        """


@runtime_checkable
class FollowsProgress(Protocol):
    """A `Trainable` whose schedule changes in the course of a training."""

    def follow(self, progress: float) -> None:
        """Hear, before each batch, which share of the training is done, in [0, 1]."""


@runtime_checkable
class HasOmega(Protocol):
    """A `Trainable` whose paper names its own weight between contrast (0) and distillation (1)."""

    omega: float


@runtime_checkable
class Teaches(Protocol):
    """A `Trainable` that remembers more as a teacher than while it learns."""

    def teach(self) -> None:
        """Hear, once, that this network teaches another one from now on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundInstances:
    """What a network's N queries answer on a batch of clips, for a loss; all are logits.

    ``classes`` (batch, frames, N, categories), ``objectness`` (batch, frames, N), ``masks`` (batch, frames, N,
    height / s, width / s). ``passed`` (batch, frames - 1, N, height / s, width / s) are the masks of the frames behind
    the first by the first frame's queries, passed on in time, where they were asked for. ``features`` (batch, frames,
    channels, height / t, width / t), where the network gives them, are what masks are read from.
    """

    classes: Any
    objectness: Any
    masks: Any
    passed: Any | None = None
    features: Any | None = None


class TrainableInstances(Protocol):
    """A network that finds instances by itself, as the training bench sees it; ``network`` holds what is saved."""

    network: Any

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take ImageNet weights, as `Trainable.load_backbone` does."""

    def trunk_parameters(self) -> Iterable[Any]:
        """Gives back the parameters that came from the backbone: they learn slower than the rest."""

    def find(self, images: Any, *, passing: bool) -> FoundInstances:
        """Answer every frame of a batch of clips, with gradients.

        ``images`` (batch, frames, 3, height, width) normalised. ``passing`` asks for the masks of passed queries.
        Raises `UsageError` for sides that the network does not take.
        """


Load = Callable[[Runtime, Weights, Any], Model]
Train = Callable[[Any], Trainable]
TrainInstances = Callable[[Any], TrainableInstances]
Replay = Callable[[Fixture], Iterator[ReferenceFrame]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCard:
    """A method's description, importable without a network library.

    ``tasks`` are those it answers (see `View`): on a suite of instances a method of label maps is prompted with each
    instance's first mask, and one of instances alone is refused where objects are given.
    ``settings`` is a frozen dataclass whose fields are made by `setting`. ``checkpoints`` are the official file names
    looked for below the weights folder; ``checkpoint_folders`` says that they are folders, and may be on a hub.
    ``fixtures`` maps the network names of stored reference outputs to the variants that replay them ("" is the method
    without a variant). ``shares`` names modules beside the adapter's own folder whose source can change its answers,
    ``libraries`` the packages whose version can: those that bring the network. Both are part of a cell's key.
    ``interval`` names the setting that says every how many frames the bank is written, and ``grows`` that the bank
    never forgets: suites of long videos set the one by the other. ``offset`` names the setting that shifts the writes:
    at s > 0 the first one after the first prompt comes s frames after it instead of an interval after it, all others
    follow at the interval. ``minis`` are bundled models, ``train`` gives the network that `vosbench train` trains,
    with the given settings; ``train_instances`` gives one that finds instances by itself. ``ranked`` is False for
    self-checks, which stand in a table but win nothing. ``size`` names the setting of the shorter side at which the
    network sees frames, and ``augments`` says that the sessions do what ``Runtime.scales`` and ``Runtime.flip`` ask
    for.
    """

    name: str
    summary: str
    load: Load
    title: str = ""
    family: str = ""
    paper: str = ""
    memory: str = ""
    licence: str = ""
    tasks: tuple[Literal["vos", "vis"], ...] = ("vos",)
    settings: type[Any] = NoSettings
    variants: tuple[Variant, ...] = ()
    knob: Knob | None = None
    interval: str = ""
    offset: str = ""
    grows: bool = False
    size: str = ""
    augments: bool = False
    needs_weights: bool = False
    ranked: bool = True
    checkpoints: tuple[str, ...] = ()
    checkpoint_folders: bool = False
    notes: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    minis: tuple[Mini, ...] = ()
    train: Train | None = None
    train_instances: TrainInstances | None = None
    fixtures: Mapping[str, str] = dataclasses.field(default_factory=dict)
    replay: Replay | None = None
