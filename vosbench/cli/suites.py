"""``vosbench suites [NAME]``: what there is, what is missing and where it is to be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vosbench.cli.options import data_option, echo_json, json_option
from vosbench.config import Places, find_places
from vosbench.data.opening import SuiteVideos
from vosbench.data.suite import (
    Suite,
    at_split,
    expected_there,
    find_root,
    find_suite,
    official_count,
    official_names,
    suite_files,
)
from vosbench.data.video import noise_videos
from vosbench.errors import DataError, UsageError

MOST_MISSING = 10
"""Names of missing videos that are printed; ``--json`` has all."""


@click.command(short_help="Show the suites and where their data is looked for.")
@click.argument("name", required=False)
@data_option
@click.option("--split", help="The split to look for, where not the suite's default. Needs NAME.")
@json_option
def command(name: str | None, data: tuple[str, ...], split: str | None, as_json: bool) -> None:
    """Show every suite, or one with where its data is looked for, what is missing and its terms of use."""
    if split is not None and name is None:
        raise UsageError(f"--split {split}: every suite has splits of its own", fix="name a suite")
    places = find_places(data)
    names = [name] if name else sorted(suite_files())
    found = [_describe(text, places, split) for text in names]
    if as_json:
        echo_json(found if name is None else found[0])
    elif name is None:
        _print_list(found)
    else:
        _print_one(found[0])


def _print_list(found: list[dict[str, Any]]) -> None:
    keys = ("name", "title", "protocol")
    widths = {key: max(len(entry[key]) for entry in found) for key in keys}
    for entry in found:
        click.echo("  ".join([*(entry[key].ljust(widths[key]) for key in keys), entry["state"]]))
    click.echo("\nvosbench suites NAME shows where its data is looked for and its terms of use.")


def _print_one(entry: dict[str, Any]) -> None:
    for key, value in entry.items():
        text = _joined(value, MOST_MISSING if key == "missing" else len(value)) if isinstance(value, list) else value
        if text:
            click.echo(f"{key.replace('_', ' ')}: {text}")


def _joined(words: list[str], most: int) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _describe(text: str, places: Places, asked: str | None) -> dict[str, Any]:
    found, file = find_suite(text)
    split = asked or found.splits.default
    suite = at_split(found, split)
    state, missing = _state(suite, places, split, file)
    return {
        "name": suite.name,
        "title": suite.title,
        "task": suite.task,
        "protocol": suite.protocol,
        "split": split,
        "state": state,
        "missing": missing,
        "looked_in": _looked_in(suite, places),
        "expects": "" if _is_drawn(suite) else expected_there(suite),
        "archive": suite.source.archive,
        "home": suite.source.home,
        "terms": suite.source.terms,
        "cite": suite.source.cite,
        "file": str(file),
    }


def _is_drawn(suite: Suite) -> bool:
    return suite.drawn or suite.noise is not None


def _looked_in(suite: Suite, places: Places) -> list[str]:
    """The folders that a data root is searched for; without one, below whatever root there will be."""
    if _is_drawn(suite):
        return []
    base = places.data_for(suite.name)
    return [str(base / root) if base else f"DATA/{root}" for root in suite.layout.roots]


def _state(suite: Suite, places: Places, split: str, file: Path) -> tuple[str, list[str]]:
    """What is there, in words, and the official videos that are not."""
    if suite.noise is not None:
        return f"{len(noise_videos(suite))} videos of random frames", []
    if suite.drawn and suite.stand_in is not None:
        return f"{max(suite.stand_in.videos, len(suite.stand_in.values))} synthetic videos", []
    try:
        root = find_root(suite, places)
        if root is None:
            stands_in = "synthetic stand-in (no data root is configured)"
            return (stands_in if suite.stand_in else "no data root is configured"), []
        there = SuiteVideos(suite, root, split).names
    except DataError as error:
        return f"not there: {error.what}", []
    official = official_count(suite, file, split)
    missing = [name for name in official_names(suite, file, split) if name not in there]
    return f"{len(there)}{f' of {official} official' if official else ''} videos in {root}", missing
