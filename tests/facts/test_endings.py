"""Why an answer ended, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """
from fastapi import FastAPI
from anthropic import Anthropic
app = FastAPI()
client = Anthropic()

@app.post("/ask")
def ask(question: str):
    reply = client.messages.create(model="claude-sonnet-4-5-20250929", max_tokens=9, messages=[])
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return reply.content[0].text", (False, False, False)),
        ("if reply.stop_reason != 'end_turn': raise ValueError()", (True, True, True)),
        ("if reply.stop_reason in ('max_tokens', 'refusal'): return 'sorry'", (True, True, True)),
        ("if reply.stop_reason == 'max_tokens': raise ValueError()", (True, False, True)),
        ("reason = reply.stop_reason\n    if reason == 'refusal': return 'sorry'", (False, True, True)),
        ("while reply.stop_reason == 'tool_use': reply = again(reply)", (False, False, True)),
        ("if reply.stop_reason: return reply.content[0].text", (False, False, False)),
        ("return {'text': reply.content[0].text, 'stop_reason': reply.stop_reason}", (False, False, False)),
        ("print(reply.stop_reason)", (False, False, True)),
        ("if not reply.content: raise ValueError()", (False, False, True)),
    ],
)
def test_a_reason_counts_by_what_it_is_compared_with(
    facts_of: FactsOf, body: str, expected: tuple[bool, bool, bool]
) -> None:
    (ending,) = facts_of({"app.py": f"{HEAD}    {body}\n"}).endings

    assert (ending.cut, ending.refused, ending.noticed) == expected


def test_another_call_s_helper_does_not_look_for_this_one(facts_of: FactsOf) -> None:
    other = """
def checked():
    reply = client.messages.create(model="claude-sonnet-4-5-20250929", max_tokens=9, messages=[])
    if reply.stop_reason != "end_turn":
        raise ValueError()
    return reply.content[0].text
"""
    endings = facts_of({"app.py": f"{HEAD}    return reply.content[0].text + checked()\n{other}"}).endings

    assert [ending.cut for ending in endings] == [False, True]


def test_a_word_of_the_project_is_no_reason_of_a_provider(facts_of: FactsOf) -> None:
    own = """
class Job:
    def __init__(self):
        self.stop_reason = ""

job = Job()
"""
    body = "    if job.stop_reason == 'refusal': return ''\n    return reply.content[0].text\n"
    (ending,) = facts_of({"app.py": f"{own}{HEAD}{body}"}).endings

    assert not ending.noticed
