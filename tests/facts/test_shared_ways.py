"""Ways in which services commonly share what they use: other constructors, aliases of types, state, folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.extract.markdown import Table
from readiness.facts.core import Core
from readiness.facts.facts import Facts
from readiness.facts.governance.responsibilities import duties_of_table

Link = Callable[[Mapping[str, str]], Core]
FactsOf = Callable[[Mapping[str, str]], Facts]

PROVIDER = """\
from langchain_openai import ChatOpenAI

class Provider:
    def __init__(self, llm):
        self.llm = llm

    @classmethod
    def named(cls, name, **options):
        return cls(ChatOpenAI(**options))

    async def ask(self, text):
        return (await self.llm.ainvoke(text)).content
"""
INJECTED = """\
from typing import Annotated
from fastapi import Depends, Request
from pydantic import BaseModel

class Settings(BaseModel):
    model: str

async def settings_of(request: Request) -> Settings:
    return request.state.settings

Shared = Annotated[Settings, Depends(settings_of)]
"""
ROUTE = """\
from fastapi import FastAPI
from openai import OpenAI
from pydantic import BaseModel
from injected import Shared

app = FastAPI()
client = OpenAI()

class Question(BaseModel):
    text: str

@app.post("/ask")
def ask(question: Question, settings: Shared):
    return client.responses.create(model=settings.model, input=question.text).output_text
"""


def test_a_class_that_builds_itself_is_given_what_that_passes(linked: Link) -> None:
    (call,) = linked({"llm.py": PROVIDER}).calls
    assert (call.name, call.is_invocation, call.place.line) == ("ainvoke", True, 12)


def test_options_that_one_branch_changes_are_still_those_of_the_callers(linked: Link) -> None:
    source = """\
from langchain_openai import AzureChatOpenAI, ChatOpenAI

def make(provider, **options):
    if provider == "azure":
        options = {"azure_deployment": "chat", **options}
        return AzureChatOpenAI(**options)
    return ChatOpenAI(**options)

def ask(text):
    return make("openai", model="gpt-4o-2024-08-06", max_tokens=300).invoke(text)
"""
    (call,) = linked({"llm.py": source}).calls
    assert {one.output_cap.number for one in (call, *call.variants)} == {300}


def test_what_an_alias_injects_is_no_input(facts_of: FactsOf) -> None:
    (request,) = facts_of({"injected.py": INJECTED, "app.py": ROUTE}).requests
    assert [one.name for one in request.shapes] == ["question"]


def test_what_an_alias_injects_is_run(linked: Link) -> None:
    core = linked({"injected.py": INJECTED, "app.py": ROUTE})
    (entry,) = core.entry_points
    assert "settings_of" in {unit.name for unit in core.reached_from(entry)}


@pytest.mark.parametrize(("before", "handed"), [("pass", "answer(text)"), ("made = answer(text)", "made")])
def test_a_stream_is_guarded_where_another_generator_reads_it(facts_of: FactsOf, before: str, handed: str) -> None:
    source = f"""\
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import OpenAI, RateLimitError

app = FastAPI()
client = OpenAI(timeout=30)

def answer(text):
    for chunk in client.responses.create(model="gpt-4o", input=text, stream=True):
        yield chunk

def events(parts):
    try:
        for part in parts:
            yield str(part)
    except RateLimitError:
        yield "busy"

@app.post("/ask")
def ask(text: str):
    {before}
    return StreamingResponse(events({handed}))
"""
    (failure,) = facts_of({"app.py": source}).call_failures
    assert [path.text for path in failure.paths] == ["except RateLimitError"]


GRAPH = """\
import re
from fastapi import FastAPI
from langchain_openai import ChatOpenAI
from langgraph.graph import StateGraph
from langgraph.types import Command

llm = ChatOpenAI(model="gpt-4o-2024-08-06")

def think(state):
    response = llm.invoke(state["messages"])
    {update}

def act(state):
    return {{"route": re.search("Action: (.*)", state["messages"][-1].content).group(1)}}

graph = StateGraph(dict)
graph.add_node("think", think)
graph.add_node("act", act)
agent = graph.compile()
app = FastAPI()

@app.post("/chat")
def chat(question: str):
    return agent.invoke({{"messages": [question]}})
"""


@pytest.mark.parametrize(
    "update",
    [
        'return {"messages": [response]}',
        'return {"messages": response}',
        'return Command(update={"messages": [response]}, goto="act")',
        'state["messages"].append(response)\n    return state',
        'return {**state, "messages": state["messages"] + [response]}',
    ],
)
def test_model_text_comes_back_through_the_state_of_a_graph(facts_of: FactsOf, update: str) -> None:
    facts = facts_of({"app.py": GRAPH.format(update=update)})
    assert facts.gates.parse


def test_state_without_model_text_is_not_taken_for_it(facts_of: FactsOf) -> None:
    assert not facts_of({"app.py": GRAPH.format(update='return {"messages": ["fixed"]}')}).gates.parse


def test_a_call_that_a_graph_shares_with_a_route_is_a_site_of_its_own(linked: Link) -> None:
    source = """\
from fastapi import FastAPI
from langgraph.graph import StateGraph
from openai import OpenAI

client = OpenAI()
app = FastAPI()

def shared(text):
    return client.responses.create(model="gpt-4o", input=text).output_text

def own(text):
    return client.responses.create(model="gpt-4o", input=text).output_text

def node(state):
    return {"a": own(shared(state["q"]))}

graph = StateGraph(dict)
graph.add_node("node", node)
agent = graph.compile()

@app.post("/graph")
def run(q: str):
    return agent.invoke({"q": q})

@app.post("/plain")
def plain(q: str):
    return shared(q)
"""
    calls = [c for c in linked({"app.py": source}).calls if not c.is_agent]
    assert [(c.unit.name, c.inside is None) for c in calls] == [("shared", True), ("own", False)]


PINNED = "httpx==0.28.1\n    # via openai\nopenai==1.59.3\n    # via -r requirements.in\n"
IMAGE = """\
FROM python:3.12.8-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY app.py .
USER app
CMD python app.py
"""


def test_an_image_of_a_folder_installs_the_list_that_lies_beside_it(facts_of: FactsOf) -> None:
    facts = facts_of(
        {
            "backend/app.py": "print('hi')\n",
            "backend/Dockerfile": IMAGE,
            "backend/requirements.txt": PINNED,
            "evals/requirements.txt": "ragas\n",
        }
    )
    assert [one.lock for one in facts.dependencies.locked_installs] == ["backend/requirements.txt"]
    (image,) = facts.deployment.images
    assert {point.name: point.met for point in image.all_points}["lock"]


def test_a_list_of_direct_pins_is_no_lock_of_an_image(facts_of: FactsOf) -> None:
    files = {"app.py": "print('hi')\n", "Dockerfile": IMAGE, "requirements.txt": "openai==1.59.3\n"}
    (image,) = facts_of(files).deployment.images
    assert not {point.name: point.met for point in image.all_points}["lock"]


@pytest.mark.parametrize(("top", "limit"), [("5", "none"), ("5000", "cut")])
def test_taking_the_best_results_cuts_no_text(facts_of: FactsOf, top: str, limit: str) -> None:
    source = f"""\
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
client = OpenAI()

def found(text, index, top={top}):
    return index.search(text)[:top]

@app.post("/ask")
def ask(text: str, index=None):
    return client.responses.create(model="gpt-4o", input=str(found(text, index))).output_text
"""
    limits = {channel.limit for channel in facts_of({"app.py": source}).input_channels}
    assert limits == {limit}


def test_a_monkeypatch_of_a_session_replaces_like_any_other(facts_of: FactsOf) -> None:
    service = """\
from openai import OpenAI
client = OpenAI()
def ask(text):
    return client.responses.create(model="gpt-4o", input=text).output_text
"""
    conftest = """\
import openai.resources.responses
import pytest

@pytest.fixture(scope="session")
def patches():
    with pytest.MonkeyPatch.context() as patcher:
        yield patcher

@pytest.fixture
def fake(patches):
    patches.setattr(openai.resources.responses.Responses, "create", lambda *a, **k: None)
"""
    test = "from service import ask\n\ndef test_ask(fake):\n    assert ask('x') is None\n"
    files = {"service.py": service, "tests/conftest.py": conftest, "tests/test_ask.py": test}
    assert facts_of(files).fake_tests.covered_modules == ("service.py",)


def test_the_settings_of_an_editor_are_for_local_development(facts_of: FactsOf) -> None:
    settings = '{"sqltools.connections": [{"name": "local", "username": "admin", "password": "postgres"}]}'
    found = facts_of({".vscode/settings.json": settings, "app.py": "print('hi')\n"}).secrets
    assert [one.where.value for one in found] == ["local-development"]


@pytest.mark.parametrize(("first", "assigned"), [("Agent", False), ("Activity", True)])
def test_what_agents_of_the_software_do_is_no_table_of_responsibilities(first: str, assigned: bool) -> None:
    rows = (("Builds prompts", "search.py", "Maria"), ("Runs searches", "run.py", "Omar"), ("Reviews", "r.py", "Li"))
    table = Table((first, "File", "Role"), rows, 1, 6)
    assert (duties_of_table(table, "Roles") is not None) is assigned
