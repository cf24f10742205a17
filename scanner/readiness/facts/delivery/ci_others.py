"""The smaller CI systems: CircleCI, Bitbucket, Cloud Build, Drone and Woodpecker, Travis, CodeBuild, Jenkins.

Each reader yields steps in the shape of `CiStep`; what a system decides outside the repository (which branches start a
Cloud Build or Jenkins job) is taken to be a push, as its documentation sets it up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_azure import azure_steps
from readiness.facts.delivery.ci_step import (
    CiStep,
    Trigger,
    keys_of,
    listed,
    made_step,
    scalar,
    script_commands,
    strings,
    truth,
)
from readiness.facts.delivery.commands import commands_in, joined
from readiness.facts.place import Place

CHANGE = frozenset({Trigger.PUSH, Trigger.PULL_REQUEST})
PUSHED = frozenset({Trigger.PUSH})
MAX_NESTING = 10

_JENKINS = re.compile(
    r"\b(?:sh|bat)\s{0,20}\(?\s{0,20}(?:script\s{0,20}:\s{0,20})?(?:'''(?P<a>.*?)'''|\"\"\"(?P<b>.*?)\"\"\"|'(?P<c>(?:[^'\\\n]|\\.)*)'"
    r"|\"(?P<d>(?:[^\"\\\n]|\\.)*)\")(?P<rest>[^\n]*)",
    re.S,
)


def other_files(observations: Observations) -> list[str]:
    """The configuration files of these systems that were read."""
    return [path for path in sorted({*observations.documents, *observations.sources}) if _reader(path) is not None]


def other_steps(observations: Observations) -> Iterator[CiStep]:
    """The steps of all of them."""
    for path in other_files(observations):
        reader = _reader(path)
        if reader is not None:
            yield from reader(observations, path)


def _reader(path: str) -> Callable[[Observations, str], Iterator[CiStep]] | None:
    name = path.rsplit("/", 1)[-1]
    if path in (".circleci/config.yml", ".circleci/config.yaml"):
        return _circle
    if name in ("Jenkinsfile",):
        return _jenkins
    at_root = {
        "azure-pipelines.yml": azure_steps, "azure-pipelines.yaml": azure_steps, "bitbucket-pipelines.yml": _bitbucket,
        "cloudbuild.yaml": _cloudbuild, "cloudbuild.yml": _cloudbuild, "cloudbuild.json": _cloudbuild,
        ".drone.yml": _drone, ".drone.yaml": _drone, ".woodpecker.yml": _drone, ".woodpecker.yaml": _drone,
        ".travis.yml": _travis, "buildspec.yml": _buildspec, "buildspec.yaml": _buildspec,
    }  # fmt: skip
    if path.startswith(".woodpecker/") and name.endswith((".yml", ".yaml")):
        return _drone
    if path.startswith((".azure-pipelines/", ".azure/", "azure-pipelines/")) and name.endswith((".yml", ".yaml")):
        return azure_steps
    return at_root.get(name) if name == path or name.startswith(("cloudbuild", "buildspec")) else None


# CircleCI ----------------------------------------------------------------------------------------------------------


def _circle(observations: Observations, path: str) -> Iterator[CiStep]:
    document = observations.document(path)
    if document is None:
        return
    triggers = _circle_jobs(document)
    for name, job in document.items("jobs"):
        directory = joined("", scalar(job.get("working_directory")) or "~/project")
        yield from _circle_steps(
            document,
            path,
            name,
            job.get("steps"),
            triggers.get(name, frozenset()),
            directory,
            keys_of(job.get("environment")),
            0,
        )


def _circle_jobs(document: Located) -> dict[str, frozenset[Trigger]]:
    """Which jobs the workflows list, and what starts them; without workflows the job `build` runs on every push."""
    found: dict[str, set[Trigger]] = {}
    workflows = [one for key, one in document.items("workflows") if key != "version"]
    if not workflows:
        return {"build": CHANGE}
    for workflow in workflows:
        scheduled = any(one.get("schedule") is not None for one in workflow.elements("triggers"))
        for entry in workflow.elements("jobs"):
            for name, options in [(scalar(entry), None)] if scalar(entry) else list(entry.items()):
                kind = {Trigger.SCHEDULE} if scheduled else set(CHANGE)
                if (
                    options is not None
                    and options.get("filters", "tags", "only") is not None
                    and "/.*/" in strings(options.get("filters", "branches", "ignore"))
                ):
                    kind = {Trigger.TAG}
                found.setdefault(name, set()).update(kind)
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _circle_steps(
    document: Located,
    path: str,
    job: str,
    steps: Located | None,
    triggers: frozenset[Trigger],
    directory: str,
    variables: frozenset[str],
    depth: int,
) -> Iterator[CiStep]:
    for step in listed(steps):
        for key, value in step.items():
            if key == "run":
                command = value if isinstance(value.value, str) else value.get("command")
                where = (
                    joined("", scalar(value.get("working_directory"))) if value.get("working_directory") else directory
                )
                runs = bool(triggers) and scalar(value.get("when")) != "on_fail"
                yield made_step(
                    path,
                    value,
                    job,
                    script_commands(path, listed(command), directory=where, pipe_fails=True),
                    triggers,
                    runs=runs,
                    variables=variables | keys_of(value.get("environment")),
                )
            elif key in ("when", "unless") and depth < MAX_NESTING:
                inner = value.get("steps")
                yield from _circle_steps(document, path, job, inner, triggers, directory, variables, depth + 1)
        named = scalar(step) or next((key for key, _ in step.items()), "")
        defined = document.get("commands", named, "steps")
        if defined is not None and depth < 2:
            yield from _circle_steps(document, path, job, defined, triggers, directory, variables, depth + 1)


# Bitbucket, Cloud Build, CodeBuild, Travis, Drone -------------------------------------------------------------------


def _bitbucket(observations: Observations, path: str) -> Iterator[CiStep]:
    document = observations.document(path)
    kinds = {
        "default": PUSHED,
        "branches": PUSHED,
        "pull-requests": frozenset({Trigger.PULL_REQUEST}),
        "tags": frozenset({Trigger.TAG}),
        "custom": frozenset({Trigger.MANUAL}),
    }
    for kind, pipeline in document.items("pipelines") if document is not None else ():
        triggers = kinds.get(kind, PUSHED)
        for key, step in pipeline.find("step"):
            name = scalar(step.get("name")) or key
            manual = scalar(step.get("trigger")) == "manual"
            script = list(step.elements("script"))
            yield made_step(
                path,
                step,
                name,
                script_commands(path, script),
                frozenset({Trigger.MANUAL}) if manual else triggers,
                weakness="on-fail: ignore" if scalar(step.get("on-fail", "strategy")) == "ignore" else "",
            )


def _cloudbuild(observations: Observations, path: str) -> Iterator[CiStep]:
    document = observations.document(path)
    for step in document.elements("steps") if document is not None else ():
        image = scalar(step.get("name"))
        words = [scalar(step.get("entrypoint")), *strings(step.get("args"))]
        script = step.get("script")
        weakness = "allowFailure: true" if truth(step.get("allowFailure")) else ""
        directory = joined("", scalar(step.get("dir")))
        if script is not None:
            commands = script_commands(path, [script], directory=directory)
        else:
            program = words[0] or _builder(image)
            text = " ".join(_quoted(word) for word in [program, *words[1:]] if word)
            commands = commands_in(text, path, step.line, directory=directory, last_line=step.end_line)
        yield made_step(
            path,
            step,
            image,
            commands,
            PUSHED,
            uses=image,
            inputs=tuple(("argument", one) for one in strings(step.get("args"))),
            weakness=weakness,
        )


def _builder(image: str) -> str:
    """The program that a builder's image starts: `gcr.io/cloud-builders/docker` runs docker, kaniko its executor."""
    name = image.rsplit("/", 1)[-1].partition(":")[0].partition("@")[0]
    return "kaniko" if "kaniko" in image else name


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'" if re.search(r"[\s'\"$&|;<>()#]", word) else word


def _buildspec(observations: Observations, path: str) -> Iterator[CiStep]:
    document = observations.document(path)
    for name, phase in document.items("phases") if document is not None else ():
        yield made_step(
            path,
            phase,
            name,
            script_commands(path, listed(phase.get("commands"))),
            PUSHED,
            weakness="on-failure: CONTINUE" if scalar(phase.get("on-failure")).upper() == "CONTINUE" else "",
        )


def _travis(observations: Observations, path: str) -> Iterator[CiStep]:
    document = observations.document(path)
    if document is None:
        return
    parts = [
        ("default", document),
        *(
            (scalar(one.get("name")) or "job", one)
            for one in [*document.elements("jobs", "include"), *document.elements("matrix", "include")]
        ),
    ]
    for name, part in parts:
        for key in ("install", "before_script", "script"):
            found = part.get(key)
            if found is not None:
                yield made_step(
                    path, found, name, script_commands(path, listed(found)), CHANGE, variables=keys_of(part.get("env"))
                )


def _drone(observations: Observations, path: str) -> Iterator[CiStep]:
    events = {
        "push": Trigger.PUSH, "pull_request": Trigger.PULL_REQUEST, "cron": Trigger.SCHEDULE, "tag": Trigger.TAG,
        "promote": Trigger.MANUAL, "manual": Trigger.MANUAL, "custom": Trigger.MANUAL, "release": Trigger.RELEASE,
    }  # fmt: skip
    for document in observations.documents.get(path, ()):
        named = strings(document.get("trigger", "event") or document.get("when", "event"))
        triggers = frozenset(events[one] for one in named if one in events) or CHANGE
        steps = document.get("steps") or document.get("pipeline")
        entries = [(scalar(one.get("name")), one) for one in steps.elements()] if steps is not None else []
        entries += list(steps.items()) if steps is not None else []
        for name, step in entries:
            own = frozenset(events[one] for one in strings(step.get("when", "event")) if one in events)
            image = scalar(step.get("image"))
            yield made_step(
                path,
                step,
                name,
                script_commands(path, listed(step.get("commands"))),
                own or triggers,
                uses=image or None,
                inputs=tuple((key, scalar(value)) for key, value in step.items("settings")),
                weakness="failure: ignore" if scalar(step.get("failure")) == "ignore" else "",
                variables=keys_of(step.get("environment")),
            )


# Jenkins -----------------------------------------------------------------------------------------------------------


def _jenkins(observations: Observations, path: str) -> Iterator[CiStep]:
    """`sh` steps found by their text: a Jenkinsfile is a program, of which only these lines say what runs."""
    text = observations.sources.get(path, "")
    uncommented = re.sub(r"(?m)^\s*//.*$", "", text)
    caught = [
        (match.start(), _block_end(uncommented, match.end()))
        for match in re.finditer(r"\b(?:catchError|warnError)\b[^{\n]{0,200}\{", uncommented)
    ]
    for match in _JENKINS.finditer(uncommented):
        script = next(one for one in (match["a"], match["b"], match["c"], match["d"]) if one is not None)
        line = uncommented.count("\n", 0, match.start()) + 1
        last = line + match.group(0).count("\n")
        lead = uncommented.count("\n", match.start(), uncommented.find(script, match.start())) if script else 0
        weakness = "returnStatus: true" if "returnStatus: true" in match["rest"] else ""
        if any(start <= match.start() < end for start, end in caught):
            weakness = "catchError"
        commands = commands_in(script, path, line + lead, last_line=last)
        yield CiStep(
            place=Place(path, line, last),
            text=commands[0].text if commands else "sh",
            job="",
            workflow=path,
            commands=commands,
            triggers=CHANGE,
            weakness=weakness,
        )


def _block_end(text: str, index: int) -> int:
    depth = 1
    while index < len(text) and depth:
        depth += (text[index] == "{") - (text[index] == "}")
        index += 1
    return index
