"""`readiness explain CHECK`: why a check matters, and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from readiness.cli.output import emit_page
from readiness.cli.words import unknown


def explain(
    check: Annotated[str, typer.Argument(metavar="CHECK", help="The name of a check, as a report shows it.")],
) -> int:
    """Explain a check: why it matters, bad and good code, how it is decided, what to do."""
    from readiness.assess.catalogue import load_catalogue
    from readiness.report.explain import explain as page_of

    catalogue = load_catalogue()
    chosen = catalogue.check(check)
    if chosen is None:
        raise unknown("check", check, [one.name for one in catalogue.checks], "`readiness checks` lists them all")
    emit_page(lambda page, colour: page_of(chosen, catalogue, page, colour=colour))
    return 0
