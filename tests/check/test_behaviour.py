"""Every behaviour check passes an honest adapter and fails the one that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vosbench.check import CheckResult, behaviour_status, check_method
from vosbench.check.behaviour import CHECKS
from vosbench.contract import Runtime, Weights
from vosbench.errors import UsageError
from vosbench.registry import Method

MethodOf = Callable[..., Method]


def results(method: Method) -> dict[str, CheckResult]:
    return {result.name: result for result in check_method(method, Runtime(), Weights(kind="none"))}


def only_failed(method: Method) -> dict[str, str]:
    return {name: result.detail for name, result in results(method).items() if result.status == "failed"}


def test_an_honest_adapter_passes_everything(method_of: MethodOf) -> None:
    found = results(method_of())
    assert dict.fromkeys(dict(CHECKS), "passed") == {name: result.status for name, result in found.items()}
    assert 0 == behaviour_status(found.values())
    assert all(result.detail for result in found.values())


def test_wrong_sizes_are_found(method_of: MethodOf, honest_session: type) -> None:
    class Small(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return labels[::2]

    failed = only_failed(method_of(Small))
    assert "expected an array of shape (96, 128), got shape (48, 128)" in failed["sizes"]
    assert 1 == behaviour_status(check_method(method_of(Small), Runtime(), Weights(kind="none")))


def test_an_answer_that_is_no_array_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Listing(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return labels.tolist()

    assert "got list" in only_failed(method_of(Listing))["sizes"]


def test_signed_answers_are_found(method_of: MethodOf, honest_session: type) -> None:
    class Signed(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return labels.astype(np.int64)

    assert "int64" in only_failed(method_of(Signed))["dtypes"]


def test_an_inner_numbering_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Renumbered(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.uint8)

    failed = only_failed(method_of(Renumbered))
    assert "no prompt announced" in failed["ids"]


def test_late_answers_that_are_no_tracks_are_found(method_of: MethodOf, honest_session: type) -> None:
    class Late(honest_session):
        def finish(self) -> Any:
            return "done"

    assert {"ids": "finish() gave str, expected None or a sequence of Track"} == only_failed(method_of(Late))


def test_an_object_missing_on_its_own_frame_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Late(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return np.zeros_like(labels) if frame.prompt is not None else labels

    assert {"prompted objects answered", "late object"} == set(only_failed(method_of(Late)))


def test_background_only_is_a_failure_but_for_a_self_check(method_of: MethodOf, honest_session: type) -> None:
    class Nothing(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return np.zeros_like(labels)

    assert {"prompted objects answered", "late object"} == set(only_failed(method_of(Nothing)))
    skipped = [r.name for r in results(method_of(Nothing, ranked=False)).values() if r.status == "skipped"]
    assert ["prompted objects answered", "late object"] == skipped


def test_writing_to_the_image_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Scribbler(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            frame.image[:] = frame.image // 2
            return labels

    assert "step() wrote to the image" in only_failed(method_of(Scribbler))["images untouched"]


def test_writing_to_the_prompt_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Scribbler(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            if frame.prompt is not None:
                frame.prompt.mask[0, 0] += 1
            return labels

    assert "prompt of frame 0" in only_failed(method_of(Scribbler))["images untouched"]


def test_an_answer_that_changes_later_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Reusing(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            if not hasattr(self, "buffer"):
                self.buffer = np.empty_like(labels)
            self.buffer[:] = np.roll(labels, self.frames, axis=1)
            return self.buffer

    assert {"answers kept"} == set(only_failed(method_of(Reusing)))


@pytest.mark.parametrize("banks", [{"bank": -1}, {"bank": 1.5}, {7: 1}])
def test_a_footprint_that_is_no_bytes_is_found(method_of: MethodOf, honest_session: type, banks: Any) -> None:
    class Odd(honest_session):
        def footprint(self) -> Any:
            return banks

    assert {"footprint"} == set(only_failed(method_of(Odd)))


def test_no_footprint_is_skipped(method_of: MethodOf, honest_session: type) -> None:
    class Silent:
        def __init__(self, model: Any, view: Any) -> None:
            self.inner = honest_session(model, view)
            self.step, self.finish, self.close = self.inner.step, self.inner.finish, self.inner.close

    assert "skipped" == results(method_of(Silent))["footprint"].status


def test_a_method_that_rolls_dice_is_found(method_of: MethodOf, honest_session: type) -> None:
    random = np.random.default_rng(0)

    class Dicing(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return np.roll(labels, int(random.integers(1, 9)), axis=0) if frame.prompt is None else labels

    assert "pixels differ on frame 1" in only_failed(method_of(Dicing))["determinism"]


def test_state_that_leaks_into_the_next_video_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Leaking(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            self.model.state.append(int(labels.sum()))
            return np.roll(labels, self.model.state[0] % 7 + 1, axis=1) if frame.prompt is None else labels

    assert {"second video unspoiled", "two sessions at a time"} == set(only_failed(method_of(Leaking)))


def test_sessions_that_share_a_memory_are_found(method_of: MethodOf, honest_session: type) -> None:
    class Sharing(honest_session):
        def __init__(self, model: Any, view: Any) -> None:
            super().__init__(model, view)
            model.current = self

        def answer(self, frame: Any, labels: Any) -> Any:
            return labels if frame.prompt is not None else self.model.current.labels.copy()

    assert {"two sessions at a time"} == set(only_failed(method_of(Sharing)))


def test_memory_that_close_keeps_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Hoarding(honest_session):
        def close(self) -> None:
            self.model.state.append(np.ones(96 * 128 * 3, np.uint8))

    assert "left 108 KiB behind after close()" in only_failed(method_of(Hoarding))["no growth after close"]


def test_a_known_object_that_vanishes_at_a_prompt_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Forgetful(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            return frame.prompt.mask.copy() if frame.prompt is not None else labels

    failed = only_failed(method_of(Forgetful))
    assert {"late object"} == set(failed)
    assert "object 5 vanished when object 200 was prompted" in failed["late object"]


def test_an_adapter_that_needs_a_pixel_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Needy(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            if frame.prompt is not None:
                [np.flatnonzero(frame.prompt.mask == number)[0] for number in frame.prompt.ids or (1,)]
            return labels

    failed = only_failed(method_of(Needy))
    assert {"empty prompt"} == set(failed)
    assert failed["empty prompt"].startswith("IndexError: index 0 is out of bounds")
    assert "test_behaviour.py, line" in failed["empty prompt"]


def test_an_adapter_that_needs_an_object_in_sight_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Faint(honest_session):
        def step(self, frame: Any) -> Any:
            answer = super().step(frame)
            if self.frames == 6 and len(np.unique(answer)) == 2 and np.count_nonzero(answer) > 1:
                raise ValueError("nothing to see")
            return answer

    failed = only_failed(method_of(Faint))
    assert "ValueError: nothing to see" in failed["object that leaves"]


def test_an_adapter_that_loses_one_pixel_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Coarse(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            area = np.count_nonzero(labels)
            if area == 1:
                raise ZeroDivisionError("one pixel is nothing at stride 16")
            return labels

    assert "ZeroDivisionError" in only_failed(method_of(Coarse))["one-pixel object"]


def test_an_adapter_that_answers_padded_sizes_is_found(method_of: MethodOf, honest_session: type) -> None:
    class Padded(honest_session):
        def answer(self, frame: Any, labels: Any) -> Any:
            height, width = labels.shape
            return np.pad(labels, ((0, -height % 16), (0, -width % 16)))

    failed = only_failed(method_of(Padded))
    assert {"odd sizes"} == set(failed)
    assert "the label map has shape (48, 48), the frame (33, 47)" in failed["odd sizes"]


def test_a_model_that_does_not_load_ends_the_checks(method_of: MethodOf) -> None:
    def load(_runtime: Any, _weights: Any, _settings: Any) -> Any:
        raise RuntimeError("no kernel image")

    found = results(method_of(load=load))
    assert ["loads"] == list(found)
    assert found["loads"].detail.startswith("RuntimeError: no kernel image")


def test_a_method_for_vis_only_is_refused(method_of: MethodOf) -> None:
    with pytest.raises(UsageError, match="answers vis"):
        results(method_of(tasks=("vis",)))
