"""The guardrails of the request path: the question before the model, the passages it reads, the draft after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from ..answering.answer import Draft, Finding, Passage, Screened
from ..settings import Settings
from .masking import Masker, PatternMasker, mask
from .rules import RuleBook
from .spelling import clean, hidden_text, is_text

_OUTPUT_RULES = ("no_citation", "unknown_citation")


@dataclass(frozen=True)
class Guards:
    """Every rule, ready to be applied; none of it waits for anything."""

    injection: RuleBook
    policy: RuleBook
    max_question_characters: int
    masker: Masker = field(default_factory=PatternMasker)

    @classmethod
    def load(cls, folder: Path, settings: Settings) -> "Guards":
        """Read injection.yaml and policy.yaml; a ValueError names the file and the rule that is wrong."""
        injection, policy = (RuleBook.load(folder / name) for name in ("injection.yaml", "policy.yaml"))
        return cls(injection, policy, settings.max_question_characters)

    def screen(self, question: str) -> Screened:
        """Clean a question, mask personal data, and say which rules it breaks.

        The text is safe to keep and to send, whatever was found; it may only be sent when nothing blocks.
        """
        most = self.max_question_characters
        text = clean(question[:most])[:most]
        broken = {"too_long": len(question) > most, "hidden_text": hidden_text(question), "not_text": not is_text(text)}
        findings = [Finding(rule, "block", "input") for rule, hit in broken.items() if hit]
        findings += [Finding(rule.id, rule.action, "input") for rule in self.injection.hits(text)]
        text, kinds = mask(text, self.masker.find(text))
        return Screened(text, (*findings, *_masked(kinds, "input")))

    def mask(self, text: str) -> str:
        """The text without personal data."""
        return mask(text, self.masker.find(text))[0]

    def screen_passages(self, passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[Finding, ...]]:
        """Leave out passages that give orders to the model: documents are data, and one that commands is not quoted."""
        kept = tuple(passage for passage in passages if not self._commands(f"{passage.title}\n{passage.text}"))
        note = (Finding("injection_in_passage", "note", "input"),) if len(kept) < len(passages) else ()
        return kept, note

    def review(self, draft: Draft, passages: Sequence[Passage]) -> Screened:
        """Judge a draft: citations that exist, policy, personal data that is not in the passages."""
        ids = {passage.id for passage in passages}
        broken = {"no_citation": not draft.citations, "unknown_citation": not ids.issuperset(draft.citations)}
        findings = [Finding(rule, "block", "output") for rule, hit in broken.items() if hit and draft.answered]
        findings += [Finding(rule.id, rule.action, "output") for rule in self.policy.hits(draft.answer)]
        answer = clean(draft.answer)
        known = "\n".join(passage.text for passage in passages)
        text, kinds = mask(answer, self.masker.find(answer), known=known)
        return Screened(text, (*findings, *_masked(kinds, "output")))

    def fallback(self, key: str) -> str:
        """The text to show for a rule, a reason or an outcome, from policy.yaml.

        A rule without a text of its own has its outcome's; any other reason is one of the model's not being there.
        """
        outcomes = {rule.id: "blocked" for rule in self.injection.rules} | dict.fromkeys(_OUTPUT_RULES, "withheld")
        outcomes |= {rule.id: "withheld" for rule in self.policy.rules}
        texts = self.policy.texts
        return texts.get(key, texts[outcomes.get(key, "degraded")])

    @cached_property
    def _commands(self) -> Callable[[str], bool]:
        def commands(text: str) -> bool:
            return hidden_text(text) or any(rule.action == "block" for rule in self.injection.hits(text))

        return lru_cache(maxsize=2048)(commands)  # the same passages come back all day


def _masked(kinds: list[str], where: Literal["input", "output"]) -> list[Finding]:
    rules = dict.fromkeys(f"personal_data_{kind.lower().replace('-', '_')}" for kind in kinds)
    return [Finding(rule, "mask", where) for rule in rules]
