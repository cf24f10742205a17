"""What kind of repository it is: each gate opens on what the code does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

Gather = Callable[[Mapping[str, str]], Facts]

ASK = "import openai\nclient = openai.OpenAI()\ndef ask(t):\n  return client.responses.create(model='m', input=t)\n"
APP = (
    "import fastapi\nfrom llm import ask\napp = fastapi.FastAPI()\n"
    "@app.post('/ask')\ndef handler(t: str):\n  return ask(t)\n"
)
SERVICE = {"llm.py": ASK, "app.py": APP}

OPENED: dict[str, tuple[dict[str, str], set[str]]] = {
    "a service that asks a model": (SERVICE, {"llm", "service", "http", "chat"}),
    "a program that asks a model": ({"llm.py": ASK}, {"llm"}),
    "a service that embeds": (
        {
            "app.py": "import fastapi, openai\napp = fastapi.FastAPI()\n@app.post('/e')\ndef e(t: str):\n"
            "  return openai.OpenAI().embeddings.create(model='m', input=t)\n"
        },
        {"embed", "service", "http"},
    ),
    "a service that predicts": (
        {
            "app.py": "import fastapi, joblib\napp = fastapi.FastAPI()\nmodel = joblib.load('m.joblib')\n"
            "@app.post('/p')\ndef p(x: float):\n  return model.predict([[x]])\n"
        },
        {"predict", "service", "http", "host"},
    ),
    "a page": (
        {"llm.py": ASK, "app.py": "import streamlit as st\nfrom llm import ask\nst.write(ask(st.chat_input()))\n"},
        {"llm", "service", "http", "chat", "ui_only"},
    ),
    "an agent": (
        {
            "app.py": "from langgraph.prebuilt import create_react_agent\n"
            "agent = create_react_agent('openai:gpt-4.1', tools=[])\n"
            "def ask(t):\n  return agent.invoke({'messages': t})\n"
        },
        {"llm", "agent"},
    ),
    "retrieval": (
        {
            **SERVICE,
            "store.py": "import chromadb\ndef find(q):\n"
            "  return chromadb.Client().get_collection('c').query(query_texts=[q])\n",
        },
        {"llm", "service", "http", "chat", "rag"},
    ),
    "another service is asked": (
        {**SERVICE, "other.py": "import requests\ndef fetch():\n  return requests.get('https://example.org')\n"},
        {"llm", "service", "http", "chat", "outbound"},
    ),
    "an asynchronous call": (
        {"llm.py": "import openai\nasync def ask(t):\n  return await openai.AsyncOpenAI().responses.create(input=t)\n"},
        {"llm", "is_async"},
    ),
    "a library": (
        {"pkg/llm.py": ASK, "pkg/__init__.py": "", "pyproject.toml": "[project]\nname = 'x'\n"},
        {"llm", "library"},
    ),
    "an image that runs something": (
        {"llm.py": ASK, "Dockerfile": "FROM python\nCMD python llm.py\n"},
        {"llm", "service"},
    ),
    "examples alone": ({"examples/ask.py": ASK}, {"llm", "demo"}),
}


@pytest.mark.parametrize(("files", "expected"), OPENED.values(), ids=OPENED.keys())
def test_gates_open_on_what_the_code_does(files: dict[str, str], expected: set[str], facts_of: Gather) -> None:
    gates = facts_of(files).gates

    assert {name for name in gates.__dataclass_fields__ if getattr(gates, name)} == expected


@pytest.mark.parametrize("folder", ["tests", "vendor"])
def test_models_that_only_tests_or_vendored_code_use_open_nothing(folder: str, facts_of: Gather) -> None:
    facts = facts_of({"app.py": "import fastapi\napp = fastapi.FastAPI()\n", f"{folder}/test_llm.py": ASK})

    assert not facts.gates.model


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        (SERVICE, ("llm-service",)),
        ({"llm.py": ASK}, ("llm-application",)),
        ({"examples/ask.py": ASK}, ("demo", "llm-application")),
        ({"app.py": "x = 1\n"}, ()),
    ],
)
def test_a_repository_is_named_for_what_it_does(
    files: dict[str, str], kinds: tuple[str, ...], facts_of: Gather
) -> None:
    assert facts_of(files).kinds == kinds
