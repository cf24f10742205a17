"""The way of a question through guardrails, retrieval, prompt and model: production and evals walk the same one."""

import asyncio
import re
from dataclasses import dataclass, replace

from ..controls.switches import SwitchedOff
from ..data.library import Library
from ..errors import ModelUnavailable
from ..gateway.attempt import OnText
from ..gateway.gateway import Gateway
from ..guardrails.guards import Guards
from ..prompts.registry import PromptRegistry, PromptVersion
from ..settings import Settings
from .answer import Citation, Completion, Finding, Outcome, Passage, Prompt, Screened

_QUOTE_CHARACTERS = 240
_MARK = re.compile(r"\[[A-Z-]+\]")


@dataclass(frozen=True, slots=True)
class Composed:
    """A question made ready for the model: everything that the answer will cite."""

    question: str
    prompt: Prompt
    passages: tuple[Passage, ...]
    data_version: str
    findings: tuple[Finding, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """The ids of its passages."""
        return tuple(passage.id for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a question; without a completion no model's text was used."""

    outcome: Outcome
    text: str
    model: str
    prompt_version: str
    data_version: str
    reason: str | None = None
    citations: tuple[Citation, ...] = ()
    found: tuple[str, ...] = ()
    """The ids of the passages that the search found, cited or not."""
    findings: tuple[Finding, ...] = ()
    completion: Completion | None = None
    spent_micros: int = 0


@dataclass(frozen=True)
class Pipeline:
    """Three steps, each of which can end the way: `screen`, `compose`, `complete`."""

    settings: Settings
    library: Library
    prompts: PromptRegistry
    guards: Guards
    gateway: Gateway

    @property
    def data_version(self) -> str:
        """The data version that answers are given from just now."""
        version = self.library.current()
        return version.id if version else "none"

    async def run(self, question: str, *, tenant: str, version: PromptVersion | None = None) -> Result:
        """Walk the whole way, as evals do; a served question also passes cache and budget on it."""
        version = version or await self.prompts.active()
        screened = self.screen(question)
        if screened.blocked:
            return self.blocked(screened, version)
        return await self.complete(await self.compose(screened, version), tenant=tenant)

    def screen(self, question: str) -> Screened:
        """Mask and judge what was asked, before anything else sees it."""
        return self.guards.screen(question)

    async def compose(self, screened: Screened, version: PromptVersion) -> Composed:
        """Find the passages and render the prompt."""
        # A mark such as [E-MAIL] stands for what was masked; searched for, it would find passages about e-mail.
        wanted = _MARK.sub(" ", screened.text)
        found = await asyncio.to_thread(self.library.search, wanted, self.settings.passages)
        passages, findings = self.guards.screen_passages(found.passages)
        return Composed(
            question=screened.text,
            prompt=self.prompts.render(version, screened.text, passages),
            passages=passages,
            data_version=found.data_version,
            findings=screened.findings + findings,
        )

    async def complete(
        self, composed: Composed, *, tenant: str, off: SwitchedOff | None = None, on_text: OnText | None = None
    ) -> Result:
        """Ask the model and review what it wrote. Whatever fails, there is a result to show."""
        if not composed.passages:
            return self._without_model(composed, Outcome.DECLINED, "no_passages")
        try:
            completion = await self.gateway.complete(composed.prompt, tenant=tenant, off=off, on_text=on_text)
        except ModelUnavailable as failure:
            return self.unavailable(composed, failure)
        return self._review(composed, completion)

    def blocked(self, screened: Screened, version: PromptVersion) -> Result:
        """The question broke a rule: the policy's text, and no model."""
        finding = screened.blocked
        return Result(
            outcome=Outcome.BLOCKED,
            reason=finding.rule if finding else None,
            text=self.guards.fallback(finding.rule if finding else "blocked"),
            model=self.gateway.model_name,
            prompt_version=version.version,
            data_version=self.data_version,
            findings=screened.findings,
        )

    def unavailable(self, composed: Composed, failure: ModelUnavailable) -> Result:
        """No model can be had: its refusal declines, anything else shows the passages as they are."""
        if failure.reason == "refused":
            result = self._without_model(composed, Outcome.DECLINED, failure.reason)
        else:
            result = self._without_model(composed, Outcome.DEGRADED, failure.reason)
            result = replace(result, citations=_citations(composed.passages))
        return replace(result, model=failure.model or self.gateway.model_name, spent_micros=failure.spent_micros)

    def _review(self, composed: Composed, completion: Completion) -> Result:
        draft = completion.draft
        reviewed = self.guards.review(draft, composed.passages)
        result = Result(
            outcome=Outcome.ANSWERED,
            text=reviewed.text,
            model=completion.model,
            prompt_version=composed.prompt.version,
            data_version=composed.data_version,
            citations=_citations([passage for passage in composed.passages if passage.id in draft.citations]),
            found=composed.found,
            findings=composed.findings + reviewed.findings,
            completion=completion,
            spent_micros=completion.cost_micros,
        )
        if reviewed.blocked:
            withheld = self.guards.fallback(reviewed.blocked.rule)
            return replace(result, outcome=Outcome.WITHHELD, reason=reviewed.blocked.rule, text=withheld, citations=())
        if not draft.answered:
            declined = self.guards.fallback("declined")
            return replace(result, outcome=Outcome.DECLINED, reason="not_in_documents", text=declined, citations=())
        return result

    def _without_model(self, composed: Composed, outcome: Outcome, reason: str) -> Result:
        return Result(
            outcome=outcome,
            reason=reason,
            text=self.guards.fallback(reason),
            model=self.gateway.model_name,
            prompt_version=composed.prompt.version,
            data_version=composed.data_version,
            found=composed.found,
            findings=composed.findings,
        )


def _citations(passages: tuple[Passage, ...] | list[Passage]) -> tuple[Citation, ...]:
    return tuple(Citation(id=passage.id, title=passage.title, quote=_shortened(passage.text)) for passage in passages)


def _shortened(text: str) -> str:
    return text if len(text) <= _QUOTE_CHARACTERS else text[: _QUOTE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
