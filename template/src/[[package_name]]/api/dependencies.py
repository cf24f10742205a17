"""What a route may ask for: the services, and a caller who is allowed."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from ..errors import NotAllowed
from ..security.keys import Caller
from ..security.session import key_of
from ..services import Services


def services(request: Request) -> Services:
    """The parts of the running service."""
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]
# Only for the API's description: key_of reads the header, and says what is wrong with it.
Described = Annotated[object, Depends(HTTPBearer(auto_error=False, description="An API key: `keys issue NAME`."))]


async def caller(request: Request, services: ServicesDep, _described: Described) -> Caller:
    """Whoever holds the key of the Authorization header, or of the console's cookie."""
    found = await services.keys.authenticate(key_of(request))
    await services.limits.check(found)
    return found


CallerDep = Annotated[Caller, Depends(caller)]


def caller_with(scope: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets only callers with this scope in."""

    async def allowed(caller: CallerDep) -> Caller:
        if scope not in caller.scopes:
            raise NotAllowed(
                f"This needs a key with the scope {scope!r}; yours has {', '.join(sorted(caller.scopes))}."
            )
        return caller

    return allowed


Asking = Annotated[Caller, Depends(caller_with("ask"))]
Rating = Annotated[Caller, Depends(caller_with("feedback"))]
Reviewing = Annotated[Caller, Depends(caller_with("review"))]
Operating = Annotated[Caller, Depends(caller_with("operate"))]
Auditing = Annotated[Caller, Depends(caller_with("audit"))]
