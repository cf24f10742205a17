"""Two scans of the same files say the same, byte for byte, whatever order a process gives its sets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

SCAN = """\
import sys, readiness
from readiness.report.json import to_json
sys.stdout.write(to_json(readiness.scan(sys.argv[1])))
"""

TASK = """\
import json, re
import openai
from langgraph.graph import StateGraph
from core.settings import settings
from core.llm import complete, Base{other}

client = openai.OpenAI(timeout=settings.timeout)
OPTIONS = {{"temperature": 0, "max_tokens": {number}}}


class Task{number}(Base{other}):
    def run(self, text, **options):
        answer = client.chat.completions.create(
            model=settings.model, messages=[{{"role": "user", "content": f"Task {number}: {{text}}"}}], **OPTIONS
        )
        content = answer.choices[0].message.content
        found = re.search("{{.*}}", content)
        return json.loads(found.group(0)) if found else self.again(content)

    def again(self, content):
        return eval(complete(content, **OPTIONS))


def first(state):
    return Task{number}().run(state["text"])


def second(state):
    return {{"text": complete(state["text"])}}


graph = StateGraph(dict)
graph.add_node("first", first)
graph.add_node("second", second)
flow = graph.compile()
"""


def generated(modules: int = 12) -> Iterator[tuple[str, str]]:
    numbers = range(modules)
    yield "core/__init__.py", ""
    yield (
        "core/settings.py",
        (
            "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
            "  model: str = 'gpt-4.1'\n  timeout: int = 20\nsettings = Settings()\n"
        ),
    )
    bases = "".join(f"class Base{n}:\n  def again(self, content):\n    return complete(content)\n" for n in numbers)
    yield (
        "core/llm.py",
        (
            "import openai\nclient = openai.AsyncOpenAI()\nasync def complete(text, **options):\n"
            f"  return await client.responses.create(model='gpt-4o', input=text, **options)\n{bases}"
        ),
    )
    for number in numbers:
        yield f"tasks/task_{number}.py", TASK.format(number=number, other=modules - 1 - number)
    routes = "".join(
        f"from tasks.task_{n} import flow as flow_{n}, Task{n}\n"
        f"@app.post('/{n}')\ndef route_{n}(text: str):\n"
        f"  return [flow_{n}.invoke({{'text': text}}), Task{n}().run(text)]\n"
        for n in numbers
    )
    yield "app.py", f"import fastapi\napp = fastapi.FastAPI()\n{routes}"


def scan(root: Path, scanner: Path, seed: str) -> bytes:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(scanner), "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", SCAN, str(root)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120).stdout


def test_the_order_of_sets_never_reaches_a_report(
    make_repository: Callable[[Mapping[str, str]], Path], project: Path
) -> None:
    root = make_repository(dict(generated()))

    first, second = (scan(root, project / "scanner", seed) for seed in ("1", "2"))

    assert first == second
    assert b'"verdict"' in first
