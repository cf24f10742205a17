"""What an expression stands for is followed through the repository to a symbol or a value, or said to be unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.core import Core
from readiness.facts.linking.values import External, Known, Variable

Link = Callable[[Mapping[str, str]], Core]

OPENAI = "openai.OpenAI()"
CREATE = "openai.OpenAI().responses.create"


def meanings(core: Core, name: str = "it") -> list[object]:
    """What the name stands for at the end of `app.py`: paths, values, `$VARIABLE`, or the kind of anything else."""
    found: list[object] = []
    for value in core.resolver.name(name, core.program.modules["app.py"].body):
        match value:
            case External(path):
                found.append(path)
            case Known(text):
                found.append(text)
            case Variable(variable):
                found.append(f"${variable}")
            case _:
                found.append(type(value).__name__)
    return found


IMPORTS: dict[str, tuple[dict[str, str], list[object]]] = {
    "a name from a package": ({"app.py": "from openai import OpenAI as O\nit = O()"}, [OPENAI]),
    "a package": ({"app.py": "import openai\nit = openai.OpenAI()"}, [OPENAI]),
    "a package under another name": ({"app.py": "import openai as ai\nit = ai.OpenAI()"}, [OPENAI]),
    "a module of the repository": (
        {"app.py": "from llm import client as it", "llm.py": "import openai\nclient = openai.OpenAI()"},
        [OPENAI],
    ),
    "a name passed on by a package": (
        {
            "app.py": "from core import client as it",
            "core/__init__.py": "from .llm import client",
            "core/llm.py": "import openai\nclient = openai.OpenAI()",
        },
        [OPENAI],
    ),
    "a star": (
        {"app.py": "from llm import *\nit = client", "llm.py": "import openai\nclient = openai.OpenAI()"},
        [OPENAI],
    ),
    "a submodule": (
        {"app.py": "import core.llm\nit = core.llm.client", "core/__init__.py": "", "core/llm.py": "client = 1"},
        [1],
    ),
    "a folder that is put on the path": (
        {"app.py": "from llm import client as it", "src/llm.py": "client = 1"},
        [1],
    ),
    "two modules that import each other": (
        {"app.py": "from llm import client as it", "llm.py": "from app import it as client"},
        ["Unknown"],
    ),
    "the standard library, not a file that bears its name": (
        {"app.py": "from json import loads as it", "src/json.py": "loads = 1"},
        ["json.loads"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), IMPORTS.values(), ids=IMPORTS.keys())
def test_imports_are_followed(files: dict[str, str], expected: list[object], linked: Link) -> None:
    assert meanings(linked(files)) == expected


VALUES: dict[str, tuple[str, list[object]]] = {
    "an assignment": ("import openai\nclient = openai.OpenAI()\nit = client", [OPENAI]),
    "the last of two assignments": ("x = 1\nx = 2\nit = x", [2]),
    "a branch keeps both": ("x = 1\nif x:\n  x = 2\nit = x", [1, 2]),
    "a choice": ("it = 1 if input() else 2", [1, 2]),
    "or falls back": ("import os\nit = os.getenv('LIMIT') or 20", [20, "$LIMIT"]),
    "an environment's default": ("import os\nit = os.getenv('LIMIT', 20)", [20]),
    "an environment without one": ("import os\nit = os.environ['LIMIT']", ["$LIMIT"]),
    "a function that reads the environment": (
        "import os\ndef env(name, default=None):\n  return os.getenv(name, default)\nit = env('LIMIT', 20)",
        [20],
    ),
    "an unpacked pair": ("a, b = 1, 2\nit = b", [2]),
    "a member of a mapping": ("o = {'a': 1, 'b': 2}\nit = o['b']", [2]),
    "a mapping asked with a default": ("o = {'a': 1}\nit = o.get('b', 3)", [1, 3]),
    "a joined text": ("a = 'gpt'\nit = a + '-4'", ["gpt-4"]),
    "a template": ("a = 'gpt'\nit = f'{a}-4'", ["gpt-4"]),
    "a template with holes": ("it = f'{input()}-4'", ["Text"]),
    "arithmetic": ("minute = 60\nit = 2 * minute - 30", [90]),
    "arithmetic without end is not done": ("it = 10 ** 10 ** 10", ["Unknown"]),
    "a large product is not done": ("a = 10000000000000\nit = a * a", ["Unknown"]),
    "what a function returns": ("def make():\n  return 3\nit = make()", [3]),
    "what a cached factory returns": (
        "import functools, openai\n@functools.lru_cache\ndef make():\n  return openai.OpenAI()\nit = make()",
        [OPENAI],
    ),
    "a partial": (
        "import functools, openai\nask = functools.partial(openai.OpenAI().responses.create, model='m')\nit = ask",
        [CREATE],
    ),
    "a lambda": ("make = lambda: 3\nit = make()", [3]),
    "an attribute of self": (
        "import openai\nclass Bot:\n  def __init__(self):\n    self.client = openai.OpenAI()\n"
        "  def ask(self):\n    return self.client.responses.create\nit = Bot().ask()",
        [CREATE],
    ),
    "an attribute given to the constructor": (
        "import openai\nclass Bot:\n  def __init__(self, client):\n    self.client = client\n"
        "it = Bot(openai.OpenAI()).client",
        [OPENAI],
    ),
    "a property": (
        "import openai\nclass Bot:\n  @property\n  def client(self):\n    return openai.OpenAI()\nit = Bot().client",
        [OPENAI],
    ),
    "a field of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n  model: str = 'a'\nit = Config().model",
        ["a"],
    ),
    "a field given to a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n  model: str = 'a'\nit = Config('b').model",
        ["b"],
    ),
    "a field of a settings class": (
        "from pydantic_settings import BaseSettings\nfrom pydantic import Field\n"
        "class Settings(BaseSettings):\n  limit: int = Field(20)\nsettings = Settings()\nit = settings.limit",
        [20],
    ),
    "a member of an enumeration": (
        "from enum import Enum\nclass Model(Enum):\n  SMALL = 'a'\nit = Model.SMALL.value",
        ["a"],
    ),
    "an inherited attribute": (
        "class Base:\n  limit = 20\nclass Bot(Base):\n  pass\nit = Bot().limit",
        [20],
    ),
    "an abstract method is what its subclasses do": (
        "from abc import ABC, abstractmethod\nclass Base(ABC):\n  @abstractmethod\n  def make(self): ...\n"
        "  def get(self):\n    return self.make()\n"
        "class One(Base):\n  def make(self):\n    return 1\nit = Base().get()",
        [1],
    ),
    "a mixin finds what its class has": (
        "import openai\nclass Asking:\n  def ask(self):\n    return self.client.responses.create\n"
        "class Bot(Asking):\n  client = openai.OpenAI()\nit = Bot().client.responses.create",
        [CREATE],
    ),
    "a library's class that is filled in": (
        "import openai\nclass Mine(openai.OpenAI):\n  pass\nit = Mine().responses.create",
        [CREATE],
    ),
    "a context": ("import openai\nwith openai.OpenAI() as client:\n  it = client", [OPENAI]),
    "a context manager of the repository": (
        "import openai\nfrom contextlib import contextmanager\n@contextmanager\ndef opened():\n"
        "  yield openai.OpenAI()\nwith opened() as client:\n  it = client",
        [OPENAI],
    ),
    "a global that a function sets": (
        "import openai\nclient = None\ndef start():\n  global client\n  client = openai.OpenAI()\n"
        "def get():\n  return client\nit = get()",
        [OPENAI],
    ),
    "an application's state": (
        "import fastapi, openai\napp = fastapi.FastAPI()\napp.state.client = openai.OpenAI()\n"
        "def handler(request: fastapi.Request):\n  return request.app.state.client\nit = handler()",
        [OPENAI],
    ),
    "a page's session": (
        "import streamlit as st, openai\nst.session_state['client'] = openai.OpenAI()\nit = st.session_state.client",
        [OPENAI],
    ),
    "a dependency of a route": (
        "import fastapi, openai\ndef get():\n  yield openai.OpenAI()\n"
        "def handler(client=fastapi.Depends(get)):\n  return client\nit = handler()",
        [OPENAI],
    ),
    "a dependency in an annotation": (
        "import fastapi, openai\nfrom typing import Annotated\ndef get():\n  return openai.OpenAI()\n"
        "def handler(client: Annotated[openai.OpenAI, fastapi.Depends(get)]):\n  return client\nit = handler()",
        [OPENAI],
    ),
    "what only an annotation promises": (
        "import openai\ndef handler(client: openai.OpenAI):\n  return client\nit = handler()",
        [OPENAI],
    ),
    "a name on the right of its own assignment": ("x = 1\nx = [\n  x\n]\nit = x[0]", [1]),
    "a value defined through itself": ("x = x\nit = x", ["Unknown"]),
    "a function that calls itself": ("def f(n):\n  return f(n - 1)\nit = f(3)", ["Unknown"]),
    "a function that calls itself and ends": ("def f(n):\n  return f(n - 1) if n else 1\nit = f(3)", ["Unknown", 1]),
    "a name that nothing defines": ("it = nowhere_to_be_found.x", ["nowhere_to_be_found.x"]),
}


@pytest.mark.parametrize(("source", "expected"), VALUES.values(), ids=VALUES.keys())
def test_values_are_followed(source: str, expected: list[object], linked: Link) -> None:
    assert meanings(linked({"app.py": source})) == expected


def test_a_sample_environment_answers_for_a_variable(linked: Link) -> None:
    files = {"app.py": "import os\nit = os.getenv('MODEL', 'a')", ".env.example": "MODEL=b\n"}

    assert meanings(linked(files)) == ["b"]


def test_a_placeholder_in_a_sample_environment_answers_nothing(linked: Link) -> None:
    files = {"app.py": "import os\nit = os.getenv('MODEL', 'a')", ".env.example": "MODEL=your-model-here\n"}

    assert meanings(linked(files)) == ["a"]


SETTINGS = """\
    from pydantic import Field
    from pydantic_settings import BaseSettings, SettingsConfigDict
    class Settings({bases}):
        {body}
        limit: int = {field}
    it = Settings().limit
"""


@pytest.mark.parametrize(
    ("body", "field", "bases", "expected"),
    [
        ("model_config = SettingsConfigDict(env_prefix='BOT_')", "20", "BaseSettings", [7, 20]),
        ("model_config = {'env_prefix': 'bot_'}", "20", "BaseSettings", [7, 20]),
        ("class Config: env_prefix = 'BOT_'", "20", "BaseSettings", [7, 20]),
        ("name: str = ''", "20", "BaseSettings, env_prefix='BOT_'", [7, 20]),
        ("name: str = ''", "Field(20, validation_alias='BOT_LIMIT')", "BaseSettings", [7, 20]),
        ("name: str = ''", "20", "BaseSettings", [5, 20]),
        ("model_config = SettingsConfigDict(env_prefix='CAT_')", "20", "BaseSettings", [20]),
    ],
)
def test_a_field_of_a_settings_class_is_read_under_its_prefix(
    body: str, field: str, bases: str, expected: list[object], linked: Link
) -> None:
    source = SETTINGS.format(body=body, field=field, bases=bases)

    assert meanings(linked({"app.py": source, ".env.sample": "BOT_LIMIT=7\nLIMIT=5\n"})) == expected


CALL = """\
    import openai
    client = openai.OpenAI()
    def ask(text):
        return client.responses.create(model="gpt-4.1", input=text, {options})
    {before}
"""


@pytest.mark.parametrize(
    ("options", "before"),
    [
        ("timeout=20", ""),
        ("**{'timeout': 20}", ""),
        ("**OPTIONS", "OPTIONS = {'timeout': 20}"),
        ("**OPTIONS", "OPTIONS = dict(timeout=20)"),
        ("**options()", "def options(): return {'timeout': 20}"),
        ("**(BASE | {'timeout': 20})", "BASE = {'temperature': 0}"),
    ],
)
def test_options_reach_a_call_whichever_way_they_are_given(options: str, before: str, linked: Link) -> None:
    (call,) = linked({"app.py": CALL.format(options=options, before=before)}).calls

    assert call.timeout.seconds == 20


USED: dict[str, str] = {
    "in a thread": (
        "import asyncio\nasync def ask(t):\n  return await asyncio.to_thread(client.responses.create, input=t)"
    ),
    "in an executor": (
        "import asyncio\nasync def ask(t):\n"
        "  return await asyncio.get_event_loop().run_in_executor(None, client.responses.create, t)"
    ),
    "out of a list of pairs": (
        "def ask(t):\n  for name, one in [('main', client)]:\n    return one.responses.create(input=t)"
    ),
    "out of a numbered list of pairs": (
        "def ask(t):\n  for i, (name, one) in enumerate([('main', client)]):\n    return one.responses.create(input=t)"
    ),
    "through a partial": (
        "import functools\nask = functools.partial(client.responses.create, model='m')\nask(input='hi')"
    ),
    "with settings bound": "def ask(t):\n  return client.with_options(timeout=3).responses.create(input=t)",
}


@pytest.mark.parametrize("source", USED.values(), ids=USED.keys())
def test_a_model_call_is_seen_whoever_makes_it(source: str, linked: Link) -> None:
    core = linked({"app.py": f"import openai\nclient = openai.OpenAI()\n{source}\n"})

    assert [c.name for c in core.calls] == ["responses.create"]


def test_a_piped_chain_is_the_call_of_its_model(linked: Link) -> None:
    core = linked(
        {
            "app.py": """\
            from langchain_openai import ChatOpenAI
            from langchain_core.prompts import ChatPromptTemplate
            chain = ChatPromptTemplate.from_template("Say {word}") | ChatOpenAI(model="gpt-4.1", timeout=7)
            def ask(word):
                return chain.invoke({"word": word})
            """
        }
    )

    assert [(c.place.line, c.model.id, c.timeout.seconds) for c in core.calls] == [(5, "gpt-4.1", 7)]


def test_a_constructor_written_as_data_is_a_call(linked: Link) -> None:
    core = linked(
        {
            "app.py": """\
            MODELS = {"default": {"__type__": "langchain_openai.ChatOpenAI", "model": "gpt-4.1", "timeout": 9}}
            """
        }
    )

    assert [(c.place.line, c.model.id, c.timeout.seconds) for c in core.calls] == [(1, "gpt-4.1", 9)]


def test_a_wrapper_is_a_site_where_it_is_called(linked: Link) -> None:
    core = linked(
        {
            "llm.py": """\
            import openai
            client = openai.OpenAI()
            def complete(prompt, **options):
                return client.responses.create(model="gpt-4.1", input=prompt, **options)
            """,
            "app.py": """\
            from llm import complete
            def ask(name):
                return complete(f"Greet {name}", temperature=0)
            """,
        }
    )

    assert [(c.place.path, c.place.line) for c in core.wrapped] == [("app.py", 3)]


def test_an_attribute_is_looked_up_through_a_bounded_number_of_ancestors(linked: Link) -> None:
    classes = "".join(f"class C{n}(C{n - 1}):\n  pass\n" for n in range(1, 3000))

    core = linked({"app.py": f"class C0:\n  limit = 20\n{classes}it = C50().limit\nfar = C2999().limit\n"})

    assert meanings(core) == [20]
    assert meanings(core, "far") == ["Unknown"]


def test_a_hierarchy_written_from_the_bottom_up_does_not_end_the_run(linked: Link) -> None:
    classes = "".join(f"class C{n}(C{n + 1}):\n  pass\n" for n in range(3000))

    assert meanings(linked({"app.py": f"{classes}it = C0().limit\n"})) == ["Unknown"]


def test_a_declared_package_is_not_shadowed_by_a_part_of_another_package(linked: Link) -> None:
    files = {
        "app.py": "from agents import Agent as it",
        "src/team/__init__.py": "",
        "src/team/agents/__init__.py": "",
        "src/team/agents/writer.py": "from agents import Agent\nwriter = Agent()",
    }

    assert meanings(linked({**files, "requirements.txt": "openai-agents>=0.17\n"})) == ["agents.Agent"]
    assert meanings(linked({**files, "agents.py": "Agent = 1"})) == [1]


def test_a_package_called_after_a_library_means_that_library_by_its_plain_name(linked: Link) -> None:
    files = {
        "src/team/__init__.py": "",
        "src/team/openai/__init__.py": "from team.openai.client import make",
        "src/team/openai/client.py": "from openai import OpenAI\ndef make():\n  return OpenAI()",
        "app.py": "from team.openai.client import make\nit = make()",
    }

    core = linked(files)

    assert meanings(core) == [OPENAI]
    assert core.imports.problems == []


def test_a_mixin_reads_what_the_class_built_with_it_sets(linked: Link) -> None:
    mixin = "import openai\nclass Asking:\n    client: openai.OpenAI\n    def ask(self): return self.client.responses\n"
    service = (
        "class Service(Asking):\n    def __init__(self): self.client = openai.OpenAI(timeout=5)\nit = Service().ask()\n"
    )

    core = linked({"app.py": mixin + service})

    (value,) = core.resolver.name("it", core.program.modules["app.py"].body)
    assert isinstance(value, External) and (value.path, value.typed) == (f"{OPENAI}.responses", False)


def test_what_a_test_passes_does_not_decide_what_the_service_gets(linked: Link) -> None:
    core = linked(
        {
            "app.py": "def ask(model): return model\nit = ask('served')\n",
            "tests/test_app.py": "from app import ask\ndef test_it(): assert ask('fake')\n",
        }
    )

    (ask,) = (u for u in core.program.units if u.name == "ask")
    assert [v.value for v in core.resolver.name("model", ask) if isinstance(v, Known)] == ["served"]


def test_a_computed_key_gives_the_entry_it_names(linked: Link) -> None:
    source = (
        "import openai\nREASONS = ('o1',)\n"
        "def ask(name):\n"
        "    cap = 'max_completion_tokens' if name in REASONS else 'max_tokens'\n"
        "    options = {'model': name, cap: 500}\n"
        "    return openai.OpenAI().chat.completions.create(messages=[], **options)\n"
    )

    (call,) = linked({"app.py": source}).calls
    assert call.setting("output_cap").value == 500


def test_a_request_to_any_other_address_is_no_model_call(linked: Link) -> None:
    source = (
        "import urllib.request\n"
        "def token():\n"
        "    request = urllib.request.Request('http://169.254.169.254/latest/api/token', method='PUT')\n"
        "    return urllib.request.urlopen(request, timeout=1)\n"
    )

    assert linked({"app.py": source}).calls == []


def test_a_class_with_a_type_in_brackets_is_the_class(linked: Link) -> None:
    source = (
        "from agents import Agent, Runner\nagent = Agent[dict](name='a', model='gpt-5.2')\n"
        "def ask(t):\n  return Runner.run_sync(agent, t)\n"
    )

    assert [c.model.id for c in linked({"app.py": source}).calls if c.name == "run_sync"] == ["gpt-5.2"]


def test_an_agent_that_a_platform_runs_is_an_agent_with_the_defaults_of_its_model(linked: Link) -> None:
    source = "from deepagents import create_deep_agent\nagent = create_deep_agent('openai:gpt-5', tools=[print])\n"
    (call,) = linked({"app.py": source, "langgraph.json": '{"graphs": {"a": "./app.py:agent"}}'}).calls

    assert call.is_agent and call.reachable and call.steps.number == 9999
    assert call.timeout.state == "none"


def test_fields_count_in_the_order_of_the_class_whatever_its_methods_set(linked: Link) -> None:
    source = """
from dataclasses import dataclass
from openai import OpenAI

@dataclass
class Job:
    client: OpenAI
    waited: int | None = None

    def wait(self):
        self.waited = 1

job = Job(OpenAI(), None)
it = job.client
"""
    assert meanings(linked({"app.py": source})) == [OPENAI]
