"""What tools do, who is asked first, and how far they reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

AGENT = """
from langchain.agents import create_agent
from langchain_core.tools import tool
from fastapi import FastAPI

app = FastAPI()

{tool}

agent = create_agent("openai:gpt-4o-2024-08-06", tools=[act])


@app.post("/ask")
def ask(question: str) -> str:
    return agent.invoke({{"messages": [("user", question)]}})["messages"][-1].content
"""


def test_a_deed_is_found_behind_two_calls(facts_of: FactsOf) -> None:
    body = '''
import os


def remove(path: str) -> None:
    os.remove(path)


def tidy(path: str) -> None:
    remove(path)


@tool
def act(path: str) -> str:
    """Tidy up."""
    tidy(path)
    return "done"
'''

    (risky,) = facts_of({"app.py": AGENT.format(tool=body)}).risky_tools

    assert (risky.text, risky.effect, risky.asking) == ("act", "removes or moves files", "none")
    assert risky.deed.line < risky.place.line


@pytest.mark.parametrize(
    "deed",
    [
        "open(path).read()",
        'open("/var/cache/found.txt", "w").write(path)',
        'sqlite3.connect("a.db").execute("SELECT * FROM orders WHERE id = ?", (path,))',
        'httpx.post("https://example.org/v1/search", json={"q": path})',
    ],
)
def test_what_only_reads_or_is_its_own_is_no_risk(facts_of: FactsOf, deed: str) -> None:
    body = (
        f'import sqlite3\nimport httpx\n\n@tool\ndef act(path: str) -> str:\n    """Act."""\n    return str({deed})\n'
    )

    found = facts_of({"app.py": AGENT.format(tool=body)})

    assert found.gates.agent
    assert found.risky_tools == []
    assert not found.gates.risk


def test_an_interrupt_that_decides_nothing_is_no_approval(facts_of: FactsOf) -> None:
    body = '''
import os

from langgraph.types import interrupt


@tool
def act(path: str) -> str:
    """Remove a file."""
    note = interrupt("Anything to add?")
    os.remove(path)
    return note
'''

    (risky,) = facts_of({"app.py": AGENT.format(tool=body)}).risky_tools

    assert risky.asking == "none"


def test_an_approval_of_another_tool_is_none(facts_of: FactsOf) -> None:
    body = 'import os\n\n@tool\ndef act(path: str) -> None:\n    """Remove."""\n    os.remove(path)\n'
    code = AGENT.format(tool=body).replace("tools=[act]", "tools=[act], middleware=[Ask(interrupt_on={'other': True})]")
    code = "from langchain.agents.middleware import HumanInTheLoopMiddleware as Ask\n" + code

    (risky,) = facts_of({"app.py": code}).risky_tools

    assert risky.asking == "none"
