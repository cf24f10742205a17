"""Mutants of the layer observability."""

from __future__ import annotations

from .edit import ATTEMPT, PACKAGE, Mutant, mutant

MUTANTS: tuple[Mutant, ...] = (
    mutant("llm-calls-traced", (ATTEMPT, ", attributes=asked)", ")"), (ATTEMPT, "gen_ai.", "x.")),
    mutant(
        "token-and-cost-recorded",
        (ATTEMPT, "read, written = reply.usage.input_tokens, reply.usage.output_tokens", "read, written = 0, 0"),
    ),
    mutant("user-feedback-captured", (f"{PACKAGE}/feedback/loop.py", "session.add(row)", "pass")),
    mutant(
        "health-and-readiness-endpoints",
        (f"{PACKAGE}/api/operations.py", '@router.get("/readyz"', '@router.get("/state"'),
        (f"{PACKAGE}/api/operations.py", '@router.get("/healthz"', '@router.get("/hello"'),
    ),
)
