"""What on-call people can read when the model fails: scenarios with steps. check `runbook-covers-llm-failures`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract.markdown import Markdown
from readiness.facts.core import Core
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.operations.alerts import plain
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_FAMILIES = (
    ("provider", re.compile(
        r"provider|\b429\b|rate[- ]?limit|quota|outage|unavailable|(?:model|llm) (?:is )?(?:failing|fails|down|errors?)"
        r"|(?:api|llm|model)[- ](?:errors?|failures?)|circuit|breaker|openai|anthropic|bedrock"
        r"|inference (?:server|endpoint)", re.I)),
    ("latency", re.compile(r"latenc|slow|time-?outs?|timing out|queue|ttft|hang", re.I)),
    ("quality", re.compile(
        r"qualit|wrong|harmful|hallucinat|bad (?:answers?|predictions?|outputs?)|toxic|unsafe|feedback|accuracy"
        r"|guardrail|injection|jailbreak|(?:in)?correct|drift", re.I)),
    ("cost", re.compile(r"\bcosts?\b|budget|spend|spike|tokens?|billing|bill\b", re.I)),
    ("rollback", re.compile(
        r"roll(?:ing)?[- ]?back|revert|(?:prompt|model|artefact|artifact) (?:version|release|change|regress)"
        r"|previous (?:model|prompt|version)", re.I)),
    ("data", re.compile(r"\bindex\b|\bdata\b|ingest|vector|retrieval|documents?|knowledge base|embedding", re.I)),
)  # fmt: skip
_FILE = re.compile(
    r"(?:^|/)(?:[^/]*(?:runbooks?|playbooks?|on-?call|incident[-_]?response|operations[-_]manual|disaster[-_]recovery)[^/]*"
    r"|(?:docs?/)?ops|operations)(?:/|\.md$|$)",
    re.I,
)
_HEADING = re.compile(
    r"\b(?:run-?books?|playbooks?|on-?call|incident response|operating the service"
    r"|when (?:things|something) (?:go|goes) wrong)\b",
    re.I,
)
_ASSISTANT = re.compile(
    r"(?:^|/)(?:agents|claude|gemini|copilot-instructions|skills?|\.claude|\.cursor"
    r"|\.github/(?:agents|prompts|instructions)|maintenance)(?:/|\.md$)",
    re.I,
)
"""Instructions for coding assistants and maintainers: data, not runbooks."""
_OTHER = re.compile(
    r"(?:^|/)[^/]*(?:data|datasets?|fixtures?|corpus)/|(?:^|/)[^/]*(?:dependenc|release|contribut|upgrade|migrat)[^/]*\.md$",
    re.I,
)
"""Documents that are data of the application, and the chores of those who maintain the repository."""
_STEP = re.compile(r"^\s{0,6}(?:\d+[.)]|[-*+])\s+\S")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_INLINE = re.compile(r"`([^`\n]{2,200})`")
_ACT = re.compile(r"https?://|`[^`\n]{0,200}[ /=][^`\n]{0,200}`")
_CONTACT = re.compile(r"escalat|contact|on-?call|whom? to call|page\b|pager|notify", re.I)
_PERSON = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}|(?<!\w)@[\w-]{2,40}|(?<!\w)#[a-z][\w-]{2,40}"
    r"|\+\d[\d ()-]{6,20}|\]\([^)]{1,300}\)"
    r"|\b[\w-]{2,30} (?:owner|lead|engineer|team|manager|steward|officer)\b",
    re.I,
)
_TOKEN = re.compile(r"[A-Za-z_/][\w./:-]{3,120}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAX_LINE = 1_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """A failure that a runbook treats, and what to do about it.

    `steps`: at least two, or a block of commands. `commands`: something to run or open. `identifiers` are names in it
    that the repository has: a metric, a variable, a command, a file.
    """

    place: Place
    text: str
    family: str
    steps: bool
    commands: bool
    identifiers: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether somebody could act on it."""
        return self.steps and self.commands


@dataclass(frozen=True, slots=True)
class Runbooks:
    """All runbooks of a repository. `files` are those that look like one; `contacts` where they say whom to call."""

    files: tuple[Evidence, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    contacts: tuple[Evidence, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        """The families of failures that have steps and commands."""
        return tuple(name for name, _ in _FAMILIES if any(s.family == name and s.complete for s in self.scenarios))

    @property
    def whole(self) -> tuple[Scenario, ...]:
        """The scenarios, where they cover three families, fit this repository and say whom to call."""
        done = tuple(s for s in self.scenarios if s.complete)
        fits = any(s.identifiers for s in done) and bool(self.contacts)
        return done if len(self.families) >= 3 and fits else ()

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        if not self.scenarios:
            return (
                "treats no failure of a model: no outage of its provider, no slow, wrong or costly answers, no rollback"
            )
        if len(self.families) < 3:
            listed = ", ".join(self.families) or "none of them with steps and commands"
            return f"covers {len(self.families)} of the families of model failures ({listed}), not three"
        if not any(s.identifiers for s in self.scenarios if s.complete):
            return "names no metric, setting, command or file that this repository has"
        return "does not say whom to call when the steps do not help"


def _says_what_to_do(markdown: Markdown, lines: list[str], start: int, end: int) -> bool:
    """Whether a part has steps or commands: a title without them is an intention."""
    if any(start <= fence.line <= end for fence in markdown.fences):
        return True
    return sum(1 for line in lines[start - 1 : end] if _STEP.match(line[:_MAX_LINE])) >= 2


def find_runbooks(core: Core, metrics: frozenset[str]) -> Runbooks:
    """The runbooks of a repository; `metrics` are the names of the metrics of its code."""
    return _Finder(core, frozenset(plain(m) for m in metrics)).find()


class _Finder:
    def __init__(self, core: Core, metrics: frozenset[str]) -> None:
        self._core, self._metrics = core, metrics

    def find(self) -> Runbooks:
        files: list[Evidence] = []
        scenarios: list[Scenario] = []
        contacts: list[Evidence] = []
        for path, markdown in self._core.observations.markdown.items():
            role = self._core.observations.files[path].role
            if role in (Role.VENDORED, Role.ARCHIVED, Role.TEST) or _ASSISTANT.search(path) or _OTHER.search(path):
                continue
            lines = self._core.observations.sources.get(path, "").split("\n")
            for start, end in _parts(path, markdown):
                if _says_what_to_do(markdown, lines, start, end):
                    files.append(Evidence(Place(path, start, end), path))
                scenarios.extend(self._scenarios(path, markdown, lines, start, end))
                contacts.extend(_contacts(path, markdown, lines, start, end))
        return Runbooks(tuple(files), tuple(scenarios), tuple(contacts))

    def _scenarios(self, path: str, markdown: Markdown, lines: list[str], start: int, end: int) -> Iterator[Scenario]:
        """The sections whose heading names a failure; one inside another is part of it."""
        done = 0
        for heading in markdown.headings:
            title = _CAMEL.sub(" ", heading.text[:200])
            family = next((name for name, words in _FAMILIES if words.search(title)), "")
            if not family or not start <= heading.line <= end or heading.line <= done:
                continue
            last = min(heading.section_end, end)
            inner = [h for h in markdown.headings if heading.line < h.line <= last and _family(h.text)]
            if len({_family(h.text) for h in inner}) > 1:
                continue  # a title above several scenarios
            done = last
            body = [line[:_MAX_LINE] for line in lines[heading.line : last]]
            fences = [f for f in markdown.fences if heading.line <= f.line <= last]
            text = "\n".join(body)
            steps = sum(1 for line in body if _STEP.match(line) or (_ROW.match(line) and "`" in line)) >= 2
            commands = bool(fences) or _ACT.search(text) is not None
            written = " ".join([*_INLINE.findall(text), *(f.text[:4_000] for f in fences)])
            known = tuple(dict.fromkeys(t for t in _TOKEN.findall(written) if self._is_known(t)))[:8]
            yield Scenario(
                Place(path, heading.line, last), heading.text, family, steps or bool(fences), commands, known
            )

    def _is_known(self, token: str) -> bool:
        """Whether the repository has something of this name."""
        name = token.strip("./:")
        if not re.search(r"[_/.:-]", name):
            return False
        return name in self._names or plain(name) in self._metrics or name.upper() in self._variables

    @cached_property
    def _names(self) -> frozenset[str]:
        """Files, services and commands of the repository."""
        observations, deployment = self._core.observations, self._core.deployment
        found = {path for path in observations.files if "/" in path or "." in path}
        found.update(service.name for service in deployment.compose if len(service.name) > 3)
        found.update(e.route.strip("/") for e in self._core.entry_points if len(e.route.strip("/")) > 3)
        for path, documents in observations.documents.items():
            if path.rpartition("/")[2] == "pyproject.toml" and documents:
                found.update(name for name, _ in documents[0].items("project", "scripts"))
                found.update(name for name, _ in documents[0].items("tool", "poetry", "scripts"))
        return frozenset(found)

    @cached_property
    def _variables(self) -> frozenset[str]:
        """Variables that sample environments name."""
        entries = (e.key for entries in self._core.observations.dotenv.values() for e in entries)
        return frozenset(key.upper() for key in entries if "_" in key)


def _family(title: str) -> str:
    return next((name for name, words in _FAMILIES if words.search(_CAMEL.sub(" ", title[:200]))), "")


def _parts(path: str, markdown: Markdown) -> Iterator[tuple[int, int]]:
    """The lines of a document that are a runbook: all of it, or the sections under a heading that says so."""
    if _FILE.search(path):
        yield 1, markdown.lines
        return
    done = 0
    for heading in markdown.headings:
        if heading.line > done and _HEADING.search(heading.text[:200]):
            yield heading.line, heading.section_end
            done = heading.section_end


def _contacts(path: str, markdown: Markdown, lines: list[str], start: int, end: int) -> Iterator[Evidence]:
    """Where a runbook says whom to call: a section or a line about it that names somebody."""
    for heading in markdown.headings:
        if start <= heading.line <= end and _CONTACT.search(heading.text[:200]):
            body = " ".join(line[:_MAX_LINE] for line in lines[heading.line : heading.section_end][:40])
            named = _PERSON.search(body)
            if named is not None and not names_nobody(named[0]):
                yield Evidence(Place(path, heading.line, heading.section_end), heading.text)
                return
    for number in range(start, min(end, len(lines)) + 1):
        line = lines[number - 1][:_MAX_LINE]
        about = _CONTACT.search(line)
        named = _PERSON.search(line) if about is not None else None
        if named is not None and not names_nobody(named[0]):
            yield Evidence(Place(path, number, number), line.strip()[:60])
            return
