"""What one place in the code does with model text: reads data out of it, decides by it, cleans or checks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from readiness.extract import code
from readiness.facts.flows.flow_marks import Kind, Mark
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External, Items, Known, Value

_THINKING = ("think>", "<think", "reasoning>", "<reasoning", "<reflection", "scratchpad>")
_FENCES = ("```", "~~~")
_BRACKETS = ("{", "[", "}", "]", "<json>", "</json>")
_NUMBERS = frozenset({"int", "float", "decimal.Decimal", "fractions.Fraction"})
_TEXT_METHODS = frozenset(
    {
        "find", "rfind", "index", "rindex", "startswith", "endswith", "split", "rsplit", "partition", "rpartition",
        "splitlines", "replace", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip",
    }
)  # fmt: skip


_PARSER_METHODS = frozenset({"parse", "invoke", "ainvoke", "aparse"})


class Use(StrEnum):
    """The families of uses."""

    PARSES = "parses"
    """Reads data out of the text: JSON, YAML, a number, an output parser."""
    SEARCHES = "searches"
    """Finds out by an expression or a piece of the text what it says."""
    MATCHES = "matches"
    """Compares the whole text with the answers that are allowed."""
    EXTRACTS = "extracts"
    """Cuts fences or a JSON object out of the text, to be parsed."""
    CLEANS = "cleans"
    """Tidies the text for people: markdown, thinking, personal data."""
    GUARDS = "guards"
    """Tests the text and keeps it from going out as it is."""
    CHECKS = "checks"
    """Holds data that was parsed to a declared shape, to keys or to allowed values."""
    EXECUTES = "executes"
    """Runs it."""


@dataclass(frozen=True, slots=True)
class TextUse:
    """One use: what it is, where, and of which marks; `how` names the operation."""

    use: Use
    node: code.Expression
    unit: Unit
    marks: tuple[Mark, ...]
    how: str
    number: bool = False
    """Of a parse: only a number is read."""
    needs_parse: bool = False
    """Of an extraction: it means something only where a parse follows."""


class TextUses:
    """Finds the uses in a unit."""

    def __init__(self, taint: Taint) -> None:
        self._taint = taint

    def find(self, unit: Unit) -> Iterator[TextUse]:
        """Every use of model output in a unit that is not execution."""
        for node in unit.parents:
            if isinstance(node, code.Call):
                yield from self._call(node, unit)
            elif isinstance(node, code.Operation):
                yield from self._comparison(node, unit)
            elif isinstance(node, code.Index) and isinstance(node.key, code.Slice):
                marks = self._texts(node.base, unit)
                if marks:
                    yield TextUse(Use.EXTRACTS, node, unit, marks, "a slice", needs_parse=True)

    # -- calls -------------------------------------------------------------------------------------------------

    def _call(self, call: code.Call, unit: Unit) -> Iterator[TextUse]:
        if call in self._taint.sources.calls:
            yield from self._piped(call, unit)
            return
        function = call.function
        if not isinstance(function, code.Name | code.Member):
            return
        if isinstance(function, code.Member) and function.name in _TEXT_METHODS:
            yield from self._text_method(call, function, unit)
        for value in self._taint.core.resolver.values(function, unit):
            if isinstance(value, External):
                yield from self._external(call, unit, value.path)
            elif isinstance(value, ClassValue):
                yield from self._constructed(call, unit, value)
        if isinstance(function, code.Member) and function.name in _PARSER_METHODS and call.arguments:
            yield from self._parser(call, function, unit)

    def _piped(self, call: code.Call, unit: Unit) -> Iterator[TextUse]:
        """A model call whose pipe ends in an output parser."""
        marks = [m for m in self._taint.marks(call, unit) if m.through and m.kind in (Kind.PARSED, Kind.CHECKED)]
        loose = tuple(m for m in marks if m.kind is Kind.PARSED and not m.path)
        checked = tuple(m for m in marks if m.kind is Kind.CHECKED and not m.path)
        if loose or checked:
            yield TextUse(Use.PARSES, call, unit, (*loose, *checked), "an output parser")
        if checked:
            yield TextUse(Use.CHECKS, call, unit, checked, "an output parser")

    def _external(self, call: code.Call, unit: Unit, path: str) -> Iterator[TextUse]:
        family = self._taint.sinks.families.find(path)
        if family in (None, "same", "text_parsers", "models"):
            return
        arguments = [*call.arguments, *(k.value for k in call.keywords)]
        if family == "parses":
            marks = self._texts(arguments[0], unit) if arguments else ()
            if marks and not self._is_shown(call, unit):
                yield TextUse(Use.PARSES, call, unit, marks, f"{path}()", number=path in _NUMBERS)
        elif family in ("searches", "replacements"):
            yield from self._expression(call, unit, path, arguments, family)
        elif family == "validators":
            marks = tuple(m for a in arguments for m in self._taint.found(a, unit) if not m.path)
            direct = tuple(m for m in marks if m.kind in (Kind.TEXT, Kind.ARGUMENTS))
            if direct:
                yield TextUse(Use.PARSES, call, unit, direct, f"{last_name(call.function)}()")
            if marks:
                yield TextUse(Use.CHECKS, call, unit, marks, f"{last_name(call.function)}()")

    def _expression(
        self, call: code.Call, unit: Unit, path: str, arguments: list[code.Expression], family: str
    ) -> Iterator[TextUse]:
        compiled = ".compile()." in path
        subjects = arguments if compiled else arguments[1:]
        marks = tuple(m for a in subjects for m in self._texts(a, unit))
        if not marks:
            return
        pattern = self._pattern(call, unit, compiled)
        how = f"{path.replace('.compile()', '')}()"
        if family == "replacements":
            yield TextUse(Use.EXTRACTS, call, unit, marks, how, needs_parse=True)
        elif any(t in pattern for t in _THINKING):
            yield TextUse(Use.CLEANS, call, unit, marks, how)
        elif self._guards(call, unit):
            yield TextUse(Use.GUARDS, call, unit, marks, how)
        elif not pattern or any(t in pattern for t in (*_FENCES, r"\{", r"\[", "{.*", "[{")) or pattern.startswith("{"):
            yield TextUse(Use.EXTRACTS, call, unit, marks, how)
        else:
            yield TextUse(Use.SEARCHES, call, unit, marks, how)

    def _pattern(self, call: code.Call, unit: Unit, compiled: bool) -> str:
        """The expression that is searched for, where it is written in the repository."""
        values: tuple[Value, ...] = ()
        if compiled and isinstance(call.function, code.Member):
            for value in self._taint.core.resolver.values(call.function.base, unit):
                if isinstance(value, External) and value.steps and value.steps[-1].call.arguments:
                    step = value.steps[-1]
                    values += self._taint.core.resolver.values(step.call.arguments[0], step.unit)
        elif call.arguments:
            values = self._taint.core.resolver.values(call.arguments[0], unit)
        return next((v.value for v in values if isinstance(v, Known) and isinstance(v.value, str)), "")

    def _constructed(self, call: code.Call, unit: Unit, value: ClassValue) -> Iterator[TextUse]:
        """`Model(**data)`, `Model(field=data["field"])`."""
        bases = self._taint.core.resolver.classes.bases(value.info)[1]
        enum = any(base.startswith("enum.") for base in bases)
        if not enum and not any(self._taint.sinks.families.find(base) == "models" for base in bases):
            return
        arguments = [*call.arguments, *(k.value for k in call.keywords)]
        found = tuple(m for a in arguments for m in self._taint.found(a, unit) if not m.path)
        parsed = tuple(m for m in found if m.kind is Kind.PARSED)
        if parsed:
            yield TextUse(Use.CHECKS, call, unit, parsed, f"{value.info.node.name}()")
        whole = tuple(m for m in found if m.kind is Kind.TEXT)
        if enum and whole:
            yield TextUse(Use.MATCHES, call, unit, whole, f"{value.info.node.name}()")

    def _parser(self, call: code.Call, function: code.Member, unit: Unit) -> Iterator[TextUse]:
        for value in self._taint.core.resolver.values(function.base, unit):
            family = self._taint.sinks.families.find(value.path) if isinstance(value, External) else None
            if family in ("loose_parsers", "checked_parsers", "tool_parsers"):
                marks = tuple(m for m in self._taint.found(call.arguments[0], unit) if not m.path)
                if marks:
                    yield TextUse(Use.PARSES, call, unit, marks, "an output parser")
                    if family != "loose_parsers":
                        yield TextUse(Use.CHECKS, call, unit, tuple(self._taint.found(call, unit)), "an output parser")

    def _text_method(self, call: code.Call, function: code.Member, unit: Unit) -> Iterator[TextUse]:
        marks = self._texts(function.base, unit)
        if not marks:
            return
        name = function.name
        words = self._words(call, unit)
        how = f".{name}()"
        if name in ("find", "rfind", "index", "rindex"):
            bracket = bool(words) and all(w.strip() in _BRACKETS or _is_fence(w) for w in words)
            yield TextUse(Use.EXTRACTS if bracket else Use.SEARCHES, call, unit, marks, how, needs_parse=bracket)
        elif name in ("startswith", "endswith"):
            if words and all(_is_fence(w) or w.strip() in _BRACKETS for w in words):
                yield TextUse(Use.EXTRACTS, call, unit, marks, how, needs_parse=True)
            elif not any(_is_thinking(w) for w in words):
                yield TextUse(Use.GUARDS if self._guards(call, unit) else Use.SEARCHES, call, unit, marks, how)
        elif name in ("split", "rsplit", "partition", "rpartition"):
            if any(_is_thinking(w) for w in words):
                yield TextUse(Use.CLEANS, call, unit, marks, how)
            elif any(_is_fence(w) for w in words) or not any(w.strip() for w in words):
                yield TextUse(Use.EXTRACTS, call, unit, marks, how, needs_parse=not any(_is_fence(w) for w in words))
            elif words:
                yield TextUse(Use.SEARCHES, call, unit, marks, how)
        elif name == "splitlines" or any(w.strip() for w in words):
            yield TextUse(Use.EXTRACTS, call, unit, marks, how, needs_parse=True)

    def _words(self, call: code.Call, unit: Unit) -> list[str]:
        """The constant texts a text method is given."""
        found: list[str] = []
        for argument in call.arguments[:2]:
            for value in self._taint.core.resolver.values(argument, unit):
                if isinstance(value, Known) and isinstance(value.value, str):
                    found.append(value.value)
                elif isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                    constants = [i.value for i in value.literal.items if isinstance(i, code.Constant)]
                    found.extend(word for word in constants if isinstance(word, str))
        return found

    # -- comparisons -------------------------------------------------------------------------------------------

    def _comparison(self, e: code.Operation, unit: Unit) -> Iterator[TextUse]:
        if e.operator not in ("in", "not in", "==", "!=") or len(e.operands) != 2:
            return
        left, right = e.operands
        if e.operator in ("in", "not in"):
            inside = tuple(m for m in self._texts(right, unit) if not m.whole and m.kind is Kind.TEXT)
            if inside:
                yield from self._piece(e, left, unit, inside)
            else:
                yield from self._parsed(e, (left, right), unit)
                marks = tuple(m for m in self._texts(left, unit) if m.kind is Kind.TEXT)
                if marks:
                    yield TextUse(Use.MATCHES, e, unit, marks, f"`{e.operator}`")
            return
        for subject, other in ((left, right), (right, left)):
            words = [v.value for v in self._taint.core.resolver.values(other, unit) if isinstance(v, Known)]
            if any(isinstance(w, str | int | float) and not isinstance(w, bool) and w != "" for w in words):
                marks = tuple(m for m in self._texts(subject, unit) if m.kind is Kind.TEXT)
                if marks and any(isinstance(w, str) for w in words):
                    yield TextUse(Use.MATCHES, e, unit, marks, f"`{e.operator}`")
                yield from self._parsed(e, (subject,), unit)

    def _piece(
        self, e: code.Operation, left: code.Expression, unit: Unit, marks: tuple[Mark, ...]
    ) -> Iterator[TextUse]:
        """`"yes" in text`."""
        words = [v.value for v in self._taint.core.resolver.values(left, unit) if isinstance(v, Known)]
        texts = [w for w in words if isinstance(w, str)]
        if texts and all(_is_fence(w) or _is_thinking(w) or not w.strip() or w.strip() in _BRACKETS for w in texts):
            yield TextUse(Use.CLEANS, e, unit, marks, "`in`")
        else:
            yield TextUse(Use.GUARDS if self._guards(e, unit) else Use.SEARCHES, e, unit, marks, "`in`")

    def _parsed(self, e: code.Operation, operands: tuple[code.Expression, ...], unit: Unit) -> Iterator[TextUse]:
        """A comparison of parsed data with what is allowed."""
        marks = tuple(m for o in operands for m in self._taint.found(o, unit) if m.kind is Kind.PARSED and not m.path)
        if marks:
            yield TextUse(Use.CHECKS, e, unit, marks, f"`{e.operator}`")

    # -- context -----------------------------------------------------------------------------------------------

    def _texts(self, expression: code.Expression, unit: Unit) -> tuple[Mark, ...]:
        return tuple(m for m in self._taint.found(expression, unit) if m.is_text)

    def _is_shown(self, call: code.Call, unit: Unit) -> bool:
        """Whether the parsed value only goes to a print or a log line."""
        above = next((n for n in unit.enclosing(call) if isinstance(n, code.Call | code.Statement)), None)
        if not isinstance(above, code.Call):
            return False
        name = last_name(above.function)
        logs = isinstance(above.function, code.Member) and name in ("debug", "info", "warning", "error")
        return logs or name == "print"

    def _guards(self, node: code.Expression, unit: Unit) -> bool:
        """Whether a test keeps text from going out: the function returns the text, but not where the test is true."""
        inner: code.Node = node
        for above in unit.enclosing(node):
            if isinstance(above, code.If) and above.test is inner:
                tested = {n.id for n in code.walk(above.test) if isinstance(n, code.Name)}
                return any(self._stops(s, tested, unit) for s in above.body) and self._lets_out(unit)
            if isinstance(above, code.Statement):
                return False
            inner = above
        return False

    def _stops(self, statement: code.Statement, tested: set[str], unit: Unit) -> bool:
        """Whether a statement keeps the tested text back: it raises, or puts something else in its place."""
        match statement:
            case code.Raise():
                return True
            case code.Return(value=value):
                return value is None or not self._taint.found(value, unit)
            case code.Assign(targets=[code.Name(id=name)], value=code.Expression() as value):
                return name in tested and not self._taint.found(value, unit)
            case _:
                return False

    def _lets_out(self, unit: Unit) -> bool:
        returned = [m for m in self._taint.resolved(self._taint.returns(unit)) if m.kind is Kind.TEXT]
        return bool(returned)


def _is_fence(word: str) -> bool:
    return any(f in word for f in _FENCES) or word.strip().strip("\n") in ("`", "json", "yaml")


def _is_thinking(word: str) -> bool:
    return any(t in word for t in _THINKING)
