"""What CI runs, whichever system it is, and whether a failure blocks the change."""

from __future__ import annotations

import pytest

from readiness.extract.observations import Observations
from readiness.extract.observe import observe
from readiness.facts.delivery.ci import Ci, find_ci
from readiness.facts.delivery.ci_step import Trigger
from readiness.facts.delivery.commands import commands_in
from readiness.facts.delivery.shell import simple_commands
from readiness.repository.tree import File, Repository, Role

TESTS = {"tests/test_app.py": "def test_one():\n    assert True\n"}
GITHUB = ".github/workflows/ci.yml"


def observations(files: dict[str, str]) -> Observations:
    found = tuple(
        File(path, len(text), Role.TEST if path.startswith("tests/") else Role.SERVING, text.encode)
        for path, text in files.items()
    )
    return observe(Repository("r", None, False, None, found, ()))


def ci(files: dict[str, str]) -> Ci:
    return find_ci(observations({**TESTS, **files}))


def github(steps: str, on: str = "[push, pull_request]", job: str = "") -> dict[str, str]:
    return {GITHUB: f"on: {on}\njobs:\n  test:\n    runs-on: ubuntu-latest\n{job}    steps:\n{steps}"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("pytest", ""),
        ("pytest || true", "|| true"),
        ("pytest || echo 'tests failed'", "|| echo 'tests failed'"),
        ("pytest || exit 1", ""),
        ("pytest || { echo failed; exit 1; }", ""),
        ("pytest && echo done || true", "|| true"),
        ("set +e\npytest\necho done", "the shell goes on after a failure"),
        ("pytest | tee log.txt", "piped without pipefail"),
        ("set -o pipefail\npytest | tee log.txt", ""),
        ("if pytest; then echo fine; fi", "its failure only chooses a branch"),
        ("ruff check --exit-zero", "--exit-zero"),
        ("echo 'pytest || true'; pytest", ""),
    ],
)
def test_a_shell_says_whether_a_failure_counts(script: str, reason: str) -> None:
    commands = [one for one in simple_commands(script) if one.words[0] in ("pytest", "ruff")]
    assert [one.neutralised for one in commands] == [reason]


@pytest.mark.parametrize(
    "script",
    [
        "uv run --with x pytest -q", "poetry run python -m pytest -q", "FOO=1 sudo -E pytest -q",
        "timeout 60 pytest -q",
        "docker compose -f dev.yml exec -T web pytest -q", "docker run --rm -e A=b image:1 pytest -q",
        "bash -c 'pytest -q'",
        "coverage run --source src -m pytest -q", "xvfb-run -a pytest -q", "hatch run test:pytest -q",
    ],
)  # fmt: skip
def test_wrappers_are_taken_off(script: str) -> None:
    (command,) = commands_in(script, "x", 1)
    assert command.words == ("pytest", "-q")


def test_a_command_keeps_its_line_and_its_folder() -> None:
    install, run = commands_in("pip install x\n\ncd packages/app\npytest \\\n  -q", "ci.yml", 10)
    assert install.place.line == 10
    assert (run.place.line, run.directory) == (13, "packages/app")


@pytest.mark.parametrize(
    "files",
    [
        {"Makefile": "PYTEST = uv run pytest\ncheck: test\ntest:\n\t@$(PYTEST)\n", "run": "make check"},
        {"justfile": "test:\n    uv run pytest\n", "run": "just test"},
        {"tox.ini": "[tox]\nenvlist = py312\n[testenv]\ncommands =\n    pytest {posargs:tests}\n", "run": "tox"},
        {"noxfile.py": "import nox\n@nox.session\ndef tests(s):\n    s.run('pytest')\n", "run": "nox -s tests"},
        {"pyproject.toml": '[tool.poe.tasks]\ntest = "pytest -q"\n', "run": "poe test"},
        {"pyproject.toml": '[tool.hatch.envs.default.scripts]\ncheck = "pytest {args:}"\n', "run": "hatch run check"},
        {"package.json": '{"scripts": {"test": "uv run pytest"}}', "run": "npm test"},
        {"mise.toml": '[tasks."test:ci"]\nrun = "uv run pytest tests/"\n', "run": "mise run test:ci"},
        {"mise.toml": '[tasks.all]\ndepends = ["t"]\n[tasks.t]\nrun = ["pytest -q"]\n', "run": "mise run all"},
        {"Taskfile.yml": "tasks:\n  test:\n    cmds:\n      - uv run pytest\n", "run": "task test"},
        {"Taskfile.yml": "tasks:\n  all:\n    cmds:\n      - task: t\n  t:\n    cmds: [pytest]\n", "run": "task all"},
        {
            "compose.test.yaml": "services:\n  app:\n    build: .\n    entrypoint: [pytest]\n",
            "run": "docker compose -f compose.test.yaml up --exit-code-from app",
        },
        {"compose.yaml": "services:\n  t:\n    build: .\n    command: pytest -q\n", "run": "docker compose run --rm t"},
        {"scripts/test.sh": "#!/bin/bash\nset -e\npytest\necho done\n", "run": "./scripts/test.sh"},
    ],
)  # fmt: skip
def test_runners_are_followed_to_what_they_run(files: dict[str, str]) -> None:
    given = dict(files)
    run = given.pop("run")
    found = ci({**given, **github(f"      - run: {run}\n")})
    assert [one.command.program for one in found.test_runs] == ["pytest"]
    assert found.test_runs[0].place.path == GITHUB


@pytest.mark.parametrize(
    "configuration",
    [
        {".gitlab-ci.yml": ".base:\n  script:\n    - pytest\ntest:\n  extends: .base\n"},
        {".gitlab-ci.yml": "include:\n  - local: /ci/test.yml\n", "ci/test.yml": "test:\n  script: pytest\n"},
        {".circleci/config.yml": "jobs:\n  t:\n    steps:\n      - run: pytest\nworkflows:\n  w:\n    jobs: [t]\n"},
        {"azure-pipelines.yml": "steps:\n  - script: |\n      pip install x\n      pytest\n"},
        {"bitbucket-pipelines.yml": "pipelines:\n  default:\n    - step:\n        script:\n          - pytest\n"},
        {"cloudbuild.yaml": "steps:\n  - name: python:3.12\n    entrypoint: python\n    args: [-m, pytest]\n"},
        {"Jenkinsfile": "pipeline {\n  stages { stage('t') { steps {\n    sh 'pytest -q'\n  } } }\n}\n"},
        {".drone.yml": "kind: pipeline\nsteps:\n  - name: t\n    commands:\n      - pytest\n"},
        {".travis.yml": "language: python\nscript: pytest\n"},
        {"buildspec.yml": "phases:\n  build:\n    commands:\n      - pytest\n"},
    ],
)
def test_every_system_is_read(configuration: dict[str, str]) -> None:
    found = ci(configuration)
    assert found.exists
    assert len(found.test_runs) == 1
    assert found.weak_test_runs == ()


@pytest.mark.parametrize(
    "configuration",
    [
        github("      - run: pytest\n        continue-on-error: true\n"),
        github("      - run: pytest\n", job="    continue-on-error: true\n"),
        github("      - run: pytest\n", on="workflow_dispatch"),
        github("      - run: pytest\n", on="{push: {tags: ['v*']}}"),
        github("      - run: pytest\n", job="    if: github.event_name == 'workflow_dispatch'\n",
               on="[push, workflow_dispatch]"),
        {".gitlab-ci.yml": "test:\n  script: [pytest]\n  allow_failure: true\n"},
        {".gitlab-ci.yml": "test:\n  script: [pytest]\n  when: manual\n"},
        {"Jenkinsfile": "catchError {\n  sh 'pytest'\n}\n"},
    ],
)  # fmt: skip
def test_a_run_that_guards_no_change_is_weak(configuration: dict[str, str]) -> None:
    found = ci(configuration)
    assert found.test_runs == ()
    assert found.weak_test_runs[0].why


@pytest.mark.parametrize(
    "configuration",
    [
        github("      - run: pytest\n", job="    if: false\n"),
        github("      - run: pytest\n        if: ${{ false }}\n"),
        github(
            "      - run: pytest\n        if: matrix.os == 'windows'\n", job="    strategy: {matrix: {os: [linux]}}\n"
        ),
        github("      - run: pip install pytest\n"),
        github("      - run: pytest --collect-only\n"),
        github("      - run: echo pytest\n"),
        github("      - run: pytest other/\n"),
        {".circleci/config.yml": "jobs:\n  t:\n    steps:\n      - run: pytest\nworkflows:\n  w:\n    jobs: [other]\n"},
    ],
)
def test_what_never_runs_the_tests_is_no_run(configuration: dict[str, str]) -> None:
    found = ci(configuration)
    assert found.test_runs == found.weak_test_runs == ()


def test_an_action_can_be_a_run_of_pytest() -> None:
    step = "      - uses: streamlit/streamlit-app-action@v0.0.3\n        with: {app-path: app.py}\n"
    (run,) = ci(github(step)).test_runs
    assert run.text == "uses: streamlit/streamlit-app-action@v0.0.3" and not run.why
    only_collects = "      - uses: streamlit/streamlit-app-action@v0.0.3\n        with: {pytest-args: --collect-only}\n"
    assert ci(github(only_collects)).test_runs == ()


def test_without_tests_nothing_runs_them() -> None:
    assert find_ci(observations(github("      - run: pytest\n"))).test_runs == ()


def test_a_run_of_single_files_must_not_leave_out_tests_of_model_code() -> None:
    files = {
        "app/llm.py": "x = 1\n", "tests/test_llm.py": "from app.llm import x\ndef test_x():\n    assert x\n", **TESTS,
        **github("      - run: pytest tests/test_app.py\n"),
    }  # fmt: skip
    (run,) = find_ci(observations(files), frozenset({"app/llm.py"})).weak_test_runs
    assert run.left_out == ("tests/test_llm.py",)


def test_composite_actions_and_called_workflows_are_followed() -> None:
    found = ci(
        {
            GITHUB: "on: push\njobs:\n  a:\n    uses: ./.github/workflows/inner.yml\n",
            ".github/workflows/inner.yml": "on: workflow_call\njobs:\n b:\n  steps:\n  - uses: ./.github/actions/t\n",
            ".github/actions/t/action.yml": "runs:\n  using: composite\n  steps:\n  - run: pytest\n    shell: bash\n",
        }
    )
    (run,) = found.test_runs
    assert run.place.path == ".github/actions/t/action.yml"
    assert run.step.triggers == {Trigger.PUSH}


@pytest.mark.parametrize(
    ("step", "file", "context"),
    [
        (
            "- uses: docker/build-push-action@v6\n        with: {context: app, file: app/Dockerfile.x}",
            "app/Dockerfile.x",
            "app",
        ),
        ("- run: docker build -t x:1 -f docker/Dockerfile .", "docker/Dockerfile", ""),
        ("- run: docker buildx build --platform linux/amd64 --push app", None, "app"),
    ],
)
def test_image_builds_are_found(step: str, file: str | None, context: str) -> None:
    (build,) = ci(github(f"      {step}\n")).image_builds
    assert (build.file, build.context) == (file, context)


def test_an_unreadable_workflow_is_said_to_be_unread() -> None:
    found = ci({GITHUB: "on: [push\njobs: {"})
    assert found.exists
    assert [one.place.path for one in found.unread] == [GITHUB]


def test_compose_tells_how_its_containers_end_only_when_asked_to() -> None:
    files = {"compose.yaml": "services:\n  app:\n    build: .\n    command: pytest\n"}
    silent = ci({**files, **github("      - run: docker compose up\n")})
    telling = ci({**files, **github("      - run: docker compose up --exit-code-from app\n")})

    assert (len(silent.test_runs), len(silent.weak_test_runs)) == (0, 1)
    assert (len(telling.test_runs), len(telling.weak_test_runs)) == (1, 0)
    assert [build.service for build in telling.image_builds] == ["app"]


@pytest.mark.parametrize(("ending", "runs"), [("    raise SystemExit(main())", 1), ("    main()", 0)])
def test_a_test_that_is_a_program_is_run_as_one(ending: str, runs: int) -> None:
    source = f"def main():\n    return 1 if 1 + 1 != 2 else 0\n\nif __name__ == '__main__':\n{ending}\n"
    found = ci({"app/test_routes.py": source, **github("      - run: python app/test_routes.py\n")})
    assert len(found.test_runs) == runs


@pytest.mark.parametrize(
    ("tasks", "run", "words"),
    [
        ('test = "pytest -q"', "poe test", ["pytest -q"]),
        ('test.cmd = "pytest -q"', "uv run --locked poe -q test", ["pytest -q"]),
        ('test = { shell = "cd tests\\npytest" }', "poe test", ["pytest"]),
        ('a = "ruff check ."\nb = "pytest"\nall = ["a", "b"]', "poe all", ["ruff check .", "pytest"]),
        ('a.cmd = "pytest"\nall = { sequence = [{ ref = "a" }, { cmd = "mypy" }] }', "poe all", ["pytest", "mypy"]),
        ('a = { cmd = "pytest" }\nb = { sequence = ["a"] }\nall = { sequence = ["b"] }', "poe all", ["pytest"]),
        ('a = "ruff check ."\nt = { cmd = "pytest", deps = ["a"] }', "poe t", ["ruff check .", "pytest"]),
        ('all = ["all"]', "poe all", []),
        ('e = { script = "evals.run:main(1)" }', "poe e", ["evals.run:main"]),
        ('test = "pytest"', "poe lint", ["poe lint"]),
        ('test = "pytest"', "poe -C elsewhere test", ["poe -C elsewhere test"]),
    ],
)
def test_a_task_of_the_project_is_what_it_runs(tasks: str, run: str, words: list[str]) -> None:
    files = {"pyproject.toml": f"[tool.poe.tasks]\n{tasks}\n", **github(f"      - run: {run}\n")}
    found = [" ".join(command.words) for _, command in ci(files).commands]
    assert found == words or (not words and found == [run])


def test_a_task_that_ignores_failure_blocks_nothing() -> None:
    files = {"pyproject.toml": '[tool.poe.tasks]\ntest = { cmd = "pytest", ignore_fail = true }\n'}
    (run,) = ci({**files, **github("      - run: poe test\n")}).weak_test_runs
    assert "the runner ignores its failure" in run.problem


def test_gitlab_takes_the_lines_that_a_reference_names() -> None:
    text = """
.setup:
  script: [uv sync --locked]
.inner:
  script:
    - !reference [.setup, script]
    - !reference [.nowhere, script]
    - uv run pytest
test:
  before_script: !reference [.setup, script]
  script:
    - !reference [.inner, script]
"""
    found = [" ".join(command.words) for _, command in ci({".gitlab-ci.yml": text}).commands]
    assert found == ["uv sync --locked", "uv sync --locked", "pytest"]


def test_a_reference_to_itself_ends() -> None:
    assert not ci({".gitlab-ci.yml": "test:\n  script:\n    - !reference [test, script]\n"}).commands
