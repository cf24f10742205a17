"""evals: the golden cases and the guardrails' own cases, from the command line and in CI."""

from pathlib import Path
from typing import Annotated

import typer

from ..evals.attacks import try_guards
from ..evals.isolation import isolated
from ..evals.report import HEADS, markdown, rows
from ..evals.runner import Evals
from ..evals.scores import Comparison
from ..evals.scores import compare as compared
from ..guardrails.guards import Guards
from ..services import Services, open_services
from .run import load_settings, run, show, stop

app = typer.Typer(help="Ask the golden cases, compare runs, try the guardrails.", no_args_is_help=True)


@app.command(name="run")
def run_evals(
    prompt: Annotated[str, typer.Option(help="The prompt version to try; the active one by default.")] = "",
    alone: Annotated[bool, typer.Option("--isolated", help="Sample data and placeholder, nothing kept.")] = False,
    save: Annotated[bool, typer.Option("--save-baseline", help="Hold later runs against this one.")] = False,
    report: Annotated[Path | None, typer.Option("--markdown", help="Write the result into this file too.")] = None,
) -> None:
    """Ask every golden case; exits with 1 when a threshold is missed."""

    async def work(services: Services) -> list[str]:
        evals = services.evals
        done = await evals.run(services.prompts.get("answer", prompt) if prompt else None)
        failures, baseline = evals.verdict(done), evals.baseline()
        show(",".join(HEADS), rows(done, baseline, evals.limits))
        if report:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(markdown(done, baseline, evals.limits, failures), "utf-8")
        if save and not failures:
            evals.save_baseline(done)
        return failures

    if failures := run(work, isolated if alone else open_services):
        stop("The evals fail:\n  " + "\n  ".join(failures), 1)


@app.command()
def compare(before: str, after: str) -> None:
    """Show what changed between two runs: ids, prompt versions that were run, or "baseline"."""

    async def work(services: Services) -> Comparison:
        return compared(await services.evals.find(before), await services.evals.find(after))

    found = run(work)
    rows = ((name, f"{was:.3f}", f"{now:.3f}", f"{now - was:+.3f}") for name, (was, now) in found.metrics.items())
    show("Metric,Before,After,Change", rows)
    typer.echo(f"Fixed: {', '.join(found.fixed) or 'none'}\nBroken: {', '.join(found.broken) or 'none'}")


@app.command()
def guardrails() -> None:
    """Try the injection rules on their own cases; exits with 1 when they miss too many or alarm too often."""
    settings = load_settings()
    folder = settings.root / "guardrails"
    report = try_guards(Guards.load(folder, settings), folder / "injection_cases.jsonl")
    limits, rows, failures = Evals.thresholds(settings.root, "guardrails"), [], []
    for name, share in report.shares.items():
        low, high = limits[name].get("min", 0.0), limits[name].get("max", 1.0)
        rows.append((name, f"{share:.3f}", f"{low:.2f} to {high:.2f}"))
        if not low <= share <= high:
            failures.append(f"{name} is {share:.2f}, it must be from {low:.2f} to {high:.2f}")
    show("Share,Measured,Must be", rows)
    typer.echo("\n".join(report.wrong))
    if failures:
        stop("\n".join(failures), 1)
