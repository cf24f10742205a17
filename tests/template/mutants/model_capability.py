"""Mutants of the layer model capability."""

from __future__ import annotations

from .edit import ATTEMPT, CI, DRAFTS, GATEWAY, PACKAGE, Mutant, mutant

INLINE = (
    "You answer the questions of customers from passages of our documents, politely and briefly, "
    "with the ids of the passages that you rest on; you decline what they do not answer."
)
ASKED = (
    "Answer the question of the customer with the passages that were found for it, in the language of the question, "
    "please: "
)

MUTANTS: tuple[Mutant, ...] = (
    mutant("golden-dataset", ("evals/golden.jsonl",)),
    mutant("pinned-model-version", ("service.toml", "gpt-5.2-2025-12-11", "gpt-5.2")),
    mutant("explicit-generation-parameters", (ATTEMPT, "temperature=0.0, thinking=False, ", "")),
    mutant("evals-run-in-ci", (CI, "uv run poe evals", "echo"), ("tests/evals",)),
    mutant(
        "prompts-as-files",
        (
            DRAFTS,
            "[SystemPromptPart(prompt.system), UserPromptPart(prompt.user)]",
            f"[SystemPromptPart({INLINE!r}), UserPromptPart({ASKED!r} + question)]",
        ),
        (DRAFTS, "def opening(prompt: Prompt)", "def opening(question: str)"),
        (GATEWAY, "opening(job.prompt)", "opening(job.prompt.user)"),
    ),
    mutant(
        "eval-metrics-with-thresholds",
        (f"{PACKAGE}/evals/runner.py", 'if score < limits["min"]:', "if False:"),
        (f"{PACKAGE}/evals/runner.py", 'elif before - after > limits.get("drop", 1.0):', "elif False:"),
        ("tests/evals",),
        takes="evals-run-in-ci",
    ),
)
