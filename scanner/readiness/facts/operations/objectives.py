"""What the service promises in numbers: targets of health, of quality and of value.

check `service-objectives-defined`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract.data import Located
from readiness.extract.markdown import Markdown
from readiness.facts.core import Core
from readiness.facts.operations.alerts import AlertRule, plain
from readiness.facts.operations.monitoring_knowledge import MonitoringKnowledge
from readiness.facts.place import Place
from readiness.repository.tree import Role

_UNREAD = frozenset({Role.VENDORED, Role.ARCHIVED, Role.TEST})
_TABLES = frozenset(
    {"objectives", "objective", "slo", "slos", "service_level_objectives", "service_objectives", "kpi", "kpis", "sli",
     "slis", "targets", "service_levels"}
)  # fmt: skip
_ABOUT = re.compile(
    r"\b(?:slos?|slis?|service[- ]levels?|objectives?|kpis?|success (?:metrics|criteria)|targets?|error budget)\b", re.I
)
_FILE = re.compile(r"(?:^|[/_-])(?:slos?|objectives?|kpis?|service[-_]levels?|success[-_]metrics)(?:[/_.-]|$)", re.I)
_OTHERS = re.compile(r"vendor|third[- ]party|provider|supplier|upstream|learning|training objective|course", re.I)
_NUMBER = re.compile(
    r"(?:[<>≤≥=]\s*)?[$€£]?\d+(?:[.,]\d+)?\s*(?:%|percent|ms\b|milliseconds?|s\b|secs?\b|seconds?|minutes?|min\b|hours?"
    r"|[$€£]|eur\b|usd\b|cents?\b|points?\b|/\s?5|out of)|[<>≤≥]\s*[$€£]?\d|[$€£]\s?\d|\b0?\.\d+\b",
    re.I,
)
_WORD = re.compile(r"[a-z]+\d*|p\d+")
_TOKEN = re.compile(r"`([A-Za-z_][\w:.]{3,100})`")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOTHING = re.compile(r"\b(?:tbd|todo|xx+|n/a)\b|<[a-z _-]+>", re.I)
_MAX_LINE = 600


@dataclass(frozen=True, slots=True)
class Objective:
    """One target with a number. `domain`: technical, operational or value. `linked`: code or an alert reads it."""

    place: Place
    text: str
    domain: str
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Objectives:
    """Everything the repository promises in numbers."""

    found: tuple[Objective, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that have a target, technical ones first."""
        return tuple(d for d in ("technical", "operational", "value") if any(o.domain == d for o in self.found))

    @property
    def linked(self) -> bool:
        """Whether anything reads a target."""
        return any(o.linked for o in self.found)

    @property
    def whole(self) -> tuple[Objective, ...]:
        """All targets, where each domain has one and something reads at least one."""
        return self.found if len(self.domains) == 3 and self.linked else ()

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        titles = {"technical": "health", "operational": "quality or use", "value": "cost or value"}
        missing = [title for domain, title in titles.items() if domain not in self.domains]
        if missing:
            return f"no target of {' and none of '.join(missing)} is written down"
        return "no code and no alert reads any of the targets: nobody sees when one is missed"


def find_objectives(
    core: Core, known: MonitoringKnowledge, metrics: Iterable[str], alerts: Iterable[AlertRule]
) -> Objectives:
    """The targets of a repository; `metrics` are the names of the metrics of its code."""
    finder = _Finder(core, known, frozenset(plain(m) for m in metrics), " ".join(a.expression for a in alerts))
    found = dict.fromkeys((*finder.tables(), *finder.specifications(), *finder.documents()))
    return Objectives(tuple(sorted(found, key=lambda o: (not o.linked, o.place))))


class _Finder:
    def __init__(self, core: Core, known: MonitoringKnowledge, metrics: frozenset[str], watched: str) -> None:
        self._core, self._known, self._metrics, self._watched = core, known, metrics, watched
        self._files = core.observations.files

    def tables(self) -> Iterator[Objective]:
        """Tables of settings that are named for objectives: `[objectives] latency_ms = 4000`."""
        for path, documents in self._core.observations.documents.items():
            if self._files[path].role in _UNREAD or path.endswith((".lock", "package-lock.json", ".ipynb")):
                continue
            text = self._core.observations.sources.get(path, "").lower()
            if not any(name in text for name in ("objective", "slo", "kpi", "sli", "target", "service_level")):
                continue
            for document in documents:
                for name, table in document.find(*_TABLES, *(t.upper() for t in _TABLES)):
                    if isinstance(table.value, dict):
                        yield from self._of_table(path, name, table)

    def _of_table(self, path: str, name: str, table: Located) -> Iterator[Objective]:
        for key, entry in table.items():
            given = (
                entry.value if not isinstance(entry.value, dict) else next((v.value for _, v in entry.items()), None)
            )
            domain = self._domain(key)
            is_number = isinstance(given, int | float) and not isinstance(given, bool)
            if domain and (is_number or (isinstance(given, str) and _NUMBER.search(given[:_MAX_LINE]))):
                place = Place(path, entry.line, entry.end_line)
                yield Objective(place, f"{name}.{key} = {given}", domain, self._is_read(key))

    def specifications(self) -> Iterator[Objective]:
        """Targets in the languages of OpenSLO, Sloth, Pyrra and their like."""
        for path, documents in self._core.observations.documents.items():
            if self._files[path].role in _UNREAD:
                continue
            for document in documents:
                kind = document.text("kind") or ""
                single = [document] if kind in ("SLO", "ServiceLevelObjective") else []
                for one in (*single, *document.elements("slos"), *document.elements("spec", "slos")):
                    yield from self._specified(path, one)

    def _specified(self, path: str, one: Located) -> Iterator[Objective]:
        numbers = [v for k, v in one.find("objective", "target", "targetPercent", "goal") if _is_number(v)]
        name = one.text("metadata", "name") or one.text("name") or "objective"
        described = " ".join(str(v.value) for k, v in one.walk() if isinstance(v.value, str))
        if numbers:
            domain = self._domain(name) or self._domain(described) or "technical"
            linked = bool(self._metrics & {plain(m) for m in re.findall(r"[A-Za-z_][\w:]{3,100}", described[:4_000])})
            yield Objective(Place(path, numbers[0].line, numbers[0].end_line), name, domain, linked)

    def documents(self) -> Iterator[Objective]:
        """Lines and rows of documents about objectives that hold a number."""
        for path, markdown in self._core.observations.markdown.items():
            if self._files[path].role in _UNREAD:
                continue
            lines = self._core.observations.sources.get(path, "").split("\n")
            for start, end in _sections(path, markdown):
                for number in range(start, min(end, len(lines)) + 1):
                    line = lines[number - 1][:_MAX_LINE]
                    domain = self._domain(line) if _NUMBER.search(line) and not _NOTHING.search(line) else ""
                    if domain and line.lstrip()[:1] in (
                        "|",
                        "-",
                        "*",
                        "+",
                        "1",
                        "2",
                        "3",
                        "4",
                        "5",
                        "6",
                        "7",
                        "8",
                        "9",
                    ):
                        text = line.strip("|-*+ ")[:80]
                        yield Objective(Place(path, number, number), text, domain, self._names_metric(line))

    def _domain(self, text: str) -> str:
        """The domain of a text by its words: a target of cost is one of value even where it is one of latency too."""
        words = set(_WORD.findall(_CAMEL.sub(" ", text).lower().replace("_", " ")))
        for domain in ("value", "operational", "technical"):
            if words & self._known.domains[domain]:
                return domain
        return ""

    def _names_metric(self, line: str) -> bool:
        names = [plain(name) for name in _TOKEN.findall(line)]
        return any(name in self._metrics or name in self._watched for name in names)

    def _is_read(self, key: str) -> bool:
        """Whether code reads a setting of this name."""
        pattern = re.compile(rf"\.{re.escape(key)}\b|[\"']{re.escape(key)}[\"']")
        return any(key in text and pattern.search(text) is not None for text in self._code)

    @cached_property
    def _code(self) -> list[str]:
        sources, modules = self._core.observations.sources, self._core.program.modules
        return [sources.get(m.path, "") for m in modules.values() if m.role in (Role.SERVING, Role.SCRIPT)]


def _sections(path: str, markdown: Markdown) -> Iterator[tuple[int, int]]:
    """The lines of a document that are about objectives: all of it, or the sections under such headings."""
    if _FILE.search(path) and not _OTHERS.search(path):
        yield 1, markdown.lines
        return
    done = 0
    for heading in markdown.headings:
        if heading.line > done and _ABOUT.search(heading.text[:200]) and not _OTHERS.search(heading.text[:200]):
            yield heading.line + 1, heading.section_end
            done = heading.section_end


def _is_number(value: Located) -> bool:
    given = value.value
    if isinstance(given, str):
        return re.fullmatch(r"\d+(?:\.\d+)?%?", given) is not None
    return isinstance(given, int | float) and not isinstance(given, bool)
