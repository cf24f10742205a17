"""The lines that write to a log or to the output, and what they write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.privacy.knowledge import PrivacyKnowledge

Level = Literal["loud", "quiet", "print"]
_LOGGERS = re.compile(r"_{0,2}(?:\w{0,20}_)?(?:logger|logging|log)_?$", re.I)
_NO_TEXT = re.compile(
    r"(?:^|_)(?:ids?|uuid|name|filename|filepath|type|size|status|count|length|len|total|urls?|uri|path|dir|folder|keys?|model|"
    r"lang|language|method|code|time|date|version|index|idx|level|score|step|number|num|hash|tokens?|role|mode|format|extension|"
    r"suffix|exc|err|error|exception|duration|latency|cost|usage|k|route|host|port|headers|batch|batches|config|settings|"
    r"context_info|namespace|collection|bucket|provider|state_id|request_info)$"
    r"|^(?:num|n|total|is|has|max|min|count|sanitized|masked|redacted|hashed)_",
    re.I,
)
_REDUCING = ("redact", "mask", "anonymi", "hash", "scrub", "digest")
_FORMATS = frozenset(
    (  # noqa: SIM905 - words read better as words
        "format join strip replace dumps str repr pformat model_dump model_dump_json dict json encode decode to_dict "
        "as_dict"
    ).split()
)
_ASIDE = frozenset({"exc_info", "stack_info", "file", "end", "sep", "flush", "stacklevel", "err", "level"})
MAX_PIECES = 40


@dataclass(frozen=True, slots=True)
class LogLine:
    """One call that writes, with the pieces it writes."""

    call: code.Call
    unit: Unit
    level: Level
    pieces: tuple[code.Expression, ...]


class LogLines:
    """Finds log lines."""

    def __init__(self, core: Core, known: PrivacyKnowledge) -> None:
        self._core, self._known = core, known
        self._methods = known.loud | known.quiet
        self._printing = {"print", "pprint", "pp", "echo", "write"}

    def of(self, unit: Unit) -> Iterator[LogLine]:
        """The lines of a unit that write something, each with its pieces."""
        for call in unit.calls:
            name = last_name(call.function)
            if name in self._methods and isinstance(call.function, code.Member):
                level = self._level(call, call.function, unit)
            elif name in self._printing:
                level = "print" if self._prints(call, unit) else None
            else:
                continue
            if level is not None:
                pieces = [p for a in self._written(call) for p in self._pieces(a)]
                if pieces:
                    yield LogLine(call, unit, level, tuple(pieces[:MAX_PIECES]))

    def _level(self, call: code.Call, function: code.Member, unit: Unit) -> Level | None:
        if not self._is_logger(call, function, unit):
            return None
        if function.name == "log" and call.arguments:
            level = self._core.resolver.values(call.arguments[0], unit)
            if any(
                (isinstance(v, Known) and v.value == 10) or (isinstance(v, External) and v.path.endswith(".DEBUG"))
                for v in level
            ):
                return "quiet"
        return "quiet" if function.name in self._known.quiet else "loud"

    def _is_logger(self, call: code.Call, function: code.Member, unit: Unit) -> bool:
        external = [v for v in self._core.resolver.values(function.base, unit) if isinstance(v, External)]
        for value in external:
            if self._known.loggers.find(value.path.split(".bind()")[0].split(".opt()")[0]) is not None:
                return not any(self._is_audit(s.call) for s in value.steps)
        if external or call.function is None:
            return any(v.path in ("logging", "structlog.stdlib.get_logger()") for v in external)
        return bool(_LOGGERS.match(last_name(function.base)))

    def _is_audit(self, call: code.Call) -> bool:
        """A logger of its own for the record of decisions is judged there."""
        return any(isinstance(a, code.Constant) and "audit" in str(a.value).lower() for a in call.arguments)

    def _prints(self, call: code.Call, unit: Unit) -> bool:
        if call.keyword("file") is not None and last_name(call.keyword("file") or call) not in ("stderr", "stdout"):
            return False
        values = self._core.resolver.values(call.function, unit)
        return any(isinstance(v, External) and self._known.printing.find(v.path) is not None for v in values)

    def _written(self, call: code.Call) -> Iterator[code.Expression]:
        yield from call.arguments
        for keyword in call.keywords:
            if keyword.name not in _ASIDE and not (keyword.name and _NO_TEXT.search(keyword.name)):
                yield keyword.value

    def _pieces(self, expression: code.Expression) -> Iterator[code.Expression]:  # noqa: C901  # one case per kind
        """What a line puts into the log: the holes of a text, the values of a mapping; no lengths or names."""
        match expression:
            case code.Constant():
                return
            case (
                code.Template(parts=parts)
                | code.Sequence(items=parts)
                | code.Operation(operator="+" | "%" | "or", operands=parts)
            ):
                for part in parts:
                    yield from self._pieces(part)
            case code.Operation() | code.Lambda():
                return
            case code.Mapping(items=items):
                for key, value in items:
                    if not (isinstance(key, code.Constant) and _NO_TEXT.search(str(key.value))):
                        yield from self._pieces(value)
            case code.Choice(then=then, otherwise=otherwise):
                yield from self._pieces(then)
                yield from self._pieces(otherwise)
            case code.Await(value=value) | code.Spread(value=value):
                yield from self._pieces(value)
            case code.Call():
                yield from self._of_call(expression)
            case code.Index(key=code.Constant(value=str() as key)) if _NO_TEXT.search(key):
                return
            case code.Name(id=name) | code.Member(name=name) if _NO_TEXT.search(name):
                return
            case _:
                yield expression

    def _of_call(self, call: code.Call) -> Iterator[code.Expression]:
        name = last_name(call.function)
        if leaves_nothing(call, self._known):
            return
        if name in _FORMATS:
            if isinstance(call.function, code.Member) and not isinstance(call.function.base, code.Constant):
                yield from self._pieces(call.function.base)
            for argument in (*call.arguments, *(k.value for k in call.keywords)):
                yield from self._pieces(argument)
            return
        first = call.arguments[0] if name == "get" and call.arguments else None
        if isinstance(first, code.Constant) and _NO_TEXT.search(str(first.value)):
            return
        yield call


def leaves_nothing(call: code.Call, known: PrivacyKnowledge) -> bool:
    """Whether a function leaves nothing of a text that it is given: it counts, hashes or masks."""
    name = last_name(call.function)
    return name in known.harmless or any(word in name.lower() for word in _REDUCING)


def names_no_text(name: str) -> bool:
    """Whether a name says that its value is an id, a number, a place or a kind of thing, and no text of anybody."""
    return bool(_NO_TEXT.search(name))
