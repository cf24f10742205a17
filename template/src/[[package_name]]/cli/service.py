"""demo, serve and migrate: the commands that run the service."""

import asyncio
import signal
from typing import Annotated

import typer
from rich.console import Console

from ..services import Services
from ..storage.migrate import upgrade
from .run import load_settings, plainly, run


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes any free one.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="End after the traffic instead of serving on.")] = False,
) -> None:
    """Serve the sample with simulated traffic, faults and feedback, and say what to look at."""
    from ..demo.demo import demo as play  # imports the whole service

    console = Console(highlight=False, soft_wrap=True)
    try:
        plainly(load_settings(), lambda: play(console, port=port, once=once))
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks twice is told once
        typer.echo("\nStopped.")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; more than one needs PostgreSQL or a fast disk.")] = 1,
) -> None:
    """Serve the API and the console."""
    import uvicorn

    from .serving import Server, Workers

    async def nothing(_services: Services) -> None:
        return None

    settings = load_settings()
    run(nothing)  # what is wrong with the settings is said here in a line, not by a worker in a traceback
    config = uvicorn.Config(
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
    (Workers if workers > 1 else Server)(config).run()


def migrate() -> None:
    """Bring the database up to this release's tables; running it twice changes nothing."""
    settings = load_settings()
    plainly(settings, lambda: asyncio.run(upgrade(settings.database)))
    typer.echo("The database is up to date.")
