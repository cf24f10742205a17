"""How long the models that are asked still answer, and which controls narrow what they draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest

from readiness.facts.core import Core
from readiness.facts.facts import Facts, gather

APP = """
from fastapi import FastAPI
from {package} import {client}

app = FastAPI()
client = {client}()

@app.post("/ask")
def ask(question: str) -> str:
    return client.chat.completions.create(model={model!r}, {more} messages=[{{"role": "user", "content": question}}])
"""


@pytest.mark.parametrize(
    ("model", "day", "expected"),
    [
        ("gpt-4o-mini", date(2027, 1, 13), (False, 1)),
        ("gpt-4o-mini", date(2027, 1, 14), (True, 0)),
        ("gpt-5.5-2026-04-23", date(2027, 1, 14), (False, None)),
    ],
)
def test_the_day_decides(
    linked: Callable[[Mapping[str, str]], Core], model: str, day: date, expected: tuple[bool, int | None]
) -> None:
    core = linked({"app.py": APP.format(package="openai", client="OpenAI", model=model, more="")})
    (use,) = gather(core, day).model_uses
    assert (use.ended, use.days) == expected and use.known


def test_an_azure_deployment_tells_nothing(facts_of: Callable[[Mapping[str, str]], Facts]) -> None:
    (use,) = facts_of(
        {"app.py": APP.format(package="openai", client="AzureOpenAI", model="gpt-4-0314", more="")}
    ).model_uses
    assert not use.known and not use.ended


@pytest.mark.parametrize(
    ("more", "controls", "unsure"),
    [
        ("temperature=0.2, top_p=0.9,", ("temperature", "top_p"), ()),
        ("temperature=1, top_p=0.9,", ("top_p",), ()),
        ("temperature=0.2, top_p=float(__import__('os').environ['P']),", ("temperature",), ("top_p",)),
    ],
)
def test_a_control_at_its_neutral_value_narrows_nothing(
    facts_of: Callable[[Mapping[str, str]], Facts], more: str, controls: tuple[str, ...], unsure: tuple[str, ...]
) -> None:
    app = APP.format(package="openai", client="OpenAI", model="gpt-4o", more=more)
    (call,) = facts_of({"app.py": app}).sampled_calls
    assert (call.controls, call.unsure) == (controls, unsure)
