"""From what a command says of methods to one wish per table row: settings given, swept, or a whole curve."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vosbench.contract import Knob
from vosbench.errors import UsageError, nearest
from vosbench.registry import Method, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One row of a run: a method with its variants, its settings as text, and which of them are swept."""

    method: str
    overrides: Mapping[str, str] = field(default_factory=dict)
    swept: tuple[str, ...] = ()

    @property
    def card(self) -> str:
        """The method without its variants."""
        return self.method.split("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a command says about rows.

    ``methods`` are method names, each with settings behind it where it has some of its own
    (``xmem@random num_prototypes=64``, as tables label rows). ``settings`` and ``sweeps`` are the flags ``--set`` and
    ``--sweep`` as written; ``curve`` sweeps every method's knob.
    """

    methods: tuple[str, ...]
    settings: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    curve: bool = False


def parse_row(text: str) -> Wish:
    """Gives back the method and the settings of ``xmem@random num_prototypes=64``."""
    name, *words = text.split()
    for word in words:
        if not word.partition("=")[1]:
            raise UsageError(f"'{text}': '{word}' is not understood", fix="write METHOD SETTING=VALUE")
    return Wish(method=name, overrides=dict(word.split("=", 1) for word in words))


def make_wishes(asked: Asked, registry: Registry) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    """Gives back a wish per row, in the order asked for, and what a reader should know beforehand.

    Several sweeps of one method give a row for each combination. Raises `UsageError` for flags that name no method of
    the run, and for a setting that is given twice.
    """
    rows = [parse_row(text) for text in asked.methods if text.strip()]
    for flag, what in ((asked.settings, "--set"), (asked.sweeps, "--sweep")):
        _check_names(flag, what, rows)
    wishes: list[Wish] = []
    notices: list[str] = []
    for row in rows:
        given = _with(row, _flags(asked.settings, "--set", row))
        swept = _swept(given, _flags(asked.sweeps, "--sweep", row))
        wishes += _curve(swept, registry, notices) if asked.curve else swept
    return tuple(_each_once(wishes)), tuple(dict.fromkeys(notices))


def _check_names(flags: tuple[str, ...], what: str, rows: Sequence[Wish]) -> None:
    names = {row.method for row in rows} | {row.card for row in rows}
    example = "xmem.top_k=20" if what == "--set" else "xmem.top_k=10,20,30"
    values = "VALUE" if what == "--set" else "VALUE,VALUE,..."
    for flag in flags:
        name, dot, rest = flag.partition(".")
        if not dot or "=" not in rest:
            raise UsageError(f"{what} {flag}: not understood", fix=f"write METHOD.SETTING={values}, as {example}")
        if name not in names:
            raise UsageError(f"{what} {flag}: this run has no method '{name}'", fix=nearest(name, names))


def _flags(flags: tuple[str, ...], what: str, row: Wish) -> dict[str, str]:
    """The flags that are for a row: by its whole name, which wins, or by that without variants."""
    chosen: dict[str, str] = {}
    for name in dict.fromkeys((row.card, row.method)):
        found: dict[str, str] = {}
        for flag in flags:
            key, _, value = flag.removeprefix(f"{name}.").partition("=")
            if flag.partition(".")[0] != name:
                continue
            if found.setdefault(key, value) != value:
                raise UsageError(f"{what} {name}.{key} is given as {found[key]} and as {value}", fix="give it once")
        chosen.update(found)
    return chosen


def _with(row: Wish, more: Mapping[str, str]) -> Wish:
    for key, value in more.items():
        if row.overrides.get(key, value) != value:
            raise UsageError(f"{row.method}: {key} is given as {row.overrides[key]} and as {value}", fix="give it once")
    return replace(row, overrides={**row.overrides, **more})


def _swept(row: Wish, sweeps: Mapping[str, str]) -> list[Wish]:
    ladders = {key: [text.strip() for text in values.split(",") if text.strip()] for key, values in sweeps.items()}
    for key, ladder in ladders.items():
        if not ladder:
            raise UsageError(f"--sweep {row.card}.{key}=: there is no value", fix="write them with commas between")
        if key in row.overrides:
            raise UsageError(f"{row.method}: {key} is given and swept", fix="leave one of the two out")
    return [
        replace(row, overrides={**row.overrides, **dict(zip(ladders, values, strict=True))}, swept=tuple(ladders))
        for values in itertools.product(*ladders.values())
    ]


def _curve(rows: list[Wish], registry: Registry, notices: list[str]) -> list[Wish]:
    """Each row once per value of its method's knob; a row whose knob is set already stays one row."""
    wishes: list[Wish] = []
    for row in rows:
        method = registry.method(row.method, row.overrides)
        knob = method.knob
        if knob is None or is_chosen(knob.setting, method, row.overrides):
            reason = "has no memory knob" if knob is None else f"has its {knob.setting} given"
            notices.append(f"{row.method}: a point and no curve, because it {reason}")
            wishes.append(row)
        else:
            wishes += _along(row, knob)
    return wishes


def _along(row: Wish, knob: Knob) -> list[Wish]:
    return [
        replace(row, overrides={**row.overrides, knob.setting: str(value)}, swept=(*row.swept, knob.setting))
        for value in knob.ladder
    ]


def is_chosen(setting: str, method: Method, overrides: Mapping[str, str]) -> bool:
    """True where the user or a variant sets ``setting``: then nothing else does."""
    return setting in overrides or any(setting in variant.settings for variant in method.variants)


def _each_once(wishes: Iterable[Wish]) -> list[Wish]:
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Wish] = {}
    for wish in wishes:
        seen.setdefault((wish.method, tuple(wish.overrides.items())), wish)
    return list(seen.values())
