"""Classes of the repository: bases, methods, attributes, and what is passed to their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.settings_files import SettingsFiles
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import (
    NO_CALL,
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Known,
    Step,
    Unknown,
    Value,
    Values,
)
from readiness.repository.tree import Role

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

MAX_CALLERS = 60
"""Calls of one name that are looked at for what they pass; a name called more often says little."""


MAX_FAMILY = 300
"""Classes below another one that are looked at: a family larger than this is generated, or hostile."""

MAX_CHILDREN = 8
"""Classes built with a mixin whose attributes are looked at."""

MAX_DEPTH = 100
"""Ancestors, one above the other, that are followed: a deeper hierarchy is hostile or generated."""


_MODELS = ("pydantic.", "pydantic_settings.")
_COPIES = frozenset({"model_copy", "copy"})
"""Methods of a pydantic object that give the same object once more."""

_NETWORKS = frozenset({"torch", "keras", "tensorflow", "pytorch_lightning", "lightning"})
"""Packages whose base classes define `__call__` and run a method the project fills in."""


class Classes:
    """What the resolver needs to know of classes."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._bases: dict[ClassInfo, tuple[list[ClassInfo], list[str]]] = {}
        self._children: dict[ClassInfo, list[ClassInfo]] | None = None
        self._depth = 0
        self._sources = SettingsFiles(resolver)

    def bases(self, info: ClassInfo) -> tuple[list[ClassInfo], list[str]]:
        """All ancestors of a class: those of the repository, nearest first, and the paths of external ones."""
        known = self._bases.get(info)
        if known is not None:
            return known
        self._bases[info] = ([], [])
        if self._depth > MAX_DEPTH:
            return self._bases[info]
        self._depth += 1
        own: dict[ClassInfo, None] = {}
        external: dict[str, None] = {}
        for base in info.node.bases:
            for value in self._resolver.values(base, info.unit):
                if isinstance(value, ClassValue) and value.info is not info and value.info not in own:
                    inner, outer = self.bases(value.info)
                    own.update(dict.fromkeys([value.info, *inner[:MAX_DEPTH]]))
                    external.update(dict.fromkeys(outer))
                elif isinstance(value, External):
                    external[value.path.removesuffix("[]")] = None
        own.pop(info, None)
        self._depth -= 1
        self._bases[info] = (list(own), list(external))
        return self._bases[info]

    def children(self, info: ClassInfo) -> list[ClassInfo]:
        """The classes of the repository that inherit from it."""
        if self._children is None:
            self._children = {}
            for child in self._resolver.program.classes:
                for base in self.bases(child)[0]:
                    family = self._children.setdefault(base, [])
                    if len(family) < MAX_FAMILY:
                        family.append(child)
        return self._children.get(info, [])

    def method(self, info: ClassInfo, name: str) -> Unit | None:
        """The method a call on an instance runs, found along the ancestors."""
        for owner in (info, *self.bases(info)[0]):
            if name in owner.methods:
                return owner.methods[name]
        return None

    def called(self, info: ClassInfo) -> Unit | None:
        """The method that calling an instance runs: `__call__`, or what the base class of a network calls."""
        method = self.method(info, "__call__")
        if method is not None or not any(base.partition(".")[0] in _NETWORKS for base in self.bases(info)[1]):
            return method
        return self.method(info, "forward") or self.method(info, "call")

    def member(self, value: Instance | ClassValue, name: str) -> Values:
        """What an attribute of an instance or a class stands for."""
        info = value.info
        receiver = value if isinstance(value, Instance) else None
        method = self.method(info, name)
        if method is not None and not _is_abstract(method):
            if _is_property(method):
                return self._resolver.returned(method)
            return (FunctionValue(method, receiver),)
        found = self._given(value, name) or self._attribute(info, name)
        if found:
            # A mixin declares what it needs (`agent: Agent[Deps, str]`); the classes built with it say what that is.
            return (self._mixed_in(info, name) if all(_is_promise(v) for v in found) else ()) or found
        overrides = [c.methods[name] for c in self.children(info) if name in c.methods]
        if overrides:
            return tuple(FunctionValue(m, receiver) for m in overrides)
        if method is not None:
            return (FunctionValue(method, receiver),)
        if receiver is not None and name in _COPIES and any(b.startswith(_MODELS) for b in self.bases(info)[1]):
            return (Bound(receiver, NO_CALL, info.unit),)
        stood_for = self._stood_for(value)
        if stood_for:
            return self._resolver.each(stood_for, lambda v: self._resolver.member(v, name))
        return self._mixed_in(info, name) or (self._inherited(value, name),)

    def _mixed_in(self, info: ClassInfo, name: str) -> Values:
        """An attribute that a mixin reads and the classes built with it set."""
        children = [c for c in self.children(info) if name in c.attributes][:MAX_CHILDREN]
        found = self._resolver.each(children, lambda child: self._attribute(child, name))
        return tuple(v for v in found if not isinstance(v, Unknown))

    def _stood_for(self, value: Instance | ClassValue) -> Values:
        """What an object of a library's stand-in (`class Agent(RunnableBinding)`) passes everything on to."""
        found = map(self._resolver.symbols.stands_for, self.bases(value.info)[1])
        name = next(filter(None, found), None)
        if name is None or not isinstance(value, Instance):
            return ()
        given = [(value.call, value.unit)] if value.call is not None and value.unit is not None else []
        constructor = self.method(value.info, "__init__")
        if constructor is not None:
            given = [(call, constructor) for call in constructor.calls if _is_super(call, "__init__")]
        arguments = [(call.keyword(name), unit) for call, unit in given]
        values = self._resolver.each(arguments, lambda a: self._resolver.values(a[0], a[1]) if a[0] is not None else ())
        return tuple(v for v in values if not isinstance(v, Unknown))

    def _attribute(self, info: ClassInfo, name: str) -> Values:
        """What the bodies of a class and its ancestors give an attribute: the nearest that says anything."""
        found: list[Value] = []
        for owner in (info, *self.bases(info)[0]):
            for binding, unit in owner.attributes.get(name, ()):
                found.extend(self._resolver.binding(binding, unit))
                if binding.annotation is not None and unit is owner.body and binding.value is not None:
                    # A declared field whose value is a descriptor (`llm: ChatLLM = Node(...)`): the annotation tells.
                    promised = self._resolver.annotated(binding.annotation, unit)
                    found.extend(v for v in promised if isinstance(v, Instance))
            if any(not isinstance(v, Unknown) for v in found):
                break
        found = [v for v in found if not (isinstance(v, Known) and v.value is None)] or found
        return tuple(self._configured(info, name, found))

    def _inherited(self, value: Instance | ClassValue, name: str) -> Value:
        """A member that only a library's class can bring."""
        inherited = next(iter(self.bases(value.info)[1]), None)
        if inherited is None:
            return Unknown(name)
        if isinstance(value, Instance) and value.call is not None and value.unit is not None:
            # Constructing a subclass constructs the library's class with it.
            return External(f"{inherited}().{name}", (Step(inherited, value.call, value.unit),))
        return External(f"{inherited}().{name}", (), True)

    def _given(self, value: Instance | ClassValue, name: str) -> Values:
        """What the constructor call gives a declared field (dataclass, pydantic) by keyword or position."""
        if not isinstance(value, Instance) or self.method(value.info, "__init__") is not None:
            return ()
        if value.call is None or value.unit is None:
            return self._constructed(value.info, name)
        argument = self.given(value, name)
        if argument is None:
            return ()
        return self._resolver.values(argument, value.unit)

    def given(self, value: Instance, name: str) -> code.Expression | None:
        """The expression that the constructor call gives a declared field, by keyword or position."""
        if value.call is None or self.method(value.info, "__init__") is not None:
            return None
        argument = value.call.keyword(name)
        if argument is None:
            # In the order of the class's body: a method that sets a field does not move it.
            own = value.info.body.bindings if value.info.body is not None else {}
            fields = [one for one, given in own.items() if given and given[0].annotation is not None]
            position = fields.index(name) if name in fields else len(value.call.arguments)
            argument = value.call.arguments[position] if position < len(value.call.arguments) else None
        return argument

    def _constructed(self, info: ClassInfo, name: str) -> Values:
        """What the repository's constructions of a class give one of its declared fields."""
        if name not in info.attributes or info.attributes[name][0][0].annotation is None:
            return ()
        found: list[Value] = []
        for call, unit in self._resolver.program.calls_by_name.get(info.node.name, ())[:MAX_CALLERS]:
            argument = call.keyword(name)
            if argument is not None:
                found.extend(self._resolver.values(argument, unit))
        return tuple(v for v in found if not isinstance(v, Unknown))

    def _configured(self, info: ClassInfo, name: str, found: list[Value]) -> list[Value]:
        """A field of a settings class takes its environment variable's configured value first."""
        if not any(path.endswith("BaseSettings") for path in self.bases(info)[1]):
            return found
        variables = self._sources.variables(info, name)
        configured = next(filter(None, map(self._resolver.settings.variable, variables)), None)
        written = self._sources.value(info, name)
        found = [written] if written is not None else found
        return [configured, *found] if configured else found

    def arguments(self, unit: Unit, parameter: code.Parameter) -> Iterator[tuple[code.Expression, Unit]]:
        """What the repository's calls of a function pass for one parameter."""
        if unit.function is None:
            return
        offset = 1 if unit.owner is not None and not _is_static(unit) else 0
        positional = [p for p in unit.function.parameters if p.kind in ("positional", "either")]
        position = positional.index(parameter) - offset if parameter in positional else None
        serves = unit.module.role is Role.SERVING
        for call, caller in _shipped(self.callers(unit), unit):
            if parameter.default is not None and serves and caller.module.role is Role.TEST:
                continue  # only tests pass something else than the default: nobody gets it
            argument = call.keyword(parameter.name)
            if argument is None and position is not None and 0 <= position < len(call.arguments):
                candidate = call.arguments[position]
                argument = None if isinstance(candidate, code.Spread) else candidate
            if argument is not None:
                yield argument, caller

    def callers(self, unit: Unit) -> list[tuple[code.Call, Unit]]:
        """The calls in the repository that run a function or method."""
        constructs = unit.owner is not None and unit.name in ("__init__", "__call__")
        names, family = [unit.name], list[ClassInfo]()
        if constructs and unit.owner is not None:
            family = [unit.owner, *self.children(unit.owner)]
            names = [c.node.name for c in family] + (["__init__"] if unit.name == "__init__" else [])
        # `def __init__(self, build=build_model)`: what is called `build` in there is this function by default.
        names += self._resolver.program.stand_ins.get(unit.name, ()) if not constructs else ()
        calls = [found for name in dict.fromkeys(names) for found in self._resolver.program.calls_by_name.get(name, ())]
        if constructs and unit.name == "__init__":
            # Other constructors of a class build it under the name `cls` (`return cls(model)`).
            calls = [*(f for f in self._resolver.program.calls_by_name.get("cls", ()) if f[1].owner in family), *calls]
        return [(c, u) for c, u in calls[:MAX_CALLERS] if self._runs(c, u, unit)]

    def _runs(self, call: code.Call, caller: Unit, unit: Unit) -> bool:
        match call.function:
            case code.Member(base=code.Call(function=code.Name(id="super"))) if unit.owner is not None:
                return caller.owner is not None and unit.owner in self.bases(caller.owner)[0]
        for value in self._resolver.values(call.function, caller):
            match value:
                case FunctionValue(unit=found) if found is unit or (
                    unit.owner is not None
                    and found.owner is not None
                    and found.name == unit.name
                    and (unit.owner in self.bases(found.owner)[0] or found.owner in self.bases(unit.owner)[0])
                ):
                    return True
                case ClassValue(info) if unit.owner is not None and (
                    info is unit.owner or unit.owner in self.bases(info)[0]
                ):
                    return True
        return False


def _shipped(callers: list[tuple[code.Call, Unit]], unit: Unit) -> list[tuple[code.Call, Unit]]:
    """The callers that say what a function gets in production: a test passes what it likes, a fake for instance."""
    if unit.module.role is not Role.SERVING:
        return callers
    return [(call, caller) for call, caller in callers if caller.module.role is Role.SERVING] or callers


def _is_promise(value: Value) -> bool:
    """Whether nothing but an annotation speaks of a value."""
    return isinstance(value, Unknown) or (isinstance(value, External) and value.typed)


def _is_super(call: code.Call, method: str) -> bool:
    match call.function:
        case code.Member(base=code.Call(function=code.Name(id="super")), name=name):
            return name == method
    return False


def _decorators(unit: Unit) -> list[str]:
    return [code_name(d) for d in unit.function.decorators] if unit.function else []


def code_name(expression: code.Expression) -> str:
    """The last name of a decorator, called or not."""
    if isinstance(expression, code.Call):
        expression = expression.function
    if isinstance(expression, code.Member):
        return expression.name
    return expression.id if isinstance(expression, code.Name) else ""


def _is_property(unit: Unit) -> bool:
    return any(name in ("property", "cached_property", "computed_field") for name in _decorators(unit))


def _is_static(unit: Unit) -> bool:
    return "staticmethod" in _decorators(unit)


def _is_abstract(unit: Unit) -> bool:
    """Whether a method is only a promise: declared abstract, or with a body that says nothing or refuses."""
    if "abstractmethod" in _decorators(unit):
        return True
    body = [s for s in unit.body if not (isinstance(s, code.Evaluate) and isinstance(s.value, code.Constant))]
    return all(isinstance(s, code.Jump) or (isinstance(s, code.Raise) and "NotImplemented" in _raised(s)) for s in body)


def _raised(statement: code.Raise) -> str:
    return code_name(statement.value) if statement.value is not None else ""
