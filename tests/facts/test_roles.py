"""What a file is for: its path says it first, its content corrects it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.core import Core
from readiness.repository.tree import Role

Link = Callable[[Mapping[str, str]], Core]

SERVICE = "import fastapi\napp = fastapi.FastAPI()\n@app.get('/')\ndef home(): ...\n"
GUARDED = "def run(): ...\nif __name__ == '__main__':\n  run()\n"


def role(core: Core, path: str) -> Role:
    return core.program.modules[path].role


def test_a_file_that_imports_an_evaluation_framework_is_evaluation(linked: Link) -> None:
    core = linked({"main.py": SERVICE, "app/judge.py": "from ragas import evaluate\nevaluate()\n"})

    assert role(core, "app/judge.py") is Role.EVAL


def test_a_file_that_is_only_run_by_hand_is_a_script(linked: Link) -> None:
    assert role(linked({"main.py": SERVICE, "app/fill.py": GUARDED}), "app/fill.py") is Role.SCRIPT


@pytest.mark.parametrize(
    "others",
    [
        {"Dockerfile": 'FROM python:3.12\nCMD ["python", "app/fill.py"]\n'},
        {"Procfile": "worker: python -m app.fill\n"},
        {"main.py": SERVICE + "from app.fill import run\n"},
    ],
    ids=["an image runs it", "a platform runs it", "the service imports it"],
)
def test_a_file_that_the_service_needs_is_no_script(others: dict[str, str], linked: Link) -> None:
    assert role(linked({"main.py": SERVICE, "app/fill.py": GUARDED, **others}), "app/fill.py") is Role.SERVING


def test_a_file_with_a_route_is_no_script_though_it_can_be_run(linked: Link) -> None:
    assert role(linked({"main.py": SERVICE + GUARDED}), "main.py") is Role.SERVING


def test_a_folder_of_tools_that_the_service_imports_serves(linked: Link) -> None:
    files = {
        "main.py": SERVICE + "from scripts.first import x\n",
        "scripts/first.py": "from scripts.second import x\n",
        "scripts/second.py": "x = 1\n",
        "scripts/alone.py": "x = 1\n",
    }

    core = linked(files)

    assert [role(core, f"scripts/{name}.py") for name in ("first", "second", "alone")] == [
        Role.SERVING, Role.SERVING, Role.SCRIPT,
    ]  # fmt: skip


def test_a_sample_at_the_top_that_nothing_imports_is_an_example(linked: Link) -> None:
    assert role(linked({"main.py": SERVICE, "sample_usage.py": "x = 1\n"}), "sample_usage.py") is Role.EXAMPLE


@pytest.mark.parametrize(
    ("files", "demo"),
    [
        ({"examples/chat.py": "x = 1\n"}, True),
        ({"app/run.py": GUARDED}, True),
        ({"main.py": SERVICE, "examples/chat.py": "x = 1\n"}, False),
        ({"tests/test_it.py": "x = 1\n"}, False),
    ],
    ids=["only examples", "only scripts", "a service with examples", "only tests"],
)
def test_a_repository_without_serving_code_is_a_demo(files: dict[str, str], demo: bool, linked: Link) -> None:
    assert linked(files).demo is demo


def test_a_demo_is_judged_as_if_it_served(linked: Link) -> None:
    assert role(linked({"examples/chat.py": "x = 1\n"}), "examples/chat.py") is Role.SERVING


def test_a_part_called_research_serves_when_the_service_imports_it(linked: Link) -> None:
    used = {"app/main.py": "from app.research.run import go\n" + SERVICE, "app/research/run.py": "def go(): ...\n"}

    assert role(linked(used), "app/research/run.py") is Role.SERVING
    assert role(linked({**used, "app/main.py": SERVICE}), "app/research/run.py") is Role.EXAMPLE


def test_what_is_called_evaluation_and_what_it_imports_is_evaluation(linked: Link) -> None:
    files = {
        "main.py": SERVICE,
        "evaluate.py": "from evaluators.fluency import judge\n" + GUARDED,
        "evaluators/__init__.py": "",
        "evaluators/fluency.py": "def judge(): ...\n",
        ".github/workflows/evals.yml": "jobs:\n  a:\n    steps:\n      - run: python -m evaluate\n",
    }

    core = linked(files)

    assert [role(core, path) for path in ("evaluate.py", "evaluators/fluency.py")] == [Role.EVAL, Role.EVAL]


def test_what_the_service_imports_serves_though_it_is_called_evaluation(linked: Link) -> None:
    files = {
        "main.py": SERVICE + "from evaluation import judge\n",
        "evaluation.py": "def judge(): ...\n" + GUARDED,
        "app/evaluators.py": "def judge(): ...\n",
    }

    core = linked(files)

    assert [role(core, path) for path in ("evaluation.py", "app/evaluators.py")] == [Role.SERVING, Role.SERVING]
