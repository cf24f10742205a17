"""One check on one repository's facts: evaluates its expressions and says, when one breaks, which and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.assess.errors import CheckError, ExpressionError
from readiness.assess.expressions import expression, message
from readiness.facts.place import Evidence, Place


@dataclass(frozen=True, slots=True)
class Bench:
    """The name of a check and the facts it is judged on."""

    check: str
    facts: object

    def value(self, source: str, at: object = None, **bound: object) -> Any:
        """Return the value of an expression; `at` is the fact it is about, for the error.

        Raises:
            CheckError: the expression breaks on this fact.
        """
        try:
            return expression(source)(self.facts, **bound)
        except ExpressionError as error:
            raise CheckError(self.check, source, where(at), str(error)) from error

    def holds(self, source: str, at: object = None, **bound: object) -> bool:
        """Return whether an expression is true; an empty one is not."""
        return bool(source) and bool(self.value(source, at, **bound))

    def listed(self, source: str, at: object = None, **bound: object) -> list[Any]:
        """Return the list an expression gives; None is an empty one."""
        return as_list(self.value(source, at, **bound))

    def says(self, source: str, at: object = None, **bound: object) -> str:
        """Return a message rendered on one line.

        Raises:
            CheckError: something in it breaks on this fact.
        """
        try:
            return message(source)(self.facts, **bound)
        except ExpressionError as error:
            raise CheckError(self.check, source.strip(), where(at), str(error)) from error


def place_of(fact: object) -> Place | None:
    """Return where a fact is; None for a value that is no fact."""
    if isinstance(fact, Place):
        return fact
    place = getattr(fact, "place", None)
    return place if isinstance(place, Place) else None


def evidence_of(fact: object) -> Evidence | None:
    """Return a fact as evidence: its place with its `text`, or else its `name`; None for a value that is no fact."""
    if isinstance(fact, Evidence):
        return fact
    place = place_of(fact)
    if place is None:
        return None
    words = (getattr(fact, attribute, None) for attribute in ("text", "name"))
    return Evidence(place, next((word for word in words if isinstance(word, str) and word), ""))


def in_order(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence without repetitions, by place."""
    return tuple(sorted(set(evidence)))


def as_list(value: object) -> list[Any]:
    """Return what an expression found as a list: a fact alone is one, and what is empty, false or None is none."""
    if isinstance(value, Place) or place_of(value) is not None or isinstance(value, str | Mapping):
        return [value] if value else []
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Iterable):
        return list(value)
    return [value] if value else []


def where(fact: object) -> str:
    """Return a fact's place for an error message."""
    place = place_of(fact)
    return f"{place.path}:{place.line}" if place else "the repository"
