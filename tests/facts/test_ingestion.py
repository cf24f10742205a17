"""What looks at data on its way into an index or a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import indent

import pytest

from readiness.facts.facts import Facts
from readiness.facts.inputs.ingestion import Ingestion

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """\
import hashlib
import json
import re

import pandas as pd
import pandera as pa
from langchain_community.document_loaders import PyPDFLoader
from langchain_community.vectorstores import FAISS
from langchain_openai import OpenAIEmbeddings
from pydantic import BaseModel, ValidationError
from pypdf.errors import PdfReadError
from sklearn.linear_model import LogisticRegression

class Record(BaseModel):
    text: str

"""


def index(facts_of: FactsOf, prepare: str) -> Ingestion:
    source = f"""\
def prepare(rows):
    kept = []
{indent(prepare, "    ")}
    return kept

def index(path):
    rows = open(path).readlines()
    return FAISS.from_texts(prepare(rows), OpenAIEmbeddings())

index("rows.jsonl")
"""
    return facts_of({"index.py": HEAD + source}).ingestion


@pytest.mark.parametrize(
    ("prepare", "rejects"),
    [
        ("kept = [Record(**json.loads(row)).text for row in rows]", True),
        ("for row in rows:\n    kept.append(Record.model_validate_json(row).text)", True),
        ("for row in rows:\n    try:\n        kept.append(Record.model_validate_json(row).text)\n"
         "    except ValidationError as error:\n        print(row, error)", True),
        ("for row in rows:\n    try:\n        kept.append(Record.model_validate_json(row).text)\n"
         "    except Exception:\n        continue", False),
    ],
)  # fmt: skip
def test_a_schema_rejects_unless_a_broad_handler_passes_over(facts_of: FactsOf, prepare: str, rejects: bool) -> None:
    (check,) = index(facts_of, prepare).schemas
    assert check.rejects is rejects


@pytest.mark.parametrize(
    "prepare",
    [
        "for row in rows:\n    kept.append(re.sub(r'\\s+', ' ', row))",
        "for row in rows:\n    kept.append(row.replace('\\x00', ''))",
        "for row in rows:\n    if len(row) > 9000:\n        continue\n    kept.append(row)",
        "for row in rows:\n    if hashlib.md5(row).hexdigest() in kept:\n        continue\n    kept.append(row)",
        "try:\n    kept = PyPDFLoader(rows[0]).load()\nexcept PdfReadError as error:\n    raise ValueError from error",
    ],
)
def test_what_mends_or_refuses_a_record_is_a_repair(facts_of: FactsOf, prepare: str) -> None:
    found = index(facts_of, prepare)
    assert found.repairs
    assert not found.schemas


@pytest.mark.parametrize(
    "prepare",
    [
        "for row in rows:\n    if not row:\n        continue\n    kept.append(row)",
        "for row in rows:\n    if len(row) == 0:\n        continue\n    kept.append(row)",
        "for row in rows:\n    if row.endswith('.pdf'):\n        kept.append(row)",
        "try:\n    kept = PyPDFLoader(rows[0]).load()\nexcept Exception as error:\n    print(error)",
    ],
)
def test_emptiness_extensions_and_broad_handlers_are_nothing(facts_of: FactsOf, prepare: str) -> None:
    found = index(facts_of, prepare)
    assert found.entries
    assert not found.repairs
    assert not found.schemas


def test_a_schema_that_only_tests_apply_is_elsewhere(facts_of: FactsOf) -> None:
    train = HEAD + (
        "def train():\n    table = pd.read_csv('a.csv')\n"
        "    return LogisticRegression().fit(table[['x']], table['y'])\n\ntrain()\n"
    )
    schema = "pa.DataFrameSchema({'x': pa.Column(int)})"
    checking = f"import pandera as pa\n\ndef check(table):\n    return {schema}.validate(table)\n"
    test = "from checking import check\n\ndef test_table():\n    assert check(None) is None\n"
    found = facts_of({"train.py": train, "checking.py": checking, "tests/test_table.py": test}).ingestion
    assert found.schemas == ()
    assert [e.place.path for e in found.elsewhere] == ["checking.py"] * len(found.elsewhere)
    assert found.elsewhere


def test_a_sanitiser_of_code_that_cannot_be_imported_earns_nothing(facts_of: FactsOf) -> None:
    routes = """\
from fastapi import APIRouter
from langchain_community.vectorstores import FAISS
from langchain_openai import OpenAIEmbeddings

from cleaning import clean
from settings import missing

router = APIRouter()

@router.post("/index")
def index(text: str):
    FAISS.from_texts([clean(text)], OpenAIEmbeddings())
"""
    cleaning = "import re\n\ndef clean(text):\n    return re.sub(r'<[^>]*>', '', text)\n"
    broken = facts_of({"routes.py": routes, "cleaning.py": cleaning, "settings.py": "present = 1\n"}).ingestion
    whole = facts_of({"routes.py": routes, "cleaning.py": cleaning, "settings.py": "missing = 1\n"}).ingestion
    assert broken.repairs == ()
    assert whole.repairs
