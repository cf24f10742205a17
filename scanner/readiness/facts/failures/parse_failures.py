"""What becomes of model text that cannot be read as the data it should be. check `parsed-output-validated`.

A request whose answer code reads is one fact. `flows.py` tells what is read and whether a validator follows; here the
error that the reading raises is followed to whoever catches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.handling import CallFailure, ErrorPaths
from readiness.facts.failures.parsing_knowledge import load_parsing
from readiness.facts.failures.resilience import load_resilience
from readiness.facts.flows.flow_sources import is_structured
from readiness.facts.flows.flows import Flow, ParsedCall
from readiness.facts.flows.schemas import Enforcement
from readiness.facts.flows.text_uses import Use
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.place import Place

_DECISIONS = frozenset({"`in`", ".startswith()", ".endswith()"})
"""Searches that tell yes or no: there is no datum that could be wrong."""
_NUMBERS = frozenset({"int()", "float()", "decimal.Decimal()", "fractions.Fraction()"})
_FAILING = frozenset({".index()", ".rindex()"})
_FORGIVING_CUTS = frozenset({".partition()", ".rpartition()", ".find()", ".rfind()", ".splitlines()", "a slice"})
_AGAIN = frozenset({"with_retry", "with_fallbacks"})


@dataclass(frozen=True, slots=True)
class ModelParse:
    """One request whose answer becomes data, at the reading that is held to the least.

    `how` names the reading. `validated`: what is read is held to a shape, a type or allowed values, by the API or
    afterwards. `handled`: where it does not fit, some code asks again, takes something else or refuses. `lenient`: it
    is only read with defaults for what is missing. `typed`: the SDK gives an object of a declared type.
    """

    place: Place
    text: str
    how: str
    asked_at: Place
    reachable: bool
    validated: bool
    handled: bool
    lenient: bool = False
    typed: bool = False


def find_parses(core: Core, parsed: Iterable[ParsedCall], failures: Iterable[CallFailure]) -> list[ModelParse]:
    """The requests whose answers become data."""
    finder = _Finder(core, failures)
    return [parse for call in parsed if (parse := finder.parse(call)) is not None]


class _Finder:
    def __init__(self, core: Core, failures: Iterable[CallFailure]) -> None:
        self._core, self._known = core, load_parsing()
        # Nothing crosses a network here: a handler of timeouts is none of a bad answer.
        self._paths = ErrorPaths(core, replace(load_resilience(), network_errors=frozenset()))
        self._failures = {f.call: f for f in failures}
        self._caught: dict[tuple[code.Node, Unit], bool] = {}

    def parse(self, parsed: ParsedCall) -> ModelParse | None:
        """The fact about one request; None where its answer only decides or is only compared by a piece."""
        reading = [f for f in parsed.flows if f.use in (Use.PARSES, Use.SEARCHES, Use.MATCHES)]
        data = [f for f in reading if not (f.use is Use.SEARCHES and f.how in _DECISIONS)]
        if not data and is_structured(parsed.call):
            return self._typed(parsed)
        if not data:
            return None
        judged = [(self._validated(f, parsed), self._handled(f, parsed.call), f) for f in data]
        validated, handled = all(v for v, _, _ in judged), all(h for _, h, _ in judged)
        worst = min(judged, key=lambda one: (one[0] + one[1], one[2].place))[2]
        lenient = not handled and all(h or self._lenient(f) for _, h, f in judged)
        return ModelParse(
            worst.place, worst.text, worst.how, parsed.place, parsed.reachable, validated, handled, lenient
        )

    def _typed(self, parsed: ParsedCall) -> ModelParse:
        call = parsed.call
        again = call.sdk.name in self._known.typed_and_asking_again
        again = again or any(s.method in _AGAIN for s in call.value.steps)
        handled = again or self._call_handled(call) or self._looks_at_nothing(parsed)
        return ModelParse(parsed.place, parsed.text, "a declared type", parsed.place, parsed.reachable, True, handled,
                          typed=True)  # fmt: skip

    # -- validated ---------------------------------------------------------------------------------------------

    def _validated(self, flow: Flow, parsed: ParsedCall) -> bool:
        if flow.use is Use.MATCHES or flow.checked or flow.how in _NUMBERS:
            return True
        return flow.use is Use.PARSES and (flow.held or parsed.enforcement is Enforcement.SCHEMA)

    # -- handled -----------------------------------------------------------------------------------------------

    def _handled(self, flow: Flow, call: ModelCall) -> bool:
        node, unit = flow.node, flow.unit
        if flow.use is Use.MATCHES or node is None or self._cannot_fail(flow, node):
            return True
        key = (node, unit)
        if key not in self._caught:
            ways = self._paths.from_line(node, unit, flow.text, self._known.errors)
            self._caught[key] = bool(ways) and all(w.handled for w in ways)
        return self._caught[key] or self._asks_again(node, unit)

    def _cannot_fail(self, flow: Flow, node: code.Expression) -> bool:
        """Whether a reading gives something whatever the text is."""
        unit = flow.unit
        if flow.use is Use.PARSES:
            return any(self._known.forgiving.find(path) for path in self._external(node, unit))
        if flow.how in _FAILING:
            return False
        above = unit.parents.get(node)
        if flow.how in _FORGIVING_CUTS:
            return True
        if isinstance(above, code.Index) and above.base is node:
            return isinstance(above.key, code.Slice) or _is_first_or_last(above.key, flow.how)
        if isinstance(above, code.Assign) and any(isinstance(t, code.Sequence) for t in above.targets):
            return False  # `name, value = text.split(":")`
        if isinstance(above, code.Member) and above.base is node and flow.how.startswith("re"):
            return False  # `re.search(…).group()`
        return self._tested(above, unit) if flow.how.startswith("re") else True

    def _tested(self, above: code.Node | None, unit: Unit) -> bool:
        """Whether a match that is kept under a name is looked at before it is used."""
        if not isinstance(above, code.Assign) or not isinstance(above.targets[0], code.Name):
            return True
        name = above.targets[0].id
        tests = _tests(unit)
        return any(isinstance(n, code.Name) and n.id == name for t in tests for n in code.walk(t)) or not any(
            isinstance(n, code.Member) and isinstance(n.base, code.Name) and n.base.id == name for n in unit.parents
        )

    def _external(self, node: code.Expression, unit: Unit) -> Iterator[str]:
        if isinstance(node, code.Call):
            for value in self._core.resolver.values(node.function, unit):
                if isinstance(value, External):
                    yield value.path

    def _asks_again(self, node: code.Expression, unit: Unit) -> bool:
        """Whether the parser itself has the answer mended: `OutputFixingParser.from_llm(...).parse(text)`."""
        return any(self._known.asking_again.find(path.rpartition(".")[0]) for path in self._external(node, unit))

    def _call_handled(self, call: ModelCall) -> bool:
        failure = self._failures.get(call)
        return failure is not None and bool(failure.paths) and all(p.handled for p in failure.paths)

    def _looks_at_nothing(self, parsed: ParsedCall) -> bool:
        """Whether the unit that asks tests what it got for being there: `if answer.parsed is None`."""
        call = parsed.call
        for node, unit in call.runs:
            if unit.at(node) != parsed.place:
                continue
            names = {t.id for above in unit.enclosing(node) if isinstance(above, code.Assign) for t in above.targets
                     if isinstance(t, code.Name)}  # fmt: skip
            names |= {b for b, bound in unit.bindings.items()
                      if any(x.value is not None and _mentions(x.value, names) for x in bound)}  # fmt: skip
            for test in _tests(unit):
                if _tests_for_nothing(test, names):
                    return True
        return False

    # -- defaults ----------------------------------------------------------------------------------------------

    def _lenient(self, flow: Flow) -> bool:
        """Whether what is parsed is only read by `.get()`."""
        unit, node = flow.unit, flow.node
        above = unit.parents.get(node) if node is not None else None
        if isinstance(above, code.Member):
            return above.name == "get"
        if not isinstance(above, code.Assign) or not isinstance(above.targets[0], code.Name):
            return False
        name = above.targets[0].id
        uses = [p for n, p in unit.parents.items() if isinstance(n, code.Name) and n.id == name and p is not above]
        return bool(uses) and all(isinstance(p, code.Member) and p.name == "get" for p in uses)


def _is_first_or_last(key: code.Expression, how: str) -> bool:
    """`[0]` and `[-1]` of a text that was cut are always there; of matches they are not."""
    if how.startswith("re"):
        return False
    if isinstance(key, code.Operation) and key.operator == "-":
        key = key.operands[0]
        return isinstance(key, code.Constant) and key.value == 1
    return isinstance(key, code.Constant) and key.value == 0


def _tests(unit: Unit) -> list[code.Expression]:
    """The conditions that a unit branches on."""
    return [n.test for n in dict.fromkeys(unit.parents.values()) if isinstance(n, code.If | code.Choice)]


def _mentions(expression: code.Expression, names: set[str]) -> bool:
    return any(isinstance(n, code.Name) and n.id in names for n in code.walk(expression))


def _tests_for_nothing(test: code.Expression, names: set[str]) -> bool:
    """`if not answer`, `if answer.parsed is None`, `if message.refusal`."""
    for node in code.walk(test):
        if isinstance(node, code.Member) and node.name == "refusal" and _mentions(node, names):
            return True
        if isinstance(node, code.Operation) and node.operator in ("is", "is not", "not", "==", "!="):
            nothing = node.operator == "not" or any(
                isinstance(o, code.Constant) and o.value is None for o in node.operands
            )
            if nothing and any(isinstance(o, code.Name | code.Member) and _mentions(o, names) for o in node.operands):
                return True
    return isinstance(test, code.Name | code.Member) and _mentions(test, names)
