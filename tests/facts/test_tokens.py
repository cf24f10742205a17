"""Token counts count where they are read from an answer and reach something that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.records.records import Records

Keep = Callable[[Mapping[str, str]], Records]


APP = """\
import logging

import litellm
from fastapi import FastAPI
from openai import OpenAI
from prometheus_client import Counter

app = FastAPI()
client = OpenAI(timeout=30)
logger = logging.getLogger(__name__)
TOKENS = Counter("tokens", "Tokens.", ["model", "direction"])


@app.post("/ask")
def ask(question: str) -> str:
    answer = client.chat.completions.create(
        model="gpt-4o-2024-08-06", messages=[{"role": "user", "content": question}]
    )
    HERE
    return answer.choices[0].message.content or ""
"""


def app(line: str) -> dict[str, str]:
    return {"app.py": APP.replace("    HERE", "\n".join(f"    {one}" for one in line.splitlines()))}


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        (
            'logger.info("usage %s", answer.usage.total_tokens)',
            "input tokens, output tokens, cost, a model or feature label",
        ),
        ('logger.info("usage", extra={"usage": answer.usage.model_dump()})', "cost, a model or feature label"),
        ('logger.info("answer %s", answer.model_dump_json())', "cost, a model or feature label"),
        ('TOKENS.labels(model="m", direction="in").inc(answer.usage.prompt_tokens)', "output tokens, cost"),
        (
            "cost = litellm.completion_cost(answer)\n"
            'logger.info("call", extra={"model": "m", "cost": cost, "usage": answer.usage})',
            "",
        ),
        (
            "usage = answer.usage\nprice = usage.prompt_tokens * 2.5e-6 + usage.completion_tokens * 1e-5\n"
            'logger.info("call", extra={"feature": "ask", "price": price})',
            "",
        ),
    ],
)
def test_what_a_line_leaves_out(keep: Keep, line: str, missing: str) -> None:
    [call] = keep(app(line)).tokens
    assert call.recorded
    assert call.missing == missing


@pytest.mark.parametrize(
    "line",
    [
        "total = answer.usage.total_tokens",
        "print(answer.usage.total_tokens)",
        'logger.info("question of %d characters", len(question))',
    ],
)
def test_what_keeps_nothing(keep: Keep, line: str) -> None:
    [call] = keep(app(line)).tokens
    assert not call.recorded


def test_a_helper_in_another_module_records_for_its_callers(keep: Keep) -> None:
    files = {
        "usage.py": """
        import logging

        logger = logging.getLogger(__name__)

        def record(model: str, input_tokens: int, output_tokens: int) -> None:
            logger.info("usage", extra={"model": model, "input": input_tokens, "output": output_tokens})
        """,
        "app.py": APP.replace("from fastapi", "from usage import record\nfrom fastapi", 1).replace(
            "HERE", 'record("m", answer.usage.prompt_tokens, answer.usage.completion_tokens)'
        ),
    }
    [call] = keep(files).tokens
    assert call.input and call.output and call.dimension and not call.cost
    assert call.at is not None and call.at.path == "usage.py"


def test_counts_of_one_call_do_not_speak_for_another(keep: Keep) -> None:
    text = """
    import logging

    from fastapi import FastAPI
    from openai import OpenAI

    app = FastAPI()
    client = OpenAI(timeout=30)
    logger = logging.getLogger(__name__)

    @app.post("/ask")
    def ask(question: str) -> str:
        first = client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
        logger.info("usage", extra={"usage": first.usage})
        second = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Shorter."}])
        return second.choices[0].message.content or ""
    """
    records = keep({"app.py": text}).tokens
    assert [call.recorded for call in records] == [True, False]


def test_a_stream_that_is_not_asked_for_its_usage_has_none(keep: Keep) -> None:
    text = """
    import logging

    from fastapi import FastAPI
    from openai import OpenAI

    app = FastAPI()
    client = OpenAI(timeout=30)
    logger = logging.getLogger(__name__)

    @app.post("/ask")
    def ask(question: str) -> None:
        stream = client.chat.completions.create(
            OPTIONS model="m", stream=True, messages=[{"role": "user", "content": question}]
        )
        for chunk in stream:
            if chunk.usage:
                logger.info("usage", extra={"model": "m", "usage": chunk.usage})
    """
    [blind] = keep({"app.py": text.replace("OPTIONS ", "")}).tokens
    assert blind.streamed_blind and not blind.input
    [seeing] = keep({"app.py": text.replace("OPTIONS", 'stream_options={"include_usage": True},')}).tokens
    assert seeing.input and seeing.output and not seeing.streamed_blind
