"""Whether all callers show the same key: what they send is held against one configured value."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.extract import code
from readiness.facts.governance.credentials import Credentials, Look
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Known, Variable

_DIGESTS = frozenset({"hmac.new", "hmac.digest", "hmac.HMAC"})
_DEPTH = 4


class SharedKeys:
    """Tells configured values from what a user table or a signature gives."""

    def __init__(self, resolver: Resolver, credentials: Credentials) -> None:
        self._resolver, self._credentials = resolver, credentials

    def only(self, units: Iterable[Unit]) -> bool:
        """Whether a shared key is all that these units ask for."""
        shared = False
        for unit in units:
            look = self._credentials.look(unit)
            if look.raising or self._signs(unit):
                return False
            for one, other in look.compared:
                if self._is_configured(other, unit, look, 0) or self._is_configured(one, unit, look, 0):
                    shared = True
        return shared

    def _signs(self, unit: Unit) -> bool:
        """Whether it works out a signature over the body: that proves the sender and what was sent."""
        return any(
            _dotted_end(call.function) in _DIGESTS or last_name(call.function) in ("HMAC", "hmac_sha256")
            for call in unit.calls
        )

    def _is_configured(self, expression: code.Expression, unit: Unit, look: Look, depth: int) -> bool:
        """Whether an expression is one value of the configuration, the same for every caller."""
        if depth > _DEPTH or self._credentials.mentions(expression, unit, look.names):
            return False
        match expression:
            case code.Constant(value=value):
                return isinstance(value, str | bytes) and len(value) > 2
            case code.Name(id=name):
                return self._is_configured_name(name, expression, unit, look, depth)
            case code.Member(base=code.Name(id="self" | "cls")):
                return True
            case code.Member(base=base):
                return self._is_configured(base, unit, look, depth + 1)
            case code.Index(base=base, key=key):
                return isinstance(key, code.Constant) and self._is_configured(base, unit, look, depth + 1)
            case code.Call(function=function, arguments=arguments):
                given = all(
                    isinstance(a, code.Constant) or self._is_configured(a, unit, look, depth + 1) for a in arguments
                )
                if isinstance(function, code.Member):
                    return given and self._is_configured(function.base, unit, look, depth + 1)
                return given
            case code.Template(parts=parts):
                return any(
                    not isinstance(p, code.Constant) and self._is_configured(p, unit, look, depth + 1) for p in parts
                )
            case code.Operation(operands=operands):
                return any(self._is_configured(o, unit, look, depth + 1) for o in operands)
            case _:
                return False

    def _is_configured_name(self, name: str, expression: code.Expression, unit: Unit, look: Look, depth: int) -> bool:
        if unit.parameter(name) is not None:
            values = self._resolver.values(expression, unit)
            return any(isinstance(v, Variable) or (isinstance(v, Known) and bool(v.variable)) for v in values)
        bindings = unit.bindings.get(name)
        return not bindings or any(
            b.how == "value" and b.value is not None and self._is_configured(b.value, unit, look, depth + 1)
            for b in bindings
        )


def _dotted_end(function: code.Expression) -> str:
    if isinstance(function, code.Member) and isinstance(function.base, code.Name):
        return f"{function.base.id}.{function.name}"
    return ""
