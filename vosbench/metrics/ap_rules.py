"""The rules by which official tools turn instances into average precision, as records."""

from __future__ import annotations

from dataclasses import dataclass

from vosbench.errors import UsageError, nearest

Area = tuple[str, float, float]
"""A range of areas in pixels, both ends included, and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApRules:
    """How one official tool scores instances.

    Attributes:
        name: The protocol's name, which stands in suites, records and under tables.
        source: The tool whose figures it gives back.
        areas: Ranges of areas: all of them, small, medium and large objects. That of a track is its mean over frames.
        crowds_cover: True where what is found inside a crowd overlaps it by the share of the found that lies there;
            False where a crowd is an object as any other until it is ignored.
        images: True where answers are given for images, as results files of COCO have them, and not for videos.
        headline: The measures that tables show, of the twelve that there are.
    """

    name: str
    source: str
    areas: tuple[Area, ...]
    crowds_cover: bool
    images: bool
    headline: tuple[str, ...]


def _areas(small: float, medium: float) -> tuple[Area, ...]:
    return (
        ("all", 0.0, 1e10),
        ("small", 0.0, small**2),
        ("medium", small**2, medium**2),
        ("large", medium**2, 1e10),
    )


YOUTUBE_VIS = ApRules(
    name="youtube-vis",
    source="youtubevos/cocoapi f3f9948, ytvoseval.py",
    areas=_areas(128, 256),
    crowds_cover=False,
    images=False,
    headline=("AP", "AP50", "AP75", "AR1", "AR10"),
)

COCO = ApRules(
    name="coco",
    source="pycocotools 2.0.11, COCOeval with iouType segm",
    areas=_areas(32, 96),
    crowds_cover=True,
    images=True,
    headline=("AP", "AP50", "AP75", "APs", "APm", "APl"),
)

RULES: tuple[ApRules, ...] = (YOUTUBE_VIS, COCO)
"""Every protocol of suites of instances."""


def has_rules(protocol: str) -> bool:
    """Tells whether a protocol scores instances, all of a pass at once, and not label maps, video by video."""
    return any(rules.name == protocol for rules in RULES)


def find_rules(protocol: str) -> ApRules:
    """Gives back the rules of the protocol called ``protocol``."""
    for rules in RULES:
        if rules.name == protocol:
            return rules
    names = [rules.name for rules in RULES]
    raise UsageError(
        f"instances are not scored by '{protocol}'",
        fix=f"write 'protocol: {names[0]}' in the suite, or for images '{names[1]}'. {nearest(protocol, names)}",
    )
