"""An edit of a generated project, and the check that must notice it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "src/support_answers"
ATTEMPT, GATEWAY = f"{PACKAGE}/gateway/attempt.py", f"{PACKAGE}/gateway/gateway.py"
PIPELINE, ANSWERER = f"{PACKAGE}/answering/pipeline.py", f"{PACKAGE}/answering/answerer.py"
DRAFTS = f"{PACKAGE}/gateway/drafts.py"
CI = ".github/workflows/checks.yml"


@dataclass(frozen=True)
class Edit:
    """A text that is replaced, everywhere in a file; without an `old` the file or folder is removed.

    Args:
        path: the file, relative to the project.
        old: what stands there now.
        new: what stands there then.
    """

    path: str
    old: str = ""
    new: str = ""

    def apply(self, project: Path) -> None:
        """Make the edit; an old text that is not there is an error, for then nothing would be tried."""
        target = project / self.path
        if not self.old:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            return
        text = target.read_text("utf-8")
        assert self.old in text, f"{self.path} no longer has {self.old!r}"
        target.write_text(text.replace(self.old, self.new), "utf-8")


@dataclass(frozen=True)
class Mutant:
    """The edits that break the practice of a check, and what falls with it."""

    check: str
    edits: tuple[Edit, ...]
    takes: frozenset[str] = frozenset()


def mutant(check: str, *edits: tuple[str, ...], takes: str = "") -> Mutant:
    """A mutant from edits written as (path, old, new) or (path,) and the names in `takes`, with spaces between."""
    return Mutant(check, tuple(Edit(*edit) for edit in edits), frozenset(takes.split()))
