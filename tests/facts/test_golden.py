"""Records are an evaluation set when they say what goes in and what should come out, and evaluations read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

APP = "from openai import OpenAI\n\nclient = OpenAI(timeout=30)\n\ndef ask(question: str) -> str:\n" \
      "    return client.responses.create(model='gpt-4o', input=question).output_text\n"  # fmt: skip
READER = "from pathlib import Path\nfrom app import ask\n\nROWS = Path({name!r}).read_text()\n"


def records(count: int, *names: str) -> str:
    return "".join(json.dumps({name: f"{name} {number}" for name in names}) + "\n" for number in range(count))


@pytest.mark.parametrize(
    ("names", "usable"),
    [
        (("question", "answer"), True),
        (("input", "expected_output", "id"), True),
        (("query", "relevant_ids"), True),
        (("question",), False),
        (("id", "answer"), False),
    ],
)
def test_both_sides_of_a_record_are_needed(facts_of: FactsOf, names: tuple[str, ...], usable: bool) -> None:
    path = "evals/golden.jsonl"
    found = facts_of({"app.py": APP, path: records(20, *names), "evals/run.py": READER.format(name=path)}).golden
    assert bool(found.usable) is usable


def test_most_records_must_have_both(facts_of: FactsOf) -> None:
    rows = records(15, "question", "answer") + records(5, "question")
    path = "evals/golden.jsonl"
    assert not facts_of({"app.py": APP, path: rows, "evals/run.py": READER.format(name=path)}).golden.sets


def test_a_folder_of_cases_is_read_by_its_pattern(facts_of: FactsOf) -> None:
    reader = "from glob import glob\nfrom app import ask\n\nFILES = glob('evals/cases/*.jsonl')\n"
    files = {f"evals/cases/{name}.jsonl": records(10, "question", "answer") for name in ("easy", "hard")}
    golden = facts_of({"app.py": APP, "evals/run.py": reader, **files}).golden
    assert (len(golden.usable), golden.records) == (2, 20)


def test_a_file_elsewhere_counts_when_an_evaluation_reads_it(facts_of: FactsOf) -> None:
    files = {"app.py": APP, "data/questions.jsonl": records(20, "question", "answer")}
    assert not facts_of(files).golden.sets
    assert facts_of({**files, "evals/run.py": READER.format(name="data/questions.jsonl")}).golden.records == 20


@pytest.mark.parametrize(
    ("call", "versioned"),
    [
        ('load_dataset("squad", split="test", revision="1f0a")', True),
        ('load_dataset("squad", split="test")', False),
    ],
)
def test_a_set_on_a_hub_is_pinned_or_not(facts_of: FactsOf, call: str, versioned: bool) -> None:
    run = f"from datasets import load_dataset\nfrom app import ask\n\nROWS = {call}\n"
    (found,) = facts_of({"app.py": APP, "evals/run.py": run}).golden.sets
    assert (found.source, found.versioned) == ("remote", versioned)


def test_cases_of_a_tool_in_code_are_counted(facts_of: FactsOf) -> None:
    cases = ", ".join(f"Case(inputs='{n}', expected_output='{n}')" for n in range(6))
    run = f"from pydantic_evals import Case, Dataset\n\nDATASET = Dataset(cases=[{cases}])\n"
    (found,) = facts_of({"app.py": APP, "evals/run.py": run}).golden.sets
    assert (found.source, found.count) == ("code", 6)
