"""serve: run the service."""

from typing import Annotated

import typer

from ..services import Services
from .run import load_settings, run


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; more than one needs PostgreSQL or a fast disk.")] = 1,
) -> None:
    """Serve the API and the console."""
    import uvicorn

    settings = load_settings()
    # What is wrong with the settings is said here in a line, not by a worker in a traceback.
    run(_nothing)
    uvicorn.run(
        f"{__package__.rpartition('.')[0]}.app:create_app",
        factory=True,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers,
        access_log=False,
        log_config=None,
        # Answers that are being written are finished before the process ends.
        timeout_graceful_shutdown=int(settings.request_timeout_s) + 5,
    )


async def _nothing(_services: Services) -> None:
    return None
