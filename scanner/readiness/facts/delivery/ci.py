"""Continuous integration: every step of every system, what it really runs, and whether its failure blocks a change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from readiness.extract.code import Assert, Call, Class, Function, Import, Member, Name, Raise, walk
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_github import github_steps, github_workflows
from readiness.facts.delivery.ci_gitlab import gitlab_files, gitlab_steps
from readiness.facts.delivery.ci_others import other_files, other_steps
from readiness.facts.delivery.ci_step import MAX_STEPS, CiStep, ImageBuild
from readiness.facts.delivery.commands import Command, joined
from readiness.facts.delivery.image_builds import builds_of
from readiness.facts.delivery.runners import expand
from readiness.facts.linking.units import main_guard
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_TEST_PROGRAMS = frozenset({"pytest", "py.test", "unittest", "nose2", "nosetests", "stestr", "ptw", "green", "ward"})
_TEST_ACTIONS = frozenset({"streamlit/streamlit-app-action", "pavelzw/pytest-action"})
"""Actions that run pytest over the repository; the first also starts the app once."""
_NO_RUN = frozenset(
    {"--collect-only", "--co", "--version", "-V", "-h", "--help", "--fixtures", "--markers", "--setup-plan"}
)
_TEST_NAME = re.compile(r"^(?:test_.*|.*_test|tests)\.py$")
_PYTEST_VALUED = frozenset({
    "-k", "-m", "-n", "-p", "-c", "-o", "-W", "-r", "--maxfail", "--cov", "--cov-report", "--cov-config",
    "--cov-fail-under", "--junitxml", "--junit-xml", "--rootdir", "--ignore", "--ignore-glob", "--deselect",
    "--durations", "--timeout", "--tb", "--color", "--log-level", "--log-cli-level", "--dist", "--reruns",
    "--confcutdir", "--basetemp", "--import-mode", "--override-ini", "--html", "--numprocesses", "--splits",
    "--group",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class TestRun:
    """A command of CI that runs tests. `problem` says why it does not guard a change ("" when it does).

    `left_out` are test modules of model-calling code that a run naming single files leaves out.
    """

    place: Place
    text: str
    step: CiStep
    command: Command
    problem: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """What keeps the run from guarding every change, in words; "" when nothing does."""
        if self.problem or not self.left_out:
            return self.problem
        return f"it names single files and leaves out {', '.join(self.left_out[:3])}"


@dataclass(frozen=True, slots=True)
class Ci:
    """All of a repository's continuous integration.

    `files` are the configuration files that were read, `unread` those that exist and could not be. `test_runs` run the
    suite on a pull request or push and block; `weak_test_runs` run it in a way that does not guard a change.
    """

    steps: tuple[CiStep, ...]
    files: tuple[str, ...]
    unread: tuple[Evidence, ...] = ()
    test_runs: tuple[TestRun, ...] = ()
    weak_test_runs: tuple[TestRun, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether any CI system is configured."""
        return bool(self.files or self.unread)

    @property
    def image_builds(self) -> tuple[ImageBuild, ...]:
        """The container images that CI builds, in steps that run."""
        return tuple(build for step in self.steps if step.runs for build in step.builds)

    @property
    def commands(self) -> tuple[tuple[CiStep, Command], ...]:
        """Every command of a step that runs, with its step."""
        return tuple((step, command) for step in self.steps if step.runs for command in step.commands)


def find_ci(observations: Observations, model_modules: frozenset[str] = frozenset()) -> Ci:
    """Read every CI system's configuration.

    Args:
        observations: What was read in the repository.
        model_modules: Paths of the modules that call a model, to tell which tests a run must not leave out.
    """
    steps: list[CiStep] = []
    for step in (*github_steps(observations), *gitlab_steps(observations), *other_steps(observations)):
        if len(steps) >= MAX_STEPS:
            break
        followed = replace(step, commands=expand(observations, step.commands))
        steps.append(replace(followed, builds=builds_of(followed)))
    files = [*github_workflows(observations), *gitlab_files(observations), *other_files(observations)]
    unread = tuple(
        Evidence(Place(one.path, 1, 1), one.reason) for one in observations.unread if _looks_like_ci(one.path)
    )
    runs = _distinct(_test_runs(observations, steps, model_modules))
    return Ci(
        steps=tuple(steps),
        files=tuple(sorted(set(files))),
        unread=unread,
        test_runs=tuple(run for run in runs if not run.problem and not run.left_out),
        weak_test_runs=tuple(run for run in runs if run.problem or run.left_out),
    )


def _distinct(runs: Iterable[TestRun]) -> list[TestRun]:
    """One run per line of CI: of a workflow that several others call, the caller that guards most counts."""
    best: dict[tuple[Place, str], TestRun] = {}
    for run in runs:
        known = best.get((run.place, run.text))
        if known is None or (known.why and not run.why):
            best[run.place, run.text] = run
    return list(best.values())


def _looks_like_ci(path: str) -> bool:
    return path.startswith((".github/workflows/", ".circleci/")) or path.rsplit("/", 1)[-1] in (
        ".gitlab-ci.yml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "cloudbuild.yaml",
        ".drone.yml",
        ".travis.yml",
    )


def _test_runs(observations: Observations, steps: list[CiStep], model_modules: frozenset[str]) -> Iterator[TestRun]:
    tests, scripts = _test_modules(observations), _test_scripts(observations)
    if not tests and not scripts:
        return
    for step in steps:
        for command in (*step.commands, *_implied(step)) if step.runs else ():
            covered = _covered(command, tests) or [one for one in _run_outright(command) if one in scripts]
            if not covered:
                continue
            left_out = _left_out(observations, command, covered, tests, model_modules)
            shown = f"{command.text} (by {command.via[0]})" if command.via else command.text
            yield TestRun(_seen_at(step, command), shown, step, command, _problem(step, command), left_out)


def _implied(step: CiStep) -> Iterator[Command]:
    """The run of pytest that an action is made of."""
    if step.uses is not None and step.uses.partition("@")[0].lower() in _TEST_ACTIONS:
        given = next((value for name, value in step.inputs if name in ("pytest-args", "args", "pytest_args")), "")
        yield Command(("pytest", *given.split()), f"uses: {step.uses}", step.place)


def _seen_at(step: CiStep, command: Command) -> Place:
    """The line of the CI file that runs it, also when the command stands in a Makefile."""
    return command.place if command.place.path == step.place.path else step.place


def _problem(step: CiStep, command: Command) -> str:
    if command.neutralised:
        return f"its failure does not count: {command.neutralised}"
    if step.weakness:
        return f"its failure does not block: {step.weakness}"
    if not step.on_change:
        kinds = sorted(trigger.value for trigger in step.triggers) or ["nothing"]
        return f"started by {', '.join(kinds)} only, not by a pull request or push"
    return ""


def _test_modules(observations: Observations) -> dict[str, frozenset[str]]:
    """Test modules that hold a test, with the dotted names they import."""
    found: dict[str, frozenset[str]] = {}
    for path, module in observations.modules.items():
        file = observations.files.get(path)
        if not _TEST_NAME.match(path.rsplit("/", 1)[-1]) or (file is not None and file.role is Role.VENDORED):
            continue
        has_test = any(
            (isinstance(node, Function) and node.name.startswith("test"))
            or (isinstance(node, Class) and node.name.startswith("Test"))
            for node in module.body
        ) or any(isinstance(node, Function) and node.name.startswith("test") for node in walk(module.body))
        if has_test:
            names = {
                one.module if one.name is None else f"{one.module}.{one.name}"
                for one in walk(module.body)
                if isinstance(one, Import)
            }
            found[path] = frozenset(names)
    return found


def _test_scripts(observations: Observations) -> frozenset[str]:
    """Files named like tests that are programs of their own, and end with an error when something is wrong."""
    return frozenset(
        path
        for path, module in observations.modules.items()
        if _TEST_NAME.match(path.rsplit("/", 1)[-1])
        and main_guard(module) is not None
        and any(
            isinstance(node, Assert | Raise)
            or (isinstance(node, Call) and isinstance(node.function, Member | Name)
                and getattr(node.function, "name", getattr(node.function, "id", "")) == "exit")
            for node in walk(module.body)
        )
    )  # fmt: skip


def _run_outright(command: Command) -> list[str]:
    """The file that a command runs as a program: `python tests/test_routes.py`."""
    words = command.words[1:] if command.program.startswith("python") else command.words
    return [joined(command.directory, words[0])] if words and words[0].endswith(".py") else []


def _covered(command: Command, tests: dict[str, frozenset[str]]) -> list[str]:
    """The test modules that a command runs; empty when it runs none."""
    if _NO_RUN & set(command.arguments):
        return []
    program = command.program
    if (
        program not in _TEST_PROGRAMS
        and not _is_django_test(command)
        and (program, *command.arguments[:1]) != ("hatch", "test")
    ):
        return []
    inside = f"{command.directory}/" if command.directory else ""
    here = [path for path in tests if path.startswith(inside)]
    named = _named_paths(command) if program in ("pytest", "py.test") else []
    if not named:
        # A folder that the build makes, or a container's, is not in the repository: the suite as a whole is meant.
        return here or (list(tests) if "docker" in " ".join(command.wrappers) else [])
    wanted = [joined(command.directory, name.partition("::")[0]) for name in named]
    return [path for path in tests if any(path == one or not one or path.startswith(f"{one}/") for one in wanted)]


def _is_django_test(command: Command) -> bool:
    words = command.words
    if command.program == "manage.py":
        return words[1:2] == ("test",)
    return len(words) > 2 and words[0].startswith("python") and words[1].endswith("manage.py") and words[2] == "test"


def _named_paths(command: Command) -> list[str]:
    named: list[str] = []
    skip = False
    for word in command.arguments:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _PYTEST_VALUED
        elif "$" not in word and "*" not in word:
            named.append(word)
    return named


def _left_out(
    observations: Observations,
    command: Command,
    covered: list[str],
    tests: dict[str, frozenset[str]],
    model_modules: frozenset[str],
) -> tuple[str, ...]:
    """Tests of model-calling modules that a run naming single files does not run."""
    named = _named_paths(command)
    if not named or not all(name.partition("::")[0].endswith(".py") for name in named):
        return ()
    stems = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in model_modules}
    return tuple(
        path
        for path, imported in tests.items()
        if path not in covered and any(_imports(name, stems) for name in imported)
    )


def _imports(name: str, stems: set[str]) -> bool:
    parents = {name, name.rpartition(".")[0]}
    return any(stem == one or stem.endswith(f".{one}") for stem in stems for one in parents if one)
