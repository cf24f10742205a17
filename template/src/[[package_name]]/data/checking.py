"""One record against the contract, in a form that can travel to a worker."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from ..storage.tables import now
from .contract import FieldRule, Kind, Record, dotted

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def check(contract_json: str, raw: Record) -> Record | list[str]:
    """One record against the contract: the typed record, or the reasons why it is none, in plain words."""
    filled = {name: value for name, value in raw.items() if value not in (None, "")}
    try:
        record = _record_model(contract_json).model_validate(filled)
    except ValidationError as error:
        plain = {"missing": "is missing", "extra_forbidden": "is not in the contract"}
        items = [(item["loc"], plain.get(item["type"]) or item["msg"]) for item in error.errors()]
        return [f"{dotted(loc)}: {msg.removeprefix('Value error, ')}" for loc, msg in items]
    return record.model_dump(mode="json", exclude_none=True)


@lru_cache(maxsize=8)
def _record_model(contract_json: str) -> type[BaseModel]:
    # Built from text, so that a worker on another machine can build the same one.
    fields: dict[str, Any] = {}
    for name, rule in json.loads(contract_json)["fields"].items():
        checked = FieldRule.model_validate(rule)
        annotation = _annotation(checked)
        fields[name] = (annotation, ...) if checked.required else (annotation | None, None)
    return create_model("ContractRecord", __config__=ConfigDict(extra="forbid"), **fields)


def _annotation(rule: FieldRule) -> Any:
    check_rule = AfterValidator(_holds(rule))
    match rule.type:
        case Kind.STRING:
            limits = Field(min_length=rule.min_length, max_length=rule.max_length, pattern=rule.pattern)
            return Annotated[str, limits, BeforeValidator(_stripped), check_rule]
        case Kind.INTEGER:
            return Annotated[int, Field(ge=-(2**63), lt=2**63), check_rule]
        case Kind.NUMBER:
            return Annotated[float, Field(allow_inf_nan=False), check_rule]
        case Kind.BOOLEAN:
            return bool
        case Kind.DATE:
            return Annotated[date, BeforeValidator(_moment), check_rule]
        case _:
            return Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_utc), check_rule]


def _holds(rule: FieldRule) -> Callable[[Any], Any]:
    def within(value: Any) -> Any:
        if isinstance(value, str) and _CONTROL.search(value):
            raise ValueError("contains control characters, or bytes that are not UTF-8")
        if rule.one_of and value not in rule.one_of:
            raise ValueError(f"{value[:40]!r} is not one of {', '.join(rule.one_of)}")
        low, high = (now().date() if bound == "today" else bound for bound in (rule.min, rule.max))
        measure: Any = value.date() if isinstance(value, datetime) else value
        if low is not None and measure < low:
            raise ValueError(f"{measure} is below {low}")
        if high is not None and measure > high:
            raise ValueError(f"{measure} is above {high}")
        return value

    return within


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    # Numbers would pass as seconds since 1970, which nobody means by them.
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    if not isinstance(value, date):
        raise ValueError("write a date as YYYY-MM-DD")
    return value


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
