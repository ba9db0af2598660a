"""The rules by which each official tool turns masks into scores, as records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vosbench.errors import UsageError, nearest
from vosbench.metrics.ap_rules import find_rules
from vosbench.metrics.spans import ObjectSpan

FrameRule = Literal["all", "inner", "after-first", "spans"]
ObjectRule = Literal["first-frame", "foreground", "seen", "spans"]
VoidRule = Literal["background", "ignored", "object"]
Matching = Literal["id", "best"]
Averaging = Literal["objects", "seen-unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How one official tool scores a video and averages over videos.

    Attributes:
        name: What ``--protocol`` takes and what stands in every record and under every table.
        source: The tool whose figures it gives back.
        frames: Which annotated frames count: "all"; "inner", without the first and the last; "after-first", without
            the first; "spans", for each object the frames that its `ObjectSpan` lists.
        objects: "first-frame": 1 up to the largest id of the first annotated frame, whether present or not.
            "foreground": everything that is not 0 is object 1, in both maps. "seen": each id of the truth, from the
            first scored frame on which the truth or the prediction shows it. "spans": those of the spans.
        void: What 255 in the truth is: "background", "ignored" (taken out of both maps), or an "object" as any other.
        matching: Predicted objects belong to true ones by "id", or by the "best" assignment (Hungarian method on
            mean J plus mean F).
        averaging: Means are taken over all "objects" of all videos, or over "seen-unseen" objects apart and then over
            those two.
        strict_ids: True where a predicted id above the number of objects is refused.
        one_object: True where each map shows one object alone, under any label. Its objects may overlap, so a video is
            scored once for each of them.
        white_is_one: True where 255 in a prediction means object 1.
        proposals: With "best" matching, the largest predicted id that is allowed.
        has_recall: True where the tool gives recall and decay.
        has_variance: True where the tool gives V, the temporal instability of LVOS.
    """

    name: str
    source: str
    frames: FrameRule
    objects: ObjectRule
    void: VoidRule
    matching: Matching = "id"
    averaging: Averaging = "objects"
    strict_ids: bool = False
    one_object: bool = False
    white_is_one: bool = False
    proposals: int = 0
    has_recall: bool = False
    has_variance: bool = False

    @property
    def needs_spans(self) -> bool:
        """True where the objects and their frames come from the data set's meta file, not from pixels."""
        return self.objects == "spans"


_DAVIS_2017 = "davis2017-evaluation ac7c43f"

PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        name="davis2017-semi",
        source=f"{_DAVIS_2017}, task semi-supervised",
        frames="inner",
        objects="first-frame",
        void="background",
        strict_ids=True,
        has_recall=True,
    ),
    Protocol(
        name="davis2016",
        source="DAVIS 2016 toolkit (davis aaee12c); the figures of davis2017-evaluation on masks != 0",
        frames="inner",
        objects="foreground",
        void="object",
        has_recall=True,
    ),
    Protocol(
        name="davis2017-unsup",
        source=f"{_DAVIS_2017}, task unsupervised",
        frames="all",
        objects="first-frame",
        void="ignored",
        matching="best",
        proposals=20,
        has_recall=True,
    ),
    Protocol(
        name="vos-benchmark",
        source="vos-benchmark acb4733 (0.1.0)",
        frames="inner",
        objects="seen",
        void="object",
    ),
    Protocol(
        name="lvos",
        source="lvos-evaluation 25cb02d with its Python boundary code, task semi-supervised",
        frames="spans",
        objects="spans",
        void="object",
        averaging="seen-unseen",
        has_variance=True,
    ),
    Protocol(
        name="long-time-xmem",
        source=f"{_DAVIS_2017} on the annotated frames, as the documentation of XMem uses it",
        frames="inner",
        objects="first-frame",
        void="background",
        strict_ids=True,
        has_recall=True,
    ),
    Protocol(
        name="long-time-afb-urr",
        source="AFB-URR bbd4339, longvideo_evaluation",
        frames="after-first",
        objects="first-frame",
        void="background",
        strict_ids=True,
        white_is_one=True,
        has_recall=True,
    ),
    Protocol(
        name="youtube-vos",
        source="the public re-implementation in frtm-vos e994ac2 (lib/davis.py); the server's own code is closed",
        frames="spans",
        objects="spans",
        void="object",
        averaging="seen-unseen",
    ),
    Protocol(
        name="sav",
        source="sam2 2b90b9f, sav_dataset/utils/sav_benchmark.py, on one folder of masks per object",
        frames="inner",
        objects="seen",
        void="object",
        one_object=True,
    ),
)
"""Every protocol of label maps, by the names that stand in records; instances have `vosbench.metrics.ap_rules`."""


def check_protocol(name: str, task: str) -> None:
    """Raise `UsageError` unless ``name`` is a protocol for suites of this ``task``, "vos" or "vis"."""
    if task == "vos":
        find_protocol(name)
    else:
        find_rules(name)


def find_protocol(name: str) -> Protocol:
    """Gives back the protocol called ``name``."""
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    raise UsageError(f"no protocol is called '{name}'", fix=nearest(name, [known.name for known in PROTOCOLS]))


def scored_frames(protocol: Protocol, annotated: Sequence[str], spans: Sequence[ObjectSpan] = ()) -> tuple[str, ...]:
    """Gives back which of a video's annotated frames count, in their order.

    ``spans`` matter where the protocol takes the frames from them.
    """
    match protocol.frames:
        case "all":
            return tuple(annotated)
        case "inner":
            return tuple(annotated[1:-1])
        case "after-first":
            return tuple(annotated[1:])
        case "spans":
            wanted = {name for span in spans for name in span.frames}
            return tuple(name for name in annotated if name in wanted)
