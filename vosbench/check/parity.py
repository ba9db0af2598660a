"""Replays stored outputs of reference implementations through a card, and says how far it is from them.

What a card's ``replay`` must yield, one `vosbench.contract.ReferenceFrame` per frame of the clip and in order:

- ``probabilities`` (1 + objects, height, width) at the clip's size, after aggregation, background first. Objects
  that do not exist yet may be left out at the end; they count as NaN for XMem and as 0 elsewhere. None where the
  reference predicts nothing (frame 0 of AOT, DeAOT and MAVOS).
- ``labels`` (height, width): the answer in the reference's internal numbering.
- ``sizes`` under the fixture's names: for XMem ``work_mem_elements``, ``long_mem_elements`` (numbers) and
  ``work_value_elements_per_group``, ``long_value_elements_per_group`` (lists); for STCN ``match_sizes``, a list with
  the size of the bank at each memory call of this frame; for AOT, DeAOT and MAVOS ``long_term_tokens_per_engine``.
- ``events`` with the fixture's ``kind`` and fields; see `vosbench.check.tallies`.
- ``probes`` by the name that the fixture has behind ``probe_`` (``readout_t42``), or by the part before the frame on
  that frame (``readout``), whole: `vosbench.check.thinning` keeps of them what is stored. ``work_key_end_first4`` is
  all of the keys, (channels, elements). AOT, DeAOT and MAVOS give ``logits_stride4_engine<j>`` (channels, height,
  width) on every predicted frame, shut channels below -1e9 or left out; tokens come as (tokens, channels).

XMem and STCN are replayed in double precision; AOT, DeAOT and MAVOS with the recorded labels in their memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from vosbench.check.fixtures import (
    Outputs,
    StoredFixture,
    build_fixture,
    fixture_folders,
    probes_of,
    read_fixture,
    read_network,
    read_outputs,
)
from vosbench.check.results import FixtureResult, attempt
from vosbench.check.tallies import Comparison, all_tallies
from vosbench.check.thinning import Probe
from vosbench.contract import Fixture, Replay
from vosbench.errors import AdapterError, UsageError
from vosbench.registry import Method


def check_parity(method: Method, folder: Path) -> Iterator[FixtureResult]:
    """Yields a result for each fixture in ``folder`` that ``method`` can replay; the others are passed over.

    ``folder`` is one fixture or holds several, the clips lie in ``clips/`` beside the fixtures. A method without a
    variant takes the fixtures of all its variants. Raises `UsageError` for a method that replays nothing and
    `DataError` for a fixture that is not whole.
    """
    replay = method.card.replay
    if replay is None or not method.card.fixtures:
        raise UsageError(
            f"'{method.card.name}' replays no stored outputs",
            where=f"vosbench check {method.name} --parity",
            fix="give its MethodCard `fixtures` and `replay`",
        )
    for path in fixture_folders(folder):
        if _fits(method, read_network(path)):
            yield _check_fixture(replay, path)


def parity_status(results: Iterable[FixtureResult]) -> int:
    """Gives back the exit status: 0, 1 where a difference is beyond its tolerance, 2 where no fixture fitted."""
    passed = [result.passed for result in results]
    if not passed:
        return 2
    return 0 if all(passed) else 1


def _fits(method: Method, network: str) -> bool:
    variant = method.card.fixtures.get(network)
    if variant is None:
        return False
    chosen = {variant.name for variant in method.variants}
    return not chosen or chosen == set(variant.split("@"))


def _check_fixture(replay: Replay, folder: Path) -> FixtureResult:
    stored = read_fixture(folder)
    outputs = read_outputs(stored)
    probes = probes_of(stored, outputs)
    fixture = build_fixture(stored, outputs)
    tried = attempt(lambda: _compare(replay, fixture, stored, outputs, probes))
    return FixtureResult(name=stored.name, network=stored.network, comparisons=tried.value or (), problem=tried.problem)


def _compare(
    replay: Replay, fixture: Fixture, stored: StoredFixture, outputs: Outputs, probes: tuple[Probe, ...]
) -> tuple[Comparison, ...]:
    """Gives back all comparisons of a fixture; frames are compared as they come and dropped."""
    tallies = all_tallies(stored, outputs, probes)
    count = 0
    for index, frame in enumerate(itertools.islice(replay(fixture), stored.frames + 1)):
        if index < stored.frames:
            for tally in tallies:
                tally.take(index, frame)
        count += 1
    if count != stored.frames:
        raise AdapterError(
            f"the replay gave {'more than ' * (count > stored.frames)}{min(count, stored.frames)} frames, "
            f"the clip has {stored.frames}",
            where=f"fixture {stored.name}",
            fix="yield one ReferenceFrame for each frame of the clip",
        )
    return tuple(comparison for tally in tallies for comparison in tally.comparisons())
