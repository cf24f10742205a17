"""YAML with line numbers, read from the parser's events.

Events come from libyaml one by one, so depth costs no stack; aliases share what they stand for, so that a file of
nested aliases costs what its text costs; nothing of a tag is ever constructed. Scalars follow the core schema of YAML
1.2: `on`, `yes` and `3.11` as a key stay text, which is also how CI systems read their own files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from readiness.extract.data import MAX_DEPTH, MAX_VALUES, Located, Scalar, Value
from readiness.extract.unread import Unread

MAX_BYTES = 512 * 1024
"""YAML longer than this is data, not configuration; reading it all would cost as much as all the code."""

_CONTROL_LINE = re.compile(r"\{\{|\{%")
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip
_MERGE = "<<"
REFERENCE = "!reference"
"""GitLab's tag for "what stands there" (`!reference [.setup, script]`): such a list is handed out under this key."""


def read_yaml(text: str) -> tuple[Located, ...]:
    """The documents of a YAML file, in order; an empty document is left out.

    Raises `Unread` for a file that is too long, nested too deeply, a template rather than YAML, or not valid.
    """
    if len(text) > MAX_BYTES:
        raise Unread(f"YAML of more than {MAX_BYTES // 1024} kB")
    reader = _Reader(text)
    try:
        for event in _events(text):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        if _CONTROL_LINE.search(text):
            raise Unread("a template, not YAML by itself (it has to be rendered first)") from None
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise Unread(f"not valid YAML{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        raise Unread(f"not valid YAML: {str(error).splitlines()[0] if str(error) else 'unreadable'}") from None
    return tuple(reader.documents)


def _events(text: str) -> Iterator[yaml.Event]:
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if event is not None:
                yield event
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read. `height` is how deep the values in it go."""

    value: dict[str, Located] | list[Located]
    line: int
    start: int
    anchor: str | None
    tag: str | None = None
    key: str | None = None
    key_line: int = 0
    merges: list[Value] = field(default_factory=list)
    height: int = 0


class _Reader:
    """Builds documents from events."""

    def __init__(self, text: str) -> None:
        self.documents: list[Located] = []
        self._text = text
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._budget = MAX_VALUES

    def take(self, event: yaml.Event) -> None:
        """Takes one event."""
        if isinstance(event, yaml.ScalarEvent):
            start, end = _line(event.start_mark), _line(event.end_mark)
            if self._awaits_key():
                self._key(event.value, start)
                return
            if event.style in ("|", ">"):
                # The mark of a block scalar's end is the start of the line after it.
                end = max(start, end - 1)
            scalar = _scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (scalar, 0)
            self._add(scalar, start, end, 0)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor or "", _line(event.start_mark))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()

    def _alias(self, anchor: str, line: int) -> None:
        # An alias inside its own anchor, or of an unknown one, stands for nothing: no value contains itself.
        value, height = self._anchors.get(anchor, (None, 0))
        if self._awaits_key():
            self._key(str(value) if isinstance(value, str | int | float) else f"*{anchor}", line)
        else:
            self._add(value, line, line, height)

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _key(self, key: str, line: int) -> None:
        top = self._stack[-1]
        top.key, top.key_line = key, line

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise Unread(f"YAML nested more than {MAX_DEPTH} levels deep")
        value: dict[str, Located] | list[Located] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Open(value, _line(event.start_mark), _index(event.start_mark), event.anchor, event.tag))

    def _close(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        done = self._stack.pop()
        end = _index(event.end_mark)
        end_line = self._last_line(done, _line(event.end_mark))
        if isinstance(done.value, dict):
            self._merge(done.value, done.merges)
        if self._awaits_key():
            self._key(self._text[done.start : end].strip(), done.line)
            return
        value: Value = done.value
        if self._is_hole(done, end):
            value, done.height = self._text[done.start : end], -1
        elif done.tag == REFERENCE and isinstance(value, list):
            value, done.height = {REFERENCE: Located(value, done.line, end_line)}, done.height + 1
        height = done.height + 1
        if done.anchor:
            self._anchors[done.anchor] = (value, height)
        self._add(value, done.line, end_line, height)

    def _last_line(self, done: _Open, end_line: int) -> int:
        """A block collection ends, for the parser, only at the next token: comments and blank lines are not its own."""
        if self._text[done.start : done.start + 1] in ("{", "["):
            return end_line
        inner = done.value if isinstance(done.value, list) else list(done.value.values())
        return max(done.line, inner[-1].end_line) if inner else done.line

    def _is_hole(self, done: _Open, end: int) -> bool:
        """Whether a flow mapping is really an unquoted `{{ template hole }}`."""
        opens = isinstance(done.value, dict) and self._text.startswith("{{", done.start)
        return opens and self._text[end - 2 : end] == "}}"

    def _add(self, value: Value, line: int, end_line: int, height: int) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise Unread(f"YAML of more than {MAX_VALUES:,} values")
        if not self._stack:
            if value is not None:
                self.documents.append(Located(value, line, end_line))
            return
        if len(self._stack) + height > MAX_DEPTH:
            raise Unread(f"YAML nested more than {MAX_DEPTH} levels deep")
        top = self._stack[-1]
        top.height = max(top.height, height)
        if isinstance(top.value, list):
            top.value.append(Located(value, line, end_line))
            return
        key, top.key = top.key or "", None
        if key == _MERGE:
            top.merges.append(value)
        else:
            top.value[key] = Located(value, top.key_line, max(end_line, top.key_line))

    def _merge(self, into: dict[str, Located], merges: list[Value]) -> None:
        """Fills in the entries of `<<:`; what is written out wins, and among merged mappings the first."""
        for merged in merges:
            for source in [item.value for item in merged] if isinstance(merged, list) else [merged]:
                if isinstance(source, dict) and source is not into:
                    self._budget -= len(source)
                    if self._budget < 0:
                        raise Unread(f"YAML of more than {MAX_VALUES:,} values")
                    for key, entry in source.items():
                        into.setdefault(key, entry)


class _Mark(Protocol):
    """Where the parser was; lines and characters count from 0."""

    @property
    def line(self) -> int: ...

    @property
    def index(self) -> int: ...


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark is not None else 1


def _index(mark: _Mark | None) -> int:
    return mark.index if mark is not None else 0


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    """What a scalar means; anything quoted, long or with a tag of its own is text."""
    text: str = event.value
    if event.style not in (None, "") or event.tag is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
