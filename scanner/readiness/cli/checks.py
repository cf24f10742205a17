"""`readiness checks`: what a repository is measured by."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.output import emit, emit_page
from readiness.cli.words import unknown

if TYPE_CHECKING:
    from readiness.assess.catalogue import Catalogue


class Format(StrEnum):
    """The forms of the list."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class Weight(StrEnum):
    """How much a check counts."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def checks(
    layer: Annotated[str | None, typer.Option("--layer", metavar="NAME", help="Only the checks of this layer.")] = None,
    debt: Annotated[str | None, typer.Option("--debt", metavar="NAME", help="Only the checks of this debt.")] = None,
    weight: Annotated[Weight | None, typer.Option("--weight", help="Only the checks of this weight.")] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="The form of the list.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the list into this file.", show_default=False)
    ] = None,
) -> int:
    """List the checks, layer by layer."""
    from readiness.assess.catalogue import load_catalogue
    from readiness.report.catalogue import choose, to_json, to_markdown, to_table

    catalogue = load_catalogue()
    _known(catalogue, layer, debt)
    chosen = choose(catalogue, layer=layer, debt=debt, weight=weight)
    if form is Format.JSON:
        emit(to_json(chosen, catalogue), output)
    elif form is Format.MARKDOWN:
        emit(to_markdown(chosen, catalogue), output)
    else:
        emit_page(lambda page, colour: to_table(chosen, catalogue, page), output)
    return 0


def _known(catalogue: Catalogue, layer: str | None, debt: str | None) -> None:
    layers, debts = [one.name for one in catalogue.layers], [one.name for one in catalogue.debts]
    if layer is not None and layer not in layers:
        raise unknown("layer", layer, layers)
    if debt is not None and debt not in debts:
        raise unknown("debt", debt, debts)
