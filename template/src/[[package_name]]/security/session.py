"""How a request shows its key: a header from programs, a cookie from the console's login.

The cookie holds the key itself, out of reach of scripts and never sent from another site: there is no session to
store or to steal beyond the key, and revoking the key ends every login made with it.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from ..errors import NotAllowed, NotAuthenticated

COOKIE = "service_key"
_SECONDS = 12 * 3600


def key_of(request: Request) -> str:
    """The key that the request shows.

    Raises:
        NotAuthenticated: it shows none.
        NotAllowed: the key is the browser's cookie, and another site is behind the request.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    if not (cookie := request.cookies.get(COOKIE)):
        raise NotAuthenticated("Send your API key as `Authorization: Bearer KEY`, or log in to the console.")
    require_same_site(request)
    return cookie


def require_same_site(request: Request) -> None:
    """Let a change through only when the service's own page asks for it.

    Raises:
        NotAllowed: another site does, or the browser does not say who.
    """
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    own = site == "same-origin" if site else bool(origin) and origin == request.headers.get("host")
    if request.method not in {"GET", "HEAD", "OPTIONS"} and not own:
        raise NotAllowed("This came from another site: open the console itself and try again there.")


def log_in(response: Response, secret: str, *, production: bool) -> None:
    """Keep the key in the browser, for twelve hours at most."""
    response.set_cookie(COOKIE, secret, max_age=_SECONDS, httponly=True, samesite="strict", secure=production)


def log_out(response: Response, *, production: bool) -> None:
    """Take the key out of the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=production)
