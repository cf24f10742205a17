"""GitHub Actions: workflows, and the composite actions and reusable workflows of the repository, one level deep."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import CiStep, Trigger, scalar, script_start, strings, truth
from readiness.facts.delivery.commands import Command, commands_in, joined
from readiness.facts.place import Place

_WORKFLOW = re.compile(r"^\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml$")
_EVENTS = {
    "pull_request": Trigger.PULL_REQUEST, "pull_request_target": Trigger.PULL_REQUEST,
    "merge_group": Trigger.PULL_REQUEST,
    "push": Trigger.PUSH, "workflow_run": Trigger.PUSH, "schedule": Trigger.SCHEDULE,
    "workflow_dispatch": Trigger.MANUAL,
    "repository_dispatch": Trigger.MANUAL, "release": Trigger.RELEASE, "create": Trigger.TAG,
    "workflow_call": Trigger.CALL,
}  # fmt: skip
_EVENT_TEST = re.compile(r"github\.event_name\s*==\s*['\"](\w+)['\"]")
_BRANCH_TEST = re.compile(r"github\.ref\s*==\s*['\"]refs/heads/")
_MATRIX_TEST = re.compile(r"^matrix\.([\w-]+)\s*(==|!=)\s*['\"]?([^'\"]*)['\"]?$")
_CONTEXT_USE = re.compile(r"\$\{\{\s*(env|inputs)\.([\w-]+)\s*\}\}")
_MATRIX_USE = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")
MAX_COMBINATIONS = 256


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a step inherits from its workflow and job."""

    path: str
    workflow: str
    job: str
    triggers: frozenset[Trigger]
    directory: str
    shell: str
    variables: frozenset[str]
    weakness: str
    runs: bool
    matrix: tuple[dict[str, str], ...]
    context: dict[str, str]
    """What `env.x` and `inputs.x` are written as: the nearest that is set."""


def github_workflows(observations: Observations) -> list[str]:
    """The workflow files that were read."""
    return [path for path in observations.documents if _WORKFLOW.match(path)]


def github_steps(observations: Observations) -> Iterator[CiStep]:
    """The steps of every workflow; commands are as written, image builds not yet looked for."""
    for path in github_workflows(observations):
        document = observations.document(path)
        if document is not None:
            yield from _workflow(observations, path, document, None)


def _workflow(observations: Observations, path: str, document: Located, caller: _Setting | None) -> Iterator[CiStep]:
    triggers = _triggers(document.get("on") or document.get("true"))
    if caller is not None:
        triggers = caller.triggers
    name = document.text("name") or path.rsplit("/", 1)[-1]
    context = _context(document, caller)
    for job_name, job in document.items("jobs"):
        condition = scalar(job.get("if"))
        matrix = _matrix(job.get("strategy", "matrix"))
        weakness = "continue-on-error: true" if truth(job.get("continue-on-error")) else ""
        setting = _Setting(
            path=path,
            workflow=name,
            job=job_name,
            triggers=_narrowed(triggers, condition),
            directory=scalar(
                job.get("defaults", "run", "working-directory") or document.get("defaults", "run", "working-directory")
            ),
            shell=scalar(job.get("defaults", "run", "shell") or document.get("defaults", "run", "shell")),
            variables=_names(document.get("env")) | _names(job.get("env")),
            weakness=weakness or (caller.weakness if caller else ""),
            runs=_can_run(condition, matrix) and (caller is None or caller.runs),
            matrix=matrix,
            context={**context, **_written("env", job.get("env"))},
        )
        called = scalar(job.get("uses"))
        if called.startswith("./") and caller is None:
            target = joined("", called)
            inner = observations.document(target)
            if inner is not None:
                given = {**setting.context, **_written("inputs", job.get("with"))}
                yield from _workflow(observations, target, inner, replace(setting, context=given))
        for step in job.elements("steps"):
            yield from _step(observations, step, setting, depth=0)


def _step(observations: Observations, step: Located, setting: _Setting, depth: int) -> Iterator[CiStep]:
    condition = scalar(step.get("if"))
    weakness = setting.weakness or ("continue-on-error: true" if truth(step.get("continue-on-error")) else "")
    runs = (
        setting.runs and _can_run(condition, setting.matrix) and "failure()" not in condition.replace("!failure()", "")
    )
    setting = replace(
        setting,
        triggers=_narrowed(setting.triggers, condition),
        weakness=weakness,
        runs=runs,
        variables=setting.variables | _names(step.get("env")),
    )
    uses = scalar(step.get("uses"))
    if uses.startswith("./") and depth == 0:
        folder = joined("", uses)
        for name in ("action.yml", "action.yaml"):
            action = observations.document(joined(folder, name))
            for inner in action.elements("runs", "steps") if action is not None else ():
                yield from _step(observations, inner, replace(setting, path=joined(folder, name)), depth=1)
        return
    run = step.get("run")
    script = run.value if run is not None and isinstance(run.value, str) else ""
    commands: tuple[Command, ...] = ()
    place = Place(setting.path, step.line, step.end_line)
    if run is not None and script:
        shell = scalar(step.get("shell")) or setting.shell
        start = script_start(run)
        folder = _said(scalar(step.get("working-directory")) or setting.directory, setting.context)
        if not shell.startswith(("python", "pwsh", "powershell", "cmd")):
            commands = commands_in(
                script,
                setting.path,
                start,
                last_line=run.end_line,
                directory=joined("", folder),
                pipe_fails=shell == "bash" or "pipefail" in shell,
            )
        place = Place(setting.path, run.line, run.end_line)
    elif not uses:
        return
    inputs = tuple((key, scalar(value)) for key, value in step.items("with"))
    yield CiStep(
        place=place,
        text=f"uses: {uses}" if uses else _first_line(script),
        job=setting.job,
        workflow=setting.workflow,
        commands=commands,
        triggers=setting.triggers,
        uses=uses or None,
        inputs=_expanded(inputs, setting.matrix),
        weakness=setting.weakness,
        runs=setting.runs,
        variables=setting.variables,
    )


def _context(document: Located, caller: _Setting | None) -> dict[str, str]:
    """The environment of a workflow and, where another one calls it, the inputs it is called with."""
    found = _written("env", document.get("env"))
    if caller is not None:
        defaults = (document.get("on") or document.get("true") or document).items("workflow_call", "inputs")
        found |= {f"inputs.{name}": scalar(one.get("default")) for name, one in defaults}
        found |= {name: value for name, value in caller.context.items() if name.startswith("inputs.")}
    return found


def _written(context: str, values: Located | None) -> dict[str, str]:
    return {f"{context}.{key}": scalar(value) for key, value in values.items()} if values is not None else {}


def _said(text: str, context: dict[str, str]) -> str:
    """A text with `${{ env.x }}` and `${{ inputs.x }}` filled in, as far as the files say what they are."""
    return _CONTEXT_USE.sub(lambda match: context.get(f"{match.group(1)}.{match.group(2)}") or match.group(0), text)


def _first_line(script: str) -> str:
    return next((line.strip() for line in script.split("\n") if line.strip()), "")[:120]


def _triggers(on: Located | None) -> frozenset[Trigger]:
    if on is None:
        return frozenset()
    if not isinstance(on.value, dict):
        return frozenset(_EVENTS[name] for name in strings(on) if name in _EVENTS)
    found: set[Trigger] = set()
    for name, event in on.items():
        if name not in _EVENTS:
            continue
        tags = name == "push" and event.get("tags") is not None
        if tags:
            found.add(Trigger.TAG)
        if not tags or event.get("branches") is not None:
            found.add(_EVENTS[name])
    return frozenset(found)


def _narrowed(triggers: frozenset[Trigger], condition: str) -> frozenset[Trigger]:
    """The triggers a condition leaves: `github.event_name == 'x'`, alone, joined by `||` or first in `&&`."""
    named = _EVENT_TEST.findall(condition)
    if named and ("||" not in condition or len(named) == condition.count("||") + 1):
        return triggers & frozenset(_EVENTS[name] for name in named if name in _EVENTS)
    if re.search(r"startsWith\(\s*github\.ref\s*,\s*['\"]refs/tags/", condition) and not re.search(
        r"\|\||!\s*startsWith", condition
    ):
        return frozenset({Trigger.TAG}) if Trigger.PUSH in triggers or Trigger.TAG in triggers else triggers
    if Trigger.PUSH in triggers and "||" not in condition and _BRANCH_TEST.search(condition):
        return triggers - {Trigger.TAG}
    return triggers


def _can_run(condition: str, matrix: tuple[dict[str, str], ...]) -> bool:
    bare = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", condition.strip()).strip()
    if bare.lower() in ("false", "0") or re.match(r"^false\s*&&", bare):
        return False
    if not matrix:
        return True
    if matrix == ({},):
        return False
    test = _MATRIX_TEST.match(bare)
    if test is None:
        return True
    key, operator, wanted = test.groups()
    return any((one.get(key, "") == wanted) == (operator == "==") for one in matrix) or not any(
        key in one for one in matrix
    )


def _matrix(matrix: Located | None) -> tuple[dict[str, str], ...]:
    """The combinations a matrix makes; `({},)` when it makes none, () when it is absent or known only at run time."""
    if matrix is None or not isinstance(matrix.value, dict):
        return ()
    axes = [
        (key, [scalar(one) for one in value.elements()])
        for key, value in matrix.items()
        if key not in ("include", "exclude") and isinstance(value.value, list)
    ]
    excluded = [{key: scalar(value) for key, value in one.items()} for one in matrix.elements("exclude")]
    included = [{key: scalar(value) for key, value in one.items()} for one in matrix.elements("include")]
    product = (
        itertools.islice(itertools.product(*(values for _, values in axes)), MAX_COMBINATIONS) if axes else iter(())
    )
    found = [dict(zip((key for key, _ in axes), values, strict=True)) for values in product]
    found = [one for one in found if not any(rule and rule.items() <= one.items() for rule in excluded)]
    for extra in included[:MAX_COMBINATIONS]:
        shared = {key for key, _ in axes} & set(extra)
        matching = [one for one in found if all(one[key] == extra[key] for key in shared)]
        if matching and (shared or axes):
            for one in matching:
                one.update({key: value for key, value in extra.items() if key not in one})
        else:
            found.append(dict(extra))
    if not found and (axes or included):
        return ({},)
    return tuple(found)


def _expanded(inputs: tuple[tuple[str, str], ...], matrix: tuple[dict[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Inputs with `${{ matrix.x }}` filled in: one entry per value, in the matrix's order."""
    found: list[tuple[str, str]] = []
    for key, value in inputs:
        uses = _MATRIX_USE.findall(value)
        if not uses or not matrix or key not in ("file", "context", "target"):
            found.append((key, value))
            continue
        filled = [_filled(value, one) for one in matrix]
        found.extend((key, one) for one in dict.fromkeys(filled))
    return tuple(found)


def _filled(value: str, combination: dict[str, str]) -> str:
    return _MATRIX_USE.sub(lambda match: combination.get(match.group(1), match.group(0)), value)


def _names(env: Located | None) -> frozenset[str]:
    return frozenset(key for key, _ in env.items()) if env is not None else frozenset()
