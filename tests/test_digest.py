"""Digests of everything that can change an answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from vosbench.contract import Runtime
from vosbench.digest import digest_array, digest_bytes, digest_file, digest_files, digest_json, digest_labels


def test_bytes_and_files_have_their_sha256(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"memory")
    expected = hashlib.sha256(b"memory").hexdigest()
    assert (expected, expected) == (digest_bytes(b"memory"), digest_file(path))


def test_an_array_is_told_apart_by_value_shape_and_dtype_but_not_by_layout():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert digest_array(array) == digest_array(np.asfortranarray(array))
    others = [array.T, array.astype(np.uint16), array.reshape(3, 2), array + 1]
    assert 5 == len({digest_array(other) for other in [array, *others]})


def test_label_maps_are_told_apart_by_values_and_shape_but_not_by_dtype_or_layout():
    labels = np.zeros((30, 40), np.uint8)
    labels[3:9, 5:20] = 2
    same = [labels.astype(np.uint16), np.asfortranarray(labels), labels.astype(np.uint32)]
    assert {digest_labels(labels)} == {digest_labels(other) for other in same}
    shifted, last, noise = np.roll(labels, 1, axis=1), labels.copy(), np.arange(1200, dtype=np.uint16).reshape(30, 40)
    last[-1, -1] = 1
    other = noise.copy()
    other[7, 7] = 0
    swapped = np.where(labels == 2, 0, 2).astype(np.uint8)
    different = [labels, labels.T, labels + 1, shifted, last, noise, other, swapped, labels.reshape(40, 30)]
    assert len(different) == len({digest_labels(array) for array in different})
    assert digest_labels(noise) == digest_labels(noise.astype(np.uint32))


def test_the_order_of_keys_does_not_count_and_that_of_lists_does():
    assert digest_json({"a": 1, "b": Path("x")}) == digest_json({"b": Path("x"), "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])


def test_a_record_is_digested_by_its_fields():
    assert digest_json(Runtime(threads=2)) == digest_json(Runtime(threads=2))
    assert digest_json(Runtime(threads=2)) != digest_json(Runtime(threads=3))


def test_what_is_no_plain_value_is_refused():
    with pytest.raises(TypeError, match="object cannot be digested"):
        digest_json(object())


def test_files_are_told_apart_by_name_and_contents(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    for folder, name, text in ((first, "a.py", "x"), (second, "b.py", "x")):
        folder.mkdir()
        (folder / name).write_text(text)
    assert digest_files([first / "a.py"], first) != digest_files([second / "b.py"], second)
    (second / "a.py").write_text("x")
    assert digest_files([first / "a.py"], first) == digest_files([second / "a.py"], second)
