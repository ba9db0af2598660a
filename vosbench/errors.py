"""The exceptions that reach a user: what was wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VosbenchError(Exception):
    """An error that a user can act on.

    ``what`` says what was wrong, ``where`` names suite, video, frame and file, ``fix`` says what to do.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.fix:
            parts.append(f"to do: {self.fix}")
        return "\n  ".join(parts)


class UsageError(VosbenchError):
    """The command asks for something that does not exist or cannot be combined."""


class DataError(VosbenchError):
    """A data set on disk is missing, torn or not in the layout that its suite names."""


class AdapterError(VosbenchError):
    """An adapter broke the contract of ``vosbench.contract``."""


class CheckpointError(VosbenchError):
    """A weights file cannot be read safely, or belongs to another network."""


class StoreError(VosbenchError):
    """A run's folder cannot be written or holds something else than expected."""


class ScoreError(VosbenchError):
    """A protocol refuses these masks."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Gives back advice that names the known words closest to ``word``."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "known are: " + (", ".join(known) or "none")
