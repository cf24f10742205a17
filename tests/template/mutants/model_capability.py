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

EVERY_CHANGE = "  pull_request:\n  push:\n    branches: [main]\n"
SOURCE_ALONE = "  pull_request: {paths: ['tests/**']}\n  push: {branches: [main], paths: ['tests/**']}\n"

MUTANTS: tuple[Mutant, ...] = (
    mutant("golden-dataset", ("evals/golden.jsonl",), takes="eval-covers-edge-cases retrieval-evaluated"),
    mutant("pinned-model-version", ("service.toml", "gpt-5.2-2025-12-11", "gpt-5.2")),
    mutant("explicit-generation-parameters", (ATTEMPT, "temperature=0.0, thinking=False, ", "")),
    mutant(
        "evals-run-in-ci",
        (CI, "uv run poe evals", "echo"),
        ("tests/evals",),
        takes="prompt-change-triggers-evals retrieval-evaluated",
    ),
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
        takes="evals-run-in-ci prompt-change-triggers-evals bias-evaluated",
    ),
    mutant("model-not-retired", ("service.toml", "gpt-5.2-2025-12-11", "gpt-4-0314")),
    mutant("single-sampling-control", (ATTEMPT, "temperature=0.0, ", "temperature=0.0, top_p=0.9, ")),
    mutant("system-instructions-present", (DRAFTS, "SystemPromptPart(prompt.system), ", "")),
    mutant(
        "prompt-model-binding-recorded",
        *((f"prompts/answer/{version}.md", "model: placeholder:standard\n", "") for version in "12"),
    ),
    mutant("prompt-change-triggers-evals", (CI, EVERY_CHANGE, SOURCE_ALONE)),
    mutant(
        "eval-covers-edge-cases",
        *(
            ("evals/golden.jsonl", f'"kind": "{kind}"', '"kind": "happy"')
            for kind in ("edge", "out_of_scope", "adversarial", "personal_data")
        ),
    ),
    mutant(
        "retrieval-evaluated",
        (
            f"{PACKAGE}/evals/scores.py",
            '        found["retrieval_recall"] = _share(document in searched for document in expect.citations)\n',
            "",
        ),
    ),
)
