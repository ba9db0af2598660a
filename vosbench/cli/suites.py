"""``vosbench suites [NAME]``: what there is, what is missing and where it is to be had."""

from __future__ import annotations

from typing import Any

import click

from vosbench.cli.options import data_option, echo_json, json_option
from vosbench.config import Places, find_places
from vosbench.data.suite import (
    Suite,
    at_split,
    expected_there,
    find_root,
    find_suite,
    official_count,
    suite_files,
    video_names,
)
from vosbench.data.vis import vis_video_names
from vosbench.errors import DataError


@click.command(short_help="Show the suites and where their data is looked for.")
@click.argument("name", required=False)
@data_option
@json_option
def command(name: str | None, data: tuple[str, ...], as_json: bool) -> None:
    """Show every suite, or one with where its data is looked for, what is missing and its terms of use."""
    places = find_places(data)
    names = [name] if name else sorted(suite_files())
    found = [_describe(text, places) for text in names]
    if as_json:
        echo_json(found if name is None else found[0])
    elif name is None:
        for entry in found:
            click.echo(f"{entry['name']:<20}{entry['title']:<18}{entry['protocol']:<16}{entry['state']}")
        click.echo("\nvosbench suites NAME shows where its data is looked for and its terms of use.")
    else:
        for key, value in found[0].items():
            if value:
                click.echo(f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")


def _describe(text: str, places: Places) -> dict[str, Any]:
    found, file = find_suite(text)
    split = found.splits.default
    suite = at_split(found, split)
    base = places.data_for(suite.name)
    looked = [str(base / root) for root in suite.layout.roots] if base else []
    return {
        "name": suite.name,
        "title": suite.title,
        "task": suite.task,
        "protocol": suite.protocol,
        "split": split,
        "state": _state(suite, places, split, official_count(suite, file, split)),
        "looked_in": looked,
        "expects": expected_there(suite),
        "archive": suite.source.archive,
        "home": suite.source.home,
        "terms": suite.source.terms,
        "cite": suite.source.cite,
        "file": str(file),
    }


def _state(suite: Suite, places: Places, split: str, official: int) -> str:
    try:
        root = find_root(suite, places)
        if root is None:
            return "synthetic stand-in (no data root is configured)" if suite.stand_in else "no data root is configured"
        there = vis_video_names(suite, root) if suite.task == "vis" else video_names(suite, root, split)
    except DataError as error:
        return f"not there: {error.what}"
    return f"{len(there)}{f' of {official} official' if official else ''} videos in {root}"
