"""What an entry point is given, and who checks its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import dedent, indent

import pytest

from readiness.facts.facts import Facts
from readiness.facts.inputs.requests import RequestEntry

FactsOf = Callable[[Mapping[str, str]], Facts]

FASTAPI = """\
import hmac
import json
from typing import Annotated, Any, Literal

from fastapi import Body, Depends, FastAPI, File, Form, HTTPException, Request, UploadFile, WebSocket
from openai import OpenAI
from pydantic import BaseModel, Field

app = FastAPI()
client = OpenAI(timeout=30)

class Question(BaseModel):
    text: str

def ask(text, model="gpt-4o-2024-08-06"):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages).choices[0].message.content

"""

FLASK = FASTAPI.replace("from fastapi import", "from flask import Flask, request\nfrom fastapi import").replace(
    "app = FastAPI()", "app = Flask(__name__)"
)


def only(facts_of: FactsOf, head: str, handler: str) -> RequestEntry:
    (request,) = facts_of({"app.py": head + dedent(handler)}).requests
    return request


@pytest.mark.parametrize(
    "handler",
    [
        'def chat(question: Question):\n    return ask(question.text)',
        'def chat(text: str):\n    return ask(text)',
        'def chat(text: Annotated[str, Form()]):\n    return ask(text)',
        'def chat(questions: list[Question]):\n    return ask(questions[0].text)',
        'async def chat(request: Request):\n    return ask(Question.model_validate(await request.json()).text)',
        'async def chat(request: Request):\n    data = await request.json()\n    return ask(Question(**data).text)',
    ],
)  # fmt: skip
def test_a_declared_or_validated_input_is_typed(facts_of: FactsOf, handler: str) -> None:
    request = only(facts_of, FASTAPI, '@app.post("/chat")\n' + handler)
    assert request.typed
    assert not request.untyped


@pytest.mark.parametrize(
    "handler",
    [
        'def chat(body: dict):\n    return ask(body["text"])',
        "def chat(body: Any = Body()):\n    return ask(body)",
        'def chat(body: list[dict[str, Any]]):\n    return ask(body[0]["text"])',
        'def chat(body=Body()):\n    return ask(body["text"])',
        'async def chat(request: Request):\n    return ask((await request.json())["text"])',
    ],
)
def test_a_free_body_is_untyped(facts_of: FactsOf, handler: str) -> None:
    request = only(facts_of, FASTAPI, '@app.post("/chat")\n' + handler)
    assert request.untyped
    assert not request.typed


def test_a_body_read_in_a_helper_belongs_to_the_handler(facts_of: FactsOf) -> None:
    request = only(
        facts_of,
        FASTAPI,
        """\
        async def body_of(request):
            return await request.json()

        @app.post("/chat")
        async def chat(request: Request):
            return ask((await body_of(request))["text"])
        """,
    )
    assert request.untyped == ("raw",)


@pytest.mark.parametrize(
    ("read", "untyped"),
    [
        ('ask(request.json["text"])', True),
        ('ask(request.get_json()["text"])', True),
        ("ask(Question.model_validate(request.get_json()).text)", False),
        ("ask(Question.parse_raw(request.data).text)", False),
    ],
)
def test_what_flask_hands_out_must_be_validated(facts_of: FactsOf, read: str, untyped: bool) -> None:
    request = only(facts_of, FLASK, f'@app.route("/chat", methods=["POST"])\ndef chat():\n    return {read}\n')
    assert bool(request.untyped) is untyped


@pytest.mark.parametrize(
    ("message", "untyped"),
    [
        ("ask(await socket.receive_text())", False),
        ('ask(json.loads(await socket.receive_text())["text"])', True),
        ('ask((await socket.receive_json())["text"])', True),
        ("ask(Question.model_validate(await socket.receive_json()).text)", False),
    ],
)
def test_a_message_of_a_socket_is_typed_as_text_or_by_a_model(facts_of: FactsOf, message: str, untyped: bool) -> None:
    handler = f'@app.websocket("/ws")\nasync def talk(socket: WebSocket):\n    await socket.send_text({message})\n'
    assert bool(only(facts_of, FASTAPI, handler).untyped) is untyped


def test_a_dependency_brings_no_input_of_its_own_when_it_only_opens_a_session(facts_of: FactsOf) -> None:
    request = only(
        facts_of,
        FASTAPI,
        """\
        def session():
            yield object()

        @app.post("/chat")
        def chat(question: Question, db=Depends(session)):
            return ask(question.text)
        """,
    )
    assert [i.name for i in request.inputs] == ["question"]


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ("role: str\n    content: str", ("role",)),
        ('role: Literal["user", "system"]\n    content: str', ()),
        ('role: Literal["user", "assistant"]\n    content: str', ()),
    ],
)
def test_a_role_of_any_name_is_the_callers_choice(facts_of: FactsOf, fields: str, chosen: tuple[str, ...]) -> None:
    handler = f"""\
class Message(BaseModel):
    {fields}

class Chat(BaseModel):
    messages: list[Message]

@app.post("/chat")
def chat(body: Chat):
    return ask(body.messages[-1].content)
"""
    assert only(facts_of, FASTAPI, handler).chosen == chosen


@pytest.mark.parametrize(
    ("guard", "chosen"), [("", ("model",)), ("if body.model not in ALLOWED:\n    raise HTTPException(422)\n", ())]
)
def test_a_model_name_without_an_allow_list_is_the_callers_choice(
    facts_of: FactsOf, guard: str, chosen: tuple[str, ...]
) -> None:
    handler = f"""\
ALLOWED = ["gpt-4o-2024-08-06"]

class Chat(BaseModel):
    text: str
    model: str

@app.post("/chat")
def chat(body: Chat):
{indent(guard, "    ")}
    return ask(body.text, model=body.model)
"""
    assert only(facts_of, FASTAPI, handler).chosen == chosen


@pytest.mark.parametrize(
    ("check", "signed"),
    [
        ('if not hmac.compare_digest(SECRET, request.headers["x-sig"]):\n    raise HTTPException(401)', True),
        ('if SECRET:\n    assert hmac.compare_digest(SECRET, request.headers["x-sig"])', False),
        ("pass", False),
    ],
)  # fmt: skip
def test_a_signature_counts_when_no_branch_leads_around_it(facts_of: FactsOf, check: str, signed: bool) -> None:
    handler = f"""\
SECRET = open("secret").read()

@app.post("/webhook")
async def webhook(request: Request):
{indent(check, "    ")}
    return ask((await request.json())["comment"])
"""
    assert only(facts_of, FASTAPI, handler).signed is signed


def test_an_event_of_a_platform_is_typed_by_its_parser(facts_of: FactsOf) -> None:
    head = "from aws_lambda_powertools.utilities.parser import parse\n" + FASTAPI
    raw = only(facts_of, head, 'def lambda_handler(event, context):\n    return ask(event["text"])\n')
    parsed = only(
        facts_of, head, "def lambda_handler(event, context):\n    return ask(parse(event, model=Question).text)\n"
    )
    assert raw.untyped == ("event",)
    assert parsed.untyped == ()


def test_an_adapter_of_a_platform_is_no_entry_point_of_its_own(facts_of: FactsOf) -> None:
    handler = """\
from mangum import Mangum

adapter = Mangum(app)

@app.post("/chat")
def chat(question: Question):
    return ask(question.text)

def lambda_handler(event, context):
    return adapter(event, context)
"""
    assert [r.entry.kind for r in facts_of({"app.py": FASTAPI + handler}).requests] == ["http"]


def test_an_enforced_openapi_document_types_the_body(facts_of: FactsOf) -> None:
    document = """\
        swagger: "2.0"
        paths:
          /predict:
            post:
              operationId: api.predict
              parameters:
                - {in: body, name: house, schema: {type: object, properties: {rooms: {type: integer}}}}
          /free:
            post:
              operationId: api.free
              parameters:
                - {in: body, name: house, schema: {type: object}}
        """
    source = """\
        import connexion
        import joblib
        from flask import request

        app = connexion.App(__name__)
        app.add_api("spec.yaml")
        model = joblib.load("model.joblib")

        def predict():
            return model.predict(request.get_json())

        def free():
            return model.predict(request.get_json())
        """
    found = {r.entry.route: r for r in facts_of({"api.py": source, "spec.yaml": document}).requests}
    assert not found["/predict"].untyped
    assert found["/free"].untyped
