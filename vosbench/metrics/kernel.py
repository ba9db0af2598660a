"""One compiled pass over a pair of label maps: areas, boundary pixels and their matches for all objects at once.

Importing this module loads numba, so only `vosbench.metrics.jf` does, when the first frame is counted. Every
function is called with one set of types only: numba's cache on disk may mix up entries of one function when two
processes compile it for different types at the same moment. All functions stand in one file because that cache
notices a changed file, not a changed callee.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vosbench.compiled import compiled

LabelBytes = NDArray[np.uint8]
Counters = NDArray[np.int64]
Points = NDArray[np.int32]
Words = NDArray[np.uint64]


@compiled
def _mark_row(above: LabelBytes, below: LabelBytes, marks: LabelBytes) -> None:
    """Mark in one row the pixels whose window {itself, right, below, below right} holds more than one label."""
    last = above.shape[0] - 1
    for x in range(last):
        label = above[x]
        marks[x] = (label != above[x + 1]) | (label != below[x]) | (label != below[x + 1])
    marks[last] = above[last] != below[last]


@compiled
def _mark_windows(labels: LabelBytes, marks: LabelBytes) -> int:
    """Mark the pixels whose 2 x 2 window is not uniform and give their number.

    The last row is its own row below: it sees left and right neighbours only, the last column those above each
    other, and the bottom right pixel nothing. That is the official rule.
    """
    height, width = labels.shape
    number = 0
    for y in range(height):
        _mark_row(labels[y], labels[min(y + 1, height - 1)], marks[y])
        for x in range(width):
            number += marks[y, x]
    return number


@compiled
def _window_objects(labels: LabelBytes, slots: LabelBytes, y: int, x: int, found: LabelBytes) -> int:
    """Write the distinct objects in the 2 x 2 window of a marked pixel to ``found`` and give their number."""
    below = min(y + 1, labels.shape[0] - 1)
    right = min(x + 1, labels.shape[1] - 1)
    number = 0
    for corner in range(4):
        slot = slots[labels[below if corner >= 2 else y, right if corner % 2 else x]]
        new = slot != 0
        for earlier in range(number):
            new = new and found[earlier] != slot
        if new:
            found[number] = slot
            number += 1
    return number


@compiled
def _boundary_events(labels: LabelBytes, slots: LabelBytes, marks: LabelBytes, marked: Words, events: Points) -> int:
    """Write object, y and x of the boundary pixels of all objects to ``events``, in raster order; give their number."""
    height, width = labels.shape
    found = np.zeros(4, np.uint8)
    number = 0
    for y in range(height):
        for word in range(marked.shape[1]):
            if marked[y, word] == 0:
                continue
            for x in range(word * 8, min(word * 8 + 8, width)):
                if marks[y, x]:
                    for index in range(_window_objects(labels, slots, y, x, found)):
                        events[number, 0] = found[index]
                        events[number, 1] = y
                        events[number, 2] = x
                        number += 1
    return number


@compiled
def _boundaries(
    labels: LabelBytes, slots: LabelBytes, objects: int, marks: LabelBytes, marked: Words
) -> tuple[Counters, Points]:
    """List the boundary pixels of every object in raster order.

    Rows ``starts[k]`` to ``starts[k + 1]`` of ``points`` (n, 2) are the (y, x) of object k, counted from 1.
    """
    events = np.empty((4 * _mark_windows(labels, marks), 3), np.int32)
    number = _boundary_events(labels, slots, marks, marked, events)
    starts = np.zeros(objects + 2, np.int64)
    cursors = np.zeros(objects + 2, np.int64)
    for index in range(number):
        starts[events[index, 0] + 1] += 1
    for slot in range(1, objects + 2):
        starts[slot] += starts[slot - 1]
        cursors[slot] = starts[slot]
    points = np.empty((number, 2), np.int32)
    for index in range(number):
        slot = events[index, 0]
        points[cursors[slot], 0] = events[index, 1]
        points[cursors[slot], 1] = events[index, 2]
        cursors[slot] += 1
    return starts, points


@compiled
def _joint_areas(
    prediction: LabelBytes,
    truth: LabelBytes,
    predicted_slots: LabelBytes,
    true_slots: LabelBytes,
    changes: LabelBytes,
    changed: Words,
    joint: Counters,
) -> None:
    """Count in ``joint`` (1 + predicted objects, 1 + true objects) the pixels of each pair, one run at a time.

    ``changes`` is a row of zeros to work on, ``changed`` the same bytes as words of eight.
    """
    height, width = prediction.shape
    for y in range(height):
        predicted_row = prediction[y]
        true_row = truth[y]
        for x in range(width - 1):
            changes[x] = (predicted_row[x] != predicted_row[x + 1]) | (true_row[x] != true_row[x + 1])
        begin = 0
        for word in range(changed.shape[0]):
            if changed[word] == 0:
                continue
            for x in range(word * 8, word * 8 + 8):
                if changes[x]:
                    joint[predicted_slots[predicted_row[x]], true_slots[true_row[x]]] += x + 1 - begin
                    begin = x + 1
        joint[predicted_slots[predicted_row[width - 1]], true_slots[true_row[width - 1]]] += width - begin


@compiled
def _fill(row: Words, begin: int, end: int) -> None:
    """Set the bits from ``begin`` to ``end``, both included."""
    ones = ~np.uint64(0)
    first = begin >> 6
    last = end >> 6
    head = ones << np.uint64(begin & 63)
    tail = ones >> np.uint64(63 - (end & 63))
    if first == last:
        row[first] |= head & tail
        return
    row[first] |= head
    for word in range(first + 1, last):
        row[word] = ones
    row[last] |= tail


@compiled
def _near(points: Points, reaches: Counters, top: int, left: int, rows: int, columns: int) -> Words:
    """Give a bit for every pixel of a box, set where it lies in the disk around some point.

    The box begins at row ``top`` and column ``left``; the points stand in raster order, and those that touch in a
    row are widened in one go.
    """
    near = np.zeros((rows, (columns + 63) >> 6), np.uint64)
    index = 0
    while index < len(points):
        y = np.int64(points[index, 0]) - top
        begin = np.int64(points[index, 1]) - left
        end = begin
        index += 1
        while index < len(points) and points[index, 0] - top == y and points[index, 1] - left == end + 1:
            end += 1
            index += 1
        for distance in range(len(reaches)):
            _fill(near[y - distance], begin - reaches[distance], end + reaches[distance])
            if distance > 0:
                _fill(near[y + distance], begin - reaches[distance], end + reaches[distance])
    return near


@compiled
def _matched(own: Points, other: Points, reaches: Counters) -> int:
    """Count the points of ``own`` that lie in the disk around some point of ``other``.

    ``reaches[d]`` is the half width of the disk d rows from its centre.
    """
    if len(own) == 0 or len(other) == 0:
        return 0
    radius = len(reaches) - 1
    left = np.int64(other[0, 1])
    right = left
    for index in range(len(other)):
        left = min(left, np.int64(other[index, 1]))
        right = max(right, np.int64(other[index, 1]))
    top = np.int64(other[0, 0]) - radius
    left -= radius
    rows = np.int64(other[len(other) - 1, 0]) + radius + 1 - top
    columns = right + radius + 1 - left
    near = _near(other, reaches, top, left, rows, columns)
    matched = 0
    for index in range(len(own)):
        y = np.int64(own[index, 0]) - top
        x = np.int64(own[index, 1]) - left
        if 0 <= y < rows and 0 <= x < columns:
            bit = (near[y, x >> 6] >> np.uint64(x & 63)) & np.uint64(1)
            matched += 1 if bit != 0 else 0
    return matched


@compiled
def _write_counts(joint: Counters, pairs: Counters, counts: Counters) -> None:
    """Write intersection and union of each pair to the first two rows of ``counts``."""
    predicted_areas = np.zeros(joint.shape[0], np.int64)
    true_areas = np.zeros(joint.shape[1], np.int64)
    for mine in range(joint.shape[0]):
        for its in range(joint.shape[1]):
            predicted_areas[mine] += joint[mine, its]
            true_areas[its] += joint[mine, its]
    for index in range(len(pairs)):
        mine = pairs[index, 0]
        its = pairs[index, 1]
        counts[0, index] = joint[mine, its]
        counts[1, index] = predicted_areas[mine] + true_areas[its] - joint[mine, its]


@compiled
def count_pairs(
    prediction: LabelBytes,
    truth: LabelBytes,
    predicted_slots: LabelBytes,
    true_slots: LabelBytes,
    pairs: Counters,
    reaches: Counters,
    joint: Counters,
    marks: LabelBytes,
    marked: Words,
    counts: Counters,
) -> None:
    """Count areas, boundary pixels and matches of pairs of objects on one frame.

    Args:
        prediction: (height, width), uint8 labels, row-major.
        truth: (height, width), uint8 labels, row-major.
        predicted_slots: (256,), uint8: the object of each predicted label, counted from 1; 0 is none.
        true_slots: (256,), uint8: likewise for the truth.
        pairs: (n, 2), int64: predicted and true object of each pair, counted from 1.
        reaches: (radius + 1,), int64: half width in pixels of the matching disk by distance in rows.
        joint: (1 + predicted objects, 1 + true objects), int64 zeros, to work on.
        marks: (height, width rounded up to a multiple of 8), uint8 zeros, to work on.
        marked: (height, columns of marks / 8), uint64: the same bytes as words.
        counts: (6, n), int64, is written: intersection, union, predicted boundary, true boundary, matched
            predicted, matched true.
    """
    _joint_areas(prediction, truth, predicted_slots, true_slots, marks[0], marked[0], joint)
    _write_counts(joint, pairs, counts)
    mine, own = _boundaries(prediction, predicted_slots, joint.shape[0] - 1, marks, marked)
    its, other = _boundaries(truth, true_slots, joint.shape[1] - 1, marks, marked)
    for index in range(len(pairs)):
        predicted_points = own[mine[pairs[index, 0]] : mine[pairs[index, 0] + 1]]
        true_points = other[its[pairs[index, 1]] : its[pairs[index, 1] + 1]]
        counts[2, index] = len(predicted_points)
        counts[3, index] = len(true_points)
        counts[4, index] = _matched(predicted_points, true_points, reaches)
        counts[5, index] = _matched(true_points, predicted_points, reaches)
