"""What a model call is set to: ids, caps and sampling, over constructors, settings, mappings, menus and factories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from readiness._resources import data_root
from readiness.extract.observe import observe
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core, link
from readiness.facts.linking.web import WebKnowledge, load_web
from readiness.facts.sdks.knowledge import Knowledge, load_knowledge
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

Link = Callable[[Mapping[str, str]], Core]
The = Callable[..., ModelCall]


@cache
def knowledge() -> tuple[Knowledge, WebKnowledge]:
    """The tables that ship with the package, read once."""
    checks = data_root() / "checks"
    return load_knowledge(checks), load_web(checks / "knowledge" / "web-frameworks.yaml")


@pytest.fixture
def linked(make_repository: Callable[[Mapping[str, str]], Path]) -> Link:
    """A function that links the files of a small repository."""

    def make(files: Mapping[str, str]) -> Core:
        root = make_repository(files)
        configuration = load_configuration(root)
        repository = open_repository(root, configuration)
        return link(repository, observe(repository), *knowledge())

    return make


@pytest.fixture
def the_call(linked: Link) -> The:
    """A function that gives the one generative call of `app.py`, written as an expression, below some code."""

    def find(code: str, call: str, **files: str) -> ModelCall:
        body = f"{code}\n\ndef ask(question):\n    return {call}\n"
        core = linked(
            {"app.py": body, **{name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}}
        )
        calls = [c for c in core.calls if c.generates and c.inside is None]
        assert len(calls) == 1, [f"{c.place} {c.name}" for c in calls]
        return calls[0]

    return find


OPENAI = "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"
MESSAGES = 'messages=[{"role": "user", "content": question}]'


@pytest.mark.parametrize(
    ("code", "argument", "model", "options"),
    [
        ("", '"gpt-4o"', "gpt-4o", ()),
        ('MODEL = "gpt-4o"', "MODEL", "gpt-4o", ()),
        ("", 'os.getenv("MODEL", "gpt-4o")', "gpt-4o", ()),
        ("", 'os.getenv("MODEL") or "gpt-4o"', "gpt-4o", ()),
        ("", 'os.environ.get("MODEL", "gpt-4o")', "gpt-4o", ()),
        ('MODELS = {"fast": "gpt-4o-mini", "good": "gpt-4o"}', 'MODELS["good"]', "gpt-4o", ()),
        ('MODELS = {"fast": "gpt-4o-mini", "good": "gpt-4o"}', "MODELS[question]", "gpt-4o-mini", ("gpt-4o",)),
        ('from enum import Enum\nclass Name(str, Enum):\n    GOOD = "gpt-4o"', "Name.GOOD", "gpt-4o", ()),
        ('from enum import Enum\nclass Name(str, Enum):\n    GOOD = "gpt-4o"', "Name.GOOD.value", "gpt-4o", ()),
        ('import streamlit as st\nm = st.selectbox("Model", ["gpt-4o", "o3"])', "m", "gpt-4o", ("o3",)),
        ('import streamlit as st\nm = st.sidebar.radio("Model", ("gpt-4o", "o3"), index=1)', "m", "o3", ("gpt-4o",)),
        ('import streamlit as st\nm = st.text_input("Model", value="gpt-4o")', "m", "gpt-4o", ()),
        ('from dataclasses import dataclass\n@dataclass\nclass S:\n    model: str = "gpt-4o"\n'
        's = S()', "s.model", "gpt-4o", ()),
        ('from pydantic import BaseModel, Field\nclass S(BaseModel):\n    model: str = Field("gpt-4o")\n'
        's = S()', "s.model", "gpt-4o", ()),
        ('def name(fast=False):\n    return "gpt-4o-mini" if fast else "gpt-4o"', "name()", "gpt-4o-mini", ("gpt-4o",)),
    ],
)  # fmt: skip
def test_a_model_id_is_found_where_it_is_written(
    the_call: The, code: str, argument: str, model: str, options: tuple[str, ...]
) -> None:
    call = the_call(OPENAI + code, f"client.chat.completions.create(model={argument}, {MESSAGES})")
    assert (call.model.id, call.model.options) == (model, options)


def test_a_sample_configuration_counts_as_a_sample(the_call: The) -> None:
    create = f'client.chat.completions.create(model=os.environ["MODEL"], {MESSAGES})'
    call = the_call(OPENAI, create, _dot_env_dot_example="MODEL=gpt-4o-2024-08-06\n")
    assert (call.model.id, call.model.sampled) == ("gpt-4o-2024-08-06", True)


def test_a_variable_without_any_default_is_unresolved(the_call: The) -> None:
    call = the_call(OPENAI, f'client.chat.completions.create(model=os.environ["MODEL"], {MESSAGES})')
    assert call.model.unresolved


def test_a_model_that_is_not_named_is_absent_and_the_default_of_the_package(the_call: The) -> None:
    call = the_call("from langchain_openai import ChatOpenAI\nmodel = ChatOpenAI()", "model.invoke(question)")
    assert (call.model.absent, call.model.pinning) == (True, "alias")


@pytest.mark.parametrize(
    ("revision", "pinning"),
    [(None, "alias"), ('"main"', "alias"), ('"v1.2"', "tag"), ('"7ae557604adf67be50417f59c2c2f167def9a775"', "pinned")],
)
def test_weights_are_held_by_their_revision(the_call: The, revision: str | None, pinning: str) -> None:
    given = f", revision={revision}" if revision else ""
    code = f'from transformers import pipeline\nwrite = pipeline("text-generation", model="Qwen/Qwen2.5-0.5B"{given})'
    assert the_call(code, "write(question)").model.pinning == pinning


def test_what_a_test_passes_is_not_the_default(the_call: The) -> None:
    code = (
        OPENAI + f"def answer(model, question):\n    return client.chat.completions.create(model=model, {MESSAGES})\n"
    )
    test = 'from app import answer\ndef test_answer():\n    assert answer("dummy", "hi")\n'
    call = the_call(code, 'answer("gpt-4o", question)', tests__test_app_dot_py=test)
    assert (call.model.id, call.model.options) == ("gpt-4o", ())


CHAT = "from langchain_openai import ChatOpenAI\n"


@pytest.mark.parametrize(
    ("code", "call"),
    [
        (CHAT + 'm = ChatOpenAI(model="gpt-4o", max_tokens=300, temperature=0)', "m.invoke(question)"),
        (CHAT + 'm = ChatOpenAI(model="gpt-4o").bind(max_tokens=300, temperature=0)', "m.invoke(question)"),
        (CHAT + 'o = {"max_tokens": 300, "temperature": 0}\nm = ChatOpenAI(model="gpt-4o", **o)', "m.invoke(question)"),
        (CHAT + 'o = dict(max_tokens=300, temperature=0)\nm = ChatOpenAI(model="gpt-4o", **o)', "m.invoke(question)"),
        (CHAT + 'o = {}\no["max_tokens"] = 300\no["temperature"] = 0\n'
        'm = ChatOpenAI(model="gpt-4o", **o)', "m.invoke(question)"),
        (CHAT + 'o = {"model": "gpt-4o"}\no.update(max_tokens=300, temperature=0)\n'
        'm = ChatOpenAI(**o)', "m.invoke(question)"),
        (CHAT + 'from functools import partial\nmake = partial(ChatOpenAI, max_tokens=300, temperature=0)\n'
        'm = make(model="gpt-4o")',
         "m.invoke(question)"),
        (CHAT + 'def make(**options):\n    return ChatOpenAI(model="gpt-4o", **options)\n'
        'm = make(max_tokens=300, temperature=0)',
         "m.invoke(question)"),
        (CHAT + 'def options():\n    o = {"max_tokens": 300, "temperature": 0, "stop": None}\n'
                '    return {k: v for k, v in o.items() if v is not None}\nm = ChatOpenAI(model="gpt-4o", **options())',
         "m.invoke(question)"),
        (CHAT + 'class Llm:\n    def __init__(self):\n        self.model = ChatOpenAI(model="gpt-4o", max_tokens=300, '
                'temperature=0)\n'
                "llm = Llm()", "llm.model.invoke(question)"),
        (OPENAI,
         f'client.chat.completions.create(model="gpt-4o", max_completion_tokens=300, temperature=0, {MESSAGES})'),
        (OPENAI, 'client.responses.create(model="gpt-4o", input=question, max_output_tokens=300, temperature=0)'),
        ("import ollama",
         'ollama.generate(model="llama3.2:1b", prompt=question, options={"num_predict": 300, "temperature": 0})'),
        ("import ollama\no = ollama.Options(num_predict=300, temperature=0)",
         'ollama.generate(model="llama3.2:1b", prompt=question, options=o)'),
        ("from google import genai\nfrom google.genai import types\nclient = genai.Client()\n"
         "config = types.GenerateContentConfig(max_output_tokens=300, temperature=0)",
         'client.models.generate_content(model="gemini-2.0-flash", contents=question, config=config)'),
        ("import boto3\nclient = boto3.client('bedrock-runtime')",
         'client.converse(modelId="amazon.nova-lite-v1:0", inferenceConfig={"maxTokens": 300, "temperature": 0})'),
    ],
)  # fmt: skip
def test_a_cap_and_a_temperature_are_found_wherever_they_are_bound(the_call: The, code: str, call: str) -> None:
    found = the_call(code, call)
    assert (found.output_cap.explicit, found.output_cap.number, found.output_cap.conditional) == (True, 300, False)
    assert (found.sampling.given, found.sampling.value, found.sampling.conditional) == (True, 0, False)


def test_a_control_outside_the_place_that_the_api_reads_is_none(the_call: The) -> None:
    call = the_call(
        "import requests",
        'requests.post("http://localhost:11434/api/generate", '
        'json={"model": "llama3.2:1b", "prompt": question, "temperature": 0})',
    )
    assert not call.sampling.given


@pytest.mark.parametrize(
    "options", ['    o = {"model": "gpt-4o"}\n    if question:\n        o["max_tokens"] = 9\n',
                '    o = {"model": "gpt-4o", "max_tokens": 9} if question else {"model": "gpt-4o"}\n']
)  # fmt: skip
def test_what_only_some_branch_binds_is_conditional(the_call: The, options: str) -> None:
    code = OPENAI + f"def write(question):\n{options}    return client.chat.completions.create({MESSAGES}, **o)\n"
    cap = the_call(code, "write(question)").output_cap
    assert (cap.explicit, cap.conditional) == (True, True)


@pytest.mark.parametrize("declared", ["limit: int | None = None", "limit: int = Param(None, help='tokens')"])
def test_a_forwarded_none_is_no_cap(the_call: The, declared: str) -> None:
    code = f"{CHAT}from fields import Param\nclass Settings:\n    {declared}\nsettings = Settings()\n"
    call = the_call(code + 'm = ChatOpenAI(model="gpt-4o", max_tokens=settings.limit)', "m.invoke(question)")
    assert not call.output_cap.explicit and not call.output_cap.unresolved


def test_options_that_cannot_be_seen_are_unresolved(the_call: The) -> None:
    code = OPENAI + "from elsewhere import fetch_options\n"
    call = the_call(code, f'client.chat.completions.create(model="gpt-4o", {MESSAGES}, **fetch_options())')
    assert call.output_cap.unresolved and call.sampling.unresolved


def test_a_slider_is_judged_on_its_default(the_call: The) -> None:
    code = OPENAI + 'import streamlit as st\ncap = st.slider("Length", 100, 16384, 500)\n'
    call = the_call(code, f'client.chat.completions.create(model="gpt-4o", max_tokens=cap, {MESSAGES})')
    assert call.output_cap.number == 500


GRAPH = """
from langchain_openai import ChatOpenAI
from langgraph.graph import StateGraph, MessagesState

model = ChatOpenAI(model="gpt-4o-2024-08-06", temperature=0{cap})
guard = ChatOpenAI(model="gpt-4o-mini-2024-07-18", max_tokens=5)

def check(state: MessagesState):
    return {{"safe": guard.with_structured_output(dict).invoke(state["messages"])}}

def answer(state: MessagesState):
    return {{"messages": [model.invoke(state["messages"])]}}

graph = StateGraph(MessagesState)
graph.add_node("check", check)
graph.add_node("answer", answer)
agent = graph.compile()
"""


def test_a_graph_has_the_settings_of_the_call_that_writes_its_answer(the_call: The) -> None:
    call = the_call(GRAPH.format(cap=", max_tokens=300"), 'agent.invoke({"messages": [("user", question)]})')
    assert call.is_agent
    assert (call.model.id, call.output_cap.number) == ("gpt-4o-2024-08-06", 300)
    assert "gpt-4o-mini-2024-07-18" in [v.model.id for v in call.variants], "the other call inside can only lower it"


def test_another_call_inside_a_graph_is_no_branch_of_the_answer(the_call: The) -> None:
    call = the_call(GRAPH.format(cap=""), 'agent.invoke({"messages": [("user", question)]})')
    assert not call.output_cap.explicit and not any(b.output_cap.explicit for b in call.branches)


def test_a_gateways_alias_has_the_facts_of_the_model_behind_it(the_call: The) -> None:
    config = "model_list:\n  - model_name: assistant\n    litellm_params: {model: openai/gpt-4o-2024-08-06}\n"
    create = f'client.chat.completions.create(model="assistant", {MESSAGES})'
    call = the_call(OPENAI, create, config_dot_yaml=config)
    assert (call.model.id, call.model.pinning) == ("assistant", "pinned")


@pytest.mark.parametrize(
    "body",
    [
        "    {call}\n    return True",
        "    _ = {call}\n    return True",
        "    try:\n        {call}\n    except Exception:\n        return False",
    ],
)
def test_a_call_whose_answer_nobody_reads_is_a_probe(linked: Link, body: str) -> None:
    create = 'client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "ping"}])'
    core = linked({"app.py": OPENAI + "def works():\n" + body.format(call=create)})
    assert [c.is_probe for c in core.calls] == [True]


@pytest.mark.parametrize(
    "body",
    [
        "    return {call}",
        "    a = {call}\n    return a",
        "    for part in {call}:\n        print(part)",
        "    print({call})",
    ],
)
def test_a_call_whose_answer_is_read_is_no_probe(linked: Link, body: str) -> None:
    create = 'client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "ping"}])'
    core = linked({"app.py": OPENAI + "def works():\n" + body.format(call=create)})
    assert [c.is_probe for c in core.calls] == [False]


@pytest.mark.parametrize(
    ("code", "model", "unresolved"),
    [
        ("class Ask:\n  def __init__(self, lm):\n    self.lm, self.qa = lm, dspy.Predict('q -> a')\n"
         "  def run(self, q):\n    with dspy.context(lm=self.lm):\n      return self.qa(q=q)\n", None, True),
        ("qa = dspy.Predict('q -> a')\ndef run(q):\n  with dspy.settings.context(lm=dspy.LM('openai/gpt-4o')):\n"
         "    return qa(q=q)\n", "openai/gpt-4o", False),
        ("qa = dspy.Predict('q -> a')\ndef run(q):\n  return qa(q=q)\n", None, True),
    ],
    ids=["a model that callers bring", "a model for the block", "configured elsewhere"],
)  # fmt: skip
def test_dspy_takes_the_model_of_the_block_and_has_none_of_its_own(
    linked: Link, code: str, model: str | None, unresolved: bool
) -> None:
    (call,) = linked({"app.py": "import dspy\n" + code}).calls
    assert (call.model.id, call.model.unresolved) == (model, unresolved)


def test_fields_of_a_configurable_model_are_set_by_its_configuration(linked: Link) -> None:
    code = (
        "from langchain.chat_models import init_chat_model\n"
        'base = init_chat_model(configurable_fields=("model", "max_tokens"))\n'
        "def ask(q):\n"
        '    settings = {"model": "openai:gpt-4o", "max_tokens": 300, "tags": ["x"]}\n'
        "    return base.with_retry().with_config(settings).invoke(q)\n"
    )
    (call,) = linked({"app.py": code}).calls
    assert (call.model.id, call.output_cap.number) == ("openai:gpt-4o", 300)


def test_an_answer_that_a_callback_takes_is_no_probe(linked: Link) -> None:
    code = (
        CHAT
        + "m = ChatOpenAI(model='gpt-4o')\ndef show(q, handler):\n    m.invoke(q, config={'callbacks': [handler]})\n"
    )
    assert [c.is_probe for c in linked({"app.py": code}).calls] == [False]


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ('import dspy\ndspy.configure(lm=dspy.LM("openai/gpt-4o", max_tokens=300))\nqa = dspy.Predict("q -> answer")',
         "qa(q=question)"),
        ("from llama_index.core import Settings, VectorStoreIndex\nfrom llama_index.llms.openai import OpenAI\n"
         'Settings.llm = OpenAI(model="gpt-4o", max_tokens=300)\n'
         "engine = VectorStoreIndex.from_documents([]).as_chat_engine()",
         "engine.chat(question)"),
        ('from crewai import Agent, Crew, LLM, Task\nhelper = Agent(role="", llm=LLM(model="gpt-4o", max_tokens=300))\n'
         'crew = Crew(agents=[helper], tasks=[Task(description="x", agent=helper)])', "crew.kickoff()"),
        ("from langchain.agents import create_agent\nfrom langchain.chat_models import init_chat_model\n"
         'agent = create_agent(init_chat_model("openai:gpt-4o", max_tokens=300), tools=[])', "agent.invoke(question)"),
    ],
)  # fmt: skip
def test_a_model_given_once_or_inside_is_the_model_of_the_call(linked: Link, code: str, call: str) -> None:
    core = linked({"app.py": f"{code}\n\ndef ask(question):\n    return {call}\n"})
    [found] = [c for c in core.calls if c.is_invocation]
    assert (found.model.id or "").endswith("gpt-4o")
    assert found.output_cap.number == 300


def test_a_parameter_that_every_caller_must_give_is_bound(linked: Link) -> None:
    code = (
        OPENAI
        + f"""
def respond(question, temperature, max_tokens):
    return client.chat.completions.create(model="gpt-4o", temperature=temperature, max_tokens=max_tokens, {MESSAGES})
"""
    )
    [call] = linked({"app.py": code}).calls
    assert call.sampling.given and call.output_cap.explicit


def test_an_agent_whose_model_can_be_one_of_several_has_variants(linked: Link) -> None:
    code = """
    import os
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    def model():
        if os.getenv("PROVIDER", "openai") == "openai":
            return ChatOpenAI(model="gpt-4o")
        return ChatAnthropic(model="claude-3-5-sonnet-20241022", max_tokens=300)

    agent = create_agent(model(), tools=[])

    def ask(question):
        return agent.invoke({"messages": [question]})
    """
    [call] = [c for c in linked({"app.py": code}).calls if c.is_invocation]
    assert (call.model.id, call.output_cap.explicit) == ("gpt-4o", False)
    assert [b.output_cap.number for b in call.branches] == [300]


def test_two_applications_of_one_repository_share_no_settings(linked: Link) -> None:
    asks = "from llama_index.core import VectorStoreIndex\nVectorStoreIndex([]).as_query_engine().query('hi')\n"
    settings = (
        "from llama_index.core import Settings\nfrom llama_index.llms.openai import OpenAI\n"
        "Settings.llm = OpenAI(model='gpt-4o')\n"
    )
    apart = linked({"one/app.py": settings + asks, "two/app.py": asks})

    assert {c.place.path: c.model.id for c in apart.calls} == {"one/app.py": "gpt-4o", "two/app.py": "gpt-3.5-turbo"}


def test_an_application_takes_the_settings_of_what_it_imports(linked: Link) -> None:
    asks = "from llama_index.core import VectorStoreIndex\nVectorStoreIndex([]).as_query_engine().query('hi')\n"
    settings = (
        "from llama_index.core import Settings\nfrom llama_index.llms.openai import OpenAI\n"
        "Settings.llm = OpenAI(model='gpt-4o')\n"
    )
    together = linked({"core/models.py": settings, "two/app.py": f"import core.models\n{asks}"})

    assert [c.model.id for c in together.calls] == ["gpt-4o"]


def test_a_model_behind_a_history_has_the_settings_of_its_chain(linked: Link) -> None:
    source = (
        "from langchain_core.prompts import ChatPromptTemplate\nfrom langchain_openai import ChatOpenAI\n"
        "from langchain_core.runnables.history import RunnableWithMessageHistory\n"
        "template = ChatPromptTemplate.from_messages([('human', '{question}')])\n"
        "chain = template | ChatOpenAI(model='gpt-4o-2024-08-06', timeout=30)\n"
        "remembering = RunnableWithMessageHistory(chain, lambda session: None)\n"
        "def ask(question):\n    return remembering.invoke({'question': question})\n"
    )
    calls = [c for c in linked({"app.py": source}).calls if c.inside is None]
    assert [(c.place.line, c.timeout.seconds, c.model.id) for c in calls] == [(8, 30.0, "gpt-4o-2024-08-06")]


def test_an_address_that_replaces_a_missing_argument_is_seen(linked: Link) -> None:
    source = (
        "import os\nimport requests\nclass Client:\n  def __init__(self, base=None):\n    if base is None:\n"
        "      base = os.getenv('OLLAMA_HOST', 'http://localhost:11434')\n    self.api = f'{base}/api'\n"
        "  def chat(self, messages):\n"
        "    return requests.post(f'{self.api}/chat', json={'model': 'llama3', 'messages': messages}, timeout=60)\n"
    )
    assert [c.place.line for c in linked({"app.py": source}).calls] == [9]


def test_a_service_built_here_is_set_before_what_runs_beside_it(linked: Link) -> None:
    compose = (
        "services:\n  models:\n    image: ollama/ollama:0.9.0\n    environment:\n      - MODEL=listening\n"
        "  api:\n    build: .\n    environment:\n      - MODEL=${MODEL:-gpt-4o-2024-08-06}\n"
    )
    source = 'import os\nimport openai\nopenai.OpenAI().responses.create(model=os.environ["MODEL"], input="x")\n'
    (call,) = linked({"app.py": source, "docker-compose.yml": compose}).calls
    assert call.model.id == "gpt-4o-2024-08-06"


def test_fetching_a_model_is_not_asking_it(linked: Link) -> None:
    source = (
        "import requests\nBASE = 'http://localhost:11434/api'\n"
        "requests.post(f'{BASE}/pull', json={'name': 'llama3'})\n"
        "requests.post(f'{BASE}/generate', json={'model': 'llama3', 'prompt': 'x'})\n"
    )
    assert [c.place.line for c in linked({"app.py": source}).calls] == [4]


@pytest.mark.parametrize(
    ("given", "model"),
    [("", "gpt-3.5-turbo"), ("llm=make()", None)],
    ids=["the framework's own choice", "a model that is not seen"],
)
def test_an_engine_without_a_model_asks_the_one_its_framework_makes(
    linked: Link, given: str, model: str | None
) -> None:
    code = (
        "from elsewhere import make\nfrom llama_index.core import VectorStoreIndex\n"
        f"engine = VectorStoreIndex.from_documents([]).as_query_engine({given})\nanswer = engine.query('x')\n"
    )
    (call,) = (c for c in linked({"app.py": code}).calls if c.generates)
    assert call.model.id == model


@pytest.mark.parametrize(
    ("code", "call", "timeout", "cap"),
    [
        ("import ollama", "ollama.chat(model='llama3.2:1b', messages=[])", ("none", None), "none"),
        ("import openai", "openai.chat.completions.create(model='gpt-4o', messages=[])", ("default", 600), "none"),
        ("import litellm", "litellm.completion('gpt-4o', max_tokens=9, messages=[])", ("default", 600), "explicit"),
        ("import litellm\nlitellm.request_timeout = 30", "litellm.completion('gpt-4o', [])", ("explicit", 30), "none"),
    ],
)  # fmt: skip
def test_a_function_of_the_library_itself_has_the_defaults_of_the_library(
    code: str, call: str, timeout: tuple[str, float | None], cap: str, the_call: The
) -> None:
    found = the_call(code, call)

    assert (found.timeout.state, found.timeout.seconds) == timeout
    assert found.output_cap_state == cap


PROMPTY = """---
name: Support
model:
  api: chat
  configuration:
    type: azure_openai
    azure_deployment: ${env:CHAT_DEPLOYMENT:gpt-4o-mini}
  parameters:
    max_tokens: 128
---
system:
You help customers of a shop.

user:
{{question}}
"""


def test_a_prompt_file_brings_the_settings_of_its_call(the_call: The) -> None:
    found = the_call("import prompty", "prompty.execute('support.prompty', inputs={'q': question})",
                     prompts__support_dot_prompty=PROMPTY)  # fmt: skip

    assert found.model.id == "gpt-4o-mini"
    assert (found.output_cap.number, found.output_cap.place) == (128, ("prompts/support.prompty", 9, 9))
    assert found.setting("system").value == "You help customers of a shop."
    assert found.sampling.absent


def test_what_the_call_says_wins_over_its_prompt_file(the_call: The) -> None:
    found = the_call("import prompty", "prompty.execute('support.prompty', parameters={'max_tokens': 9})",
                     support_dot_prompty=PROMPTY)  # fmt: skip

    assert found.output_cap.number == 9


def test_the_settings_of_a_prompt_file_that_is_not_here_are_unknown(the_call: The) -> None:
    found = the_call("import prompty", "prompty.execute(question, inputs={})")

    assert found.output_cap.unresolved
    assert found.model.unresolved


def test_a_graph_that_a_platform_runs_is_one_site_with_what_its_nodes_and_their_graphs_ask(linked: Link) -> None:
    code = (
        "from langchain_openai import ChatOpenAI\nfrom langgraph.graph import StateGraph\n"
        "plans, writes = ChatOpenAI(model='gpt-4o-mini'), ChatOpenAI(model='gpt-4o', max_tokens=300)\n"
        "def plan(state):\n  return plans.invoke(state['q'])\n"
        "def write(state):\n  return writes.invoke(state['q'])\n"
        "inner = StateGraph(dict)\ninner.add_node('plan', plan)\n"
        "outer = StateGraph(dict)\nouter.add_node('plans', inner.compile())\nouter.add_node('write', write)\n"
        "graph = outer.compile()\n"
    )
    core = linked({"app.py": code, "langgraph.json": '{"graphs": {"helper": "./app.py:graph"}}'})
    (site,) = (c for c in core.calls if c.inside is None)
    assert (site.name, site.model.id, site.output_cap.number, site.reachable) == ("graph helper", "gpt-4o", 300, True)
