"""prompts: list, release, activate and roll back the versions of a prompt."""

from typing import Annotated

import typer

from ..prompts.activation import activate as activate_version
from ..security.keys import LOCAL_OPERATOR
from ..services import Services
from .run import run, show, stop

app = typer.Typer(help="The prompt's versions, and which one answers.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why; it is kept beside the change.")]
Name = Annotated[str, typer.Option("--prompt", help="The prompt's folder.")]


@app.command(name="list")
def list_versions(name: Name = "answer") -> None:
    """Show every version; the active one is marked."""

    async def work(services: Services) -> None:
        active = await services.prompts.active(name)
        rows = (
            ("●" if v == active else "", v.version, "yes" if v.released else "no", v.model, v.owner, v.changelog)
            for v in services.prompts.versions(name)
        )
        show(",Version,Released,Written for,Owner,What changed", rows)

    run(work)


@app.command()
def release(version: str, name: Name = "answer") -> None:
    """Fix a version for good: its file must not change any more."""

    async def work(services: Services) -> None:
        digest = services.prompts.release(name, version).digest
        typer.echo(f"Version {version} of {name} is released as {digest[:12]}. Commit released.yaml with it.")

    run(work)


@app.command()
def activate(version: str, reason: Reason, name: Name = "answer") -> None:
    """Run the evals on a version and, if they pass, let it answer from now on, without a deploy."""
    done = run(lambda services: activate_version(services, LOCAL_OPERATOR, name, version, reason))
    typer.echo(f"Version {version} of {name} answers from now on; eval run {done.id} allowed it.")


@app.command()
def rollback(reason: Reason, name: Name = "answer") -> None:
    """Let the version answer again that answered before."""
    prompt = run(lambda services: services.prompts.rollback(LOCAL_OPERATOR, name, reason))
    typer.echo(f"Version {prompt.version} of {name} answers from now on.")


@app.command()
def verify() -> None:
    """Check that no released version changed; CI runs this."""

    async def work(services: Services) -> list[str]:
        return services.prompts.verify()

    if problems := run(work):
        stop("\n".join(problems), 1)
    typer.echo("Every released prompt is as it was released.")
