"""A runner of composite actions: enough of GitHub's to execute `action.yml` step by step, as it is written.

Expressions of conditions and values, inputs with defaults, `env`, `shell: bash`, the files for outputs and summary, and
the commands that a step's output holds, `stop-commands` included. A step that uses another action is noted, not run.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Data = dict[str, Any]

_EMBEDDED = re.compile(r"\$\{\{(.+?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|[!(),]|[A-Za-z_][\w.-]*)")
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
_FUNCTIONS = {"contains": lambda items, one: one in items, "fromJSON": json.loads}


def evaluated(expression: str, contexts: Data) -> Any:
    """The value of an expression: comparisons, logic, `contains` and `fromJSON`; a name that is not there is empty."""
    names: Data = {}
    words, end = [], 0
    for token in _TOKEN.finditer(expression):
        assert token.start() == end, expression[end:]
        word, end = token[1], token.end()
        if word[0] == "'":
            words.append(repr(word[1:-1].replace("''", "'")))
        elif word[0].isalpha() and word not in _WORDS and word not in _FUNCTIONS:
            key = f"n{len(names)}"
            names[key] = _looked_up(word, contexts)
            words.append(key)
        else:
            words.append(_WORDS.get(word, word))
    assert not expression[end:].strip(), expression[end:]
    return eval("".join(words).strip(), {"__builtins__": {}, **_FUNCTIONS}, names)  # our own action.yml


def _looked_up(name: str, contexts: Data) -> Any:
    value: Any = contexts
    for part in name.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return value


def filled(text: str, contexts: Data) -> str:
    """A text with the values of the expressions in it."""
    return _EMBEDDED.sub(lambda found: str(evaluated(found[1], contexts)), text)


def commands(log: str) -> Iterator[tuple[str, str]]:
    """The commands that GitHub would obey, as name with properties and as message."""
    paused = ""
    for line in log.splitlines():
        found = re.match(r"\s*::(.*?)::(.*)", line)
        if found is None:
            continue
        if paused:
            paused = "" if found[1] == paused else paused
        elif found[1] == "stop-commands":
            paused = found[2]
        else:
            yield found[1], found[2]


@dataclass
class Outcome:
    """What a run of the action came to: `used` are the other actions, with what they were given."""

    code: int = 0
    ran: list[str] = field(default_factory=list)
    log: str = ""
    summary: str = ""
    steps: Data = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    used: list[tuple[str, Data]] = field(default_factory=list)


@dataclass(frozen=True)
class Runner:
    """Where actions run: the workspace is the working directory, `environment` what the machine gives."""

    action: Path
    workspace: Path
    temporary: Path
    environment: Mapping[str, str]
    github: Data

    def run(self, inputs: Mapping[str, str], done: Mapping[str, Data] | None = None, only: str = "") -> Outcome:
        """Run the steps in order until one fails.

        Args:
            inputs: what `with` gives.
            done: steps that have run already, by id, with their outputs.
            only: the id of the one step to run.
        """
        action = yaml.safe_load((self.action / "action.yml").read_text("utf-8"))
        contexts: Data = {"github": self.github}
        assert set(inputs) <= set(action["inputs"])
        defaults = {name: filled(given.get("default", ""), contexts) for name, given in action["inputs"].items()}
        outcome = Outcome(steps={name: {"outputs": outputs} for name, outputs in (done or {}).items()})
        contexts |= {"inputs": {**defaults, **inputs}, "steps": outcome.steps}
        for step in action["runs"]["steps"]:
            identity = step.get("id", "")
            if identity in outcome.steps or (only and identity != only) or outcome.code:
                continue
            if evaluated(step.get("if", "true"), contexts):
                self._step(step, contexts, outcome)
        outcome.outputs = {name: filled(one["value"], contexts) for name, one in action.get("outputs", {}).items()}
        return outcome

    def _step(self, step: Data, contexts: Data, outcome: Outcome) -> None:
        outcome.ran.append(step["name"])
        if "uses" in step:
            outcome.used.append((step["uses"], {key: filled(one, contexts) for key, one in step["with"].items()}))
            return
        assert step["shell"] == "bash"
        script, output, summary = (self.temporary / name for name in ("script.sh", "output", "summary"))
        script.write_text(filled(step["run"], contexts), "utf-8")
        output.write_text("", "utf-8")
        summary.write_text("", "utf-8")
        environment = {
            **self.environment,
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REPOSITORY": self.github["repository"],
            "GITHUB_SERVER_URL": self.github["server_url"],
            "RUNNER_TEMP": str(self.temporary),
            **{key: filled(one, contexts) for key, one in step.get("env", {}).items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=600,
        )
        outcome.code = done.returncode
        outcome.log += done.stdout.decode("utf-8", "backslashreplace")
        outcome.summary += summary.read_text("utf-8")
        lines = output.read_text("utf-8").splitlines()
        outcome.steps[step.get("id", step["name"])] = {"outputs": dict(line.split("=", 1) for line in lines)}
