"""The frame loop: its order, its checks, what is inside the clock and what the harness takes off."""

from __future__ import annotations

import dataclasses
import gc

import numpy as np
import pytest

from vosbench.contract import View, core
from vosbench.errors import AdapterError
from vosbench.meters.device import CpuDevice, Memory
from vosbench.meters.host_memory import HostMemory
from vosbench.session import Ending, ids_in, run_video, validate_prediction, warm_up
from vosbench.types import Frame, Instance, Prompt, Track

VIEW = View(id="clip", height=4, width=6)


def _labels(value=0):
    return np.full((4, 6), value, np.uint8)


def _frames(count=4, prompts=((0, 1),)):
    given = {index: Prompt(ids=(object_,), mask=_labels(object_)) for index, object_ in prompts}
    image = np.zeros((4, 6, 3), np.uint8)
    return [Frame(index=i, name=f"{i:05d}", image=image, prompt=given.get(i)) for i in range(count)]


class FakeDevice:
    """Keeps what it is asked, in one journal with the session."""

    def __init__(self, journal, live=1000):
        self.journal = journal
        self.live = live

    def synchronize(self):
        self.journal.append("synchronize")

    def reset_peaks(self):
        self.journal.append("reset")

    def read(self):
        self.journal.append("read")
        return Memory(host=HostMemory(live=self.live, resident=2000, peak_resident=3000))


class FakeSession:
    """Answers with what it was told to, keeping the order of calls."""

    def __init__(self, journal, answers=None, tracks=None):
        self.journal = journal
        self.answers = answers or {}
        self.tracks = tracks

    def step(self, frame):
        self.journal.append(f"step {frame.index}")
        answer = self.answers.get(frame.index, _labels())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def finish(self):
        self.journal.append("finish")
        return self.tracks

    def close(self):
        self.journal.append("close")


class FakeModel:
    def __init__(self, session):
        self.session = session

    def open(self, view):
        self.session.journal.append(f"open {view.id}")
        return self.session


@pytest.fixture
def journal():
    return []


@pytest.fixture
def run(journal):
    """Gives back a function that runs frames through a session and gives back the rows."""

    def go(frames, session=None, *, core=False, own=0, answer=lambda *_: None):
        model = FakeModel(session or FakeSession(journal))
        return list(
            run_video(
                model,
                VIEW,
                frames,
                FakeDevice(journal),
                core=core,
                harness_bytes=lambda: own,
                answer=answer,
            )
        )

    return go


def test_frames_come_in_order_and_only_the_step_stands_between_two_synchronisations(run, journal):
    run(_frames(2))
    step = ["reset", "synchronize", "step {}", "synchronize", "read"]
    expected = [
        "open clip",
        *(word.format(i) for i in range(2) for word in step),
        "finish",
        "close",
        "synchronize",
        "read",
    ]
    assert expected == journal


def test_answers_are_taken_outside_the_clock(run, journal):
    run(_frames(1), answer=lambda frame, _: journal.append(f"answer {frame.index}"))
    assert journal.index("read") < journal.index("answer 0") < journal.index("finish")


def test_the_clock_holds_the_step_and_not_the_frames_reading(run, monkeypatch):
    moments = iter(range(0, 10**12, 10**9))  # each look at the clock is a second later
    monkeypatch.setattr("vosbench.meters.clock.time.perf_counter_ns", lambda: next(moments))
    rows = run(_frames(3))
    assert [1.0, 1.0, 1.0] == [row.seconds for row in rows[:-1]]


def test_a_row_per_frame_and_an_ending_last(run):
    rows = run(_frames(3))
    assert [(0, "00000"), (1, "00001"), (2, "00002")] == [(row.index, row.name) for row in rows[:-1]]
    assert isinstance(rows[-1], Ending)


def test_the_harness_takes_its_own_bytes_off(run):
    rows = run(_frames(1), own=300)
    assert (700, 2000) == (rows[0].memory.host.live, rows[0].memory.host.resident)
    assert 700 == rows[-1].after_close.host.live


def test_late_answers_are_kept(run, journal):
    track = Track(track_id=1, category=2, score=0.5)
    assert (track,) == run(_frames(1), FakeSession(journal, tracks=[track]))[-1].tracks
    assert () == run(_frames(1))[-1].tracks


def test_no_frames_are_no_rows(run, journal):
    rows = run([])
    assert [Ending] == [type(row) for row in rows]
    assert "close" in journal


def test_the_session_is_closed_once_when_step_raises(run, journal):
    with pytest.raises(ZeroDivisionError):
        run(_frames(4), FakeSession(journal, {1: ZeroDivisionError()}))
    assert ["close"] == [word for word in journal if word == "close"]
    assert "step 2" not in journal


def test_the_session_is_closed_when_an_answer_is_refused(run, journal):
    with pytest.raises(AdapterError):
        run(_frames(4), FakeSession(journal, {1: None}))
    assert "close" in journal


def test_the_session_is_closed_when_the_loop_is_left(journal):
    rows = run_video(
        FakeModel(FakeSession(journal)),
        VIEW,
        _frames(4),
        FakeDevice(journal),
        core=False,
        harness_bytes=lambda: 0,
        answer=lambda *_: None,
    )
    next(rows)
    rows.close()
    assert "close" == journal[-1]


def test_a_close_that_fails_does_not_hide_why_the_step_failed(run, journal):
    class BadlyClosed(FakeSession):
        def close(self):
            raise AttributeError("nothing to close")

    with pytest.raises(MemoryError, match="no room"):
        run(_frames(2), BadlyClosed(journal, {1: MemoryError("no room")}))


def test_an_object_may_be_answered_from_the_frame_that_announces_it(run, journal):
    frames = _frames(4, prompts=((0, 1), (2, 7)))
    assert 5 == len(run(frames, FakeSession(journal, {1: _labels(1), 2: _labels(7), 3: _labels(1)})))
    with pytest.raises(AdapterError, match=r"ids \[7\] that no prompt announced \(announced: \[1\]\)"):
        run(frames, FakeSession(journal, {1: _labels(7)}))


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (None, "gave a NoneType, expected a numpy label map"),
        ([[0] * 6] * 4, "gave a list"),
        (np.zeros((6, 4), np.uint8), r"shape \(6, 4\), the frame \(4, 6\)"),
        (np.zeros((1, 4, 6), np.uint8), r"shape \(1, 4, 6\)"),
        (np.zeros((4, 6), np.int64), "dtype int64"),
        (np.zeros((4, 6), np.float32), "dtype float32"),
        (np.zeros((4, 6), bool), "dtype bool"),
        (np.full((4, 6), 9, np.uint8), r"ids \[9\] that no prompt announced"),
        (np.full((4, 6), 70000, np.uint32), r"ids \[70000\]"),
        ((3,), "a tuple with a int"),
        ((Instance(track_id=5, category=1, score=0.5, mask=np.zeros((4, 5), bool)),), r"track 5: mask \(4, 5\) bool"),
        ((Instance(track_id=5, category=1, score=0.5, mask=_labels()),), r"track 5: mask \(4, 6\) uint8"),
        ((Instance(track_id=5, category=1, score=0.5, mask=[[True]]),), "track 5: mask is a list"),
        ((Instance(track_id=5, category=1, score=1.5, mask=_labels() > 0),), r"track 5: score 1\.5"),
        ((Instance(track_id=5, category=1, score=float("nan"), mask=_labels() > 0),), "track 5: score nan"),
    ],
)
def test_a_wrong_answer_is_refused_with_video_frame_and_advice(prediction, message):
    frame = dataclasses.replace(_frames(1)[0], index=3, name="00042")
    with pytest.raises(AdapterError, match=message) as caught:
        validate_prediction(prediction, frame=frame, view=VIEW, known_ids={1, 2})
    assert "video clip, frame 3 (00042)" == caught.value.where
    assert caught.value.fix


@pytest.mark.parametrize(
    "prediction",
    [
        _labels(),
        _labels(2),
        _labels(2).astype(np.uint16),
        _labels(2).astype(np.uint64),
        (),
        (Instance(track_id=5, category=1, score=1.0, mask=_labels() > 0),),
    ],
)
def test_a_right_answer_passes(prediction):
    assert validate_prediction(prediction, frame=_frames(1)[0], view=VIEW, known_ids={1, 2}) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("known", "present", "unknown"),
    [({1, 2, 3}, [1, 3], []), ({2, 5}, [2, 5], []), ({1, 3}, [1, 2, 3], [2]), ({1, 2}, [3], [3]), (set(), [1], [1])],
)
def test_ids_that_no_prompt_announced_are_found_whatever_the_numbering(known, present, unknown, dtype):
    labels = np.zeros((4, 6), dtype)
    labels[1, : len(present)] = present
    told = ""
    try:
        validate_prediction(labels, frame=_frames(1)[0], view=VIEW, known_ids=known)
    except AdapterError as error:
        told = error.what
    assert (f"holds ids {unknown} that no prompt" in told) if unknown else not told


def test_the_ids_of_a_label_map_are_ascending_without_the_background():
    labels = np.array([[0, 7, 3], [3, 200, 0]])
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        assert (3, 7, 200) == ids_in(labels.astype(dtype))


def test_footprint_and_trace_are_read_where_there_are_any(run, journal):
    class Telling(FakeSession):
        def footprint(self):
            self.journal.append("footprint")
            return {"bank": 5}

        def trace(self):
            return {"scale": 0.5}

    row = run(_frames(1), Telling(journal))[0]
    assert ({"bank": 5}, {"scale": 0.5}) == (row.footprint, row.trace)
    assert journal.index("step 0") < journal.index("footprint")
    plain = run(_frames(1))[0]
    assert ({}, {}) == (plain.footprint, plain.trace)


def test_the_network_part_is_timed_where_it_is_asked_for(run, journal):
    class Marked(FakeSession):
        def step(self, frame):
            with core(), core():  # a block inside a block counts once
                return super().step(frame)

    assert run(_frames(1), Marked(journal))[0].core_seconds is None
    row = run(_frames(1), Marked(journal), core=True)[0]
    assert 0 <= row.core_seconds <= row.seconds
    assert run(_frames(1), core=True)[0].core_seconds is None


def test_warm_up_answers_the_frames_in_a_session_of_its_own_and_closes_it(journal):
    device = FakeDevice(journal)
    assert 3 == warm_up(FakeModel(FakeSession(journal)), VIEW, _frames(3), device)
    assert ["open clip", "step 0", "step 1", "step 2", "close", "synchronize"] == journal


def test_warm_up_closes_its_session_when_step_raises(journal):
    with pytest.raises(ValueError, match="bad"):
        warm_up(FakeModel(FakeSession(journal, {0: ValueError("bad")})), VIEW, _frames(3), FakeDevice(journal))
    assert "close" == journal[-1]


def test_a_bank_that_keeps_every_frame_shows_in_the_live_bytes_of_a_cpu():
    class Hoarding(FakeSession):
        def step(self, frame):
            self.journal.append(np.ones(1 << 20, np.uint8))
            return _labels()

    gc.collect()
    rows = list(
        run_video(
            FakeModel(Hoarding([])),
            VIEW,
            _frames(5),
            CpuDevice(),
            core=False,
            harness_bytes=lambda: 0,
            answer=lambda *_: None,
        )
    )
    live = [row.memory.host.live for row in rows[:-1]]
    if live[0] is None:
        pytest.skip("this C library has no mallinfo2")
    rises = np.diff(live) / (1 << 20)
    assert np.allclose(1.0, rises, atol=0.05)


def test_after_the_close_the_loop_holds_neither_frame_nor_answer():
    if CpuDevice().read().host.live is None:
        pytest.skip("this C library has no mallinfo2")

    def frames():
        for index in range(3):
            yield Frame(index=index, name=str(index), image=np.ones((1024, 1024, 3), np.uint8))

    class Large(FakeSession):
        def step(self, frame):
            return np.zeros((1024, 1024), np.uint8)

    view = View(id="clip", height=1024, width=1024)
    gc.collect()
    before = CpuDevice().read().host.live
    *_, ending = run_video(
        FakeModel(Large([])), view, frames(), CpuDevice(), core=False, harness_bytes=lambda: 0, answer=lambda *_: None
    )
    assert 0 == pytest.approx(ending.after_close.host.live - before, abs=64 << 10)
