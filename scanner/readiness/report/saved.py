"""A saved JSON report, read back: for badges, baselines and comparisons."""

from __future__ import annotations

import json
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from readiness.errors import UsageError
from readiness.report.json import JSON_NAMES
from readiness.report.model import SCHEMA_VERSION, Report


def from_json(text: str, name: str = "the report") -> Report:
    """The report in `text`.

    Args:
        text: what `to_json` wrote, by this version or another of the same `schema_version`; keys it does not know are
            ignored.
        name: what to call the text in an error.

    Raises:
        UsageError: the text is no report of this schema version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON ({error}); write one with `readiness scan --format json`") from error
    if not isinstance(data, dict) or "schema_version" not in data:
        raise UsageError(f"{name} is not a readiness report; write one with `readiness scan --format json`")
    if data["schema_version"] != SCHEMA_VERSION:
        raise UsageError(
            f"{name} has schema_version {data['schema_version']!r}, this readiness reads {SCHEMA_VERSION!r}; scan again"
        )
    try:
        report = _read(Report, data, "")
    except _MisfitError as misfit:
        raise UsageError(f"{name} is damaged: {misfit}; write it again with `readiness scan --format json`") from misfit
    assert isinstance(report, Report)
    return report


class _MisfitError(Exception):
    """A value that is not what the contract says."""


def _read(kind: Any, value: Any, where: str) -> Any:
    """The value as `kind`; the model's types bound the depth."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else _read(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _MisfitError(f"`{where}` should be a list")
        return tuple(_read(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise _MisfitError(f"`{where}` should be an object")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, value, where)
    return _scalar(kind, value, where)


def _record(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _MisfitError(f"`{where}` should be an object")
    given = {}
    for field, of in _fields(kind):
        key = JSON_NAMES.get(field.name, field.name)
        path = f"{where}.{key}" if where else key
        if key in value:
            given[field.name] = _read(of, value[key], path)
        elif field.default is MISSING:
            raise _MisfitError(f"`{path}` is missing")
    return kind(**given)


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) is (kind is bool) and isinstance(value, kind):
        return value
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    raise _MisfitError(f"`{where}` should be {words[kind]}")


@cache
def _fields(kind: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))
