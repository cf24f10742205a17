"""Data with its place: what YAML, TOML and JSON files hold, and in which line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 200
"""Deeper nesting than this is no configuration; a reader refuses the file."""

MAX_VALUES = 200_000
"""More values than this in one file are not read; nor are more handed out by `walk` and `plain`."""

Scalar = str | int | float | bool | None
Value = dict[str, "Located"] | list["Located"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A value and its place; lines count from 1.

    The place of a mapping's entry runs from its key to the end of its value, that of a list's item covers the item.
    Keys are always text, as written (`on`, `3.11`). Where a file shares a value (a YAML alias), so do we: the same
    `dict` or `list` object stands in several places, and nothing contains itself.
    """

    value: Value
    line: int
    end_line: int

    def get(self, *keys: str | int) -> Located | None:
        """The value under a path of keys and list positions, or None where there is none; never raises."""
        here: Located | None = self
        for key in keys:
            if here is None:
                return None
            value = here.value
            if isinstance(value, dict):
                here = value.get(key) if isinstance(key, str) else None
            elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
                here = value[key]
            else:
                return None
        return here

    def text(self, *keys: str | int) -> str | None:
        """The text under a path, or None where there is none or it is not text."""
        found = self.get(*keys)
        return found.value if found is not None and isinstance(found.value, str) else None

    def items(self, *keys: str | int) -> Iterator[tuple[str, Located]]:
        """The entries of the mapping under a path, in the file's order; nothing for anything else."""
        found = self.get(*keys)
        if found is not None and isinstance(found.value, dict):
            yield from found.value.items()

    def elements(self, *keys: str | int) -> Iterator[Located]:
        """The items of the list under a path, in order; nothing for anything else."""
        found = self.get(*keys)
        if found is not None and isinstance(found.value, list):
            yield from found.value

    def walk(self) -> Iterator[tuple[str | int | None, Located]]:
        """Every value inside (and including) this one with its own key or position, in the file's order.

        A shared value is entered once, and at most `MAX_VALUES` are handed out.
        """
        entered: set[int] = set()
        stack: list[tuple[str | int | None, Located]] = [(None, self)]
        handed_out = 0
        while stack and handed_out < MAX_VALUES:
            key, here = stack.pop()
            handed_out += 1
            yield key, here
            value = here.value
            if not isinstance(value, dict | list) or id(value) in entered:
                continue
            entered.add(id(value))
            if isinstance(value, dict):
                stack.extend(reversed(value.items()))
            else:
                stack.extend(reversed(list(enumerate(value))))

    def find(self, *keys: str) -> Iterator[tuple[str, Located]]:
        """Every entry anywhere inside whose key is one of these."""
        wanted = frozenset(keys)
        for key, here in self.walk():
            if isinstance(key, str) and key in wanted:
                yield key, here

    def plain(self) -> object:
        """The value without places: plain dicts, lists and scalars. Shared values stay shared; what is over the limit
        of `MAX_VALUES` is left out.
        """
        built: dict[int, dict[str, object] | list[object]] = {}
        budget = MAX_VALUES

        def start(value: Value) -> object:
            if isinstance(value, dict):
                return built.setdefault(id(value), {})
            if isinstance(value, list):
                return built.setdefault(id(value), [])
            return value

        result = start(self.value)
        stack = [self.value]
        filled: set[int] = set()
        while stack and budget > 0:
            value = stack.pop()
            if not isinstance(value, dict | list) or id(value) in filled:
                continue
            filled.add(id(value))
            budget -= len(value)
            target = built[id(value)]
            if isinstance(value, dict) and isinstance(target, dict):
                for key, inner in value.items():
                    target[key] = start(inner.value)
                    stack.append(inner.value)
            elif isinstance(value, list) and isinstance(target, list):
                for inner in value:
                    target.append(start(inner.value))
                    stack.append(inner.value)
        return result
