"""How long a cold scan takes, beside parsing the same Python files with `ast` in the same run.

    pytest tests/benchmarks -n 0 --benchmark-enable --benchmark-group-by=group

compares the two in one table per tree: the ratio is what is worth remembering, since it hardly depends on the machine.
No test asserts a time. The default run calls each once, so that they cannot rot.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import readiness

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ROUTES = 12
MODULES = 60
ROUTE = '''

@router.post("/topics/{module}/{route}")
async def answer_{route}(question: Question) -> Answer:
    """Answers questions about topic {route}."""
    try:
        completion = await client.chat.completions.create(
            model=MODEL,
            temperature=0.0,
            max_tokens=400,
            messages=[{{"role": "system", "content": PROMPT}}, {{"role": "user", "content": question.text}}],
        )
    except openai.APITimeoutError:
        logger.warning("topic %s: the model did not answer in time", "{route}")
        return Answer(text=APOLOGY, topic="{route}")
    return Answer(text=completion.choices[0].message.content or APOLOGY, topic="{route}")
'''
MODULE = '''"""Routes of module {module}."""

import logging

import openai
from fastapi import APIRouter
from pydantic import BaseModel, Field

MODEL = "gpt-4o-2024-08-06"
PROMPT = "You answer questions about module {module}."
APOLOGY = "We cannot answer right now."

logger = logging.getLogger(__name__)
router = APIRouter()
client = openai.AsyncOpenAI(timeout=30.0, max_retries=2)


class Question(BaseModel):
    text: str = Field(max_length=2000)


class Answer(BaseModel):
    text: str
    topic: str
'''


@pytest.fixture(scope="module", params=["generated service", "readiness itself"])
def tree(request: pytest.FixtureRequest, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Python: a service of many model calls, or this project's own package."""
    if request.param == "readiness itself":
        # A copy: in the work tree only what git tracks would be scanned, but everything parsed.
        copy = tmp_path_factory.mktemp("readiness-itself", numbered=False) / "scanner"
        return Path(shutil.copytree(project / "scanner", copy, ignore=shutil.ignore_patterns("__pycache__")))
    root = tmp_path_factory.mktemp("generated-service", numbered=False)
    (root / "app.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n", encoding="utf-8")
    for module in range(MODULES):
        routes = "".join(ROUTE.format(module=module, route=f"{module}_{route}") for route in range(ROUTES))
        (root / f"routes_{module}.py").write_text(MODULE.format(module=module) + routes, encoding="utf-8")
    return root


def parse_all(root: Path) -> int:
    """The floor: read and parse every Python file, keep nothing."""
    return sum(len(ast.parse(path.read_bytes()).body) for path in root.rglob("*.py"))


def test_parsing_with_ast(benchmark: BenchmarkFixture, tree: Path) -> None:
    benchmark.group = tree.name

    assert benchmark(parse_all, tree) > 0


def test_cold_scan(benchmark: BenchmarkFixture, tree: Path) -> None:
    benchmark.group = tree.name

    report = benchmark(readiness.scan, tree)

    assert report.repository.files.python == len(list(tree.rglob("*.py")))
