"""A call is traced when something that runs covers it, and exported when the traces have somewhere to go."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.records.records import Records

Keep = Callable[[Mapping[str, str]], Records]


CHAT = """\
from fastapi import FastAPI
from langchain_openai import ChatOpenAI
{imports}

app = FastAPI()
model = ChatOpenAI(model="gpt-4o-2024-08-06")
{before}

@app.post("/ask")
def ask(question: str) -> str:
    return {call}
"""
OPENAI = """\
from fastapi import FastAPI
from openai import OpenAI
{before}

app = FastAPI()
client = OpenAI(timeout=30)


@app.post("/ask")
def ask(question: str) -> str:
    answer = client.chat.completions.create(
        model="gpt-4o-2024-08-06", messages=[{{"role": "user", "content": question}}]
    )
    return answer.choices[0].message.content or ""
"""


def chat(imports: str = "", before: str = "", call: str = "model.invoke(question).content") -> str:
    return CHAT.format(imports=imports, before=before, call=call)


def test_an_instrumentor_that_start_up_calls_covers_the_sdk_it_is_made_for(keep: Keep) -> None:
    files = {
        "telemetry.py": "import logfire\n\ndef start():\n    logfire.configure()\n    logfire.instrument_openai()\n",
        "app.py": OPENAI.format(before="from telemetry import start\n\nstart()"),
        ".env.example": "LOGFIRE_TOKEN=\n",
    }
    [call] = keep(files).tracings
    assert call.traced and call.exported and not call.gap
    assert call.by == "Logfire (call)"
    assert call.line is not None and call.line.path == "telemetry.py"


def test_an_instrumentor_of_another_sdk_covers_nothing(keep: Keep) -> None:
    before = "import logfire\n\nlogfire.configure()\nlogfire.instrument_anthropic()"
    [call] = keep({"app.py": OPENAI.format(before=before)}).tracings
    assert not call.traced


def test_an_instrumentor_of_the_inner_sdk_covers_the_wrapper(keep: Keep) -> None:
    before = "logfire.configure(token='x')\nlogfire.instrument_openai()"
    [call] = keep({"app.py": chat("import logfire", before)}).tracings
    assert call.traced and call.exported


def test_an_instrumentor_in_a_module_that_nothing_loads_covers_nothing(keep: Keep) -> None:
    files = {"telemetry.py": "import logfire\n\nlogfire.instrument_openai()\n", "app.py": OPENAI.format(before="")}
    [call] = keep(files).tracings
    assert not call.traced


def test_traces_without_a_key_or_an_endpoint_go_nowhere(keep: Keep) -> None:
    before = (
        "from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor\n\nOpenAIInstrumentor().instrument()"
    )
    [silent] = keep({"app.py": OPENAI.format(before=before)}).tracings
    assert silent.traced and not silent.exported
    assert "no exporter" in silent.gap
    [sent] = keep(
        {"app.py": OPENAI.format(before=before), ".env.example": "OTEL_EXPORTER_OTLP_ENDPOINT=http://x\n"}
    ).tracings
    assert sent.exported and not sent.gap


@pytest.mark.parametrize(
    ("line", "commented"),
    [("LANGSMITH_TRACING=true", False), ("LANGSMITH_TRACING=false", False), ("# LANGSMITH_TRACING=true", True)],
)
def test_a_switch_of_the_sample_environment_counts_unless_it_is_only_a_comment(
    keep: Keep, line: str, commented: bool
) -> None:
    [call] = keep({"app.py": chat(), ".env.example": f"{line}\nLANGSMITH_API_KEY=\n"}).tracings
    assert call.traced is not commented
    assert ("commented" in call.gap) is commented


def test_a_switch_traces_no_sdk_that_does_not_read_it(keep: Keep) -> None:
    [call] = keep({"app.py": OPENAI.format(before=""), ".env.example": "LANGSMITH_TRACING=true\n"}).tracings
    assert not call.by


def test_a_client_imported_from_a_vendor_is_traced(keep: Keep) -> None:
    text = OPENAI.format(before="").replace("from openai import", "from langfuse.openai import")
    [call] = keep(
        {"app.py": text, "compose.yaml": "services: {api: {environment: {LANGFUSE_PUBLIC_KEY: x}}}\n"}
    ).tracings
    assert call.traced and call.exported and call.tokens


def test_a_list_of_callbacks_that_nothing_fills_traces_nothing_yet(keep: Keep) -> None:
    text = """
    import os

    import litellm
    from fastapi import FastAPI

    litellm.success_callback = load()
    app = FastAPI()

    @app.post("/ask")
    def ask(question: str) -> str:
        return litellm.completion(model="gpt-4o", messages=[{"role": "user", "content": question}])
    """
    [call] = keep({"app.py": text}).tracings
    assert not call.traced and call.vendor
    assert "nothing in the repository fills" in call.gap


def test_a_handler_that_is_made_and_dropped_traces_nothing(keep: Keep) -> None:
    made = chat("from langfuse.langchain import CallbackHandler", "CallbackHandler()")
    [call] = keep({"app.py": made, ".env.example": "LANGFUSE_PUBLIC_KEY=\n"}).tracings
    assert not call.by


def test_a_record_of_model_and_answer_is_a_record_of_its_own(keep: Keep) -> None:
    text = OPENAI.format(before="import structlog\n\nlogger = structlog.get_logger()").replace(
        "    return answer.",
        '    logger.info("generation", model="gpt-4o", output=answer.choices[0].message.content)\n    return answer.',
    )
    [call] = keep({"app.py": text}).tracings
    assert call.own_record and not call.traced


def test_a_factory_that_a_server_is_told_to_call_is_loaded(keep: Keep) -> None:
    text = """
    from fastapi import APIRouter, FastAPI
    from langchain_openai import ChatOpenAI
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from phoenix.otel import register

    router = APIRouter()
    model = ChatOpenAI(model="gpt-4o-2024-08-06")

    @router.post("/ask")
    def ask(question: str) -> str:
        return model.invoke(question).content

    def create_app() -> FastAPI:
        register(endpoint="http://phoenix:6006/v1/traces")
        LangChainInstrumentor().instrument()
        app = FastAPI()
        app.include_router(router)
        return app
    """
    [call] = keep({"app.py": text}).tracings
    assert call.traced and call.exported


def test_a_handler_in_the_settings_of_a_framework_covers_every_call(keep: Keep) -> None:
    text = """
    from fastapi import FastAPI
    from langfuse.llama_index import LlamaIndexCallbackHandler
    from llama_index.core import Settings
    from llama_index.core.callbacks import CallbackManager
    from llama_index.llms.openai import OpenAI

    Settings.callback_manager = CallbackManager([LlamaIndexCallbackHandler()])
    model = OpenAI(model="gpt-4o-2024-08-06")
    app = FastAPI()

    @app.post("/ask")
    def ask(question: str) -> str:
        return str(model.complete(question))
    """
    [call] = keep({"app.py": text, ".env.example": "LANGFUSE_PUBLIC_KEY=\n"}).tracings
    assert call.traced and not call.gap
