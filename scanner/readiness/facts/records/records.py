"""What is kept of each call: traces, token counts, records of decisions, users' judgements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.records.audit import Audit, AuditRecord
from readiness.facts.records.feedback import Feedback, FeedbackFinder
from readiness.facts.records.instrumentors import load_telemetry
from readiness.facts.records.telemetry import Telemetry, Tracing, with_own_record
from readiness.facts.records.tokens import TokenRecord, Tokens
from readiness.facts.records.written import Writes


@dataclass(frozen=True, slots=True)
class Records:
    """The four families; the first two have one entry per generative call."""

    tracings: list[Tracing]
    tokens: list[TokenRecord]
    audits: list[AuditRecord]
    feedback: list[Feedback]


def find_records(core: Core, generating: Iterable[ModelCall]) -> Records:
    """What is kept of these generative calls of serving code, and of the predictions beside them."""
    knowledge = load_telemetry(core.knowledge.normalise)
    nearby, writes = Nearby(core), Writes(core)
    telemetry, tokens = Telemetry(core, knowledge, nearby), Tokens(core, nearby, writes)
    traced = [telemetry.of(call) for call in generating]
    counted = [tokens.of(tracing.call, tracing) for tracing in traced]
    audit = Audit(core, knowledge, nearby, writes)
    traced = [with_own_record(tracing, audit.generation_record(tracing.call)) for tracing in traced]
    return Records(
        tracings=traced,
        tokens=counted,
        audits=audit.find(traced),
        feedback=FeedbackFinder(core, knowledge, nearby, writes).find(),
    )
