"""Edits of a generated project that break one practice each, and the check that must notice.

`takes` names the checks that fall with it, since what they ask for rests on the same line.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "src/support_answers"


@dataclass(frozen=True)
class Edit:
    """A text that is replaced, everywhere in a file; without an `old` the file or folder is removed.

    Args:
        path: the file, relative to the project.
        old: what stands there now.
        new: what stands there then.
    """

    path: str
    old: str = ""
    new: str = ""

    def apply(self, project: Path) -> None:
        """Make the edit; an old text that is not there is an error, for then nothing would be tried."""
        target = project / self.path
        if not self.old:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            return
        text = target.read_text("utf-8")
        assert self.old in text, f"{self.path} no longer has {self.old!r}"
        target.write_text(text.replace(self.old, self.new), "utf-8")


@dataclass(frozen=True)
class Mutant:
    """The edits that break the practice of a check, and what falls with it."""

    check: str
    edits: tuple[Edit, ...]
    takes: frozenset[str] = frozenset()


def _mutant(check: str, *edits: tuple[str, ...], takes: str = "") -> Mutant:
    return Mutant(check, tuple(Edit(*edit) for edit in edits), frozenset(takes.split()))


ATTEMPT, GATEWAY = f"{PACKAGE}/gateway/attempt.py", f"{PACKAGE}/gateway/gateway.py"
PIPELINE, ANSWERER = f"{PACKAGE}/answering/pipeline.py", f"{PACKAGE}/answering/answerer.py"
DRAFTS = f"{PACKAGE}/gateway/drafts.py"
INLINE = (
    "You answer the questions of customers from passages of our documents, politely and briefly, "
    "with the ids of the passages that you rest on; you decline what they do not answer."
)
ASKED = (
    "Answer the question of the customer with the passages that were found for it, in the language of the question, "
    "please: "
)
CI = ".github/workflows/checks.yml"

MUTANTS = (
    _mutant("golden-dataset", ("evals/golden.jsonl",)),
    _mutant("pinned-model-version", ("service.toml", "gpt-5.2-2025-12-11", "gpt-5.2")),
    _mutant("explicit-generation-parameters", (ATTEMPT, "temperature=0.0, thinking=False, ", "")),
    _mutant("output-tokens-capped", (ATTEMPT, "max_tokens=cap, ", "")),
    _mutant(
        "ci-runs-tests",
        (CI, "uv run poe test", "echo"),
        (CI, "uv run poe contract", "echo"),
        (CI, "uv run poe chart", "echo"),
    ),
    _mutant("evals-run-in-ci", (CI, "uv run poe evals", "echo"), ("tests/evals",)),
    _mutant("dependencies-locked", ("uv.lock",), takes="container-image-reproducible"),
    _mutant("container-image-reproducible", ("Dockerfile", "USER 10001:10001\n", "")),
    _mutant(
        "llm-timeout-set",
        (ATTEMPT, "timeout=seconds, ", ""),
        (ATTEMPT, "async with asyncio.timeout(seconds):", "async with nullcontext():"),
        (GATEWAY, "async with asyncio.timeout(self._settings.request_timeout_s):", "async with nullcontext():"),
    ),
    _mutant(
        "llm-errors-handled",
        (ATTEMPT, "except (TimeoutError, AgentRunError, Failed) as error:", "except Failed as error:"),
    ),
    _mutant(
        "llm-retry-backoff",
        (
            GATEWAY,
            "if hopeless or late or line.breaker.is_open or job.ttft_ms is not None:\n                    raise",
            "raise",
        ),
    ),
    _mutant("llm-calls-traced", (ATTEMPT, ", attributes=asked)", ")"), (ATTEMPT, "gen_ai.", "x.")),
    _mutant(
        "token-and-cost-recorded",
        (ATTEMPT, "read, written = reply.usage.input_tokens, reply.usage.output_tokens", "read, written = 0, 0"),
    ),
    _mutant(
        "no-regex-on-model-text",
        (
            ATTEMPT,
            'return parse_draft(reply.text or "")',
            'return Draft(answered=True, answer=re.findall("answer: (.*)", reply.text or "")[0])',
        ),
        (ATTEMPT, "import time\n", "import re\nimport time\n"),
        takes="output-guardrail",
    ),
    _mutant(
        "structured-output-enforced", (ATTEMPT, ", model_request_parameters=schema", ""), takes="no-regex-on-model-text"
    ),
    _mutant(
        "no-exec-of-model-output",
        (
            ATTEMPT,
            'return parse_draft(reply.text or "")',
            'eval(reply.text or "")\n            return parse_draft(reply.text or "")',
        ),
    ),
    _mutant("output-guardrail", (PIPELINE, "if reviewed.blocked:", "if False:")),
    _mutant("audit-trail", (ANSWERER, "session.add(row)", "pass"), (ANSWERER, "await append(", "str(")),
    _mutant("user-feedback-captured", (f"{PACKAGE}/feedback/loop.py", "session.add(row)", "pass")),
    _mutant(
        "health-and-readiness-endpoints",
        (f"{PACKAGE}/api/operations.py", '@router.get("/readyz"', '@router.get("/state"'),
        (f"{PACKAGE}/api/operations.py", '@router.get("/healthz"', '@router.get("/hello"'),
    ),
    _mutant("ownership-declared", ("CODEOWNERS",), ("governance",), ("docs/runbooks",)),
    _mutant("fake-model-tests", ("tests/gateway",), ("tests/api",), ("tests/evals",)),
    _mutant(
        "no-hardcoded-secrets",
        (
            f"{PACKAGE}/settings.py",
            "redis_url: SecretStr | None = None",
            'redis_url: SecretStr | None = None\n    api_key: str = "' + "sk-proj-" + "q7Rk2Vx9Lm4Tz8Wn3Hc6" + '"',
        ),
    ),
    _mutant(
        "prompts-as-files",
        (
            DRAFTS,
            "[SystemPromptPart(prompt.system), UserPromptPart(prompt.user)]",
            f"[SystemPromptPart({INLINE!r}), UserPromptPart({ASKED!r} + question)]",
        ),
        (DRAFTS, "def opening(prompt: Prompt)", "def opening(question: str)"),
        (GATEWAY, "opening(job.prompt)", "opening(job.prompt.user)"),
    ),
    _mutant(
        "eval-metrics-with-thresholds",
        (f"{PACKAGE}/evals/runner.py", 'if score < limits["min"]:', "if False:"),
        (f"{PACKAGE}/evals/runner.py", 'elif before - after > limits.get("drop", 1.0):', "elif False:"),
        ("tests/evals",),
        takes="evals-run-in-ci",
    ),
)
