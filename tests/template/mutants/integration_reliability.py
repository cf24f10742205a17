"""Mutants of the layer integration reliability."""

from __future__ import annotations

from .edit import ATTEMPT, CI, GATEWAY, Mutant, mutant

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
        "no-regex-on-model-text",
        (
            ATTEMPT,
            'return parse_draft(reply.text or "")',
            'return Draft(answered=True, answer=re.findall("answer: (.*)", reply.text or "")[0])',
        ),
        (ATTEMPT, "import time\n", "import re\nimport time\n"),
        takes="output-guardrail",
    ),
    mutant(
        "structured-output-enforced", (ATTEMPT, ", model_request_parameters=schema", ""), takes="no-regex-on-model-text"
    ),
    mutant("fake-model-tests", ("tests/gateway",), ("tests/api",), ("tests/evals",)),
)
