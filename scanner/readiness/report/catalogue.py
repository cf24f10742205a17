"""The catalogue as a table: for a terminal, for a document, for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.text import Text

from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check
from readiness.report.page import Page, count, spans

_WEIGHT_STYLES = {"critical": "bold red", "high": "yellow", "medium": "", "low": "dim"}
_NAME, _DEBT, _WEIGHT, _EFFORT = 39, 11, 8, 7


def choose(
    catalogue: Catalogue, *, layer: str | None = None, debt: str | None = None, weight: str | None = None
) -> tuple[Check, ...]:
    """The checks of one layer, debt and weight, in the catalogue's order; None takes any."""
    return tuple(
        check
        for check in catalogue.checks
        if layer in (None, check.layer) and debt in (None, check.debt) and weight in (None, check.weight)
    )


def to_table(checks: Sequence[Check], catalogue: Catalogue, page: Page) -> list[Text]:
    """The checks by layer, the bottom layer first, each with its statement."""
    lines: list[Text] = []
    for number, layer in enumerate(catalogue.layers, start=1):
        chosen = [check for check in checks if check.layer == layer.name]
        if not chosen:
            continue
        lines += [Text()] if lines else []
        lines += [spans((f"{number}  {page.text(layer.title)}", "bold"))]
        for check in chosen:
            lines += _row(check, page)
    if not lines:
        return [Text("No check is of that kind.")]
    return [*lines, Text(), spans((f"{count(len(checks), 'check')}, ruler {catalogue.ruler.version}", "dim"))]


def to_markdown(checks: Sequence[Check], catalogue: Catalogue) -> str:
    """The checks as one Markdown table."""
    numbers = {layer.name: number for number, layer in enumerate(catalogue.layers, start=1)}
    rows = [
        (f"`{check.name}`", str(numbers[check.layer]), check.debt, check.weight, check.effort, check.statement)
        for check in checks
    ]
    heading = ("check", "layer", "debt", "weight", "effort", "what a ready repository does")
    table = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in row)} |\n" for row in table)


def to_json(checks: Sequence[Check], catalogue: Catalogue) -> str:
    """The checks as JSON, with what decides and mends them but without their examples."""
    data = {
        "ruler": {"version": catalogue.ruler.version, "hash": catalogue.ruler.hash},
        "checks": [
            {
                "name": check.name,
                "statement": check.statement,
                "layer": check.layer,
                "debt": check.debt,
                "weight": check.weight,
                "effort": check.effort,
                "since": check.since,
                "why": check.why,
                "detection": check.detection,
                "false_positives": check.false_positives,
                "remedy": check.remedy,
                "fix": check.fix,
                "implies": list(check.implies),
                "sources": list(check.sources),
                "weaknesses": list(check.weaknesses),
                "experimental": check.name in catalogue.accuracy.experimental,
            }
            for check in checks
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _row(check: Check, page: Page) -> list[Text]:
    name = page.fit(check.name, _NAME).ljust(_NAME)
    first = spans("   ", name, " ", (check.debt.ljust(_DEBT), "dim"), "  ")
    first.append(check.weight.ljust(_WEIGHT), _WEIGHT_STYLES[check.weight]).append("  ")
    first.append(check.effort.rjust(_EFFORT), "dim")
    return [first, *(spans("     ", (line, "dim")) for line in page.wrap(page.text(check.statement), page.right - 5))]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
