"""What a call checks records against, and whether they are records: settings are checked too, and are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items
from readiness.repository.tree import Role

if TYPE_CHECKING:
    from readiness.facts.inputs.ingestion import IngestionKnowledge

MAX_CALLERS = 4
"""Functions between the loop over the records and the line that checks one of them."""

_ROLES = (Role.SERVING, Role.SCRIPT)
_MAPS = frozenset({"map", "flat_map", "map_batches", "imap", "imap_unordered", "starmap", "filter_map", "apply"})
"""Functions that call the function they are given once a record."""
_CACHES = frozenset({"cache", "lru_cache", "cached", "cached_property"})
_LISTS = frozenset({"list", "List", "Sequence", "Iterable", "set", "tuple"})
_SETTINGS = ("yaml.", "tomllib.", "tomli.", "toml.", "configparser.", "strictyaml.", "ruamel.", "omegaconf.", "hydra.")
_TYPE_ADAPTERS = ("pydantic.TypeAdapter", "pydantic.type_adapter.TypeAdapter")


class RecordSchemas:
    """Answers what a call checks records against."""

    def __init__(self, core: Core, known: IngestionKnowledge) -> None:
        self._core, self._known = core, known
        self._written: dict[ClassInfo, bool] = {}
        self._each: dict[Unit, bool] = {}

    def of(self, call: code.Call, unit: Unit) -> str:
        """What a call checks records against; empty where it checks nothing, or something that is no record."""
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, External) and value.path in self._known.schemas:
                adapted = self._adapted(value)
                if adapted is None or self._is_of_records(call, unit, adapted):
                    return f"{value.path} checks records"
        function = call.function
        if (
            isinstance(function, code.Member)
            and function.name in self._known.schema_methods
            and call.keyword("from_attributes") is None  # a row of the database, read back
        ):
            for value in self._core.resolver.values(function.base, unit):
                if (
                    isinstance(value, ClassValue | Instance)
                    and self._is_schema(value.info)
                    and self._core.resolver.classes.method(value.info, function.name) is None  # the project's own
                    and self._is_of_records(call, unit, value.info)
                ):
                    return f"records are checked against {value.info.node.name}"
        if any(k.name is None for k in call.keywords) and self._is_each(call, unit):
            for value in self._core.resolver.values(function, unit):
                if isinstance(value, ClassValue) and self._is_schema(value.info):
                    return f"each record becomes a {value.info.node.name}"
        return ""

    def _is_schema(self, info: ClassInfo) -> bool:
        return any(base in self._known.schema_bases for base in self._core.resolver.classes.bases(info)[1])

    def _adapted(self, value: External) -> ClassInfo | None:
        """The class that a `TypeAdapter` checks, where it is one of the repository's."""
        step = next((s for s in value.steps if s.path in _TYPE_ADAPTERS), None)
        for argument in step.call.arguments[:1] if step is not None else ():
            for found in self._core.resolver.values(argument, step.unit) if step is not None else ():
                if isinstance(found, ClassValue):
                    return found.info
        return None

    def _is_of_records(self, call: code.Call, unit: Unit, info: ClassInfo) -> bool:
        """Whether what is checked came from outside as one of many: not settings, nor what the code wrote itself."""
        if self._is_written_here(info):
            return False
        if self._is_repeated(call, unit):
            return True
        return not self._is_settings(call, unit) and (self._is_each(call, unit) or self._holds_many(info))

    # -- one of many -------------------------------------------------------------------------------------------

    def _is_each(self, node: code.Node, unit: Unit) -> bool:
        """Whether a line runs once a record: in a loop, or in a function that a loop or a map calls."""
        if self._is_repeated(node, unit):
            return True
        known = self._each.get(unit)
        if known is None:
            known = self._each[unit] = self._is_called_for_each(unit)
        return known

    def _is_called_for_each(self, unit: Unit) -> bool:
        seen, frontier = {unit}, [unit]
        for _ in range(MAX_CALLERS):
            callers: list[Unit] = []
            for one in frontier:
                if one.function is None or _is_cached(one):
                    continue
                for edge in self._callers(one):
                    if self._is_repeated(edge.node, edge.unit) or (not edge.is_call and _is_mapped(edge)):
                        return True
                    if edge.unit not in seen:
                        seen.add(edge.unit)
                        callers.append(edge.unit)
            frontier = callers
        return False

    def _callers(self, unit: Unit) -> Iterator[Edge]:
        yield from (e for e in self._core.graph.callers.get(unit, ()) if e.unit.module.role in _ROLES)

    def _is_repeated(self, node: code.Node, unit: Unit) -> bool:
        """Whether a loop or a comprehension runs a line for many things; a written list of files is not many."""
        inner = node
        for outer in unit.enclosing(node):
            if isinstance(outer, code.Loop) and inner in outer.body:
                if outer.target is None or not self._is_written_out(outer.subject, unit):
                    return True
            elif (
                isinstance(outer, code.Comprehension)
                and inner is outer.element
                and not all(self._is_written_out(s.iterable, unit) for s in outer.sources)
            ):
                return True
            inner = outer
        return False

    def _is_written_out(self, iterable: code.Expression, unit: Unit) -> bool:
        values = self._core.resolver.values(iterable, unit)
        return any(isinstance(v, Items) and isinstance(v.literal, code.Sequence | code.Mapping) and _members(v.literal)
                   for v in values)  # fmt: skip

    # -- settings, and what is read back -----------------------------------------------------------------------

    def _holds_many(self, info: ClassInfo) -> bool:
        """Whether a schema is that of a whole batch: it has a list, or is one."""
        annotations = [b.annotation for known in info.attributes.values() for b, _ in known if b.annotation is not None]
        return any(
            isinstance(node, code.Index) and last_name(node.base) in _LISTS
            for annotation in (*annotations, *info.node.bases)
            for node in code.walk(annotation)
        )

    def _is_settings(self, call: code.Call, unit: Unit) -> bool:
        """Whether what is checked was read from a format in which settings are written."""
        given = [*call.arguments, *(k.value for k in call.keywords)]
        return any(
            isinstance(value, External) and value.path.startswith(_SETTINGS)
            for argument in given
            for node in code.walk(argument)
            if isinstance(node, code.Call | code.Name)
            for value in self._core.resolver.values(node, unit)
        )

    def _is_written_here(self, info: ClassInfo) -> bool:
        """Whether the code makes such objects itself, field by field: to check them is to read back what it wrote."""
        known = self._written.get(info)
        if known is None:
            known = self._written[info] = any(
                self._makes(call, unit, info)
                for name in (info.node.name, "cls")
                for call, unit in self._core.program.calls_by_name.get(name, ())
                if unit.module.role in _ROLES
            )
        return known

    def _makes(self, call: code.Call, unit: Unit, info: ClassInfo) -> bool:
        named = [k for k in call.keywords if k.name is not None]
        if len(named) + len(call.arguments) < 2 or self._is_repeated(call, unit):
            return False
        if isinstance(call.function, code.Name) and call.function.id == "cls":
            return unit.owner is info
        return any(
            isinstance(v, ClassValue) and v.info is info for v in self._core.resolver.values(call.function, unit)
        )


def _is_mapped(edge: Edge) -> bool:
    return isinstance(edge.node, code.Call) and last_name(edge.node.function) in _MAPS


def _is_cached(unit: Unit) -> bool:
    """Whether a function runs once for what it is given, however often it is called."""
    decorators = unit.function.decorators if unit.function is not None else []
    return any(last_name(d.function if isinstance(d, code.Call) else d) in _CACHES for d in decorators)


def _members(literal: code.Sequence | code.Mapping) -> bool:
    return bool(literal.items)
