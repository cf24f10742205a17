"""What is known of a value that came from a model: whose answer it is, and what must be taken out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.units import Unit

MAX_MARKS = 100
"""Marks kept of one value; more is a hub that everything passes through."""

MAX_PATH = 7
"""Members, items and wrappings followed in one value."""

ITEM = "[]"
"""The step into any item of a sequence, or to the next piece of a stream."""

ANY = "*"
"""The step by a key that is not known."""

BODY = "<body>"
"""The step from the bytes of an HTTP answer to what is decoded from them: the envelope is no text of the model."""

_OF_THE_ENVELOPE = frozenset(
    {"status", "status_code", "headers", "ok", "url", "reason", "cookies", "elapsed", "request"}
)


class Kind(StrEnum):
    """What the value is, once its path is taken."""

    TEXT = "text"
    ARGUMENTS = "arguments"
    """Arguments the model chose for a tool."""
    PARSED = "parsed"
    """Data read out of model text, whatever it holds."""
    CHECKED = "checked"
    """An object of a declared shape: the API held the model to it, or a validator did afterwards."""


@dataclass(frozen=True, slots=True)
class ToolInput:
    """What a model passes to a function that it may call as a tool."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Given:
    """What callers pass for a parameter: resolved where the function is called."""

    unit: Unit
    name: str


Origin = ModelCall | ToolInput | Given


@dataclass(frozen=True, slots=True)
class Mark:
    """One way model output is inside a value.

    `path` is what must still be taken (`choices`, `[]`, `message`, `content`). `whole` tells that the value is the
    SDK's own result, of which only text functions may assume that it is text. `taken` is what was taken from a
    parameter whose value is not known yet. `site` is the call that asked for the answer, seen from the code that uses
    it: outside all wrappers. `through` are the operations on the text so far.
    """

    origin: Origin
    kind: Kind
    path: tuple[str, ...] = ()
    whole: bool = False
    taken: tuple[str, ...] = ()
    site: tuple[code.Call, Unit] | None = None
    hops: int = 0
    through: tuple[code.Node, ...] = ()
    field: str = ""
    """Of a checked object: the field that was read."""

    @property
    def is_text(self) -> bool:
        """Whether the value itself is text, as far as a text function can tell."""
        return not self.path and self.kind in (Kind.TEXT, Kind.ARGUMENTS)


Marks = frozenset[Mark]
NONE: Marks = frozenset()


def limited(marks: Iterable[Mark]) -> Marks:
    """A set of marks; of too many, the first in order."""
    found = frozenset(marks)
    return found if len(found) <= MAX_MARKS else frozenset(in_order(found)[:MAX_MARKS])


def in_order(marks: Iterable[Mark]) -> list[Mark]:
    """Marks in an order that is the same in every run."""
    found = list(marks)
    return found if len(found) < 2 else sorted(found, key=_order)


def _order(mark: Mark) -> tuple[object, ...]:
    origin = mark.origin
    place = origin.place if isinstance(origin, ModelCall) else origin.unit.place
    name = origin.name if isinstance(origin, Given) else ""
    site = (mark.site[1].module.path, mark.site[0].line) if mark.site else ("", 0)
    lines = [node.line for node in mark.through]
    rank = (mark.kind is not Kind.TEXT, mark.kind)
    return (*rank, mark.path, mark.taken, mark.hops, place, name, site, mark.whole, mark.field, lines)


def take(marks: Iterable[Mark], step: str) -> Marks:
    """What `value.step`, `value["step"]` or (`[]`) an item of the value holds."""
    return frozenset(found for mark in marks if (found := _take(mark, step)) is not None)


def _take(mark: Mark, step: str) -> Mark | None:
    if mark.path[:1] == (BODY,):
        return None if step in _OF_THE_ENVELOPE else mark
    if mark.path:
        return replace(mark, path=mark.path[1:]) if _fits(mark.path[0], step) else None
    if isinstance(mark.origin, Given) and mark.kind is Kind.TEXT and not mark.through:
        return replace(mark, taken=(*mark.taken, step)) if len(mark.taken) < MAX_PATH else None
    is_item = step in (ITEM, ANY) or _is_position(step)
    if mark.whole:
        return mark if step == ITEM else None
    if mark.kind is Kind.TEXT:
        return mark if is_item else None
    return replace(mark, field=step) if mark.kind is Kind.CHECKED and not is_item else mark


def _fits(head: str, step: str) -> bool:
    """Whether a step leads into the part of a value that `head` names."""
    if head == step or ANY in (head, step):
        return True
    if head == ITEM:
        return _is_position(step)
    if _is_position(head):
        return step == ITEM or step.startswith("-")
    return {head, step} == {"content", "text"}


def _is_position(step: str) -> bool:
    return step.lstrip("-").isdigit()


def wrap(marks: Iterable[Mark], step: str) -> Marks:
    """The marks of a container that holds the value under `step`."""
    return frozenset(replace(m, path=(step, *m.path)) for m in marks if len(m.path) < MAX_PATH)


def enveloped(marks: Iterable[Mark]) -> Marks:
    """The marks of what is still the body of an HTTP answer, or a piece of it."""
    return frozenset(m for m in marks if m.path[:1] == (BODY,))


def decoded(marks: Iterable[Mark]) -> Marks:
    """What is in the body of an HTTP answer once that is decoded."""
    return frozenset(replace(m, path=m.path[1:]) for m in enveloped(marks))


def texts(marks: Iterable[Mark]) -> list[Mark]:
    """Those marks by which the value itself is model text."""
    return [m for m in marks if m.is_text]


def through(marks: Iterable[Mark], node: code.Node, kind: Kind | None = None) -> Marks:
    """The same values after an operation on them."""
    return frozenset(replace(m, kind=kind or m.kind, whole=False, through=(*m.through, node)[:MAX_PATH]) for m in marks)


def substitute(mark: Mark, given: Iterable[Mark], site: tuple[code.Call, Unit] | None = None) -> Marks:
    """What a parameter's mark stands for when the parameter holds `given`."""
    found: Marks = frozenset(given)
    for step in mark.taken:
        found = take(found, step)
    changed = mark.kind is not Kind.TEXT or bool(mark.through)
    if changed:
        found = frozenset(m for m in found if not m.path)
    return frozenset(_composed(mark, inner, site or inner.site) for inner in found if len(inner.path) < MAX_PATH)


def _composed(mark: Mark, inner: Mark, site: tuple[code.Call, Unit] | None) -> Mark:
    kind = inner.kind if mark.kind is Kind.TEXT else mark.kind
    passed = (*inner.through, *mark.through)[:MAX_PATH]
    return replace(inner, kind=kind, path=(*mark.path, *inner.path), site=site, through=passed,
                   whole=inner.whole and not mark.path and not mark.through, hops=inner.hops + 1)  # fmt: skip
