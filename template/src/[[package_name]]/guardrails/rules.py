"""Rules as data: what they look for, why, and what happens when they find it."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from .spelling import spellings, unaccented

_SCANNED = 20_000  # characters; whoever calls bounds a text well below
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|,\}")


class Rule(BaseModel):
    """Something a text must not contain.

    A blank in a pattern stands for up to five signs between two words. Repetition must be bounded, as in `.{0,40}`:
    then no text, however hostile, can keep a rule busy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    why: str
    action: Literal["block", "note"] = "block"
    patterns: Annotated[list[str], Field(min_length=1)]

    @field_validator("patterns")
    @classmethod
    def _usable(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            if _UNBOUNDED.search(pattern):
                raise ValueError(f"{pattern!r} repeats without a limit: write {{0,40}} in the place of * or +")
            try:
                re.compile(pattern)
            except re.error as problem:
                raise ValueError(f"{pattern!r} is no regular expression: {problem}") from problem
        return patterns

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """All patterns as one, for texts as `spelling.spellings` gives them."""
        joined = "|".join(f"(?:{unaccented(pattern)})" for pattern in self.patterns)
        return re.compile(joined.replace(" ", r"\W{0,5}"), re.IGNORECASE)


class RuleBook(BaseModel):
    """A file of rules, and the texts shown in the place of an answer when there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: int
    rules: list[Rule]
    texts: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> "RuleBook":
        """Read a file of rules; a ValueError names the file, the rule and what to write."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text("utf-8")))
        except (ValueError, yaml.YAMLError) as problem:
            raise ValueError(f"{path}: {problem}") from problem

    def hits(self, text: str) -> list[Rule]:
        """The rules that this text breaks, in the order of the file."""
        readings = {reading[:_SCANNED] for reading in spellings(text[:_SCANNED])}
        return [rule for rule in self.rules if any(rule.compiled.search(reading) for reading in readings)]
