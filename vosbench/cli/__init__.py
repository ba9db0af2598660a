"""The command line. Each verb lives in a module of its own that is imported when the verb is called."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

import click

from vosbench import __version__
from vosbench.errors import UsageError, VosbenchError, nearest

VERBS = {
    "run": "Run methods on suites, score them and print the table.",
    "score": "Score a run, or masks that anyone's code wrote.",
    "table": "Print a run's table as markdown, LaTeX or CSV.",
    "plot": "Draw a run's figures as SVG, PDF and PNG, with their data.",
    "report": "Write a run's tables, figures, failures and pictures as one HTML page.",
    "compare": "Compare two runs, or two methods of one, video by video.",
    "show": "Show a cell of a run: how it ended, where it was slow, why it is (not) used again.",
    "pack": "Make the zip files that evaluation servers take.",
    "suites": "Show the suites and where their data is looked for.",
    "studies": "Show the studies: papers' experiments as one command each.",
    "methods": "Show the methods, their variants and settings.",
    "doctor": "Show the machine, what disturbs timings here, and the harness's own cost.",
    "check": "Prove an adapter: its behaviour, or its parity with stored reference outputs.",
    "train": "Train a small model by a recipe, or list the recipes.",
}


class _Verbs(click.Group):
    """Knows the verbs by name and one line each, so that ``--help`` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in VERBS:
            return None
        gc.disable()  # what an import makes stays: looking for garbage in it costs up to a tenth of a short command
        try:
            command: click.Command = importlib.import_module(f"vosbench.cli.{cmd_name}").command
        finally:
            gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise UsageError(f"there is no verb '{args[0]}'", fix=nearest(args[0], VERBS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="vosbench")
def vosbench() -> None:
    """Measure video segmentation methods that keep a memory: one clock, one memory meter, the official scores.

    With no data set and no checkpoint on the machine:

    \b
        vosbench run --suite davis2016 --methods stcn,xmem
    """


def main(args: list[str] | None = None) -> Any:
    """Run the command line; an error that the user can act on is three lines on standard error, status 2 or 1."""
    try:
        if sys.platform == "win32":
            raise UsageError(
                "vosbench does not run on Windows: runs lock their cells and machines as Linux and macOS do",
                fix="run it inside WSL (Windows Subsystem for Linux)",
            )
        return vosbench.main(args=args, prog_name="vosbench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UsageError as error:
        _say(error)
        sys.exit(2)
    except VosbenchError as error:
        _say(error)
        sys.exit(1)
    except click.Abort:  # click's word for Ctrl-C
        click.echo("\ninterrupted; what was finished is kept, and the same command goes on from there", err=True)
        sys.exit(130)


def _say(error: VosbenchError) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(str(error), err=True)
