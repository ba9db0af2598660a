"""``vosbench train RECIPE``: trains a small model, or lists the recipes that come with vosbench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vosbench.cli.options import adapter_option, data_option, echo_json, json_option
from vosbench.errors import UsageError

if TYPE_CHECKING:
    from vosbench.train.export import WeightsCard
    from vosbench.train.job import Job

TRAININGS = Path("results") / "training"


@click.command(short_help="Train a small model by a recipe.")
@click.argument("recipe", required=False)
@data_option
@click.option(
    "--backbone",
    type=click.Path(path_type=Path),
    help="torchvision's mobilenet_v2-b0353104.pth. Default: the one in the package of the extra 'train'.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The training's folder. Default: results/training/RECIPE.")
@click.option("--device", help="cpu or cuda:N. Default: the first GPU, else the CPU.")
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint; begin where there is none.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path),
    help="Train nothing: write the weights of the checkpoint as it is, in half precision, and their card into FOLDER.",
)
@click.option(
    "--soup",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Train nothing: average the exported weights FILE, FILE, ... of this recipe's network, each kept where the "
    "held-back clips are answered no worse with it, into --export, else the training's folder soup/.",
)
@click.option("--uniform", is_flag=True, help="--soup averages all files instead.")
@adapter_option
@json_option
def command(
    recipe: str | None,
    data: tuple[str, ...],
    backbone: Path | None,
    out: Path | None,
    device: str | None,
    resume: bool,
    folder: Path | None,
    soup: tuple[Path, ...],
    uniform: bool,
    adapters: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Train by RECIPE: the name of a bundled one, or a YAML file. Without RECIPE: list the bundled ones.

    ROOT (--data, else VOSBENCH_DATA, else the configuration file) holds train/ with static/images, static/masks,
    clips/JPEGImages and clips/Annotations. The folder of a training keeps its checkpoint, its curve (curve.csv) and, at
    the end, export/ with the weights and their card: data and its terms, iterations, seconds, hardware, scores on
    held-back clips and the inference settings chosen on them. Methods that find instances learn from synthetic videos,
    whose objects have categories, need no ROOT and are scored by AP on videos of other seeds.
    """
    if recipe is None:
        _list_recipes(as_json=as_json)
        return
    job = _job(recipe, data, backbone, out, device, adapters)
    if soup:
        _mix(job, soup, folder or job.out / "soup", uniform=uniform, quiet=as_json)
        return
    if folder is None:
        _train(job, resume=resume, quiet=as_json)
        folder = job.out / "export"
    card = _export(job, folder, quiet=as_json)
    if as_json:
        echo_json(card)
    else:
        _print_card(card, folder)


def _list_recipes(*, as_json: bool) -> None:
    from vosbench.train.recipe import bundled_recipes

    recipes = bundled_recipes()
    if as_json:
        echo_json(recipes)
        return
    for recipe in sorted(recipes, key=lambda recipe: (not recipe.listed, recipe.name)):
        click.echo(f"{recipe.name:<32}{recipe.title} ({recipe.method}, {recipe.steps} iterations)")


def _job(
    name: str,
    data: tuple[str, ...],
    backbone: Path | None,
    out: Path | None,
    device: str | None,
    adapters: tuple[Path, ...],
) -> Job:
    from vosbench.config import find_places
    from vosbench.machine import default_device, read_machine
    from vosbench.train.job import Job
    from vosbench.train.recipe import load_recipe

    recipe = load_recipe(name)
    root = find_places(data).data_for("train")
    shares = recipe.data.shares
    if root is None and (shares.real or shares.photo or shares.composite):
        raise UsageError(
            f"'{recipe.name}' trains on photos and clips, and no data root is configured",
            fix="say with --data ROOT where the folder that holds train/ is",
        )
    return Job(
        recipe=recipe,
        data=_train_folder(root),
        out=out or TRAININGS / recipe.name,
        device=device or default_device(read_machine()),
        backbone=backbone,
        adapters=adapters,
    )


def _train_folder(root: Path | None) -> Path:
    """``--data train=PATH`` names the folder itself, ``--data ROOT`` the one around it."""
    if root is None:
        return Path("train")
    return root / "train" if (root / "train").is_dir() else root


def _train(job: Job, *, resume: bool, quiet: bool) -> None:
    from vosbench.cli.training_progress import TrainingProgress
    from vosbench.train.loop import Unwatched, train

    if quiet:
        train(job, Unwatched(), resume=resume)
        return
    with TrainingProgress() as progress:
        train(job, progress, resume=resume)


def _export(job: Job, folder: Path, *, quiet: bool) -> WeightsCard:
    from vosbench.train.export import export

    if quiet:
        return export(job, folder)
    return export(
        job,
        folder,
        tell=lambda trial: click.echo(f"held-back clips at {dict(trial.settings)}: {trial.told()}"),
    )


def _mix(job: Job, files: tuple[Path, ...], folder: Path, *, uniform: bool, quiet: bool) -> None:
    from vosbench.train.mixing import Tasted, mix

    def show(tasted: Tasted) -> None:
        if not quiet:
            click.echo(f"held-back clips with {' + '.join(tasted.files)}: J&F {100 * tasted.jf:.1f}")

    card = mix(job, files, folder, rule="uniform" if uniform else "greedy", tell=show)
    if quiet:
        echo_json(card)
    else:
        click.echo(f"{folder / card.file}: {len(card.ingredients)} of {len(files)} files, J&F {100 * card.jf:.1f}")


def _print_card(card: WeightsCard, folder: Path) -> None:
    click.echo(f"{folder / card.file}: {card.bytes / 1e6:.1f} MB, {card.parameters:,} numbers")
    click.echo(f"{card.steps} of {card.steps_planned} iterations in {card.seconds / 60:.0f} min on {card.machine}")
    if card.trials:
        chosen = card.trials[-1]
        click.echo(f"chosen on held-back clips: {dict(chosen.settings)}, {chosen.told()}")
    if card.non_commercial:
        closed = ", ".join(terms.source for terms in card.data if terms.non_commercial)
        click.echo(f"for non-commercial use, by the terms of: {closed}")
