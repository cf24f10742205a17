"""What ends spending on models: budgets that stop calls, limits of one run, alerts of a cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.inputs.size_tests import refuses
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Known
from readiness.facts.place import Evidence, Place
from readiness.facts.scale.knowledge import ScaleKnowledge, load_scale, paths_of
from readiness.repository.tree import Role

_LOCAL = re.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0|host\.docker\.internal|:11434")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ORDER = frozenset({">", ">=", "<", "<="})


@dataclass(frozen=True, slots=True)
class Budget:
    """One bound on spending: `stops` calls over a time, bounds one `run`, or only tells (neither)."""

    place: Place
    text: str
    stops: bool
    run: bool = False
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class Spending:
    """Whether the service pays for models, and what bounds the bill."""

    paid: tuple[ModelCall, ...]
    budgets: tuple[Budget, ...]
    told: tuple[Evidence, ...]
    """Documents that name a provider's page of limits."""


def find_spending(core: Core, requests: list[RequestEntry]) -> Spending:
    """The paid calls of serving code, and what bounds them."""
    known = load_scale()
    paid = tuple(c for c in core.calls if c.role is Role.SERVING and not c.is_probe and _is_paid(c, known))
    if not paid:
        return Spending((), (), ())
    reached = dict.fromkeys(u for r in requests for u in core.reached_from(r.entry)) or core.started
    finder = _Finder(core, known)
    found = [*finder.of_gateways()]
    for unit in core.serving_units():
        is_reached = unit in reached or (unit.is_module and core.imports.importable(unit))
        found.extend(finder.of_unit(unit, is_reached))
    return Spending(paid, tuple(sorted(found, key=lambda b: (not b.stops, b.run, b.place))), finder.told())


def _is_paid(call: ModelCall, known: ScaleKnowledge) -> bool:
    if not call.remote or call.kind == "predict" or call.sdk.name in known.unbilled:
        return False
    address = call.setting("base_url").value
    return not (isinstance(address, str) and _LOCAL.search(address))


class _Finder:
    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known

    def of_gateways(self) -> Iterator[Budget]:
        """Budgets in the configuration of a gateway, and those of a cloud."""
        observations = self._core.observations
        for path, documents in observations.documents.items():
            if observations.files[path].role is not Role.SERVING:
                continue
            for document in documents:
                for key, value in document.find(*self._known.budget_keys):
                    if isinstance(value.value, int | float | str) and value.value:
                        yield Budget(Place(path, value.line, value.end_line), key, stops=True)
                for _, value in document.find("Type", "type"):
                    if isinstance(value.value, str) and value.value in self._known.budget_alerts:
                        yield Budget(Place(path, value.line, value.end_line), value.value, stops=False)
        for path, text in observations.sources.items():
            if path.endswith((".tf", ".bicep")):
                for match in self._known.budget_alert_lines.finditer(text):
                    line = text.count("\n", 0, match.end()) + 1
                    yield Budget(Place(path, line, line), match.group(0).strip(), stops=False)

    def told(self) -> tuple[Evidence, ...]:
        """Where a document sends its reader to a provider's page of limits."""
        found = []
        for path in self._core.observations.markdown:
            text = self._core.observations.sources.get(path, "")
            for match in self._known.budget_pages.finditer(text):
                line = text.count("\n", 0, match.end()) + 1
                found.append(Evidence(Place(path, line, line), match.group(0)))
        return tuple(found)

    def of_unit(self, unit: Unit, is_reached: bool) -> Iterator[Budget]:
        """The bounds that one unit sets or keeps."""
        for member, binding in unit.members:
            for path in paths_of(member, unit, self._core.resolver) if member.name == "max_budget" else ():
                if path in self._known.budget_settings and binding.value is not None:
                    yield Budget(unit.at(member), path, stops=True, reachable=is_reached)
        for call in unit.calls:
            if isinstance(call.function, code.Name | code.Member):
                yield from self._of_call(call, unit, is_reached)
        yield from self._kept(unit, is_reached)

    def _of_call(self, call: code.Call, unit: Unit, is_reached: bool) -> Iterator[Budget]:
        arguments = [k.name for k in call.keywords if k.name in self._known.run_limit_arguments]
        named = last_name(call.function)
        if not arguments and not named.startswith(("Budget", "create_budget", "get_current_cost", "update_cost")):
            return
        for path in paths_of(call.function, unit, self._core.resolver):
            if arguments and path in self._known.run_limits:
                yield Budget(unit.at(call), f"{named}({arguments[0]}=…)", stops=False, run=True, reachable=is_reached)
            elif path in self._known.budget_guards:
                yield Budget(unit.at(call), path.replace("()", ""), stops=True, reachable=is_reached)

    def _kept(self, unit: Unit, is_reached: bool) -> Iterator[Budget]:
        """A comparison of what was spent with a limit, and what happens then."""
        if unit.function is None:
            return
        for node in unit.parents:
            if not isinstance(node, code.Operation) or node.operator not in _ORDER or not self._measures(node, unit):
                continue
            if self._off(node, unit):
                yield Budget(unit.at(node), "a budget that the shipped settings leave off", stops=False)
            elif self._ends(node, unit):
                yield Budget(unit.at(node), "a budget of the project's own", stops=True, reachable=is_reached)
                return

    def _measures(self, comparison: code.Operation, unit: Unit) -> bool:
        """Whether a comparison holds what was spent, and is kept somewhere, against a limit."""
        words = {w for o in comparison.operands for w in self._words(o, unit, 2)}
        if not words.isdisjoint(self._known.other_budget_words):
            return False
        money = not words.isdisjoint(self._known.money_words)
        counted = not words.isdisjoint(self._known.usage_words) and not words.isdisjoint(self._known.period_words)
        return (money or counted) and any(self._is_kept(o, unit, 3) for o in comparison.operands)

    def _words(self, expression: code.Expression, unit: Unit, depth: int) -> Iterator[str]:
        for node in code.walk(expression):
            name = node.id if isinstance(node, code.Name) else node.name if isinstance(node, code.Member) else ""
            yield from (w.lower() for w in _WORD.findall(name))
            if isinstance(node, code.Name) and depth:
                for binding in unit.bindings.get(node.id, ()):
                    if binding.value is not None:
                        yield from self._words(binding.value, unit, depth - 1)

    def _is_kept(self, expression: code.Expression, unit: Unit, depth: int) -> bool:
        """Whether a value outlives the request: read from a table, a store, a counter of an object or a module."""
        match expression:
            case code.Constant():
                return False
            case code.Name(id=name):
                bound = [b.value for b in unit.bindings.get(name, ()) if b.value is not None]
                if not bound:
                    return False
                return depth > 0 and any(self._is_kept(b, unit, depth - 1) for b in bound)
            case code.Await(value=inner):
                return self._is_kept(inner, unit, depth)
            case code.Call(arguments=[code.Constant(value=str()), *_]):
                return False  # `settings.get("daily_budget")`
            case code.Call(function=function):
                return isinstance(function, code.Member | code.Name) and last_name(function) not in _PLAIN
            case code.Index(base=base):
                return self._is_kept(base, unit, depth) or isinstance(base, code.Member | code.Name)
            case code.Member(base=base):
                # A member of what a parameter brings may be a limit; of the object, a row or a table it is kept.
                return not self._is_setting(expression, unit) and isinstance(base, code.Name | code.Member | code.Index)
            case code.Operation(operands=operands) | code.Sequence(items=operands):
                return any(self._is_kept(o, unit, depth) for o in operands)
            case code.Choice(then=then, otherwise=otherwise):
                return self._is_kept(then, unit, depth) or self._is_kept(otherwise, unit, depth)
            case _:
                return False

    def _is_setting(self, expression: code.Expression, unit: Unit) -> bool:
        return any(isinstance(v, Known) for v in self._core.resolver.values(expression, unit))

    def _off(self, node: code.Node, unit: Unit) -> bool:
        for above in unit.enclosing(node):
            if isinstance(above, code.If) and node not in code.walk(above.test):
                value = next(iter(self._core.resolver.values(above.test, unit)), None)
                if isinstance(value, Known) and not value.value:
                    return True
        return False

    def _ends(self, comparison: code.Operation, unit: Unit) -> bool:
        """Whether a comparison decides if a model is called: raised on, returned, or asked for in a statement."""
        inner: code.Node = comparison
        for above in unit.enclosing(comparison):
            match above:
                case code.If(test=test) if test is inner:
                    return refuses(above.body) or refuses(above.otherwise) or _chooses_model(above)
                case code.Return():
                    return True
                case code.Assign(targets=[code.Name(id=name)]):
                    return self._decides(name, unit)
                case code.Call() if last_name(above.function) in ("where", "filter", "having"):
                    return any(isinstance(n, code.If) and refuses(n.body) for n in (*unit.parents, *unit.body))
                case code.Statement():
                    return False
            inner = above
        return False

    def _decides(self, name: str, unit: Unit) -> bool:
        for node in (*unit.parents, *unit.body):
            if isinstance(node, code.If) and refuses(node.body):
                if any(isinstance(n, code.Name) and n.id == name for n in code.walk(node.test)):
                    return True
            elif isinstance(node, code.Return) and isinstance(node.value, code.Name) and node.value.id == name:
                return True
        return False


_PLAIN = frozenset(
    {"len", "sum", "min", "max", "int", "float", "round", "abs", "estimate_tokens", "count_tokens", "str"}
)
"""Calls that measure what they are given: the size of a text is no spending."""


def _chooses_model(branch: code.If) -> bool:
    """Whether a branch switches to another model: `model = CHEAP`."""
    return any(
        isinstance(s, code.Assign) and any("model" in last_name(t).lower() for t in s.targets) for s in branch.body
    )
