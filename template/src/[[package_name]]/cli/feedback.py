"""feedback: the triage queue, golden cases, and whether changes helped."""

from typing import Annotated

import typer

from ..answering.answer import Outcome
from ..evals.dataset import Expected, Kind
from ..feedback.promotion import Proposal
from ..security.keys import LOCAL_OPERATOR, Caller
from .run import run, show

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
    found = run(lambda services: services.feedback.queue(_of(tenant), state))
    show(
        "Failure,Priority,State,Owner,Question", ((f.id, f"{f.priority:.1f}", f.state, f.owner, f.title) for f in found)
    )


@app.command(name="show")
def show_failure(failure: Failure, tenant: Tenant = "default") -> None:
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
    found = run(lambda services: services.feedback.improvements(_of(tenant)))
    rows = (
        (
            item.change,
            _change(item.before.failures_per_100, item.after.failures_per_100, ".1f"),
            _change(item.before.thumbs_down_share, item.after.thumbs_down_share, ".0%"),
            _change(item.before.eval_score, item.after.eval_score, ".3f"),
        )
        for item in found
    )
    show("Change,Failures per 100,Thumbs down,Evals (mean)", rows)


def _change(before: float | None, after: float | None, form: str) -> str:
    return " → ".join("–" if side is None else format(side, form) for side in (before, after))
