"""Log in with an API key, and out again."""

import re
from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from ...api.dependencies import ServicesDep
from ...errors import NotAuthenticated
from ...security import session
from ..view import pages, render

router = pages()
_OWN = re.compile(r"(/[A-Za-z0-9_-]+)+")


@router.get("/login")
async def show(request: Request, wanted: Annotated[str, Query(alias="next")] = "") -> Response:
    """The form."""
    return render(request, "login.html", next=wanted, problem=None)


@router.post("/login")
async def log_in(
    request: Request,
    services: ServicesDep,
    key: Annotated[str, Form()],
    wanted: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Check the key and keep it in a cookie."""
    try:
        caller = await services.keys.authenticate(key.strip())
    except NotAuthenticated as refused:
        return render(request, "login.html", 401, next=wanted, problem=str(refused))
    may = [item.path for item in request.app.state.navigation if item.scope in caller.scopes]
    # Never on to another site: that would make the login its springboard.
    response = RedirectResponse(wanted if _OWN.fullmatch(wanted) else (may or ["/"])[0], 303)
    session.log_in(response, key.strip(), production=services.settings.environment == "production")
    return response


@router.post("/logout")
async def log_out(services: ServicesDep) -> Response:
    """Take the key out of the browser."""
    response = RedirectResponse("/login", 303)
    session.log_out(response, production=services.settings.environment == "production")
    return response
