"""Mutants of the layer observability."""

from __future__ import annotations

from .edit import ATTEMPT, CI, PACKAGE, Mutant, mutant

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
    mutant(
        "latency-and-errors-measured",
        (f"{PACKAGE}/observability/metrics.py", "self._called.record(", "print("),
        (f"{PACKAGE}/observability/metrics.py", "self._latency.record(", "print("),
    ),
    mutant(
        "structured-correlated-logs",
        (f"{PACKAGE}/observability/logs.py", "structlog.processors.JSONRenderer()", "structlog.dev.ConsoleRenderer()"),
    ),
    mutant("online-quality-sampled", (f"{PACKAGE}/evals/judge.py", "if draw < self._settings.judge_share and", "if")),
    mutant("alert-rules-in-repo", ("monitoring/alerts.yaml", ", owner: ", ", floor: ")),
    mutant("service-objectives-defined", ("service.toml", "cost_per_answer = 0.05\n", "")),
    mutant("runbook-covers-llm-failures", ("docs/runbooks",)),
    mutant(
        "drift-monitored",
        (CI, "schedule:", "workflow_call:"),
        ("monitoring/alerts.yaml", "DataDrifts", "DataMoves"),
        ("monitoring/alerts.yaml", "data_drifted_fields", "data_moved_fields"),
    ),
)
