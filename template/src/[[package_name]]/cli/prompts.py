"""prompts: see, compare, release, activate and roll back the versions of a prompt."""

import difflib
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from ..prompts.activation import activate as activate_version
from ..prompts.registry import PromptRegistry
from ..prompts.version import PromptVersion
from ..security.keys import LOCAL_OPERATOR
from ..services import Services
from .run import run, stop

app = typer.Typer(help="The prompt's versions, and which one answers.", no_args_is_help=True)
T = TypeVar("T")
Reason = Annotated[str, typer.Option(help="Why; it is kept beside the change.")]
Name = Annotated[str, typer.Option("--prompt", help="The prompt's folder.")]


@app.command(name="list")
def list_versions(name: Name = "answer") -> None:
    """Show every version; the active one is marked."""

    async def work(services: Services) -> None:
        active = await services.prompts.active(name)
        table = Table("", "Version", "Released", "Written for", "Owner", "What changed")
        for item in services.prompts.versions(name):
            mark, released = "●" if item == active else "", "yes" if item.released else "no"
            table.add_row(mark, item.version, released, item.model, item.owner, item.changelog)
        Console().print(table)

    run(work)


@app.command()
def show(version: str, name: Name = "answer") -> None:
    """Print a version."""
    typer.echo(_text(_with(lambda prompts: prompts.get(name, version))))


@app.command()
def diff(before: str, after: str, name: Name = "answer") -> None:
    """Show what two versions say differently."""
    pair = _with(lambda prompts: (prompts.get(name, before), prompts.get(name, after)))
    old, new = (_text(prompt).splitlines() for prompt in pair)
    typer.echo("\n".join(difflib.unified_diff(old, new, f"{name} {before}", f"{name} {after}", lineterm="")))


@app.command()
def release(version: str, name: Name = "answer") -> None:
    """Fix a version for good: its file must not change any more."""
    prompt = _with(lambda prompts: prompts.release(name, version))
    typer.echo(f"Version {version} of {name} is released as {prompt.digest[:12]}. Commit released.yaml with it.")


@app.command()
def activate(version: str, reason: Reason, name: Name = "answer") -> None:
    """Run the evals on a version and, if they pass, let it answer from now on, without a deploy."""

    async def work(services: Services) -> None:
        done = await activate_version(services, LOCAL_OPERATOR, name, version, reason)
        typer.echo(f"Version {version} of {name} answers from now on; eval run {done.id} allowed it.")

    run(work)


@app.command()
def rollback(reason: Reason, name: Name = "answer") -> None:
    """Let the version answer again that answered before."""

    async def work(services: Services) -> None:
        prompt = await services.prompts.rollback(LOCAL_OPERATOR, name, reason)
        typer.echo(f"Version {prompt.version} of {name} answers from now on.")

    run(work)


@app.command()
def verify() -> None:
    """Check that no released version changed; CI runs this."""

    if problems := _with(lambda prompts: prompts.verify()):
        stop("\n".join(problems), 1)
    typer.echo("Every released prompt is as it was released.")


def _with(do: Callable[[PromptRegistry], T]) -> T:
    async def work(services: Services) -> T:
        return do(services.prompts)

    return run(work)


def _text(prompt: PromptVersion) -> str:
    return f"# System\n\n{prompt.system}\n\n# User\n\n{prompt.user}"
