"""Options and output that several verbs share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vosbench.plain import to_plain

F = TypeVar("F", bound=Callable[..., Any])


def comma_list(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Gives back the words of a comma list, each once."""
    return tuple(dict.fromkeys(word.strip() for word in (value or "").split(",") if word.strip()))


def adapter_option(command: F) -> F:
    """Add ``--adapter``."""
    return click.option(
        "--adapter",
        "adapters",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A Python file that defines CARD; plugs in a method of your own. Repeatable.",
    )(command)


def data_option(command: F) -> F:
    """Add ``--data``."""
    return click.option(
        "--data",
        multiple=True,
        metavar="ROOT | SUITE=PATH",
        help="The folder that holds DAVIS/ and the others, or one suite's own folder. Repeatable. "
        "Default: $VOSBENCH_DATA, else the configuration file. Where none is named, 'vosbench run' draws synthetic "
        "videos.",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def echo_json(value: Any) -> None:
    """Print a record, or lists and dicts of records, as JSON."""
    click.echo(json.dumps(to_plain(value), indent=1))
