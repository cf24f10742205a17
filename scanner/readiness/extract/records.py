"""Data sets of records: JSON lines, CSV, and lists of mappings in JSON or YAML."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract.data import Located

MAX_RECORDS = 10_000
"""More records than this are not counted; a set of examples to evaluate with is far smaller."""

MAX_BYTES = 8 * 1024 * 1024
"""Longer files are only looked at up to here."""

_MAX_KEYS = 200
_FIRST = 5
_FIRST_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Records:
    """One set of records.

    `count` counts the records that could be read (at most `MAX_RECORDS`), `broken` the lines that could not; `keys` in
    how many records each key has a value; `first` shows the first records as written. `under` is the key that holds the
    list in a larger document, "" when the file is the list.
    """

    path: str
    kind: str
    count: int
    keys: dict[str, int]
    first: tuple[str, ...]
    line: int = 1
    end_line: int = 1
    broken: int = 0
    under: str = ""


def read_json_lines(path: str, text: str) -> Records:
    """One JSON object a line; blank lines are passed over."""
    keys: Counter[str] = Counter()
    first: list[str] = []
    count = broken = 0
    lines = text[:MAX_BYTES].split("\n")
    for raw in lines:
        if count >= MAX_RECORDS:
            break
        if not raw.strip():
            continue
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            broken += 1
            continue
        count += 1
        _count_keys(keys, record)
        if len(first) < _FIRST:
            first.append(raw[:_FIRST_LENGTH])
    return Records(path, "jsonl", count, _bounded(keys), tuple(first), 1, len(lines), broken)


def read_table(path: str, text: str) -> Records:
    """CSV, or TSV by the file's name: the first row names the keys."""
    lines = text[:MAX_BYTES].split("\n")
    reader = csv.reader(lines, delimiter="\t" if path.endswith(".tsv") else ",")
    keys: Counter[str] = Counter()
    count = broken = 0
    header: list[str] = []
    rows = iter(reader)
    while count < MAX_RECORDS:
        try:
            row = next(rows, None)
        except csv.Error:
            broken += 1
            continue
        if row is None:
            break
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [name.strip() for name in row[:_MAX_KEYS]]
            continue
        count += 1
        keys.update(name for name, cell in zip(header, row, strict=False) if name and cell.strip())
    first = tuple(line[:_FIRST_LENGTH] for line in lines[: _FIRST + 1])
    return Records(path, "csv", count, _bounded(keys), first, 1, max(1, reader.line_num), broken)


def read_json_records(path: str, text: str) -> Records | None:
    """The longest list of mappings in a JSON file that is too long for `read_json`; None where there is none."""
    if len(text) > MAX_BYTES:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    candidates: list[tuple[str, list[object]]] = []
    if isinstance(value, list):
        candidates.append(("", value))
    elif isinstance(value, dict):
        candidates.extend((key, inner) for key, inner in value.items() if isinstance(inner, list))
    best: tuple[str, list[object]] = max(
        (found for found in candidates if _are_records(found[1])), key=lambda found: len(found[1]), default=("", [])
    )
    if not best[1]:
        return None
    keys: Counter[str] = Counter()
    for record in best[1][:MAX_RECORDS]:
        _count_keys(keys, record)
    first = tuple(json.dumps(record, ensure_ascii=False)[:_FIRST_LENGTH] for record in best[1][:_FIRST])
    count = min(len(best[1]), MAX_RECORDS)
    return Records(path, "json", count, _bounded(keys), first, 1, text.count("\n") + 1, 0, best[0])


def records_of(path: str, kind: str, documents: Iterable[Located], text: str) -> Records | None:
    """The longest list of mappings at the top of a YAML or JSON file, or right under one of its keys."""
    candidates = [found for document in documents for found in _lists(document)]
    if not candidates:
        return None
    under, best = max(candidates, key=lambda found: len(list(found[1].elements())))
    elements = list(best.elements())[:MAX_RECORDS]
    keys: Counter[str] = Counter()
    for element in elements:
        keys.update(key for key, inner in element.items() if inner.value not in (None, ""))
        if _ends_in_an_answer(_written(element)):
            keys[REFERENCE_TURN] += 1
    lines = text.split("\n", elements[min(len(elements), _FIRST) - 1].end_line)
    first = tuple(
        "\n".join(lines[element.line - 1 : element.end_line])[:_FIRST_LENGTH] for element in elements[:_FIRST]
    )
    return Records(path, kind, len(elements), _bounded(keys), first, best.line, best.end_line, 0, under)


def _written(element: Located) -> dict[object, object]:
    """The lists of mappings of a record as they are written, enough to look at its conversations."""
    return {
        key: [{name: one.value for name, one in turn.items()} for turn in inner.elements()]
        for key, inner in element.items()
        if key in _TURNS
    }


def _lists(document: Located) -> Iterator[tuple[str, Located]]:
    for under, found in [("", document), *document.items()]:
        elements = list(found.elements())
        if elements and all(isinstance(element.value, dict) for element in elements):
            yield under, found


def _are_records(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values[:MAX_RECORDS])


_TURNS = ("messages", "conversation", "conversations", "turns", "dialogue", "dialog")
_ANSWERS = ("assistant", "ai", "model", "gpt", "bot")
REFERENCE_TURN = "messages[].assistant"
"""Counted as a key of records that are conversations ending in the answer that is wanted."""


def _ends_in_an_answer(record: dict[object, object]) -> bool:
    """Whether a record is a conversation of at least two turns whose last one is the assistant's."""
    turns = next((record[name] for name in _TURNS if isinstance(record.get(name), list)), None)
    if not isinstance(turns, list) or len(turns) < 2 or not isinstance(turns[-1], dict):
        return False
    return str(turns[-1].get("role") or turns[-1].get("from") or "").lower() in _ANSWERS


def _count_keys(keys: Counter[str], record: object) -> None:
    if isinstance(record, dict):
        if _ends_in_an_answer(record):
            keys[REFERENCE_TURN] += 1
        keys.update(str(key) for key, value in record.items() if value not in (None, ""))


def _bounded(keys: Counter[str]) -> dict[str, int]:
    return {key: keys[key] for key in sorted(keys, key=lambda name: (-keys[name], name))[:_MAX_KEYS]}
