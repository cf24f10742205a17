"""What of a function speaks about the caller: the names that hold a credential, and what is asked about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.governance.access_knowledge import AccessKnowledge
from readiness.facts.linking.aliases import alias_of
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Unknown, Value

_SOURCES = frozenset({"headers", "query_params", "args", "META", "environ", "form", "get_argument", "scope", "GET"})
_SESSIONS = frozenset({"cookies", "session", "session_state", "COOKIES"})
_PASSES = 4
_TIDYING = frozenset(
    {
        "strip", "split", "lower", "upper", "startswith", "endswith", "replace", "removeprefix", "partition", "str",
        "len", "bool", "isinstance", "print", "info", "debug", "warning", "error", "warn", "exception", "encode", "get",
        "decode", "HTTPException", "JSONResponse", "jsonify", "format", "join", "bytes", "getattr", "hasattr", "dict",
    }
)  # fmt: skip
"""What is called with a credential and does not ask whether it is a good one."""
_EQUAL = frozenset({"==", "!=", "in", "not in"})


@dataclass(frozen=True, slots=True)
class Look:
    """What one unit does with credentials.

    `names` are local names that hold one or what it was turned into; `reads` whether it takes one off the request;
    `raising` and `answering` are calls of verifiers; `compared` are (the credential, what it is held against).
    """

    names: frozenset[str]
    reads: bool
    takes: bool
    """Whether it does so in its own body, and is not merely handed one."""
    knows_writer: bool
    """Whether it looks at who wrote a message, as a bot's platform has proven it."""
    raising: tuple[code.Call, ...]
    answering: tuple[code.Call, ...]
    compared: tuple[tuple[code.Expression, code.Expression], ...]
    asked: bool
    """Whether it is given to something that may know it: a verifier, a look-up, a comparison."""


class Credentials:
    """Looks at units, once each."""

    def __init__(self, resolver: Resolver, program: Program, knowledge: AccessKnowledge) -> None:
        self._resolver, self._program, self._knowledge = resolver, program, knowledge
        self._looks: dict[Unit, Look] = {}
        self._roots: dict[tuple[str, Unit], bool] = {}

    def look(self, unit: Unit) -> Look:
        """What a unit does with credentials."""
        known = self._looks.get(unit)
        if known is None:
            known = self._looks[unit] = self._look(unit)
        return known

    def mentions(self, expression: code.Node, unit: Unit, names: frozenset[str]) -> bool:
        """Whether an expression is about a credential: it reads one, or uses a name that holds one."""
        return any(
            (isinstance(n, code.Name) and n.id in names) or self._is_read(n, unit) for n in code.walk(expression)
        )

    def _look(self, unit: Unit) -> Look:
        given = {p.name for p in (unit.function.parameters if unit.function else ()) if self._is_given(p, unit)}
        takes = any(self._is_read(n, unit) for n in unit.parents)
        writer = any(isinstance(n, code.Member) and n.name in self._knowledge.writers for n in unit.parents)
        names = self._spread(unit, given | self._enclosing(unit))
        raising, answering, asked = [], [], False
        for call in unit.calls:
            kind = self._verifier(call, unit)
            if kind == "raising":
                raising.append(call)
            elif kind == "answering":
                answering.append(call)
            if kind or (
                last_name(call.function) not in _TIDYING
                and any(self.mentions(a, unit, names) for a in (*call.arguments, *(k.value for k in call.keywords)))
            ):
                asked = True
        compared = [*self._comparisons(unit, names), *self._digests(answering)]
        reads = takes or bool(given)
        return Look(
            names, reads, takes, writer, tuple(raising), tuple(answering), tuple(compared), asked or bool(compared)
        )

    def _enclosing(self, unit: Unit) -> set[str]:
        """A function inside another one sees what that one holds."""
        outer = unit.parent
        return set(self.look(outer).names) if outer is not None and outer.function is not None else set()

    def _is_given(self, parameter: code.Parameter, unit: Unit) -> bool:
        if parameter.name in ("self", "cls"):
            return False
        if self._knowledge.is_credential(parameter.name):
            return True
        expressions = [e for e in (parameter.default, parameter.annotation) if e is not None]
        scope = unit.parent or unit
        homes = [(e, scope) for e in expressions]
        if parameter.annotation is not None:
            homes.extend(filter(None, [alias_of(parameter.annotation, scope, self._program)]))
        for expression, home in homes:
            for node in code.walk(expression):
                if isinstance(node, code.Keyword) and node.name == "alias" and isinstance(node.value, code.Constant):
                    if self._knowledge.is_credential(node.value.value):
                        return True
                elif isinstance(node, code.Name | code.Member) and self._is_scheme(node, home):
                    return True
        return False

    def _is_scheme(self, node: code.Expression, unit: Unit) -> bool:
        for value in self._resolver.values(node, unit):
            if isinstance(value, External) and value.path.partition("(")[0] in self._knowledge.schemes:
                return True
        return False

    def _is_read(self, node: code.Node, unit: Unit) -> bool:
        match node:
            case code.Index(base=base, key=key) if not isinstance(key, code.Slice):
                return self._is_source(base, key, unit)
            case code.Call(
                function=code.Member(base=base, name="get" | "getlist" | "getall" | "get_argument"), arguments=[key, *_]
            ):
                return self._is_source(base, key, unit)
            case code.Member(name=name) if name in self._knowledge.proven or name in self._knowledge.writers:
                return True
            case code.Member(base=code.Name(id="request" | "req"), name="authorization" | "auth"):
                return True
            case code.Name(id=name) if name in unit.module.body.imports or name in unit.imports:
                return self._is_person(node, unit)
            case _:
                return False

    def _is_source(self, base: code.Expression, key: code.Expression, unit: Unit) -> bool:
        names = {_word(n) for n in code.walk(base)}
        if names & {"cookies", "COOKIES"}:
            return True
        if not names & (_SOURCES | _SESSIONS):
            return False
        written = key.value if isinstance(key, code.Constant) else self._resolver.constant(key, unit)
        return self._knowledge.is_credential(written) or (
            bool(names & {"session"}) and isinstance(written, str) and "user" in written.lower()
        )

    def _is_person(self, node: code.Expression, unit: Unit) -> bool:
        name = last_name(node)
        known = self._roots.get((name, unit))
        if known is None:
            known = any(
                isinstance(v, External) and v.path in self._knowledge.people for v in self._resolver.values(node, unit)
            )
            self._roots[(name, unit)] = known
        return known

    def _spread(self, unit: Unit, names: set[str]) -> frozenset[str]:
        """The names that hold a credential, and those that hold what was made of one."""
        for _ in range(_PASSES):
            found = frozenset(names)
            for name, bindings in unit.bindings.items():
                if name not in names and any(
                    b.value is not None and self.mentions(b.value, unit, found) for b in bindings
                ):
                    names.add(name)
            if len(names) == len(found):
                break
        return frozenset(names)

    def _verifier(self, call: code.Call, unit: Unit) -> str:
        if not isinstance(call.function, code.Member | code.Name):
            return ""
        values: tuple[Value, ...] = self._resolver.values(call.function, unit)
        for value in values:
            if isinstance(value, External):
                if value.path in self._knowledge.raising:
                    return "" if _is_unverified(call) else "raising"
                if value.path in self._knowledge.answering:
                    return "answering"
        if all(isinstance(v, Unknown) for v in values) and last_name(call.function) == "compare_digest":
            return "answering"
        return ""

    def _comparisons(self, unit: Unit, names: frozenset[str]) -> Iterator[tuple[code.Expression, code.Expression]]:
        for node in unit.parents:
            if isinstance(node, code.Operation) and node.operator in _EQUAL and len(node.operands) == 2:
                left, right = node.operands
                for one, other in ((left, right), (right, left)):
                    if self.mentions(one, unit, names) and not _is_plain(other):
                        yield one, other
                        break

    def _digests(self, calls: list[code.Call]) -> Iterator[tuple[code.Expression, code.Expression]]:
        for call in calls:
            if last_name(call.function) == "compare_digest" and len(call.arguments) == 2:
                yield call.arguments[0], call.arguments[1]


def _word(node: code.Node) -> object:
    match node:
        case code.Member(name=name) | code.Name(id=name) | code.Constant(value=str() as name):
            return name
        case _:
            return ""


def _is_plain(expression: code.Expression) -> bool:
    """Nothing a credential could be held against: None, a scheme's name (`"bearer"`), a number, a list of those."""
    if isinstance(expression, code.Sequence):
        return all(_is_plain(item) for item in expression.items)
    if isinstance(expression, code.Constant):
        text = expression.value
        return not isinstance(text, str | bytes) or text.lower() in ("", "bearer", "basic", b"", b"bearer", b"basic")
    return False


def _is_unverified(call: code.Call) -> bool:
    """Whether a token is read without looking at its signature."""
    for keyword in call.keywords:
        for node in code.walk(keyword.value):
            if isinstance(node, code.Mapping):
                for key, value in node.items:
                    if isinstance(key, code.Constant) and key.value == "verify_signature":
                        return isinstance(value, code.Constant) and value.value is False
        if keyword.name == "verify" and isinstance(keyword.value, code.Constant) and keyword.value.value is False:
            return True
    return False
