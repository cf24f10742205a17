"""Sentences that the forms for people share; each form makes the repository's texts in them safe in its own way."""

from __future__ import annotations

from readiness.report.model import CheckReport, FindingReport

_ACRONYMS = {"ai", "api", "cli", "llm", "ml", "mcp", "rag"}


def kind_in_words(kind: str) -> str:
    """`llm-service` as people write it: LLM service."""
    return " ".join(word.upper() if word in _ACRONYMS else word for word in kind.split("-"))


def without_score(name: str, uses_model: bool) -> str:
    """The one clear sentence where there is no score."""
    if uses_model:
        return f"{name} uses a model, but nothing about it could be decided, so there is no score."
    return f"{name} uses no AI model that readiness can see, so there is nothing to score."


def first_finding(check: CheckReport) -> FindingReport | None:
    """The finding to show where there is room for one: something wrong rather than something unknown."""
    return next((one for one in check.findings if one.verdict in ("fail", "partial")), None) or next(
        iter(check.findings), None
    )


def told(check: CheckReport) -> str:
    """What is wrong, in one sentence: how often, and what the first place says."""
    finding = first_finding(check)
    if finding is None:
        return f"Not yet: {check.statement}"
    sites = check.sites
    if sites is None or sites.total < 2:
        return finding.message
    unknown = f" ({sites.unknown} unknown)" if sites.unknown else ""
    return f"{sites.failed + sites.partial} of {sites.total} places{unknown}: {finding.message}"
