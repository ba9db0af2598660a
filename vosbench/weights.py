"""Decides which weights a method runs with: a flag, the weights folder, the bundled mini, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from vosbench.contract import MethodCard, Mini, Weights
from vosbench.digest import digest_file, digest_json
from vosbench.errors import CheckpointError, UsageError, nearest
from vosbench.registry import Method, on_mini

MINI = "mini"
"""What ``--weights`` calls the bundled small model."""


def parse_weights(flags: tuple[str, ...], methods: tuple[str, ...]) -> dict[str, str]:
    """Gives back what ``--weights`` says per method name.

    A flag is ``METHOD=PATH``, ``METHOD=mini``, ``METHOD=random:SEED``, or ``mini`` or ``random:SEED`` for every method.
    Raises `UsageError` for a method that is not in the run.
    """
    chosen: dict[str, str] = {}
    for flag in flags:
        name, equals, value = flag.partition("=")
        if flag == MINI or (not equals and flag.startswith("random:")):
            chosen.update({method: flag for method in methods if method not in chosen})
        elif not equals:
            raise UsageError(f"--weights {flag}: which method is it for?", fix="write METHOD=PATH, mini or random:SEED")
        else:
            matching = [method for method in methods if method == name or method.split("@")[0] == name]
            if not matching:
                raise UsageError(f"--weights {flag}: this run has no method '{name}'", fix=nearest(name, methods))
            chosen.update(dict.fromkeys(matching, value))
    return chosen


def equip(method: Method, choice: str | None, folder: Path | None) -> tuple[Method, Weights]:
    """Gives back one method with its weights; see `resolve_weights`.

    A bundled model brings settings of its own (its network, and the size and memory it was chosen with): they are laid
    under the variants' and the user's.
    """
    weights = resolve_weights(method, choice, folder)
    mini = fitting_mini(method) if weights.kind == MINI else None
    return (method if mini is None else on_mini(method, mini)), weights


def resolve_weights(method: Method, choice: str | None, folder: Path | None) -> Weights:
    """Gives back the weights of one method: what is chosen, an official file in ``folder``, the bundled small model.

    Raises `CheckpointError` where a named file is missing, and where a method that needs weights has none.
    """
    if not method.card.needs_weights:
        return Weights(kind="none")
    if choice is not None and choice.startswith("random:"):
        return Weights(kind="random", seed=_seed(choice))
    mini = fitting_mini(method)
    if choice == MINI and mini is not None:
        return _bundled(method.card, mini)
    if choice == MINI:
        raise _no_mini(method)
    if choice is not None:
        where = f"--weights {method.name}={choice}"
        if method.card.checkpoint_folders:
            return _checkpoint_folder(choice, where)
        return _checkpoint(Path(choice).expanduser(), where)
    for name in method.checkpoints if folder is not None else ():
        if folder is not None and (folder / name).is_file():
            return _checkpoint(folder / name, "the weights folder")
    if mini is not None:
        return _bundled(method.card, mini)
    raise CheckpointError(
        f"'{method.name}' needs weights and none are configured",
        where=f"looked for {', '.join(method.checkpoints) or 'no official file'} in {folder or 'no weights folder'}",
        fix=f"--weights {method.name}=PATH for a checkpoint, VOSBENCH_WEIGHTS=FOLDER for a folder of them, "
        f"or --weights {method.name}=random:0 to measure speed and memory only{_offered(method.card)}",
    )


def fitting_mini(method: Method) -> Mini | None:
    """Gives back the bundled model of the method with these variants; None where there is none.

    Variants that change inference only run on the model of the method without them, retrained ones on their own.
    """
    retrained = [variant.name for variant in method.variants if variant.retrained]
    wanted = retrained or [""]
    return next((mini for mini in method.card.minis if [mini.variant] == wanted), None)


def mini_file(card: MethodCard, mini: Mini) -> Path:
    """Gives back where a bundled model's weights lie: in the folder ``weights`` beside the card's ``load``."""
    origin = getattr(sys.modules.get(card.load.__module__), "__file__", None)
    return Path(origin or ".").parent / "weights" / mini.file


def weights_notice(method: Method, weights: Weights, choice: str | None, folder: Path | None) -> str:
    """Gives back what a reader should know of weights that nobody chose: '' where there is nothing."""
    if weights.kind != MINI or choice is not None:
        return ""
    configured = "no weights are configured" if folder is None else f"{folder} has none of its official files"
    return f"{method.name}: {configured}, so this is its bundled small model (mini)"


def weights_label(weights: Weights) -> str:
    """Gives back the words that stand behind a method's name in tables: '' where nothing needs saying."""
    words: Mapping[str, str] = {"random": f"random weights {weights.seed}", MINI: ", ".join([MINI, *weights.marks])}
    return words.get(weights.kind, "")


def _bundled(card: MethodCard, mini: Mini) -> Weights:
    path = mini_file(card, mini)
    if not path.is_file():
        raise CheckpointError(
            f"the bundled model '{mini.name}' is not there: {path}",
            where=f"method '{card.name}'",
            fix="install vosbench again, or name a checkpoint with --weights",
        )
    return Weights(kind="mini", path=path.resolve(), sha256=digest_file(path), marks=mini.marks)


def _no_mini(method: Method) -> CheckpointError:
    return CheckpointError(
        f"'{method.name}' has no bundled small model",
        where=f"--weights {method.name}={MINI}",
        fix=f"--weights {method.name}=random:0 measures speed and memory{_offered(method.card)}",
    )


def _offered(card: MethodCard) -> str:
    """The end of an advice: which variants have a bundled model."""
    names = ["@".join([card.name, mini.variant] if mini.variant else [card.name]) for mini in card.minis]
    return f"; with a bundled small model: {', '.join(dict.fromkeys(names))}" if names else ""


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


def _checkpoint_folder(choice: str, where: str) -> Weights:
    """Gives back a folder of weights, named by its path or as ``hub:NAME``; its digest is over all its files."""
    hub = choice.removeprefix("hub:")
    path = Path(choice).expanduser() if hub == choice else _hub_folder(hub, where)
    if not path.is_dir():
        raise CheckpointError(
            f"there is no folder {path}",
            where=where,
            fix="name a checkpoint's folder or hub:NAME, or random:0 to measure speed and memory only",
        )
    files = sorted(file for file in path.rglob("*") if file.is_file())
    parts = [[file.relative_to(path).as_posix(), digest_file(file)] for file in files]
    return Weights(kind="checkpoint", path=path.resolve(), sha256=digest_json(parts))


def _hub_folder(name: str, where: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise CheckpointError(
            "the package huggingface_hub is not installed", where=where, fix='pip install "vosbench[sam2]"'
        ) from error
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"'{name}' could not be had from the hub: {str(error).splitlines()[0]}",
            where=where,
            fix="check name and network, or download it elsewhere and name its folder",
        ) from error
