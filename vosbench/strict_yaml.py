"""YAML files whose every key is known: a mistake is quoted with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.constructor import SafeConstructor

from vosbench.errors import UsageError
from vosbench.plain import PlainError, from_plain

T = TypeVar("T")

LARGEST_FILE = 1 << 20
"""Bytes. Suites and recipes are a page long; a larger file is a mistake or an attack."""


DEEPEST = 50
"""Levels of nesting. Suites have three."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast."""


def load_yaml(cls: type[T], path: Path) -> T:
    """Gives back the ``cls`` that the file describes.

    Raises `UsageError` with the file, the line and its text for torn YAML, unknown, missing or repeated keys and
    values of another type. Aliases are refused: they can blow a small file up to gigabytes.
    """
    text = _read(path)
    try:
        _refuse_bombs(text, path)
        node = yaml.compose(text, Loader=_LOADER)
        value = None if node is None else SafeConstructor().construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that there is not
        raise UsageError(f"this is not YAML: {error}", where=str(path), fix="mend the line named above") from error
    try:
        _refuse_repeated_keys(node, ())
        return from_plain(cls, value)
    except PlainError as error:
        line = _line_of(node, error.path)
        quoted = text.splitlines()[line].strip() if line < len(text.splitlines()) else ""
        raise UsageError(
            error.message,
            where=f"{path}, line {line + 1}: {quoted}",
            fix="mend this line; the suites that come with vosbench are examples of every key",
        ) from error


def _refuse_bombs(text: str, path: Path) -> None:
    """Look at the events first: libyaml's composer goes down into nested values until the process's stack is full."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise UsageError("YAML aliases (*name) are not read here", where=str(path), fix="write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            mark = event.start_mark
            raise UsageError(
                f"this is not YAML: nested deeper than {DEEPEST} levels",
                where=f"{path}, line {mark.line + 1}" if mark is not None else str(path),
                fix="mend the line named above",
            )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"larger than {LARGEST_FILE} bytes", where=str(path), fix="name a suite or recipe file")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(path), fix="check the path and its encoding") from error


def _refuse_repeated_keys(node: yaml.Node | None, path: tuple[str | int, ...]) -> None:
    """YAML's readers take the last of two equal keys without a word."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _refuse_repeated_keys(item, (*path, index))
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, item in node.value:
        name = str(key.value)
        if name in seen:
            raise PlainError((*path, name), f"the key '{name}' stands here twice")
        seen.add(name)
        _refuse_repeated_keys(item, (*path, name))


def _line_of(node: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    line = node.start_mark.line if node is not None else 0
    for step in path:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, item in node.value:
                if key.value == str(step):
                    line, child = key.start_mark.line, item
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
            line = child.start_mark.line
        if child is None:
            return line
        node = child
    return line
