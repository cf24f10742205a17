"""Risk assessments: the risks written down, who owns them, what stands against them, and the promises around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.markdown import Markdown, Table
from readiness.facts.core import Core
from readiness.facts.governance.paperwork import FOREIGN, known_paths, references, sections
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.place import Evidence, Place

_RECORD = re.compile(
    r"(?:^|[/_.-])(?:risks?(?:[-_ ](?:assessment|register|analysis|log|record)s?)?|threat[-_ ]?model\w*|dpia|aiia|fria"
    r"|ai[-_]?act|impact[-_ ]?assessment|compliance|privacy|data[-_ ]?protection)"
    r"(?:[-_.][\w.-]*)?\.(?:md|markdown|ya?ml)$",
    re.I,
)
_AROUND = re.compile(r"(?:^|/)(?:governance|compliance|risk|risks|privacy|legal)/[^/]+\.(?:md|markdown|ya?ml)$", re.I)
_AI = re.compile(
    r"\b(?:a\.?i\.?|llms?|gpai|models?|prompts?|injection|hallucinat\w*|confabulat\w*|bias\w*|generat\w+|answers?"
    r"|training|drift\w*|providers?|embeddings?|chatbots?|assistants?|predict\w*|agents?|retriev\w*|jailbreak\w*)\b",
    re.I,
)
_RISK = re.compile(r"risk|threat|hazard|what can go wrong|failure|scenario|^id$|description", re.I)
_MITIGATION = re.compile(r"mitigat|control|measure|treatment|safeguard|counter|response|what we do|prevention", re.I)
_OWNER = re.compile(r"owner|responsible|accountable|^who$|assignee", re.I)
_CLASS_KEY = re.compile(
    r"^(?:ai[-_ ]?act[-_ ]?)?(?:risk[-_ ]?(?:tier|class|category)|regulatory[-_ ]?class\w*|ai[-_ ]?act)$", re.I
)
_LAW = r"(?:AI Act|\bregulat\w+|annex III|article 6|article 50|\btier\b)"
_TIER = r"\b(?:high|limited|minimal|unacceptable)[- ]?risk\b"
_CLASS = re.compile(
    rf"{_LAW}[^\n]{{0,160}}?{_TIER}|{_TIER}[^\n]{{0,160}}?{_LAW}|\bnot (?:a )?high[- ]risk\b[^\n]{{0,40}}\bbecause\b",
    re.I,
)
_KEPT = r"(?:retention|retain\w*|kept|keep|stored?|deleted?|purged?|erased?)"
_SPAN = r"\d+\s*(?:hours?|days?|weeks?|months?|years?)"
_RETENTION = re.compile(
    rf"\b{_KEPT}\b[^\n]{{0,120}}?\b{_SPAN}\b|\b{_SPAN}\b[^\n]{{0,60}}?\b{_KEPT}\b|\bretention[\w-]{{0,10}}\s*:\s*\d+",
    re.I,
)
_PROVIDER = (
    r"\b(?:providers?|vendors?|openai|anthropic|azure|google|mistral|cohere|aws|bedrock|(?:sub-?)?processors?)\b"
)
_TERMS = re.compile(
    rf"(?:{_PROVIDER}[^.]{{0,120}}?\b(?:terms|agreement|policy|contract)\b"
    rf"|\b(?:terms|agreement|policy|contract)\b[^.]{{0,60}}?{_PROVIDER})[^.]{{0,120}}?\b(?:keep\w*|kept|retain\w*|train\w*|stor\w+|data)\b"
    rf"|{_PROVIDER}[^.]{{0,120}}?\b(?:data processing|dpa|zero[- ](?:data[- ])?retention|train\w* on|retains?"
    r"|(?:not|never)\b[^.]{0,30}?\btrain\w*)\b",
    re.I,
)
_FEW = 3
MAX_ENTRIES = 500
MAX_TEXT = 60_000


@dataclass(frozen=True, slots=True)
class RiskEntry:
    """One risk: what is said of it, and whether somebody owns it and something stands against it."""

    place: Place
    text: str
    about_ai: bool
    owned: bool
    mitigated: bool

    @property
    def whole(self) -> bool:
        """Whether it says what is done, and by whom."""
        return self.owned and self.mitigated


@dataclass(frozen=True, slots=True)
class RiskRecord:
    """What the repository writes down about its risks.

    `classified` says in which class of the law it sees itself, `retention` how long data is kept, `terms` what the
    provider of the model may do with it, `controls` where a file of the repository is named as a control.
    """

    entries: tuple[RiskEntry, ...] = ()
    documents: tuple[Evidence, ...] = ()
    classified: tuple[Evidence, ...] = ()
    retention: tuple[Evidence, ...] = ()
    terms: tuple[Evidence, ...] = ()
    controls: tuple[Evidence, ...] = ()

    @property
    def ai_entries(self) -> tuple[RiskEntry, ...]:
        """The risks that come with the model."""
        return tuple(entry for entry in self.entries if entry.about_ai)

    @property
    def whole_entries(self) -> tuple[RiskEntry, ...]:
        """The entries with an owner and a mitigation."""
        return tuple(entry for entry in self.entries if entry.whole)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a record must say and this one does not, in plain words."""
        found = (
            (len(self.whole_entries) >= _FEW, "three risks, each with an owner and what is done about it"),
            (bool(self.classified), "the regulatory class"),
            (bool(self.retention), "how long data is kept"),
            (bool(self.terms), "what the provider of the model may do with the data"),
            (bool(self.controls), "a file of this repository in which a control is found"),
        )
        return tuple(words for there, words in found if not there)


def find_risk_record(core: Core) -> RiskRecord:
    """Read the documents about risks, and those that lie beside them."""
    observations = core.observations
    named = [p for p in observations.files if _RECORD.search(p) and observations.files[p].role not in FOREIGN]
    entries: list[RiskEntry] = []
    for path in named:
        if path in observations.markdown:
            entries.extend(_of_markdown(observations.markdown[path], observations.sources.get(path, "")))
        for document in observations.documents.get(path, ()):
            entries.extend(_of_document(path, document))
    entries = list(dict.fromkeys(entries))[:MAX_ENTRIES]
    if not any(entry.about_ai for entry in entries):
        return RiskRecord(tuple(entries), tuple(Evidence(Place(p, 1, 1), "a document") for p in named))
    folders = {e.place.path.rpartition("/")[0] for e in entries} - {""}
    beside = [
        path
        for path, file in observations.files.items()
        if file.role not in FOREIGN and path.endswith((".md", ".markdown", ".yaml", ".yml"))
        if _AROUND.search(path) or path.rpartition("/")[0] in folders
    ]
    return _with_promises(core, entries, list(dict.fromkeys([*named, *beside])))


def _with_promises(core: Core, entries: list[RiskEntry], paths: list[str]) -> RiskRecord:
    observations = core.observations
    files = known_paths(observations)
    classified: list[Evidence] = []
    retention: list[Evidence] = []
    terms: list[Evidence] = []
    controls: list[Evidence] = []
    for path in paths:
        text = observations.sources.get(path, "")[:MAX_TEXT]
        flat = re.sub(r"(?<!\n)\n(?!\n|[-*|#>])", " ", text)  # a sentence may go on in the next line
        classified.extend(_said(_CLASS, flat, text, path, "the class is named"))
        classified.extend(_keyed(text, path))
        retention.extend(_said(_RETENTION, flat, text, path, "how long data is kept"))
        terms.extend(_said(_TERMS, flat, text, path, "the provider's terms"))
        if any(entry.place.path == path for entry in entries):
            controls.extend(_controls(core, path, text, files))
    return RiskRecord(
        tuple(entries), (), tuple(classified), tuple(retention), tuple(terms), tuple(dict.fromkeys(controls))
    )


def _said(pattern: re.Pattern[str], flat: str, text: str, path: str, what: str) -> Iterator[Evidence]:
    match = pattern.search(flat)
    if match is not None:
        line = text.count("\n", 0, match.start()) + 1  # joining lines keeps every character's position
        yield Evidence(Place(path, line, line), what)


def _keyed(text: str, path: str) -> Iterator[Evidence]:
    """`risk_tier: limited`, in a front matter, a YAML file or a line of its own."""
    for number, line in enumerate(text.split("\n"), 1):
        key, colon, value = line.strip("-*_ ").partition(":")
        if colon and value.strip(" *_\"'") and _CLASS_KEY.match(key.strip(" *_")) and len(line) < 300:
            yield Evidence(Place(path, number, number), line.strip())


def _controls(core: Core, path: str, text: str, files: frozenset[str]) -> Iterator[Evidence]:
    for target, line in references(text, path, files):
        if target != path:
            yield Evidence(Place(path, line, line), target)
    for document in core.observations.documents.get(path, ()):
        for _, located in document.walk():
            written = located.value if isinstance(located.value, str) else ""
            target = written.partition("::")[0].strip()
            if "/" in target and target in files and core.observations.files.get(target) is not None:
                yield Evidence(Place(path, located.line, located.end_line), target)


# --- entries ---------------------------------------------------------------------------------------------------------


def _of_document(path: str, document: Located) -> Iterator[RiskEntry]:
    for _, found in document.walk():
        for entry in found.elements():
            fields = [(str(key), value) for key, value in entry.walk() if isinstance(key, str)]
            names = [name for name, _ in entry.items()]
            said = [n for n in names if _RISK.search(n)]
            if not said or not any(_MITIGATION.search(n) or _OWNER.search(n) or "impact" in n for n, _ in fields):
                continue
            text = " ".join(str(v.value) for n, v in fields if isinstance(v.value, str) and not _OWNER.search(n))
            owned = any(_OWNER.search(n) and isinstance(v.value, str) and not names_nobody(v.value) for n, v in fields)
            mitigated = any(_MITIGATION.search(n) and _has_text(v) for n, v in fields)
            place = Place(path, entry.line, entry.end_line)
            shown = next((str(entry.text(n)) for n in said if entry.text(n)), "a risk")
            yield RiskEntry(place, shown[:80], _AI.search(text) is not None, owned, mitigated)


def _has_text(located: Located) -> bool:
    if isinstance(located.value, str):
        return len(located.value.strip()) > 3 and not names_nobody(located.value)
    return bool(located.value) and not isinstance(located.value, bool)


def _of_markdown(document: Markdown, text: str) -> Iterator[RiskEntry]:
    for table in document.tables:
        yield from _of_table(document.path, table)
    for section in sections(document, text):
        lines = section.text.split("\n")
        labelled = {_label(line): line.partition(":")[2] for line in lines if ":" in line[:60]}
        owned = any(_OWNER.search(k) and not names_nobody(v.strip(" *_")) for k, v in labelled.items())
        mitigated = any(_MITIGATION.search(k) and len(v.split()) > 1 for k, v in labelled.items())
        if (owned or mitigated) and len(lines) < 60:
            about = _AI.search(f"{section.title} {section.text}") is not None
            yield RiskEntry(section.place, section.title[:80], about, owned, mitigated)


def _label(line: str) -> str:
    return line.partition(":")[0].strip(" -*_>|#")


def _of_table(path: str, table: Table) -> Iterator[RiskEntry]:
    header = [cell.strip("*_` ") for cell in table.header]
    risk = next((i for i, cell in enumerate(header) if _RISK.search(cell)), None)
    mitigation = [i for i, cell in enumerate(header) if _MITIGATION.search(cell)]
    owner = [i for i, cell in enumerate(header) if _OWNER.search(cell)]
    if risk is None or not (mitigation or owner):
        return
    for row, cells in enumerate(table.rows):
        if len(cells) > risk and cells[risk].strip():
            line = table.line + 2 + row
            owned = any(i < len(cells) and not names_nobody(cells[i]) for i in owner)
            mitigated = any(i < len(cells) and len(cells[i].split()) > 1 for i in mitigation)
            about = _AI.search(" ".join(cells)) is not None
            yield RiskEntry(Place(path, line, line), cells[risk][:80], about, owned, mitigated)
