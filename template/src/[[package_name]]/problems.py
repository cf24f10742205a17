"""Errors as application/problem+json (RFC 9457): what was wrong, and what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from .errors import DatabaseUnavailable, Refused

MEDIA_TYPE = "application/problem+json"
_EVERYWHERE = (400, 401, 403, 413, 422, 429, 503)

_log = structlog.get_logger()
_CODES = ("sqlite_errorname", "sqlstate", "strerror")


class Problem(BaseModel):
    """What was wrong, and what to do."""

    type: str
    title: str
    status: int
    detail: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the API's description says of a router's refusals: these statuses, and those that every route may give."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content} for status in sorted({*statuses, *_EVERYWHERE})}


def problem(
    status: int, code: str, detail: str, *, retry_after_s: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem document."""
    body = Problem(type=f"urn:problem:{code}", title=code.replace("_", " "), status=status, detail=detail)
    wait = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    return JSONResponse(body.model_dump(), status, {**(headers or {}), **wait}, media_type=MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Turn what the parts raise into problem documents; SecureHeaders answers for what nobody foresaw."""

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> JSONResponse:
        return problem(error.status, error.code, str(error), retry_after_s=error.retry_after_s)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).name.lower()
        return problem(error.status_code, code, str(error.detail), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # What was sent is not repeated: it may be somebody's personal data.
        wrong = [f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors()[:5]]
        return problem(422, "invalid_request", "; ".join(wrong))

    @app.exception_handler(SQLAlchemyError)
    @app.exception_handler(OSError)
    async def database_down(request: Request, error: Exception) -> JSONResponse:
        return await refused(request, out_of_order(error))

    described = app.openapi

    def openapi() -> dict[str, Any]:
        whole = described()
        whole["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return whole

    app.openapi = openapi  # type: ignore[method-assign]


def out_of_order(error: Exception) -> DatabaseUnavailable:
    """What the caller hears when the database, or the disk under it, is down or full; the log says which."""
    _log.error("database.failed", error=told(error))
    return DatabaseUnavailable("Nothing can be recorded just now: try again in a moment.", retry_after_s=5)


def told(error: BaseException) -> str:
    """The kind of an error and the database's code for it, such as SQLITE_FULL; its text may be somebody's."""
    cause = getattr(error, "orig", None) or error
    code = next((found for name in _CODES if (found := getattr(cause, name, None))), "")
    return f"{type(error).__name__} {code}".strip()
