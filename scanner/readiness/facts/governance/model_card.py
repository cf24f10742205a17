"""Model cards: which of the things a card must say are really said, and which model it is about (model-card)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from readiness.extract.markdown import Markdown
from readiness.facts.core import Core
from readiness.facts.governance.paperwork import (
    FOREIGN,
    Written,
    front_matter,
    known_paths,
    labels,
    references,
    sections,
)
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.place import Place
from readiness.repository.tree import Role

Part = Literal[
    "purpose", "exclusions", "model", "data", "results", "limits", "alternatives", "owner", "review", "changes"
]

FRESH = timedelta(days=366)
"""A card that nobody has looked at for longer than this may describe something else."""

_CARD = re.compile(
    r"(?:^|[/_-])(?:model|system)[-_ ]?cards?(?:[-_.][\w.-]*)?\.(?:md|markdown)$"
    r"|(?:^|/)model[-_]?(?:description|info)[\w-]*\.md$",
    re.I,
)
_CARD_TITLE = re.compile(r"\b(?:model|system) card\b", re.I)
_HUB_KEYS = frozenset({"pipeline_tag", "library_name", "base_model", "datasets", "widget", "inference"})
_HOME = re.compile(r"^(?:[^/]+$|docs?/|governance/|documentation/|\.github/)", re.I)
_TITLES: dict[Part, str] = {
    "exclusions": r"out[- ]of[- ]scope|\bnot (?:intended|for)\b|\bmisuse|unsupported|prohibited|not (?:be )?use",
    "purpose": r"intended|\bpurpose\b|use[- ]cases?|what it is for|direct use|\bgoal",
    "data": r"\bdata(?:set|sets)?\b|\bcorpus\b|\bfeatures?\b|\bdocuments\b|\bsources?\b",
    "results": r"evaluat|\bmetrics?\b|performance|\bresults?\b|measured|quality|benchmark",
    "limits": r"limit|\brisks?\b|caveat|\bbias|known (?:issues|gaps)|ethical|failure",
    "alternatives": r"baseline|alternative|compar|simpler|considered",
    "changes": r"\bchang(?:e|es|ing)\b|updat|roll(?:ing)?[- ]?back|maintenance|versioning|retrain|lifecycle|release",
}
_HEADINGS = tuple((part, re.compile(title, re.I)) for part, title in _TITLES.items())
_OWNER = re.compile(
    r"^(?:(?:model|card|product|technical|business) )?"
    r"(?:owners?|maintainers?|maintained by|responsible|contact|accountable)$",
    re.I,
)
_REVIEW = re.compile(r"review|^(?:last )?updated?(?: on)?$|^date$|^as of$|^written(?: on)?$|^valid", re.I)
_DATE = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_NUMBER = re.compile(r"\b\d+(?:\.\d+)?\s*%|\b[01]\.\d+\b|\b\d+\s*(?:of|/)\s*\d+\b")
_FEW = 6
_CHOSEN = re.compile(r"[\w.-]{2,40}:[\w./-]{2,80}|(?=.*\d)[\w./-]{5,80}")
_PROPER = re.compile(r"(?=.*\d)(?=.*-).{6,}")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One card. `parts` are what it says of what a card must say; `stale` whether its date is over a year old."""

    place: Place
    text: str
    parts: tuple[Part, ...]
    stale: bool

    @property
    def complete(self) -> bool:
        """Seven parts of ten, among them who owns it, when it was looked at, and a model that the code asks."""
        return len(self.parts) >= 7 and {"owner", "review", "model"} <= set(self.parts)

    @property
    def substantial(self) -> bool:
        """Three parts of ten."""
        return len(self.parts) >= 3

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts it does not have, in plain words."""
        return tuple(words for part, words in _WORDS.items() if part not in self.parts)


_WORDS: dict[Part, str] = {
    "purpose": "what it is for",
    "exclusions": "what it is not for",
    "model": "a model that the code asks",
    "data": "the data",
    "results": "measured results",
    "limits": "its limits",
    "alternatives": "what it was compared with",
    "owner": "who owns it",
    "review": "when it was last reviewed",
    "changes": "how it is changed and rolled back",
}


def find_model_cards(core: Core, as_of: date | None) -> tuple[ModelCard, ...]:
    """Every card of the repository's own model or system, the fullest first."""
    reader = _Reader(core, as_of)
    found = [reader.card(document) for path, document in core.observations.markdown.items() if reader.is_card(path)]
    if not found:
        found = [card for card in (reader.chapter(d) for d in core.observations.markdown.values()) if card is not None]
    return tuple(sorted(found, key=lambda card: (-len(card.parts), card.place)))


class _Reader:
    """Reads cards, knowing which models the code asks."""

    def __init__(self, core: Core, as_of: date | None) -> None:
        self._core, self._as_of = core, as_of
        self._files = known_paths(core.observations)
        self._models: frozenset[str] | None = None

    def is_card(self, path: str) -> bool:
        """Whether a document is called a card, and is not one that came with somebody else's weights."""
        if not _CARD.search(path) or self._core.observations.files[path].role in FOREIGN:
            return False
        keys = {key for key, _ in front_matter(self._core.observations.sources.get(path, ""))}
        return not keys & _HUB_KEYS or _HOME.match(path) is not None

    def card(self, document: Markdown) -> ModelCard:
        """A whole document as a card."""
        text = self._core.observations.sources.get(document.path, "")
        found = list(sections(document, text))
        return self._card(document, text, found, [*labels(document, text)], Place(document.path, 1, 1))

    def chapter(self, document: Markdown) -> ModelCard | None:
        """The part of a README that is headed "Model card"."""
        if not document.path.lower().rpartition("/")[2].startswith("readme"):
            return None
        if self._core.observations.files[document.path].role is not Role.SERVING:
            return None
        heading = next((h for h in document.headings if _CARD_TITLE.search(h.text)), None)
        if heading is None:
            return None
        text = self._core.observations.sources.get(document.path, "")
        place = Place(document.path, heading.line, heading.section_end)
        inside = [w for w in sections(document, text) if place.line < w.place.line <= place.end_line]
        within = [w for w in labels(document, text) if place.line < w.place.line <= place.end_line]
        body = "\n".join(text.split("\n")[place.line - 1 : place.end_line])
        return self._card(document, body, inside, within, place)

    def _card(
        self, document: Markdown, text: str, found: list[Written], said: list[Written], place: Place
    ) -> ModelCard:
        parts: dict[Part, None] = dict.fromkeys(self._said(document, text, found, said))
        if self._names_a_model(text):
            parts["model"] = None
        if any(_OWNER.match(w.title) and not names_nobody(w.text) for w in (*said, *found)):
            parts["owner"] = None
        looked_at = max(self._dates(document.path, found, said), default=None)
        stale = looked_at is not None and self._as_of is not None and self._as_of - looked_at > FRESH
        if looked_at is not None and not stale:
            parts["review"] = None
        return ModelCard(place, f"{len(parts)} of 10 parts", tuple(p for p in _WORDS if p in parts), stale)

    def _said(self, document: Markdown, text: str, found: list[Written], said: list[Written]) -> Iterator[Part]:
        for written, least in (*((w, _FEW) for w in found if w.place.line > 1), *((w, 2) for w in said)):
            for part, title in _HEADINGS:
                if title.search(written.title) and written.says(least):
                    if part != "results" or self._has_results(document, written):
                        yield part
                    if part == "exclusions":
                        break  # "What it is not for" is not "what it is for"

    def _has_results(self, document: Markdown, written: Written) -> bool:
        """Numbers, or the file of this repository that holds them."""
        if _NUMBER.search(written.text):
            return True
        return any(
            path.endswith((".json", ".csv", ".yaml", ".yml")) or path in self._core.observations.records
            for path, _ in references(written.text, document.path, self._files)
        )

    def _names_a_model(self, text: str) -> bool:
        if self._models is None:
            self._models = frozenset(self._asked())
        return any(re.search(rf"(?<![\w.-]){name}(?![\w-]|\.\w)", text, re.I) for name in self._models)

    def _asked(self) -> Iterator[str]:
        """Expressions for the models that the code asks and the files of models it loads."""
        for call in self._core.calls:
            if call.role in (Role.SERVING, Role.SCRIPT):
                for name in (call.model.id, *call.model.options):
                    if name and len(name) > 3:
                        yield re.escape(name)
                        provider, _, tail = name.rpartition(":")
                        if provider:  # what stands before the colon may differ between the card and the SDK
                            yield ("" if _PROPER.search(tail) else r"[\w-]{2,30}:") + re.escape(tail)
        yield from (re.escape(name) for name in self._configured())
        for path in self._core.repository.others:
            if path.endswith((".joblib", ".pkl", ".onnx", ".pt", ".pth", ".h5", ".keras", ".safetensors", ".gguf")):
                yield re.escape(path.rpartition("/")[2])

    def _configured(self) -> Iterator[str]:
        """The models that settings files choose, where the code asks one that the repository implements itself."""
        if not any(call.model.own and call.role is Role.SERVING for call in self._core.calls):
            return
        for path, documents in self._core.observations.documents.items():
            if self._core.observations.files[path].role is Role.SERVING and path.endswith((".toml", ".yaml", ".yml")):
                for document in documents:
                    name = document.text("model") or document.text("model_name")
                    if name and _CHOSEN.fullmatch(name):
                        yield name

    def _dates(self, path: str, found: Iterable[Written], said: Iterable[Written]) -> Iterator[date]:
        for written in (*said, *found):
            if _REVIEW.search(written.title):
                yield from _dates_in(written.text[:400])
        yield from self._registered(path)

    def _registered(self, path: str) -> Iterator[date]:
        """Dates of a register of reviews: an entry that names the card, with its own date or that of the register."""
        for where, documents in self._core.observations.documents.items():
            if not re.search(r"review|register|governance", where, re.I):
                continue
            for document in documents:
                made = " ".join(str(document.text(key) or "") for key in ("made_on", "created_on", "date"))
                for _, entry in document.walk():
                    if path in (entry.text("subject"), entry.text("path"), entry.text("file"), entry.text("document")):
                        written = " ".join(str(value.value) for key, value in entry.items())
                        yield from _dates_in(written) or _dates_in(made)


def _dates_in(text: str) -> list[date]:
    found = []
    for year, month, day in _DATE.findall(text):
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found
