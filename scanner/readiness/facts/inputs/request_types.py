"""What shape an annotation promises: fields with types and limits, a free mapping, an upload, a number.

Follows aliases, `Annotated`, unions, generics and the project's own models with what their validators refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.request_knowledge import RequestKnowledge
from readiness.facts.inputs.size_tests import refuses_length
from readiness.facts.linking.aliases import alias_of
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import ClassValue, External, Instance, Known
from readiness.facts.place import Place

MAX_NESTING = 6
"""Models inside models that are looked into; deeper ones are taken as typed."""

Form = Literal["scalar", "text", "list", "record", "free", "upload", "opaque"]
_LISTS = frozenset(
    {"list", "List", "Sequence", "Iterable", "set", "Set", "frozenset", "tuple", "Tuple", "Collection", "conlist"}
)
_MAPPINGS = frozenset(
    {"dict", "Dict", "Mapping", "MutableMapping", "Any", "object", "Json", "JsonValue", "OrderedDict"}
)
_WRAPPERS = frozenset(
    {
        "Optional",
        "Union",
        "Required",
        "NotRequired",
        "ReadOnly",
        "Final",
        "ClassVar",
        "SerializeAsAny",
        "Unpack",
        "Type",
    }
)
_LIMITS = ("max_length", "max_items", "max_size", "max_len", "max")
_DECLARED: dict[Form, frozenset[str]] = {
    "text": frozenset({"Str", "String", "Char", "Url", "URL", "Email", "Slug", "Regex"}),
    "list": frozenset({"List", "Pluck"}),
    "free": frozenset({"Dict", "Mapping", "Raw", "JSON", "Field"}),
    "upload": frozenset({"File", "Image"}),
    "opaque": frozenset({"Nested", "Method", "Function"}),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one value. `limited`: something written here bounds its length, its number of items or its bytes."""

    form: Form
    limited: bool = False
    place: Place | None = None
    fields: tuple[FieldShape, ...] = ()
    element: Shape | None = None
    choices: frozenset[str] = frozenset()
    """The literal texts it may be, where only some are allowed."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a record."""

    name: str
    shape: Shape
    place: Place


FREE = Shape("free")
OPAQUE = Shape("opaque")


class Shapes:
    """Reads annotations; each class is read once."""

    def __init__(self, core: Core, knowledge: RequestKnowledge) -> None:
        self._core, self._knowledge = core, knowledge
        self._records: dict[ClassInfo, Shape] = {}

    def of_parameter(self, parameter: code.Parameter, unit: Unit) -> Shape:
        """The shape of a parameter: its annotation, bounded by what its default says (`Query(max_length=…)`)."""
        scope = unit.parent or unit
        shape = self.of(parameter.annotation, scope) if parameter.annotation is not None else FREE
        if isinstance(parameter.default, code.Call):
            shape = self._bounded(shape, parameter.default, scope)
            if self._external(parameter.default.function, scope) in self._knowledge.uploads:
                return replace(shape, form="upload")
        return replace(shape, place=unit.at(parameter)) if shape.place is None else shape

    def of(self, annotation: code.Expression, unit: Unit, depth: int = 0) -> Shape:
        """The shape an annotation of a unit promises."""
        if depth > MAX_NESTING:
            return OPAQUE
        match annotation:
            case code.Constant(value=None):
                return Shape("scalar")
            case code.Constant(value=str() as text):
                name = text.strip()
                return self.of(code.Name(annotation.line, annotation.end_line, name), unit, depth + 1) \
                    if name.isidentifier() else OPAQUE  # fmt: skip
            case code.Operation(operator="|"):
                return self._union(annotation.operands, unit, depth)
            case code.Index(base=base, key=key):
                return self._generic(base, key, unit, depth)
            case code.Call():
                return self._bounded(self.of(annotation.function, unit, depth + 1), annotation, unit)
            case code.Name() | code.Member():
                return self._named(annotation, unit, depth)
            case _:
                return OPAQUE

    def record(self, info: ClassInfo, depth: int = 0) -> Shape:
        """The shape of a class of the repository."""
        known = self._records.get(info)
        if known is None:
            self._records[info] = OPAQUE  # a class that contains itself
            known = self._records[info] = self._record(info, depth)
        return known

    # -- annotations -------------------------------------------------------------------------------------------

    def _named(self, annotation: code.Expression, unit: Unit, depth: int) -> Shape:
        alias = alias_of(annotation, unit, self._core.program)
        if alias is not None:
            return self.of(*alias, depth + 1)
        for value in self._core.resolver.values(annotation, unit):
            match value:
                case ClassValue(info) | Instance(info):
                    return self.record(info, depth + 1)
                case External(path):
                    return self._library(path)
                case _:
                    pass
        return OPAQUE

    def _library(self, path: str) -> Shape:
        knowledge, name = self._knowledge, path.rpartition(".")[2].removesuffix("[]")
        if path in knowledge.uploads:
            return Shape("upload")
        if path in knowledge.scalars:
            return Shape("scalar")
        if path in knowledge.texts_types:
            return Shape("text")
        if path in knowledge.bytes_types:
            return Shape("upload")
        if name in _MAPPINGS:
            return FREE
        if name in _LISTS:
            return Shape("list", element=FREE)
        return OPAQUE

    def _generic(self, base: code.Expression, key: code.Expression, unit: Unit, depth: int) -> Shape:
        inner = key.items if isinstance(key, code.Sequence) else [key]
        name = base.id if isinstance(base, code.Name) else base.name if isinstance(base, code.Member) else ""
        path = self._external(base, unit) or name
        name = path.rpartition(".")[2]
        if name == "Annotated" and inner:
            shape = self.of(inner[0], unit, depth + 1)
            for extra in inner[1:]:
                if isinstance(extra, code.Call):
                    shape = self._bounded(shape, extra, unit)
            return shape
        if name == "Literal":
            return Shape("scalar", choices=frozenset(str(i.value) for i in inner if isinstance(i, code.Constant)))
        if name in _WRAPPERS:
            return self._union(inner, unit, depth)
        if name in _LISTS:
            return Shape("list", element=self.of(inner[0], unit, depth + 1) if inner else FREE)
        if name in _MAPPINGS:
            return FREE
        return self._named(base, unit, depth)

    def _union(self, members: list[code.Expression], unit: Unit, depth: int) -> Shape:
        """The widest of the members: what is free makes the whole free."""
        shapes = [
            self.of(m, unit, depth + 1) for m in members if not (isinstance(m, code.Constant) and m.value is None)
        ]
        order: list[Form] = ["free", "upload", "list", "record", "text", "opaque", "scalar"]
        return min(shapes, key=lambda s: order.index(s.form)) if shapes else Shape("scalar")

    def _bounded(self, shape: Shape, call: code.Call, unit: Unit) -> Shape:
        """The shape with what `Field(max_length=…)`, `constr(…)`, `MaxLen(…)` or an `AfterValidator` adds."""
        for name in _LIMITS:
            given = call.keyword(name)
            if given is not None and self._is_number(given, unit):
                return replace(shape, limited=True, place=unit.at(call))
        name = call.function.id if isinstance(call.function, code.Name) else getattr(call.function, "name", "")
        if name in ("MaxLen", "Len") and call.arguments and self._is_number(call.arguments[-1], unit):
            return replace(shape, limited=True, place=unit.at(call))
        if name in ("AfterValidator", "BeforeValidator", "PlainValidator", "WrapValidator") and call.arguments:
            for value in self._core.resolver.values(call.arguments[0], unit):
                target = getattr(value, "unit", None)
                if isinstance(target, Unit) and target.function is not None and refuses_length(target):
                    return replace(shape, limited=True, place=target.place)
        if name == "constr" and shape.form == "opaque":
            return replace(shape, form="text")
        return shape

    def _is_number(self, expression: code.Expression, unit: Unit) -> bool:
        if isinstance(expression, code.Constant) and expression.value is None:
            return False
        values = self._core.resolver.values(expression, unit)
        return not all(isinstance(v, Known) and not isinstance(v.value, int | float) for v in values)

    def _external(self, expression: code.Expression, unit: Unit) -> str:
        values = self._core.resolver.values(expression, unit)
        return next((v.path for v in values if isinstance(v, External)), "")

    # -- classes -----------------------------------------------------------------------------------------------

    def _record(self, info: ClassInfo, depth: int) -> Shape:
        own, external = self._core.resolver.classes.bases(info)
        place = info.place
        if any(path.startswith("enum.") or path.endswith("Enum") for path in external):
            return Shape("scalar", place=place, choices=frozenset(_members(info)))
        if "str" in external and not any(path in self._knowledge.models for path in external):
            return Shape("text", place=place)
        if not self.is_model(info):
            declared = tuple(self._declared(info)) if any(path in self._knowledge.schemas for path in external) else ()
            return Shape("record", place=place, fields=declared) if declared else replace(OPAQUE, place=place)
        fields: dict[str, FieldShape] = {}
        for owner in (*reversed(own), info):
            if owner.body is not None:
                fields.update({f.name: f for f in self._fields(owner, owner.body, depth)})
        limited = {name for owner in (*own, info) for name in refused_fields(owner)}
        checked = tuple(
            replace(f, shape=replace(f.shape, limited=True)) if {f.name, "*"} & limited else f for f in fields.values()
        )
        return Shape("record", place=place, fields=checked)

    def is_model(self, info: ClassInfo) -> bool:
        """Whether instances of a class were checked field by field when they exist."""
        _, external = self._core.resolver.classes.bases(info)
        if any(path in self._knowledge.models for path in external):
            return True
        return any(
            self._external(decorator, info.unit) in self._knowledge.dataclasses for decorator in info.node.decorators
        )

    def _fields(self, owner: ClassInfo, body: Unit, depth: int) -> Iterator[FieldShape]:
        for statement in owner.node.body:
            if not isinstance(statement, code.Assign) or statement.annotation is None:
                continue
            target = statement.targets[0] if statement.targets else None
            if not isinstance(target, code.Name) or target.id.startswith(("_", "model_config")):
                continue
            shape = self.of(statement.annotation, body, depth + 1)
            if isinstance(statement.value, code.Call):
                shape = self._bounded(shape, statement.value, body)
            yield FieldShape(target.id, shape, body.at(statement))

    def _declared(self, info: ClassInfo) -> Iterator[FieldShape]:
        """The fields of a marshmallow schema or a Django REST serializer: `text = fields.Str(validate=…)`."""
        for statement in info.node.body:
            call = statement.value if isinstance(statement, code.Assign) else None
            target = statement.targets[0] if isinstance(statement, code.Assign) and statement.targets else None
            if not isinstance(call, code.Call) or not isinstance(target, code.Name) or info.body is None:
                continue
            path = self._external(call.function, info.body)
            name = path.rpartition(".")[2].removesuffix("Field")
            form: Form | None = next((form for form, names in _DECLARED.items() if name in names), None)
            if not path.startswith(("marshmallow.", "rest_framework.", "flask_marshmallow.")):
                continue
            shape = Shape(form or "scalar", element=FREE if form == "list" else None)
            check = call.keyword("validate")
            for inner in [call, *(n for n in code.walk(check) if isinstance(n, code.Call))] if check else [call]:
                shape = self._bounded(shape, inner, info.body)
            yield FieldShape(target.id, shape, info.body.at(statement))


def refused_fields(info: ClassInfo) -> set[str]:
    """The fields whose length a validator of the class refuses; `*` for one that looks at the whole record."""
    found: set[str] = set()
    for method in info.methods.values():
        assert method.function is not None
        for decorator in method.function.decorators:
            function = decorator.function if isinstance(decorator, code.Call) else decorator
            name = function.id if isinstance(function, code.Name) else getattr(function, "name", "")
            if name in ("field_validator", "validator", "validates") and isinstance(decorator, code.Call):
                if refuses_length(method):
                    found.update(str(a.value) for a in decorator.arguments if isinstance(a, code.Constant))
            elif name in ("model_validator", "root_validator", "validates_schema") and refuses_length(method):
                found.add("*")
    return found


def roles_of(shape: Shape, depth: int = 0) -> frozenset[str]:
    """The roles that the sender of a message inside may take; `*` is any."""
    if depth > MAX_NESTING:
        return frozenset()
    found = roles_of(shape.element, depth + 1) if shape.element is not None else frozenset()
    is_message = not {"content", "text", "message", "parts"}.isdisjoint(f.name for f in shape.fields)
    for field in shape.fields:
        if field.name == "role" and is_message:
            found |= {"*"} if field.shape.form == "text" else field.shape.choices
        found |= roles_of(field.shape, depth + 1)
    return found


def _members(info: ClassInfo) -> Iterator[str]:
    for statement in info.node.body:
        if isinstance(statement, code.Assign) and isinstance(statement.value, code.Constant):
            yield str(statement.value.value)
