"""Errors as application/problem+json (RFC 9457): what was wrong, and what to do."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from .errors import Refused, Unavailable

_log = structlog.get_logger()


def problem(status: int, code: str, detail: str, *, retry_after_s: int | None = None) -> JSONResponse:
    """A problem document."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    body = {"type": f"urn:problem:{code}", "title": code.replace("_", " "), "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def handle_problems(app: FastAPI) -> None:
    """Turn what the parts raise into problem documents; SecureHeaders answers for what nobody foresaw."""

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> JSONResponse:
        return problem(error.status, error.code, str(error), retry_after_s=error.retry_after_s)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).name.lower()
        return problem(error.status_code, code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # What was sent is not repeated: it may be somebody's personal data.
        wrong = [f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors()[:5]]
        return problem(422, "invalid_request", "; ".join(wrong))

    @app.exception_handler(SQLAlchemyError)
    @app.exception_handler(ConnectionError)
    async def database_down(_request: Request, error: Exception) -> JSONResponse:
        _log.error("database.failed", error=type(error).__name__)
        down = Unavailable("The database cannot be reached; try again in a moment.", retry_after_s=5)
        return problem(down.status, "database_unavailable", str(down), retry_after_s=down.retry_after_s)
