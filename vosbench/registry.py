"""Finds methods: entry points of the group ``vosbench.methods``, and single files plugged in for a run."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import math
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from vosbench.contract import Knob, MethodCard, Mini, Variant
from vosbench.digest import digest_bytes, digest_file, digest_json
from vosbench.errors import AdapterError, UsageError, VosbenchError, nearest
from vosbench.plain import from_plain

GROUP = "vosbench.methods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A card with its variants and settings chosen.

    ``label`` is what tables call it, ``overrides`` are the settings that the user gave, as text.
    """

    card: MethodCard
    variants: tuple[Variant, ...]
    settings: Any
    label: str
    overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)
    adapter_file: Path | None = None

    @property
    def name(self) -> str:
        """The method as a command line names it: ``xmem@no-sensory``."""
        return "@".join([self.card.name, *(variant.name for variant in self.variants)])

    @property
    def grows(self) -> bool:
        """True where the bank never forgets: the last variant that says so decides, else the card."""
        said = [variant.grows for variant in self.variants if variant.grows is not None]
        return said[-1] if said else self.card.grows

    @property
    def frames(self) -> int | None:
        """The memory frames that a video shall leave, where a variant says so."""
        return next((variant.frames for variant in self.variants if variant.frames is not None), None)

    @property
    def knob(self) -> Knob | None:
        """What `--curve` sweeps: a variant's knob, else the card's; None where there is none."""
        own = [variant.knob for variant in self.variants if variant.knob is not None]
        knob = own[-1] if own else self.card.knob
        return knob if knob is not None and knob.setting else None

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The official file names of these weights: a retrained variant's own, else the card's.

        None fit a retrained variant whose weights were not published: the card's may load and would answer for it.
        """
        if any(variant.retrained and not variant.checkpoints for variant in self.variants):
            return ()
        own = [variant.checkpoints for variant in self.variants if variant.checkpoints]
        return own[-1] if own else self.card.checkpoints


class Registry:
    """The methods that can be named, loaded when they are asked for."""

    def __init__(self, adapter_files: tuple[Path, ...] = ()) -> None:
        points = importlib.metadata.entry_points(group=GROUP)
        self._points = {point.name: point for point in points}
        self._files: dict[str, tuple[MethodCard, Path]] = {}
        for path in adapter_files:
            card = _card_of_file(path)
            self._files[card.name] = (card, path)

    def names(self) -> list[str]:
        """Gives back every method name, broken ones included, in alphabetical order."""
        return sorted({*self._points, *self._files})

    def card(self, name: str) -> MethodCard:
        """Gives back a method's card. Raises `UsageError` for an unknown name, `AdapterError` for a broken adapter."""
        if name in self._files:
            return self._files[name][0]
        if name not in self._points:
            raise UsageError(f"there is no method '{name}'", fix=nearest(name, self.names()))
        point = self._points[name]
        try:
            card = point.load()
        except Exception as error:
            raise AdapterError(
                f"the adapter does not load: {type(error).__name__}: {error}",
                where=f"method '{name}', entry point {point.value}",
                fix="mend or uninstall the package that brings it; every other method goes on working",
            ) from error
        card = _checked_card(card, f"entry point {point.value}")
        if card.name != name:
            raise AdapterError(
                f"the card's name is '{card.name}', its entry point's '{name}'",
                where=f"entry point {point.value}",
                fix="give both one name: a cell finds the method again by its card's",
            )
        return card

    def method(self, text: str, overrides: Mapping[str, str] | None = None) -> Method:
        """Gives back the method that ``text`` (``name@variant@variant``) names, with settings given as text.

        Raises `UsageError` for unknown methods, variants, settings or values.
        """
        name, *variant_names = text.strip().split("@")
        card = self.card(name)
        variants = tuple(_variant(card, variant) for variant in variant_names)
        _check_axes(card, variants)
        settings = _settings(card, variants, overrides or {})
        label = " ".join([text.strip(), *(f"{key}={value}" for key, value in (overrides or {}).items())])
        adapter_file = self._files[name][1] if name in self._files else None
        return Method(
            card=card,
            variants=variants,
            settings=settings,
            label=label,
            overrides=dict(overrides or {}),
            adapter_file=adapter_file,
        )


def on_mini(method: Method, mini: Mini) -> Method:
    """Gives back the method with a bundled model's settings laid under its variants' and the user's own.

    Raises `AdapterError` where the model names a setting that the method does not have.
    """
    known = {field.name for field in dataclasses.fields(method.card.settings)}
    unknown = sorted(set(mini.settings) - known)
    if unknown:
        raise AdapterError(
            f"the bundled model '{mini.name}' sets '{unknown[0]}'",
            where=f"method '{method.card.name}', whose card lists it",
            fix=nearest(unknown[0], known),
        )
    settings = _settings(method.card, method.variants, method.overrides, beneath=mini.settings)
    return dataclasses.replace(method, settings=settings)


def restore_settings(card: MethodCard, plain: Mapping[str, Any]) -> Any:
    """Gives back a card's settings from the plain values a record keeps."""
    return from_plain(card.settings, plain)


def source_digest(card: MethodCard, versions: Mapping[str, str] = types.MappingProxyType({})) -> str:
    """Gives back the digest of the adapter's source: its folder (or its one file) and the modules it shares.

    The versions of the card's libraries are part of it: those of ``versions``, as another Python has them, else the
    installed ones. Raises `AdapterError` for a shared module that is not there.
    """
    module = sys.modules.get(card.load.__module__)
    files = _source_files(module)
    for name in card.shares:
        files += _shared_files(name, card)
    sources = sorted(digest_file(path) for path in set(files))
    if not card.libraries:
        return digest_json(sources)
    return digest_json([sources, {name: versions.get(name, here) for name, here in library_versions(card).items()}])


def library_versions(card: MethodCard) -> dict[str, str]:
    """Gives back the installed versions of a card's libraries by their names, '' for one that is not there."""
    versions = dict.fromkeys(card.libraries, "")
    for name in card.libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _shared_files(name: str, card: MethodCard) -> list[Path]:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the package around it is not there
        spec = None
    if spec is None:
        raise AdapterError(
            f"the card shares a module that is not there: {name}",
            where=f"method '{card.name}'",
            fix="name an importable module or package in the card's 'shares'",
        )
    if spec.submodule_search_locations is None:
        return [Path(spec.origin)] if spec.origin is not None else []
    return [path for folder in spec.submodule_search_locations for path in sorted(Path(folder).rglob("*.py"))]


def _source_files(module: ModuleType | None) -> list[Path]:
    origin = getattr(module, "__file__", None)
    if origin is None:
        return []
    path = Path(origin)
    inside_package = path.name == "__init__.py" or bool(getattr(module, "__package__", ""))
    return sorted(path.parent.rglob("*.py")) if inside_package else [path]


def _card_of_file(path: Path) -> MethodCard:
    where = f"--adapter {path}"
    if not path.is_file():
        raise UsageError("there is no such adapter file", where=where, fix="check the path")
    module_name = f"vosbench_adapter_{digest_bytes(str(path.resolve()).encode())[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError("an adapter is a Python file", where=where, fix="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except VosbenchError:
        raise
    except Exception as error:
        raise AdapterError(
            f"the file does not import: {type(error).__name__}: {error}", where=where, fix="run it with python to see"
        ) from error
    if not hasattr(module, "CARD"):
        raise AdapterError("the file defines no CARD", where=where, fix="add CARD = MethodCard(name=..., load=...)")
    return _checked_card(module.CARD, where)


def _checked_card(card: object, where: str) -> MethodCard:
    if not isinstance(card, MethodCard):
        raise AdapterError(
            f"expected a vosbench.contract.MethodCard, found {type(card).__name__}",
            where=where,
            fix="give a MethodCard",
        )
    return card


def _variant(card: MethodCard, name: str) -> Variant:
    for variant in card.variants:
        if variant.name == name:
            return variant
    raise UsageError(
        f"'{card.name}' has no variant '{name}'", fix=nearest(name, (variant.name for variant in card.variants))
    )


def _check_axes(card: MethodCard, variants: tuple[Variant, ...]) -> None:
    taken: dict[str, str] = {}
    for variant in variants:
        if variant.axis in taken:
            raise UsageError(
                f"'{card.name}@{taken[variant.axis]}@{variant.name}': both change the {variant.axis}",
                fix="name one of them",
            )
        taken[variant.axis] = variant.name


def _settings(
    card: MethodCard,
    variants: tuple[Variant, ...],
    overrides: Mapping[str, str],
    beneath: Mapping[str, Any] = types.MappingProxyType({}),
) -> Any:
    values: dict[str, Any] = dict(beneath)
    for variant in variants:
        values.update(variant.settings)
    fields = {field.name: field for field in dataclasses.fields(card.settings)}
    hints = typing.get_type_hints(card.settings)
    for key, text in overrides.items():
        if key not in fields:
            raise UsageError(f"'{card.name}' has no setting '{key}'", fix=nearest(key, fields))
        values[key] = _value(f"{card.name}.{key}", hints[key], fields[key], text)
    return card.settings(**values)


def _value(name: str, kind: Any, field: dataclasses.Field[Any], text: str) -> Any:
    """Gives back ``text`` as the setting's type, within its choices and its minimum."""
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    parts = typing.get_args(kind) if union else (kind,)
    if type(None) in parts and text.lower() == "none":
        return None
    words: dict[str, bool] = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
    plain = [part for part in parts if part in (bool, int, float, str)]
    if len(plain) != 1:
        raise UsageError(f"{name}={text}: this setting cannot be given as text", fix="name a variant that sets it")
    try:
        value = words[text.lower()] if plain[0] is bool else plain[0](text)
    except (ValueError, KeyError) as error:
        expected = plain[0].__name__ + " or none" * (type(None) in parts)
        raise UsageError(f"{name}={text}: expected {expected}", fix=str(field.metadata.get("help", ""))) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{name}={text}: expected a finite number", fix=str(field.metadata.get("help", "")))
    choices = field.metadata.get("choices") or ()
    if choices and value not in choices:
        raise UsageError(f"{name}={text}: expected one of {', '.join(map(str, choices))}")
    minimum = field.metadata.get("minimum")
    if minimum is not None and value < minimum:
        raise UsageError(f"{name}={text}: the smallest value is {minimum:g}")
    return value
