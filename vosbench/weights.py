"""Decides which weights a method runs with: a flag, the weights folder, the bundled mini, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vosbench.contract import Weights
from vosbench.digest import digest_file
from vosbench.errors import CheckpointError, UsageError, nearest
from vosbench.registry import Method


def parse_weights(flags: tuple[str, ...], methods: tuple[str, ...]) -> dict[str, str]:
    """Gives back what ``--weights`` says per method name.

    A flag is ``METHOD=PATH``, ``METHOD=random:SEED`` or ``random:SEED`` for every method. Raises `UsageError` for
    a method that is not in the run.
    """
    chosen: dict[str, str] = {}
    for flag in flags:
        name, equals, value = flag.partition("=")
        if not equals and flag.startswith("random:"):
            chosen.update({method: flag for method in methods if method not in chosen})
        elif not equals:
            raise UsageError(f"--weights {flag}: which method is it for?", fix="write METHOD=PATH or random:SEED")
        else:
            matching = [method for method in methods if method == name or method.split("@")[0] == name]
            if not matching:
                raise UsageError(f"--weights {flag}: this run has no method '{name}'", fix=nearest(name, methods))
            chosen.update(dict.fromkeys(matching, value))
    return chosen


def resolve_weights(method: Method, choice: str | None, folder: Path | None) -> Weights:
    """Gives back the weights of one method.

    Raises `CheckpointError` where a named file is missing, and where a method that needs weights has none.
    """
    if not method.card.needs_weights:
        return Weights(kind="none")
    if choice is not None and choice.startswith("random:"):
        return Weights(kind="random", seed=_seed(choice))
    if choice is not None:
        return _checkpoint(Path(choice).expanduser(), f"--weights {method.name}={choice}")
    for name in method.checkpoints if folder is not None else ():
        if folder is not None and (folder / name).is_file():
            return _checkpoint(folder / name, "the weights folder")
    raise CheckpointError(
        f"'{method.name}' needs weights and none are configured",
        where=f"looked for {', '.join(method.checkpoints) or 'no official file'} in {folder or 'no weights folder'}",
        fix=f"--weights {method.name}=PATH for a checkpoint, VOSBENCH_WEIGHTS=FOLDER for a folder of them, "
        f"or --weights {method.name}=random:0 to measure speed and memory only",
    )


def weights_label(weights: Weights) -> str:
    """Gives back the words that stand behind a method's name in tables: '' where nothing needs saying."""
    words: Mapping[str, str] = {"random": f"random weights {weights.seed}", "mini": "mini"}
    return words.get(weights.kind, "")


def _seed(choice: str) -> int:
    text = choice.removeprefix("random:")
    if not text.isdecimal():
        raise UsageError(f"'{choice}': the seed is a whole number", fix="write random:0")
    return int(text)


def _checkpoint(path: Path, where: str) -> Weights:
    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint {path}",
            where=where,
            fix="check the path, or write random:0 in its place to measure speed and memory only",
        )
    return Weights(kind="checkpoint", path=path.resolve(), sha256=digest_file(path))
