"""Mutants of the layer integration reliability."""

from __future__ import annotations

from .edit import ATTEMPT, CI, DRAFTS, GATEWAY, PACKAGE, PIPELINE, Mutant, mutant

ANSWERS, PROVIDER = f"{PACKAGE}/api/answers.py", "tests/gateway/test_provider.py"

MUTANTS: tuple[Mutant, ...] = (
    mutant(
        "ci-runs-tests",
        (CI, "uv run poe test", "echo"),
        (CI, "uv run poe contract", "echo"),
        (CI, "uv run poe chart", "echo"),
    ),
    mutant("dependencies-locked", ("uv.lock",), takes="container-image-reproducible"),
    mutant(
        "llm-timeout-set",
        (ATTEMPT, "timeout=seconds, ", ""),
        (ATTEMPT, "async with asyncio.timeout(seconds):", "async with nullcontext():"),
        (GATEWAY, "async with asyncio.timeout(self._settings.request_timeout_s):", "async with nullcontext():"),
    ),
    mutant(
        "llm-errors-handled",
        (ATTEMPT, "except (TimeoutError, AgentRunError, Failed) as error:", "except Failed as error:"),
    ),
    mutant(
        "llm-retry-backoff",
        (
            GATEWAY,
            "if hopeless or late or line.breaker.is_open or job.ttft_ms is not None:\n                    raise",
            "raise",
        ),
    ),
    mutant(
        "fallback-path",
        (GATEWAY, "names = dict.fromkeys([settings.model, *settings.fallback_models])", "names = [settings.model]"),
        (PIPELINE, "return self.unavailable(composed, failure)", "raise"),
    ),
    mutant(
        "no-regex-on-model-text",
        (
            ATTEMPT,
            'return parse_draft(reply.text or "")',
            'return Draft(answered=True, answer=re.findall("answer: (.*)", reply.text or "")[0])',
        ),
        (ATTEMPT, "import time\n", "import re\nimport time\n"),
        takes="output-guardrail parsed-output-validated",
    ),
    mutant(
        "structured-output-enforced", (ATTEMPT, ", model_request_parameters=schema", ""), takes="no-regex-on-model-text"
    ),
    mutant(
        "parsed-output-validated",
        (DRAFTS, 'raise Malformed(error.errors()[0]["msg"]) from error', "raise"),
        (DRAFTS, "raise Malformed(str(error)) from error", "raise"),
    ),
    mutant("stop-reason-checked", (ATTEMPT, 'reply.finish_reason == "length"', "reply.text is None")),
    mutant(
        "outbound-timeouts", (f"{PACKAGE}/data/sources.py", "follow_redirects=True, timeout=PATIENCE_S", "timeout=None")
    ),
    mutant(
        "api-contract-published",
        (
            ANSWERS,
            '@router.post("", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})',
            '@router.post("")',
        ),
        (ANSWERS, ") -> Answer | Response:", "):"),
        takes="user-feedback-captured",
    ),
    mutant(
        "failure-mode-tests",
        (PROVIDER, "[(500,", "[(418,"),
        (PROVIDER, "(503,", "(418,"),
        (PROVIDER, "(429,", "(418,"),
        (PROVIDER, "(408,", "(418,"),
        (PROVIDER, "answer({}, 429", "answer({}, 418"),
        (PROVIDER, "<html>Bad gateway</html>", "{}"),
        ("tests/operations",),
        ("tests/observability/test_logs.py",),
    ),
    mutant(
        "notebooks-not-shipped",
        ("Dockerfile", "USER 10001:10001\n", "RUN papermill ingest.ipynb ingested.ipynb\nUSER 10001:10001\n"),
    ),
    mutant("fake-model-tests", ("tests/gateway",), ("tests/api",), ("tests/evals",)),
)
