"""YAML files whose every key is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import yaml

from vosbench import strict_yaml
from vosbench.errors import UsageError
from vosbench.strict_yaml import LARGEST_FILE, load_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    size: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    name: str
    part: Part | None = None
    by_name: Mapping[str, Part] = field(default_factory=dict)
    day: str = ""


@pytest.fixture
def refused(tmp_path):
    def load(text):
        path = tmp_path / "whole.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(UsageError) as caught:
            load_yaml(Whole, path)
        assert str(path) in caught.value.where
        assert caught.value.fix
        return caught.value

    return load


def test_a_file_becomes_its_record(tmp_path):
    path = tmp_path / "whole.yaml"
    path.write_text("name: a\npart:\n  size: 3\n  words: [x, 'y z']\nby_name:\n  k: {size: 1}\n")
    assert Whole(name="a", part=Part(size=3, words=("x", "y z")), by_name={"k": Part(size=1)}) == load_yaml(Whole, path)


def test_an_unknown_key_is_quoted_with_file_line_and_text(refused):
    error = refused("name: a\npart:\n  # sizes\n  sise: 3\n")
    assert error.where.endswith("whole.yaml, line 4: sise: 3")
    assert "unknown key 'sise'; did you mean 'size'?" == error.what


def test_a_wrong_value_in_a_list_is_quoted_with_its_own_line(refused):
    error = refused("name: a\npart:\n  size: 1\n  words:\n    - one\n    - 2\n")
    assert error.where.endswith("line 6: - 2")


def test_a_missing_key_is_quoted_with_the_line_of_what_lacks_it(refused):
    error = refused("name: a\npart:\n  words: [x]\n")
    assert "the key 'size' is missing" == error.what
    assert "line 2: part:" in error.where


def test_a_value_of_another_type_is_refused(refused):
    assert "expected str, found int '3'" == refused("name: 3\n").what


def test_an_empty_file_is_refused(refused):
    assert "expected keys and values" in refused("").what


@pytest.mark.parametrize(
    "text",
    [
        "name: [a, b\n",
        "name: a\n\tpart: 1\n",
        "name: 'a\n",
        "a: 1\n---\nb: 2\n",
        "name: !!python/object:os.system x\n",
        "day: 2026-13-45\nname: a\n",  # read as a date, of which there is none
        "name: " + "[" * 700 + "]" * 700,
        "name: " + "[" * 500_000,
        "- " * 200_000,
    ],
)
def test_torn_yaml_is_refused(refused, text):
    assert "this is not YAML" in refused(text).what


def test_a_key_that_stands_twice_is_refused_with_its_line(refused):
    error = refused("name: a\nday: x\nname: b\n")
    assert "the key 'name' stands here twice" == error.what
    assert "line 3: name: b" in error.where


def test_aliases_are_refused(refused):
    assert "aliases" in refused("name: a\nby_name:\n  a: &part {size: 1}\n  b: *part\n").what


def test_a_huge_file_is_refused_before_it_is_parsed(refused):
    assert "larger than" in refused("name: a\n" + "#" * LARGEST_FILE).what


def test_a_file_in_another_encoding_is_refused(refused):
    assert "cannot be read" in refused("name: é\n".encode("latin-1")).what


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_yaml(Whole, tmp_path / "absent.yaml")


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_the_slow_and_the_fast_reader_name_the_same_lines(tmp_path, monkeypatch, loader):
    monkeypatch.setattr(strict_yaml, "_LOADER", loader)
    path = tmp_path / "whole.yaml"
    path.write_text("# note\nname: a\nby_name:\n  k:\n    size: 1\n    words: [x,\n      3]\n")
    with pytest.raises(UsageError) as caught:
        load_yaml(Whole, path)
    assert caught.value.where.endswith("line 7: 3]")
    path.write_text("name: a\npart: {size: 1, words: [x]}\n")
    assert Whole(name="a", part=Part(size=1, words=("x",))) == load_yaml(Whole, path)
