"""What the pages share: who is on a page, how it is shown, and how what went wrong is said."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..api.dependencies import ServicesDep, caller_with
from ..errors import NotAuthenticated, Refused
from ..security.keys import Caller
from ..security.session import key_of, require_same_site
from ..services import Services

HERE = Path(__file__).parent
DONE = {
    "thanks": "Thank you: your feedback is kept.",
    "undone": "Your feedback is taken back.",
    "overridden": "The answer's text is replaced; the audit says by whom.",
    "asked": "Noted: a person will get in touch.",
    "saved": "Done.",
    "promoted": "The failure is a golden case now: every eval run asks it.",
    "activated": "The evals passed, and this version answers from now on.",
    "back": "Rolled back: the version before answers from now on.",
}
"""What a page says after something was done; the address only carries the code, so nobody can put words there."""


class Item(NamedTuple):
    """A page in the navigation, and the scope it needs."""

    path: str
    title: str
    scope: str


class PageRoute(APIRoute):
    """A route whose errors are pages, and whose changes only the console itself can ask for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors shown."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                require_same_site(request)
                return await handler(request)
            except NotAuthenticated:
                return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
            except Refused as refused:
                return await _problem(request, refused.status, str(refused))
            except RequestValidationError as wrong:
                fields = ", ".join(str(item["loc"][-1]) for item in wrong.errors())
                return await _problem(request, 422, f"Something in the form is not as it must be: {fields}.")

        return shown


@dataclass(frozen=True)
class Page:
    """A person on a page."""

    request: Request
    services: Services
    caller: Caller

    def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """The page itself."""
        return render(self.request, template, status, caller=self.caller, **context)


def done(path: str, code: str) -> Response:
    """Go to a page and say there what was done."""
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}done={code}", 303)


def pages() -> APIRouter:
    """A router for pages."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def page_for(scope: str) -> Callable[..., Awaitable[Page]]:
    """A dependency that lets only callers with this scope onto the page."""

    async def page(
        request: Request, services: ServicesDep, caller: Annotated[Caller, Depends(caller_with(scope))]
    ) -> Page:
        return Page(request, services, caller)

    return page


Asking = Annotated[Page, Depends(page_for("ask"))]
Rating = Annotated[Page, Depends(page_for("feedback"))]
Reviewing = Annotated[Page, Depends(page_for("review"))]
Operating = Annotated[Page, Depends(page_for("operate"))]
Auditing = Annotated[Page, Depends(page_for("audit"))]


def render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """A page as HTML; everything in it is escaped."""
    settings, caller = request.app.state.services.settings, context.setdefault("caller", None)
    items: list[Item] = request.app.state.navigation
    frame = {
        "settings": settings,
        "project": settings.project,
        "path": request.url.path,
        "navigation": [item for item in items if caller and item.scope in caller.scopes],
        "done": DONE.get(request.query_params.get("done", "")),
    }
    return HTMLResponse(_templates.get_template(template).render(frame | context), status)


async def _problem(request: Request, status: int, problem: str) -> Response:
    caller = None
    with suppress(Refused):
        caller = await request.app.state.services.keys.authenticate(key_of(request))
    return render(request, "error.html", status, caller=caller, code=status, problem=problem)


def _points(series: Sequence[float]) -> str:
    """A line through the series in a box of 100 by 28, as SVG wants it; nothing where there is no line to draw."""
    top, steps = max(series, default=0), len(series) - 1
    return " ".join(
        f"{100 * at / steps:.1f},{26 - 24 * value / top:.1f}" for at, value in enumerate(series) if top and steps
    )


_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["points"] = _points
