"""Model text is followed to what code does with it, however it gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from readiness.extract.observe import observe
from readiness.facts.core import link
from readiness.facts.flows.flows import Flows, find_flows
from readiness.facts.linking.web import load_web
from readiness.facts.sdks.knowledge import Knowledge, knowledge_folder, load_knowledge
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

OPENAI = """\
    from fastapi import FastAPI
    from openai import OpenAI

    app = FastAPI()
    client = OpenAI()

    def ask(question):
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
        return answer.choices[0].message.content

"""
LANGCHAIN = """\
    from fastapi import FastAPI
    from langchain_openai import ChatOpenAI

    app = FastAPI()
    model = ChatOpenAI(model="gpt-4o")

"""
Find = Callable[[Mapping[str, str]], Flows]


@cache
def knowledge() -> Knowledge:
    """What is known of SDKs, read once."""
    return load_knowledge()


@pytest.fixture
def find(make_repository: Callable[[Mapping[str, str]], Path]) -> Find:
    """A function that gives the flows of the files."""

    def found(files: Mapping[str, str]) -> Flows:
        repository = open_repository(root := make_repository(files), load_configuration(root))
        web = load_web(knowledge_folder() / "web-frameworks.yaml")
        return find_flows(link(repository, observe(repository), knowledge(), web))

    return found


def uses(flows: Flows) -> list[tuple[str, str]]:
    """What each flow does, and how."""
    return [(flow.use.value, flow.how) for flow in flows.reads]


def body(head: str, *lines: str) -> dict[str, str]:
    """A service with one route whose body is given."""
    indented = "\n".join(f"        {line}" for line in lines)
    return {"app.py": f'{head}    @app.post("/do")\n    def do(question: str):\n{indented}\n'}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["import json", "return json.loads(ask(question))"], ("parses", "json.loads()")),
        (["import yaml", "return yaml.safe_load(ask(question).strip())"], ("parses", "yaml.safe_load()")),
        (["return float(ask(question))"], ("parses", "float()")),
        (["return 'yes' in ask(question).lower()"], ("searches", "`in`")),
        (["import re", r"return re.findall(r'\d+', ask(question))"], ("searches", "re.findall()")),
        (["return ask(question).split('Answer:')[1]"], ("searches", ".split()")),
        (["text = ask(question)", "return text[text.index('A') + 1:]"], ("searches", ".index()")),
        (["return ask(question) == 'yes'"], ("matches", "`==`")),
        (["return ask(question) in ('red', 'green')"], ("matches", "`in`")),
        (["return ask(question).split('</think>')[-1]"], ("cleans", ".split()")),
    ],
)  # fmt: skip
def test_each_use_has_its_kind(find: Find, lines: list[str], expected: tuple[str, str]) -> None:
    assert uses(find(body(OPENAI, *lines))) == [expected]


@pytest.mark.parametrize(
    "lines",
    [
        ["return ask(question).strip()"],
        ["return [line for line in ask(question).split('\\n')]"],
        ["return ask(question).replace('**', '')"],
        ["import re", "return re.sub(r'[*_]', '', ask(question))"],
        ["text = ask(question)", "return text[:200] if text else ''"],
        ["return 'yes' in question.lower()"],
        ["import json", "return json.loads(question)"],
        ["import json", "answer = client.chat.completions.create(model='gpt-4o', messages=[])",
         "return json.loads('{}') if answer.usage.total_tokens == 5 else None"],
    ],
)  # fmt: skip
def test_what_people_read_and_what_no_model_wrote_is_no_use(find: Find, lines: list[str]) -> None:
    flows = find(body(OPENAI, *lines))
    assert uses(flows) == []
    assert not flows.parses


@pytest.mark.parametrize(
    "lines",
    [
        ["return json.loads(model.invoke(question).content)"],
        ["text = ''", "for chunk in model.stream(question):", "    text += chunk.content", "return json.loads(text)"],
        ["parts = []", "for chunk in model.stream(question):", "    parts.append(chunk.content)",
         "return json.loads(''.join(parts))"],
        ["found = {'answer': model.invoke(question)}", "return json.loads(found['answer'].content)"],
        ["from langchain_core.output_parsers import StrOutputParser", "chain = model | StrOutputParser()",
         "return json.loads(chain.invoke(question))"],
        ["def inner():", "    return model.invoke(question)", "return json.loads(inner().content)"],
        ["text, cost = model.invoke(question).content, 3", "return json.loads(text)"],
    ],
)  # fmt: skip
def test_text_is_followed_through_streams_containers_pipes_and_functions(find: Find, lines: list[str]) -> None:
    head = "    import json\n" + LANGCHAIN
    flows = find(body(head, *lines))
    assert uses(flows) == [("parses", "json.loads()")]
    assert flows.parses


STREAM = """\
    import httpx, json
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/ask")
    def ask(question: str):
        body = {"model": "m", "messages": [{"role": "user", "content": question}], "stream": True}
        with httpx.stream("POST", "https://api.openai.com/v1/chat/completions", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    if line == "data: [DONE]":
                        break
                    event = json.loads(line[6:])
                    if event["object"] == "error":
                        continue
                    text = event["choices"][0]["delta"]["content"]
"""


def test_the_envelope_of_an_answer_over_http_is_no_text_of_the_model(find: Find) -> None:
    assert uses(find({"app.py": STREAM})) == []
    read = STREAM + "                    json.loads(text)\n"
    assert [use for use, _ in uses(find({"app.py": read}))] == ["parses"]


def test_text_is_followed_through_attributes_and_other_modules(find: Find) -> None:
    flows = find(
        {
            "llm.py": """\
                from anthropic import AsyncAnthropic

                class Client:
                    def __init__(self):
                        self.client = AsyncAnthropic()

                    async def complete(self, prompt):
                        answer = await self.client.messages.create(model="claude", max_tokens=100, messages=[])
                        return answer.content[0].text, answer.usage
            """,
            "app.py": """\
                import json

                from fastapi import FastAPI

                from llm import Client

                app = FastAPI()

                class Worker:
                    def __init__(self):
                        self.client = Client()

                    async def work(self):
                        self.text, usage = await self.client.complete("hello")
                        return self.parse()

                    def parse(self):
                        return json.loads(self.text)

                @app.post("/work")
                async def work():
                    return await Worker().work()
            """,
        }
    )
    assert [(f.place.path, f.use.value, f.calls[0].place.path) for f in flows.reads] == [("app.py", "parses", "llm.py")]
    assert [(c.place.path, c.text) for c in flows.calls] == [("app.py", "self.client.complete(...)")]


def test_a_cleaning_helper_is_followed_for_each_of_its_callers(find: Find) -> None:
    helper = "    import json\n    def clean(text):\n        return text.strip()\n\n"
    flows = find(body(OPENAI + helper, "clean(ask(question))", "return json.loads(clean(question))"))
    assert uses(flows) == []


@pytest.mark.parametrize(
    ("after", "checked"),
    [
        ("return data", False),
        ("return Invoice.model_validate(data)", True),
        ("return Invoice(**data)", True),
        ("if data['kind'] not in ('a', 'b'):\n            raise ValueError\n        return data", True),
    ],
)
def test_a_fence_is_cut_before_a_parse_that_is_validated_or_not(find: Find, after: str, checked: bool) -> None:
    head = "    import json\n    from pydantic import BaseModel\n\n    class Invoice(BaseModel):\n        kind: str\n\n"
    cut = "text = ask(question).split('```json')[1].split('```')[0]"
    flows = find(body(head + OPENAI, cut, "data = json.loads(text)", after))
    assert {(f.use.value, f.checked) for f in flows.reads} == {("extracts", checked), ("parses", checked)}
    assert [c.checked for c in flows.calls] == [checked]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "none"),
        (", response_format={'type': 'json_object'}", "json"),
        (", response_format={'type': 'text'}", "none"),
        (", response_format={'type': 'json_schema', 'json_schema': {'name': 'x', 'schema': {}}}", "schema"),
    ],
)
def test_a_request_asks_for_a_schema_some_json_or_nothing(find: Find, arguments: str, expected: str) -> None:
    call = f"client.chat.completions.create(model='gpt-4o', messages=[]{arguments})"
    flows = find(body(OPENAI, "import json", f"return json.loads({call}.choices[0].message.content)"))
    assert [c.enforcement.value for c in flows.calls] == [expected]


@pytest.mark.parametrize(
    ("tools", "choice", "expected"),
    [
        ("[search, order]", "", "schema"),
        ("[search]", "", "tools"),
        ("[search]", ", tool_choice='required'", "schema"),
        ("[search]", ", tool_choice='auto'", "tools"),
    ],
)
def test_arguments_of_tools_have_the_shape_the_tools_declare(
    find: Find, tools: str, choice: str, expected: str
) -> None:
    call = f"client.chat.completions.create(model='gpt-4o', messages=[], tools={tools}{choice})"
    flows = find(
        body(
            OPENAI,
            "import json",
            f"calls = {call}.choices[0].message.tool_calls",
            "return save(json.loads(calls[0].function.arguments))",
        )
    )
    assert [c.enforcement.value for c in flows.calls] == [expected]


def test_the_schema_of_a_wrapper_is_what_each_caller_passes(find: Find) -> None:
    flows = find(
        {
            "app.py": """\
                import json

                from fastapi import FastAPI
                from openai import OpenAI

                app = FastAPI()

                def complete(prompt, response_format=None):
                    answer = OpenAI().chat.completions.create(
                        model="gpt-4o", messages=[{"role": "user", "content": prompt}], response_format=response_format
                    )
                    return answer.choices[0].message.content

                @app.post("/strict")
                def strict(text: str):
                    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
                    return json.loads(complete(text, response_format=schema))

                @app.post("/free")
                def free(text: str):
                    return json.loads(complete(text))
            """
        }
    )
    assert [c.enforcement.value for c in flows.calls] == ["schema", "none"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return eval(ask(question))", ("Python code", False, False)),
        ("return eval(ask(question), {'__builtins__': {}})", ("Python code", False, True)),
        ("import subprocess; return subprocess.run(ask(question), shell=True)", ("a process", False, False)),
        ("import subprocess; return subprocess.run(['bash', '-c', ask(question)])", ("a process", False, False)),
        ("import subprocess; return subprocess.run(['git', 'log', ask(question)])", ("a process", False, True)),
        ("import yaml; return yaml.load(ask(question), Loader=yaml.Loader)", ("a serialised object", False, False)),
        ("import jinja2; return jinja2.Template(ask(question)).render()", ("a template", False, False)),
        ("from sqlalchemy import text; return text(f'SELECT {ask(question)}')", ("SQL", False, False)),
        ("import sympy; return sympy.sympify(ask(question))", ("an expression", False, False)),
    ],
)
def test_what_runs_model_text(find: Find, line: str, expected: tuple[str, bool, bool]) -> None:
    flows = find(body(OPENAI, line))
    assert [(f.how, f.sandboxed, f.restricted) for f in flows.executions] == [expected]
    assert all(f.reachable for f in flows.executions)


@pytest.mark.parametrize(
    "line",
    [
        "return eval('1 + 1')",
        "import ast; return ast.literal_eval(ask(question))",
        "import yaml; return yaml.load(ask(question), Loader=yaml.SafeLoader)",
        "import sqlite3; return sqlite3.connect('x').execute('SELECT ?', (ask(question),))",
        "import sqlite3; return sqlite3.connect('x').execute(f'SELECT {int(ask(question))}')",
        "import subprocess; return subprocess.run(['git', 'log'])",
    ],
)
def test_what_runs_no_model_text(find: Find, line: str) -> None:
    assert find(body(OPENAI, line)).executions == []


def test_the_arguments_of_a_tool_are_model_output_but_numbers_run_nothing(find: Find) -> None:
    flows = find(
        {
            "app.py": """\
                import os

                from agents import Agent, Runner, function_tool
                from fastapi import FastAPI

                app = FastAPI()

                class Shell:
                    def run(self, command):
                        os.system(f"convert {command}")

                @function_tool
                def convert(name: str):
                    Shell().run(name)

                @function_tool
                def wait(seconds: int):
                    os.system(f"sleep {seconds}")

                agent = Agent(name="clerk", tools=[convert, wait])

                @app.post("/chat")
                async def chat(question: str):
                    return (await Runner.run(agent, question)).final_output
            """
        }
    )
    assert [(f.place.line, f.how, f.from_tool, f.reachable) for f in flows.executions] == [
        (10, "a shell command", True, True)
    ]


def test_definitions_that_lean_on_themselves_come_to_an_end(find: Find) -> None:
    lines = "\n".join(f"    def f{n}(x):\n        return f{(n + 1) % 6}(x) + f{(n * 5) % 6}(x)\n" for n in range(6))
    flows = find(body(OPENAI + lines, "text = ask(question)", "for _ in range(3):", "    text = f0(text) + text",
                      "return 'yes' in text"))  # fmt: skip
    assert ("searches", "`in`") in uses(flows)
