"""A service with a past: a git repository of three files, in which much is still missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

SERVICE = {
    "app/main.py": """
        from fastapi import FastAPI

        from app.llm import answer, classify, summarise

        app = FastAPI()


        @app.post("/ask")
        def ask(question: str) -> dict:
            return {"answer": answer(question), "short": summarise(question), "topic": classify(question)}
    """,
    "app/llm.py": """
        from openai import OpenAI

        client = OpenAI()


        def answer(question: str) -> str:
            reply = client.chat.completions.create(
                model="gpt-4o-2024-08-06",
                messages=[{"role": "system", "content": "Answer."}, {"role": "user", "content": question}],
            )
            return reply.choices[0].message.content


        def summarise(text: str) -> str:
            reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
            return reply.choices[0].message.content


        def classify(question: str) -> str:
            asked = [{"role": "system", "content": "Name the topic."}, {"role": "user", "content": question}]
            reply = client.chat.completions.create(model="gpt-4o-mini", messages=asked, max_tokens=9, timeout=20)
            return reply.choices[0].message.content
    """,
    "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD python -m app\n",
}


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(text).lstrip("\n"), encoding="utf-8")


@pytest.fixture
def service(tmp_path: Path, commit_all: Callable[[Path], str]) -> Path:
    """The service, committed once."""
    root = tmp_path / "service"
    write(root, SERVICE)
    commit_all(root)
    return root
