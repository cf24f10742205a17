"""Each way that a framework lets the outside world in is seen, with its kind and its route."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import yaml

from readiness.facts.core import Core
from readiness.facts.sdks.knowledge import knowledge_folder

Link = Callable[[Mapping[str, str]], Core]

SAMPLES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "managed-deepagents": (
        "from managed_deepagents import define_deep_agent\nagent = define_deep_agent(model='openai:gpt-5')\n",
        [("http", "app")],
    ),
    "fastapi": (
        "from fastapi import APIRouter, FastAPI\napp = FastAPI()\nrouter = APIRouter()\n"
        "@app.post('/ask')\ndef ask(): ...\n@router.websocket('/live')\nasync def live(): ...\n"
        "def added(): ...\napp.add_api_route('/added', added)\n",
        [("http", "/ask"), ("websocket", "/live"), ("http", "/added")],
    ),
    "starlette": (
        "from starlette.applications import Starlette\nfrom starlette.routing import Route\n"
        "def ask(request): ...\napp = Starlette(routes=[Route('/ask', ask)])\n",
        [("http", "/ask")],
    ),
    "flask": (
        "from flask import Flask, Blueprint\nbp = Blueprint('b', __name__)\n@bp.route('/ask', methods=['POST'])\n"
        "def ask(): ...\n",
        [("http", "/ask")],
    ),
    "django": (
        "from django.urls import path\ndef ask(request): ...\nurlpatterns = [path('ask/', ask)]\n",
        [("http", "ask/")],
    ),
    "litestar": ("from litestar import get\n@get('/ask')\ndef ask(): ...\n", [("http", "/ask")]),
    "sanic": ("from sanic import Sanic\napp = Sanic('a')\n@app.get('/ask')\ndef ask(r): ...\n", [("http", "/ask")]),
    "aiohttp": (
        "from aiohttp import web\nasync def ask(request): ...\napp = web.Application()\n"
        "app.router.add_post('/ask', ask)\n",
        [("http", "/ask")],
    ),
    "falcon": (
        "import falcon\nclass Ask:\n  def on_post(self, req, resp): ...\napp = falcon.App()\n"
        "app.add_route('/ask', Ask())\n",
        [("http", "/ask")],
    ),
    "http.server": (
        "import http.server\nclass Ask(http.server.BaseHTTPRequestHandler):\n  def do_POST(self): ...\n"
        "  def answer(self, data): ...\n",
        [("http", "do_POST")],
    ),
    "tornado": (
        "import tornado.web\nclass Ask(tornado.web.RequestHandler):\n  def post(self): ...\n",
        [("http", "post")],
    ),
    "bottle": ("from bottle import route\n@route('/ask')\ndef ask(): ...\n", [("http", "/ask")]),
    "chainlit": (
        "import chainlit as cl\n@cl.on_message\nasync def main(message): ...\n",
        [("ui", "main")],
    ),
    "streamlit": ("import streamlit as st\nst.title('Ask')\n", [("ui", "app.py")]),
    "gradio": (
        "import gradio as gr\ndef ask(text, history): ...\ngr.ChatInterface(ask).launch()\n",
        [("ui", "ask")],
    ),
    "telegram": (
        "from telegram.ext import CommandHandler\nasync def ask(update, context): ...\n"
        "handler = CommandHandler('ask', ask)\n",
        [("bot", "ask")],
    ),
    "aiogram": (
        "from aiogram import Dispatcher\ndp = Dispatcher()\n@dp.message()\nasync def ask(message): ...\n",
        [("bot", "ask")],
    ),
    "discord": (
        "import discord\nclient = discord.Client()\n@client.event\nasync def on_message(m): ...\n",
        [("bot", "on_message")],
    ),
    "slack": (
        "from slack_bolt import App\napp = App()\n@app.message('hi')\ndef ask(message, say): ...\n",
        [("bot", "hi")],
    ),
    "celery": ("from celery import shared_task\n@shared_task\ndef ask(): ...\n", [("queue", "ask")]),
    "dramatiq": ("import dramatiq\n@dramatiq.actor\ndef ask(): ...\n", [("queue", "ask")]),
    "rq": ("from rq.decorators import job\n@job('low')\ndef ask(): ...\n", [("queue", "low")]),
    "faststream": (
        "from faststream.kafka import KafkaBroker\nbroker = KafkaBroker()\n@broker.subscriber('in')\ndef ask(m): ...\n",
        [("queue", "in")],
    ),
    "mcp": (
        "from mcp.server.fastmcp import FastMCP\nserver = FastMCP('s')\n@server.tool()\ndef ask(): ...\n",
        [("mcp", "ask")],
    ),
    "bentoml": (
        "import bentoml\n@bentoml.service\nclass S:\n  @bentoml.api\n  def ask(self): ...\n",
        [("http", "ask")],
    ),
    "ray-serve": (
        "from ray import serve\n@serve.deployment\nclass S:\n  async def __call__(self, request): ...\n"
        "  def predict(self, query): ...\n",
        [("http", "__call__")],
    ),
    "flask views": (
        "from flask_restx import Namespace, Resource\nns = Namespace('a')\n"
        "@ns.route('/answer')\nclass Answer(Resource):\n  def post(self): ...\n  def helper(self): ...\n",
        [("http", "/answer")],
    ),
    "modal": ("import modal\n@modal.fastapi_endpoint()\ndef ask(): ...\n", [("http", "ask")]),
    "flytekit": ("from prefect import flow\n@flow\ndef nightly(): ...\n", [("job", "nightly")]),
    "cli": ("import typer\napp = typer.Typer()\n@app.command()\ndef ask(): ...\n", [("cli", "ask")]),
    "lambda": ("def lambda_handler(event, context): ...\n", [("lambda", "lambda_handler")]),
}

CONNEXION = {
    "app.py": "import connexion\napp = connexion.FlaskApp(__name__)\napp.add_api('openapi.yaml')\n",
    "api/handlers.py": "def ask(body): ...\n",
    "openapi.yaml": "openapi: 3.0.0\npaths:\n  /ask:\n    post:\n      operationId: api.handlers.ask\n",
}


def seen(core: Core) -> list[tuple[str, str]]:
    return [(e.kind, e.route) for e in core.entry_points]


@pytest.mark.parametrize(("source", "expected"), SAMPLES.values(), ids=SAMPLES.keys())
def test_a_framework_lets_the_world_in(source: str, expected: list[tuple[str, str]], linked: Link) -> None:
    assert seen(linked({"app.py": source})) == expected


GRAPH = "from langgraph.graph import StateGraph\ngraph = StateGraph(dict).compile()\n"


def test_a_graph_that_a_platform_serves_is_entered_through_its_module(linked: Link) -> None:
    files = {"app/graph.py": GRAPH, "langgraph.json": '{"graphs": {"helper": "./app/graph.py:graph"}}'}

    assert seen(linked(files)) == [("http", "helper")]


def test_routes_of_its_own_are_what_a_repository_serves(linked: Link) -> None:
    files = {
        "app/graph.py": GRAPH,
        "langgraph.json": '{"graphs": {"helper": "./app/graph.py:graph"}}',
        "web.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.post('/ask')\ndef ask(): ...\n",
    }

    assert seen(linked(files)) == [("http", "/ask")]


def test_every_known_framework_has_a_sample() -> None:
    known = yaml.safe_load((knowledge_folder() / "web-frameworks.yaml").read_text("utf-8"))

    names = {entry["name"] for entry in (*known["frameworks"], *known["handlers"])}
    assert names == {*SAMPLES, "connexion"}


def test_an_openapi_document_names_its_handlers(linked: Link) -> None:
    (entry,) = linked(CONNEXION).entry_points

    assert (entry.kind, entry.route, entry.methods, entry.unit.qualified) == (
        "http", "/ask", frozenset({"POST"}), "api.handlers.ask",
    )  # fmt: skip


def test_a_route_knows_its_methods_and_the_application_it_hangs_on(linked: Link) -> None:
    source = "import flask\napp = flask.Flask(__name__)\n@app.route('/ask', methods=['GET', 'POST'])\ndef ask(): ...\n"

    (entry,) = linked({"app.py": source}).entry_points

    assert entry.methods == frozenset({"GET", "POST"})
    assert [call.line for call in entry.app] == [2]


def test_a_view_class_is_entered_by_its_verbs(linked: Link) -> None:
    source = (
        "from django.urls import path\nfrom django.views import View\n"
        "class Ask(View):\n  def post(self, request): ...\n  def helper(self): ...\n"
        "urlpatterns = [path('ask/', Ask.as_view())]\n"
    )

    assert [e.unit.name for e in linked({"app.py": source}).entry_points] == ["post"]


def test_a_handler_that_chooses_by_the_path_hands_each_route_to_a_method(linked: Link) -> None:
    source = (
        "from http.server import BaseHTTPRequestHandler\nclass Api(BaseHTTPRequestHandler):\n"
        "  def do_GET(self):\n    if self.path == '/health':\n      self.answer({'status': 'ok'})\n"
        "    elif self.path.startswith('/users/'):\n      name = self.path.split('/')[-1]\n      self.user(name)\n"
        "    else:\n      self.answer({'error': 'not found'})\n"
        "  def do_POST(self):\n    if self.path == '/chat':\n      self.chat()\n"
        "  def user(self, name): ...\n  def chat(self): ...\n  def answer(self, data): ...\n"
    )

    found = {(e.route, e.unit.name, *e.methods) for e in linked({"app.py": source}).entry_points}
    assert found == {("/health", "do_GET", "GET"), ("/users/", "user", "GET"), ("/chat", "chat", "POST")}


def test_a_page_of_many_callbacks_is_one_entry_point(linked: Link) -> None:
    source = (
        "import gradio as gr\ndef one(): ...\ndef two(): ...\nwith gr.Blocks() as demo:\n  button = gr.Button()\n"
        "  button.click(one)\n  button.click(fn=two)\n"
    )

    (entry,) = linked({"app.py": source}).entry_points

    assert [u.name for u in entry.units] == ["one", "two"]


def test_a_console_script_is_a_command(linked: Link) -> None:
    files = {"pyproject.toml": "[project.scripts]\nask = 'tool.main:run'\n", "tool/main.py": "def run(): ...\n"}

    (entry,) = linked(files).entry_points

    assert (entry.kind, entry.route, entry.is_network) == ("cli", "ask", False)


def test_a_helper_that_a_page_imports_is_no_page(linked: Link) -> None:
    files = {
        "app.py": "import streamlit as st\nfrom widgets import head\nhead()\nst.write('hi')\n",
        "widgets.py": "import streamlit as st\ndef head():\n  st.title('Hi')\n",
        "pages/more.py": "import streamlit as st\nst.title('More')\n",
    }

    assert seen(linked(files)) == [("ui", "app.py"), ("ui", "pages/more.py")]


def test_a_script_whose_helpers_draw_is_the_page(linked: Link) -> None:
    script = "from pages_util import front\ndef main():\n  {}\nif __name__ == '__main__':\n  main()\n"
    files = {
        "frontend/app.py": script.format("front.draw()"),
        "frontend/pages_util/front.py": "import streamlit as st\ndef draw():\n  st.text_input('Topic')\n",
        "frontend/load.py": script.format("return front"),
    }

    assert seen(linked(files)) == [("ui", "frontend/app.py")]


@pytest.mark.parametrize(
    "source",
    [
        "class App:\n  def get(self, path):\n    return lambda f: f\napp = App()\n@app.get('/x')\ndef x(): ...\n",
        "import requests\nrequests.get('/x')\n",
        "def handler(first, second): ...\n",
        "import streamlit as st\n@st.cache_data\ndef load(): ...\n",
    ],
    ids=["a class of the repository", "a client", "a function called handler", "only a cache"],
)
def test_what_only_looks_like_a_door_is_none(source: str, linked: Link) -> None:
    assert seen(linked({"app.py": source})) == []
