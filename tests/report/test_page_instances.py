"""Instances on the report page: colours that follow tracks, pictures of truth and answers."""

from __future__ import annotations

import base64
import dataclasses

import cv2
import numpy as np
import pytest

from vosbench.data.masks import read_mask, voc_palette
from vosbench.metrics.vis_tracks import VisTrack
from vosbench.records import Outcome
from vosbench.report.page import PageRequest, render_page
from vosbench.report.page_instances import INSTANCES, MOST_TRACKS, colours_of, paint
from vosbench.report.page_overlays import overlay_sheets
from vosbench.report.page_pictures import Choice
from vosbench.report.rows import read_cells
from vosbench.rle import bounds_of_mask, text_of_bounds
from vosbench.store.tracks import StoredTrack, StoredTracks, write_tracks

SIZE = (32, 48)


def _square(row, column, side=8):
    mask = np.zeros(SIZE, np.bool_)
    mask[row : row + side, column : column + side] = True
    return mask


def _track(*masks):
    bounds = [bounds_of_mask(mask) for mask in masks]
    areas = np.array([mask.sum() for mask in masks], np.int64)
    starts = np.cumsum([0, *map(len, bounds)], dtype=np.int64)
    sizes = np.full(len(masks), 1, np.int64)
    return VisTrack(id=1, video=1, category=1, average_area=0.0, bounds=np.concatenate(bounds), starts=starts,
                    sizes=sizes, areas=areas)  # fmt: skip


def test_an_answer_has_the_colour_of_the_truth_it_covers_and_others_have_new_ones():
    true = [_track(_square(0, 0), _square(0, 2)), _track(_square(20, 30), _square(20, 30))]
    found = [_track(_square(20, 31), _square(20, 30)), _track(_square(10, 10), _square(10, 10)), true[0], true[0]]
    assert [2, 3, 1, 1] == colours_of(found, true)
    assert [1, 2] == colours_of(found[:2], [])


def test_the_surest_is_painted_in_front_with_a_white_line():
    image = np.zeros((*SIZE, 3), np.uint8)
    shown = paint(image, [(1, _square(0, 0, 16)), (2, _square(0, 8, 16))])
    palette = voc_palette().astype(int)
    assert (3 * palette[1] // 5).tolist() == shown[5, 5].tolist()
    assert shown[5, 12].argmax() == palette[1].argmax()  # both lie here
    assert (3 * palette[2] // 5).tolist() == shown[5, 20].tolist()
    assert [255, 255, 255] == shown[16, 5].tolist()
    assert not image.any()


@pytest.fixture
def pictured(made, things):
    """Gives back the cells of a method that finds the first square of both videos, and of one that failed on one."""
    suite = made.suite("things", task="vis", protocol="youtube-vis", file=things, root=things.parent)
    for name in ("inst", "torn"):
        for number, video in ((3, "aa"), (5, "bb")):
            failed = name == "torn" and video == "bb"
            folder = made.add(name, suite=suite, video=video, frames=6, jf=None,
                              outcome=Outcome(status="oom", frame=2) if failed else None)  # fmt: skip
            masks = [read_mask(things.parent / f"masks/Annotations/{video}/{i:05d}.png") == 1 for i in range(6)]
            texts = tuple(text_of_bounds(bounds_of_mask(mask), mask.size) for mask in masks)
            first = StoredTrack(category=1, score=0.75, texts=texts)
            others = [StoredTrack(category=2, score=0.5 - k / 100, texts=texts) for k in range(MOST_TRACKS)]
            tracks = StoredTracks(video=number, height=32, width=48, tracks=(*others, first))
            if not failed:
                write_tracks(folder / "tracks.json", tracks)
    return read_cells(made.run)


def _rows(sheet):
    return {row.label: [one.words.partition(": ")[2] for one in row.pictures] for row in sheet.rows}


def test_every_video_has_pictures_of_the_truth_and_of_each_method(pictured):
    sheets, notes = overlay_sheets(pictured, Choice(times=(0.0, 0.5, 1.0)))
    assert [f"Things: {INSTANCES}"] == notes
    assert {"aa", "bb"} == {sheet.video for sheet in sheets}
    rows = _rows(next(sheet for sheet in sheets if sheet.video == "bb"))
    assert ["one", "one, two", "one"] == rows["truth"]
    assert ["nothing"] * 3 == rows["TORN"]
    assert [f"one 0.75, {', '.join(f'two {0.5 - k / 100:.2f}' for k in range(MOST_TRACKS - 1))}"] * 3 == rows["INST"]
    (row,) = [row for row in sheets[0].rows if row.label == "truth"]
    data = base64.b64decode(row.pictures[0].uri.partition(",")[2])
    assert (*SIZE, 3) == cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape


def test_the_page_shows_them(made, pictured):
    text = render_page(made.run, PageRequest(kinds=()), made.run.path / "report.html")
    assert 'id="pictures"' in text
    assert 'alt="INST, frame' in text
    assert INSTANCES in text


def test_what_cannot_be_drawn_is_told_and_the_rest_is(pictured, things):
    (things.parent / "val" / "JPEGImages" / "aa" / "00003.jpg").unlink()
    sheets, notes = overlay_sheets(pictured, Choice())
    assert ["bb"] == [sheet.video for sheet in sheets]
    assert any("Things, aa: 1 of 6 frames are missing" in note for note in notes)


def test_a_truth_on_a_server_leaves_the_answers(pictured):
    hidden = [
        dataclasses.replace(
            cell,
            record=dataclasses.replace(
                cell.record,
                spec=dataclasses.replace(
                    cell.record.spec, suite=dataclasses.replace(cell.record.spec.suite, has_truth=False)
                ),
            ),
        )
        for cell in pictured
    ]
    sheets, _ = overlay_sheets(hidden, Choice())
    assert {"INST", "TORN"} == {row.label for row in sheets[0].rows}
