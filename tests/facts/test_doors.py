"""Who asks at the door: what guards an entry point, and what only looks as if it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.governance.doors import Door

FactsOf = Callable[[Mapping[str, str]], Facts]

ROUTE = """
    from fastapi import Depends, FastAPI, Header, HTTPException, Request
    from openai import OpenAI

    app = FastAPI()
    client = OpenAI(timeout=30)
"""
ASK = "return client.responses.create(model='gpt-5-mini-2025-08-07', input=question).output_text"


def door(facts_of: FactsOf, code: str, **files: str) -> Door:
    doors = facts_of({"app.py": ROUTE + code, **{name.replace("_", "."): text for name, text in files.items()}}).doors
    assert len(doors) == 1
    return doors[0]


def test_a_switch_that_the_shipped_default_sets_is_no_way_around(facts_of: FactsOf) -> None:
    found = door(
        facts_of,
        f"""
    AUTH_ENABLED = True

    def caller(authorization: str = Header()) -> str:
        if not AUTH_ENABLED:
            return "anybody"
        user = find(authorization)
        if user is None:
            raise HTTPException(401)
        return user

    def find(key: str) -> str | None:
        return database.lookup(key)

    @app.post("/ask")
    def ask(question: str, user: str = Depends(caller)) -> str:
        {ASK}
    """,
    )

    assert (found.how, found.switch) == ("identity", "")


def test_a_setting_that_nothing_sets_is_one(facts_of: FactsOf) -> None:
    found = door(
        facts_of,
        f"""
    import os

    KEY = os.getenv("SERVICE_KEY")

    def caller(x_api_key: str = Header(default="")) -> None:
        if KEY is None:
            return
        if x_api_key != KEY:
            raise HTTPException(403)

    @app.post("/ask", dependencies=[Depends(caller)])
    def ask(question: str) -> str:
        {ASK}
    """,
    )

    assert (found.how, found.switch) == ("shared", "KEY")


def test_the_provider_s_refusal_of_our_own_key_is_no_guard(facts_of: FactsOf) -> None:
    found = door(
        facts_of,
        f"""
    from openai import AuthenticationError

    @app.post("/ask")
    def ask(question: str) -> str:
        try:
            {ASK}
        except AuthenticationError as error:
            raise HTTPException(401, "the key of the provider is wrong") from error
    """,
    )

    assert found.guard is None


def test_a_token_that_is_read_without_its_signature_proves_nobody(facts_of: FactsOf) -> None:
    found = door(
        facts_of,
        f"""
    import jwt

    def caller(authorization: str = Header()) -> str:
        return jwt.decode(authorization, options={{"verify_signature": False}})["sub"]

    @app.post("/ask")
    def ask(question: str, user: str = Depends(caller)) -> str:
        {ASK}
    """,
    )

    assert found.guard is None


@pytest.mark.parametrize(("path", "guarded"), [("/ask", True), ("/open/ask", False)])
def test_a_middleware_s_exceptions_are_looked_up(facts_of: FactsOf, path: str, guarded: bool) -> None:
    found = door(
        facts_of,
        f"""
    import jwt
    from fastapi.responses import JSONResponse
    from keys import PUBLIC

    @app.middleware("http")
    async def authenticate(request: Request, call_next):
        if request.url.path.startswith("/open"):
            return await call_next(request)
        try:
            jwt.decode(request.headers["authorization"], PUBLIC, algorithms=["RS256"])
        except jwt.PyJWTError:
            return JSONResponse({{}}, status_code=401)
        return await call_next(request)

    @app.post("{path}")
    def ask(question: str) -> str:
        {ASK}
    """,
    )

    assert (found.guard is not None) is guarded


def test_a_flask_view_behind_a_decorator_of_the_project(facts_of: FactsOf) -> None:
    doors = facts_of(
        {
            "app.py": """
    from functools import wraps

    from flask import Flask, abort, request
    from openai import OpenAI

    from users import find_user

    app = Flask(__name__)
    client = OpenAI(timeout=30)

    def known(view):
        @wraps(view)
        def inner(*args, **kwargs):
            user = find_user(request.headers.get("X-Api-Key"))
            if user is None:
                abort(401)
            return view(*args, **kwargs)
        return inner

    @app.post("/ask")
    @known
    def ask():
        return client.responses.create(model="gpt-5-mini-2025-08-07", input=request.json["q"]).output_text
    """,
            "users.py": "def find_user(key):\n    return TABLE.get(key)\n",
        }
    ).doors

    assert [d.how for d in doors] == ["identity"]
