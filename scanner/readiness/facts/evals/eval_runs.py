"""Which steps of CI run the evaluation suite, and whether a regression stops the change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import CiStep, Trigger
from readiness.facts.delivery.commands import Command, joined
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.console import Console
from readiness.facts.evals.eval_gates import Gate
from readiness.facts.evals.eval_tools import load_eval_tools
from readiness.facts.linking.units import Unit
from readiness.facts.place import Place

_VALUED = frozenset(
    {
        "-k",
        "-m",
        "-n",
        "-p",
        "-c",
        "-o",
        "-W",
        "-r",
        "--maxfail",
        "--cov",
        "--cov-report",
        "--cov-config",
        "--cov-fail-under",
        "--junitxml",
        "--junit-xml",
        "--rootdir",
        "--ignore",
        "--ignore-glob",
        "--deselect",
        "--durations",
        "--timeout",
        "--tb",
        "--color",
        "--log-level",
        "--log-cli-level",
        "--dist",
        "--reruns",
        "--confcutdir",
        "--basetemp",
        "--import-mode",
        "--override-ini",
        "--html",
        "--numprocesses",
        "--splits",
        "--group",
    }
)
_NO_RUN = frozenset({"--collect-only", "--co", "--version", "-h", "--help", "--fixtures", "--markers"})
_PYTHON = re.compile(r"^(?:python|python\d(?:\.\d+)?|py)$")
_CHANGES = frozenset({Trigger.PULL_REQUEST, Trigger.PUSH})


class Suite(Protocol):
    """What the runs need to know of an evaluation suite."""

    @property
    def path(self) -> str:
        """The file it lies in."""
        ...

    @property
    def gated(self) -> bool:
        """Whether a score can fail it."""
        ...

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What fails it."""
        ...

    @property
    def tests(self) -> tuple[CollectedTest, ...]:
        """Its test functions."""
        ...

    @property
    def variables(self) -> frozenset[str]:
        """The environment variables it is skipped without."""
        ...


@dataclass(frozen=True, slots=True)
class EvalRun:
    """A step of CI that runs evaluations. `problem` says why it guards no change ("" when it does).

    `job` and `workflow` (a path) tell where it is started from.
    """

    place: Place
    text: str
    paths: tuple[str, ...]
    problem: str = ""
    runs: bool = True
    job: str = ""
    workflow: str = ""


def find_eval_runs(core: Core, suites: Sequence[Suite], tests: CollectedTests) -> list[EvalRun]:
    """Every step of CI that runs one of the suites, or an evaluation tool."""
    return list(_Runs(core, suites, tests).find())


class _Runs:
    def __init__(self, core: Core, suites: Sequence[Suite], tests: CollectedTests) -> None:
        self._core, self._suites, self._tests, self._tools = core, suites, tests, load_eval_tools()
        self._options = _pytest_options(core)
        self._console = Console(core)

    def find(self) -> Iterator[EvalRun]:
        for step in self._core.ci.steps:
            if not step.runs:
                continue
            if step.uses and any(step.uses.startswith(f"{a}@") or step.uses == a for a in self._tools.actions):
                yield EvalRun(
                    step.place, step.text, tuple(s.path for s in self._suites if not s.tests), _problem(step, None),
                    job=step.job, workflow=step.place.path,
                )  # fmt: skip
            for command in step.commands:
                yield from self._command(step, command)

    def _command(self, step: CiStep, command: Command) -> Iterator[EvalRun]:
        words = [w for w in (re.sub(r"@[\w.^~-]+$", "", command.program), *command.arguments) if not w.startswith("-")]
        tool = next((c for c in self._tools.commands if tuple(words[: len(c)]) == c), None)
        if tool is not None:
            suites = self._named(command, words[len(tool) :])
            gated = tool[0] not in self._tools.runs_without_gate or any(s.gated for s in suites)
        elif command.program in ("pytest", "py.test"):
            suites = self._collected(step, command)
            gated = any(s.gated for s in suites)
        else:
            suites = self._script(command)
            gated = any(s.gated for s in suites)
        if tool is None and not suites:
            return
        problem = _problem(step, command) or ("" if gated else "no score can fail it")
        place = command.place if command.place.path == step.place.path else step.place
        yield EvalRun(
            place, command.text[:120], tuple(s.path for s in suites), problem, job=step.job, workflow=step.place.path
        )

    def _named(self, command: Command, words: list[str]) -> list[Suite]:
        """The suites that a tool is given; all that no test holds where it is given none."""
        given = [joined(command.directory, w) for w in (*words, command.option("-c", "--config") or "")]
        named = [s for s in self._suites if any(s.path == g or (g and s.path.startswith(f"{g}/")) for g in given)]
        return named or [s for s in self._suites if not s.tests or command.program == "deepeval"]

    # -- python ------------------------------------------------------------------------------------------------

    def _script(self, command: Command) -> list[Suite]:
        """The suites that `python evals/run.py`, `python -m evals.run` or a console script runs."""
        path = ""
        if _PYTHON.match(command.program):
            script = next((w for w in command.arguments if w.endswith(".py")), "")
            path = joined(command.directory, script) if script else ""
        elif command.words and command.words[0].endswith(".py"):
            path = joined(command.directory, command.words[0])
        elif "python -m" in command.wrappers or "uv run" in command.wrappers:
            name = joined(command.directory, command.words[0].replace(".", "/")) if command.words else ""
            path = next(
                (
                    p
                    for p in (f"{name}.py", f"{name}/__main__.py", f"src/{name}.py", f"src/{name}/__main__.py")
                    if p in self._core.program.modules
                ),
                "",
            )
        module = self._core.program.modules.get(path)
        started = self._console.started(command) or (self._console.started(command, module) if module else frozenset())
        paths = {u.module.path for u in started}
        return [s for s in self._suites if s.path in paths and not s.tests and _decides(s, started)]

    # -- pytest ------------------------------------------------------------------------------------------------

    def _collected(self, step: CiStep, command: Command) -> list[Suite]:
        """The suites whose tests a run of pytest executes: named, not ignored, marked for it, not skipped."""
        if _NO_RUN & set(command.arguments):
            return []
        options, testpaths = self._options
        named, ignored = _paths(command.arguments)
        ignored += _paths(tuple(options))[1]
        marks = _expression(command.arguments, "-m") or _expression(tuple(options), "-m")
        inside = [joined(command.directory, n.partition("::")[0]) for n in named] or [
            joined(command.directory, t) for t in testpaths
        ]
        if not inside:
            inside = [command.directory]
        left_out = [joined(command.directory, i) for i in ignored]
        given = step.variables | {name for name, _ in command.environment}
        found: list[Suite] = []
        for suite in self._suites:
            if not suite.tests or not any(_lies_in(suite.path, i) for i in inside):
                continue
            if any(_lies_in(suite.path, i) for i in left_out) or not suite.variables <= given:
                continue
            if any(_selected(test, marks) for test in suite.tests):
                found.append(suite)
        return found


def _problem(step: CiStep, command: Command | None) -> str:
    if command is not None and command.neutralised:
        return f"its failure does not count: {command.neutralised}"
    if step.weakness:
        return f"its failure does not block: {step.weakness}"
    if not step.triggers & _CHANGES:
        kinds = sorted(trigger.value for trigger in step.triggers) or ["nothing"]
        return f"started by {', '.join(kinds)} only, not by a pull request or push"
    return ""


def _decides(suite: Suite, started: frozenset[Unit]) -> bool:
    """Whether what is started holds one of the suite's gates: one command of a file with several may have none."""
    if not suite.gated:
        return True
    lines = [g.place.line for g in suite.gates if g.place.path == suite.path]
    ranges = [u.place for u in started if u.module.path == suite.path and not u.is_module]
    if any(place.line <= line <= place.end_line for place in ranges for line in lines):
        return True
    return any(u.is_module and u.module.path == suite.path for u in started) or not lines


def _lies_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _paths(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(paths a run names, paths it leaves out)"""
    named: list[str] = []
    ignored: list[str] = []
    taking = ""
    for word in arguments:
        if taking:
            if taking in ("--ignore", "--deselect"):
                ignored.append(word)
            taking = ""
        elif word.startswith(("--ignore=", "--deselect=")):
            ignored.append(word.partition("=")[2])
        elif word.startswith("-"):
            taking = word if word in _VALUED else ""
        elif "$" not in word and "*" not in word:
            named.append(word)
    return named, ignored


def _expression(arguments: Sequence[str], option: str) -> str:
    for index, word in enumerate(arguments):
        if word == option and index + 1 < len(arguments):
            return arguments[index + 1]
        if word.startswith(option) and not word.startswith("--") and len(word) > len(option):
            return word[len(option) :].lstrip("=")
    return ""


def _selected(test: CollectedTest, marks: str) -> bool:
    """Whether a mark expression (`not eval and not slow`) selects a test; what is no such expression selects all."""
    words = re.findall(r"[\w.]+|[()]", marks)
    result, negate, either = True, False, False
    for word in words[:60]:
        if word == "not":
            negate = not negate
        elif word == "or":
            either = True
        elif word not in ("and", "(", ")"):
            holds = (word in test.marks) != negate
            result = (result or holds) if either else (result and holds)
            negate = either = False
    return result


def _pytest_options(core: Core) -> tuple[list[str], list[str]]:
    """(`addopts`, `testpaths`) of the repository's pytest configuration at its root."""
    observations = core.observations
    for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        found = observations.ini.get(name, {}).get(section)
        if found:
            return _split(found["addopts"].value if "addopts" in found else ""), (
                found["testpaths"].value.split() if "testpaths" in found else []
            )
    document = observations.document("pyproject.toml")
    root = document.get("tool", "pytest", "ini_options") if document is not None else None
    if root is None:
        return [], []
    listed = [e.value for e in root.elements("addopts") if isinstance(e.value, str)]
    paths = [e.value for e in root.elements("testpaths") if isinstance(e.value, str)]
    return listed or _split(root.text("addopts") or ""), paths or (root.text("testpaths") or "").split()


def _split(text: str) -> list[str]:
    """Words of an option string; quotes keep words together."""
    return [a or b or c for a, b, c in re.findall(r"\"([^\"]*)\"|'([^']*)'|(\S+)", text[:2_000])]
