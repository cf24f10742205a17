"""What can stop an answer on its way out, and what only looks as if it could."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from readiness.extract.observe import observe
from readiness.facts.core import link
from readiness.facts.flows.flows import find_flows
from readiness.facts.flows.guardrails import Answer, find_answers
from readiness.facts.linking.web import load_web
from readiness.facts.sdks.knowledge import Knowledge, knowledge_folder, load_knowledge
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

HEAD = """\
    from fastapi import FastAPI
    from openai import OpenAI

    app = FastAPI()
    client = OpenAI()

    def ask(question):
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
        return answer.choices[0].message.content

    @app.get("/health")
    def health():
        return "fine"

    @app.post("/chat")
    def chat(question: str):
"""
Find = Callable[[str], list[Answer]]


@cache
def knowledge() -> Knowledge:
    """What is known of SDKs, read once."""
    return load_knowledge()


@pytest.fixture
def find(make_repository: Callable[[Mapping[str, str]], Path]) -> Find:
    """A function that gives the answers of one module."""

    def found(source: str) -> list[Answer]:
        repository = open_repository(root := make_repository({"app.py": source}), load_configuration(root))
        web = load_web(knowledge_folder() / "web-frameworks.yaml")
        core = link(repository, observe(repository), knowledge(), web)
        return find_answers(core, find_flows(core))

    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["return ask(question)"], set()),
        (["text = ask(question)", "if client.moderations.create(input=text).results[0].flagged:", "    return 'No.'",
          "return text"], {"stops"}),
        (["from guardrails import Guard", "return Guard().parse(ask(question)).validated_output"], {"stops"}),
        (["from llm_guard import scan_output", "text, valid, score = scan_output([], question, ask(question))",
          "return text if valid else 'No.'"], {"stops"}),
        (["text = ask(question)", "client.moderations.create(input=text)", "return text"], {"ignored"}),
        (["if client.moderations.create(input=question).results[0].flagged:", "    return 'No.'",
          "return ask(question)"], set()),
        (["text = ask(question)", "if 'secret' in text:", "    raise ValueError('secret')", "return text"], {"tests"}),
        (["answer = client.chat.completions.create(model='gpt-4o', messages=[])",
          "if answer.choices[0].finish_reason == 'content_filter':", "    return 'No.'",
          "return answer.choices[0].message.content"], {"filters"}),
    ],
)  # fmt: skip
def test_a_guardrail_acts_by_what_becomes_of_its_verdict(find: Find, lines: list[str], expected: set[str]) -> None:
    answers = find(HEAD + "\n".join(f"        {line}" for line in lines) + "\n")
    assert [a.entry.route for a in answers] == ["/chat"]
    assert {g.guarding.value for g in answers[0].guardrails} == expected


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ("PIIMiddleware('email', apply_to_output=True)", {"stops"}),
        ("PIIMiddleware('email', apply_to_input=True)", set()),
    ],
)
def test_middleware_counts_where_it_looks_at_the_output(find: Find, middleware: str, expected: set[str]) -> None:
    answers = find(
        f"""\
        from fastapi import FastAPI
        from langchain.agents import create_agent
        from langchain.agents.middleware import PIIMiddleware

        app = FastAPI()
        agent = create_agent("openai:gpt-4o", tools=[], middleware=[{middleware}])

        @app.post("/chat")
        def chat(question: str):
            return agent.invoke({{"messages": [("user", question)]}})["messages"][-1].content
        """
    )
    assert {g.guarding.value for a in answers for g in a.guardrails} == expected


def test_a_configured_filter_of_the_provider_is_seen_in_the_call_s_configuration(find: Find) -> None:
    answers = find(
        """\
        from fastapi import FastAPI
        from google import genai
        from google.genai import types

        app = FastAPI()
        client = genai.Client()

        @app.post("/chat")
        def chat(question: str):
            config = types.GenerateContentConfig(safety_settings=[types.SafetySetting(category="X", threshold="Y")])
            return client.models.generate_content(model="gemini-2.5-pro", contents=question, config=config).text
        """
    )
    assert [(g.text, g.guarding.value) for a in answers for g in a.guardrails] == [("safety_settings", "filters")]


@pytest.mark.parametrize(("field", "expected"), [("strictness", [("strictness", "filters")]), ("top_k", [])])
def test_a_filter_in_a_payload_class_that_is_dumped_into_the_request_counts(
    find: Find, field: str, expected: list[tuple[str, str]]
) -> None:
    answers = find(
        f"""\
        from fastapi import FastAPI
        from openai import AzureOpenAI
        from pydantic import BaseModel

        app = FastAPI()
        client = AzureOpenAI()

        class Search(BaseModel):
            {field}: int = 3

            def payload(self):
                return {{"type": "azure_search", "parameters": self.model_dump()}}

        @app.post("/chat")
        def chat(question: str):
            body = {{"data_sources": [Search().payload()]}}
            return client.chat.completions.create(model="m", messages=[question], extra_body=body).choices[0].message
        """
    )
    found = [(g.text, g.guarding.value) for a in answers for g in a.guardrails]
    assert found == expected
