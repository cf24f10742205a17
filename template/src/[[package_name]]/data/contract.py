"""The data contract: what a record must look like, read from data/contract.yaml."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import Refused
from ..storage.tables import now

Record = dict[str, Any]
"""A record that passed: only fields of the contract, dates as ISO text, nothing empty."""

Day = date | Literal["today"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rule(_Strict):
    required: bool = False
    unique: bool = False


class TextRule(_Rule):
    """A text, without the space around it."""

    type: Literal["string"]
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: re.Pattern[str] | None = None
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1)


class NumberRule(_Rule):
    """A number between two bounds, which belong to it."""

    type: Literal["integer", "number"]
    min: int | float | None = None
    max: int | float | None = None


class DateRule(_Rule):
    """A day, or a moment in UTC, between two days, which belong to it."""

    type: Literal["date", "datetime"]
    min: Day | None = None
    max: Day | None = None


class FlagRule(_Rule):
    """Yes or no."""

    type: Literal["boolean"]


Rule = Annotated[TextRule | NumberRule | DateRule | FlagRule, Field(discriminator="type")]


class Freshness(_Strict):
    """How old the newest record of a batch may be before its source counts as stale."""

    field: str
    max_age_days: int = Field(ge=0)


class DriftLimits(_Strict):
    """From which distance on a field counts as drifted; a distance that chance explains never does."""

    psi: float = Field(default=0.25, gt=0)
    ks: float = Field(default=0.25, gt=0, le=1)


class Contract(_Strict):
    """The whole contract."""

    version: str
    key: str
    title: str
    text: str
    freshness: Freshness | None = None
    drift: DriftLimits = DriftLimits()
    fields: dict[str, Rule]

    @model_validator(mode="after")
    def names_exist(self) -> "Contract":
        """Every field that is referred to is there, and what makes a document is always filled in."""
        for role in ("key", "title", "text"):
            rule = self.fields.get(getattr(self, role))
            if not (isinstance(rule, TextRule) and rule.required):
                raise ValueError(f"{role}: {getattr(self, role)!r} must be one of the fields, a required string")
        if self.freshness and not isinstance(self.fields.get(self.freshness.field), DateRule):
            raise ValueError(f"freshness: {self.freshness.field!r} must be a field of type date or datetime")
        return self

    def is_stale(self, records: Iterable[Record]) -> bool:
        """Whether even the newest of these records is older than the contract allows."""
        if not self.freshness:
            return False
        newest = max((str(record.get(self.freshness.field, ""))[:10] for record in records), default="")
        return bool(newest) and (now().date() - date.fromisoformat(newest)).days > self.freshness.max_age_days


def load_contract(path: Path) -> Contract:
    """Read the contract; Refused when the file is missing or wrong, and then it says where."""
    try:
        return Contract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise Refused(f"{path} is wrong:\n" + "\n".join(in_words(error))) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error


def in_words(error: ValidationError) -> list[str]:
    """Each mistake: the place, and what is wrong there."""
    plain = {"missing": "is missing", "extra_forbidden": "is not expected"}
    places = [(".".join(map(str, item["loc"])), item["type"], item["msg"]) for item in error.errors()]
    return [f"{place}: {plain.get(kind) or text.removeprefix('Value error, ')}" for place, kind, text in places]
