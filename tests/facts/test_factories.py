"""Which model a factory builds: names cut at a colon, settings files, guards that the shipped settings decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import readiness
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.values import External

Link = Callable[[Mapping[str, str]], Core]

SETTINGS = """\
from pathlib import Path
from pydantic_settings import BaseSettings, SettingsConfigDict, TomlConfigSettingsSource

class Settings(BaseSettings):
    {config}
    model: str = "gpt-3.5-turbo"
    others: list[str] = []

    def rehearsing(self):
        return self.model_copy(update={{"others": []}})

    @classmethod
    def settings_customise_sources(cls, settings_cls, init_settings, **rest):
        return init_settings, TomlConfigSettingsSource(settings_cls{file})
"""
ASKING = """\
from openai import OpenAI
from settings import Settings

client = OpenAI()

def build(name):
    return client.chat.completions.create(model=name, messages=[{"role": "user", "content": "x"}])

"""


def the_call(linked: Link, app: str, **files: str) -> ModelCall:
    """The one generative call of an application below `ASKING`, with the settings file and whatever else is there."""
    named = {name.replace("_dot_", "."): text for name, text in files.items()}
    core = linked({"app.py": ASKING + app, "service.toml": 'model = "gpt-4o-2024-08-06"\n', **named})
    (call,) = [c for c in core.calls if c.generates]
    return call


@pytest.mark.parametrize(
    ("config", "file"),
    [
        ("", ', Path.cwd() / "service.toml"'),
        ("", ', toml_file=Path("conf", "service.toml")'),
        ('model_config = SettingsConfigDict(toml_file="service.toml")', ""),
        ('model_config = SettingsConfigDict(toml_file=["base.toml", "service.toml"])', ""),
    ],
)
def test_the_file_that_a_settings_class_reads_beats_its_defaults(linked: Link, config: str, file: str) -> None:
    settings = SETTINGS.format(config=config or "pass", file=file)
    call = the_call(linked, "build(Settings().model)", settings_dot_py=settings)
    assert (call.model.id, call.model.options) == ("gpt-4o-2024-08-06", ())


def test_a_file_that_no_source_reads_says_nothing(linked: Link) -> None:
    settings = (
        "from pydantic_settings import BaseSettings, SettingsConfigDict\nclass Settings(BaseSettings):\n"
        '    model_config = SettingsConfigDict(toml_file="service.toml")\n    model: str = "gpt-3.5-turbo"\n'
    )
    assert the_call(linked, "build(Settings().model)", settings_dot_py=settings).model.id == "gpt-3.5-turbo"


def test_a_copy_of_settings_has_their_values(linked: Link) -> None:
    settings = SETTINGS.format(config="pass", file=', "service.toml"')
    call = the_call(linked, "build(Settings().rehearsing().model)", settings_dot_py=settings)
    assert call.model.id == "gpt-4o-2024-08-06"


def test_a_chain_of_models_from_a_file_is_a_list_of_options(linked: Link) -> None:
    settings = SETTINGS.format(config="pass", file=', "service.toml"')
    toml = 'model = "gpt-4o-2024-08-06"\nothers = ["gpt-4o-mini-2024-07-18"]\n'
    app = "s = Settings()\nfor name in dict.fromkeys([s.model, *s.others]):\n    build(name)\n"
    call = the_call(linked, app, settings_dot_py=settings, service_dot_toml=toml)
    assert (call.model.id, call.model.options) == ("gpt-4o-2024-08-06", ("gpt-4o-mini-2024-07-18",))


def test_a_name_is_cut_at_its_separator(linked: Link) -> None:
    app = 'NAME = "openai:gpt-4o-2024-08-06"\nprovider, _, model = NAME.partition(":")\nbuild(model)\n'
    assert the_call(linked, app, settings_dot_py="Settings = None").model.id == "gpt-4o-2024-08-06"
    app = 'NAME = "openai/eu/gpt-4o"\nbuild(NAME.rsplit("/", 1)[1])\n'
    assert the_call(linked, app, settings_dot_py="Settings = None").model.id == "gpt-4o"


def test_what_a_parameter_is_by_default_is_called_by_its_name(linked: Link) -> None:
    app = 'def serve(name="gpt-4o", make=build):\n    return make(name)\n'
    assert the_call(linked, app, settings_dot_py="Settings = None").model.id == "gpt-4o"


FACTORY = """\
from pydantic_ai.direct import model_request
from pydantic_ai.models import infer_model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel

KNOWN = {{"openai": OpenAIChatModel}}
NAME = "{name}"

def is_claude(name):
    return name.startswith("anthropic:")

def build(name):
    provider, _, model = name.partition(":")
    if is_claude(name):
        return AnthropicModel(model)
    if model and provider in KNOWN:
        return OpenAIChatModel(model)
    return infer_model(name)

async def ask(messages):
    return await model_request(build(NAME), messages)
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [("anthropic:claude-sonnet-4-5-20250929", 15), ("openai:gpt-4o-2024-08-06", 17), ("google:gemini-2.5-pro", 18)],
)
def test_the_shipped_setting_chooses_the_branch(linked: Link, name: str, line: int) -> None:
    core = linked({"app.py": FACTORY.format(name=name)})
    (call,) = core.calls
    chosen, *others = core.resolver.values(call.call.arguments[0], call.unit)
    assert isinstance(chosen, External) and [step.call.line for step in chosen.steps] == [line]
    assert len(others) == 2


@pytest.mark.parametrize("more", ["[*names, 'gpt-4o-mini']", "longer(names)"])
def test_a_list_that_is_made_of_itself_comes_to_an_end(linked: Link, more: str) -> None:
    app = (
        "def longer(names):\n    return [*names, 'gpt-4o-mini']\n\ndef serve(names):\n    while True:\n"
        f"        for name in names:\n            build(name)\n        names = {more}\n\nserve(['gpt-4o'])\n"
    )
    call = the_call(linked, app, settings_dot_py="Settings = None")
    assert {str(call.model.id), *call.model.options} == {"gpt-4o", "gpt-4o-mini"}


OWN = """\
from pydantic_ai.direct import model_request
from pydantic_ai.models import Model
{more}

class Echo(Model[None]):
    async def request(self, messages, settings, parameters):
        return messages[-1]

async def ask(messages):
    return await model_request(Echo(), messages)
"""


def test_a_model_of_the_repository_has_its_commit_unless_it_asks_others(linked: Link) -> None:
    (call,) = linked({"app.py": OWN.format(more="")}).calls
    assert (call.model.id, call.model.own, call.model.pinning) == ("Echo", True, "pinned")
    (call,) = linked({"app.py": OWN.format(more="import httpx")}).calls
    assert (call.model.own, call.model.pinning) == (False, "unknown")


def test_where_one_of_several_models_of_a_chain_is_built_no_row_says_it_is_the_first(
    make_repository: Callable[[Mapping[str, str]], Path],
) -> None:
    files = {
        "models.py": (
            "from langchain_deepseek import ChatDeepSeek\nfrom langchain_openai import ChatOpenAI\n\n"
            "def create(provider='openai'):\n    if provider == 'openai':\n"
            "        return ChatOpenAI(model='gpt-4.1')\n    return ChatDeepSeek(model='deepseek-chat')\n"
        ),
        "app.py": (
            "import os\nfrom fastapi import FastAPI\n"
            "from langchain.chains.combine_documents import create_stuff_documents_chain\n"
            "from langchain_core.prompts import ChatPromptTemplate\nfrom models import create\n\napp = FastAPI()\n"
            "prompt = ChatPromptTemplate.from_messages([('system', 'Use {context}.'), ('human', '{input}')])\n\n"
            "@app.post('/ask')\nasync def ask(question: str):\n"
            "    chain = create_stuff_documents_chain(create(os.getenv('PROVIDER', 'openai')), prompt)\n"
            "    return await chain.ainvoke({'input': question, 'context': []})\n"
        ),
    }
    rows = readiness.scan(make_repository(files)).model_calls
    assert [(r.path, r.line, r.model, r.is_constructor) for r in rows] == [
        ("app.py", 13, "gpt-4.1", False),
        ("models.py", 6, None, True),
        ("models.py", 7, None, True),
    ]
