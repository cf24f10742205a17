"""What looks like a model call and is none stays silent: no call, closed gates, and one clear sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import readiness
from readiness.cli import main

APP = "import fastapi\napp = fastapi.FastAPI()\n@app.post('/x')\ndef x(text: str):\n  return run(text)\n"

LOOKALIKES: dict[str, str] = {
    "Twilio's messages": (
        "from twilio.rest import Client\nclient = Client('a', 'b')\n"
        "def run(text):\n  return client.messages.create(to='+1', from_='+2', body=text)\n"
    ),
    "SendGrid": (
        "import sendgrid\nclient = sendgrid.SendGridAPIClient('k')\n"
        "def run(text):\n  return client.client.mail.send.post(request_body={'content': text})\n"
    ),
    "Stripe": "import stripe\ndef run(text):\n  return stripe.checkout.Session.create(model='m', messages=[text])\n",
    "Django's messages": (
        "from django.contrib import messages\ndef run(request):\n  messages.success(request, 'Saved')\n"
        "  return messages.add_message(request, messages.INFO, 'Hi')\n"
    ),
    "Discord": (
        "import discord\nclient = discord.Client()\n@client.event\nasync def on_message(message):\n"
        "  await message.channel.send('hi')\ndef run(text): ...\n"
    ),
    "Slack": (
        "from slack_sdk import WebClient\nclient = WebClient()\n"
        "def run(text):\n  return client.chat_postMessage(channel='c', text=text)\n"
    ),
    "a graph of ordinary functions": (
        "from langgraph.graph import StateGraph\nbuilder = StateGraph(dict)\nbuilder.add_node('step', len)\n"
        "graph = builder.compile()\ndef run(text):\n  return graph.invoke({'text': text})\n"
    ),
    "a variable called chain": (
        "from itertools import chain\nllm = chain([1], [2])\ndef run(text):\n  agent = chain(llm, text)\n"
        "  return list(agent)\n"
    ),
    "a chain of the repository": (
        "class Chain:\n  def invoke(self, text):\n    return text\nchain = Chain()\n"
        "def run(text):\n  return chain.invoke(text)\n"
    ),
    "a client of the repository": (
        "class Completions:\n  def create(self, model, messages):\n    return messages\n"
        "class Chat:\n  completions = Completions()\nclass Client:\n  chat = Chat()\nclient = Client()\n"
        "def run(text):\n  return client.chat.completions.create(model='gpt-4', messages=[text])\n"
    ),
    "a tokenizer": (
        "from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained('gpt2')\n"
        "def run(text):\n  return tokenizer(text), tokenizer.encode(text)\n"
    ),
    "an encoding named after a model": (
        "import tiktoken\nencoding = tiktoken.encoding_for_model('gpt-4')\n"
        "def run(text):\n  return len(encoding.encode(text))\n"
    ),
    "a database session": (
        "from sqlmodel import Session, create_engine, select\nengine = create_engine('sqlite://')\n"
        "def run(text):\n  with Session(engine) as session:\n    return session.exec(select(text)).all()\n"
    ),
    "a page that posts to its own route": (
        "import requests\ndef run(text):\n"
        "  return requests.post('http://localhost:8000/chat/completions/', params={'text': text})\n"
    ),
    "names and comments": (
        "# openai.chat.completions.create(model='gpt-4')\nOPENAI_MODEL = 'gpt-4'\nprompt = 'You are an LLM agent'\n"
        "def generate_completion(llm, text):\n  '''Calls ChatOpenAI.'''\n  return text\n"
        "def run(text):\n  return generate_completion(None, text)\n"
    ),
}


@pytest.mark.parametrize("source", LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_a_lookalike_is_no_model_call(source: str, make_repository: Callable[[Mapping[str, str]], Path]) -> None:
    files = {"app.py": f"from work import run\n{APP}", "work.py": source, "README.md": "This is not production-ready."}

    report = readiness.scan(make_repository(files))

    assert report.model_calls == ()
    gates = report.repository.gates
    assert not any(gates[name] for name in ("model", "llm", "embed", "predict", "agent", "chat", "rag"))
    assert report.score is None


def test_a_repository_without_a_model_gets_one_sentence_and_no_score(
    make_repository: Callable[[Mapping[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["scan", str(make_repository({"app.py": LOOKALIKES["Twilio's messages"]}))])

    assert status == 0
    assert "uses no AI model that readiness can see" in " ".join(capsys.readouterr().out.split())
