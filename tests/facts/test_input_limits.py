"""How large an input may be before it reaches a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import indent

import pytest

from readiness.facts.facts import Facts
from readiness.facts.inputs.input_limits import InputChannel

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """\
from typing import Annotated

from annotated_types import MaxLen
from fastapi import FastAPI, HTTPException, UploadFile
from langchain_core.messages import trim_messages
from openai import OpenAI
from pydantic import BaseModel, Field, StringConstraints, conlist, constr, field_validator

app = FastAPI()
client = OpenAI(timeout=30)
LONGEST = 4000

def ask(text):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="gpt-4o-2024-08-06", messages=messages).choices[0].message.content

"""


def channels(facts_of: FactsOf, source: str, files: Mapping[str, str] | None = None) -> list[InputChannel]:
    return facts_of({"app.py": HEAD + source, **(files or {})}).input_channels


def body(field: str, before: str = "", use: str = "ask(body.text)") -> str:
    return f"""\
class Body(BaseModel):
{indent(field, "    ")}

@app.post("/chat")
def chat(body: Body):
{indent(before or "pass", "    ")}
    return {use}
"""


@pytest.mark.parametrize(
    "field",
    [
        "text: str = Field(max_length=4000)",
        "text: Annotated[str, Field(max_length=LONGEST)]",
        "text: Annotated[str, StringConstraints(max_length=4000)]",
        "text: Annotated[str, MaxLen(4000)]",
        "text: constr(max_length=4000)",
        'text: str\n@field_validator("text")\ndef short(cls, v):\n    if len(v) > 99:\n        raise ValueError',
    ],
)
def test_a_bound_of_the_schema_refuses(facts_of: FactsOf, field: str) -> None:
    (channel,) = channels(facts_of, body(field))
    assert (channel.kind, channel.limit, channel.refuses) == ("text", "field", True)


@pytest.mark.parametrize(
    ("before", "limit"),
    [
        ("if len(body.text) > LONGEST:\n    raise HTTPException(413)", "check"),
        ("size = len(body.text)\nif size >= LONGEST:\n    raise HTTPException(413)", "check"),
        ("if len(body.text) < 3:\n    raise HTTPException(422)", "none"),
        ("if len(body.text) == 0:\n    raise HTTPException(422)", "none"),
        ("if len(body.text) > LONGEST:\n    print('long')", "none"),
        ("text = ask(body.text)\nif len(text) > LONGEST:\n    raise HTTPException(500)", "none"),
    ],
)
def test_a_test_on_the_way_counts_when_too_long_is_refused(facts_of: FactsOf, before: str, limit: str) -> None:
    (channel,) = channels(facts_of, body("text: str", before))
    assert channel.limit == limit


def test_a_field_that_the_model_does_not_read_is_no_part_of_the_channel(facts_of: FactsOf) -> None:
    limited = channels(facts_of, body("text: str = Field(max_length=9)\nuser: str", "print(body.user)"))
    unrelated = channels(facts_of, body("text: str\nuser: str = Field(max_length=9)", "print(body.user)"))
    assert [c.limit for c in limited] == ["field"]
    assert [c.limit for c in unrelated] == ["none"]


@pytest.mark.parametrize("use", ["ask(body.text[:LONGEST])", "ask(trim_messages([body.text], max_tokens=100))"])
def test_cutting_is_no_refusal(facts_of: FactsOf, use: str) -> None:
    (channel,) = channels(facts_of, body("text: str", use=use))
    assert (channel.limit, channel.refuses) == ("cut", False)


@pytest.mark.parametrize(
    ("path", "text", "limit"),
    [
        ("nginx.conf", "http {\n  client_max_body_size 1m;\n}\n", "body"),
        ("nginx.conf", "http {\n  client_max_body_size 0;\n}\n", "none"),
        ("nginx.conf", "http {\n  # client_max_body_size 1m;\n}\n", "none"),
        (
            "ingress.yaml",
            'kind: Ingress\nmetadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-body-size: "1m"\n',
            "body",
        ),
    ],
)
def test_a_proxy_of_the_repository_bounds_the_whole_request(
    facts_of: FactsOf, path: str, text: str, limit: str
) -> None:
    (channel,) = channels(facts_of, body("text: str"), {path: text})
    assert channel.limit == limit


@pytest.mark.parametrize(
    ("field", "limit", "items"),
    [
        ("text: list[str]", "none", False),
        ("text: list[Annotated[str, Field(max_length=9)]]", "none", True),
        ("text: list[Annotated[str, Field(max_length=9)]] = Field(max_length=20)", "field", True),
        ("text: list[float]", "none", True),
    ],
)
def test_a_list_is_bounded_in_number_and_in_its_items(facts_of: FactsOf, field: str, limit: str, items: bool) -> None:
    (channel,) = channels(facts_of, body(field, use="ask(str(body.text))"))
    assert (channel.kind, channel.limit, channel.items_limited) == ("list", limit, items)


def test_numbers_are_no_channel(facts_of: FactsOf) -> None:
    assert channels(facts_of, body("rooms: int\narea: float", use="ask(str(body.rooms))")) == []


@pytest.mark.parametrize(
    ("check", "limit"),
    [("", "none"), ("if len(content) > 1_000_000:\n    raise HTTPException(413)", "check"),
     ("if file.size > 1_000_000:\n    raise HTTPException(413)", "check")],
)  # fmt: skip
def test_a_file_is_bounded_by_its_bytes(facts_of: FactsOf, check: str, limit: str) -> None:
    source = f"""\
@app.post("/read")
async def read(file: UploadFile):
    content = await file.read()
{indent(check, "    ")}
    return ask(content.decode())
"""
    (channel,) = channels(facts_of, source)
    assert (channel.kind, channel.limit) == ("upload", limit)


@pytest.mark.parametrize(("argument", "limit"), [("", "none"), (", max_chars=500", "widget")])
def test_a_page_bounds_text_by_its_widget(facts_of: FactsOf, argument: str, limit: str) -> None:
    source = f'import streamlit as st\n{HEAD}\nkey = st.text_input("Key", type="password")\n' \
             f'question = st.text_area("Question"{argument})\nst.write(ask(question))\n'  # fmt: skip
    (channel,) = facts_of({"page.py": source}).input_channels
    assert (channel.kind, channel.limit) == ("text", limit)


@pytest.mark.parametrize(("copied", "unreached"), [("COPY . .", False), ("COPY src ./src", True)])
def test_an_upload_limit_counts_where_the_image_holds_its_file(facts_of: FactsOf, copied: str, unreached: bool) -> None:
    found = facts_of(
        {
            "src/page.py": f'import streamlit as st\n{HEAD}\nst.write(ask(st.file_uploader("File").read()))\n',
            ".streamlit/config.toml": "[server]\nmaxUploadSize = 5\n",
            "Dockerfile": f'FROM python:3.12\n{copied}\nCMD ["streamlit", "run", "src/page.py"]\n',
        }
    ).input_channels
    assert [(c.kind, c.limit, c.unreached) for c in found] == [("upload", "widget", unreached)]


PAGE = """\
import streamlit as st
from openai import OpenAI

client = OpenAI(timeout=30)
if prompt := st.chat_input():
    if len(prompt) > 500:
        st.error("Too long")
{rest}
"""
ASKED = """client.chat.completions.create(model="gpt-4o-2024-08-06", messages=[{"role": "user", "content": prompt}])"""


@pytest.mark.parametrize(
    ("rest", "limit"),
    [
        (f"    else:\n        st.write({ASKED})", "check"),
        (f"        st.stop()\n    st.write({ASKED})", "check"),
        (f"    st.write({ASKED})", "none"),
        (f"    else:\n        st.write('asking')\n    st.write({ASKED})", "none"),
    ],
)
def test_a_page_refuses_by_keeping_what_is_too_long_from_the_model(facts_of: FactsOf, rest: str, limit: str) -> None:
    (channel,) = facts_of({"app.py": PAGE.format(rest=rest)}).input_channels
    assert channel.limit == limit


def test_a_size_kept_in_a_name_is_a_size(facts_of: FactsOf) -> None:
    source = (
        "import http.server, json\nclass Api(http.server.BaseHTTPRequestHandler):\n  def do_POST(self):\n"
        "    size = int(self.headers.get('Content-Length') or 0)\n    if size > LONGEST:\n      return size\n"
        "    self.wfile.write(ask(json.loads(self.rfile.read(size))['text']).encode())\n"
    )
    assert [(c.kind, c.place.line - HEAD.count("\n")) for c in channels(facts_of, source)] == [("text", 7)]
