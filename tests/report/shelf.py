"""A handmade catalogue of three checks on two layers."""

from __future__ import annotations

from readiness.assess.assessment import Ruler
from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check, Example, Rung, Weight
from readiness.assess.scales import DebtKind, Grade, Grades, Layer


def _check(
    name: str, statement: str, weight: Weight = "high", fix: str = "none", layer: str = "input-resilience"
) -> Check:
    return Check(
        name=name,
        statement=statement,
        layer=layer,
        debt="technical",
        weight=weight,
        effort="minutes",
        since="0.1.0",
        why="A call that hangs holds a worker,\na connection and a user.\n\nIt happens:\n- at night\n- on a holiday\n",
        sources=("Seed 002: latency spikes are part of production.",),
        applies="gates.llm",
        detection="Where the timeout is set, | counts.",
        remedy="Set `timeout=` once, on the client.",
        false_positives="A client that is made in a factory.",
        examples=(
            Example("fail", {"app.py": "client = OpenAI()\n"}),
            Example("pass", {"app.py": "client = OpenAI(timeout=30)\n", "ci.yml": "on: push\n"}),
            Example("not-applicable", {"app.py": "print()\n"}),
        ),
        rungs=(Rung("pass", "calls"),),
        fix=fix,
        implies=("no-hardcoded-secrets",) if name == "llm-timeout-set" else (),
    )


CATALOGUE = Catalogue(
    checks=(
        _check("evals-run-in-ci", "Evaluations run in CI.", "critical", "scaffold: evals", "model-capability"),
        _check("llm-timeout-set", "Every call has a timeout.", fix="add-timeout"),
        _check("no-hardcoded-secrets", "No secret is written in the code | or anywhere."),
    ),
    layers=(
        Layer("model-capability", "Model capability", "Is it the right model?"),
        Layer("input-resilience", "Input resilience", "Does it survive its input?"),
    ),
    debts=(DebtKind("technical", "Technical debt", "Code to change."),),
    grades=Grades((Grade("A", 90.0), Grade("C", 60.0), Grade("F", 0.0)), "C", "critical", 70.0),
    ruler=Ruler("1.0.0", "sha256:" + "0" * 64),
)
