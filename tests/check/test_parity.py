"""Parity: hand-made fixtures that a fake replay meets, misses, or does not belong to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from vosbench.check import FixtureResult, check_parity, parity_status
from vosbench.contract import Fixture, ReferenceFrame, Variant
from vosbench.errors import DataError, UsageError, VosbenchError
from vosbench.registry import Method

FRAMES, HEIGHT, WIDTH = 3, 24, 36
Replaying = Callable[..., Method]
LIMITS = {"prob_p999": 1e-4, "prob_max": 1e-3, "label_fraction": 1e-3}


def write_clip(folder: Path) -> None:
    random = np.random.default_rng(0)
    for part in ("frames", "masks"):
        (folder / "clips" / "tiny" / part).mkdir(parents=True)
    for index in range(FRAMES):
        image = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / "clips" / "tiny" / "frames" / f"{index:05d}.png"), image)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:9, 5:20] = 2
    Image.fromarray(mask).save(folder / "clips" / "tiny" / "masks" / "00000.png")


def true_frames(channels: int = 2) -> list[ReferenceFrame]:
    """What the reference gave: an STCN-like replay with one memory call per frame after the first."""
    random = np.random.default_rng(1)
    frames = []
    for index in range(FRAMES):
        odds = random.random((channels, HEIGHT, WIDTH))
        probabilities = odds / odds.sum(axis=0)
        frames.append(
            ReferenceFrame(
                probabilities=probabilities,
                labels=probabilities.argmax(axis=0).astype(np.uint8),
                sizes={"match_sizes": [10 * index] if index else []},
                probes={"key_t0": random.random((4, 2, 3)), "f16_t0": random.random((128, 2, 3))} if not index else {},
            )
        )
    return frames


def write_fixture(folder: Path, frames: list[ReferenceFrame], *, network: str = "stcn", **fields: Any) -> Path:
    """Stores frames as ``README.md`` says, with slices written out here once more."""
    grids = [np.full((2, 6, 9), np.nan) if f.probabilities is None else f.probabilities[:, 2::4, 2::4] for f in frames]
    arrays: dict[str, Any] = {
        "labels": np.stack([frame.labels for frame in frames]),
        "prob_grid": np.stack(grids).astype(np.float32),
        "probe_key_t0": np.random.default_rng(2).random((4, 2, 3), np.float32),
    }
    probes = frames[0].probes
    if "key_t0" in probes:
        arrays["probe_key_t0"] = probes["key_t0"].astype(np.float32)
        arrays["probe_f16_t0"] = probes["f16_t0"][::64].astype(np.float32)
    else:
        del arrays["probe_key_t0"]
    arrays |= fields.pop("arrays", {})
    description = {
        "name": folder.name, "network": network, "clip": "tiny", "seed": 1, "gain2": 1.4, "overrides": [],
        "frames": FRAMES, "config": {"top_k": 2}, "weights_crc32": {}, "tolerance": {"free_run": LIMITS},
        "match_sizes": [10, 20],
    }  # fmt: skip
    folder.mkdir()
    (folder / "fixture.json").write_text(json.dumps(description | fields))
    np.savez(folder / "outputs.npz", **arrays)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clip(tmp_path)
    return tmp_path


def replay_of(frames: list[ReferenceFrame]) -> Callable[[Fixture], Iterator[ReferenceFrame]]:
    return lambda fixture: iter(frames)


def failures(result: FixtureResult) -> set[str]:
    return {comparison.what for comparison in result.comparisons if not comparison.within}


def changed(frames: list[ReferenceFrame], index: int, **fields: Any) -> list[ReferenceFrame]:
    return [dataclasses.replace(frame, **fields) if at == index else frame for at, frame in enumerate(frames)]


def test_equal_outputs_pass(folder: Path, replaying: Replaying) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    (result,) = check_parity(replaying(replay_of(frames)), folder)
    assert ("a", "stcn", "") == (result.name, result.network, result.problem)
    assert set() == failures(result)
    assert 0 == parity_status([result])
    differences = {comparison.what: comparison.difference for comparison in result.comparisons}
    assert {"prob_p999", "prob_max", "nan_pattern", "label_fraction", "match_sizes", "probes", "probes missing"} == set(
        differences
    )
    assert differences["prob_max"] < 1e-7


def test_one_fixture_may_be_named_itself(folder: Path, replaying: Replaying) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    write_fixture(folder / "b", frames)
    assert ["b"] == [result.name for result in check_parity(replaying(replay_of(frames)), folder / "b")]


def test_the_replay_gets_clip_prompts_config_weights_and_precision(folder: Path, replaying: Replaying) -> None:
    write_fixture(folder / "a", true_frames())
    seen: list[Fixture] = []

    def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
        seen.append(fixture)
        return iter(true_frames())

    list(check_parity(replaying(replay), folder))
    (fixture,) = seen
    assert (FRAMES, (HEIGHT, WIDTH, 3)) == (len(fixture.images), fixture.images[0].shape)
    assert {0: [0, 2]} == {index: np.unique(mask).tolist() for index, mask in fixture.prompts.items()}
    assert ({"top_k": 2}, True, None) == (fixture.config, fixture.float64, fixture.forced_labels)
    assert (3, 2) == fixture.fill("a.weight", (3, 2)).shape


@pytest.mark.parametrize(("size", "beyond"), [(5e-4, {"prob_p999"}), (5e-3, {"prob_p999", "prob_max"}), (5e-5, set())])
def test_probabilities_beyond_their_tolerance_are_found(
    folder: Path, replaying: Replaying, size: float, beyond: set[str]
) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    probabilities = frames[1].probabilities
    assert probabilities is not None
    (result,) = check_parity(replaying(replay_of(changed(frames, 1, probabilities=probabilities + size))), folder)
    assert beyond == failures(result)
    largest = {comparison.what: comparison for comparison in result.comparisons}["prob_max"]
    assert size == pytest.approx(largest.difference, rel=1e-3)
    assert "frame 1" == largest.where
    assert bool(beyond) == parity_status([result])


def test_wrong_labels_are_found(folder: Path, replaying: Replaying) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    labels = frames[2].labels.copy()
    labels[0, :9] ^= 1
    (result,) = check_parity(replaying(replay_of(changed(frames, 2, labels=labels))), folder)
    assert {"label_fraction"} == failures(result)
    share = {comparison.what: comparison for comparison in result.comparisons}["label_fraction"]
    assert (pytest.approx(9 / (FRAMES * HEIGHT * WIDTH)), "most on frame 2") == (share.difference, share.where)


@pytest.mark.parametrize("sizes", [{"match_sizes": [11]}, {"match_sizes": []}, {"match_sizes": [10, 20]}, {}])
def test_wrong_memory_sizes_are_found(folder: Path, replaying: Replaying, sizes: dict[str, Any]) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    (result,) = check_parity(replaying(replay_of(changed(frames, 1, sizes=sizes))), folder)
    assert {"match_sizes"} == failures(result)


def test_probes_are_compared_by_their_own_rule(folder: Path, replaying: Replaying) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    near = {name: probe + 9e-4 for name, probe in frames[0].probes.items()}
    far = {name: probe + 2e-3 for name, probe in frames[0].probes.items()}
    (right,), (wrong,) = (
        list(check_parity(replaying(replay_of(changed(frames, 0, probes=probes))), folder)) for probes in (near, far)
    )
    assert set() == failures(right)
    assert {"probes"} == failures(wrong)


def test_probes_may_come_by_their_bare_name(folder: Path, replaying: Replaying) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    bare = {name.removesuffix("_t0"): probe for name, probe in frames[0].probes.items()}
    (result,) = check_parity(replaying(replay_of(changed(frames, 0, probes=bare))), folder)
    assert set() == failures(result)


@pytest.mark.parametrize("probe", [None, np.zeros((4, 2, 9)), np.zeros(4), np.full((4, 2, 3), np.nan)])
def test_missing_and_misshapen_probes_are_found(folder: Path, replaying: Replaying, probe: Any) -> None:
    frames = true_frames()
    write_fixture(folder / "a", frames)
    probes = dict(frames[0].probes) | {"key_t0": probe}
    if probe is None:
        del probes["key_t0"]
    (result,) = check_parity(replaying(replay_of(changed(frames, 0, probes=probes))), folder)
    assert failures(result) <= {"probes", "probes missing"}
    assert failures(result)


def xmem_frames() -> list[ReferenceFrame]:
    """A second object from frame 1 on, a consolidation on frame 2."""
    frames = []
    for index, frame in enumerate(true_frames(3)):
        assert frame.probabilities is not None
        frames.append(
            dataclasses.replace(
                frame,
                probabilities=frame.probabilities[: 2 + (index > 0)],
                probes={},
                sizes={
                    "work_mem_elements": np.int64(6 * (index + 1)),
                    "long_mem_elements": 0,
                    "work_value_elements_per_group": (6 * (index + 1), 6)[: 1 + (index > 0)],
                    "long_value_elements_per_group": [],
                },
                events=({"kind": "consolidate", "prototype_indices": np.array([3, 1])},) if index == 2 else (),
            )
        )
    return frames


def write_xmem_fixture(folder: Path) -> None:
    grid = np.full((FRAMES, 3, 6, 9), np.nan, np.float32)
    for index, frame in enumerate(xmem_frames()):
        assert frame.probabilities is not None
        grid[index, : len(frame.probabilities)] = frame.probabilities[:, 2::4, 2::4]
    write_fixture(
        folder, true_frames(3), network="xmem", arrays={"prob_grid": grid},
        work_mem_elements=[6, 12, 18], long_mem_elements=[0, 0, 0],
        work_value_elements_per_group=[[6], [12, 6], [18, 6]], long_value_elements_per_group=[[], [], []],
        events=[{"t": 2, "kind": "consolidate", "candidates": 6, "prototype_indices": [1, 3], "gap_kth": 0.1}],
    )  # fmt: skip
    arrays = dict(np.load(folder / "outputs.npz"))
    np.savez(folder / "outputs.npz", **{name: arrays[name] for name in ("labels", "prob_grid")})


def test_late_objects_are_nan_and_index_lists_are_sets(folder: Path, replaying: Replaying) -> None:
    write_xmem_fixture(folder / "x")
    (result,) = check_parity(replaying(replay_of(xmem_frames()), xmem=""), folder)
    assert ("", set()) == (result.problem, failures(result))


def test_a_wrong_nan_pattern_is_found(folder: Path, replaying: Replaying) -> None:
    write_xmem_fixture(folder / "x")
    frames = xmem_frames()
    full = true_frames(3)[0].probabilities
    (result,) = check_parity(replaying(replay_of(changed(frames, 0, probabilities=full)), xmem=""), folder)
    assert {"nan_pattern"} == failures(result)


@pytest.mark.parametrize(
    "events",
    [
        (),
        ({"kind": "remove_obsolete", "survived_indices": [1, 3]},),
        ({"kind": "consolidate", "prototype_indices": [1, 2]},),
        ({"kind": "consolidate"},),
        ({"kind": "consolidate", "prototype_indices": [1, 3], "candidates": 7},),
    ],
)
def test_wrong_events_are_found(folder: Path, replaying: Replaying, events: Any) -> None:
    write_xmem_fixture(folder / "x")
    (result,) = check_parity(replaying(replay_of(changed(xmem_frames(), 2, events=events)), xmem=""), folder)
    assert {"events"} == failures(result)


def test_wrong_sizes_per_frame_are_found(folder: Path, replaying: Replaying) -> None:
    write_xmem_fixture(folder / "x")
    frames = xmem_frames()
    sizes = dict(frames[1].sizes) | {"work_mem_elements": 13, "work_value_elements_per_group": (12,)}
    (result,) = check_parity(replaying(replay_of(changed(frames, 1, sizes=sizes)), xmem=""), folder)
    assert {"work_mem_elements", "work_value_elements_per_group"} == failures(result)


def aot_frames() -> list[ReferenceFrame]:
    frames = []
    for index, frame in enumerate(true_frames()):
        logits = np.random.default_rng(index).normal(size=(11, 7, 10))
        logits[2:] = -1e10
        frames.append(
            dataclasses.replace(
                frame,
                probabilities=frame.probabilities if index else None,
                sizes={"long_term_tokens_per_engine": [6]},
                probes={"logits_stride4_engine0": logits} if index else {},
            )
        )
    return frames


def write_aot_fixture(folder: Path) -> None:
    frames = aot_frames()
    stored = np.full((FRAMES, 2, 7, 10), np.nan, np.float32)
    for index in (1, 2):
        stored[index] = frames[index].probes["logits_stride4_engine0"][:2]
    write_fixture(
        folder, frames, network="MAVOS:mavos", arrays={"logits_stride4_engine0": stored},
        long_term_tokens_per_engine=[[6]] * 3,
        tolerance={"labels_forced": LIMITS | {"logit_max": 1e-3}, "free_run": LIMITS},
    )  # fmt: skip


def test_the_aot_family_is_replayed_with_forced_labels_and_compared_by_logits(
    folder: Path, replaying: Replaying
) -> None:
    write_aot_fixture(folder / "m")
    seen: list[Fixture] = []

    def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
        seen.append(fixture)
        return iter(aot_frames())

    (result,) = check_parity(replaying(replay, **{"MAVOS:mavos": "mnv2"}), folder)
    assert ("", set()) == (result.problem, failures(result))
    assert not seen[0].float64
    np.testing.assert_array_equal(np.stack([frame.labels for frame in aot_frames()]), seen[0].forced_labels)


@pytest.mark.parametrize(("change", "beyond"), [(5e-3, "logit_max"), (None, "logits missing")])
def test_wrong_logits_are_found(folder: Path, replaying: Replaying, change: float | None, beyond: str) -> None:
    write_aot_fixture(folder / "m")
    frames = aot_frames()
    logits = frames[2].probes["logits_stride4_engine0"]
    probes = {"logits_stride4_engine0": logits + change} if change is not None else {}
    method = replaying(replay_of(changed(frames, 2, probes=probes)), **{"MAVOS:mavos": "mnv2"})
    (result,) = check_parity(method, folder)
    assert {beyond} == failures(result)


def test_fixtures_of_other_networks_are_passed_over(folder: Path, replaying: Replaying) -> None:
    write_fixture(folder / "a", true_frames())
    results = list(check_parity(replaying(replay_of(true_frames()), xmem=""), folder))
    assert [] == results
    assert 2 == parity_status(results)


def test_a_variant_takes_its_own_fixtures_and_the_bare_method_all(folder: Path, replaying: Replaying) -> None:
    write_fixture(folder / "a", true_frames())
    write_fixture(folder / "b", true_frames(), network="stcn_other")
    method = replaying(replay_of(true_frames()), stcn="", stcn_other="big")
    assert ["a", "b"] == [result.name for result in check_parity(method, folder)]
    variant = dataclasses.replace(method, variants=(Variant(name="big", axis="size", summary=""),))
    assert ["b"] == [result.name for result in check_parity(variant, folder)]


def test_a_replay_that_throws_fails_its_fixture_and_not_the_next(folder: Path, replaying: Replaying) -> None:
    write_fixture(folder / "a", true_frames())
    write_fixture(folder / "b", true_frames())

    def replay(fixture: Fixture) -> Iterator[ReferenceFrame]:
        if fixture.name == "a":
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return iter(true_frames())

    first, second = check_parity(replaying(replay), folder)
    assert not first.passed
    assert first.problem.startswith("RuntimeError: mat1 and mat2")
    assert second.passed
    assert 1 == parity_status([first, second])


@pytest.mark.parametrize("count", [2, 4])
def test_too_few_and_too_many_frames_are_found(folder: Path, replaying: Replaying, count: int) -> None:
    write_fixture(folder / "a", true_frames())
    frames = [*true_frames(), true_frames()[0]][:count]
    (result,) = check_parity(replaying(replay_of(frames)), folder)
    assert "frames, the clip has 3" in result.problem
    assert not result.passed


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": np.zeros((5, 5), np.uint8)},
        {"probabilities": np.zeros((2, 5, 5))},
        {"probabilities": np.zeros((9, HEIGHT, WIDTH))},
    ],
)
def test_misshapen_answers_are_named(folder: Path, replaying: Replaying, fields: dict[str, Any]) -> None:
    write_fixture(folder / "a", true_frames())
    (result,) = check_parity(replaying(replay_of(changed(true_frames(), 1, **fields))), folder)
    assert "frame 1" in result.problem


def broken_json(path: Path) -> None:
    (path / "fixture.json").write_text('{"network": "stcn", ')


def without(field: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        fields = json.loads((path / "fixture.json").read_text())
        del fields[field]
        (path / "fixture.json").write_text(json.dumps(fields))

    return remove


def with_field(field: str, value: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        fields = json.loads((path / "fixture.json").read_text())
        (path / "fixture.json").write_text(json.dumps(fields | {field: value}))

    return write


def torn_outputs(path: Path) -> None:
    (path / "outputs.npz").write_bytes((path / "outputs.npz").read_bytes()[:200])


def pickled_outputs(path: Path) -> None:
    np.savez(path / "outputs.npz", labels=np.array([{}], object))


def no_outputs(path: Path) -> None:
    (path / "outputs.npz").unlink()


def no_clip(path: Path) -> None:
    (path.parent / "clips").rename(path.parent / "moved")


def no_frame(path: Path) -> None:
    (path.parent / "clips" / "tiny" / "frames" / "00001.png").unlink()


def no_mask(path: Path) -> None:
    (path.parent / "clips" / "tiny" / "masks" / "00000.png").unlink()


def small_mask(path: Path) -> None:
    Image.fromarray(np.ones((3, 3), np.uint8)).save(path.parent / "clips" / "tiny" / "masks" / "00000.png")


def with_array(name: str, shape: tuple[int, ...]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        arrays = dict(np.load(path / "outputs.npz"))
        np.savez(path / "outputs.npz", **(arrays | {name: np.zeros(shape, np.uint8)}))

    return write


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (broken_json, "the fixture cannot be read"),
        (with_field("network", 3), "'network' is missing or no text"),
        (without("clip"), "'clip' is missing or no text"),
        (without("frames"), "'frames' is missing or no number"),
        (without("tolerance"), "'tolerance' is missing or no table"),
        (with_field("tolerance", {"free_run": {"prob_max": 1}}), "the tolerance is not whole"),
        (without("gain2"), "the weight rule is not whole"),
        (with_field("overrides", [{"key": "a", "mul": 1, "add": 0, "twist": 1}]), "unknown field 'twist'"),
        (without("match_sizes"), "match_sizes is not a list"),
        (with_field("events", [{"t": 99}]), "an event names no frame"),
        (torn_outputs, "the stored outputs cannot be read"),
        (pickled_outputs, "the stored outputs cannot be read"),
        (no_outputs, "the stored outputs cannot be read"),
        (with_array("labels", (FRAMES - 1, HEIGHT, WIDTH)), "labels is missing or not an array of 3 frames"),
        (with_array("labels", (FRAMES, HEIGHT, WIDTH - 1)), "the stored labels are"),
        (with_array("probe_aura_t0", (3,)), "nothing says how the probe aura_t0 was thinned out"),
        (with_array("probe_key", (3,)), "the probe key names no frame"),
        (no_clip, "the clip 'tiny' is not there"),
        (no_frame, "there is no such frame"),
        (no_mask, "the clip has no mask"),
        (small_mask, "the mask is"),
    ],
)
def test_a_broken_fixture_is_named(
    folder: Path, replaying: Replaying, harm: Callable[[Path], None], words: str
) -> None:
    path = write_fixture(folder / "a", true_frames())
    harm(path)
    with pytest.raises(DataError, match=words) as caught:
        list(check_parity(replaying(replay_of(true_frames())), folder))
    assert str(folder) in caught.value.where


def test_an_unknown_family_is_named(folder: Path, replaying: Replaying) -> None:
    write_fixture(folder / "a", true_frames(), network="sam")
    with pytest.raises(DataError, match="fixtures of the network 'sam'"):
        list(check_parity(replaying(replay_of(true_frames()), sam=""), folder))


def test_a_method_without_a_replay_and_a_missing_folder_are_refused(
    folder: Path, replaying: Replaying, method_of: Callable[..., Method]
) -> None:
    with pytest.raises(UsageError, match="replays no stored outputs"):
        list(check_parity(method_of(), folder))
    with pytest.raises(VosbenchError, match="no such folder"):
        list(check_parity(replaying(replay_of(true_frames())), folder / "nowhere"))
