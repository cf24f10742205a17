"""Values that come from the environment, with the defaults that hold where it is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.units import Unit, dotted
from readiness.facts.linking.values import Known, Value, Values, Variable

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

READERS = frozenset({"os.getenv()", "os.environ.get()", "os.environ[]", "decouple.config()"})
"""What reads a variable of the environment."""


class Environment:
    """Reads `os.getenv` and the project functions that wrap it."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def getter(self, unit: Unit) -> tuple[int, int, str] | None:
        """The positions of name and default, and the default's name, of a project function that reads a variable."""
        names = [p.name for p in unit.function.parameters] if unit.function else []
        if unit.owner is not None or not 1 <= len(names) <= 4:
            return None
        for call in unit.calls:
            first = call.arguments[0] if call.arguments else None
            if isinstance(first, code.Name) and first.id in names and f"{dotted(call.function)}()" in READERS:
                position = names.index(first.id)
                other = next((i for i, n in enumerate(names) if "default" in n or n in ("fallback", "d")), -1)
                return position, other, names[other] if other >= 0 else "default"
        return None

    def read(
        self, call: code.Call, unit: Unit, name_at: int = 0, default_at: int = 1, default_name: str = "default"
    ) -> Values:
        """What reading a variable gives: what the repository sets it to, else the default given."""
        given = call.arguments[default_at] if 0 <= default_at < len(call.arguments) else None
        default = given if given is not None else call.keyword(default_name)
        name = self._resolver.constant(call.arguments[name_at], unit) if name_at < len(call.arguments) else None
        defaults = self._resolver.values(default, unit) if default is not None else ()
        return (self.variable(str(name), defaults), *defaults[1:])

    def variable(self, name: str, defaults: Values) -> Value:
        """The value of a variable; `defaults` holds where nothing sets it."""
        configured = self._resolver.settings.variable(name)
        if configured is not None:
            return configured
        match defaults[:1]:
            case (Known(value, place),):
                return Known(value, place, name)
            case (first,):
                return first
        return Variable(name)
