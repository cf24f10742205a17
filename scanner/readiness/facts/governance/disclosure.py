"""Where people are told that an AI answers: pages, greetings, answers, the description of the API, the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.repository.tree import Role

Surface = Literal["page", "answer", "readme"]

_COMMENTS = re.compile(r"<!--.*?-->|\{#.*?#\}|/\*.*?\*/|^\s*//[^\n]*", re.S | re.M)
_CODE = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>", re.S | re.I)
_UNSEEN = re.compile(
    r"\b(?:class|className|id|href|src|import|from|data-[\w-]+)\s*=?\s*[{(]?\s*([\"'`])[^\"'`\n]{0,300}\1"
)
MAX_TEXT = 300_000
MAX_HOPS = 2
"""Names that pass a text on."""

_SENTENCE = 3
"""Words that make a text more than a name."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One text that says it: on a page, in an answer (or in what describes it), or only in the README."""

    place: Place
    text: str
    surface: Surface


@dataclass(frozen=True, slots=True)
class _Knowledge:
    stems: tuple[str, ...]
    statements: re.Pattern[str]
    phrases: re.Pattern[str]
    """Statements and mentions."""
    fields: frozenset[str]
    surfaces: frozenset[str]
    sending: frozenset[str]
    describing: frozenset[str]
    applications: frozenset[str]
    prompting: re.Pattern[str]
    silent: frozenset[str]
    files: re.Pattern[str]

    def find(self, text: str) -> re.Match[str] | None:
        """The first phrase of a text."""
        lower = re.sub(r"\s+", " ", text[:MAX_TEXT].lower())
        return self.phrases.search(text[:MAX_TEXT]) if any(stem in lower for stem in self.stems) else None


@cache
def _knowledge() -> _Knowledge:
    path = knowledge_folder() / "disclosure.yaml"
    try:
        data = read_yaml(path)
        sets = {
            n: frozenset(data[n]) for n in ("fields", "surfaces", "sending", "describing", "applications", "silent")
        }
        return _Knowledge(
            stems=tuple(data["stems"]),
            statements=_either(data["statements"]),
            phrases=_either([*data["statements"], *data["mentions"]]),
            prompting=re.compile(data["prompting"], re.I),
            files=re.compile(data["files"], re.I),
            **sets,
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "the file", f"{type(error).__name__}: {error}") from error


def _either(phrases: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.I)


def find_disclosures(core: Core) -> tuple[Disclosure, ...]:
    """Every text that tells people so, by place."""
    finder = _Finder(core, _knowledge())
    return tuple(sorted({*finder.of_files(), *finder.of_code(), *finder.of_readme()}, key=lambda d: (d.place, d.text)))


class _Finder:
    """Looks through files that are shown, then through texts of code that go to somebody."""

    def __init__(self, core: Core, knowledge: _Knowledge) -> None:
        self._core, self._known = core, knowledge
        asking = {call.unit for call in core.calls if call.generates}
        self._handlers = {
            unit
            for entry in core.entry_points
            if entry.is_network and not core.reached_from(entry).keys().isdisjoint(asking)
            for unit in entry.units
        }

    def of_files(self) -> Iterator[Disclosure]:
        """Pages and components, and the documents that code reads to show them."""
        sources = self._core.observations.sources
        for path, text in sources.items():
            if self._core.observations.files[path].role not in (Role.SERVING, Role.EXAMPLE) or len(text) > MAX_TEXT:
                continue
            if self._known.files.search(path) and self._core.observations.files[path].role is Role.SERVING:
                yield from self._first(path, _visible(path, text), "page")
            elif path.endswith(".md") and self._known.find(text) and self._is_shown(path):
                yield from self._first(path, text, "page")

    def _is_shown(self, path: str) -> bool:
        """Whether serving code names the document: it reads it to show it."""
        name = path.rpartition("/")[2]
        if name.lower().startswith("readme"):
            return False
        return any(
            name in self._core.observations.sources.get(module.path, "") and self._draws(module)
            for module in self._core.program.modules.values()
            if module.role is Role.SERVING
        )

    def _draws(self, module: ModuleInfo) -> bool:
        return any(s.module.partition(".")[0] in self._known.surfaces for s in module.body.imports.values())

    def of_readme(self) -> Iterator[Disclosure]:
        """The README, which its readers see, and users do not."""
        for path, text in self._core.observations.sources.items():
            if path.lower() in ("readme.md", "readme.rst", "readme", "readme.txt"):
                yield from self._first(path, text, "readme")

    def _first(self, path: str, text: str, surface: Surface) -> Iterator[Disclosure]:
        match = self._known.find(text)
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            yield Disclosure(Place(path, line, line), match.group()[:60], surface)

    def of_code(self) -> Iterator[Disclosure]:
        """Texts of serving code that a page shows, a bot sends or a route answers."""
        for unit in self._core.serving_units():
            if "prompt" in unit.module.path.lower():
                continue
            for node in (*unit.parents, *self._documented(unit)):
                if isinstance(node, code.Constant) and isinstance(node.value, str):
                    surface = self._surface(node, unit) if self._says(node.value) else None
                    if surface is not None:
                        yield Disclosure(unit.at(node), node.value.strip()[:60], surface)

    def _documented(self, unit: Unit) -> Iterator[code.Node]:
        """The arguments of a route's decorator: they become the API's description."""
        for decorator in unit.function.decorators if unit.function is not None else ():
            if isinstance(decorator, code.Call):
                yield from code.walk(decorator)

    def _says(self, text: str) -> bool:
        if text.strip().lower() in self._known.fields:
            return True
        return len(text.split(None, _SENTENCE)) >= _SENTENCE and self._known.find(text) is not None

    def _surface(self, node: code.Expression, unit: Unit, hops: int = 0, said: bool = False) -> Surface | None:
        """Who reads a text: whoever the innermost call, return or name hands it to."""
        inner: code.Node = node
        said = said or _is_statement(node, self._known)
        for outer in unit.enclosing(node):
            match outer:
                case code.Call():
                    found = self._of_call(outer, inner, unit)
                    if found != "on":
                        return found
                case code.Return() | code.Yield():
                    answers = unit in self._handlers or said
                    return "answer" if answers and not self._known.prompting.search(unit.name) else None
                case code.Raise() | code.Assert():
                    return None
                case code.Mapping(items=items) if _is_prompt(items):
                    return None
                case code.Assign(targets=[target, *_]):
                    return self._of_name(target, unit, hops, said) if hops < MAX_HOPS else None
                case _:
                    pass
            inner = outer
        return None

    def _of_call(self, call: code.Call, inner: code.Node, unit: Unit) -> Surface | Literal["on"] | None:
        """The surface that a call puts its arguments on; "on" where it only passes them on."""
        name = last_name(call.function)
        keyword = inner.name if isinstance(inner, code.Keyword) else ""
        if keyword and self._known.prompting.search(keyword):
            return None
        if name in self._known.applications and keyword in self._known.describing:
            return "answer" if name not in ("ChatInterface", "Interface", "Blocks") else "page"
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, External) and value.path.partition(".")[0] in self._known.surfaces:
                return "page"
        if name in self._known.silent and name not in self._known.sending:
            return None
        if self._known.prompting.search(name):
            return None
        if name in self._known.sending:
            return None if _is_logger(call) else "answer"
        return "on"

    def _of_name(self, target: code.Expression, unit: Unit, hops: int, said: bool) -> Surface | None:
        """Where a name that holds a text goes; a field of a response model goes into the answer."""
        if not isinstance(target, code.Name) or self._known.prompting.search(target.id):
            return None
        info = unit.owner
        if info is not None and unit.function is None:
            bases = self._core.resolver.classes.bases(info)[1] if said else []
            shown = any(b.startswith("pydantic.") for b in bases) and "Settings" not in info.node.name
            return "answer" if shown else None
        homes = [unit, *self._users(unit)] if unit.is_module else [unit]
        for home in homes:
            for node in home.parents:
                if isinstance(node, code.Name) and node.id == target.id and node is not target:
                    found = self._surface(node, home, hops + 1, said) if node.line != target.line else None
                    if found is not None:
                        return found
        return None

    def _users(self, unit: Unit) -> Iterator[Unit]:
        """The functions of a module: they see what its body binds."""
        yield from unit.nested.values()
        for info in unit.classes.values():
            yield from info.methods.values()


def _is_statement(node: code.Expression, knowledge: _Knowledge) -> bool:
    return (
        isinstance(node, code.Constant)
        and isinstance(node.value, str)
        and bool(knowledge.statements.search(node.value))
    )


def _is_prompt(items: list[tuple[code.Expression | None, code.Expression]]) -> bool:
    """`{"role": "system", "content": …}` is said to the model."""
    return any(isinstance(key, code.Constant) and key.value == "role" for key, _ in items)


def _is_logger(call: code.Call) -> bool:
    base = call.function.base if isinstance(call.function, code.Member) else None
    return base is not None and "log" in last_name(base).lower()


def _visible(path: str, text: str) -> str:
    """A page's text without what nobody reads: comments, styles, names of classes; lines stay where they are."""
    text = _COMMENTS.sub(_blank, text)
    if path.endswith((".html", ".htm", ".jinja", ".jinja2", ".j2")):
        text = _CODE.sub(_blank, text)
    return _UNSEEN.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())
