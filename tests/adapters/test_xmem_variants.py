"""XMem's ablations: other prototypes, other banks, other scaling terms, each against its rule written down plainly."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from vosbench.adapters.xmem.consolidation import Consolidation
from vosbench.adapters.xmem.memory import Memory
from vosbench.adapters.xmem.prototypes import any_random, k_means
from vosbench.adapters.xmem.sensory_only import SensoryOnly
from vosbench.adapters.xmem.settings import XMemSettings, check_settings
from vosbench.adapters.xmem.similarity import keys_of, shrinkage_of
from vosbench.errors import UsageError
from vosbench.registry import Registry

HEIGHT, WIDTH = 2, 3
CELLS = HEIGHT * WIDTH


class Frames:
    """Random features and values of memory frames, the same whenever they are asked for."""

    def __init__(self, channels: int = 8) -> None:
        self._channels = channels

    def features(self, frame: int) -> SimpleNamespace:
        generator = torch.Generator().manual_seed(frame)

        def plane(channels: int, low: float, high: float) -> Tensor:
            shape = (1, channels, HEIGHT, WIDTH)
            return torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low

        return SimpleNamespace(key=plane(64, -0.5, 0.5), shrinkage=plane(1, 1, 3), selection=plane(64, 0, 1))

    def values(self, frame: int, objects: int) -> Tensor:
        generator = torch.Generator().manual_seed(1000 + frame)
        return torch.rand(objects, 512, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)


def memory_of(frames: int, entries: dict[int, int] | None = None, *, seed: int = 0, **settings: object) -> Memory:
    """Gives back a memory into which so many frames were written and read; ``entries`` are objects by frame."""
    base = {"max_mid_term_frames": 4, "min_mid_term_frames": 2, "num_prototypes": 3, "top_k": 5}
    chosen = XMemSettings(**base | settings)
    check_settings(chosen)
    memory = Memory(chosen, device=torch.device("cpu"), dtype=torch.float64, seed=seed)
    source, objects = Frames(), 0
    for frame in range(frames):
        objects += (entries or {0: 1}).get(frame, 0)
        memory.write(frame, source.features(frame), source.values(frame, objects))
        memory.read(source.features(500 + frame))
    return memory


def origins(memory: Memory) -> list[tuple[int, int]]:
    """The frame and the position that every prototype came from."""
    return list(zip(memory.long_term.frames.tolist(), memory.long_term.positions.tolist(), strict=True))


def rows_of(memory: Memory) -> Tensor:
    return torch.cat(memory.long_term.rows.pages())


def test_random_prototypes_are_candidates_each_once_and_follow_from_the_seed():
    first, again, other = (memory_of(8, prototype_selection="random", seed=seed) for seed in (1, 1, 2))
    assert origins(first) == origins(again)
    assert origins(first) != origins(other)
    assert len(origins(first)) == len(set(origins(first)))
    for frame, position in origins(first):
        expected = Frames().features(frame).key.flatten(2)[0, :, position]
        index = origins(first).index((frame, position))
        torch.testing.assert_close(expected, keys_of(rows_of(first))[index])


def test_random_prototypes_of_few_candidates_are_all_of_them():
    memory = memory_of(3)
    select = any_random(torch.Generator().manual_seed(0))
    assert list(range(CELLS)) == select(memory.working, CELLS, 2 * CELLS, 99).origins.tolist()


def test_k_means_finds_clusters_that_are_there_and_its_centres_are_means():
    generator = torch.Generator().manual_seed(0)
    corners = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = corners.repeat_interleave(20, 0) + torch.rand(60, 2, generator=generator)
    best = min((k_means(points, 3, torch.Generator().manual_seed(seed)) for seed in range(5)), key=_spread(points))
    expected = torch.stack([points[20 * i : 20 * i + 20].mean(0) for i in range(3)])
    torch.testing.assert_close(_sorted(expected), _sorted(best))


def _sorted(points: Tensor) -> Tensor:
    return points[np.lexsort(points.round().T.numpy())]


def _spread(points: Tensor):
    return lambda centres: float(torch.cdist(points, centres).amin(1).sum())


def test_k_means_follows_from_the_seed_and_keeps_what_is_already_apart():
    points = torch.arange(12.0).view(6, 2)
    first, again = (k_means(points, 2, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(points, _sorted(k_means(points, 6, torch.Generator().manual_seed(0))))


def test_k_means_keeps_the_centre_of_an_empty_cluster():
    points = torch.zeros(5, 2)
    assert torch.equal(torch.zeros(3, 2), k_means(points, 3, torch.Generator().manual_seed(0)))


def test_a_centroid_is_the_key_and_its_nearest_candidate_the_origin():
    memory = memory_of(4, prototype_selection="kmeans", num_prototypes=2)
    keys = keys_of(rows_of(memory))
    candidates = torch.cat([Frames().features(frame).key.flatten(2)[0].T for frame in (1, 2)])
    members = torch.cdist(candidates, keys).argmin(1)
    for index, (frame, position) in enumerate(origins(memory)):
        torch.testing.assert_close(candidates[members == index].mean(0), keys[index])
        assert (frame - 1) * CELLS + position == int(torch.cdist(keys[index : index + 1], candidates).argmin())


def test_without_potentiation_a_prototype_keeps_value_and_shrinkage_of_its_origin():
    memory = memory_of(8, {0: 1, 2: 1}, potentiation=False)
    values = torch.cat(memory.long_term.values[0].pages())
    for index, (frame, position) in enumerate(origins(memory)):
        torch.testing.assert_close(Frames().values(frame, 1)[0].flatten(1)[:, position], values[index])
        shrinkage = Frames().features(frame).shrinkage.flatten()[position]
        torch.testing.assert_close(shrinkage, shrinkage_of(rows_of(memory))[index, 0])


def test_potentiation_is_on_unless_it_is_switched_off():
    with_it, without = memory_of(4), memory_of(4, potentiation=False)
    assert origins(with_it) == origins(without)
    values = [torch.cat(memory.long_term.values[0].pages()) for memory in (with_it, without)]
    assert not torch.allclose(*values)


def test_eager_compression_leaves_the_reference_and_prototypes_of_every_other_frame():
    settings = Registry().method("xmem@eager").settings
    assert (1, 2, "random", 26) == (
        settings.min_mid_term_frames,
        settings.max_mid_term_frames,
        settings.prototype_selection,
        settings.num_prototypes,
    )
    memory = memory_of(6, min_mid_term_frames=1, max_mid_term_frames=2, prototype_selection="random", num_prototypes=2)
    assert [0] * CELLS == memory.working.frames.tolist()
    assert [1, 1, 2, 2, 3, 3, 4, 4, 5, 5] == memory.long_term.frames.tolist()


WINDOW = {"enable_long_term": False, "max_memory_frames": 4}


def frames_of(memory: Memory) -> list[int]:
    return memory.working.frames[::CELLS].tolist()


def test_a_window_keeps_the_reference_and_the_newest():
    assert [0, 1, 2, 3] == frames_of(memory_of(4, **WINDOW))
    assert [0, 7, 8, 9] == frames_of(memory_of(10, **WINDOW))


def test_a_window_keeps_the_frames_where_objects_entered():
    assert [0, 2, 8, 9] == frames_of(memory_of(10, {0: 1, 2: 2}, **WINDOW))


def test_where_all_are_references_the_oldest_but_the_first_leaves():
    assert [0, 3, 4, 9] == frames_of(memory_of(10, {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}, **WINDOW))


def test_a_window_is_read_as_if_only_its_frames_had_been_written():
    entries = {0: 1, 2: 2, 6: 1}
    memory = memory_of(9, entries, enable_long_term=False, max_memory_frames=5)
    literal = Memory(XMemSettings(enable_long_term=False, top_k=5), device=torch.device("cpu"), dtype=torch.float64)
    source = Frames()
    for frame in (0, 2, 6, 7, 8):
        objects = sum(count for entry, count in entries.items() if entry <= frame)
        literal.write(frame, source.features(frame), source.values(frame, objects))
    assert [0, 2, 6, 7, 8] == frames_of(memory)
    torch.testing.assert_close(literal.read(source.features(99)), memory.read(source.features(99)))


def test_without_working_memory_nothing_is_read_and_nothing_grows():
    memory = SensoryOnly(64, device=torch.device("cpu"), dtype=torch.float64)
    source = Frames()
    memory.sensory.add_objects(2, HEIGHT, WIDTH)
    size = memory.footprint()
    for frame in range(3):
        memory.write(frame, source.features(frame), source.values(frame, 2))
    assert torch.equal(torch.zeros(2, 512, HEIGHT, WIDTH).double(), memory.read(source.features(9)))
    assert size == memory.footprint()
    assert ({}, ()) == (memory.inspect(3, None), memory.events)


def test_a_consolidation_tells_its_candidates_and_prototypes():
    events = memory_of(4).events
    assert [(2 * CELLS, 3)] == [(e.candidates, len(e.prototypes)) for e in events if isinstance(e, Consolidation)]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"min_mid_term_frames": 10}, "leaves nothing to consolidate"),
        ({"max_memory_frames": 50}, "is for a memory without consolidation"),
        ({"max_memory_frames": 1, "enable_long_term": False}, "leaves the reference frame alone"),
        ({"enable_working": False}, "nothing reaches long-term memory"),
        ({"enable_working": False, "enable_long_term": False, "hidden_dim": 0}, "the only way in for a mask"),
        ({"enable_working": False, "enable_long_term": False, "deep_update": "never"}, "the only way in for a mask"),
        ({"enable_long_term": False, "potentiation": False}, "there are no prototypes to choose otherwise"),
        ({"deep_update": "never", "deep_update_every": 3}, "contradict"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, what):
    with pytest.raises(UsageError, match=what):
        check_settings(XMemSettings(**settings))


def test_every_variant_has_settings_that_can_be():
    registry = Registry()
    names = [variant.name for variant in registry.card("xmem").variants]
    assert {"eager", "sparse", "window", "random", "kmeans", "no-potentiation", "no-deep-update"} < set(names)
    for name in names:
        check_settings(registry.method(f"xmem@{name}").settings)


def test_published_weights_do_not_answer_for_a_variant_that_needs_its_own():
    registry = Registry()
    assert () == registry.method("xmem@no-scaling").checkpoints
    assert () == registry.method("xmem@no-working").checkpoints
    assert ("XMem-no-sensory.pth",) == registry.method("xmem@no-sensory").checkpoints
    assert "XMem.pth" in registry.method("xmem@eager").checkpoints


def test_a_variant_may_replace_the_knob_or_have_none():
    registry = Registry()
    assert "max_long_term_elements" == registry.method("xmem@random").knob.setting
    assert "max_memory_frames" == registry.method("xmem@window").knob.setting
    assert registry.method("xmem@sparse").knob is None
