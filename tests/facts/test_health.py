"""Can anybody ask the service whether it is well, and does somebody?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import indent

import pytest

from readiness.facts.delivery.health import Health, is_health_path
from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """\
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse
from openai import OpenAI
from sqlalchemy import create_engine

app = FastAPI()
client = OpenAI(timeout=30)
engine = create_engine("postgresql://db")
store = None

def ask(text):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="gpt-4o-2024-08-06", messages=messages)

@app.post("/ask")
def chat(text: str):
    return ask(text)

"""
DOCKERFILE = 'FROM python:3.12{slim}\nCOPY . .\nRUN pip install fastapi uvicorn\n{probe}CMD ["uvicorn", "app:app"]\n'


def health(facts_of: FactsOf, source: str, probe: str = "", slim: str = "") -> Health:
    image = DOCKERFILE.format(slim=slim, probe=f"HEALTHCHECK CMD {probe}\n" if probe else "")
    return facts_of({"app.py": HEAD + source, "Dockerfile": image}).health


@pytest.mark.parametrize(
    "path", ["/health", "/healthz", "/-/ready", "/api/health/heartbeat", "/livez", "/ping", "/health/live"]
)
def test_paths_that_ask_for_health(path: str) -> None:
    assert is_health_path(path)


@pytest.mark.parametrize("path", ["/", "/healthcare/plans", "/ready-made", "/pingpong", "/users/{health}", "/already"])
def test_paths_that_only_look_like_it(path: str) -> None:
    assert not is_health_path(path)


@pytest.mark.parametrize(
    ("answer", "can_fail"),
    [
        ('return {"status": "ok"}', False),
        ('if store is None:\n    raise HTTPException(status_code=503)\nreturn {"status": "ok"}', True),
        ('return JSONResponse({"status": "down"}, status_code=503 if store is None else 200)', True),
        ('response.status_code = 503\nreturn {"status": "down"}', True),
        ('try:\n    engine.connect()\nexcept Exception:\n    return {"status": "down"}, 503\nreturn {}', False),
        ('engine.connect()\nreturn {"status": "ok"}', True),
    ],
)  # fmt: skip
def test_an_answer_that_can_say_no(facts_of: FactsOf, answer: str, can_fail: bool) -> None:
    (route,) = health(
        facts_of, f'@app.get("/readyz")\ndef ready(response: Response):\n{indent(answer, "    ")}\n'
    ).routes
    assert route.can_fail is can_fail
    assert route.returns_pair is ("503\nreturn" in answer and "try" in answer)


@pytest.mark.parametrize(
    ("body", "is_route"), [('{"status": "ok"}', True), ('{"message": "welcome"}', False), ('"hello"', False)]
)
def test_the_root_counts_when_its_answer_names_a_status(facts_of: FactsOf, body: str, is_route: bool) -> None:
    assert bool(health(facts_of, f'@app.get("/")\ndef root():\n    return {body}\n').routes) is is_route


NESTED = """\
inner = APIRouter(prefix="/internal")
outer = APIRouter()

@inner.get("/readyz")
def ready():
    if store is None:
        raise HTTPException(503)
    return {"status": "ok"}

outer.include_router(inner, prefix="/v1")
app.include_router(outer, prefix="/api")
"""


@pytest.mark.parametrize(
    ("path", "probed"), [("/api/v1/internal/readyz", True), ("/readyz", False), ("/api/v1/internal/health", False)]
)
def test_a_probe_must_ask_a_path_that_exists(facts_of: FactsOf, path: str, probed: bool) -> None:
    found = health(facts_of, NESTED, f"curl -f http://localhost:8000{path}")
    assert [r.path for r in found.routes] == ["/api/v1/internal/readyz"]
    assert found.routes[0].probed is probed
    assert bool(found.broken_probes) is not probed


def test_a_probe_without_its_tool_is_broken(facts_of: FactsOf) -> None:
    found = health(facts_of, NESTED, "curl -f http://localhost:8000/api/v1/internal/readyz", slim="-slim")
    assert not found.routes[0].probed
    assert found.broken_probes


def test_a_route_behind_credentials_refuses_its_probe(facts_of: FactsOf) -> None:
    source = """\
def verify(token: str = ""):
    if token != "secret":
        raise HTTPException(status_code=401)

closed = APIRouter(dependencies=[Depends(verify)])

@closed.get("/health")
def ready():
    return {"status": "ok"}

app.include_router(closed)
"""
    found = health(facts_of, source, "curl -f http://localhost:8000/health")
    assert found.routes[0].needs_auth
    assert found.broken_probes
    assert not found.routes[0].sound


def test_a_route_that_asks_the_paid_model_is_not_sound(facts_of: FactsOf) -> None:
    source = '@app.get("/health")\ndef ready():\n    ask("ping")\n    raise HTTPException(503)\n'
    (route,) = health(facts_of, source, "curl -f http://localhost:8000/health").routes
    assert route.probed
    assert route.runs_model
    assert not route.sound


def test_streamlits_own_route_counts_only_when_probed(facts_of: FactsOf) -> None:
    page = {"app.py": 'import streamlit as st\nst.write("hello")\n'}
    image = 'FROM python:3.12\nCOPY . .\n{}CMD ["streamlit", "run", "app.py"]\n'
    probe = "HEALTHCHECK CMD curl -f http://localhost:8501/_stcore/health\n"
    assert facts_of({**page, "Dockerfile": image.format("")}).health.routes == ()
    (route,) = facts_of({**page, "Dockerfile": image.format(probe)}).health.routes
    assert route.probed
    assert route.built_in


def test_a_serverless_service_is_not_served_by_itself(facts_of: FactsOf) -> None:
    adapted = (
        HEAD + "from mangum import Mangum\nhandler = Mangum(app)\n\ndef run(event):\n    return handler(event, None)\n"
    )
    assert not facts_of({"app.py": adapted}).health.served
    assert facts_of({"app.py": HEAD}).health.served
