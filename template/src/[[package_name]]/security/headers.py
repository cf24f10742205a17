"""What every response carries, and what no request may exceed."""

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import problem
from ..settings import Settings

MAX_BODY_BYTES = 1_000_000
POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TOO_LONG = f"A request body may have {MAX_BODY_BYTES:,} bytes: send less at a time."
_OUR_FAULT = "Something went wrong on our side; the request id finds it in the logs."
_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


class SecureHeaders:
    """Adds the policy to every response, that to an unforeseen error too, and refuses a body that is too long.

    Args:
        settings: in production browsers are told that the service only speaks TLS.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._policy = POLICY | (_TLS_ONLY if settings.environment == "production" else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, read = False, 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_LONG)
            return message

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(self._policy)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced[:12]) > MAX_BODY_BYTES:
            await problem(413, "too_large", _TOO_LONG)(scope, receive, marked)
            return
        try:
            await self._app(scope, counted, marked)
        except Exception:
            if started:
                raise
            structlog.get_logger().exception("request.failed")
            await problem(500, "internal_error", _OUR_FAULT)(scope, receive, marked)
