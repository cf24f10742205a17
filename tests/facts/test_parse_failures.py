"""What becomes of model text that is not the data it should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """
import json, re
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
client = OpenAI()

@app.post("/ask")
def ask(question: str):
    text = client.chat.completions.create(model="gpt-4o", messages=[]).choices[0].message.content
"""


@pytest.mark.parametrize(
    ("body", "validated", "handled"),
    [
        ("return json.loads(text)['a']", False, False),
        ("try:\n        return json.loads(text)\n    except ValueError:\n        return {}", False, True),
        ("try:\n        return json.loads(text)\n    except ValueError:\n        raise", False, False),
        ("try:\n        return json.loads(text)\n    except TimeoutError:\n        return {}", False, False),
        ("return int(text)", True, False),
        ("return re.search('a(.*)', text).group(1)", False, False),
        ("found = re.search('a(.*)', text)\n    return found.group(1) if found else ''", False, True),
        ("return text.split(':')[1]", False, False),
        ("return text.split(':')[-1]", False, True),
        ("name, value = text.split(':')\n    return {name: value}", False, False),
        ("return text.strip() if text.strip() in ('yes', 'no') else 'no'", True, True),
    ],
)
def test_a_reading_is_judged_by_its_check_and_by_who_catches_its_error(
    facts_of: FactsOf, body: str, validated: bool, handled: bool
) -> None:
    (parse,) = facts_of({"app.py": f"{HEAD}    {body}\n"}).model_parses

    assert (parse.validated, parse.handled) == (validated, handled)


def test_the_caller_s_handler_counts(facts_of: FactsOf) -> None:
    app = (
        HEAD.replace('@app.post("/ask")\n', "")
        + """    return json.loads(text)

@app.post("/total")
def total(question: str):
    try:
        return ask(question)
    except json.JSONDecodeError:
        return {}
"""
    )
    (parse,) = facts_of({"app.py": app}).model_parses

    assert parse.handled


def test_a_yes_or_no_is_no_datum(facts_of: FactsOf) -> None:
    assert facts_of({"app.py": f"{HEAD}    return 'yes' in text\n"}).model_parses == []
