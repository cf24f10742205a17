"""demo: the whole service at work, with no key and no network."""

from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from ..errors import Refused
from .run import load_settings, stop


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes any free one.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="End after the traffic instead of serving on.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with what the last demo left in var/demo.")] = False,
) -> None:
    """Serve the sample with simulated traffic, faults and feedback, and say what to look at."""
    from ..demo.demo import demo as play  # imports the whole service

    load_settings()
    try:
        play(Console(highlight=False, soft_wrap=True), port=port, once=once, keep=keep)
    except KeyboardInterrupt:
        typer.echo("\nStopped.")
    except Refused as refused:
        stop(str(refused), 1)
    except (SQLAlchemyError, OSError) as error:
        stop(f"The demo cannot use its folder var/demo: {error}", 2)
