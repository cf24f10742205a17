"""The tools of a repository as a model sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """
from typing import Annotated, Any
from agents import Agent, RunContextWrapper, Runner, function_tool
from fastapi import FastAPI
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel
app = FastAPI()
"""
TAIL = """
agent = Agent(name="clerk", model="gpt-4o", tools=[{tool}])

@app.post("/ask")
async def ask(question: str):
    return (await Runner.run(agent, question)).final_output
"""


@pytest.mark.parametrize(
    ("source", "tool", "expected"),
    [
        ("@function_tool\ndef find(number: int):\n    'Finds an order.'\n", "find", ("full", True)),
        ("@function_tool\ndef find(number):\n    'Finds an order.'\n", "find", ("none", True)),
        ("@function_tool\ndef find(number: int | dict):\n    pass\n", "find", ("loose", False)),
        ("@function_tool\ndef find(filters: list[Any]):\n    'Finds.'\n", "find", ("loose", True)),
        ("@function_tool\ndef find(number: Annotated[int, 'its number']):\n    'Finds.'\n", "find", ("full", True)),
        ("@function_tool(description_override='Finds.')\ndef find(ctx: RunContextWrapper[Any]):\n    pass\n", "find",
         ("full", True)),
        ("def find(n: int):\n    pass\n", "StructuredTool.from_function(find, description='Finds.')", ("full", True)),
        ("class Find(BaseTool):\n    description: str = 'Finds.'\n    def _run(self, n):\n        pass\n", "Find()",
         ("none", True)),
    ],
)  # fmt: skip
def test_a_tool_is_typed_and_described_however_it_is_made(
    facts_of: FactsOf, source: str, tool: str, expected: tuple[str, bool]
) -> None:
    (found,) = facts_of({"app.py": HEAD + source + TAIL.format(tool=tool)}).tool_schemas

    assert (found.types, found.described) == expected
