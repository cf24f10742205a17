"""What the template asks, read from its `copier.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import yaml

from readiness._resources import data_root

Kind = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    `choices` holds what can be answered, with each choice's title; it is empty where any text will do. With `several`
    the answer is a list of choices. `default` is None where it is computed from other answers.
    """

    name: str
    kind: Kind
    help: str
    default: str | None
    choices: tuple[tuple[str, str], ...] = ()
    several: bool = False


@cache
def load_questions() -> tuple[Question, ...]:
    """The questions a person can answer, in the order they are asked; computed values are none of them."""
    text = (data_root() / "copier.yml").read_text("utf-8")
    return tuple(
        _question(name, details)
        for name, details in yaml.safe_load(text).items()
        if not name.startswith("_") and details.get("when") is not False
    )


def _question(name: str, details: dict[str, Any]) -> Question:
    kind = details["type"]
    assert kind in get_args(Kind), f"copier.yml: {name} has the type {kind!r}, which this module does not know"
    return Question(
        name=name,
        kind=kind,
        help=details["help"],
        default=_default(details["default"]),
        choices=tuple((str(value), title) for title, value in details.get("choices", {}).items()),
        several=bool(details.get("multiselect")),
    )


def _default(value: Any) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(value)
    text = str(value)
    return None if "[[" in text or "[%" in text else text
