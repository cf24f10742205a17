"""TOML with line numbers: the standard library reads the values, a scan of the text finds their lines."""

from __future__ import annotations

import re
import tomllib

from readiness.extract.data import MAX_DEPTH, MAX_VALUES, Located, Value
from readiness.extract.unread import Unread

MAX_BYTES = 4 * 1024 * 1024
"""Lock files are long; nothing hand-written comes near."""

_Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|\n|[\[\]{}=,.]|[^\s\[\]{}=,#\"'.]+",
    re.DOTALL,
)


def read_toml(text: str) -> Located:
    """The table of a TOML file. Raises `Unread` for a file that is too long, nested too deeply, or not valid."""
    if len(text) > MAX_BYTES:
        raise Unread(f"TOML of more than {MAX_BYTES // 1024} kB")
    try:
        plain = tomllib.loads(text)
    except RecursionError:
        raise Unread("TOML nested too deeply to be read safely") from None
    except ValueError as error:
        raise Unread(f"not valid TOML: {error}") from None
    return _Places(text).locate(plain)


class _Places:
    """The line of every key and array item of a text that is known to be valid TOML."""

    def __init__(self, text: str) -> None:
        self._lines: dict[_Path, tuple[int, int]] = {}
        self._arrays: dict[_Path, int] = {}
        self._tokens: list[tuple[str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            self._tokens.append((match[0], line))
            line += match[0].count("\n")
        self._at = 0
        self._budget = MAX_VALUES
        self._scan()

    def locate(self, plain: dict[str, object]) -> Located:
        """The plain values with their places; what the scan did not find has its container's place."""
        return self._located(plain, (), 1, 0)

    def _located(self, plain: object, path: _Path, fallback: int, depth: int) -> Located:
        self._budget -= 1
        if depth > MAX_DEPTH:
            raise Unread(f"TOML nested more than {MAX_DEPTH} levels deep")
        if self._budget < 0:
            raise Unread(f"TOML of more than {MAX_VALUES:,} values")
        line, end = self._lines.get(path, (fallback, fallback))
        value: Value
        if isinstance(plain, dict):
            value = {key: self._located(inner, (*path, key), line, depth + 1) for key, inner in plain.items()}
            end = max([end, *(inner.end_line for inner in value.values())])
        elif isinstance(plain, list):
            value = [self._located(inner, (*path, index), line, depth + 1) for index, inner in enumerate(plain)]
            end = max([end, *(inner.end_line for inner in value)])
        elif isinstance(plain, str | int | float | bool):
            value = plain
        else:
            value = str(plain)
        return Located(value, line, end)

    def _scan(self) -> None:
        prefix: _Path = ()
        while (token := self._token()) is not None:
            if token[0] == "[":
                prefix = self._header(token[1])
            elif token[0] == "\n" or token[0].startswith("#"):
                self._at += 1
            else:
                self._value((*prefix, *self._keys("=")), token[1], len(prefix))

    def _token(self) -> tuple[str, int] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _keys(self, closing: str) -> list[str]:
        """The parts of a dotted key up to `closing`, which is consumed too."""
        keys: list[str] = []
        while (token := self._token()) is not None:
            self._at += 1
            if token[0] == closing:
                break
            if token[0] != ".":
                keys.append(_key(token[0]))
        return keys

    def _header(self, line: int) -> _Path:
        """`[table]` or `[[array of tables]]`: the path that the entries below it belong to."""
        self._at += 1
        following = self._token()
        array = following is not None and following[0] == "["
        self._at += int(array)
        keys = self._keys("]")
        self._at += int(array)
        path: _Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            self._lines.setdefault(path, (line, line))
            if array and index == len(keys) - 1:
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path = (*path, self._arrays[path])
        self._lines.setdefault(path, (line, line))
        return path

    def _value(self, path: _Path, line: int, depth: int) -> None:
        """Reads one value and notes the places of everything in it; `line` is where its key stands."""
        if depth > MAX_DEPTH:
            raise Unread(f"TOML nested more than {MAX_DEPTH} levels deep")
        token = self._token()
        if token is None:
            return
        end = token[1]
        self._at += 1
        if token[0] in ("[", "{"):
            index = 0
            while (inner := self._token()) is not None:
                end = inner[1]
                if inner[0] in ("]", "}"):
                    self._at += 1
                    break
                if inner[0] in (",", "\n") or inner[0].startswith("#"):
                    self._at += 1
                elif token[0] == "{":
                    self._value((*path, *self._keys("=")), inner[1], depth + 1)
                else:
                    self._value((*path, index), inner[1], depth + 1)
                    index += 1
        else:
            end += token[0].count("\n")
            while (more := self._token()) is not None and more[0] not in (",", "]", "}", "\n") and more[0][0] != "#":
                self._at += 1
        self._lines.setdefault(path, (line, end))


def _key(written: str) -> str:
    if written[0] == '"':
        try:
            return str(tomllib.loads(f"key = {written}")["key"])
        except ValueError:
            return written[1:-1]
    return written[1:-1] if written[0] == "'" else written
