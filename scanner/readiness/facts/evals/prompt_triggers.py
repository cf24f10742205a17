"""Which files with prompts and model settings start the evaluation in CI when they change.

A pipeline may be limited to paths (`paths`, `paths-ignore`, `changes`); what such a filter leaves out changes without
anybody measuring it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.delivery.ci_github import github_workflows
from readiness.facts.delivery.ci_gitlab import gitlab_files
from readiness.facts.delivery.ci_step import scalar, strings
from readiness.facts.delivery.commands import joined
from readiness.facts.evals.eval_runs import EvalRun
from readiness.facts.evals.evals import Evals
from readiness.facts.place import Place
from readiness.facts.prompts.prompts import Prompts
from readiness.repository.globs import Rule, rule

_CHANGES = ("pull_request", "pull_request_target", "push", "merge_group")
MAX_PATTERNS = 200


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file whose change alters what the model is told, or which model; `measured` where it starts the evaluation."""

    place: Place
    text: str
    measured: bool


@dataclass(frozen=True, slots=True)
class PromptTriggers:
    """The files of prompts and model settings, each once."""

    files: tuple[PromptFile, ...] = ()

    @property
    def measured(self) -> list[PromptFile]:
        """Those whose change starts an evaluation that guards the change."""
        return [f for f in self.files if f.measured]

    @property
    def missed(self) -> list[PromptFile]:
        """The others."""
        return [f for f in self.files if not f.measured]


@dataclass(frozen=True, slots=True)
class _Filter:
    """What one event asks of a changed path: patterns in order, `!` taking back; `ignored` ones are left out."""

    included: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def lets(self, path: str) -> bool:
        """Whether a change of this path starts the job."""
        if any(_matches(pattern, path) for pattern in self.ignored):
            return False
        decided = not self.included
        for pattern in self.included:
            if _matches(pattern.removeprefix("!"), path):
                decided = not pattern.startswith("!")
        return decided


def find_prompt_triggers(core: Core, evals: Evals, prompts: Prompts, calls: Iterable[ModelCall]) -> PromptTriggers:
    """Every file of prompts and of the model's name, and whether a run of the evaluation lets it through."""
    filters = [f for run in evals.runs for f in _filters(core, run)]
    places: dict[str, tuple[Place, str]] = {}
    for part in prompts.parts:
        if part.place.path in core.observations.files:
            places.setdefault(part.place.path, (part.place, "prompt text"))
    for call in calls:
        place = call.model.place
        if call.generates and place is not None and place.path in core.observations.files:
            places.setdefault(place.path, (place, "the model's name"))
    return PromptTriggers(
        tuple(PromptFile(place, text, any(f.lets(path) for f in filters))
              for path, (place, text) in sorted(places.items()))
    )  # fmt: skip


def _filters(core: Core, run: EvalRun) -> Iterator[_Filter]:
    """The filters of every event of a change that can start a run; an empty one where none is written."""
    path = run.workflow or run.place.path
    document = core.observations.document(path)
    if document is None:
        yield _Filter()
    elif path in github_workflows(core.observations):
        yield from _github(core, path, document)
    elif path in gitlab_files(core.observations):
        yield from _gitlab(document, run.job)
    else:
        yield from _azure(document)


def _github(core: Core, path: str, document: Located, depth: int = 0) -> Iterator[_Filter]:
    on = document.get("on") or document.get("true")
    events = on.items() if on is not None and isinstance(on.value, dict) else []
    found = [e for name, e in events if name in _CHANGES and (e.get("tags") is None or e.get("branches") is not None)]
    yield from (_Filter(tuple(strings(e.get("paths"))), tuple(strings(e.get("paths-ignore")))) for e in found)
    if any(name in _CHANGES for name in strings(on)):
        yield _Filter()
    for other in github_workflows(core.observations) if depth == 0 else ():
        calling = core.observations.document(other)
        if calling is not None and any(joined("", scalar(j.get("uses"))) == path for _, j in calling.items("jobs")):
            yield from _github(core, other, calling, depth + 1)


def _gitlab(document: Located, job: str) -> Iterator[_Filter]:
    """A rule without `changes` starts the job whatever changed."""
    found = document.get(job)
    rules = list(found.elements("rules")) if found is not None else []
    only = found.get("only", "changes") if found is not None else None
    if only is not None:
        yield _Filter(tuple(strings(only)))
    elif not rules:
        yield _Filter()
    for one in rules:
        if scalar(one.get("when")) not in ("never", "manual"):
            changes = one.get("changes")
            yield _Filter(tuple(strings(changes.get("paths") or changes)) if changes is not None else ())


def _azure(document: Located) -> Iterator[_Filter]:
    triggers = [t for t in (document.get("trigger"), document.get("pr")) if t is not None and scalar(t) != "none"]
    for trigger in triggers:
        yield _Filter(tuple(strings(trigger.get("paths", "include"))), tuple(strings(trigger.get("paths", "exclude"))))
    if not triggers:
        yield _Filter()


def _matches(pattern: str, path: str) -> bool:
    """A pattern of a path filter, which begins at the root; `**.md` is any ending at any depth."""
    made = _rule(pattern)
    parts = path.split("/")
    return made is not None and (
        made.matches(path, directory=False)
        or (
            made.directory_only and any(made.matches("/".join(parts[:n]), directory=True) for n in range(1, len(parts)))
        )
    )


def _rule(pattern: str) -> Rule | None:
    spread = re.sub(r"(^|/)\*\*(?=[^/*])", r"\1**/*", pattern.strip())
    spread = re.sub(r"(?<=[^/*])\*\*$", "*/**", spread) if spread.endswith("**") else spread
    return rule("/" + spread.lstrip("/")) if spread else None
