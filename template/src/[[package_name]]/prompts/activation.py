"""How a prompt version comes into service: the golden cases decide, a person asks."""

from typing import TYPE_CHECKING

from ..errors import Conflict
from ..security.keys import Caller
from ..storage.tables import EvalRun
from .registry import must_be_released

if TYPE_CHECKING:
    from ..services import Services


async def activate(services: "Services", caller: Caller, name: str, version: str, reason: str) -> EvalRun:
    """Run the golden cases on a released version, put it into service if they pass, and return the run.

    Raises:
        Conflict: it is active already, is not released, or its evals fail; the message names metrics and cases.
    """
    candidate = services.prompts.get(name, version)
    must_be_released(candidate)
    present = await services.prompts.active(name)
    if present.version == version:
        raise Conflict(f"Version {version} of {name} is active already.")
    # The golden cases may have grown since the present version was tried: both meet the same ones, or nothing compares.
    await services.evals.run(present)
    run = await services.evals.run(candidate)
    if failures := services.evals.verdict(run):
        raise Conflict(f"Version {version} of {name} is not activated, its evals fail: {'; '.join(failures)}.")
    await services.prompts.record(caller, name, version, reason, run.id)
    return run
