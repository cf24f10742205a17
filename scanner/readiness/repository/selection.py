"""Which paths are entered and which are passed over, whether they come from git's index or from a walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from readiness.repository.globs import Rules
from readiness.repository.limits import Budget, Limits

EXCLUDED = "excluded by configuration"
INSTALLED = "not entered: installed packages, not code of this repository"
CACHE = "not entered: a cache or build directory"
ENVIRONMENT_FILE = "pyvenv.cfg"  # what marks a virtual environment, whatever its name

_PRUNED = {
    **dict.fromkeys(("node_modules", "bower_components", ".venv", "venv", "virtualenv"), INSTALLED),
    **dict.fromkeys(("site-packages", "dist-packages", ".direnv", ".yarn", ".pnpm-store"), INSTALLED),
    **dict.fromkeys(("__pycache__", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache"), CACHE),
    **dict.fromkeys((".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".terraform", ".gradle", ".next"), CACHE),
}


@dataclass(slots=True)
class Listing:
    """Paths below the root (raw, `/`-separated, no order), and what was passed over while they were listed."""

    paths: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Selection:
    """Decides over directories by their path alone, and remembers what it decided.

    `refused` holds the topmost refused directories that were asked for, with the reason.
    """

    excluded: Rules
    depth: int
    refused: dict[str, str] = field(default_factory=dict)
    _below: dict[str, bool] = field(default_factory=lambda: {"": True})

    @classmethod
    def of(cls, patterns: Sequence[str], limits: Limits) -> Selection:
        """A selection that leaves out what the patterns match."""
        return cls(Rules.of(patterns), limits.depth)

    def refuse(self, directory: str, reason: str) -> None:
        """Do not enter a directory, for a reason that its path does not tell."""
        self._below[directory] = False
        self.refused[directory] = reason

    def enters(self, directory: str) -> bool:
        """Whether the directory at this path, and each one above it, is entered."""
        unknown: list[str] = []
        known = directory
        while known not in self._below:
            unknown.append(known)
            known = known.rpartition("/")[0]
        entered = self._below[known]
        for path in reversed(unknown):
            reason = self._reason(path) if entered else None
            if reason is not None:
                self.refused[path] = reason
                entered = False
            self._below[path] = entered
        return entered

    def _reason(self, directory: str) -> str | None:
        if self.excluded.decide(directory, directory=True):
            return EXCLUDED
        if directory.count("/") >= self.depth:
            return f"not entered: more than {self.depth} directories deep"
        return _PRUNED.get(directory.rpartition("/")[2])


@dataclass(slots=True)
class Search:
    """What a listing works with: the root's absolute path, the decisions, the limits and the time."""

    root: str
    selection: Selection
    limits: Limits
    budget: Budget
