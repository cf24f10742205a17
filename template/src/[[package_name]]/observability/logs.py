"""Logs: one JSON object a line in production, readable in development; content and secrets never reach them."""

import logging
import re
import sys
import time
import traceback
from typing import TextIO

import structlog
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from ..settings import Settings
from ..storage.tables import new_id

MASKED = "[masked]"
_CONTENT = "question text answer prompt comment correction override note contact quote body"
_SECRETS = "authorization cookie key secret password token"  # pragma: allowlist secret
MASKED_KEYS = frozenset(f"{_CONTENT} {_SECRETS}".split())
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET_PATHS = {"/healthz", "/readyz", "/metrics"}


class _Lines(logging.Handler):
    """Writes to its stream, or to whatever standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self.name, self._stream = "service", stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # In one piece: other workers write to the same place.
            print(f"{self.format(record)}\n", file=self._stream or sys.stderr, end="", flush=True)
        except Exception:  # a line that cannot be written must not end a request
            self.handleError(record)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set logging up, to standard error unless a stream is named; called again, it replaces what it set up before.

    In production an exception leaves its message out, since that may quote content.
    """
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, stamp]
    shared += [add_trace_id, mask_content]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    if settings.environment == "production":
        shared.append(structlog.processors.ExceptionRenderer(_whereabouts))
        renderer = structlog.processors.JSONRenderer()
    lines = _Lines(stream)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,  # what a library adds beside its message is left out
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    top = logging.getLogger()
    top.handlers = [*(other for other in top.handlers if other.name != lines.name), lines]
    top.setLevel(logging.INFO)
    for chatty in ("httpx2", "httpcore2", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def mask_content(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what carries content or a secret by its key, at any depth."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: object, value: object) -> object:
    if str(key).lower() in MASKED_KEYS:
        return MASKED
    if isinstance(value, dict):
        return {inner: _masked(inner, item) for inner, item in value.items()}
    return [_masked("", item) for item in value] if isinstance(value, list) else value


def add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say which trace the line belongs to."""
    context = trace.get_current_span().get_span_context()
    return {**event, "trace_id": trace.format_trace_id(context.trace_id)} if context.is_valid else event


def _whereabouts(exc_info: ExcInfo) -> list[str]:
    frames = traceback.extract_tb(exc_info[2])[-8:]
    return [exc_info[0].__qualname__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]


class AccessLog:
    """Gives each request an id and leaves one line of it: method, route, status and milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else new_id()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        # Not unbound at the end: whoever handles an error further out logs it with the same id.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, sending)
        finally:
            if scope["path"] not in _QUIET_PATHS or status >= 500:
                # The route's template, never the address: that one may hold what a person typed.
                route = getattr(scope.get("route"), "path", "unmatched")
                ms = round((time.perf_counter() - started) * 1000)
                self._log.info("request", method=scope["method"], route=route, status=status, ms=ms)
