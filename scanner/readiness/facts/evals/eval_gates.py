"""Where a score decides: an assertion, an exit or an exception that depends on a comparison with a metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTests
from readiness.facts.evals.eval_metrics import Metrics, number
from readiness.facts.evals.eval_tools import load_eval_tools
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue
from readiness.facts.place import Place

_ORDER = frozenset({"<", "<=", ">", ">="})
_EXITS = frozenset(
    {"sys.exit", "exit", "quit", "os._exit", "pytest.fail", "SystemExit", "typer.Exit", "click.exceptions.Exit"}
)
_SUCCESS = frozenset({"is_successful", "success", "passed", "all_passed"})
_NOT_SCORES = frozenset({"len", "isinstance", "hasattr", "type"})
MAX_HOPS = 5


@dataclass(frozen=True, slots=True)
class Gate:
    """What fails the run when a score is bad. `trivial`: it compares with a bound that no score can miss."""

    place: Place
    text: str
    trivial: bool = False


class Gates:
    """Finds the gates on metrics."""

    def __init__(self, core: Core, metrics: Metrics, tests: CollectedTests) -> None:
        self._core, self._metrics, self._tests, self._tools = core, metrics, tests, load_eval_tools()
        self._deciding: dict[tuple[Unit, int], bool] = {}

    def of(self, unit: Unit) -> Iterator[Gate]:
        """The gates in one unit."""
        for node in unit.parents:
            match node:
                case code.Assert(test=test) if self._is_scored(test, unit) or self._is_verdict_of_score(test, unit):
                    yield Gate(unit.at(node), "assert on a score", self._is_trivial(test, unit))
                case code.Raise() | code.Call() if _ends(node) or self._never_returns(node, unit):
                    yield from self._ending(node, unit)
                case code.Call() if self._is_gate(node, unit):
                    yield Gate(unit.at(node), f"{last_name(node.function)}(...)", self._zero_threshold(unit))
        for statement in unit.body:  # statements of the top level have no parent
            if isinstance(statement, code.Assert) and (
                self._is_scored(statement.test, unit) or self._is_verdict_of_score(statement.test, unit)
            ):
                yield Gate(unit.at(statement), "assert on a score", self._is_trivial(statement.test, unit))

    def _is_gate(self, call: code.Call, unit: Unit) -> bool:
        values = self._core.resolver.values(call.function, unit)[:3]
        return any(isinstance(v, External) and self._tools.gates.fullmatch(v.path) for v in values)

    def _zero_threshold(self, unit: Unit) -> bool:
        """Whether every threshold of the module's metrics is written as nothing."""
        given = [
            k.value
            for u in self._metrics.by_unit
            if u.module is unit.module
            for c in u.calls
            if c in self._metrics.nodes
            for k in c.keywords
            if k.name == "threshold"
        ]
        numbers = [number(self._core, e, unit) for e in given]
        return bool(numbers) and all(n is not None and n <= 0 for n in numbers)

    # -- assertions --------------------------------------------------------------------------------------------

    def _is_scored(self, test: code.Expression, unit: Unit) -> bool:
        """Whether an assertion depends on a score: a comparison of one, or the success a metric reports."""
        for node in code.walk(test):
            compares = isinstance(node, code.Operation) and _is_order(node)
            if compares and any(not _is_size(o) and self.flows(o, unit) for o in _operands(node)):
                return True
            if isinstance(node, code.Member) and node.name in _SUCCESS and self.flows(node.base, unit):
                return True
        return False

    def _is_trivial(self, test: code.Expression, unit: Unit) -> bool:
        comparisons = [n for n in code.walk(test) if isinstance(n, code.Operation) and _is_order(n)]
        return bool(comparisons) and all(self._cannot_fail(c, unit) for c in comparisons)

    def _cannot_fail(self, comparison: code.Operation, unit: Unit) -> bool:
        numbers = [number(self._core, o, unit) for o in comparison.operands]
        operators = comparison.operator.split()
        if len(operators) == 2:  # `0 <= score <= 1`, `1 <= grade <= 5`: the scale itself
            low, high = numbers[0], numbers[-1]
            return low is not None and high is not None and (low <= 0 or low == 1 < high) and high >= 1
        above, below = (numbers[-1], numbers[0]) if operators[0] in (">", ">=") else (numbers[0], numbers[-1])
        return (above is not None and above <= 0) or (
            below is not None and below >= 1 and above is None and operators[0] in ("<=", ">=") and below == 1
        )

    # -- exits and exceptions ----------------------------------------------------------------------------------

    def _ending(self, node: code.Node, unit: Unit) -> Iterator[Gate]:
        for condition in self._conditions(node, unit):
            if self._is_decided(condition, unit):
                yield Gate(unit.at(node), "a bad score ends the run", self._is_trivial(condition, unit))
                return
        call = node.value if isinstance(node, code.Raise) else node
        for argument in call.arguments[:1] if isinstance(call, code.Call) else ():
            if self._is_code_of(argument, unit):
                yield Gate(unit.at(node), "the exit code follows the score")
                return

    def _conditions(self, node: code.Node, unit: Unit) -> Iterator[code.Expression]:
        for above in unit.enclosing(node):
            if isinstance(above, code.If):
                yield above.test

    def _is_decided(self, condition: code.Expression, unit: Unit) -> bool:
        """Whether a condition is a comparison of a score, or a name that holds one, or counted failures."""
        if self._is_verdict(condition, unit):
            return True
        names = {m.name for m in self._metrics.by_unit.get(unit, ())}
        return any(isinstance(node, code.Name) and node.id in names for node in code.walk(condition))

    def _is_verdict(self, expression: code.Expression, unit: Unit, hops: int = MAX_HOPS) -> bool:
        """Whether an expression tells if scores are good enough.

        That is a comparison of one, a name that holds one, the list of what fell short, or a function that returns
        these.
        """
        if self._is_scored(expression, unit):
            return True
        for node in code.walk(expression):
            if isinstance(node, code.Name):
                bindings = [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
                if any(self._is_scored(b, unit) or (hops and self._asks(b, unit, hops)) for b in bindings):
                    return True
                if self._collects(node.id, unit):
                    return True
            if isinstance(node, code.Call) and hops and any(self._decides(u, hops) for u in self._called(node, unit)):
                return True
        return False

    def _asks(self, expression: code.Expression, unit: Unit, hops: int) -> bool:
        """Whether a value is what a function returned that decides."""
        value = expression.value if isinstance(expression, code.Await) else expression
        return isinstance(value, code.Call) and any(self._decides(u, hops) for u in self._called(value, unit))

    def _collects(self, name: str, unit: Unit) -> bool:
        """Whether a list is given an item wherever a score falls short: `if score < least: failures.append(…)`."""
        for call in unit.calls:
            match call.function:
                case code.Member(base=code.Name(id=owner), name="append" | "add" | "extend") if owner == name:
                    if any(self._is_scored(test, unit) for test in self._conditions(call, unit)):
                        return True
        return False

    def _decides(self, unit: Unit, hops: int = MAX_HOPS) -> bool:
        """Whether what a function returns tells whether a score is good enough."""
        known = self._deciding.get((unit, hops))
        if known is None:
            self._deciding[unit, hops] = False  # a function that asks itself decides nothing by that
            known = any(self._is_verdict(r, unit, hops - 1) for r in unit.returns) or any(
                self._is_verdict(test, unit, hops - 1) for r in _returns(unit) for test in self._conditions(r, unit)
            )
            self._deciding[unit, hops] = known
        return known

    def _is_verdict_of_score(self, test: code.Expression, unit: Unit) -> bool:
        """Whether an assertion asks a function for its verdict on a score: `assert verdict(run) == []`."""
        return any(
            isinstance(node, code.Call)
            and any(self.flows(a, unit) for a in (*node.arguments, *(k.value for k in node.keywords)))
            and any(self._decides(u) for u in self._called(node, unit))
            for node in code.walk(test)
        )

    def _never_returns(self, node: code.Node, unit: Unit) -> bool:
        """Whether a call is of a project function that always ends the run: `fail("too low")`, whose body raises."""
        if not isinstance(node, code.Call) or not isinstance(node.function, code.Name | code.Member):
            return False
        for value in self._core.resolver.values(node.function, unit)[:2]:
            if isinstance(value, FunctionValue) and value.unit.function is not None:
                last = value.unit.body[-1] if value.unit.body else None
                ended = last.value if isinstance(last, code.Evaluate) else last
                if ended is not None and _ends(ended):
                    return True
        return False

    def _is_code_of(self, argument: code.Expression, unit: Unit) -> bool:
        """An exit code that a comparison chose: `1 if score < 0.8 else 0`, or what `main()` returned for it."""
        for node in code.walk(argument):
            if isinstance(node, code.Choice) and self._is_decided(node.test, unit):
                return True
            if isinstance(node, code.Call) and any(self._decides_code(u) for u in self._called(node, unit)):
                return True
            if isinstance(node, code.Operation) and self._is_decided(node, unit):
                return True
            if isinstance(node, code.Name):
                for binding in unit.bindings.get(node.id, ()):
                    if isinstance(binding.value, code.Call) and any(
                        self._decides_code(u) for u in self._called(binding.value, unit)
                    ):
                        return True
        return False

    def _decides_code(self, unit: Unit) -> bool:
        if any(
            isinstance(n, code.Choice) and self._is_decided(n.test, unit) for r in unit.returns for n in code.walk(r)
        ):
            return True
        return any(
            self._is_decided(t, unit) for r in _returns(unit) if r.value is not None for t in self._conditions(r, unit)
        ) or any(self._is_scored(r, unit) for r in unit.returns)

    def _called(self, call: code.Call, unit: Unit) -> Iterator[Unit]:
        """The functions whose answer a call gives: the one called, or the one it is handed to run."""
        inner = call.arguments[0] if dotted(call.function) in ("asyncio.run", "anyio.run") and call.arguments else call
        target = inner.function if isinstance(inner, code.Call) else inner
        called = [v.unit for v in self._tests.values(target, unit)[:3] if isinstance(v, FunctionValue)]
        yield from called
        for argument in call.arguments[:3] if called else ():
            if isinstance(argument, code.Name | code.Member):
                for value in self._core.resolver.values(argument, unit)[:2]:
                    if isinstance(value, FunctionValue):
                        yield value.unit

    # -- where a value comes from ------------------------------------------------------------------------------

    def flows(
        self, expression: code.Expression, unit: Unit, hops: int = MAX_HOPS, seen: set[object] | None = None
    ) -> bool:
        """Whether a value comes from a metric, as far as assignments, calls and parameters show."""
        seen = set() if seen is None else seen
        for node in code.walk(expression):
            if node in self._metrics.nodes:
                return True
            if isinstance(node, code.Name) and hops and (node.id, unit) not in seen:
                seen.add((node.id, unit))
                if any(m.name == node.id for m in self._metrics.by_unit.get(unit, ())):
                    return True
                bindings = [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
                if any(self.flows(b, unit, hops - 1, seen) for b in bindings[:8]):
                    return True
                if not bindings and self._given(node.id, unit, hops, seen):
                    return True
            if isinstance(node, code.Call) and hops:
                for value in self._tests.values(node.function, unit)[:3]:
                    scored = value.unit if isinstance(value, FunctionValue) else None
                    if isinstance(value, ClassValue):
                        scored = value.info.methods.get("__init__")
                    if scored is not None and self._metrics.scoring.get(scored, 9) <= 3:
                        return True
        return False

    def _given(self, name: str, unit: Unit, hops: int, seen: set[object]) -> bool:
        """Whether a parameter is given a score: by a fixture, or by those who call."""
        parameter = unit.parameter(name)
        if parameter is None:
            return False
        fixture = self._tests.fixture(name, unit)
        if fixture is not None:
            return fixture.unit in self._metrics.scoring
        given = list(self._core.resolver.classes.arguments(unit, parameter))[:6]
        return any(self.flows(argument, caller, hops - 1, seen) for argument, caller in given)


def _ends(node: code.Node) -> bool:
    """Whether a node raises an exception or ends the process."""
    if isinstance(node, code.Raise):
        return node.value is not None
    return isinstance(node, code.Call) and dotted(node.function) in _EXITS


def _is_order(operation: code.Operation) -> bool:
    return bool(set(operation.operator.split()) & _ORDER)


def _operands(node: code.Node) -> list[code.Expression]:
    return node.operands if isinstance(node, code.Operation) else []


def _is_size(expression: code.Expression) -> bool:
    return isinstance(expression, code.Call) and last_name(expression.function) in _NOT_SCORES


def _returns(unit: Unit) -> Iterator[code.Return]:
    yield from (node for node in unit.parents if isinstance(node, code.Return))
