"""The data contract: what a record must look like, read from data/contract.yaml."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic import model_validator as holds

from ..errors import Refused
from ..storage.tables import now

Record = dict[str, Any]
"""A record that passed: only fields of the contract, dates as ISO text, nothing empty."""

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Kind(StrEnum):
    """The type of a field."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


Bound = int | float | date | Literal["today"]


class FieldRule(BaseModel):
    """What one field must look like; the bounds of a date or datetime are days, "today" among them."""

    model_config = _STRICT
    type: Kind
    required: bool = False
    unique: bool = False
    min: Bound | None = None
    max: Bound | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1)

    @holds(mode="after")
    def fits_its_type(self) -> "FieldRule":
        """A rule that cannot be applied to the type is a mistake, not something to pass over."""
        of_text = (self.min_length, self.max_length, self.pattern, self.one_of)
        if self.type is not Kind.STRING and any(rule is not None for rule in of_text):
            raise ValueError("min_length, max_length, pattern and one_of are for fields of type string")
        fitting: dict[Kind, tuple[type, ...]] = {Kind.INTEGER: (int, float), Kind.NUMBER: (int, float)}
        fitting |= {Kind.DATE: (date, str), Kind.DATETIME: (date, str)}
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if not all(isinstance(bound, fitting.get(self.type, ())) for bound in bounds):
            raise ValueError(f"min and max do not fit the type {self.type}")
        if self.pattern is not None:
            create_model(
                "Trial", value=(Annotated[str, Field(pattern=self.pattern)], ...)
            )  # fails when it is no pattern
        return self


class Freshness(BaseModel):
    """How old the newest record of a batch may be before its source counts as stale."""

    model_config = _STRICT
    field: str
    max_age_days: int = Field(ge=0)


class DriftLimits(BaseModel):
    """From which distance on a field counts as drifted; a distance that chance explains never does."""

    model_config = _STRICT
    psi: float = Field(default=0.25, gt=0)
    ks: float = Field(default=0.25, gt=0, le=1)


class Contract(BaseModel):
    """The whole contract."""

    model_config = _STRICT
    version: str
    key: str
    title: str
    text: str
    freshness: Freshness | None = None
    drift: DriftLimits = DriftLimits()
    fields: dict[str, FieldRule]

    @holds(mode="after")
    def names_exist(self) -> "Contract":
        """Every field that is referred to is there, and what makes a document is always filled in."""
        for role in ("key", "title", "text"):
            rule = self.fields.get(getattr(self, role))
            if not (rule and rule.required and rule.type is Kind.STRING):
                raise ValueError(f"{role}: {getattr(self, role)!r} must be one of the fields, a required string")
        if self.freshness:
            rule = self.fields.get(self.freshness.field)
            if not rule or rule.type not in {Kind.DATE, Kind.DATETIME}:
                raise ValueError(f"freshness: {self.freshness.field!r} must be a field of type date or datetime")
        return self

    def is_stale(self, records: Iterable[Record]) -> bool:
        """Whether even the newest of these records is older than the contract allows."""
        if not self.freshness:
            return False
        newest = max((str(record.get(self.freshness.field, ""))[:10] for record in records), default="")
        return bool(newest) and (now().date() - date.fromisoformat(newest)).days > self.freshness.max_age_days


def load_contract(path: Path) -> Contract:
    """Read the contract.

    Raises:
        Refused: the file is missing or wrong; the message names the line and the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return Contract.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The data contract {path} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{path.name}, line {line}: this is not YAML: {error.problem or error.context}") from error
    except ValidationError as error:
        places = [(item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()]
        lines = [f"{path.name}, line {_line(text, loc)}: {dotted(loc) or 'contract'}: {msg}" for loc, msg in places]
        raise Refused("The data contract is wrong.\n" + "\n".join(lines)) from error


def dotted(loc: tuple[int | str, ...]) -> str:
    """The place of a mistake, in words."""
    return ".".join(str(part) for part in loc)


def _line(text: str, loc: tuple[int | str, ...]) -> int:
    """The line of a place in the file, or of the nearest thing around it."""
    node, line = yaml.compose(text), 1
    for part in loc:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if not found:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
