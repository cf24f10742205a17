"""JSON with line numbers; comments and trailing commas pass, as `devcontainer.json` and `tsconfig.json` have them."""

from __future__ import annotations

import json
import re

from readiness.extract.data import MAX_DEPTH, MAX_VALUES, Located, Scalar
from readiness.extract.unread import Unread

MAX_BYTES = 512 * 1024
"""Longer JSON is data, not configuration."""

_SKIP = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null|-?Infinity|NaN")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_MAX_DIGITS = 400
_DECODER = json.JSONDecoder(strict=False)


def read_json(text: str) -> Located:
    """The value of a JSON file. Raises `Unread` for a file that is too long, nested too deeply, or not valid."""
    if len(text) > MAX_BYTES:
        raise Unread(f"JSON of more than {MAX_BYTES // 1024} kB")
    return _Reader(text).read()


class _Frame:
    """An object or array being read."""

    __slots__ = ("key", "key_line", "line", "value")

    def __init__(self, value: dict[str, Located] | list[Located], line: int) -> None:
        self.value = value
        self.line = line
        self.key = ""
        self.key_line = 0


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._stack: list[_Frame] = []
        self._budget = MAX_VALUES

    def read(self) -> Located:
        """The one value of the text."""
        while True:
            done = self._value()
            while done is not None:
                if not self._stack:
                    if self._peek():
                        raise self._fault("text after the end")
                    return done
                done = self._attach(done)

    def _value(self) -> Located | None:
        """Reads a scalar or an empty container; or opens a container and returns None."""
        char = self._peek()
        line = self._here()
        self._budget -= 1
        if self._budget < 0:
            raise Unread(f"JSON of more than {MAX_VALUES:,} values")
        if char in ("{", "["):
            if len(self._stack) >= MAX_DEPTH:
                raise Unread(f"JSON nested more than {MAX_DEPTH} levels deep")
            self._at += 1
            self._stack.append(_Frame({} if char == "{" else [], line))
            return self._close_or_go_on()
        if char == '"':
            return Located(self._string(), line, line)
        if (number := _NUMBER.match(self._text, self._at)) is not None:
            self._at = number.end()
            return Located(_number(number), line, line)
        if (word := _WORD.match(self._text, self._at)) is not None:
            self._at = word.end()
            return Located(_WORDS.get(word[0], word[0]), line, line)
        raise self._fault("a value is missing")

    def _attach(self, done: Located) -> Located | None:
        """Puts a finished value into its container; returns the container when that is finished too."""
        top = self._stack[-1]
        if isinstance(top.value, dict):
            top.value[top.key] = Located(done.value, top.key_line, done.end_line)
        else:
            top.value.append(done)
        char = self._peek()
        if char == ",":
            self._at += 1
            return self._close_or_go_on()
        if char in ("}", "]"):
            return self._close()
        raise self._fault("a comma is missing")

    def _close_or_go_on(self) -> Located | None:
        """Behind an opening bracket or a comma: closes, or reads the next key and returns None."""
        if self._peek() in ("}", "]"):
            return self._close()
        top = self._stack[-1]
        if isinstance(top.value, dict):
            if self._peek() != '"':
                raise self._fault("a key is missing")
            top.key_line = self._here()
            top.key = self._string()
            if self._peek() != ":":
                raise self._fault("a colon is missing")
            self._at += 1
        return None

    def _close(self) -> Located:
        top = self._stack.pop()
        if self._text[self._at] != ("}" if isinstance(top.value, dict) else "]"):
            raise self._fault("the wrong bracket closes")
        self._at += 1
        return Located(top.value, top.line, self._here())

    def _string(self) -> str:
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise self._fault(error.msg) from None
        return str(value)

    def _peek(self) -> str:
        """The next character that means something, "" at the end."""
        char = self._text[self._at : self._at + 1]
        if char > "/":
            return char
        skipped = _SKIP.match(self._text, self._at)
        self._at = skipped.end() if skipped is not None else self._at
        return self._text[self._at : self._at + 1]

    def _here(self) -> int:
        """The current line; lines are counted on from where they were counted last."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _fault(self, problem: str) -> Unread:
        return Unread(f"not valid JSON, line {self._here()}: {problem}")


def _number(match: re.Match[str]) -> Scalar:
    if len(match[0]) > _MAX_DIGITS:
        return match[0]
    return float(match[0]) if match[1] or match[2] else int(match[0])
