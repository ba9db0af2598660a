"""A soup of exported weights, chosen on the held-back clips, with a card that names what went in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vosbench.contract import Runtime, Weights
from vosbench.digest import digest_file
from vosbench.errors import UsageError
from vosbench.plain import to_plain
from vosbench.registry import restore_settings
from vosbench.store.atomic import storing, write_whole
from vosbench.train.choose import session_score
from vosbench.train.job import Job, method_of
from vosbench.train.library import Library, read_library
from vosbench.train.soup import Ingredient, Soup, State, greedy_soup, uniform_soup
from vosbench.train.weights import read_weights, write_weights

Rule = Literal["greedy", "uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasted:
    """The files of one mixture, and its J&F on the held-back clips, in [0, 1]."""

    files: tuple[str, ...]
    jf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoupCard:
    """What a soup is made of; it lies beside the weights as JSON.

    ``ingredients`` went in, of all ``files`` (name to sha256); ``tried`` is every mixture that was scored, in turn, at
    ``settings``, on ``held_back_clips``. The terms of the weights are those of the ingredients' own cards together.
    """

    schema: int
    name: str
    method: str
    rule: Rule
    settings: Mapping[str, Any]
    file: str
    sha256: str
    files: Mapping[str, str]
    ingredients: tuple[str, ...]
    jf: float
    tried: tuple[Tasted, ...]
    held_back_clips: tuple[str, ...]


def mix(
    job: Job, files: Sequence[Path], folder: Path, *, rule: Rule, tell: Callable[[Tasted], None] = lambda _: None
) -> SoupCard:
    """Write the soup of ``files``, weights of the job's network, and its card into ``folder``.

    Every mixture is scored on the recipe's held-back clips alone, by sessions as a run opens them, at the first of each
    of its ``choose`` values. Raises `UsageError` for a recipe that holds nothing back, `CheckpointError` for files of
    another network.
    """
    library = _held_back(job)
    settings = _settings(job)
    tried: list[Tasted] = []

    def taste(names: tuple[str, ...], state: State) -> float:
        found = Tasted(files=names, jf=_score(job, state, settings, library))
        tried.append(found)
        tell(found)
        return found.jf

    ingredients = [Ingredient(name=str(path), state=read_weights(path)) for path in files]
    soup = greedy_soup(ingredients, taste) if rule == "greedy" else uniform_soup(ingredients)
    jf = taste(soup.names, soup.state) if soup.score is None else soup.score
    return _write(job, soup, folder, rule=rule, settings=settings, files=files, jf=jf, tried=tuple(tried))


def _held_back(job: Job) -> Library:
    plan = job.recipe.data.held_back
    if not plan.clips:
        raise UsageError(
            "a soup is chosen on held-back clips, and this recipe holds none back",
            where=f"recipe {job.recipe.name}",
            fix="list some under data: held_back: clips:",
        )
    return read_library(job.data, plan, photos=False)


def _settings(job: Job) -> Any:
    method, settings = method_of(job.recipe, job.adapters)
    first = {name: options[0] for name, options in job.recipe.choose.items()}
    return restore_settings(method.card, {**to_plain(settings), **first})


def _score(job: Job, state: State, settings: Any, library: Library) -> float:
    method, _ = method_of(job.recipe, job.adapters)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soup.safetensors"
        write_weights(path, state)
        weights = Weights(kind="mini", path=path, sha256=digest_file(path))
        model = method.card.load(Runtime(device=job.device), weights, settings)
        return session_score(model, library.held_clips).jf


def _write(
    job: Job,
    soup: Soup,
    folder: Path,
    *,
    rule: Rule,
    settings: Any,
    files: Sequence[Path],
    jf: float,
    tried: tuple[Tasted, ...],
) -> SoupCard:
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{job.recipe.name}-soup.safetensors"
    write_weights(file, soup.state)
    card = SoupCard(
        schema=1,
        name=job.recipe.name,
        method=job.recipe.method,
        rule=rule,
        settings=to_plain(settings),
        file=file.name,
        sha256=digest_file(file),
        files={str(path): digest_file(path) for path in files},
        ingredients=soup.names,
        jf=jf,
        tried=tried,
        held_back_clips=job.recipe.data.held_back.clips,
    )
    write_whole(file.with_suffix(".json"), (json.dumps(to_plain(card), indent=1) + "\n").encode())
    return card
