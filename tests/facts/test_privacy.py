"""Who masks personal data, and what is written to logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

SERVICE = """
import logging
import re

from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
client = OpenAI(timeout=30)
log = logging.getLogger(__name__)


@app.post("/ask")
def ask(question: str, session_id: str) -> str:
    {line}
    messages = [{{"role": "user", "content": question}}]
    answer = client.chat.completions.create(model="gpt-4o-2024-08-06", messages=messages)
    return answer.choices[0].message.content or ""
"""


@pytest.mark.parametrize(
    ("line", "ways"),
    [
        ('log.info("asked %s", session_id)', []),
        ('log.info("asked %d", len(question))', []),
        ('log.info("asked", extra={"q": question})', ["log"]),
        ('log.debug(f"asked {question[:20]}")', ["debug"]),
        ("print(question)", ["log"]),
    ],
)
def test_texts_are_told_from_what_is_about_them(facts_of: FactsOf, line: str, ways: list[str]) -> None:
    assert [t.way for t in facts_of({"app.py": SERVICE.format(line=line)}).logged_texts] == ways


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (r'question = re.sub(r"[\w.]+@[\w.]+", "[mail]", question)', "some"),
        (r'question = re.sub(r"\s+", " ", question)', ""),
        (r'question = re.sub(r"\d{4}-\d{2}", "", question)', ""),
    ],
)
def test_patterns_mask_only_with_a_mark(facts_of: FactsOf, line: str, where: str) -> None:
    (entry,) = facts_of({"app.py": SERVICE.format(line=line)}).sending_entries

    assert entry.where == where


def test_what_is_found_and_forgotten_masks_nothing(facts_of: FactsOf) -> None:
    line = "import scrubadub; scrubadub.clean(question)"

    (entry,) = facts_of({"app.py": SERVICE.format(line=line)}).sending_entries

    assert entry.where == "unused"
