"""What a health handler can answer: an error status, a constant, a refusal for want of credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known, Values

NEAR = 3
"""Hops from the handler within which its answer is made."""

_FINE = ("http.HTTPStatus.OK", "fastapi.status.HTTP_200_OK", "starlette.status.HTTP_200_OK")
_STATUS_KEYS = frozenset({"status", "health", "healthy", "state", "alive", "ok", "ready"})
_ERRORS = frozenset(
    {
        "HTTPException",
        "abort",
        "JSONResponse",
        "Response",
        "PlainTextResponse",
        "ORJSONResponse",
        "make_response",
        "HTTPError",
    }
)
_NAMED_ERRORS = frozenset(
    {
        "HTTPServiceUnavailable",
        "HTTPInternalServerError",
        "ServiceUnavailable",
        "InternalServerError",
        "HttpResponseServerError",
    }
)
_PAIRS = frozenset({"flask", "connexion", "bottle", "sanic"})
_DEPENDENCIES = re.compile(
    r"^(sqlalchemy|sqlmodel|asyncpg|psycopg2?|psycopg_pool|redis|pymongo|motor|httpx|requests|aiohttp|boto3|qdrant_client|chromadb|weaviate|pymilvus|elasticsearch|opensearchpy|aiomysql|pymysql)\b"
)


class HealthAnswers:
    """Reads handlers."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def can_fail(self, entry: EntryPoint) -> bool:
        """Whether some path of the handler answers with an error status."""
        for unit, hops in self._core.reached_from(entry).items():
            if hops > NEAR:
                continue
            if any(self._answers_error(call, unit) for call in unit.calls):
                return True
            if any(self._sets_error(statement, unit) for statement in (*unit.parents, *unit.body)):
                return True
            if (
                entry.framework in _PAIRS
                and hops == 0
                and any(self._is_error_pair(value, unit) for value in unit.returns)
            ):
                return True
            if any(self._asks_dependency(call, unit) for call in unit.calls):
                return True
        return False

    def returns_pair(self, entry: EntryPoint) -> bool:
        """Whether it returns `(body, status)` where the framework takes the pair for the body."""
        if entry.framework in _PAIRS or entry.framework not in ("fastapi", "litestar"):
            return False
        return any(self._is_error_pair(value, unit) for unit in entry.units for value in unit.returns)

    def names_a_status(self, unit: Unit) -> bool:
        """Whether a handler returns an object that names a status; a welcome text is none."""
        for value in unit.returns:
            for mapping in self._mappings(value, unit, 0):
                keys = {k.value for k, _ in mapping.items if isinstance(k, code.Constant)}
                if keys & _STATUS_KEYS or any(self._is_fine(v, unit) for _, v in mapping.items):
                    return True
        return False

    def needs_auth(self, entry: EntryPoint, dependencies: list[tuple[code.Expression, Unit]]) -> bool:
        """Whether who has no credentials is refused before the handler runs."""
        function, scope = entry.unit.function, entry.unit.parent or entry.unit
        given = list(dependencies)
        for parameter in function.parameters if function is not None else ():
            if isinstance(parameter.default, code.Call):
                given.append((parameter.default, scope))
            if isinstance(parameter.annotation, code.Index) and isinstance(parameter.annotation.key, code.Sequence):
                given.extend(
                    (item, scope) for item in parameter.annotation.key.items[1:] if isinstance(item, code.Call)
                )
        return any(self._refuses(target) for expression, unit in given for target in self._targets(expression, unit))

    # -- answers -----------------------------------------------------------------------------------------------

    def _answers_error(self, call: code.Call, unit: Unit) -> bool:
        name = last_name(call.function)
        if name in _NAMED_ERRORS:
            return True
        if name not in _ERRORS:
            return False
        status = call.keyword("status_code") or call.keyword("status")
        if status is None and call.arguments:
            status = (
                call.arguments[0]
                if name in ("HTTPException", "abort")
                else call.arguments[1]
                if len(call.arguments) > 1
                else None
            )
        return status is not None and self._is_error(status, unit)

    def _sets_error(self, statement: code.Node, unit: Unit) -> bool:
        """`response.status_code = 503`."""
        return (
            isinstance(statement, code.Assign)
            and statement.value is not None
            and any(isinstance(t, code.Member) and t.name in ("status_code", "status") for t in statement.targets)
            and self._is_error(statement.value, unit)
        )

    def _is_error(self, status: code.Expression, unit: Unit) -> bool:
        if isinstance(status, code.Choice):
            return self._is_error(status.then, unit) or self._is_error(status.otherwise, unit)
        return any(_is_error_value(v) for v in (self._core.resolver.values(status, unit)))

    def _is_error_pair(self, value: code.Expression, unit: Unit) -> bool:
        return (
            isinstance(value, code.Sequence)
            and value.kind == "tuple"
            and len(value.items) >= 2
            and self._is_error(value.items[1], unit)
        )

    def _asks_dependency(self, call: code.Call, unit: Unit) -> bool:
        """A call of a database or another service whose failure nothing catches: the framework answers 500."""
        if any(isinstance(n, code.Try) and n.handlers for n in unit.enclosing(call)):
            return False
        values = self._core.resolver.values(call.function, unit)
        return any(
            isinstance(v, External) and "()" in v.path and _DEPENDENCIES.match(v.path) is not None for v in values
        )

    def _is_fine(self, value: code.Expression, unit: Unit) -> bool:
        """`HTTPStatus.OK` and its parts, in the body of an answer."""
        if not isinstance(value, code.Member):
            return False
        return any(
            isinstance(v, External) and v.path.startswith(_FINE) for v in self._core.resolver.values(value, unit)[:2]
        )

    def _mappings(self, value: code.Expression, unit: Unit, depth: int) -> Iterator[code.Mapping]:
        if depth > 3:
            return
        if isinstance(value, code.Sequence) and value.items:
            value = value.items[0]
        if isinstance(value, code.Call) and last_name(value.function) not in ("dict",):
            for argument in (*value.arguments[:1], *filter(None, [value.keyword("content")])):
                yield from self._mappings(argument, unit, depth + 1)
            for keyword in value.keywords:
                if keyword.name in _STATUS_KEYS:
                    yield code.Mapping(
                        value.line,
                        value.end_line,
                        [(code.Constant(value.line, value.line, keyword.name), keyword.value)],
                    )
            return
        for found in self._core.resolver.values(value, unit):
            if isinstance(found, Items) and isinstance(found.literal, code.Mapping):
                yield found.literal

    # -- credentials -------------------------------------------------------------------------------------------

    def _targets(self, expression: code.Expression, unit: Unit) -> Iterator[Unit]:
        """The functions a dependency runs."""
        if not isinstance(expression, code.Call) or last_name(expression.function) not in ("Depends", "Security"):
            return
        for argument in expression.arguments[:1]:
            values: Values = self._core.resolver.values(argument, unit)
            yield from (v.unit for v in values if isinstance(v, FunctionValue))

    def _refuses(self, target: Unit) -> bool:
        reached = self._core.graph.reach([target])
        return any(
            last_name(call.function) in ("HTTPException", "abort")
            and any(_is_refusal(v) for v in self._statuses(call, unit))
            for unit, hops in reached.items()
            if hops <= NEAR
            for call in unit.calls
        )

    def _statuses(self, call: code.Call, unit: Unit) -> Values:
        status = call.keyword("status_code") or (call.arguments[0] if call.arguments else None)
        return self._core.resolver.values(status, unit) if status is not None else ()


def _is_error_value(value: object) -> bool:
    if isinstance(value, Known):
        return isinstance(value.value, int) and not isinstance(value.value, bool) and value.value >= 400
    return (
        isinstance(value, External)
        and re.search(r"(HTTP_[45]\d\d|SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR)", value.path) is not None
    )


def _is_refusal(value: object) -> bool:
    if isinstance(value, Known):
        return value.value in (401, 403)
    return isinstance(value, External) and re.search(r"(HTTP_40[13]|UNAUTHORIZED|FORBIDDEN)", value.path) is not None
