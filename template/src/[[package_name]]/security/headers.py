"""What every response carries, and what no request may exceed."""

import structlog
from starlette.datastructures import Headers, MutableHeaders
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
        exchange = _Exchange(receive, send, self._policy)
        exchange.count(Headers(scope=scope).get("content-length", "0"))
        try:
            if not exchange.too_long:
                await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.started:
                raise
            if not exchange.too_long:
                structlog.get_logger().exception("request.failed")
        if exchange.started:
            return
        refusal = problem(
            500, "internal_error", "Something went wrong on our side; the request id finds it in the logs."
        )
        if exchange.too_long:
            refusal = problem(
                413, "too_large", f"A request body may have {MAX_BODY_BYTES:,} bytes: send less at a time."
            )
        await refusal(scope, receive, exchange.send_with_policy)


class _Exchange:
    """One request and its response: counts what comes in, marks what goes out."""

    def __init__(self, receive: Receive, send: Send, policy: dict[str, str]) -> None:
        self._receive, self._send, self._policy = receive, send, policy
        self._bytes = 0
        self.too_long = self.started = False

    def count(self, announced: str) -> None:
        self.too_long = not announced.isdecimal() or int(announced[:12]) > MAX_BODY_BYTES

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        self.too_long = self._bytes > MAX_BODY_BYTES
        return {"type": "http.disconnect"} if self.too_long else message

    async def send(self, message: Message) -> None:
        # What the app says of a body that was cut off is not what is wrong.
        if self.started or not self.too_long:
            await self.send_with_policy(message)

    async def send_with_policy(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update(self._policy)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)
