"""What the platform asks: is it alive, can it take traffic, what does it measure."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from ..storage.migrate import pending
from .dependencies import ServicesDep

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether traffic may come; each part says ok, or what is wrong."""

    ready: bool
    database: str
    data: str
    model: str


@router.get("/healthz")
async def healthz() -> Health:
    """Alive: nothing else is asked, so that a database that is down restarts nobody."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(services: ServicesDep, response: Response) -> Readiness:
    """Ready for traffic: the database answers and has this release's tables."""
    try:
        behind = await pending(services.database)
        database = f"migrations wait: {', '.join(behind)}; run the migrate command" if behind else "ok"
    except (SQLAlchemyError, OSError) as error:
        database = f"not reachable: {type(error).__name__}"
    if database != "ok":
        response.status_code = 503
    version = services.library.current()
    return Readiness(
        ready=database == "ok",
        database=database,
        data=version.id if version else "none yet: questions are declined until the first `data ingest`",
        model=services.gateway.model_name,
    )


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, services: ServicesDep) -> Response:
    """The Prometheus page. It names no person and no tenant."""
    await services.standing.update()
    body, content_type = request.app.state.telemetry.render()
    return Response(body, media_type=content_type)
