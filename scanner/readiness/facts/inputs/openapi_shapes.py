"""The shape that an OpenAPI document of the repository promises for a request's body; connexion enforces it."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.inputs.request_types import FieldShape, Shape
from readiness.facts.linking.units import Unit
from readiness.facts.place import Place

MAX_REFERENCES = 12


def body_of(observations: Observations, unit: Unit) -> Shape | None:
    """The shape of the body of the operation that a function implements; None where no document describes it."""
    for path, documents in observations.documents.items():
        if not documents or documents[0].get("paths") is None:
            continue
        for operation in _operations(documents[0]):
            name = operation.text("operationId") or ""
            module, _, function = name.rpartition(".")
            if function == unit.name and (unit.module.name == module or unit.module.name.endswith(f".{module}")):
                schema = _schema(operation)
                return _shape(schema, documents[0], path, 0) if schema is not None else Shape("scalar")
    return None


def _operations(document: Located) -> Iterator[Located]:
    for _, methods in document.items("paths"):
        yield from (operation for _, operation in methods.items())


def _schema(operation: Located) -> Located | None:
    for _, content in operation.items("requestBody", "content"):
        return content.get("schema")
    for parameter in operation.elements("parameters"):
        if parameter.text("in") == "body":
            return parameter.get("schema")
    return None


def _shape(schema: Located, document: Located, path: str, depth: int) -> Shape:
    if depth > MAX_REFERENCES:
        return Shape("opaque")
    reference = schema.text("$ref")
    if reference is not None:
        target = document.get(*reference.removeprefix("#/").split("/")) if reference.startswith("#/") else None
        return _shape(target, document, path, depth + 1) if target is not None else Shape("opaque")
    place = Place(path, schema.line, schema.end_line)
    kind = schema.text("type")
    if kind == "array":
        items = schema.get("items")
        element = _shape(items, document, path, depth + 1) if items is not None else Shape("free")
        return Shape("list", schema.get("maxItems") is not None, place, element=element)
    if kind == "string":
        fixed = schema.get("enum") is not None or schema.text("format") in ("date", "date-time", "uuid")
        return Shape("scalar", place=place) if fixed else Shape("text", schema.get("maxLength") is not None, place)
    if kind in ("integer", "number", "boolean"):
        return Shape("scalar", place=place)
    fields = tuple(
        FieldShape(name, _shape(inner, document, path, depth + 1), Place(path, inner.line, inner.end_line))
        for name, inner in schema.items("properties")
    )
    return Shape("record", place=place, fields=fields) if fields else Shape("free", place=place)
