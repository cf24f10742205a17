"""Services put together from a framework's own parts: stand-ins, nodes, tasks, shared models, several programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from readiness.facts.core import Core
from readiness.facts.facts import Facts
from readiness.facts.governance.secrets import Where

Link = Callable[[Mapping[str, str]], Core]
FactsOf = Callable[[Mapping[str, str]], Facts]

GRAPH = """\
from langchain_core.runnables import ConfigurableField, RunnableBinding, chain
from langchain_openai import ChatOpenAI
from langgraph.graph import MessageGraph

def build(llm, name):
    graph = MessageGraph()
    graph.add_node(name, prepare | llm)
    graph.set_entry_point(name)
    return graph.compile()

def prepare(messages):
    return messages

class Answering(RunnableBinding):
    def __init__(self, *, name, **others):
        bound = build(ChatOpenAI(model="gpt-4o-2024-08-06", timeout=20), name)
        super().__init__(bound=bound.with_config({"recursion_limit": 7}), kwargs={}, config={})

agent = Answering(name="a").configurable_fields(name=ConfigurableField(id="name"))
"""
SERVICE = """\
from fastapi import BackgroundTasks, FastAPI
from agent import agent

app = FastAPI()

@app.post("/ask")
def ask(question: str, tasks: BackgroundTasks) -> str:
    tasks.add_task(agent.invoke, question)
    return "later"

@app.get("/schema")
def schema() -> dict:
    return agent.get_input_schema().model_json_schema()
"""


def test_a_stand_in_is_what_it_was_given_and_a_node_may_be_a_model_itself(linked: Link) -> None:
    core = linked({"agent.py": GRAPH, "main.py": SERVICE})
    (site,) = [c for c in core.calls if c.is_agent]
    assert (site.place.path, site.place.line, site.reachable) == ("main.py", 8, True)
    assert (site.model.id, site.timeout.seconds, site.steps.number) == ("gpt-4o-2024-08-06", 20, 7)
    assert all(c.inside is site for c in core.calls if c is not site)


def test_looking_at_a_graph_does_not_run_it(linked: Link) -> None:
    core = linked({"agent.py": GRAPH, "main.py": SERVICE})
    schema = next(e for e in core.entry_points if e.unit.name == "schema")
    assert "prepare" not in {unit.name for unit in core.reached_from(schema)}


def test_alternatives_that_can_be_chosen_are_sites_of_their_own(linked: Link) -> None:
    other = """
second = MessageGraph()
second.add_node("b", ChatOpenAI(model="gpt-4o-mini-2024-07-18"))
other = second.compile().configurable_alternatives(ConfigurableField(id="kind"), default_key="b", a=agent)
"""
    core = linked({"agent.py": GRAPH + other, "main.py": SERVICE.replace("agent.invoke", "other.invoke").replace(
        "import agent", "import agent, other")})  # fmt: skip
    assert len([c for c in core.calls if c.is_agent]) == 2


def test_a_function_made_a_runnable_runs_when_that_is_invoked(linked: Link) -> None:
    source = GRAPH + "\nmodel = ChatOpenAI()\n\n@chain\ndef rewrite(text):\n    return model.invoke(text)\n"
    service = "from fastapi import FastAPI\nfrom agent import rewrite\n\napp = FastAPI()\n\n@app.post('/ask')\n" \
              "def ask(question: str) -> str:\n    return rewrite.invoke(question)\n"  # fmt: skip
    core = linked({"agent.py": source, "main.py": service})
    assert any(c.unit.name == "rewrite" and c.reachable for c in core.calls)


def test_shared_code_finds_the_settings_of_the_program_it_is_run_by(linked: Link) -> None:
    core = linked({
        "src/core/__init__.py": "", "src/core/rag/__init__.py": "",
        "src/core/rag/ask.py": "from config import MODEL\nfrom openai import OpenAI\n\n"
                           "def ask(q):\n    return OpenAI().responses.create(model=MODEL, input=q)\n",
        "src/core/config.py": "MODEL = 'of-the-package'\n",
        "src/serving/config.py": "MODEL = 'gpt-4o-2024-08-06'\n",
    })  # fmt: skip
    (call,) = core.calls
    assert (call.model.id, call.model.options) == ("gpt-4o-2024-08-06", ())


def test_an_endpoint_of_sagemaker_generates_text(linked: Link) -> None:
    source = """\
from sagemaker.huggingface import HuggingFacePredictor

llm = HuggingFacePredictor(endpoint_name="x")
answer = llm.predict({"inputs": "q", "parameters": {"max_new_tokens": 90, "temperature": 0.1}})
"""
    (call,) = linked({"app.py": source}).calls
    assert (call.generates, call.output_cap.number, call.sampling.value) == (True, 90, 0.1)


LLAMA = """\
from fastapi import FastAPI
from llama_index.agent.openai import OpenAIAgent
from llama_index.core import Settings
from llama_index.core.tools import QueryEngineTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

Settings.llm = OpenAI(model="gpt-4o-2024-08-06")
Settings.embed_model = OpenAIEmbedding()
app = FastAPI()

def tool():
    inner = OpenAIAgent.from_tools([], llm=Settings.llm)
    return QueryEngineTool.from_defaults(query_engine=inner)

def agent():
    return OpenAIAgent.from_tools([tool()], llm=OpenAI(model="gpt-4o-2024-08-06"), max_function_calls=3)

@app.post("/ask")
def ask(question: str) -> str:
    try:
        return str(agent().chat(question))
    except Exception:
        return "later"
"""


def test_an_agent_given_as_a_tool_is_inside_and_a_shared_embedder_fails_where_the_agent_does(facts_of: FactsOf) -> None:
    facts = facts_of({"app.py": LLAMA})
    sites = [c for c in facts.calls if c.inside is None]
    assert sorted(c.kind for c in sites) == ["embed", "generate"]
    assert next(c.steps.number for c in sites if c.is_agent) == 3
    assert all(path.handled for failure in facts.call_failures for path in failure.paths)


TASK = """\
import asyncio
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI()

async def answer(question):
    return await client.responses.create(model="gpt-4o-2024-08-06", input=question)

@app.post("/ask")
async def ask(question: str) -> str:
    task = asyncio.create_task(answer(question))
    {before}
    try:
        {inside}
    except Exception:
        return "later"
    return "done"
"""


def test_the_failure_of_a_task_comes_out_where_it_is_awaited(facts_of: FactsOf) -> None:
    for before, inside, handled in (("pass", "await task", True), ("await task", "pass", False)):
        (failure,) = facts_of({"app.py": TASK.format(before=before, inside=inside)}).call_failures
        assert [path.handled for path in failure.paths] == [handled]


def test_a_stream_handed_to_a_function_is_read_there(facts_of: FactsOf) -> None:
    source = """\
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import OpenAI

app = FastAPI()
client = OpenAI()

def answer(question):
    for event in client.responses.create(model="gpt-4o-2024-08-06", input=question, stream=True):
        yield event

def events(stream):
    try:
        for one in stream:
            yield str(one)
    except Exception:
        yield "later"

@app.post("/ask")
def ask(question: str):
    return StreamingResponse(events(answer(question)))
"""
    (failure,) = facts_of({"app.py": source}).call_failures
    assert [path.handled for path in failure.paths] == [True]


SOCKET = """\
from fastapi import FastAPI, WebSocket
from openai import OpenAI
from pydantic import BaseModel

app = FastAPI()
client = OpenAI()

class Person(BaseModel):
    id: str

class Question(BaseModel):
    text: str
    person: str

def find(person):
    return Person(id=person)

@app.websocket("/ws")
async def talk(socket: WebSocket):
    data = await socket.receive_json()
    {check}
    answer = client.responses.create(model="gpt-4o-2024-08-06", input=data["text"], user=data["person"])
    await socket.send_text(answer.output_text)
"""


def test_a_check_of_one_item_is_no_check_of_the_others(facts_of: FactsOf) -> None:
    for check, typed in (("find(data['person'])", False), ("Question(**data)", True),
                         ("Question(text=data['text'], person=data['person'])", True)):  # fmt: skip
        (entry,) = facts_of({"app.py": SOCKET.format(check=check)}).requests
        assert bool(entry.untyped) is not typed, check


def test_conversations_that_end_in_the_answer_are_an_evaluation_set(facts_of: FactsOf) -> None:
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    app = "from openai import OpenAI\n\ndef ask(q):\n    return OpenAI().responses.create(model='m', input=q)\n"
    settings = "from pathlib import Path\n\nclass Settings:\n    ROWS: Path = Path('data/evaluation_set.json')\n\n" \
               "settings = Settings()\n"  # fmt: skip
    reader = "from config import settings\nfrom app import ask\n\nROWS = settings.ROWS.read_text()\n"
    for last, usable in ((turns, True), (turns[:1] * 2, False)):
        rows = json.dumps({"samples": [{"messages": last} for _ in range(20)]}, indent=1)
        files = {"app.py": app, "config.py": settings, "evals/run.py": reader, "data/evaluation_set.json": rows}
        assert bool(facts_of(files).golden.records) is usable


def test_tracing_only_where_the_service_is_not_deployed_traces_nothing(facts_of: FactsOf) -> None:
    source = LLAMA.replace("app = FastAPI()", "app = FastAPI()\nif {test}:\n    set_global_handler('arize_phoenix')")
    source = source.replace("import Settings", "import Settings, set_global_handler")
    for test, traced in (("not settings.RENDER", False), ("settings.TRACING", True)):
        found = facts_of({"app.py": source.format(test=test), ".env.example": "PHOENIX_COLLECTOR_ENDPOINT=x\n"})
        assert any(t.traced for t in found.records.tracings) is traced


def test_an_alembic_option_that_code_replaces_is_no_shipped_password(facts_of: FactsOf) -> None:
    ini = "[alembic]\nsqlalchemy.url = postgresql://user:password@db:5432/app\n"
    env = "from alembic import context\n\nconfig = context.config\n{line}\n"
    for line, where in (
        ('config.set_main_option("sqlalchemy.url", address())', Where.UNREAD),
        ("pass", Where.PRODUCTION),
    ):
        (secret,) = facts_of({"alembic.ini": ini, "alembic/env.py": env.format(line=line)}).secrets
        assert secret.where == where


def test_variables_of_a_local_compose_file_are_for_local_development(facts_of: FactsOf) -> None:
    compose = "services:\n  api:\n    build: .\n    env_file: [.env.docker]\n{rest}"
    variables = "DATABASE_URL=postgresql://user:password@db:5432/app\n"
    for rest, where in (("    volumes: ['./:/app']\n", Where.LOCAL), ("", Where.PRODUCTION)):
        docker = "FROM python:3.13\nCOPY . .\nCMD python app.py\n"
        files = {
            "compose.yaml": compose.format(rest=rest),
            ".env.docker": variables,
            "Dockerfile": docker,
            "app.py": "",
        }
        (secret,) = facts_of(files).secrets
        assert secret.where == where


def test_a_working_directory_may_be_a_variable_of_the_workflow(linked: Link) -> None:
    workflow = """\
on: [push]
env:
  WORKDIR: ./backend
jobs:
  test:
    runs-on: ubuntu-latest
    defaults:
      run:
        working-directory: ${{ env.WORKDIR }}
    steps:
      - run: make test
"""
    core = linked({
        ".github/workflows/ci.yml": workflow,
        "backend/Makefile": "test:\n\tpytest tests\n",
        "backend/tests/test_app.py": "def test_one():\n    assert True\n",
    })  # fmt: skip
    assert any(command.program == "pytest" for _, command in core.ci.commands)


def test_a_file_exported_from_the_lock_in_the_image_is_the_lock(linked: Link) -> None:
    docker = "FROM python:3.12\nCOPY pyproject.toml poetry.lock ./\n" \
             "RUN poetry export > requirements.txt && pip install -r requirements.txt\n"  # fmt: skip
    core = linked({
        "Dockerfile": docker,
        "pyproject.toml": "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\nopenai = '*'\n",
        "poetry.lock": "[[package]]\nname = 'openai'\nversion = '2.0.0'\n",
        "training/requirements.txt": "torch>=2\n",
    })  # fmt: skip
    assert not core.dependencies.unlocked_installs


def test_records_mapped_by_a_framework_are_checked_and_rows_read_back_are_not(facts_of: FactsOf) -> None:
    source = """\
from bytewax import operators as op
from pydantic import BaseModel
from langchain_community.vectorstores import FAISS
from langchain_openai import OpenAIEmbeddings

class Record(BaseModel):
    text: str

def parse(message):
    return {parse}

def run(flow, stream):
    records = op.map("parse", stream, parse)
    return FAISS.from_texts([r.text for r in records], OpenAIEmbeddings())
"""
    for parse, checked in (
        ("Record(**message)", True),
        ("Record.model_validate(message, from_attributes=True)", False),
    ):
        assert bool(facts_of({"ingest.py": source.format(parse=parse)}).ingestion.schemas) is checked
