"""The tools of the repository as a model sees them: the types of their arguments, and what they are for.

check `typed-tool-schemas`.

A tool is a function that a decorator, a wrapper or a list of tools makes one, a class that a framework or the
project's own base makes one, or a schema written as data. Tools of libraries and of servers elsewhere are not the
repository's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_sources import Sources
from readiness.facts.flows.sinks import load_sinks
from readiness.facts.flows.tool_knowledge import load_tools
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import Bound, ClassValue, External, FunctionValue, Items, Known, Values
from readiness.facts.place import Place
from readiness.repository.tree import Role

FULL, LOOSE, NONE = "full", "loose", "none"
_WHOLE: tuple[str, tuple[str, ...]] = (FULL, ())
MAX_TOOLS = 60
_RUNS = ("_run", "_arun", "_run_tool", "run", "forward", "__call__", "call", "execute")


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """One tool defined in this repository.

    `types`: "full" (every argument the model fills has a type), "loose" (some only `dict` or `Any`, or a type that
    the framework turns into text), "none" (some has none). `untyped` are those arguments. `described`: the model is
    told what the tool is for.
    """

    place: Place
    text: str
    types: str
    described: bool
    untyped: tuple[str, ...] = ()


def find_tool_schemas(core: Core, sources: Sources | None) -> list[ToolSchema]:
    """The tools that serving code defines."""
    finder = _Finder(core)
    finder.look(sources or Sources(core, load_sinks()))
    return sorted(finder.found.values(), key=lambda t: (t.place, t.text))


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known, self._sinks = core, load_tools(), load_sinks()
        self._calls = {c.call: c for c in core.calls}
        self.found: dict[object, ToolSchema] = {}

    def look(self, sources: Sources) -> None:
        """Fill `found`."""
        wrapped: dict[Unit, tuple[code.Call, Unit]] = {}
        for unit in self._core.serving_units():
            for call in unit.calls:
                for package, arguments in self._giving(call, unit):
                    for argument in arguments:
                        self._given(self._core.resolver.values(argument, unit), package, wrapped, 3)
                if self._wraps(call, unit):
                    for function in self._functions(call, unit):
                        wrapped[function] = (call, unit)
        for unit in sorted(sources.tools | wrapped.keys(), key=lambda u: u.place):
            if unit.module.role is Role.SERVING:
                self._function(unit, "", wrapped.get(unit))
        for info in self._core.program.classes:
            if info.module.role is Role.SERVING and self._is_class_of_tool(info):
                self._class(info)

    # -- where tools are given ---------------------------------------------------------------------------------

    def _giving(self, call: code.Call, unit: Unit) -> Iterator[tuple[str, list[code.Expression]]]:
        given = [k.value for k in call.keywords if k.name in self._known.given_as]
        if not given:
            return
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, External):
                root = value.path.partition(".")[0].removesuffix("()")
                if root in self._core.knowledge.import_roots:
                    yield root, given
                    return
        known = self._calls.get(call)
        if known is not None:
            yield known.sdk.name, given

    def _given(self, values: Values, package: str, wrapped: dict[Unit, tuple[code.Call, Unit]], depth: int) -> None:
        for value in values:
            match value:
                case FunctionValue(unit) | Bound(function=FunctionValue(unit)) if unit.module.role is Role.SERVING:
                    self._function(unit, package, wrapped.get(unit))
                case Items(literal=code.Sequence(items=items), unit=owner) if depth > 0:
                    for item in items[:MAX_TOOLS]:
                        self._given(self._core.resolver.values(item, owner), package, wrapped, depth - 1)
                case Items(literal=code.Mapping() as literal, unit=owner) if owner.module.role is Role.SERVING:
                    self._data(literal, owner)
                case _:
                    continue

    def _wraps(self, call: code.Call, unit: Unit) -> bool:
        return any(
            isinstance(v, External) and self._sinks.is_tool(f"{v.path}()")
            for v in self._core.resolver.values(call.function, unit)
        )

    def _functions(self, call: code.Call, unit: Unit) -> Iterator[Unit]:
        for argument in (*call.arguments[:3], *(k.value for k in call.keywords)):
            for value in self._core.resolver.values(argument, unit):
                if isinstance(value, FunctionValue | Bound):
                    function = value.function if isinstance(value, Bound) else value
                    if isinstance(function, FunctionValue):
                        yield function.unit

    # -- functions ---------------------------------------------------------------------------------------------

    def _function(self, unit: Unit, package: str, wrapping: tuple[code.Call, Unit] | None) -> None:
        if unit.function is None or unit in self.found:
            return
        if unit.owner is not None and self._is_class_of_tool(unit.owner):
            self._class(unit.owner)
            return
        if unit.owner is not None and (unit.name in _RUNS or unit.name in self._known.own_runs):
            return  # a base for tools, which says nothing of any of them
        keywords = [k for c in self._decorating(unit, wrapping) for k in c.keywords]
        described = bool(unit.function.docstring) or any(
            self._says(k, self._known.description_arguments) for k in keywords
        )
        described = described or self._second_is_text(wrapping)
        if any(self._says(k, self._known.schema_arguments) for k in keywords):
            types, untyped = _WHOLE
        else:
            types, untyped = self._types(unit, package)
        self.found[unit] = ToolSchema(unit.place, f"{unit.name}(...)", types, described, untyped)

    def _decorating(self, unit: Unit, wrapping: tuple[code.Call, Unit] | None) -> Iterator[code.Call]:
        yield from (d for d in (unit.function.decorators if unit.function else ()) if isinstance(d, code.Call))
        if wrapping is not None:
            yield wrapping[0]

    def _says(self, keyword: code.Keyword, names: frozenset[str]) -> bool:
        empty = isinstance(keyword.value, code.Constant) and not keyword.value.value
        return keyword.name in names and not empty

    def _second_is_text(self, wrapping: tuple[code.Call, Unit] | None) -> bool:
        """`Tool("search", search, "Finds pages.")`: a description by position."""
        if wrapping is None or len(wrapping[0].arguments) < 3:
            return False
        return any(isinstance(v, Known) and isinstance(v.value, str) and len(v.value.split()) > 1
                   for v in self._core.resolver.values(wrapping[0].arguments[2], wrapping[1]))  # fmt: skip

    def _types(self, unit: Unit, package: str) -> tuple[str, tuple[str, ...]]:
        """How well the arguments that the model fills are typed, and which of them are not."""
        missing, loose = [], []
        scope = unit.parent or unit
        for parameter in unit.function.parameters if unit.function is not None else ():
            if self._is_injected(parameter) or parameter.kind in ("rest", "options"):
                continue
            if parameter.annotation is None:
                missing.append(parameter.name)
            elif self._is_loose(parameter.annotation, scope, package):
                loose.append(parameter.name)
        return (NONE, tuple(missing)) if missing else (LOOSE, tuple(loose)) if loose else (FULL, ())

    def _is_injected(self, parameter: code.Parameter) -> bool:
        if parameter.name in self._known.injected_names:
            return True
        nodes = code.walk(parameter.annotation) if parameter.annotation is not None else ()
        written = parameter.annotation.value if isinstance(parameter.annotation, code.Constant) else ""
        return any(
            last_name(n) in self._known.injected_types for n in nodes if isinstance(n, code.Name | code.Member)
        ) or (isinstance(written, str) and written.partition("[")[0].rpartition(".")[2] in self._known.injected_types)

    def _is_loose(self, annotation: code.Expression, unit: Unit, package: str) -> bool:
        """Whether an annotation lets anything through, or is sent to the model as plain text."""
        allowed = self._known.degrading.get(package)
        if allowed is not None:
            return last_name(annotation) not in allowed
        plain = annotation.base if isinstance(annotation, code.Index) else annotation
        if isinstance(annotation, code.Index) and last_name(plain) in ("Annotated", "Optional", "list", "List"):
            key = annotation.key
            first = key.items[0] if isinstance(key, code.Sequence) and key.items else key
            return self._is_loose(first, unit, package)
        if last_name(plain) in self._known.loose:
            return not any(isinstance(v, ClassValue) for v in self._core.resolver.values(plain, unit))
        if isinstance(annotation, code.Operation) and annotation.operator == "|":
            return any(self._is_loose(o, unit, package) for o in annotation.operands)
        return False

    # -- classes -----------------------------------------------------------------------------------------------

    def _is_class_of_tool(self, info: ClassInfo) -> bool:
        """A tool class that says itself how it runs or what it takes; a base for others says neither."""
        own, external = self._core.resolver.classes.bases(info)
        if self._core.resolver.classes.children(info):
            return False
        runs = any(name in info.methods for name in _RUNS)
        if any(self._sinks.is_tool(f"{base}()") for base in external):
            return runs
        family = (info, *own)
        members = {name for one in family for name in one.attributes}
        return bool(own) and runs and bool(members & self._known.schema_members) and bool(
            members & self._known.description_members
        )  # fmt: skip

    def _class(self, info: ClassInfo) -> None:
        if info in self.found:
            return
        described = bool(info.node.docstring) or self._has(info, self._known.description_members)
        run = next((info.methods[name] for name in _RUNS if name in info.methods), None)
        types, untyped = (FULL, ()) if self._has(info, self._known.schema_members) else (
            self._types(run, "") if run is not None else (NONE, ())
        )  # fmt: skip
        self.found[info] = ToolSchema(info.place, info.node.name, types, described, untyped)

    def _has(self, info: ClassInfo, members: frozenset[str]) -> bool:
        """Whether a class, or a base of the repository, gives one of these members a value."""
        for one in (info, *self._core.resolver.classes.bases(info)[0]):
            for name in members:
                for binding, _ in one.attributes.get(name, ()):
                    value = binding.value
                    if value is not None and not (isinstance(value, code.Constant) and not value.value):
                        return True
                if name in one.methods:
                    return True
            if "__init__" in one.methods and any(
                self._says(k, members) for c in one.methods["__init__"].calls if _is_of_base(c) for k in c.keywords
            ):
                return True
        return False

    # -- schemas written as data -------------------------------------------------------------------------------

    def _data(self, literal: code.Mapping, unit: Unit) -> None:
        entries = self._entries(literal)
        inner = entries.get("function") or entries.get("toolSpec")
        if inner is not None:
            for value in self._core.resolver.values(inner, unit):
                if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                    self._data(value.literal, value.unit)
            return
        schema = next((entries[k] for k in self._known.schema_keys if k in entries), None)
        if "name" not in entries or literal in self.found:
            return
        description = entries.get("description")
        described = description is not None and not (isinstance(description, code.Constant) and not description.value)
        types, untyped = self._schema(schema, unit, "strict" in entries) if schema is not None else (FULL, ())
        name = self._core.resolver.constant(entries["name"], unit)
        self.found[literal] = ToolSchema(unit.at(literal), str(name or "tool"), types, described, untyped)

    def _schema(self, schema: code.Expression, unit: Unit, strict: bool) -> tuple[str, tuple[str, ...]]:
        for value in self._core.resolver.values(schema, unit):
            if not isinstance(value, Items) or not isinstance(value.literal, code.Mapping):
                continue
            entries = self._entries(value.literal)
            if "json" in entries and "properties" not in entries:
                return self._schema(entries["json"], value.unit, strict)
            untyped: list[str] = []
            names: list[str] = []
            for given in (
                self._core.resolver.values(entries["properties"], value.unit) if "properties" in entries else ()
            ):
                if isinstance(given, Items) and isinstance(given.literal, code.Mapping):
                    members = self._entries(given.literal)
                    names += members
                    untyped += [n for n, e in members.items() if not self._is_typed(e, given.unit)]
            if untyped:
                return NONE, tuple(untyped)
            bounded = strict or not names or not {"required", "additionalProperties"}.isdisjoint(entries)
            return (FULL, ()) if bounded else (LOOSE, ())
        return FULL, ()  # written by a class: `Order.model_json_schema()`

    def _is_typed(self, expression: code.Expression, unit: Unit) -> bool:
        values = self._core.resolver.values(expression, unit)
        literals = [v.literal for v in values if isinstance(v, Items) and isinstance(v.literal, code.Mapping)]
        return not literals or any(
            {"type", "enum", "$ref", "anyOf", "oneOf"} & self._entries(m).keys() for m in literals
        )

    @staticmethod
    def _entries(literal: code.Mapping) -> dict[str, code.Expression]:
        return {k.value: v for k, v in literal.items if isinstance(k, code.Constant) and isinstance(k.value, str)}


def _is_of_base(call: code.Call) -> bool:
    """`super().__init__(...)`."""
    return isinstance(call.function, code.Member) and call.function.name == "__init__"
