"""Who checks a value that came in: a schema it is read into, or a signature that proves its sender."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.inputs.request_knowledge import RequestKnowledge
from readiness.facts.inputs.size_tests import refuses
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import ClassValue, External, Instance

VALIDATION_HOPS = 4
"""How far from the handler a value may be checked and still be checked at the door."""


MAX_UNITS = 200
"""Units that are searched for a check of the sender."""


class RequestChecks:
    """Finds validations and signature checks among the units an entry point runs."""

    def __init__(self, core: Core, knowledge: RequestKnowledge) -> None:
        self._core, self._knowledge = core, knowledge
        self._validations: dict[Unit, list[tuple[code.Call, ClassInfo | None]]] = {}
        self._signatures: dict[Unit, list[code.Node]] = {}

    def validation(
        self, flow: Flow, within: Mapping[Unit, int], answers: Collection[ClassInfo] = ()
    ) -> tuple[code.Call, Unit, ClassInfo | None] | None:
        """The first call that checks the value of a flow against a schema, with the project's class if it is one.

        `answers` are the classes of what the handler answers with: to make one is no check of what came in.
        """
        for unit in (u for u, hops in within.items() if hops <= VALIDATION_HOPS):
            for call, info in self._validations_of(unit):
                if info is not None and info in answers and _called(call) == info.node.name:
                    continue
                receiver = call.function.base if isinstance(call.function, code.Member) else None
                given = [*call.arguments, *(k.value for k in call.keywords)]
                if receiver is not None and _called(call) in (
                    "is_valid",
                    "validate",
                    "validate_on_submit",
                    "run_validation",
                ):
                    given.append(receiver)
                if any(flow.holds(argument, unit) for argument in given):
                    return call, unit, info
        return None

    def validating_decorator(self, unit: Unit) -> code.Expression | None:
        """The decorator that checks the request before the handler runs."""
        for decorator in unit.function.decorators if unit.function else ():
            for value in self._core.resolver.values(decorator, unit.parent or unit):
                if isinstance(value, External) and value.path in self._knowledge.decorators:
                    return decorator
        return None

    def answers(self, units: list[Unit]) -> set[ClassInfo]:
        """The classes that handlers answer with: in what they say they return, or in `response_model=`."""
        found: set[ClassInfo] = set()
        for unit in units:
            if unit.function is None:
                continue
            named = [unit.function.returns] if unit.function.returns is not None else []
            for decorator in unit.function.decorators:
                given = decorator.keyword("response_model") if isinstance(decorator, code.Call) else None
                named += [given] if given is not None else []
            for annotation in named:
                self._named_in(annotation, unit.parent or unit, found)
        return found

    def _named_in(self, annotation: code.Expression, unit: Unit, found: set[ClassInfo]) -> None:
        """Add the classes that an annotation names, and those of their fields."""
        for node in code.walk(annotation):
            if isinstance(node, code.Name | code.Member):
                for value in self._core.resolver.values(node, unit):
                    if isinstance(value, ClassValue) and value.info not in found:
                        found.add(value.info)
                        for known in value.info.attributes.values():
                            for binding, owner in known[:1]:
                                if binding.annotation is not None:
                                    self._named_in(binding.annotation, owner, found)

    def signature(self, starts: list[Unit]) -> tuple[code.Node, Unit] | None:
        """A check of the sender that every request must pass: no branch leads around it."""
        seen: set[Unit] = set()
        queue = list(starts)
        while queue:
            unit = queue.pop(0)
            if unit in seen:
                continue
            seen.add(unit)
            for node in self._signatures_of(unit):
                if not is_optional(node, unit):
                    return node, unit
            if len(seen) < MAX_UNITS:
                queue.extend(e.unit for e in self._core.graph.edges.get(unit, ()) if not is_optional(e.node, unit))
        return None

    def _validations_of(self, unit: Unit) -> list[tuple[code.Call, ClassInfo | None]]:
        known = self._validations.get(unit)
        if known is None:
            known = self._validations[unit] = list(self._find_validations(unit))
        return known

    def _find_validations(self, unit: Unit) -> Iterator[tuple[code.Call, ClassInfo | None]]:
        for call in unit.calls:
            for value in self._core.resolver.values(call.function, unit):
                if isinstance(value, External) and value.path in self._knowledge.validators:
                    yield call, self._model_among(call, unit)
                    break
                if isinstance(value, ClassValue) and self._is_strict(value.info) and (call.keywords or call.arguments):
                    yield call, value.info
                    break
            if isinstance(call.function, code.Member):
                yield from self._by_method(call, call.function, unit)

    def _by_method(
        self, call: code.Call, function: code.Member, unit: Unit
    ) -> Iterator[tuple[code.Call, ClassInfo | None]]:
        if not any(function.name in v.methods for v in self._knowledge.validating):
            return
        for value in self._core.resolver.values(function.base, unit):
            if isinstance(value, ClassValue | Instance):
                external = self._core.resolver.classes.bases(value.info)[1]
                for known in self._knowledge.validating:
                    if function.name in known.methods and any(base in known.bases for base in external):
                        yield call, value.info
                        return

    def _model_among(self, call: code.Call, unit: Unit) -> ClassInfo | None:
        for argument in (*call.arguments, *(k.value for k in call.keywords)):
            if isinstance(argument, code.Name | code.Member):
                for value in self._core.resolver.values(argument, unit):
                    if isinstance(value, ClassValue):
                        return value.info
        return None

    def _is_strict(self, info: ClassInfo) -> bool:
        """Whether making an instance refuses wrong values: pydantic does, a plain dataclass does not."""
        external = self._core.resolver.classes.bases(info)[1]
        return any(base.startswith("pydantic.") and base in self._knowledge.models for base in external)

    def _signatures_of(self, unit: Unit) -> list[code.Node]:
        known = self._signatures.get(unit)
        if known is None:
            known = self._signatures[unit] = []
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._knowledge.verifiers:
                        known.append(call)
                        break
            known.extend(_header_tests(unit))
        return known


def is_optional(node: code.Node, unit: Unit) -> bool:
    """Whether a branch leads around a node and goes on as if nothing had been asked."""
    inner = node
    for outer in unit.enclosing(node):
        if isinstance(outer, code.If):
            if inner in outer.body and not _refuses_somewhere(outer.otherwise):
                return True
            if inner in outer.otherwise and not _refuses_somewhere(outer.body):
                return True
        elif isinstance(outer, code.Choice) and inner is not outer.test:
            return True
        inner = outer
    return False


def _header_tests(unit: Unit) -> Iterator[code.Node]:
    """Comparisons of a header with a secret whose wrong side refuses."""
    for node in (*unit.parents, *unit.body):
        if not isinstance(node, code.If):
            continue
        if any(_compares_header(n, unit) for n in code.walk(node.test)) and (
            refuses(node.body) or refuses(node.otherwise)
        ):
            yield node


def _compares_header(node: code.Node, unit: Unit) -> bool:
    """`headers["x-token"] != secret`; compared with a literal it is no secret."""
    return (
        isinstance(node, code.Operation)
        and node.operator in ("==", "!=")
        and len(node.operands) == 2
        and any(_is_header(o, unit) for o in node.operands)
        and not any(isinstance(o, code.Constant) for o in node.operands)
    )


def _is_header(expression: code.Expression, unit: Unit) -> bool:
    expressions = [expression]
    if isinstance(expression, code.Name):
        expressions += [b.value for b in unit.bindings.get(expression.id, ()) if b.value is not None]
    return any(isinstance(n, code.Member) and n.name == "headers" for e in expressions for n in code.walk(e))


def _refuses_somewhere(statements: list[code.Statement]) -> bool:
    return any(isinstance(n, code.Raise | code.Return) for n in code.walk(statements))


def _called(call: code.Call) -> str:
    return call.function.name if isinstance(call.function, code.Member) else getattr(call.function, "id", "")
