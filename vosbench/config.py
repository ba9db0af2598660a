"""Where data, weights and the cache are: flags first, then the environment, then the user's configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vosbench.errors import UsageError
from vosbench.strict_yaml import load_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The keys of ``config.yaml``."""

    data: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders to look in. ``data`` is None where no data root is configured: then suites are synthetic."""

    data: Path | None = None
    suite_data: Mapping[str, Path] = field(default_factory=dict)
    weights: Path | None = None
    cache: Path

    def data_for(self, suite: str) -> Path | None:
        """The root to look for one suite's data in, or None where none is configured."""
        return self.suite_data.get(suite, self.data)


def find_places(data_flags: tuple[str, ...] = (), environment: Mapping[str, str] = os.environ) -> Places:
    """Gives back the configured folders.

    ``data_flags`` are the values of ``--data``: ``ROOT`` or ``SUITE=PATH``. Raises `UsageError` for a root that
    is not there: a typing mistake must not turn a run on real data into a synthetic one.
    """
    saved = _config_file(environment)
    root, suites = _split_flags(data_flags)
    if root is None and environment.get("VOSBENCH_DATA"):
        root = Path(environment["VOSBENCH_DATA"])
    if root is None:
        root = saved.data
    weights = Path(environment["VOSBENCH_WEIGHTS"]) if environment.get("VOSBENCH_WEIGHTS") else saved.weights
    for path in [root, *suites.values()]:
        if path is not None and not _full(path).is_dir():
            raise UsageError(
                f"there is no folder {path}",
                where="--data, VOSBENCH_DATA or the configuration file",
                fix="check the path, or configure no data root at all to run on synthetic videos",
            )
    return Places(
        data=_full(root) if root else None,
        suite_data={name: _full(path) for name, path in suites.items()},
        weights=_full(weights) if weights else None,
        cache=_cache(environment),
    )


def _split_flags(flags: tuple[str, ...]) -> tuple[Path | None, dict[str, Path]]:
    root: Path | None = None
    suites: dict[str, Path] = {}
    for flag in flags:
        name, equals, path = flag.partition("=")
        if equals and "/" not in name:
            suites[name] = Path(path)
        else:
            root = Path(flag)
    return root, suites


def _config_file(environment: Mapping[str, str]) -> ConfigFile:
    try:
        base = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:  # a user without a home has no configuration there
        return ConfigFile()
    path = base / "vosbench" / "config.yaml"
    return load_yaml(ConfigFile, path) if path.is_file() else ConfigFile()


def _cache(environment: Mapping[str, str]) -> Path:
    if environment.get("VOSBENCH_CACHE"):
        return _full(Path(environment["VOSBENCH_CACHE"]))
    try:
        base = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise UsageError(
            "this user has no home folder to keep synthetic videos in",
            where="HOME and the system's list of users",
            fix="name a folder with VOSBENCH_CACHE",
        ) from error
    return base / "vosbench"


def _full(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except RuntimeError as error:
        raise UsageError(f"there is no home folder for {path}", fix="write the whole path") from error
