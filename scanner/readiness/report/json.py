"""The report as JSON: versioned, byte-stable, described by `report.schema.json`."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from readiness.report.model import Report
from readiness.report.sanitize import is_hidden

# The contract's keys that Python cannot spell.
JSON_NAMES = {"passed": "pass", "failed": "fail"}

_BEYOND_ASCII = re.compile("[^\x00-\x7e]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> str:
    """The report as JSON text, one key per line, in the contract's order, ending in a newline.

    Names stay as they are in the repository; the bytes of a path that are no UTF-8 appear as `\\xNN`, so that the text
    can be encoded and every JSON reader accepts it.
    """
    return written(to_data(report), indent=2) + "\n"


def written(data: Any, indent: int | None = None) -> str:
    """Plain data as JSON that is safe to look at: what a terminal would not show is escaped, as JSON escapes it."""
    text = json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False)
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1] if is_hidden(found[0]) else found[0], text)


def to_data(report: Report) -> dict[str, Any]:
    """The report as plain dictionaries and lists, `schema_version` first."""
    data: dict[str, Any] = {"schema_version": report.schema_version}
    data.update(_plain(report))
    return data


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `to_json` writes."""
    text = files("readiness.report").joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def printable(value: Any) -> Any:
    """Plain data whose texts can be encoded: bytes that are no UTF-8 appear as `\\xNN`."""
    return _plain(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {JSON_NAMES.get(name, name): _plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    return _text(value) if isinstance(value, str) else value


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _text(text: str) -> str:
    return _SURROGATE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
