"""An eval run as Markdown, for the people who review the change that it judges."""

from collections.abc import Iterable, Mapping, Sequence

from ..storage.tables import EvalRun
from .scores import compare

HEADS = ("Metric", "Score", "At least", "Baseline", "Change")


def rows(run: EvalRun, baseline: EvalRun | None, limits: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """A line for each metric: the score, what is asked for, and the baseline over the cases that both have."""
    changes = compare(baseline, run).metrics if baseline else {}
    found: list[tuple[str, ...]] = []
    for name, limit in limits.items():
        was, now = changes.get(name, (None, 0.0))
        held = ("", "") if was is None else (f"{was:.3f}", f"{now - was:+.3f}")
        found.append((name, f"{run.scores.get(name, 0.0):.3f}", f"{limit['min']:.2f}", *held))
    return found


def markdown(
    run: EvalRun, baseline: EvalRun | None, limits: Mapping[str, Mapping[str, float]], failures: Sequence[str]
) -> str:
    """The whole report: the verdict and its reasons, the metrics, and the cases that changed sides."""
    made_of = f"Prompt {run.prompt_version}, model {run.model}, data {run.data_version}, {len(run.cases)} cases"
    parts = [
        f"## Evals {'fail' if failures else 'pass'}",
        f"{_plain(made_of)}.",
        "\n".join(f"- {_plain(failure)}" for failure in failures),
        "\n".join(_line(cells) for cells in (HEADS, ["---"] * len(HEADS), *rows(run, baseline, limits))),
    ]
    if baseline:
        changes = compare(baseline, run)
        parts += [f"Against the baseline, fixed: {_names(changes.fixed)}; broken: {_names(changes.broken)}."]
    else:
        parts += ["There is no baseline: `evals run --save-baseline` writes it."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _names(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - 20} more" if len(cases) > 20 else ""
    return ", ".join(_plain(case) for case in cases[:20]) + more or "none"


def _plain(text: str) -> str:
    # A case's name comes with the change that is reviewed: it must not become a link, a mention or a table.
    return "".join(letter if letter.isalnum() or letter in " .,:;()+-_/" else "?" for letter in text)
