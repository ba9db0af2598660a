"""Typed records to plain JSON or YAML values and back, strictly: an unknown or missing key is an error."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from vosbench.errors import nearest

T = TypeVar("T")


_PLAIN = frozenset({str, int, float, bool, type(None)})


class PlainError(ValueError):
    """A plain value that does not fit its type; ``path`` leads to it from the top."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def to_plain(value: Any) -> Any:
    """Gives back ``value`` as dicts, lists, strings, numbers, booleans and None."""
    if type(value) in _PLAIN:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    return value


def from_plain(cls: type[T], value: Any) -> T:
    """Gives back a ``cls`` (a dataclass) made of plain values.

    Raises `PlainError` for keys that ``cls`` does not know, keys it misses and values of another type.
    """
    made: T = _convert(cls, value, ())
    return made


def _convert(kind: Any, value: Any, path: tuple[str | int, ...]) -> Any:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type[Any], kind), value, path)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(get_args(kind), value, path)
    if origin is Literal:
        return _literal(get_args(kind), value, path)
    if origin is tuple:
        return _tuple(get_args(kind), value, path)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(kind), value, path)
    return _scalar(kind, value, path)


def _record(cls: type[Any], value: Any, path: tuple[str | int, ...]) -> Any:
    if not isinstance(value, Mapping):
        raise PlainError(path, f"expected keys and values, found {_show(value)}")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for key in value:
        if key not in fields:
            raise PlainError((*path, str(key)), f"unknown key '{key}'; {nearest(str(key), fields)}")
    for name, field in fields.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in value and not optional:
            raise PlainError(path, f"the key '{name}' is missing")
    return cls(**{name: _convert(hints[name], item, (*path, name)) for name, item in value.items()})


def _union(kinds: tuple[Any, ...], value: Any, path: tuple[str | int, ...]) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    for kind in others[:-1]:
        try:
            return _convert(kind, value, path)
        except PlainError:
            continue
    return _convert(others[-1], value, path)


def _literal(choices: tuple[Any, ...], value: Any, path: tuple[str | int, ...]) -> Any:
    if value not in choices:
        raise PlainError(path, f"found {_show(value)}, expected one of {', '.join(map(str, choices))}")
    return value


def _tuple(kinds: tuple[Any, ...], value: Any, path: tuple[str | int, ...]) -> Any:
    if not isinstance(value, list | tuple):
        raise PlainError(path, f"expected a list, found {_show(value)}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_convert(kinds[0], item, (*path, i)) for i, item in enumerate(value))
    if len(kinds) != len(value):
        raise PlainError(path, f"expected {len(kinds)} values, found {len(value)}")
    return tuple(_convert(kind, item, (*path, i)) for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _mapping(kinds: tuple[Any, ...], value: Any, path: tuple[str | int, ...]) -> Any:
    if not isinstance(value, Mapping):
        raise PlainError(path, f"expected keys and values, found {_show(value)}")
    return {str(key): _convert(kinds[1], item, (*path, str(key))) for key, item in value.items()}


def _scalar(kind: type[Any], value: Any, path: tuple[str | int, ...]) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
    if wrong:
        raise PlainError(path, f"expected {kind.__name__}, found {_show(value)}")
    return value


def _show(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"
