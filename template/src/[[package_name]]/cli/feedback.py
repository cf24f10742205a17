"""feedback: the triage queue, golden cases, and whether changes helped."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from ..answering.answer import Outcome
from ..evals.dataset import Expected, Kind
from ..feedback.promotion import Proposal
from ..security.keys import LOCAL_OPERATOR, Caller
from .run import run

app = typer.Typer(help="What people say of answers, and what becomes of it.", no_args_is_help=True)
Tenant = Annotated[str, typer.Option(help="Whose failures.")]
Failure = Annotated[str, typer.Argument(help="The failure's id, as `feedback queue` shows it.")]


def _of(tenant: str) -> Caller:
    return Caller(tenant, LOCAL_OPERATOR.actor, LOCAL_OPERATOR.scopes)


@app.command()
def queue(
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None, tenant: Tenant = "default"
) -> None:
    """Show what fails, the most urgent first."""
    table = Table(Column("Failure", no_wrap=True), "Question", "Category", "State", "Owner", "Priority")
    for row in run(lambda services: services.feedback.queue(_of(tenant), state)):
        table.add_row(row.id, row.title, row.category, row.state, row.owner or "", row.explanation)
    Console().print(table)


@app.command()
def show(failure: Failure, tenant: Tenant = "default") -> None:
    """Show a failure with its latest answer and what people said."""
    found = run(lambda services: services.feedback.show(_of(tenant), failure))
    typer.echo(f"{found.category}, {found.state}, owner {found.owner or 'nobody yet'}\n{found.explanation}")
    typer.echo(f"\nQuestion: {found.question}\nAnswer:   {found.override or found.text}")
    for remark in found.remarks:
        typer.echo(f"- {remark.category}: {remark.correction or remark.comment or 'no words'}")


@app.command()
def assign(failure: Failure, owner: str, tenant: Tenant = "default") -> None:
    """Give a failure to a person or a team."""
    typer.echo(f"{run(lambda services: services.feedback.assign(_of(tenant), failure, owner)).owner} looks after it.")


@app.command()
def move(failure: Failure, state: str, tenant: Tenant = "default") -> None:
    """Move a failure on: accepted, fixed, dismissed, or open again."""
    typer.echo(f"It is {run(lambda services: services.feedback.move(_of(tenant), failure, state)).state}.")


@app.command()
def promote(
    failure: Failure,
    fact: Annotated[list[str], typer.Option(help="What a good answer states; may be repeated.")],
    citation: Annotated[list[str] | None, typer.Option(help="A document it cites; may be repeated.")] = None,
    kind: Annotated[Kind, typer.Option(help="What the case tries.")] = Kind.EDGE,
    tenant: Tenant = "default",
) -> None:
    """Make an accepted failure a golden case, with the expectation you have checked."""
    expect = Expected(outcome=[Outcome.ANSWERED], facts=[[one] for one in fact], citations=citation or [])
    done = run(lambda services: services.feedback.promote(_of(tenant), failure, Proposal(kind=kind, expect=expect)))
    typer.echo(f"evals/golden.jsonl has the case {done.case.id}: commit it.")


@app.command()
def improvements(tenant: Tenant = "default") -> None:
    """Show eval scores and failures per 100 answers before and after each change."""
    table = Table("Change", "Failures per 100", "Thumbs down", "Evals (mean)")
    for item in run(lambda services: services.feedback.improvements(_of(tenant))):
        sides = [item.before, item.after]
        table.add_row(
            item.change,
            " → ".join("–" if side.failures_per_100 is None else f"{side.failures_per_100:.1f}" for side in sides),
            " → ".join("–" if side.thumbs_down_share is None else f"{side.thumbs_down_share:.0%}" for side in sides),
            " → ".join("–" if side.eval_score is None else f"{side.eval_score:.3f}" for side in sides),
        )
    Console().print(table)
