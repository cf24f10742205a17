"""GitLab CI: jobs with their `extends`, defaults, rules and local includes."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.extract.yaml_file import REFERENCE
from readiness.facts.delivery.ci_step import CiStep, Trigger, scalar, script_start, strings, truth
from readiness.facts.delivery.commands import Command, commands_in, joined
from readiness.facts.place import Place

ROOT = ".gitlab-ci.yml"
MAX_FILES = 50
MAX_PARENTS = 10

_NOT_JOBS = frozenset({
    "stages", "variables", "default", "include", "workflow", "image", "services", "cache", "before_script",
    "after_script", "spec", "types",
})  # fmt: skip
_ONLY = {
    "merge_requests": Trigger.PULL_REQUEST,
    "external_pull_requests": Trigger.PULL_REQUEST,
    "schedules": Trigger.SCHEDULE,
    "tags": Trigger.TAG,
    "web": Trigger.MANUAL,
    "triggers": Trigger.CALL,
    "api": Trigger.MANUAL,
    "pipelines": Trigger.CALL,
}
_Source = tuple[str, Located]


def gitlab_files(observations: Observations) -> list[str]:
    """The root file and the local files it includes, each once."""
    found: list[str] = []
    wanted = [ROOT]
    while wanted and len(found) < MAX_FILES:
        path = wanted.pop(0)
        document = observations.document(path)
        if document is None or path in found:
            continue
        found.append(path)
        for pattern in _included(document.get("include")):
            wanted.extend(one for one in sorted(observations.documents) if fnmatch.fnmatchcase(one, pattern))
    return found


def gitlab_steps(observations: Observations) -> Iterator[CiStep]:
    """One step per job: its before_script and script run in one shell."""
    files = gitlab_files(observations)
    jobs: dict[str, _Source] = {}
    shared: dict[str, _Source] = {}
    for path in files:
        document = observations.document(path)
        for name, job in document.items() if document is not None else ():
            if name in _NOT_JOBS:
                shared.setdefault(name, (path, job))
            elif isinstance(job.value, dict):
                jobs[name] = (path, job)
    for name in jobs:
        if not name.startswith("."):
            step = _job(name, _lineage(name, jobs), shared, jobs)
            if step is not None:
                yield step


def _included(include: Located | None) -> list[str]:
    if include is None:
        return []
    listed = list(include.elements()) if isinstance(include.value, list) else [include]
    found = []
    for one in listed:
        name = scalar(one) or scalar(one.get("local"))
        if name and "://" not in name:
            found.append(joined("", name.lstrip("/")))
    return found


def _lineage(name: str, jobs: dict[str, _Source]) -> list[_Source]:
    """The job and what it extends, the nearest first."""
    found: list[_Source] = []
    wanted, seen = [name], set[str]()
    while wanted and len(found) < MAX_PARENTS:
        current = wanted.pop(0)
        if current in seen or current not in jobs:
            continue
        seen.add(current)
        found.append(jobs[current])
        wanted.extend(reversed(strings(jobs[current][1].get("extends"))))
    return found


def _job(name: str, lineage: list[_Source], shared: dict[str, _Source], jobs: dict[str, _Source]) -> CiStep | None:
    def first(key: str) -> _Source | None:
        return next(((path, found) for path, job in lineage if (found := job.get(key)) is not None), None)

    script = first("script") or first("run")
    if script is None:
        return None
    before = first("before_script") or shared.get("before_script")
    if before is None and "default" in shared:
        path, default = shared["default"]
        inner = default.get("before_script")
        before = (path, inner) if inner is not None else None
    named = jobs | shared
    commands = [*_commands(before, named), *_commands(script, named)]
    rules, only, when = first("rules"), first("only"), first("when")
    triggers = _triggers(rules[1] if rules else None, only[1] if only else None, scalar(when[1]) if when else "")
    allow = first("allow_failure")
    weak = allow is not None and (truth(allow[1]) or allow[1].get("exit_codes") is not None)
    variables = {key for _, job in lineage for key, _ in job.items("variables")}
    if "variables" in shared:
        variables |= {key for key, _ in shared["variables"][1].items()}
    path, lines = script
    first_text = next((text for text in strings(lines)), "")
    return CiStep(
        place=Place(path, lines.line, lines.end_line),
        text=first_text.split("\n")[0][:120],
        job=name,
        workflow=path,
        commands=tuple(commands),
        triggers=triggers,
        weakness="allow_failure: true" if weak else "",
        runs=bool(triggers),
        variables=frozenset(variables),
    )


def _commands(source: _Source | None, named: dict[str, _Source]) -> Iterator[Command]:
    """Every line of a script runs in one shell with `-e` and `pipefail` (GitLab runner, shell executors' defaults)."""
    if source is None:
        return
    directory = ""
    for path, one in _lines(*source, named):
        if isinstance(one.value, str):
            yield from commands_in(
                one.value, path, script_start(one), directory=directory, pipe_fails=True, last_line=one.end_line
            )
            stripped = one.value.strip()
            if stripped.startswith("cd ") and "&&" not in stripped:
                directory = joined(directory, stripped[3:].strip())


def _lines(path: str, value: Located, named: dict[str, _Source], depth: int = 0) -> Iterator[_Source]:
    """The lines of a script; a list in it and `!reference [job, key]` stand for their own lines."""
    referred = strings(value.get(REFERENCE))
    if referred:
        home, found = named.get(referred[0], (path, None))
        found = found.get(*referred[1:]) if found is not None else None
        if found is not None and depth < MAX_PARENTS:
            yield from _lines(home, found, named, depth + 1)
    elif isinstance(value.value, list) and depth < MAX_PARENTS:
        for one in value.elements():
            yield from _lines(path, one, named, depth + 1)
    else:
        yield path, value


def _triggers(rules: Located | None, only: Located | None, when: str) -> frozenset[Trigger]:
    if when == "never":
        return frozenset()
    if when == "manual":
        return frozenset({Trigger.MANUAL})
    if rules is not None:
        return frozenset(trigger for rule in rules.elements() for trigger in _rule(rule))
    if only is not None:
        names = strings(only.get("refs")) if isinstance(only.value, dict) else strings(only)
        found = {_ONLY.get(name, Trigger.PUSH) for name in names}
        return frozenset(found) or frozenset({Trigger.PUSH})
    return frozenset({Trigger.PUSH})


def _rule(rule: Located) -> set[Trigger]:
    when, condition = scalar(rule.get("when")), scalar(rule.get("if"))
    if when == "never":
        return set()
    if when == "manual":
        return {Trigger.MANUAL}
    words = {
        "merge_request": Trigger.PULL_REQUEST,
        "schedule": Trigger.SCHEDULE,
        "CI_COMMIT_TAG": Trigger.TAG,
        '"web"': Trigger.MANUAL,
        "'web'": Trigger.MANUAL,
        "CI_COMMIT_BRANCH": Trigger.PUSH,
        "push": Trigger.PUSH,
        "CI_MERGE_REQUEST": Trigger.PULL_REQUEST,
    }
    return {trigger for word, trigger in words.items() if word in condition} or {Trigger.PUSH}
