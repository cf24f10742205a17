"""What calls give: constructors, project functions, partials, and what parameters receive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.access import COMPOSERS
from readiness.facts.linking.aliases import alias_of
from readiness.facts.linking.branches import Branches
from readiness.facts.linking.environment import READERS
from readiness.facts.linking.pieces import CUTTING, cut
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import (
    MAX_ALTERNATIVES,
    NO_CALL,
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Generated,
    Instance,
    Items,
    Known,
    LambdaValue,
    Pipe,
    Step,
    Unknown,
    Value,
    Values,
)

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

_SAME = frozenset({"typing.cast", "copy.copy", "copy.deepcopy", "str", "fastapi.Depends", "pydantic.SecretStr"})
_OF_FIRST = frozenset(
    {"getattr", "next", "iter", "aiter", "anext", "enumerate", "list", "tuple", "sorted", "dict.fromkeys"}
)
"""Builtins that hand on what their first argument holds."""
_FIELD = frozenset(
    {"pydantic.Field", "dataclasses.field", "pydantic_settings.Field", "attr.ib", "attrs.field", "sqlmodel.Field"}
)


_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class Calling:
    """Resolves the result of calls, and the parameters of functions."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver, self._branches = resolver, Branches(resolver)

    def called(self, function: Value, call: code.Call, unit: Unit) -> Values:
        """What calling a value gives."""
        match function:
            case External():
                return self._external_call(function, call, unit)
            case FunctionValue(callee):
                getter = self._resolver.environment.getter(callee)
                if getter is not None:
                    return self._resolver.environment.read(call, unit, *getter)
                return self.returned(callee) or (Unknown(),)
            case ClassValue(info):
                return (Instance(info, call, unit),)
            case Instance(info):
                method = self._resolver.classes.method(info, "__call__")
                return self.returned(method) if method else (Unknown(),)
            case LambdaValue(node, owner):
                return self._resolver.values(node.body, owner)
            case Bound(function=Items() as mapping):
                default = self._resolver.values(call.arguments[1], unit) if len(call.arguments) > 1 else ()
                return (*self._resolver.item(mapping, call.arguments[0] if call.arguments else None, unit), *default)
            case Bound(function=Known() as known):
                return self._of_text(known, call, unit)
            case Bound(function=Instance() as same, call=bound) if bound is NO_CALL:
                return (same,)
            case Bound(function=inner):
                return self.called(inner, call, unit)
            case _:
                return (Unknown(),)

    def _of_text(self, text: Known, call: code.Call, unit: Unit) -> Values:
        """What a method of a known text gives: its pieces, or, of one that only tidies it, the text itself."""
        method = last_name(call.function)
        if method not in CUTTING:
            return (text,)
        given = [self._resolver.constant(a, unit) for a in call.arguments[:2]]
        return (cut(text, method, *given) or Unknown(),) if given else (Unknown(),)

    def _external_call(self, function: External, call: code.Call, unit: Unit) -> Values:
        path = _unsubscripted(function.path)
        base, _, method = path.rpartition(".")
        if f"{path}()" in READERS:
            return self._resolver.environment.read(call, unit)
        if path in _SAME or path in _FIELD:
            return self._wrapped(path, call, unit)
        if path.startswith(COMPOSERS) and path.endswith(".RunnableSequence"):
            return (Pipe(tuple(self._resolver.values(a, unit) for a in call.arguments), call, unit),)
        if path == "functools.partial" and call.arguments:
            return tuple(
                External(v.path, (*v.steps, Step(v.path, call, unit, "partial"))) if isinstance(v, External)
                else Bound(v, call, unit)
                for v in self._resolver.values(call.arguments[0], unit)
            )  # fmt: skip
        if path == "importlib.import_module" and len(call.arguments) == 1:
            name = self._resolver.constant(call.arguments[0], unit)
            return self._resolver.symbol(name, unit.module) if isinstance(name, str) and _DOTTED.fullmatch(name) else ()
        if path in _OF_FIRST and call.arguments:
            return self._builtin(path, call, unit)
        if method and self._resolver.symbols.is_modifier(base, method):
            same = External(base, (*function.steps, Step(base, call, unit, method)), function.typed)
            others = [k.value for k in call.keywords] if self._resolver.symbols.is_selector(method) else []
            chosen = self._resolver.union(others, unit)
            return (same, *(v for v in chosen if isinstance(v, External) and v.steps))
        return (External(f"{path}()", (*function.steps, Step(path, call, unit)), function.typed),)

    def _wrapped(self, path: str, call: code.Call, unit: Unit) -> Values:
        if path == "fastapi.Depends":
            return self._resolver.each(
                self._resolver.values(call.arguments[0], unit) if call.arguments else (),
                lambda v: self._resolver.each(self.called(v, call, unit), self._resolver.entered),
            )
        if path in _FIELD:
            default = call.keyword("default") or next(iter(call.arguments), None)
            if default is not None:
                return self._resolver.values(default, unit)
            factory = call.keyword("default_factory")
            return (
                self._resolver.each(self._resolver.values(factory, unit), lambda v: self.called(v, call, unit))
                if factory
                else ()
            )
        return self._resolver.values(call.arguments[-1], unit) if call.arguments else (Unknown(),)

    def _builtin(self, path: str, call: code.Call, unit: Unit) -> Values:
        values = self._resolver.values(call.arguments[0], unit)
        if path == "getattr":
            names = [v.value for v in self._resolver.values(call.arguments[1], unit) if isinstance(v, Known)] \
                if len(call.arguments) > 1 else []  # fmt: skip
            return (
                self._resolver.each(values, lambda v: self._resolver.member(v, str(names[0])))
                if names
                else (Unknown(),)
            )
        if path in ("next", "anext"):
            return self._resolver.each(values, self._resolver.items_of)
        return values

    def returned(self, unit: Unit) -> Values:
        """What a function of the repository returns."""
        if unit.function is None:
            return (Unknown(),)
        if unit.function.is_generator:
            return (Generated(unit),)
        in_order = self._branches.in_order
        found = self._resolver.once((unit, "returned"), lambda: self._resolver.union(in_order(unit), unit))
        if (not found or all(isinstance(v, Unknown) for v in found)) and unit.function.returns is not None:
            return self.annotated(unit.function.returns, unit.parent or unit)
        if not found and unit.returns:
            return (Unknown(),)
        return found or (Known(None, (unit.module.path, unit.function.line)),)

    def parameter(self, unit: Unit, parameter: code.Parameter) -> Values:
        """What a parameter can be: what callers pass, its default, or what its annotation promises."""
        if parameter.name in ("self", "cls") and unit.owner is not None:
            return (Instance(unit.owner) if parameter.name == "self" else ClassValue(unit.owner),)
        scope = unit.parent or unit
        found: list[Value] = []
        if parameter.default is not None:
            found.extend(v for v in self._resolver.values(parameter.default, scope) if v != Known(None, _any(v)))
        for argument, caller in self._resolver.classes.arguments(unit, parameter):
            found.extend(self._resolver.values(argument, caller))
            if len(found) > MAX_ALTERNATIVES:
                break
        known = [v for v in found if not isinstance(v, Unknown)]
        # An empty text says that nothing is set: what another caller passes is what is meant.
        known.sort(key=lambda v: isinstance(v, Known) and v.value == "")
        if not known and parameter.annotation is not None:
            known = [v for v in self.annotated(parameter.annotation, scope) if not isinstance(v, Unknown)]
        if known:
            return tuple(known)
        if parameter.default is not None:
            return self._resolver.values(parameter.default, scope)
        return (Unknown(parameter.name),)

    def annotated(self, annotation: code.Expression, unit: Unit) -> Values:
        """What an annotation promises: an instance of each class it names."""
        match annotation:
            case code.Constant(value=str() as text):
                annotation = code.Name(annotation.line, annotation.end_line, text.strip())
            case code.Operation(operator="|"):
                return self._resolver.each(annotation.operands, lambda o: self.annotated(o, unit))
            case code.Index(base=base, key=key):
                names = [
                    v.path.rpartition(".")[2] for v in self._resolver.values(base, unit) if isinstance(v, External)
                ]
                if any(n == "Annotated" for n in names) and isinstance(key, code.Sequence):
                    depends = [i for i in key.items[1:] if isinstance(i, code.Call)]
                    injected = self._resolver.each(depends, lambda c: self._resolver.values(c, unit))
                    made = tuple(v for v in injected if not isinstance(v, Unknown))
                    return made or self.annotated(key.items[0], unit)
                if any(n in ("Optional", "Type", "type", "Awaitable", "ClassVar", "Final") for n in names):
                    return self.annotated(key, unit)
                return (Unknown(),)
            case code.Name():
                alias = alias_of(annotation, unit, self._resolver.program)
                if alias is not None and isinstance(alias[0], code.Index):
                    return self._resolver.once(("alias", alias[0]), lambda: self.annotated(*alias))
        return self._resolver.each(self._resolver.values(annotation, unit), _promised)


def _promised(value: Value) -> Values:
    match value:
        case ClassValue(info):
            return (Instance(info),)
        case External(path, _, _) if "." in path and not path.startswith(("typing.", "collections.", "builtins.")):
            return (External(f"{path}()", (), True),)
        case _:
            return (Unknown(),)


def _any(value: Value) -> tuple[str, int]:
    return value.place if isinstance(value, Known) else ("", 0)


def _unsubscripted(path: str) -> str:
    """The class that a subscript with a type leaves as it is: `Agent[Context](...)` constructs an `Agent`."""
    name = path.rpartition(".")[2]
    return path.removesuffix("[]") if name[:1].isupper() and "()" not in name else path
