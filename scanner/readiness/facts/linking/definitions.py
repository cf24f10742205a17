"""From a name to the expressions that define it: what stands in the code, where values alone are not enough.

The resolver answers with values; a text's place, its pieces and the file it is read from are known only from the
expression that makes it. `Definitions.of` goes one step back at a time and leaves what it cannot follow.
"""

from __future__ import annotations

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Binding, ClassInfo, ModuleInfo, Unit
from readiness.facts.linking.values import Bound, ClassValue, FunctionValue, Instance, Items, Known, ModuleValue
from readiness.repository.tree import Role

Defined = list[tuple[code.Expression, Unit]]
MAX_DEFINITIONS = 12
"""Definitions of one name that are followed: more is a registry."""


class Definitions:
    """One step back from an expression."""

    def __init__(self, resolver: Resolver, *, parts: bool = False) -> None:
        """With `parts`, a name that takes one part of something (`head, _, body = text.partition(…)`) is all of it."""
        self._resolver = resolver
        self._followed = {"value", "augmented", "context", "item", *(("part",) if parts else ())}

    def of(self, expression: code.Expression, unit: Unit) -> tuple[Defined, bool]:
        """The expressions behind a name, member, item or call of project code; whether they add up (`+=`)."""
        match expression:
            case code.Name():
                return self._name(expression, unit)
            case code.Member():
                return self._member(expression, unit)[:MAX_DEFINITIONS], False
            case code.Index():
                return self._item(expression, unit)[:MAX_DEFINITIONS], False
            case code.Call():
                return self._returned(expression, unit)[:MAX_DEFINITIONS], False
            case _:
                return [], False

    def _name(self, name: code.Name, unit: Unit) -> tuple[Defined, bool]:
        scope: Unit | None = unit
        while scope is not None:
            if scope is unit or scope.function is not None or scope.is_module:
                if name.id in scope.bindings:
                    bindings = self._resolver.reaching(name.id, scope, name if scope is unit else None)
                    adds = any(b.how == "augmented" for b in bindings)
                    found = self._values(bindings, scope)
                    parameter = scope.parameter(name.id)
                    if parameter is not None and not any(b.block == () and b.how != "augmented" for b in bindings):
                        found += self._passed(scope, parameter)
                    if found:
                        return found[:MAX_DEFINITIONS], adds
                parameter = scope.parameter(name.id)
                if parameter is not None:
                    return self._passed(scope, parameter)[:MAX_DEFINITIONS], False
                if name.id in scope.imports:
                    return self._imported(scope.imports[name.id], scope.module, 0)[:MAX_DEFINITIONS], False
                if name.id in scope.nested or name.id in scope.classes:
                    return [], False
            scope = scope.parent
        return [], False

    def _values(self, bindings: list[Binding], unit: Unit) -> Defined:
        return [(b.value, b.unit or unit) for b in bindings if b.value is not None and b.how in self._followed]

    def _passed(self, unit: Unit, parameter: code.Parameter) -> Defined:
        found: Defined = [(parameter.default, unit.parent or unit)] if parameter.default is not None else []
        found.extend((e, u) for e, u in self._resolver.classes.arguments(unit, parameter) if _is_used(u, unit))
        return found

    def _imported(self, statement: code.Import, importer: ModuleInfo, depth: int) -> Defined:
        module = self._resolver.program.find_module(statement.module, importer, statement.level)
        if module is None or statement.name is None or depth > 4:
            return []
        if statement.name in module.body.bindings:
            return self._values(module.body.bindings[statement.name], module.body)
        again = module.body.imports.get(statement.name)
        return self._imported(again, module, depth + 1) if again is not None else []

    def _member(self, member: code.Member, unit: Unit) -> Defined:
        found: Defined = []
        for value in self._resolver.values(member.base, unit):
            match value:
                case ModuleValue(info):
                    if member.name in info.body.bindings:
                        found += self._values(info.body.bindings[member.name], info.body)
                    elif member.name in info.body.imports:
                        found += self._imported(info.body.imports[member.name], info, 0)
                case Instance(info) | ClassValue(info):
                    found += self._attribute(info, member.name, value)
        return found

    def _attribute(self, info: ClassInfo, name: str, value: Instance | ClassValue) -> Defined:
        found: Defined = []
        if isinstance(value, Instance) and value.unit is not None:
            given = self._resolver.classes.given(value, name)
            if given is not None:
                found.append((given, value.unit))
        for owner in (info, *self._resolver.classes.bases(info)[0]):
            if name in owner.attributes:
                found += [(b.value, b.unit or u) for b, u in owner.attributes[name] if b.value is not None]
                break
            method = owner.methods.get(name)
            if method is not None:
                found += [(r, method) for r in method.returns]
                break
        return found

    def _item(self, index: code.Index, unit: Unit) -> Defined:
        found: Defined = []
        keys = [v.value for v in self._resolver.values(index.key, unit) if isinstance(v, Known)]
        for value in self._resolver.values(index.base, unit):
            if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                entries = [(k, v) for k, v in value.literal.items if k is not None]
                exact = [(v, value.unit) for k, v in entries if isinstance(k, code.Constant) and k.value in keys]
                found += exact or [(v, value.unit) for _, v in entries]
        return found

    def _returned(self, call: code.Call, unit: Unit) -> Defined:
        found: Defined = []
        for value in self._resolver.values(call.function, unit):
            inner = value.function if isinstance(value, Bound) else value
            if isinstance(inner, FunctionValue):
                found += [(r, inner.unit) for r in inner.unit.returns]
        return found


def _is_used(caller: Unit, unit: Unit) -> bool:
    """Whether what a caller passes counts: what tests and evaluations pass to serving code is not what it runs with."""
    return caller.module.role not in (Role.TEST, Role.EVAL) or caller.module.role is unit.module.role
