"""Untrusted text on its way to a model: what looks at it, where it stands, how much of it there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.inputs.system_texts import _is_delimited

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """\
from fastapi import FastAPI, Request
from openai import OpenAI
from pydantic import BaseModel

app = FastAPI()
client = OpenAI(timeout=30)

class Answer(BaseModel):
    text: str

"""


@pytest.mark.parametrize(
    ("before", "after", "delimited"),
    [
        ("Notes: <notes>\n", "\n</notes> Be brief.", True),
        ("The text:\n```\n", "\n```\n", True),
        ('It says """', '""".', True),
        ("They say: ", "\n---\n", False),
        ("<notes>", "</other>", False),
        ('Message: "', '"', False),
    ],
)
def test_a_mark_must_open_and_close(before: str, after: str, delimited: bool) -> None:
    assert _is_delimited(before, after) is delimited


def test_making_the_answer_is_no_check_of_the_question(facts_of: FactsOf) -> None:
    source = f"""{HEAD}
@app.post("/ask")
async def ask(request: Request) -> Answer:
    body = await request.json()
    reply = client.chat.completions.create(model="gpt-4o-2024-08-06", messages=[{{"role": "user", "content": body}}])
    return Answer(text=f"{{body}}: {{reply.choices[0].message.content}}")
"""
    (entry,) = facts_of({"app.py": source}).requests
    assert (entry.typed, entry.untyped) == ((), ("raw",))


def test_what_a_store_answers_is_not_the_question(facts_of: FactsOf) -> None:
    source = f"""{HEAD}
import redis

store = redis.Redis()

@app.post("/ask")
async def ask(request: Request):
    body = await request.json()
    known = store.get(body["q"])
    if known:
        return Answer.model_validate_json(known)
    return client.chat.completions.create(model="gpt-4o-2024-08-06", messages=[{{"role": "user", "content": body}}])
"""
    (entry,) = facts_of({"app.py": source}).requests
    assert entry.untyped == ("raw",)


@pytest.mark.parametrize(
    ("line", "acting"),
    [
        ("if client.moderations.create(input=question).results[0].flagged:\n        return None", "stops"),
        ("verdict = client.moderations.create(input=question)", "ignored"),
        ("client.moderations.create(input=question)", "ignored"),
    ],
)
def test_a_verdict_must_decide(facts_of: FactsOf, line: str, acting: str) -> None:
    source = f"""{HEAD}
@app.post("/ask")
def ask(question: str):
    {line}
    return client.chat.completions.create(model="gpt-4o-2024-08-06", messages=[{{"role": "user", "content": question}}])
"""
    (entry,) = facts_of({"app.py": source}).screened_entries
    assert entry.acting == acting


def test_settings_are_no_records(facts_of: FactsOf) -> None:
    source = """\
import yaml
from langchain_community.vectorstores import FAISS
from langchain_openai import OpenAIEmbeddings
from pydantic import BaseModel

class Config(BaseModel):
    files: list[str]

config = Config.model_validate(yaml.safe_load(open("index.yaml")))
FAISS.from_texts([open(path).read() for path in config.files], OpenAIEmbeddings())
"""
    assert facts_of({"index.py": source}).ingestion.schemas == ()
