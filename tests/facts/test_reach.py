"""Which entry point runs which model call, through calls, callbacks, classes and graphs; and what cannot start."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.core import Core
from readiness.facts.facts import Facts

Link = Callable[[Mapping[str, str]], Core]
Gather = Callable[[Mapping[str, str]], Facts]

LLM = """\
import openai
client = openai.OpenAI()
def ask(text):
    return client.responses.create(model="gpt-4.1", input=text)
"""
HEAD = "import fastapi\nfrom llm import ask\napp = fastapi.FastAPI()\n"

WAYS: dict[str, str] = {
    "a call": "@app.post('/a')\ndef a():\n  return ask('x')\n",
    "a call of a call": "def b():\n  return ask('x')\n@app.post('/a')\ndef a():\n  return b()\n",
    "a callback": "@app.post('/a')\ndef a(tasks: fastapi.BackgroundTasks):\n  tasks.add_task(ask, 'x')\n",
    "a callback in a list": "@app.post('/a')\ndef a():\n  return run_all([ask])\n",
    "a thread": "import asyncio\n@app.post('/a')\nasync def a():\n  return await asyncio.to_thread(ask, 'x')\n",
    "a method": "class B:\n  def go(self):\n    return ask('x')\n@app.post('/a')\ndef a():\n  return B().go()\n",
    "a constructor": "class B:\n  def __init__(self):\n    ask('x')\n@app.post('/a')\ndef a():\n  return B()\n",
    "an overriding method": (
        "class B:\n  def go(self): ...\nclass C(B):\n  def go(self):\n    return ask('x')\n"
        "def make() -> B: ...\n@app.post('/a')\ndef a():\n  return make().go()\n"
    ),
    "a method found by its rare name": (
        "class B:\n  def summarise_all(self):\n    return ask('x')\n"
        "@app.post('/a')\ndef a(b):\n  return b.summarise_all()\n"
    ),
    "a dependency": "def b():\n  return ask('x')\n@app.post('/a')\ndef a(x=fastapi.Depends(b)):\n  return x\n",
    "a nested function": "@app.post('/a')\ndef a():\n  def inner():\n    return ask('x')\n  return inner()\n",
    "functions that call each other": (
        "def b(n):\n  return c(n)\ndef c(n):\n  return b(n - 1) if n else ask('x')\n"
        "@app.post('/a')\ndef a():\n  return b(3)\n"
    ),
    "a queue's task": (
        "import celery\n@celery.shared_task\ndef work():\n  return ask('x')\n"
        "@app.post('/a')\ndef a():\n  work.delay()\n"
    ),
    "a node of a graph": (
        "from langgraph.graph import StateGraph\ndef node(state):\n  return ask('x')\ngraph = StateGraph(dict)\n"
        "graph.add_node('n', node)\nflow = graph.compile()\n@app.post('/a')\ndef a():\n  return flow.invoke({})\n"
    ),
}


@pytest.mark.parametrize("source", WAYS.values(), ids=WAYS.keys())
def test_an_entry_point_reaches_a_model_call(source: str, linked: Link) -> None:
    core = linked({"llm.py": LLM, "app.py": HEAD + source})

    assert [c.reachable for c in core.calls if c.unit.module.path == "llm.py"] == [True]


def test_a_handler_that_asks_its_application_for_a_file_runs_no_other_handler(linked: Link) -> None:
    source = (
        "import flask\nfrom llm import ask\nbp = flask.Blueprint('b', __name__)\n"
        "@bp.route('/icon')\ndef icon():\n  return bp.send_static_file('icon.ico')\n"
        "@bp.route('/ask')\ndef answer():\n  return ask('x')\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})

    reaching = [e.route for e in core.entry_points if any(u.name == "ask" for u in core.reached_from(e))]
    assert reaching == ["/ask"]


def test_a_route_that_lists_the_agents_runs_none_of_them(linked: Link) -> None:
    source = HEAD + (
        "from agents import Agent, Runner, function_tool\n"
        "@function_tool\ndef look(text):\n  return ask(text)\n"
        "clerk = Agent(name='clerk', model='gpt-5.2', tools=[look])\n"
        "def described(agent):\n  return {'name': agent.name, 'tools': [str(t) for t in getattr(agent, 'tools', [])]}\n"
        "@app.get('/agents')\ndef agents():\n  return [described(clerk)]\n"
        "@app.post('/chat')\nasync def chat(text):\n  return await Runner.run(clerk, text)\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})

    reaching = [e.route for e in core.entry_points if any(u.name == "ask" for u in core.reached_from(e))]
    assert reaching == ["/chat"]


@pytest.mark.parametrize("folder", ["python-backend", "backend"], ids=["no name of a package", "a package"])
def test_a_neighbour_is_imported_by_its_bare_name(folder: str, linked: Link) -> None:
    files = {f"{folder}/__init__.py": "", f"{folder}/llm.py": LLM, f"{folder}/main.py": HEAD + WAYS["a call"]}

    assert all(call.reachable for call in linked(files).calls)


def test_a_wrapper_named_like_its_library_does_not_hide_it(linked: Link) -> None:
    files = {
        "app/__init__.py": "",
        "app/openai.py": "import openai\nclient = openai.OpenAI()\n",
        "app/main.py": "import openai\nopenai.OpenAI().responses.create(model='gpt-4.1', input='x')\n",
    }

    assert [call.place.path for call in linked(files).calls] == ["app/main.py"]


def test_an_object_on_the_current_application_is_what_the_code_put_there(linked: Link) -> None:
    source = (
        "from quart import Quart, current_app\nimport llm\n"
        "class Helper:\n  def go(self):\n    return llm.ask('x')\n"
        "app = Quart(__name__)\napp.helper = Helper()\n"
        "@app.route('/ask')\nasync def ask():\n  return current_app.helper.go()\n"
    )

    assert all(call.reachable for call in linked({"llm.py": LLM, "app.py": source}).calls)


def test_an_agent_that_a_function_chooses_brings_its_tools_along(linked: Link) -> None:
    source = HEAD + (
        "from agents import Agent, Runner, function_tool\n"
        "@function_tool\ndef look(text):\n  return ask(text)\n"
        "one = Agent(name='a', model='gpt-5.2', tools=[look])\n"
        "def choose(name):\n  return {one.name: one}.get(name, one)\n"
        "@app.post('/chat')\nasync def chat(name):\n  return await Runner.run(choose(name), 'x')\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})

    assert all(call.reachable for call in core.calls if call.name == "responses.create")


def test_who_provides_a_server_does_not_run_all_it_can_do(linked: Link) -> None:
    source = HEAD + (
        "from chatkit.server import ChatKitServer\n"
        "class Server(ChatKitServer):\n  def respond(self):\n    return ask('x')\n"
        "  def state(self):\n    return 1\n"
        "server = Server()\ndef get_server():\n  return server\n"
        "@app.post('/chat')\ndef chat(s: Server = fastapi.Depends(get_server)):\n  return s.process('x')\n"
        "@app.get('/state')\ndef state(s: Server = fastapi.Depends(get_server)):\n  return s.state()\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})

    reaching = [e.route for e in core.entry_points if any(u.name == "ask" for u in core.reached_from(e))]
    assert reaching == ["/chat"]


def test_hops_are_counted_from_the_entry_point(linked: Link) -> None:
    core = linked({"llm.py": LLM, "app.py": HEAD + WAYS["a call of a call"]})

    assert {u.name: hops for u, hops in core.reached.items()} == {"a": 0, "b": 1, "ask": 2}


def test_a_module_that_nothing_runs_is_not_reached(linked: Link) -> None:
    core = linked({"llm.py": LLM, "app.py": "import fastapi\napp = fastapi.FastAPI()\n@app.get('/')\ndef a(): ...\n"})

    assert [c.reachable for c in core.calls] == [False]


def test_a_command_starts_code_that_no_network_reaches(linked: Link) -> None:
    core = linked({"llm.py": LLM, "app.py": "import typer\nfrom llm import ask\napp = typer.Typer()\n"
                                            "@app.command()\ndef a():\n  ask('x')\n"})  # fmt: skip

    assert [c.reachable for c in core.calls] == [True]
    assert core.reached == {}


BROKEN = {
    "llm.py": LLM.replace("import openai", "import openai\nfrom config import missing"),
    "config.py": "present = 1\n",
    "app.py": HEAD + WAYS["a call"],
}


def test_a_broken_import_is_a_problem_and_its_calls_are_out_of_reach(facts_of: Gather) -> None:
    facts = facts_of(BROKEN)

    assert [(p.place.path, p.place.line, p.message) for p in facts.problems] == [
        ("llm.py", 2, "cannot be imported: config has no missing")
    ]
    assert [(c.importable, c.reachable) for c in facts.calls] == [(False, False)]


@pytest.mark.parametrize(
    "config",
    [
        "def __getattr__(name): ...\n",
        "globals()['missing'] = 1\n",
        "from elsewhere import *\n",
        "def set():\n  global missing\n  missing = 1\n",
        "try:\n  import missing\nexcept ImportError:\n  missing = None\n",
    ],
    ids=["a module's __getattr__", "globals()", "a star", "a global", "a guarded import"],
)
def test_a_name_that_may_come_into_being_unseen_is_no_problem(config: str, facts_of: Gather) -> None:
    facts = facts_of({**BROKEN, "config.py": config})

    assert facts.problems == ()
    assert [c.reachable for c in facts.calls] == [True]


def test_an_import_that_may_fail_is_no_problem(facts_of: Gather) -> None:
    guarded = LLM.replace(
        "import openai", "import openai\ntry:\n  from config import missing\nexcept ImportError:\n  missing = 1"
    )

    assert facts_of({**BROKEN, "llm.py": guarded}).problems == ()


def test_an_agent_is_one_site_however_many_lines_run_it(linked: Link) -> None:
    core = linked(
        {
            "app.py": """\
            from langchain.chat_models import init_chat_model
            from langgraph.prebuilt import create_react_agent
            agent = create_react_agent("openai:gpt-4.1", tools=[])
            def one(): return agent.invoke({})
            def two(): return agent.stream({})
            """
        }
    )

    (agent,) = core.calls
    assert agent.is_agent
    assert [node.line for node, _ in agent.runs] == [4, 5]


def test_a_call_in_a_node_belongs_to_the_graph_that_runs_it(linked: Link) -> None:
    core = linked({"llm.py": LLM, "app.py": HEAD + WAYS["a node of a graph"]})

    inner = next(c for c in core.calls if not c.is_agent)
    assert inner.inside is not None
    assert inner.inside.is_agent


def test_a_handler_that_only_answers_does_not_run_its_siblings(linked: Link) -> None:
    source = (
        "from http.server import BaseHTTPRequestHandler\nfrom llm import ask\nclass Api(BaseHTTPRequestHandler):\n"
        "  def do_GET(self):\n    self.send_response(200)\n    self.wfile.write(b'ok')\n"
        "  def do_POST(self):\n    self.wfile.write(ask('x').encode('utf-8'))\n"
        "class Encoder:\n  def encode(self, text):\n    return ask(text)\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})
    (call,) = core.calls
    reaching = {e.unit.name for e in core.entry_points if call.unit in core.reached_from(e)}
    assert reaching == {"do_POST"}


def test_a_text_is_encoded_by_itself(linked: Link) -> None:
    source = (
        HEAD + "class Encoder:\n  def encode(self, text):\n    return ask(text)\n"
        "@app.post('/a')\ndef a(body):\n  return f'{body}'.encode() + body.encode('utf-8')\n"
    )
    core = linked({"llm.py": LLM, "app.py": source})
    assert not any(core.reached_from(e).keys() & {core.calls[0].unit} for e in core.entry_points)
