"""Follows what a model is told back to where each piece of it is written. See `prompts.py` for what is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.widget_defaults import default_expression
from readiness.facts.linking.definitions import Definitions
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import Bound, External, Instance, Items, Known, Pipe, Step, Text, Value, Values
from readiness.facts.place import Place
from readiness.facts.prompts.prompt_files import PromptFiles, is_reader, is_registry
from readiness.repository.tree import Role

Origin = Literal["inline", "module", "file", "settings", "registry"]

MAX_DEPTH = 60
MAX_NODES = 4000
"""Expressions that are looked at for one prompt: one that is assembled of more is not worth the time."""

REGISTRY_LENGTH = 400
"""Characters that a prompt in a registry counts for: its text cannot be seen from here."""

_CENTRAL = re.compile(r"(^|/)(prompts?|prompt_?templates?)/|(^|/|_)prompts?(_[^/]*)?\.py$")
_TEXT_METHODS = frozenset(
    {
        "format", "format_map", "strip", "lstrip", "rstrip", "replace", "join", "removeprefix", "removesuffix",
        "render", "render_async", "substitute", "safe_substitute", "partial", "encode", "decode", "lower", "upper",
        "splitlines", "compile", "format_messages", "format_prompt", "invoke", "to_string", "to_messages", "copy",
        "get", "read", "model_dump", "model_dump_json", "dict", "to_dict", "json", "partition", "rpartition", "split",
    }
)  # fmt: skip
_TAKES_DATA = frozenset(
    {
        "render", "render_async", "substitute", "safe_substitute", "compile", "invoke", "format_messages",
        "format_prompt", "copy", "get", "read", "model_dump", "model_dump_json", "dict", "to_dict", "json", "encode",
        "decode", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip", "partition", "rpartition", "split",
    }
)  # fmt: skip
"""Methods whose arguments are what fills a text, not a part of it."""
_MAKERS = re.compile(
    r"\.(\w*Messages?|\w*PromptPart|ModelRequest|\w*PromptTemplate|\w*Template|Contents?|UserContent|Parts?|Prompt|Text|TextContent|TextPart"
    r"|from_(messages|template|string|text|examples|role_content|llm)|dedent|cleandoc|indent|fill|create_message"
    r"|RunnableLambda|system|user|assistant|Task|Agent)$"
)
"""What makes messages, templates and texts out of the text it is given."""
_PARSERS = frozenset({"frontmatter.parse", "frontmatter.loads"})
"""What takes a text apart and leaves its words as they are."""
_SKIPPED_KEYS = frozenset(
    {
        "role", "type", "name", "id", "image_url", "source", "media_type", "tools", "functions", "config",
        "configurable", "url", "model", "metadata",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromptPart:
    """One piece of prompt text in one place. `characters` and `words` are counted with white space folded.

    `origin`: "inline" (a literal in a function, or a constant of a module that is about something else), "module" (a
    module or package of prompts), "file" (a tracked file that code reads), "settings" (a tracked settings file that a
    loader reads), "registry" (fetched by name from a prompt registry). `missing`: the file read is not tracked.
    """

    place: Place
    text: str
    origin: Origin
    characters: int
    words: int
    missing: bool = False


@dataclass(slots=True)
class Told:
    """What one expression tells a model: its pieces, and how much inline text the longest way through it holds."""

    parts: dict[tuple[Place, str], PromptPart] = field(default_factory=dict)
    characters: int = 0
    words: int = 0
    unread: PromptPart | None = None
    """A file that the expression reads and that is not tracked: data, unless it can replace a text that is."""

    def add(self, other: Told) -> None:
        """Both are told, one after the other."""
        self.parts.update(other.parts)
        self.characters += other.characters
        self.words += other.words

    def compete(self, other: Told) -> None:
        """Either is told. A file that may be read instead of a text is a prompt file, though it is not here."""
        self.unread = self.unread or other.unread
        self.parts.update(other.parts)
        if self.unread is not None and self.parts:
            self.parts[self.unread.place, ""] = self.unread
            self.unread = None
        if other.characters > self.characters:
            self.characters, self.words = other.characters, other.words


class PromptTexts:
    """Answers `of(expression, unit)`."""

    def __init__(self, resolver: Resolver, definitions: Definitions, files: PromptFiles) -> None:
        self._resolver, self._definitions, self._files = resolver, definitions, files
        self._active: set[tuple[code.Node, Unit]] = set()
        self._left = MAX_NODES
        self._appended: dict[Unit, dict[str, list[code.Expression]]] = {}

    def all_of(self, expressions: Iterable[tuple[code.Expression, Unit]]) -> Told:
        """What several expressions tell together."""
        self._left = MAX_NODES
        told = Told()
        for expression, unit in expressions:
            told.add(self._of(expression, unit))
        return told

    def of_values(self, values: Values) -> Told:
        """What resolved values tell: one of them is meant."""
        self._left = MAX_NODES
        return self._either(self._value(v) for v in values)

    def _of(self, e: code.Expression, unit: Unit) -> Told:
        key = (e, unit)
        if key in self._active or len(self._active) > MAX_DEPTH or self._left <= 0:
            return Told()
        self._left -= 1
        self._active.add(key)
        try:
            return self._expression(e, unit)
        finally:
            self._active.discard(key)

    def _expression(self, e: code.Expression, unit: Unit) -> Told:
        match e:
            case code.Constant(value=str() as text):
                return self._written(text, unit.at(e))
            case code.Template(parts=parts):
                text = " ".join(str(p.value) for p in parts if isinstance(p, code.Constant))
                told = self._written(text, unit.at(e))
                told.add(self._sum((p for p in parts if not isinstance(p, code.Constant)), unit))
                return told
            case code.Sequence(items=items):
                return self._sum(items, unit)
            case code.Mapping(items=pairs):
                return self._sum((value for key, value in pairs if not _is_skipped(key)), unit)
            case code.Operation():
                return self._operation(e, unit)
            case code.Choice(then=then, otherwise=otherwise):
                return self._either((self._of(then, unit), self._of(otherwise, unit)))
            case code.Call():
                return self._call(e, unit)
            case code.Name() | code.Member() | code.Index():
                return self._followed(e, unit)
            case _:
                inner = _inside(e)
                return self._of(inner, unit) if inner is not None else Told()

    def _operation(self, e: code.Operation, unit: Unit) -> Told:
        if e.operator == "or":
            return self._either(self._of(o, unit) for o in e.operands)
        if e.operator == "and":
            return self._of(e.operands[-1], unit)
        return self._sum(e.operands, unit) if e.operator in ("+", "%", "|", "*") else Told()

    def _sum(self, expressions: Iterable[code.Expression], unit: Unit) -> Told:
        told = Told()
        for expression in expressions:
            told.add(self._of(expression, unit))
        return told

    def _either(self, alternatives: Iterable[Told]) -> Told:
        told = Told()
        for alternative in alternatives:
            told.compete(alternative)
        return told

    # -- names and calls ---------------------------------------------------------------------------------------

    def _followed(self, e: code.Name | code.Member | code.Index, unit: Unit) -> Told:
        defined, adds = self._definitions.of(e, unit)
        found = [self._of(inner, owner) for inner, owner in defined]
        told = Told()
        for each in found:
            (told.add if adds else told.compete)(each)
        if isinstance(e, code.Name):
            for inner in (*self._appends(e.id, unit), *(v for k, v in unit.items.get(e.id, ()) if not _is_skipped(k))):
                told.add(self._of(inner, unit))
        if not defined:
            return self._either(self._value(v) for v in self._resolver.values(e, unit))
        return told

    def _appends(self, name: str, unit: Unit) -> list[code.Expression]:
        """What `name.append(…)`, `.extend(…)` and `.insert(…)` in a unit add to a list."""
        known = self._appended.get(unit)
        if known is None:
            known = self._appended[unit] = {}
            for call in unit.calls:
                match call.function:
                    case code.Member(base=code.Name(id=owner), name="append" | "extend" | "insert") if call.arguments:
                        known.setdefault(owner, []).append(call.arguments[-1])
        return known.get(name, [])

    def _call(self, call: code.Call, unit: Unit) -> Told:
        values = self._resolver.values(call, unit)
        widget = next((w for w in map(default_expression, values) if w is not None), None)
        if widget is not None:
            return self._of(widget[0], widget[1].steps[-1].unit)
        if self._files.reads(call, unit):
            return self._read(call, unit)
        defined, _ = self._definitions.of(call, unit)
        if defined:
            return self._either(self._of(inner, owner) for inner, owner in defined)
        function = call.function
        if call.arguments and any(isinstance(v, External) and v.path in _PARSERS
                                  for v in self._resolver.values(function, unit)):  # fmt: skip
            return self._of(call.arguments[0], unit)
        told = self._either(self._value(v) for v in values if not isinstance(v, Known | Text))
        if isinstance(function, code.Member) and function.name in _TEXT_METHODS and not told.parts:
            told.add(self._of(function.base, unit))
            if function.name not in _TAKES_DATA:
                told.add(self._sum((*call.arguments, *(k.value for k in call.keywords)), unit))
        if not told.parts:  # a setting with a default, and other calls that the resolver sees through
            told.compete(self._either(self._value(v) for v in values if isinstance(v, Known | Text)))
        return told

    # -- values ------------------------------------------------------------------------------------------------

    def _value(self, value: Value) -> Told:
        match value:
            case Known(value=str() as text, place=(path, line)):
                return self._written(text, Place(path, line, line))
            case Text(template, unit):
                return self._of(template, unit)
            case Items(literal, unit):
                return self._of(literal, unit)
            case Instance(_, call, unit) if call is not None and unit is not None:
                return self._arguments(call, unit)
            case Pipe(parts):
                told = Told()
                for part in parts:
                    # An instance in a pipe is a model or a step of the project: what it is built with is no prompt.
                    told.add(self._either(self._value(v) for v in part if not isinstance(v, Instance)))
                return told
            case Bound(function=inner):
                return self._value(inner)
            case External(steps=steps):
                return self._external(steps)
            case _:
                return Told()

    def _external(self, steps: tuple[Step, ...]) -> Told:
        told = Told()
        for step in steps:
            if is_registry(step.path):
                part = PromptPart(step.unit.at(step.call), step.path, "registry", REGISTRY_LENGTH, 0)
                told.parts[part.place, part.text] = part
            elif is_reader(step.path):
                read = self._read(step.call, step.unit)
                told.add(read)
                told.unread = told.unread or read.unread
            elif step.path in _PARSERS and step.call.arguments:
                told.add(self._of(step.call.arguments[0], step.unit))
            elif step.method in ("partial", "") and _MAKERS.search(f".{step.path}"):
                told.add(self._arguments(step.call, step.unit))
        return told

    def _arguments(self, call: code.Call, unit: Unit) -> Told:
        given = [*call.arguments, *(k.value for k in call.keywords if k.name not in _SKIPPED_KEYS)]
        return self._sum(given, unit)

    # -- pieces ------------------------------------------------------------------------------------------------

    def _written(self, text: str, place: Place) -> Told:
        folded = " ".join(text.split())
        words = folded.count(" ") + 1
        module = self._resolver.program.modules.get(place.path)
        of_tests = module is not None and module.role in (Role.TEST, Role.EVAL)
        if of_tests or words < 2 or not any(c.isalpha() for c in folded):
            return Told()
        origin: Origin = "inline"
        if not place.path.endswith((".py", ".pyi", ".ipynb")):
            origin = "settings"
        elif _CENTRAL.search(place.path):
            origin = "module"
        part = PromptPart(place, folded[:80], origin, len(folded), words)
        inline = (part.characters, words) if origin == "inline" else (0, 0)
        return Told({(place, part.text): part}, *inline)

    def _read(self, call: code.Call, unit: Unit) -> Told:
        told = Told()
        for path, text in self._files.of(call, unit):
            folded = " ".join(text.split())
            part = PromptPart(Place(path, 1, 1), folded[:80], "file", len(folded), folded.count(" ") + 1)
            told.parts[part.place, ""] = part
        if not told.parts:
            place = unit.at(call)
            told.unread = PromptPart(place, "a file that is not in the repository", "file", 0, 0, missing=True)
        return told


def _inside(e: code.Expression) -> code.Expression | None:
    """The one expression whose text another one hands on."""
    match e:
        case code.Await(value=inner) | code.Spread(value=inner) | code.Bind(value=inner):
            return inner
        case code.Comprehension(element=inner) | code.Lambda(body=inner):
            return inner
        case _:
            return None


def _is_skipped(key: code.Expression | None) -> bool:
    return isinstance(key, code.Constant) and key.value in _SKIPPED_KEYS
