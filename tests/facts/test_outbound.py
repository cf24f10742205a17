"""Clients of other systems, and how long they wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness.facts.facts import Facts
from readiness.facts.outbound.clients import load_outbound
from readiness.facts.sdks.sdk import KnowledgeError

FactsOf = Callable[[Mapping[str, str]], Facts]

HEAD = """
import asyncio, os, subprocess
from importlib import import_module
import aiohttp, boto3, httpx, redis, requests
from fastapi import FastAPI
from mcp import ClientSession
from sqlalchemy import create_engine
app = FastAPI()
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("requests.get('https://a.example.org', timeout=10)", "explicit"),
        ("requests.get('https://a.example.org')", "none"),
        ("requests.get('https://a.example.org', timeout=None)", "none"),
        ("requests.get('https://a.example.org', timeout=os.environ['T'])", "unknown"),
        ("httpx.Client()", "kept"),
        ("httpx.Client(timeout=None)", "none"),
        ("httpx.Client(timeout=None).get('https://a.example.org', timeout=3)", "explicit"),
        ("aiohttp.ClientSession()", "default"),
        ("redis.Redis(**{'socket_timeout': 2})", "explicit"),
        ("import_module('redis').from_url('redis://cache')", "none"),
        ("boto3.client('s3')", "default"),
        ("subprocess.run(['git', 'fetch'])", "none"),
        ("create_engine('postgresql+psycopg://db/a')", "none"),
        ("create_engine('postgresql://db/a?connect_timeout=3')", "default"),
        ("create_engine('postgresql+asyncpg://db/a', connect_args={'timeout': None})", "default"),
        ("create_engine('mysql+pymysql://db/a', pool_timeout=3)", "default"),
    ],
)
def test_the_wait_of_a_client_is_its_own_that_of_its_calls_or_the_library_s(
    facts_of: FactsOf, line: str, expected: str
) -> None:
    (client,) = facts_of({"app.py": f"{HEAD}\n@app.get('/')\ndef home():\n    return {line}\n"}).outbound.clients

    assert (client.bound, client.reachable) == (expected, True)


@pytest.mark.parametrize(
    "line",
    ["boto3.client('bedrock-runtime')", "create_engine('sqlite:///a.db')", "subprocess.run(['ls'])",
     "httpx.AsyncClient(transport=httpx.ASGITransport(app))"],
)  # fmt: skip
def test_what_stays_on_the_machine_or_asks_a_model_is_no_client(facts_of: FactsOf, line: str) -> None:
    assert facts_of({"app.py": f"{HEAD}\n@app.get('/')\ndef home():\n    return {line}\n"}).outbound.clients == []


def test_a_file_to_start_with_gives_way_to_the_driver_that_is_installed(facts_of: FactsOf) -> None:
    app = f"{HEAD}\nengine = create_engine(os.getenv('DATABASE_URL', 'sqlite:///a.db'))\n"
    (client,) = facts_of({"app.py": app, "requirements.txt": "psycopg2-binary==2.9.10\n"}).outbound.clients

    assert client.bound == "none"


def test_a_deadline_around_a_call_bounds_it(facts_of: FactsOf) -> None:
    body = "async with asyncio.timeout(5):\n        return await ClientSession(None, None).initialize()"
    (client,) = facts_of({"app.py": f"{HEAD}\n@app.get('/')\nasync def home():\n    {body}\n"}).outbound.clients

    assert client.bound == "explicit"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("clients: [{symbols: a.b, is: pigeon, default: 1}]", "is"),
        ("clients: [{symbols: a.b, is: http}]", "default"),
        ("clients: [{symbols: a.b, is: http, default: soon}]", "default"),
        ("clients: []\ninstalled: {x: y}", "installed"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, field: str) -> None:
    file = tmp_path / "outbound.yaml"
    file.write_text(f"checked: '2026-11'\n{text}\n")

    with pytest.raises(KnowledgeError, match=field):
        load_outbound(file)
