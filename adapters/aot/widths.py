"""The widths of AOT's, DeAOT's and MAVOS's networks: the official ones, and those of the small models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Channels and counts.

    ``channels`` are those of the embedding and, in DeAOT, of each branch; ``key`` and ``value`` those of gated
    propagation, each branch's values; ``blocks`` counts the transformer's blocks, ``decoder`` the channels at strides
    16, 8 and 4, ``identities`` the background and the objects of one engine. ``patches`` counts the patterns that an
    identity's patch is described by; 0: as many as pixels. ``mlp`` is how much wider MAVOS's fusion is inside.
    """

    channels: int
    key: int
    value: int
    blocks: int
    decoder: tuple[int, int, int]
    identities: int
    patches: int
    mlp: int


OFFICIAL = Widths(channels=256, key=128, value=512, blocks=3, decoder=(256, 128, 128), identities=11, patches=0, mlp=4)
"""The L models (official ``MODEL_ENCODER_EMBEDDING_DIM``, ``MODEL_LSTT_NUM``, ``MODEL_MAX_OBJ_NUM``)."""
MINI = Widths(channels=96, key=64, value=96, blocks=2, decoder=(96, 64, 64), identities=5, patches=24, mlp=4)
"""The small models. An identity learns from the clips that it is drawn for alone, so there are few of them; more than
four objects run in several engines, as more than ten do in the official networks."""

SMALL = "mini"
"""The setting ``encoder`` that stands for the whole small network."""


def widths_of(encoder: str) -> Widths:
    """Gives back the widths of the network with this encoder."""
    return MINI if encoder == SMALL else OFFICIAL
