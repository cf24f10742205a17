"""The prompts: versions in files, one of them active. A released version never changes."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from ..answering.answer import Passage, Prompt
from ..audit.chain import Event, append, content_digest
from ..errors import Conflict, NotFound
from ..security.keys import Caller
from ..storage.database import Database
from ..storage.tables import Activation
from .version import PromptVersion, digest_of, load, render

__all__ = ["PromptRegistry", "PromptVersion"]
_log = logging.getLogger(__name__)


def must_be_released(prompt: PromptVersion) -> None:
    """Conflict when the version could still change."""
    if not prompt.released:
        raise Conflict(f"Version {prompt.version} of {prompt.name} is not released: release it first.")


class PromptRegistry:
    """The versions of every prompt, and which one answers.

    Active is what a person activated last, until a deploy brings another active.yaml: then that one counts.

    Args:
        folder: has a folder for each prompt, with <version>.md, active.yaml and released.yaml.
        database: keeps the activations.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database

    def versions(self, name: str = "answer") -> list[PromptVersion]:
        """Every version of a prompt, oldest first."""
        stems = [path.stem for path in (self.folder / name).glob("*.md")]
        return [self.get(name, stem) for stem in sorted(stems, key=lambda stem: (len(stem), stem))]

    def get(self, name: str, version: str) -> PromptVersion:
        """One version; NotFound says what is wrong with its file."""
        if not (name.isidentifier() and version.isalnum()):
            raise NotFound(f"{name} {version} names no prompt version: versions are such as 1 or 2b.")
        return load(self.folder / name / f"{version}.md", self._released(name).get(version))

    async def active(self, name: str = "answer") -> PromptVersion:
        """The version that answers now."""
        pointed, activated = await self._history(name, last=1)
        chosen = activated[0] if activated else pointed
        if chosen != pointed and not (self.folder / name / f"{chosen}.md").is_file():
            _log.warning("prompt %s: version %s is active but not deployed, %s answers", name, chosen, pointed)
            chosen = pointed
        return self.get(name, chosen)

    def render(self, version: PromptVersion, question: str, passages: Sequence[Passage]) -> Prompt:
        """Fill in a question and its passages, as text."""
        return render(version, question, passages)

    async def record(
        self,
        caller: Caller,
        name: str,
        version: str,
        reason: str,
        eval_run_id: str | None = None,
        action: str = "prompt.activated",
    ) -> PromptVersion:
        """Put a released version into service; `activation.activate` asks the evals first."""
        prompt = self.get(name, version)
        must_be_released(prompt)
        details = {
            "version": version,
            "sha256": prompt.digest,
            "previous": (await self.active(name)).version,
            "eval_run": eval_run_id,
            "reason_sha256": content_digest(reason),
        }
        row = Activation(prompt=name, version=version, actor=caller.actor, reason=reason, eval_run_id=eval_run_id)
        row.pointer_digest = self._pointer(name)[1]
        async with self._database.writing(chained=True) as session:
            session.add(row)
            await append(session, Event(caller.tenant, caller.actor, action, f"{name}@{version}", details))
        return prompt

    async def rollback(self, caller: Caller, name: str, reason: str) -> PromptVersion:
        """Put the version back that answered before the present one; Conflict when there is none."""
        pointed, activated = await self._history(name)
        before = [pointed]
        for version in reversed(activated):
            # Going back undoes what came after: a second rollback goes further back, not forth.
            before = before[: before.index(version) + 1] if version in before else [*before, version]
        if len(before) < 2:
            raise Conflict(f"Nothing to roll back: {name} {pointed} is what active.yaml names. Change it and deploy.")
        return await self.record(caller, name, before[-2], reason, action="prompt.rolled_back")

    def release(self, name: str, version: str) -> PromptVersion:
        """Note a version's digest: from now on its file must not change. Conflict when it was released before."""
        prompt, released = self.get(name, version), self._released(name)
        if version in released:
            raise Conflict(f"Version {version} of {name} is released already: a change needs a new version.")
        listed = yaml.safe_dump(released | {version: prompt.digest})
        (self.folder / name / "released.yaml").write_text(listed, "utf-8")
        return self.get(name, version)

    def verify(self) -> list[str]:
        """What is wrong with the files, each with what to do; empty when all is well."""
        problems = []
        for folder in sorted(path.parent for path in self.folder.glob("*/active.yaml")):
            released, (pointed, _) = self._released(folder.name), self._pointer(folder.name)
            for version in released:
                path = folder / f"{version}.md"
                if not path.is_file() or digest_of(path) != released[version]:
                    problems.append(f"{path} is not as it was released: undo that and write a new version instead.")
            if pointed not in released:
                problems.append(f"{folder / 'active.yaml'} names {pointed}, which is not released: release it first.")
        return problems

    async def _history(self, name: str, last: int | None = None) -> tuple[str, Sequence[str]]:
        """The version of active.yaml, and what was activated since it was deployed, newest first."""
        pointed, digest = self._pointer(name)
        activations = select(Activation.version).where(Activation.prompt == name, Activation.pointer_digest == digest)
        async with self._database.reading() as session:
            return pointed, (await session.scalars(activations.order_by(Activation.id.desc()).limit(last))).all()

    def _pointer(self, name: str) -> tuple[str, str]:
        path = self.folder / name / "active.yaml"
        if not path.is_file():
            raise NotFound(f"There is no prompt {name}: {path} does not exist.")
        return str(_parsed(path.read_text("utf-8"))["version"]), digest_of(path)

    def _released(self, name: str) -> dict[str, str]:
        path = self.folder / name / "released.yaml"
        content = _parsed(path.read_text("utf-8")) if path.is_file() else {}
        return {str(version): str(digest) for version, digest in content.items()}


@lru_cache(maxsize=64)
def _parsed(text: str) -> dict[Any, Any]:
    """Both files are asked for with every question, and hardly ever change."""
    return yaml.safe_load(text) or {}
