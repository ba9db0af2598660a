"""Replays stored outputs of the official MAVOS."""

from __future__ import annotations

from collections.abc import Iterator

from vosbench.adapters.aot.reference import Replay, encoder_of
from vosbench.adapters.mavos.network import build_network, dynamic_frame
from vosbench.adapters.nn.weights import build_from_fixture
from vosbench.contract import Fixture, ReferenceFrame


def replay_fixture(fixture: Fixture) -> Iterator[ReferenceFrame]:
    """Yields every frame of a fixture of MAVOS."""
    encoder = encoder_of(fixture.network)
    network = build_from_fixture(lambda: build_network(encoder), fixture)
    yield from Replay(fixture, network, dynamic_frame(network)).frames()
