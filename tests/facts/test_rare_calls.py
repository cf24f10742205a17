"""Rare ways to ask a model: clients that log in to a chat page, and a model of pydantic-ai asked by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.core import Core


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (
            "from revChatGPT.revChatGPT import Chatbot\nbot = Chatbot({'session_token': 't'}, conversation_id=None)\n"
            "def run(text):\n  return bot.get_chat_response(text)['message']\n",
            "get_chat_response",
        ),
        (
            "from revChatGPT.V1 import Chatbot\nbot = Chatbot(config={})\n"
            "def run(text):\n  return [part['message'] for part in bot.ask(text)]\n",
            "ask",
        ),
        (
            "import g4f\ndef run(text):\n"
            "  return g4f.ChatCompletion.create(model='gpt-4o', messages=[{'role': 'user', 'content': text}])\n",
            "create",
        ),
        (
            "from g4f.client import Client\nclient = Client()\ndef run(text):\n"
            "  return client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': text}])\n",
            "create",
        ),
    ],
)
def test_a_client_of_a_chat_page(linked: Callable[[Mapping[str, str]], Core], source: str, name: str) -> None:
    (call,) = linked({"app.py": source}).calls
    assert call.generates
    assert call.name.rpartition(".")[2] == name


def test_a_model_that_is_asked_only_whether_it_is_there(linked: Callable[[Mapping[str, str]], Core]) -> None:
    source = (
        "from pydantic_ai.models import infer_model\n"
        "async def ready():\n  await infer_model('openai:gpt-4o').request([], {}, None)\n  return True\n"
    )

    (call,) = linked({"app.py": source}).calls

    assert call.is_probe
