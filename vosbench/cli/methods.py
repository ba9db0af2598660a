"""``vosbench methods [NAME]``: what there is, with every default's source. Loads no network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from vosbench.cli.options import adapter_option, echo_json, json_option
from vosbench.contract import MethodCard, Mini, Variant
from vosbench.errors import AdapterError
from vosbench.registry import Registry, library_versions
from vosbench.weights import mini_file


@click.command(short_help="Show the methods, their variants and settings.")
@click.argument("name", required=False)
@adapter_option
@json_option
def command(name: str | None, adapters: tuple[Path, ...], as_json: bool) -> None:
    """Show every method, or one with its variants, settings and the source of each default."""
    registry = Registry(adapters)
    if name is not None:
        card = registry.method(name).card
        echo_json(_describe(card)) if as_json else _print_card(card)
        return
    found = [_load(registry, known) for known in registry.names()]
    if as_json:
        echo_json([_describe(card) if isinstance(card, MethodCard) else card for card in found])
        return
    _print_list(found)


def _load(registry: Registry, name: str) -> MethodCard | dict[str, str]:
    """A broken adapter is one line in the list, not a crash."""
    try:
        return registry.card(name)
    except AdapterError as error:
        return {"name": name, "broken": error.what}


def _print_list(found: list[MethodCard | dict[str, str]]) -> None:
    from rich.table import Table

    from vosbench.cli.console import console

    table = Table(box=None, pad_edge=False)
    for title in ("method", "variants", "memory", "what it is"):
        table.add_column(title, overflow="fold")
    for card in found:
        if isinstance(card, MethodCard):
            variants = " ".join(f"@{variant.name}" for variant in card.variants)
            table.add_row(card.name, variants, card.memory, card.summary)
    console().print(table)
    for card in found:
        if not isinstance(card, MethodCard):
            click.secho(f"{card['name']}  broken: {' '.join(card['broken'].split())}", fg="red")
    click.echo("\nvosbench methods NAME shows settings, sources and checkpoints.")


def _print_card(card: MethodCard) -> None:
    from rich.table import Table

    from vosbench.cli.console import console

    out = console()
    out.print(f"{card.title or card.name}: {card.summary}", style="bold", highlight=False)
    facts = {
        "paper": card.paper,
        "memory": card.memory,
        "tasks": ", ".join(card.tasks),
        "licence": card.licence,
        "checkpoints": ", ".join(card.checkpoints) or ("none was published" if card.needs_weights else "needs none"),
        "libraries": ", ".join(
            f"{name} {found or '(not installed)'}" for name, found in library_versions(card).items()
        ),
        "frame size (--size)": card.size,
        "flip and scales": "averaged, where --flip or --scales ask for it" if card.augments else "",
        "memory knob": f"{card.knob.setting}: {', '.join(map(str, card.knob.ladder))}" if card.knob else "",
    }
    for key, value in facts.items():
        if value:
            out.print(f"  {key}: {value}", highlight=False, markup=False)
    for note in card.notes:
        out.print(f"  note: {note}", highlight=False, markup=False)
    if card.variants:
        table = Table("variant", "what it changes", "weights", box=None, pad_edge=False, title="", title_justify="left")
        for variant in card.variants:
            table.add_row(f"@{variant.name}", variant.summary, _weights_of(variant))
        out.print(table)
    if card.minis:
        table = Table("bundled small model", "of", "settings", "marks", box=None, pad_edge=False, title="")
        for mini in card.minis:
            chosen = ", ".join(f"{key}={value}" for key, value in mini.settings.items())
            table.add_row(mini.name, _method_of(card, mini), chosen, ", ".join(mini.marks))
        out.print()
        out.print(table)
    rows = _settings(card)
    if rows:
        table = Table("setting", "default", "what it does", "source of the default", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row["name"], str(row["default"]), row["help"], row["source"])
        out.print()
        out.print(table)


def _weights_of(variant: Variant) -> str:
    """Whether a variant changes inference only, or needs weights of its own and which were published."""
    if not variant.retrained:
        return "the method's own: inference only"
    return ", ".join(variant.checkpoints) or "retrained, none was published"


def _method_of(card: MethodCard, mini: Mini) -> str:
    """The method that a bundled model is of, as a command line names it, and whether its weights are there."""
    name = f"{card.name}@{mini.variant}" if mini.variant else card.name
    return name if mini_file(card, mini).is_file() else f"{name} (file missing)"


def _settings(card: MethodCard) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "default": field.default,
            "help": field.metadata.get("help", ""),
            "source": field.metadata.get("source", ""),
        }
        for field in dataclasses.fields(card.settings)
    ]


def _describe(card: MethodCard) -> dict[str, Any]:
    skipped = {"load", "replay", "train", "train_instances", "settings", "fixtures", "shares"}
    plain = {f.name: getattr(card, f.name) for f in dataclasses.fields(card) if f.name not in skipped}
    return plain | {"settings": _settings(card)}
