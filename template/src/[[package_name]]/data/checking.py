"""One record against the contract, in a form that can travel to a worker."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)

from ..storage.tables import now
from .contract import Contract, DateRule, NumberRule, Record, Rule, TextRule, in_words

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_INT64 = 2**63 - 1


def check(contract_json: str, raw: Record) -> Record | list[str]:
    """One record against the contract: the typed record, or the reasons why it is none, in plain words."""
    filled = {name: value for name, value in raw.items() if value not in (None, "")}
    try:
        record = _record_model(contract_json, now().date()).model_validate(filled)
    except ValidationError as error:
        return in_words(error)
    return record.model_dump(mode="json", exclude_none=True)


@lru_cache(maxsize=8)
def _record_model(contract_json: str, today: date) -> type[BaseModel]:
    # Built from text, so that a worker on another machine can build the same one.
    fields: dict[str, Any] = {}
    for name, rule in Contract.model_validate_json(contract_json).fields.items():
        annotation = _annotation(rule, today)
        fields[name] = (annotation, ...) if rule.required else (annotation | None, None)
    return create_model("ContractRecord", __config__=ConfigDict(extra="forbid"), **fields)


def _annotation(rule: Rule, today: date) -> Any:
    match rule:
        case TextRule():
            limits = StringConstraints(
                strip_whitespace=True, min_length=rule.min_length, max_length=rule.max_length, pattern=rule.pattern
            )
            return Annotated[str, limits, AfterValidator(_readable(rule.one_of))]
        case NumberRule(type="integer"):
            low, high = (-_INT64 if rule.min is None else rule.min, _INT64 if rule.max is None else rule.max)
            return Annotated[int, Field(ge=low, le=high)]
        case NumberRule():
            return Annotated[float, Field(ge=rule.min, le=rule.max, allow_inf_nan=False)]
        case DateRule():
            holds = AfterValidator(_between(rule, today))
            if rule.type == "date":
                return Annotated[date, BeforeValidator(_moment), holds]
            return Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_utc), holds]
    return bool


def _readable(one_of: tuple[str, ...] | None) -> Callable[[str], str]:
    def readable(value: str) -> str:
        if _CONTROL.search(value):
            raise ValueError("contains control characters")
        if one_of and value not in one_of:
            raise ValueError(f"{value[:40]!r} is not one of {', '.join(one_of)}")
        return value

    return readable


def _between(rule: DateRule, today: date) -> Callable[[date], date]:
    first, last = (today if bound == "today" else bound for bound in (rule.min, rule.max))

    def between(value: date) -> date:
        day = value.date() if isinstance(value, datetime) else value
        if first and day < first:
            raise ValueError(f"{day} is below {first}")
        if last and day > last:
            raise ValueError(f"{day} is above {last}")
        return value

    return between


def _moment(value: object) -> datetime:
    # Read as text, since pydantic takes a number for seconds since 1970, which nobody means by it.
    return datetime.fromisoformat(str(value).strip())


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
