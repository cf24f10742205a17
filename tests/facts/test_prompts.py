"""Where prompt text is written: in the code, in a module of prompts, in tracked files, in settings, in a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from readiness._resources import data_root
from readiness.extract.observe import observe
from readiness.facts.core import link
from readiness.facts.linking.web import WebKnowledge, load_web
from readiness.facts.prompts.prompts import Prompts, find_prompts
from readiness.facts.sdks.knowledge import Knowledge, load_knowledge
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

Find = Callable[..., Prompts]

TEXT = "You are a careful assistant of the city library. Never invent a title."
CALL = """
from openai import OpenAI

client = OpenAI()

def ask(question):
    return client.chat.completions.create(
        model="gpt-4o", messages=[{{"role": "system", "content": {system}}}, {{"role": "user", "content": question}}]
    )
"""


@cache
def knowledge() -> tuple[Knowledge, WebKnowledge]:
    """The tables that ship with the package, read once."""
    checks = data_root() / "checks"
    return load_knowledge(checks), load_web(checks / "knowledge" / "web-frameworks.yaml")


@pytest.fixture
def prompts(make_repository: Callable[[Mapping[str, str]], Path]) -> Find:
    """A function that gives the prompts of a repository; `code` stands before the call that is told `system`."""

    def find(code: str = "", system: str = "SYSTEM", files: Mapping[str, str] | None = None) -> Prompts:
        root = make_repository({"app.py": code + "\n" + CALL.format(system=system), **(files or {})})
        repository = open_repository(root, load_configuration(root))
        return find_prompts(link(repository, observe(repository), *knowledge()))

    return find


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("", f'"{TEXT}"'),
        (f'SYSTEM = "{TEXT}"', "SYSTEM"),
        (f'SYSTEM = """\n    {TEXT[:30]}\n    {TEXT[30:]}\n"""', "SYSTEM"),
        (f'SYSTEM = "{TEXT[:31]}" + "{TEXT[31:]}"', "SYSTEM"),
        (f'SYSTEM = "{TEXT[:31]}"\nSYSTEM += "{TEXT[31:]}"', "SYSTEM"),
        (f'SYSTEM = " ".join(["{TEXT[:31].strip()}", "{TEXT[31:].strip()}"])', "SYSTEM"),
        (f'class Texts:\n    system = "{TEXT}"', "Texts.system"),
        (f'TEXTS = {{"system": "{TEXT}"}}', 'TEXTS["system"]'),
        (f'def system():\n    return f"{TEXT}"', "system()"),
        (f'import os\nSYSTEM = os.getenv("SYSTEM_PROMPT", "{TEXT}")', "SYSTEM"),
        (f'import textwrap\nSYSTEM = textwrap.dedent("""\n    {TEXT}\n    """).strip()', "SYSTEM"),
        (f'from string import Template\nSYSTEM = Template("{TEXT}").substitute(x=1)', "SYSTEM"),
        (f'import streamlit as st\nSYSTEM = st.text_area("System prompt", "{TEXT}")', "SYSTEM"),
    ],
)
def test_text_in_the_code_is_inline_and_measured_after_folding(prompts: Find, code: str, system: str) -> None:
    found = prompts(code, system)
    assert {p.origin for p in found.parts} == {"inline"}
    assert abs(max(p.characters for p in found.assembled) - len(TEXT)) <= 2


@pytest.mark.parametrize("path", ["prompts.py", "core/prompts/library.py", "library_prompts.py"])
def test_a_module_of_prompts_is_central(prompts: Find, path: str) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    found = prompts(f"from {module} import SYSTEM", files={path: f'SYSTEM = "{TEXT}"\n'})
    assert (found.central, found.outside, found.characters) == (len(TEXT), 0, len(TEXT))


@pytest.mark.parametrize(
    "code",
    [
        'SYSTEM = open("prompts/library.md").read()',
        'with open("prompts/library.md") as file:\n    SYSTEM = file.read()',
        'from pathlib import Path\nSYSTEM = Path("prompts/library.md").read_text()',
        'from pathlib import Path\nSYSTEM = (Path(__file__).parent / "prompts" / "library.md").read_text("utf-8")',
        'from pathlib import Path\nHERE = Path(__file__).parent / "prompts"\ndef load(name):\n'
        '    return (HERE / f"{name}.md").read_text()\nSYSTEM = load("library")',
        'import os\nSYSTEM = open(os.path.join(os.path.dirname(__file__), "prompts", "library.md")).read().strip()',
        'from importlib.resources import files\nSYSTEM = files("app").joinpath("prompts/library.md").read_text()',
        'from importlib import resources\nSYSTEM = resources.read_text("prompts", "library.md")',
        'from jinja2 import Environment, FileSystemLoader\nfolder = Environment(loader=FileSystemLoader("prompts"))\n'
        'SYSTEM = folder.get_template("library.md").render(city="here")',
        "class Prompts:\n    def __init__(self):\n        with open('prompts/library.md') as file:\n"
        "            self.system = file.read()\n"
        "SYSTEM = Prompts().system",
    ],
)  # fmt: skip
def test_text_that_is_read_from_a_tracked_file_is_outside(prompts: Find, code: str) -> None:
    found = prompts(
        code, files={"prompts/library.md": TEXT + "\n", "README.md": "About this library, in many words.\n"}
    )
    assert [(p.origin, p.place.path) for p in found.parts] == [("file", "prompts/library.md")]
    assert found.outside == found.characters == len(TEXT)


def test_only_the_prompts_of_a_settings_file_are_prompt_text(prompts: Find) -> None:
    settings = f'title = "The name of the service"\n[library]\nsystem = "{TEXT}"\nowner = "The desk of the library"\n'
    code = """
import tomllib

with open("texts.toml", "rb") as file:
    TEXTS = tomllib.load(file)
SYSTEM = TEXTS["library"]["system"]
"""
    found = prompts(code, files={"texts.toml": settings})
    assert (found.outside, found.characters) == (len(TEXT), len(TEXT))


@pytest.mark.parametrize(
    "code",
    [
        'from langfuse import Langfuse\nSYSTEM = Langfuse().get_prompt("library", label="live").compile(city="here")',
        'from langfuse import get_client\nSYSTEM = get_client().get_prompt("library").prompt',
        'from langsmith import Client\nSYSTEM = Client().pull_prompt("library:1a2b3c")',
        'import mlflow\nSYSTEM = mlflow.genai.load_prompt("prompts:/library/3").format(city="here")',
    ],
)
def test_a_registry_holds_text_that_is_not_seen(prompts: Find, code: str) -> None:
    assert [p.origin for p in prompts(code).parts] == ["registry"]


def test_a_file_that_may_replace_the_text_is_a_loader_though_it_is_not_here(prompts: Find) -> None:
    code = f"""
import os

path = os.getenv("PROMPT_FILE")
SYSTEM = open(path).read() if path else "{TEXT}"
"""
    found = prompts(code)
    assert len(found.loaders) == 1
    assert found.characters == len(TEXT)


def test_a_document_that_is_summarised_is_no_prompt_file(prompts: Find) -> None:
    code = "import sys\nDOCUMENT = open(sys.argv[1]).read()"
    assert not prompts(code, 'f"Summarise this text in two lines: {DOCUMENT}"').loaders


@pytest.mark.parametrize("system", ["question", 'f"{question}"', '"{}: {}".format(question, question)', '"helpful"'])
def test_glue_between_values_is_no_prompt(prompts: Find, system: str) -> None:
    assert prompts(system=system).characters == 0


def test_appended_messages_belong_to_the_prompt(prompts: Find) -> None:
    code = f"""
def more(client, question):
    messages = [{{"role": "system", "content": "{TEXT}"}}]
    messages.append({{"role": "user", "content": f"Answer in three sentences: {{question}}"}})
    return ask_all(client, messages)

def ask_all(client, messages):
    from openai import OpenAI
    return OpenAI().chat.completions.create(model="gpt-4o", messages=messages)
"""
    longest = max(p.characters for p in prompts(code, '"You are kind."').assembled)
    assert longest == len(TEXT) + len("Answer in three sentences:")


def test_alternatives_are_measured_by_the_longest(prompts: Find) -> None:
    found = prompts(f'import os\nSYSTEM = "Be kind." if os.getenv("SHORT") else "{TEXT}"')
    assert [p.characters for p in found.assembled] == [len(TEXT)]
    assert len(found.parts) == 2


def test_a_template_that_is_piped_into_a_model_is_its_prompt(prompts: Find) -> None:
    code = f"""
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

chain = ChatPromptTemplate.from_messages([("system", "{TEXT}"), ("human", "{{question}}")]) | ChatOpenAI(model="gpt-4o")

def answer(question):
    return chain.invoke({{"question": question}})
"""
    assert len(TEXT) in [p.characters for p in prompts(code, "question").assembled]


def test_what_a_caller_hands_to_a_wrapper_is_measured_at_the_caller(prompts: Find) -> None:
    code = f"""
def complete(system, question):
    return client.chat.completions.create(
        model="gpt-4o", messages=[{{"role": "system", "content": system}}, {{"role": "user", "content": question}}]
    )

def answer(question):
    return complete("{TEXT}", question)
"""
    found = prompts(code, "question")
    assert ("complete(...)", len(TEXT)) in [(p.text, p.characters) for p in found.assembled]
    assert found.characters == len(TEXT), "one text, however many prompts use it"


def test_tests_and_field_descriptions_are_no_prompts(prompts: Find) -> None:
    code = """
from pydantic import BaseModel, Field

class Question(BaseModel):
    text: str = Field(description="The question of the reader, as it was typed in")
"""
    test = f'from app import ask\n\ndef test_ask():\n    assert ask("{TEXT}")\n'
    assert prompts(code, "Question().text", files={"tests/test_app.py": test}).characters == 0


def test_a_text_that_is_defined_by_itself_ends(prompts: Find) -> None:
    found = prompts(f'SYSTEM = "{TEXT}"\nfor _ in range(3):\n    SYSTEM = SYSTEM + " Answer briefly." + SYSTEM')
    assert found.characters >= len(TEXT)
