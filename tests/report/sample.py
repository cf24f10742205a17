"""A handmade report: the formats are tested on it, so that they can be read beside what they show."""

from __future__ import annotations

from dataclasses import replace

from readiness.report.model import (
    ActionReport,
    AttestationReport,
    BeforeReport,
    CheckReport,
    DebtReport,
    DemandReport,
    EvidenceReport,
    ExemptionReport,
    FileCounts,
    FindingReport,
    FixedReport,
    GateReport,
    GridCell,
    LayerReport,
    ModelCallReport,
    PlaceReport,
    ProblemReport,
    RawReport,
    Report,
    RepositorySummary,
    RulerReport,
    ScopeReport,
    ScoreSummary,
    SiteCounts,
    SkippedReport,
    SuppressedReport,
)

LAYERS = (
    LayerReport("model-capability", "Model capability", 81.2, 4, standing=True),
    LayerReport("input-resilience", "Input resilience", 74.0, 3, standing=True),
    LayerReport("integration-reliability", "Integration reliability", 63.4, 7),
    LayerReport("safety-governance", "Safety & governance", 55.0, 5),
    LayerReport("observability", "Observability", 52.9, 4),
    LayerReport("scalability-cost", "Scalability & cost control", 41.0, 3),
)

DEBTS = (
    DebtReport("technical", 3.0, 0.14),
    DebtReport("operational", 5.0, 0.233),
    DebtReport("evaluation", 6.5, 0.302),
    DebtReport("integration", 2.0, 0.093),
    DebtReport("governance", 5.0, 0.233),
)

TIMEOUT = CheckReport(
    name="llm-timeout-set",
    layer="integration-reliability",
    debt="integration",
    weight="critical",
    verdict="partial",
    satisfaction=0.643,
    sites=SiteCounts(9, 0, 5, 0),
    evidence=(
        EvidenceReport("src/core/fast.py", 12, 14, "ChatOpenAI(timeout=20)", "model = ChatOpenAI(\n    timeout=20,\n)"),
    ),
    findings=(
        FindingReport(
            "src/core/llm.py",
            75,
            81,
            "ChatOpenAI.ainvoke has no timeout: it can wait for ever",
            "0f1e2d3c4b5a6978",
            source="reply = await model.ainvoke(\n    [\n        SystemMessage(PROMPT),\n\t*history,\n    ],",
        ),
        FindingReport("src/agents/research.py", 31, 31, "ChatAnthropic.invoke has no timeout", "1f1e2d3c4b5a6978"),
    ),
    gain=3.1,
    effort="minutes",
    fix="codemod",
    statement="Every model call runs under an explicit timeout that fits the request budget.",
)

EVALS = CheckReport(
    name="evals-run-in-ci",
    layer="model-capability",
    debt="evaluation",
    weight="critical",
    verdict="fail",
    satisfaction=0.0,
    sites=None,
    evidence=(),
    findings=(FindingReport(".github/workflows/ci.yml", 1, 1, "no step runs an evaluation suite", "2f1e2d3c4b5a6978"),),
    gain=6.7,
    effort="hours",
    fix="scaffold",
    statement="Evaluations run in CI, and a drop in quality stops the merge.",
)

PINNED = CheckReport(
    name="pinned-model-version",
    layer="model-capability",
    debt="technical",
    weight="high",
    verdict="pass",
    satisfaction=1.0,
    sites=SiteCounts(3, 0, 0, 0),
    evidence=(
        EvidenceReport("src/core/settings.py", 8, 8, "gpt-4o-2024-08-06"),
        EvidenceReport("src/core/settings.py", 9, 9, "claude-sonnet-4-5-20250929"),
    ),
    findings=(),
    gain=0.0,
    effort="minutes",
    fix="none",
    statement="Every model is named by a version that does not change.",
)

GUARDRAIL = CheckReport(
    name="output-guardrail",
    layer="safety-governance",
    debt="governance",
    weight="high",
    verdict="unknown",
    satisfaction=None,
    sites=SiteCounts(0, 0, 0, 2),
    evidence=(),
    findings=(
        FindingReport("src/service/app.py", 40, 40, "the guard comes from a plugin", "3f1e2d3c4b5a6978", "unknown"),
    ),
    gain=0.0,
    effort="hours",
    fix="none",
    statement="What the model says is checked before it is shown.",
)

APPROVAL = CheckReport(
    name="human-approval-for-risky-actions",
    layer="safety-governance",
    debt="governance",
    weight="critical",
    verdict="not-applicable",
    satisfaction=None,
    sites=None,
    evidence=(),
    findings=(),
    gain=0.0,
    effort="days",
    fix="none",
    statement="A person approves what cannot be undone.",
)

REPORT = Report(
    ruler=RulerReport("1.0.0", "sha256:" + "ab" * 32),
    repository=RepositorySummary(
        name="agent-service-toolkit",
        revision="a561c88d0c1f2b3a4958677685940312fedcba98",
        dirty=False,
        kinds=("llm-service", "agent", "rag"),
        gates={"agent": True, "llm": True, "model": True, "predict": False},
        files=FileCounts(read=120, python=76, notebooks=0, skipped=0),
    ),
    score=ScoreSummary(62.4, 58.0, 70.3, "C", ("evals-run-in-ci",), "C", 2, 0.938),
    layers=LAYERS,
    debts=DEBTS,
    grid=tuple(
        GridCell(layer.name, debt.name, 50.0 if debt.name == "technical" else None)
        for layer in LAYERS
        for debt in DEBTS
    ),
    checks=(PINNED, EVALS, TIMEOUT, APPROVAL, GUARDRAIL),
    model_calls=tuple(
        ModelCallReport(
            "src/core/llm.py",
            75 + number,
            "serving",
            "langchain",
            "ChatOpenAI.ainvoke",
            "gpt-4o-2024-08-06" if number else None,
            PlaceReport("src/core/models.py", 4) if number else None,
            reachable=True,
            timeout="explicit",
            output_cap="none",
            understood=number > 0,
        )
        for number in range(16)
    ),
    actions=(ActionReport("llm-timeout-set", 3.1, "minutes"), ActionReport("evals-run-in-ci", 6.7, "hours")),
    problems=(),
    suppressed=(),
    skipped=(),
    as_of="2026-11-20",
)

# The same repository on a worse day: everything that a page may have to say.
TROUBLED = replace(
    REPORT,
    checks=(PINNED, EVALS, TIMEOUT, APPROVAL, replace(GUARDRAIL, experimental=True)),
    repository=replace(REPORT.repository, dirty=True, files=FileCounts(118, 76, 2, 2)),
    score=ScoreSummary(77.9, 41.0, 90.1, "C", ("evals-run-in-ci", "llm-timeout-set"), "B", 0, 0.61),
    layers=(
        replace(LAYERS[0], score=69.9, standing=False),
        replace(LAYERS[1], standing=False),
        *LAYERS[2:4],
        replace(LAYERS[4], score=None, checks=0),
        LAYERS[5],
    ),
    attestations=(
        AttestationReport(
            claim="provider-contract",
            title="The provider's contract covers training",
            owner="legal@brightwater.io",
            evidence="docs/contract.md",
            date="2026-10-01",
            expires="2027-10-01",
            standing="attested",
            problem="",
            path="readiness.attest.yaml",
            line=2,
            end_line=6,
        ),
        AttestationReport(
            claim="on-call-is-staffed",
            title="Owners answer when they are called",
            owner="ops@brightwater.io",
            evidence="docs/on-call.md",
            date="2025-10-01",
            expires="2026-10-01",
            standing="expired",
            problem="ended on 2026-10-01: look again, then renew it or take it out",
            path="readiness.attest.yaml",
            line=7,
            end_line=11,
        ),
        AttestationReport(
            claim="",
            title="",
            owner="",
            evidence="",
            date="",
            expires="",
            standing="malformed",
            problem="claim, owner, evidence, date, expires must be given, as text",
            path="readiness.attest.yaml",
            line=12,
            end_line=12,
        ),
        AttestationReport(
            claim="funding-is-settled",
            title="Running it is paid for after the pilot",
            owner="product@brightwater.io",
            evidence="https://wiki.brightwater.io/budgets",
            date="2026-10-01",
            expires="2027-10-01",
            standing="attested",
            problem="",
            path="readiness.attest.yaml",
            line=13,
            end_line=17,
        ),
    ),
    problems=(ProblemReport("src/agents/old.py", 3, "imports src.core.missing, which does not exist"),),
    suppressed=(SuppressedReport("llm-timeout-set", "src/batch.py", 9, "runs at night, under a job limit"),),
    skipped=(
        SkippedReport("data/huge.json", "larger than 2 MB"),
        SkippedReport("src/broken.py", "does not parse: line 4: invalid syntax"),
    ),
)

NO_MODEL = replace(
    REPORT,
    repository=replace(REPORT.repository, name="todo-list", kinds=(), gates={"model": False}),
    score=None,
    layers=tuple(replace(layer, score=None, checks=0, standing=False) for layer in LAYERS),
    checks=(),
    model_calls=(),
    actions=(),
)

# The same repository on a ratchet: a baseline knows one finding, one is new; one is waived, and one waiver is no use.
RATCHET = replace(
    REPORT,
    score=replace(ScoreSummary(66.1, 61.0, 74.0, "C", ("evals-run-in-ci",), "C", 2, 0.938), raw=RawReport(62.4, "C")),
    checks=(
        PINNED,
        replace(EVALS, findings=(replace(EVALS.findings[0], content="8d1e2d3c4b5a6978", state="known"),)),
        replace(
            TIMEOUT,
            findings=(
                replace(TIMEOUT.findings[0], content="9d1e2d3c4b5a6978", state="new"),
                replace(TIMEOUT.findings[1], content="ad1e2d3c4b5a6978", state="moved"),
            ),
        ),
        APPROVAL,
        GUARDRAIL,
    ),
    suppressed=(
        SuppressedReport(
            "llm-timeout-set",
            "src/batch.py",
            9,
            "runs at night, under a job limit",
            end_line=12,
            message="ChatOpenAI.batch has no timeout: it can wait for ever",
            fingerprint="4f1e2d3c4b5a6978",
        ),
        SuppressedReport(
            "fallback-path",
            "",
            0,
            "the gateway of the platform falls back",
            message="No second model answers when the first one fails",
            fingerprint="5f1e2d3c4b5a6978",
            origin="configuration",
            kind="satisfied-elsewhere",
            owner="platform@brightwater.io",
            expires="2027-06-30",
            evidence="https://wiki.brightwater.io/gateway",
        ),
    ),
    exemptions=(
        ExemptionReport(
            check="llm-timeout-set",
            origin="code",
            kind="accepted",
            scope="src/batch.py:9",
            reason="runs at night, under a job limit",
            owner="",
            expires="",
            evidence="",
            path="src/batch.py",
            line=9,
            standing="used",
            findings=1,
        ),
        ExemptionReport(
            check="fallback-path",
            origin="configuration",
            kind="satisfied-elsewhere",
            scope="",
            reason="the gateway of the platform falls back",
            owner="platform@brightwater.io",
            expires="2027-06-30",
            evidence="https://wiki.brightwater.io/gateway",
            path="readiness.toml",
            line=3,
            standing="used",
            findings=1,
        ),
        ExemptionReport(
            check="response-cached",
            origin="configuration",
            kind="accepted",
            scope="src/",
            reason="no question is asked twice",
            owner="search@brightwater.io",
            expires="2026-10-31",
            evidence="",
            path="readiness.toml",
            line=11,
            standing="expired",
            findings=0,
            finding=FindingReport(
                "readiness.toml",
                11,
                11,
                "the waiver of response-cached ended on 2026-10-31: look again, then renew it or take it out",
                "6f1e2d3c4b5a6978",
                content="bd1e2d3c4b5a6978",
                state="new",
            ),
        ),
    ),
    scope=ScopeReport(
        baseline="readiness-baseline.json",
        since=None,
        base=None,
        new=2,
        known=1,
        moved=1,
        outside=0,
        fixed=(
            FixedReport("output-tokens-capped", "src/core/llm.py", "no limit of output tokens", "7f1e2d3c4b5a6978"),
        ),
        before=BeforeReport(58.0, "D", same_ruler=True),
    ),
    gate=GateReport(
        met=False,
        demands=(
            DemandReport("--fail-under 60", True, "the score 66.1 is not under 60"),
            DemandReport("--fail-on new", False, "2 new findings: llm-timeout-set at src/core/llm.py:75 and 1 more"),
        ),
    ),
)
