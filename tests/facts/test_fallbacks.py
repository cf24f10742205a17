"""What answers when the model does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.failures.fallbacks import Resort

Resorts = Callable[[str], list[Resort]]

HEAD = """
import logging
import litellm, openai, anthropic
import pybreaker
from circuitbreaker import circuit
from fastapi import FastAPI, HTTPException
from langchain_openai import ChatOpenAI
from langchain_anthropic import ChatAnthropic

app = FastAPI()
client = openai.OpenAI(timeout=30)
other = anthropic.Anthropic(timeout=30)
logger = logging.getLogger(__name__)
LARGE, SMALL = "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"

def complete(question, model=LARGE):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}])
"""


@pytest.fixture
def resorts(facts_of: Callable[[Mapping[str, str]], Facts]) -> Resorts:
    """A function that gives what the only entry point of a file resorts to."""

    def find(source: str) -> list[Resort]:
        (entry,) = facts_of({"app.py": HEAD + source}).llm_entries
        return entry.paths

    return find


def route(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    return f"\n@app.post('/ask')\ndef ask(question: str):\n{lines}\n"


def handler(body: str) -> str:
    return route(
        f"try:\n    answer = complete(question)\nexcept openai.APIError as error:\n    {body}\nreturn str(answer)"
    )


@pytest.mark.parametrize(
    "source",
    [
        handler("answer = complete(question, model=SMALL)"),
        handler("answer = other.messages.create(model='claude-sonnet-4-5-20250929', max_tokens=9, messages=[])"),
        route("return litellm.completion(LARGE, [{'role': 'user', 'content': question}], fallbacks=[SMALL])"),
        "model = ChatOpenAI(model=LARGE).with_fallbacks([ChatAnthropic(model='claude-sonnet-4-5-20250929')])\n"
        + route("return model.invoke(question).content"),
        "def lookup(question):\n    return {}.get(question, 'See the manual.')\n" + handler("return lookup(question)"),
        route("for model in (LARGE, SMALL):\n    try:\n        return str(complete(question, model))\n"
              "    except openai.APIError:\n"
              "        logger.warning('next')\nraise HTTPException(503, 'The assistant is busy.')"),
    ],
    ids=["renamed", "other-sdk", "litellm", "langchain", "computed", "loop"],
)  # fmt: skip
def test_another_model_or_a_rule_is_an_alternative(resorts: Resorts, source: str) -> None:
    assert all(r.alternative for r in resorts(source))


@pytest.mark.parametrize(
    "source",
    [
        handler("answer = complete(question)"),
        handler("answer = complete(question, model=LARGE)"),
        handler("raise HTTPException(500, 'It failed.')"),
        handler("return {'error': 'It failed, sorry.'}"),
        handler("return str(error)"),
        "model = ChatOpenAI(model=LARGE).with_fallbacks([ChatOpenAI(model=LARGE)])\n"
        + route("return model.invoke(question).content"),
        route("return str(complete(question)) or 'No answer was found.'"),
    ],
    ids=["again", "same-id", "500", "error-shape", "raw", "same-model", "empty-answer"],
)
def test_none_of_these_is_a_resort(resorts: Resorts, source: str) -> None:
    assert not any(r.alternative or r.degraded or r.breaker for r in resorts(source))


@pytest.mark.parametrize(
    "body",
    ["return 'The assistant is resting, please try later.'", "raise HTTPException(503, 'The assistant is busy.')"],
)
def test_a_designed_answer_degrades(resorts: Resorts, body: str) -> None:
    (found,) = resorts(handler(body))
    assert found.degraded
    assert not found.alternative


def test_a_breaker_is_seen(resorts: Resorts) -> None:
    source = "\n@circuit\ndef careful(question):\n    return complete(question)\n" + route(
        "return str(careful(question))"
    )
    assert all(r.breaker for r in resorts(source))


def test_an_answer_for_refused_requests_is_no_more(resorts: Resorts) -> None:
    body = (
        "answer = complete(question)\nif answer.choices[0].finish_reason == 'content_filter':\n"
        "    return 'I cannot help with that.'"
    )
    (found,) = resorts(route(body + "\nreturn str(answer)"))
    assert found.filtered
    assert not found.degraded


def test_a_chain_of_models_in_the_settings_is_an_alternative(resorts: Resorts) -> None:
    (path,) = resorts(
        """
import os
from pydantic_ai import Agent
from pydantic_ai.models.fallback import FallbackModel

OTHERS = [name for name in os.environ["OTHERS"].split(",")]

def build(model=None):
    return Agent(model=model if model is not None else FallbackModel("openai:gpt-4o", *OTHERS))

agent = build()

@app.post("/ask")
async def ask(question: str):
    return (await agent.run(question)).output
"""
    )

    assert path.alternative is not None
