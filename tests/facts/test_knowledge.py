"""The knowledge of SDKs and models: what is a model call, what is only called alike, and which model ids can change."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from readiness.facts.sdks.knowledge import KNOBS, Knowledge, KnowledgeError, load_knowledge
from readiness.facts.sdks.symbols import expand

SYMBOL = re.compile(r"\w+(?:\(\))*(?:\.\w+(?:\(\))*)*")
KNOWLEDGE = Path(__file__).resolve().parents[2] / "checks" / "knowledge"


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.mark.parametrize(
    ("pattern", "symbols"),
    [
        ("openai.OpenAI", ["openai.OpenAI"]),
        ("a.{B,C}().{d,e}", ["a.B().d", "a.B().e", "a.C().d", "a.C().e"]),
        ("{,Async}Client", ["Client", "AsyncClient"]),
        ("a{.{b,c},.d}", ["a.b", "a.c", "a.d"]),
    ],
)
def test_braces_expand_in_order_and_may_nest(pattern: str, symbols: list[str]) -> None:
    assert list(expand(pattern)) == symbols


@pytest.mark.parametrize("pattern", ["a.{b,c", "a.b}", "}{", "{" + "0," * 200 + "0}{" + "0," * 200 + "0}"])
def test_braces_that_do_not_match_or_explode_are_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"brace|limit"):
        expand(pattern)


@pytest.mark.parametrize(
    ("path", "sdk", "kind"),
    [
        ("openai.OpenAI().chat.completions.create", "openai", "generate"),
        ("openai.chat.completions.create", "openai", "generate"),
        ("openai.AsyncOpenAI().with_options().chat.completions.with_raw_response.create", "openai", "generate"),
        ("langfuse.openai.OpenAI().responses.parse", "openai", "generate"),
        ("openai.OpenAI().embeddings.create", "openai", "embed"),
        ("openai.ChatCompletion.create", "openai-legacy", "generate"),
        ("anthropic.AsyncAnthropicBedrock().messages.stream", "anthropic", "generate"),
        ("litellm.Router().acompletion", "litellm", "generate"),
        ("google.genai.Client().aio.models.generate_content", "google-genai", "generate"),
        ("google.generativeai.GenerativeModel().start_chat().send_message", "google-legacy", "generate"),
        ("mistralai.Mistral().chat.complete", "mistralai", "generate"),
        ("cohere.ClientV2().rerank", "cohere", "rerank"),
        ("ollama.AsyncClient().chat", "ollama", "generate"),
        ("boto3.session.Session().client().converse", "bedrock", "generate"),
        ("langchain_openai.ChatOpenAI()", "langchain", "generate"),
        ("langchain.chat_models.ChatOpenAI().bind().with_retry().invoke", "langchain", "generate"),
        ("langchain_classic.chains.retrieval_qa.base.RetrievalQA().run", "langchain-chains", "generate"),
        ("langchain.vectorstores.faiss.FAISS.load_local().as_retriever().invoke", "langchain-embeddings", "embed"),
        ("langgraph.graph.StateGraph().add_node().compile().ainvoke", "langgraph", "generate"),
        ("llama_index.llms.OpenAI().complete", "llama-index", "generate"),
        ("llama_index.core.VectorStoreIndex.from_documents().as_query_engine().query", "llama-index", "generate"),
        ("pydantic_ai.Agent().run_sync", "pydantic-ai", "generate"),
        ("instructor.from_openai().chat.completions.create", "instructor", "generate"),
        ("dspy.ChainOfThought()", "dspy", "generate"),
        ("agents.Runner.run", "openai-agents", "generate"),
        ("swarm.Swarm().run", "swarm", "generate"),
        ("crewai.Crew().kickoff", "crewai", "generate"),
        ("transformers.AutoModelForCausalLM.from_pretrained().to().generate", "transformers", "generate"),
        ("sentence_transformers.SentenceTransformer().encode", "sentence-transformers", "embed"),
        ("sklearn.linear_model.LogisticRegression().fit().predict", "sklearn", "predict"),
        ("joblib.load().predict_proba", "model-files", "predict"),
        ("torch.jit.load().eval()", "deep-learning", "predict"),
        ("mlflow.pyfunc.load_model().predict", "model-files", "predict"),
        ("onnxruntime.InferenceSession().run", "deep-learning", "predict"),
    ],
)
def test_model_calls_are_known_by_their_canonical_path(knowledge: Knowledge, path: str, sdk: str, kind: str) -> None:
    found = knowledge.call(path)
    assert found is not None, path
    assert (found[0].name, found[1].kind) == (sdk, kind)


@pytest.mark.parametrize(
    "path",
    [
        "twilio.rest.Client().messages.create",
        "sendgrid.SendGridAPIClient().send",
        "stripe.PaymentIntent.create",
        "stripe.Customer().completions.create",
        "django.contrib.messages.success",
        "discord.Client().run",
        "slack_sdk.WebClient().chat_postMessage",
        "sqlmodel.Session().exec",
        "tiktoken.encoding_for_model",
        "langchain_community.callbacks.get_openai_callback",
        "sklearn.preprocessing.StandardScaler().transform",
        "sklearn.model_selection.train_test_split",
        "boto3.client().put_object",
        "openai.OpenAI().files.create",
        "langchain_openai.ChatOpenAI().bind_tools",
        "langchain_openai.ChatOpenAI",
        "sklearn.linear_model.LogisticRegression().fit",
        "langchain_community.vectorstores._private().search",
        "openai.OpenAI().models.list",
        "requests.post",
    ],
)
def test_calls_that_only_look_alike_are_no_model_calls(knowledge: Knowledge, path: str) -> None:
    assert knowledge.call(path) is None


def test_http_by_hand_is_a_model_call_only_by_its_url(knowledge: Knowledge) -> None:
    found = knowledge.http_call("httpx.AsyncClient().post")
    assert found is not None
    assert [(default.distribution, default.timeout) for default in found[1].defaults] == [("httpx", 5.0)]
    endpoint = next(knowledge.endpoints("https://API.openai.com/v1/chat/completions"))
    assert endpoint is not None
    assert (endpoint.provider, endpoint.kind) == ("openai", "generate")
    embeddings = next(knowledge.endpoints("http://gateway.internal/v1/embeddings"))
    assert embeddings is not None
    assert embeddings.kind == "embed"
    assert not list(knowledge.endpoints("https://api.example.com/v1/orders"))


@pytest.mark.parametrize(
    ("symbol", "canonical"),
    [
        ("langchain.chat_models.ChatOpenAI", "langchain_openai.ChatOpenAI"),
        ("langchain_community.chat_models.openai.ChatOpenAI().invoke", "langchain_openai.ChatOpenAI().invoke"),
        ("langchain_classic.chat_models.init_chat_model", "langchain.chat_models.init_chat_model"),
        ("langchain.vectorstores.Chroma.from_documents", "langchain_chroma.Chroma.from_documents"),
        ("langchain_openai_extras.Thing", "langchain_openai_extras.Thing"),
        ("fastapi.FastAPI", "fastapi.FastAPI"),
    ],
)
def test_other_import_paths_are_normalised(knowledge: Knowledge, symbol: str, canonical: str) -> None:
    assert knowledge.normalise(symbol) == canonical


def test_a_modifier_returns_the_same_client(knowledge: Knowledge) -> None:
    assert knowledge.is_modifier("openai.OpenAI()", "with_options")
    assert knowledge.is_modifier("langchain.chat_models.ChatOpenAI()", "with_structured_output")
    assert not knowledge.is_modifier("openai.OpenAI()", "close")
    assert not knowledge.is_modifier("pandas.DataFrame()", "copy")


def test_constructors_have_their_provider_and_the_parameters_that_hold_the_inner_model(knowledge: Knowledge) -> None:
    azure = knowledge.client("openai.AzureOpenAI")
    store = knowledge.client("langchain_community.vectorstores.FAISS.from_documents")
    agent = knowledge.client("langchain.agents.create_agent")
    assert azure is not None
    assert azure[1].provider == "azure"
    assert store is not None
    assert "embedding" in store[1].inner
    assert not store[1].generates
    assert agent is not None
    assert agent[1].inner == ("model",)


@pytest.mark.parametrize(
    "symbol", ["boto3.client", "requests.Session", "langgraph.graph.StateGraph", "langchain_openai.OpenAIEmbeddings"]
)
def test_constructors_that_prove_no_generative_model_say_so(knowledge: Knowledge, symbol: str) -> None:
    found = knowledge.client(symbol)
    assert found is not None
    assert not found[1].generates


def test_a_default_that_is_none_is_told_from_one_that_is_not_known(knowledge: Knowledge) -> None:
    ollama = knowledge.sdks["ollama"].defaults[0]
    assert "timeout" in ollama.known
    assert ollama.timeout is None
    chat = knowledge.client("langchain_openai.ChatOpenAI")
    assert chat is not None
    assert [(default.versions, default.timeout) for default in chat[1].defaults][:2] == [("<1", 600.0), (">=1.2", None)]
    assert "timeout" not in knowledge.sdks["watsonx"].defaults


def test_agent_runs_are_marked_with_the_default_of_their_loop(knowledge: Knowledge) -> None:
    found = knowledge.call("agents.Runner.run_sync")
    graph = knowledge.call("langgraph.graph.StateGraph().compile().invoke")
    assert found is not None
    assert found[1].agent
    assert found[0].defaults[0].steps == 10
    assert graph is not None
    assert graph[1].agent
    assert graph[1].needs_model
    assert [default.steps for default in graph[1].defaults] == [25, 10000, 10007]


def test_milliseconds_are_scaled(knowledge: Knowledge) -> None:
    client = knowledge.client("google.genai.Client")
    assert client is not None
    assert next((knob.at, knob.scale) for knob in client[1].knobs["timeout"]) == ("http_options.timeout", 0.001)


def test_the_task_of_a_pipeline_decides_its_kind(knowledge: Knowledge) -> None:
    found = knowledge.call("transformers.pipeline()")
    assert found is not None
    assert found[1].kind_by == "task"
    assert found[1].kind_for("text-generation") == "generate"
    assert found[1].kind_for("text-classification") == "predict"
    assert found[1].kind_for(None) == "predict"


@pytest.mark.parametrize(
    ("provider", "model_id", "pinning"),
    [
        ("openai", "gpt-4o", "alias"),
        ("openai", "gpt-4o-2024-08-06", "pinned"),
        ("openai", "gpt-5.4-2026-03-05", "pinned"),
        ("openai", "chatgpt-4o-latest", "alias"),
        ("openai", "gpt-3.5-turbo", "alias"),
        ("openai", "gpt-3.5-turbo-0125", "pinned"),
        ("anthropic", "claude-sonnet-4-5", "alias"),
        ("anthropic", "claude-sonnet-4-5-20250929", "pinned"),
        ("anthropic", "claude-sonnet-4-6", "pinned"),
        ("anthropic", "claude-opus-4-7", "pinned"),
        ("anthropic", "claude-3-5-sonnet-latest", "alias"),
        ("anthropic", "opus", "alias"),
        ("vertex", "claude-sonnet-4-5@20250929", "pinned"),
        ("vertex", "claude-sonnet-4-5", "alias"),
        ("google", "gemini-1.5-pro-002", "pinned"),
        ("google", "gemini-1.5-flash", "alias"),
        ("google", "models/gemini-flash-latest", "alias"),
        ("google", "gemini-2.5-pro-preview-05-06", "alias"),
        ("google", "gemini-2.5-pro", "pinned"),
        ("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", "pinned"),
        ("bedrock", "amazon.nova-pro-v1:0", "pinned"),
        ("ollama", "llama3.2", "alias"),
        ("ollama", "llama3.2:latest", "alias"),
        ("ollama", "llama3.2:1b", "tag"),
        ("ollama", "llama3.2@sha256:" + "a" * 64, "pinned"),
        ("azure", "our-chat-deployment", "unknown"),
        ("azure", "gpt-4o", "unknown"),
        ("mistral", "mistral-large-latest", "alias"),
        (None, "openai/gpt-4o", "alias"),
        (None, "anthropic:claude-opus-4-6", "pinned"),
        (None, "openrouter/anthropic/claude-sonnet-4-5", "alias"),
        ("openai", "anthropic/claude-opus-4-6", "pinned"),
    ],
)
def test_which_ids_the_provider_can_change(
    knowledge: Knowledge, provider: str | None, model_id: str, pinning: str
) -> None:
    facts = knowledge.model(provider, model_id)
    assert facts is not None
    assert facts.pinning == pinning


@pytest.mark.parametrize(
    ("provider", "model_id"),
    [
        ("openai", "house-model-7"),
        (None, "house-model-7"),
        ("nobody", "x"),
        (None, ""),
        ("openai", "x" * 5000),
        ("bedrock", "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc"),
    ],
)
def test_an_id_that_nobody_knows_is_not_guessed_at(knowledge: Knowledge, provider: str | None, model_id: str) -> None:
    assert knowledge.model(provider, model_id) is None


def test_an_alias_inherits_the_last_day_of_its_newest_snapshot(knowledge: Knowledge) -> None:
    alias = knowledge.model("openai", "gpt-4o-mini")
    assert alias is not None
    assert (alias.newest, alias.retires) == ("gpt-4o-mini-2024-07-18", date(2027, 1, 14))
    assert not alias.ended(date(2027, 1, 13))
    assert alias.ended(date(2027, 1, 14))


def test_every_alias_with_a_snapshot_ends_no_later_than_it(knowledge: Knowledge) -> None:
    for provider, model_id in knowledge.models.entries:
        facts = knowledge.model(provider, model_id)
        assert facts is not None
        snapshot = knowledge.model(provider, facts.newest) if facts.newest else None
        if snapshot is not None and snapshot.retires is not None:
            assert facts.rolling or facts.retired or facts.retires is not None, model_id


@pytest.mark.parametrize(
    ("provider", "model_id", "sampling", "effort"),
    [
        ("openai", "gpt-4o-2024-08-06", True, False),
        ("openai", "gpt-5-mini", False, True),
        ("openai", "o3", False, True),
        ("openai", "gpt-5-chat-latest", True, False),
        ("anthropic", "claude-opus-4-7", False, True),
        ("anthropic", "claude-sonnet-5", False, True),
        ("anthropic", "claude-sonnet-4-6", True, True),
        ("bedrock", "global.anthropic.claude-opus-4-7", False, True),
        ("azure", "our-chat-deployment", None, None),
    ],
)
def test_which_controls_a_model_accepts(
    knowledge: Knowledge, provider: str, model_id: str, sampling: bool | None, effort: bool | None
) -> None:
    facts = knowledge.model(provider, model_id)
    assert facts is not None
    assert (facts.accepts_sampling, facts.has_effort) == (sampling, effort)


def test_every_sdk_names_a_distribution_and_uses_only_known_knobs(knowledge: Knowledge) -> None:
    for sdk in knowledge.sdks.values():
        assert sdk.distribution
        assert sdk.calls
        for part in (*sdk.clients, *sdk.calls):
            assert part.knobs.keys() <= KNOBS.keys()
            for symbol in part.symbols:
                assert "*" in symbol or SYMBOL.fullmatch(symbol), f"{sdk.name}: {symbol}"
    assert {"openai", "langchain_openai", "boto3", "sklearn"} <= knowledge.import_roots


@pytest.mark.parametrize(
    ("find", "replace", "field"),
    [
        ("output_cap:", "output_kap:", "knobs.output_kap"),
        ("kind: embed", "kind: embeds", "kind"),
        ("timeout: null", "timeout: soon", "timeout"),
        ("distribution: ollama", "distribtion: ollama", "distribution"),
        ("@client.embeddings", "@clint.embeddings", "symbols"),
        ("title: Ollama", "title: [", "file"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, find: str, replace: str, field: str) -> None:
    target = tmp_path / "knowledge" / "sdks"
    target.mkdir(parents=True)
    text = (KNOWLEDGE / "sdks" / "ollama.yaml").read_text("utf-8")
    assert find in text
    (target / "ollama.yaml").write_text(text.replace(find, replace, 1), "utf-8")
    shutil.copy(KNOWLEDGE / "models.yaml", tmp_path / "knowledge")
    with pytest.raises(KnowledgeError) as error:
        load_knowledge(tmp_path)
    assert error.value.file == "ollama.yaml"
    assert error.value.field.endswith(field)


def test_a_folder_without_sdk_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no SDK file"):
        load_knowledge(tmp_path)
