"""Azure Pipelines: stages, jobs and steps, with local templates."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import CiStep, Trigger, keys_of, listed, made_step, scalar, script_commands, truth
from readiness.facts.delivery.commands import joined

MAX_NESTING = 10


def azure_steps(observations: Observations, path: str) -> Iterator[CiStep]:
    """The steps of one pipeline file."""
    document = observations.document(path)
    if document is None or not any(document.get(key) is not None for key in ("steps", "jobs", "stages")):
        return
    is_template = "/" in path and document.get("trigger") is None and document.get("pr") is None
    found: set[Trigger] = set()
    if scalar(document.get("trigger")) != "none":
        tags_only = document.get("trigger", "tags") is not None and document.get("trigger", "branches") is None
        found.add(Trigger.TAG if tags_only else Trigger.PUSH)
    if scalar(document.get("pr")) != "none":
        found.add(Trigger.PULL_REQUEST)
    if document.get("schedules") is not None:
        found.add(Trigger.SCHEDULE)
    triggers = frozenset({Trigger.CALL}) if is_template else frozenset(found or {Trigger.MANUAL})
    yield from _azure_part(observations, path, document, "", triggers, "", True, 0)


def _azure_part(
    observations: Observations,
    path: str,
    part: Located,
    job: str,
    triggers: frozenset[Trigger],
    weakness: str,
    runs: bool,
    depth: int,
) -> Iterator[CiStep]:
    if depth > MAX_NESTING:
        return
    for key in ("stages", "jobs", "steps"):
        for one in part.elements(key):
            template = scalar(one.get("template"))
            weak = weakness or ("continueOnError: true" if truth(one.get("continueOnError")) else "")
            live = (
                runs
                and scalar(one.get("condition")).lower() != "false"
                and scalar(one.get("enabled")).lower() != "false"
            )
            if template and depth < 4:
                target = joined("" if template.startswith("/") else path.rpartition("/")[0], template.lstrip("/"))
                inner = observations.document(target)
                if inner is not None:
                    yield from _azure_part(observations, target, inner, job, triggers, weak, live, depth + 1)
            elif key == "steps":
                yield from _azure_step(path, one, job, triggers, weak, live)
            else:
                name = scalar(one.get("job")) or scalar(one.get("deployment")) or scalar(one.get("stage")) or job
                yield from _azure_part(observations, path, one, name, triggers, weak, live, depth + 1)
                for strategy in ("runOnce", "rolling", "canary"):
                    deploy = one.get("strategy", strategy, "deploy")
                    if deploy is not None:
                        yield from _azure_part(observations, path, deploy, name, triggers, weak, live, depth + 1)


def _azure_step(
    path: str, step: Located, job: str, triggers: frozenset[Trigger], weakness: str, runs: bool
) -> Iterator[CiStep]:
    task = scalar(step.get("task"))
    script = step.get("script") or step.get("bash") or step.get("inputs", "script")
    if script is None and task.startswith("Bash"):
        script = step.get("inputs", "filePath")
    inputs = tuple((key, scalar(value)) for key, value in step.items("inputs"))
    where = joined("", scalar(step.get("workingDirectory") or step.get("inputs", "workingDirectory")))
    # Azure's shells are started without `-e`: only the last command's result counts.
    commands = script_commands(path, listed(script), directory=where, fail_fast=False)
    if commands or task:
        yield made_step(
            path,
            step,
            job,
            commands,
            triggers,
            uses=task or None,
            inputs=inputs,
            weakness=weakness,
            runs=runs,
            variables=keys_of(step.get("env")),
        )
