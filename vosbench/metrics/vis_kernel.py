"""Compiled passes over tracks of run-length masks; see `vosbench.metrics.kernel` for why they stand as they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vosbench.compiled import compiled

Table = NDArray[np.int64]


@compiled
def _decode_lengths(text: NDArray[np.uint8], lengths: Table) -> int:
    """Write the run lengths of COCO's text to ``lengths`` and give their number, -1 where the text is torn.

    Six bits a character from "0" on: five of the number, lowest first, and one that says "more follows"; the highest
    bit of the last is its sign. From the fourth number on the difference to the last but one is stored.
    """
    number = 0
    place = 0
    while place < len(text):
        value = np.int64(0)
        shift = 0
        more = True
        while more:
            if place == len(text) or text[place] < 48 or text[place] > 111 or shift > 55:
                return -1
            character = np.int64(text[place]) - np.int64(48)
            value |= (character & 31) << shift
            more = (character & 32) != 0
            place += 1
            shift += 5
            if not more and character & 16:
                value |= np.int64(-1) << shift
        if number > 2:
            value += lengths[number - 2]
        lengths[number] = value
        number += 1
    return number


@compiled
def decode_masks(
    text: NDArray[np.uint8], ends: Table, pixels: Table, bounds: Table, starts: Table, areas: Table
) -> int:
    """Write bounds, their starts and the areas of masks from COCO's text; give the place of a torn one, else -1.

    Mask k stands in ``text`` from ``ends[k]`` to ``ends[k + 1]`` and has ``pixels[k]`` pixels, mask and background.
    Its bounds go to ``bounds[starts[k]:starts[k + 1]]``, which needs room for as many numbers as ``text`` is long.
    """
    lengths = np.empty(len(text), np.int64)
    written = 0
    for mask in range(len(pixels)):
        number = _decode_lengths(text[ends[mask] : ends[mask + 1]], lengths)
        total = 0
        for run in range(number):
            if lengths[run] < 0 or lengths[run] > pixels[mask]:
                return mask
            total += lengths[run]
            if run < number // 2 * 2:
                bounds[written] = total
                written += 1
            if run % 2:
                areas[mask] += lengths[run]
        if number < 0 or total != pixels[mask]:
            return mask
        starts[mask + 1] = written
    return -1


@compiled
def _common(one: Table, begin: int, end: int, other: Table, first: int, last: int) -> int:
    """Count the pixels that two masks share: bounds ``begin`` to ``end`` of one, ``first`` to ``last`` of the other."""
    shared = 0
    while begin < end and first < last:
        low = max(one[begin], other[first])
        high = min(one[begin + 1], other[first + 1])
        if high > low:
            shared += high - low
        if one[begin + 1] < other[first + 1]:
            begin += 2
        else:
            first += 2
    return shared


@compiled
def track_ious(
    found: Table,
    found_starts: Table,
    found_sizes: Table,
    found_areas: Table,
    true: Table,
    true_starts: Table,
    true_sizes: Table,
    true_areas: Table,
    covered: NDArray[np.uint8],
    ious: NDArray[np.float64],
) -> None:
    """Write the overlap in space and time of every found track with every true one to ``ious`` (found, true).

    With a true one that is ``covered`` it is the share of the found one's pixels that lie in it.

    Both sides come as all bounds in a row, and (tracks, frames) tables: where a frame's bounds begin (one column
    more), its size (0 where the track is absent, -1 past its last frame) and its area. Pixels of masks of different
    sizes count for neither intersection nor union, as in the official tool.
    """
    for mine in range(ious.shape[0]):
        for its in range(ious.shape[1]):
            intersection = 0
            union = 0
            whole = 0
            for frame in range(min(found_sizes.shape[1], true_sizes.shape[1])):
                if found_sizes[mine, frame] < 0 or true_sizes[its, frame] < 0:
                    break
                whole += found_areas[mine, frame]
                if found_sizes[mine, frame] == 0 or true_sizes[its, frame] == 0:
                    union += found_areas[mine, frame] + true_areas[its, frame]
                elif found_sizes[mine, frame] == true_sizes[its, frame]:
                    shared = _common(
                        found,
                        found_starts[mine, frame],
                        found_starts[mine, frame + 1],
                        true,
                        true_starts[its, frame],
                        true_starts[its, frame + 1],
                    )
                    intersection += shared
                    union += found_areas[mine, frame] + true_areas[its, frame] - shared
            union = whole if covered[its] else union
            ious[mine, its] = intersection / union if union > 0 else 0.0


@compiled
def match_tracks(
    ious: NDArray[np.float64],
    ignored: NDArray[np.uint8],
    crowd: NDArray[np.uint8],
    thresholds: NDArray[np.float64],
    matches: Table,
) -> None:
    """Write the true track of every found one to ``matches`` (thresholds, found), -1 where there is none.

    Found tracks choose in their order (by score); of those true tracks that are still free (a crowd always is) the
    one of largest overlap, the later of equals. True tracks that are ignored stand last, and who has found another
    does not look at them.
    """
    taken = np.zeros(ious.shape[1], np.uint8)
    for level in range(len(thresholds)):
        taken[:] = 0
        for mine in range(ious.shape[0]):
            best = min(thresholds[level], 1 - 1e-10)
            choice = -1
            for its in range(ious.shape[1]):
                if taken[its] and not crowd[its]:
                    continue
                if choice > -1 and not ignored[choice] and ignored[its]:
                    break
                if ious[mine, its] < best:
                    continue
                best = ious[mine, its]
                choice = its
            matches[level, mine] = choice
            if choice > -1:
                taken[choice] = 1


@compiled
def sample_precisions(
    weights: Table,
    videos: Table,
    hits: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
    wanted: Table,
    recalls: NDArray[np.float64],
    sums: NDArray[np.float64],
    defined: Table,
) -> None:
    """Add the mean precision over thresholds and recalls of one category to ``sums`` of every sample that wants it.

    ``weights`` (samples, all videos) say how often each video was drawn. The answers (answers,) of ``videos`` come by
    falling score, ``hits`` and ``ignored`` are (thresholds, answers), ``wanted`` (all videos,) counts what is to be
    found. A video that was drawn twice counts as two; between its copies no point of the curve matters, because hits
    raise precision as they come and misses lower it at the same recall.
    """
    reached = np.zeros(len(videos))
    precise = np.zeros(len(videos))
    for sample in range(len(weights)):
        total = 0
        for video in range(len(wanted)):
            total += weights[sample, video] * wanted[video]
        if total == 0:
            continue
        defined[sample] += 1
        whole = 0.0
        for level in range(len(hits)):
            found = 0
            missed = 0
            for place in range(len(videos)):
                if not ignored[level, place]:
                    if hits[level, place]:
                        found += weights[sample, videos[place]]
                    else:
                        missed += weights[sample, videos[place]]
                reached[place] = found / total
                precise[place] = found / (missed + found) if found > 0 else 0.0
            place = len(videos) - 1
            best = 0.0
            for step in range(len(recalls) - 1, -1, -1):
                while place >= 0 and reached[place] >= recalls[step]:
                    best = max(best, precise[place])
                    place -= 1
                whole += best
        sums[sample] += whole / (len(hits) * len(recalls))
