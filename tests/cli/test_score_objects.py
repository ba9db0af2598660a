"""``vosbench score --suite sa-v``: masks in a folder per object, which may overlap."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vosbench.data.masks import write_mask
from vosbench.metrics.jf import boundary_f, count_frame, jaccard

SHAPE = (30, 40)


def _square(top, left, value=1):
    mask = np.zeros(SHAPE, np.uint8)
    mask[top : top + 12, left : left + 15] = value
    return mask


@pytest.fixture
def masks():
    """Gives back truth and predictions of one video: two objects that overlap, on five frames, the second late."""
    truth = {0: [_square(4, 4 + t, 255) for t in range(5)], 1: [_square(8, 10, 255) * (t > 1) for t in range(5)]}
    found = {0: [_square(4, 5 + t) for t in range(5)], 1: [_square(9, 10) * (t > 1) for t in range(5)]}
    for root, sides in (("data/sav_val/Annotations_6fps", truth), ("masks", found)):
        for number, frames in sides.items():
            folder = Path(root) / "v" / f"{number:03}"
            folder.mkdir(parents=True)
            for index, mask in enumerate(frames):
                write_mask(folder / f"{4 * index:05d}.png", mask)
    Path("data/sav_val/JPEGImages_24fps/v").mkdir(parents=True)
    Path("data/sav_val/sav_val.txt").write_text("v\n")
    return truth, found


@pytest.fixture
def score(vosbench, masks):
    return lambda *arguments: vosbench("score", "masks", "--suite", "sa-v", "--data", "data", *arguments)


def _expected(truth, found, frames):
    """The means of J and F of binary masks over the frames that count."""
    counts = [count_frame((found[t] > 0), (truth[t] > 0), (1,)) for t in frames]
    return np.mean([jaccard(c)[0] for c in counts]), np.mean([boundary_f(c)[0] for c in counts])


def test_each_object_is_scored_by_itself_from_where_it_is_first_seen(score, masks):
    """Frames 1 to 3 count; the second object is first seen on frame 2."""
    said = score("--json")
    assert (0, "") == (said.status, said.err)
    value = json.loads(said.out)
    rows = {row["object_id"]: (row["j_mean"], row["f_mean"]) for row in value["rows"]}
    truth, found = masks
    expected = {0: _expected(truth[0], found[0], (1, 2, 3)), 1: _expected(truth[1], found[1], (2, 3))}
    assert {number: pytest.approx(pair, abs=1e-12) for number, pair in expected.items()} == rows
    assert (Path("masks") / "results.csv").read_text().splitlines()[0].startswith("sequence")


def test_the_summary_names_the_protocol(score):
    assert "SA-V val, 1 of 155 official videos, 2 objects, protocol sav" in score().out


def test_a_missing_object_or_frame_is_named(score):
    (Path("masks/v/001") / "00008.png").unlink()
    said = score()
    assert (1, True) == (said.status, "00008" in said.err)
    for path in Path("masks/v/001").iterdir():
        path.unlink()
    Path("masks/v/001").rmdir()
    said = score()
    assert (1, True) == (said.status, "no masks of object 1" in said.err)


def test_two_labels_in_one_mask_are_refused(score):
    write_mask(Path("masks/v/000/00008.png"), _square(4, 5) + _square(0, 0, 7))
    said = score()
    assert 1 == said.status
    assert "3 labels" in said.err or "4 labels" in said.err


def test_protocols_of_label_maps_are_refused(score):
    said = score("--protocol", "davis2017-semi")
    assert 2 == said.status
    assert "a folder of masks per object" in said.err
