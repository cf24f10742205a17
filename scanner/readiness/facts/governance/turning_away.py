"""Statements that turn a caller away: an error 401 or 403, a closed socket, the way to the login page."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.governance.access_knowledge import AccessKnowledge
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import ClassValue, Instance

_STATUSES = frozenset({401, 403, 1008, 4001, 4003, 4401, 4403})
_STATUS_NAMES = ("UNAUTHORIZED", "FORBIDDEN", "WS_1008_POLICY_VIOLATION")
_LOGIN = ("login", "signin", "sign-in", "sign_in", "/auth")
_STOPPING = frozenset({"stop", "abort"})


class TurningAway:
    """Tells which statements refuse a caller."""

    def __init__(self, resolver: Resolver, knowledge: AccessKnowledge) -> None:
        self._resolver, self._knowledge = resolver, knowledge
        self._known: dict[Unit, tuple[code.Statement, ...]] = {}

    def denials(self, unit: Unit) -> tuple[code.Statement, ...]:
        """The statements of a unit that say 401 or 403 in one of the ways there are."""
        known = self._known.get(unit)
        if known is None:
            known = self._known[unit] = tuple(s for s in statements(unit) if self.denies(s, unit))
        return known

    def denies(self, statement: code.Statement, unit: Unit) -> bool:
        """Whether one statement does."""
        match statement:
            case code.Raise(value=code.Expression() as value):
                return self._is_denial(value, unit)
            case code.Return(value=code.Expression() as value) | code.Evaluate(value=value):
                inner = value.value if isinstance(value, code.Await) else value
                return self._says(inner, unit)
            case _:
                return False

    def _is_denial(self, raised: code.Expression, unit: Unit) -> bool:
        if self._says(raised, unit):
            return True
        function = raised.function if isinstance(raised, code.Call) else raised
        if isinstance(function, code.Name) and not isinstance(raised, code.Call):
            bound = [b.value for b in unit.bindings.get(function.id, ()) if b.value is not None]
            if any(self._says(value, unit) for value in bound):
                return True
        if self._knowledge.exceptions.search(last_name(function)):
            return True
        return any(
            any(self._of_class(info) for info in (value.info, *self._resolver.classes.bases(value.info)[0]))
            for value in self._resolver.values(function, unit)
            if isinstance(value, ClassValue | Instance)
        )

    def _of_class(self, info: ClassInfo) -> bool:
        """Whether an exception class carries the status itself: `status_code = 401`."""
        for name, bindings in info.attributes.items():
            for binding, owner in bindings:
                if binding.value is not None and ("code" in name or "status" in name):
                    value = _part(binding.value, binding.part) if binding.how == "part" else binding.value
                    if value is not None and _is_status(value):
                        return True
                    if value is not None and self._resolver.constant(value, owner) in _STATUSES:
                        return True
        return any(
            isinstance(c.function, code.Member) and c.function.name == "__init__" and self._says(c, method)
            for method in info.methods.values()
            for c in method.calls
        )

    def _says(self, value: code.Expression, unit: Unit) -> bool:
        """Whether an answer carries the status, or leads to the login page."""
        if isinstance(value, code.Sequence):
            return value.kind == "tuple" and any(_is_status(item) for item in value.items[1:])
        if not isinstance(value, code.Call):
            return False
        given = [*value.arguments, *(k.value for k in value.keywords)]
        if any(_is_status(argument) for argument in given):
            return True
        name = last_name(value.function).lower()
        if "redirect" in name:
            texts = (n.value for a in given for n in code.walk(a) if isinstance(n, code.Constant))
            return any(isinstance(t, str) and any(word in t.lower() for word in _LOGIN) for t in texts)
        if self._knowledge.exceptions.search(name):
            return True
        # A response that is sent by hand: `await JSONResponse(..., status_code=401)(scope, receive, send)`.
        if isinstance(value.function, code.Call):
            return self._says(value.function, unit)
        return any(isinstance(a, code.Call) and self._says(a, unit) for a in given[:2])


def statements(unit: Unit) -> Iterator[code.Statement]:
    """The statements of a unit, nested ones too, functions inside it left out."""
    yield from unit.body
    yield from (node for node in unit.parents if isinstance(node, code.Statement))


def leaves(block: list[code.Statement]) -> bool:
    """Whether a block ends what its function does: a return, a raise, a stop of the page."""
    for statement in block:
        if isinstance(statement, code.Return | code.Raise):
            return True
        if isinstance(statement, code.Jump) and statement.kind in ("continue", "break"):
            return True
        if isinstance(statement, code.Evaluate):
            value = statement.value.value if isinstance(statement.value, code.Await) else statement.value
            if isinstance(value, code.Call) and last_name(value.function) in _STOPPING:
                return True
    return False


def _is_status(value: code.Expression) -> bool:
    if isinstance(value, code.Constant):
        return (isinstance(value.value, int) and value.value in _STATUSES) or value.value in ("401", "403")
    name = last_name(value)
    return name.endswith(_STATUS_NAMES) or name in ("HTTP_401", "HTTP_403")


def _part(value: code.Expression, position: int) -> code.Expression | None:
    if isinstance(value, code.Sequence) and -len(value.items) <= position < len(value.items):
        return value.items[position]
    return None
