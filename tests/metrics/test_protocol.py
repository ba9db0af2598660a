"""The list of protocols, and spans from meta files."""

from __future__ import annotations

import pytest

from vosbench.errors import ScoreError, UsageError
from vosbench.metrics.protocol import PROTOCOLS, find_protocol, scored_frames
from vosbench.metrics.spans import ObjectSpan, lvos_span, youtube_vos_span

FRAMES = ("00000", "00005", "00010", "00015", "00020")


def test_names_are_the_published_ones():
    expected = (
        "davis2017-semi davis2016 davis2017-unsup vos-benchmark lvos long-time-xmem long-time-afb-urr youtube-vos sav"
    )
    assert expected.split() == [protocol.name for protocol in PROTOCOLS]


def test_every_protocol_names_its_source():
    assert [] == [protocol.name for protocol in PROTOCOLS if not protocol.source]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        find_protocol("davis2017")
    assert "davis2017-semi" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("davis2017-semi", FRAMES[1:-1]),
        ("davis2016", FRAMES[1:-1]),
        ("davis2017-unsup", FRAMES),
        ("vos-benchmark", FRAMES[1:-1]),
        ("long-time-xmem", FRAMES[1:-1]),
        ("sav", FRAMES[1:-1]),
        ("long-time-afb-urr", FRAMES[1:]),
    ],
)
def test_which_frames_count(name, kept):
    assert kept == scored_frames(find_protocol(name), FRAMES)


def test_the_frames_of_spans_count_in_the_videos_order():
    spans = (ObjectSpan(id=1, frames=("00015",)), ObjectSpan(id=2, frames=("00005", "00015")))
    assert ("00005", "00015") == scored_frames(find_protocol("lvos"), FRAMES, spans)


def test_an_object_of_youtube_vos_counts_after_its_first_frame_and_before_the_last_one():
    span = youtube_vos_span(id=3, annotated=FRAMES, first="00005", group="seen")
    assert ("00010", "00015") == span.frames


def test_an_object_of_youtube_vos_that_enters_at_the_end_does_not_count():
    assert () == youtube_vos_span(id=3, annotated=FRAMES, first="00020", group="seen").frames


def test_a_first_frame_without_annotation_is_refused():
    with pytest.raises(ScoreError, match="'00007'"):
        youtube_vos_span(id=3, annotated=FRAMES, first="00007", group="seen")


def test_an_object_of_lvos_loses_its_first_and_last_frame():
    span = lvos_span(id=1, start=6, end=26, frame_nums=5, group="seen")
    assert (("00000011", "00000016", "00000021"), 0) == (span.frames, span.missing)


def test_frames_that_the_meta_file_of_lvos_promises_in_vain_count_as_nought():
    span = lvos_span(id=1, start=6, end=26, frame_nums=7, group="seen")
    assert (3, 2) == (len(span.frames), span.missing)


@pytest.mark.parametrize("frame_nums", [2, 3])
def test_a_meta_file_that_the_tool_of_lvos_cannot_score_is_refused(frame_nums):
    with pytest.raises(ScoreError, match="frame_nums"):
        lvos_span(id=1, start=6, end=26, frame_nums=frame_nums, group="seen")
