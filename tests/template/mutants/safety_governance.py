"""Mutants of the layer safety governance."""

from __future__ import annotations

from .edit import ANSWERER, ATTEMPT, PACKAGE, PIPELINE, Mutant, mutant

MUTANTS: tuple[Mutant, ...] = (
    mutant(
        "no-exec-of-model-output",
        (
            ATTEMPT,
            'return parse_draft(reply.text or "")',
            'eval(reply.text or "")\n            return parse_draft(reply.text or "")',
        ),
    ),
    mutant("output-guardrail", (PIPELINE, "if reviewed.blocked:", "if False:")),
    mutant("audit-trail", (ANSWERER, "session.add(row)", "pass"), (ANSWERER, "await append(", "str(")),
    mutant("ownership-declared", ("CODEOWNERS",), ("governance",), ("docs/runbooks",)),
    mutant(
        "no-hardcoded-secrets",
        (
            f"{PACKAGE}/settings.py",
            "redis_url: SecretStr | None = None",
            'redis_url: SecretStr | None = None\n    api_key: str = "' + "sk-proj-" + "q7Rk2Vx9Lm4Tz8Wn3Hc6" + '"',
        ),
    ),
)
