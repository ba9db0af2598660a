"""The checks that prove a VOS adapter: each asks one question of the contract and answers in one sentence.

A check gives back its sentence, or a `Skipped` with the reason, or raises `vosbench.errors.AdapterError`. Clips are
small, and the setting ``size``, where a method has it, is made small too, so that a CPU is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from vosbench.check.clips import (
    FIRST,
    LATE,
    SECOND,
    Clip,
    late_clip,
    leaving_clip,
    pixel_clip,
    plain_clip,
    unprompted_clip,
    unseen_clip,
)
from vosbench.check.results import CheckResult, Status, attempt
from vosbench.check.trial import Played, Recording, Trial, play, require_equal, require_tracks, validate
from vosbench.contract import Runtime, Weights
from vosbench.errors import AdapterError, UsageError
from vosbench.registry import Method

ROUNDS = 4
"""Sessions opened and closed to see whether something stays; the first sets the level."""

ALLOWANCE = 48 * 1024
"""Live bytes that may remain over `ROUNDS` - 1 rounds: caches and Python's own objects come and go by a few KiB,
while one image of a clip alone, left behind in each round, is three times 36 KiB."""

ODD_SIZES = ((33, 47), (97, 131), (17, 64))
"""Heights and widths that no stride divides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A check that has nothing to look at, and why."""

    reason: str


Check = Callable[[Trial], "str | Skipped"]


def check_method(method: Method, runtime: Runtime, weights: Weights) -> Iterator[CheckResult]:
    """Yields a result for each check of ``method``, as it ends. After a model that does not load there is no more.

    Raises `UsageError` for a method that does not answer VOS.
    """
    if "vos" not in method.card.tasks:
        raise UsageError(
            f"'{method.name}' answers {', '.join(method.card.tasks)}, and the behaviour checks are for vos",
            fix="check its numbers with --parity",
        )
    trial = Trial(method, runtime, weights)
    for name, check in CHECKS:
        result = _result(name, check, trial)
        yield result
        if check is check_loads and result.status == "failed":
            return


def behaviour_status(results: Iterable[CheckResult]) -> int:
    """Gives back the exit status: 1 where a check failed, else 0."""
    return 1 if any(result.status == "failed" for result in results) else 0


def _result(name: str, check: Check, trial: Trial) -> CheckResult:
    tried = attempt(lambda: check(trial))
    if tried.value is None:
        return CheckResult(name=name, status="failed", detail=tried.problem)
    status: Status = "skipped" if isinstance(tried.value, Skipped) else "passed"
    return CheckResult(
        name=name, status=status, detail=tried.value.reason if isinstance(tried.value, Skipped) else tried.value
    )


def check_loads(trial: Trial) -> str:
    """The model loads, and a session opens and closes without a frame."""
    session = trial.model.open(trial.first.view)
    session.close()
    return "the model loads; a session opens and closes"


def check_sizes(trial: Trial) -> str:
    """Every answer is an array of the frame's own height and width."""
    expected = (trial.first.view.height, trial.first.view.width)
    for index, answer in enumerate(trial.base().returned):
        if not isinstance(answer, np.ndarray) or answer.shape != expected:
            got = f"shape {answer.shape}" if isinstance(answer, np.ndarray) else type(answer).__name__
            raise AdapterError(f"frame {index}: expected an array of shape {expected}, got {got}")
    return f"all {len(trial.first.frames)} answers are {expected[0]} x {expected[1]}"


def check_dtypes(trial: Trial) -> str:
    """Every answer has an unsigned dtype."""
    found = sorted({str(np.asarray(answer).dtype) for answer in trial.base().answers})
    wrong = [name for name in found if not np.issubdtype(np.dtype(name), np.unsignedinteger)]
    if wrong:
        raise AdapterError(f"label maps have dtype {', '.join(wrong)}, expected uint8 or uint16")
    return f"label maps are {', '.join(found)}"


def check_ids(trial: Trial) -> str:
    """Answers hold the data set's own ids only, and only those announced so far; late answers are tracks."""
    played = trial.base()
    validate(trial.first, played)
    require_tracks(played.tracks)
    return f"answers hold announced ids only, of {sorted(trial.first.known(len(trial.first.frames)))}"


def check_prompted(trial: Trial) -> str | Skipped:
    """On the frame of its prompt each object is found where the prompt shows it."""
    played = trial.base()
    if _answers_nothing(trial, played):
        return Skipped(reason="a self-check that answers background only")
    _require_prompted(trial.first, played)
    return "each prompted object stands in the answer to its own frame"


def check_images(trial: Trial) -> str:
    """The adapter writes neither to the image nor to the prompt that it is given."""
    spoiled = trial.base().spoiled
    if spoiled:
        raise AdapterError(f"step() wrote to the image or the prompt of frame {spoiled[0]}; copy them first")
    return "images and prompts are left as they were"


def check_answers_kept(trial: Trial) -> str:
    """A label map that was handed over does not change afterwards."""
    played = trial.base()
    require_equal(played.answers, played.returned, "an answer was written to after it had been given")
    return "answers stay as they were given"


def check_footprint(trial: Trial) -> str | Skipped:
    """``footprint()``, where there is one, gives non-negative whole numbers of bytes by name."""
    footprints = trial.base().footprints
    if all(footprint is None for footprint in footprints):
        return Skipped(reason="the session has no footprint()")
    for index, footprint in enumerate(footprints):
        for name, value in dict(footprint).items():
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not isinstance(name, str) or not whole or value < 0:
                raise AdapterError(f"frame {index}: footprint() gave {name!r}: {value!r}, expected bytes by name")
    return f"banks: {', '.join(sorted(footprints[-1])) or 'none'}"


def check_determinism(trial: Trial) -> str:
    """The same video gives the same answers in another session."""
    again = play(trial.model, trial.first)
    count = require_equal(trial.base().answers, again.answers, "the same video answered twice is not the same")
    return f"{count} frames are equal in a second session"


def check_second_video(trial: Trial) -> str:
    """A model that has answered another video answers as a fresh one does: nothing leaks from video to video."""
    trial.base()
    after = play(trial.model, trial.second)
    count = require_equal(trial.fresh_second().answers, after.answers, "a second video is not as by a fresh model")
    return f"{count} frames of a second video are equal to a fresh model's"


def check_interleaved(trial: Trial) -> str:
    """Two sessions that take turns answer as each does alone."""
    recordings = [Recording(trial.first), Recording(trial.second)]
    sessions = [trial.model.open(clip.view) for clip in (trial.first, trial.second)]
    try:
        for frames in zip(trial.first.frames, trial.second.frames, strict=True):
            for recording, session, frame in zip(recordings, sessions, frames, strict=True):
                recording.step(session, frame)
    finally:
        for session in sessions:
            session.close()
    first, second = (recording.played(None) for recording in recordings)
    require_equal(trial.base().answers, first.answers, "the first of two sessions at a time is not as alone")
    require_equal(trial.fresh_second().answers, second.answers, "the second of two sessions at a time is not as alone")
    return "two sessions that take turns answer as each alone"


def check_growth(trial: Trial) -> str | Skipped:
    """After ``close`` the memory is back at the level that the first round left.

    The first round sets the level, since libraries keep what they set up once (thread pools, kernels by shape).
    """
    clip = trial.first.ends_at(6)
    levels = []
    for _ in range(ROUNDS):
        play(trial.model, clip)
        levels.append(trial.live_bytes())
    first, last = levels[0], levels[-1]
    if first is None or last is None:
        return Skipped(reason="live bytes cannot be read here (glibc 2.33 or later is needed)")
    grown = last - first
    if grown > ALLOWANCE:
        raise AdapterError(
            f"{ROUNDS - 1} sessions left {grown / 1024:.0f} KiB behind after close() (allowed {ALLOWANCE // 1024} KiB)"
        )
    return f"{ROUNDS - 1} sessions opened and closed left {max(0, grown) / 1024:.1f} KiB (allowed {ALLOWANCE // 1024})"


def check_late_object(trial: Trial) -> str | Skipped:
    """An object that enters later is answered from its frame on, and the one known before is still answered there.

    Still answered: where the known object stands, on that frame, in the answer of a session that got no second
    prompt, something of it must stand outside the new object's mask too.
    """
    clip = late_clip()
    played = play(trial.model, clip)
    validate(clip, played)
    if _answers_nothing(trial, played):
        return Skipped(reason="a self-check that answers background only")
    _require_prompted(clip, played)
    alone = play(trial.model, late_clip(prompted=False).ends_at(LATE + 1))
    prompt = clip.frames[LATE].prompt
    outside = prompt is None or prompt.mask == 0
    before = np.count_nonzero((alone.answers[LATE] == FIRST) & outside)
    if before and not np.count_nonzero((played.answers[LATE] == FIRST) & outside):
        raise AdapterError(
            f"frame {LATE}: object {FIRST} vanished when object {SECOND} was prompted ({before} pixels without it)"
        )
    return f"an object that enters at frame {LATE} is answered, and the one known before goes on"


def check_empty_prompt(trial: Trial) -> str:
    """A prompt of no object, and an object without a pixel, are answered like any other frame."""
    for clip in (unprompted_clip(), unseen_clip()):
        validate(clip, play(trial.model, clip))
    return "a prompt without ids, and an id without pixels, are taken"


def check_leaving_object(trial: Trial) -> str:
    """Frames on which the only object is away are answered."""
    clip = leaving_clip()
    validate(clip, play(trial.model, clip))
    return "an object may leave and come back"


def check_one_pixel(trial: Trial) -> str:
    """An object of one pixel is taken."""
    clip = pixel_clip()
    validate(clip, play(trial.model, clip))
    return "an object of one pixel is taken"


def check_odd_sizes(trial: Trial) -> str:
    """Frames of sizes that no stride divides are answered at their own size."""
    for height, width in ODD_SIZES:
        clip = plain_clip(8, length=3, height=height, width=width)
        validate(clip, play(trial.model, clip))
    return "frames of " + ", ".join(f"{height} x {width}" for height, width in ODD_SIZES) + " are answered"


def _answers_nothing(trial: Trial, played: Played) -> bool:
    """True for a self-check that gives background only: it has no objects to lose."""
    return not trial.method.card.ranked and not any(np.any(answer) for answer in played.answers)


def _require_prompted(clip: Clip, played: Played) -> None:
    for frame, answer in zip(clip.frames, played.answers, strict=True):
        for number in frame.prompt.ids if frame.prompt is not None else ():
            given = frame.prompt is not None and frame.prompt.mask == number
            if np.any(given) and not np.any(np.asarray(answer)[given] == number):
                raise AdapterError(f"frame {frame.index}: nothing of object {number} is where its prompt shows it")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("loads", check_loads),
    ("sizes", check_sizes),
    ("dtypes", check_dtypes),
    ("ids", check_ids),
    ("prompted objects answered", check_prompted),
    ("images untouched", check_images),
    ("answers kept", check_answers_kept),
    ("footprint", check_footprint),
    ("determinism", check_determinism),
    ("second video unspoiled", check_second_video),
    ("two sessions at a time", check_interleaved),
    ("no growth after close", check_growth),
    ("late object", check_late_object),
    ("empty prompt", check_empty_prompt),
    ("object that leaves", check_leaving_object),
    ("one-pixel object", check_one_pixel),
    ("odd sizes", check_odd_sizes),
)
