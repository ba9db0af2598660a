"""The terminal: as wide as it is, and wide enough for a table where it is none."""

from __future__ import annotations

import sys

from rich.console import Console

PLAIN_WIDTH = 160
"""Columns where the output is a file or a pipe: nothing is cut there."""


def console(*, stderr: bool = False) -> Console:
    """Gives back a console on standard output or error, where brackets in a text are brackets and not markup."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else PLAIN_WIDTH, soft_wrap=False, markup=False, emoji=False
    )
