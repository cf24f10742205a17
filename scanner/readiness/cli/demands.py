"""What `--fail-under`, `--fail-on` and the configuration demand; the command line replaces the configuration's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.assess.catalogue import Catalogue
    from readiness.report.gate import Demands
    from readiness.repository.configuration import Configuration


def demands_of(
    under: Sequence[str] | None, on: Sequence[str] | None, configuration: Configuration, *, compares: bool
) -> Demands:
    """What is demanded of a report.

    Args:
        under: the values of `--fail-under`, `SCORE` or `LAYER=SCORE`.
        on: the values of `--fail-on`.
        configuration: what is demanded where the command line is silent.
        compares: whether there is a baseline or a revision, without which nothing is new.

    Raises:
        UsageError: no such layer, check or weight, no number, or `new` without anything to compare with.
    """
    from readiness.assess.catalogue import load_catalogue
    from readiness.report.gate import Demands

    if not (under or on or configuration.fail_under or configuration.fail_on):
        return Demands()
    catalogue = load_catalogue()
    file = configuration.source or ""
    return Demands(
        under=_under(under, catalogue) if under else _layers(configuration.fail_under, catalogue, file),
        on=_on(on or configuration.fail_on, catalogue, "--fail-on" if on else f"{file}: fail-on", compares),
        under_source="" if under else file,
        on_source="" if on else file,
    )


def _under(values: Sequence[str], catalogue: Catalogue) -> Mapping[str, float]:
    return _layers(dict(map(_score, values)), catalogue, "--fail-under")


def _score(value: str) -> tuple[str, float]:
    layer, _, number = value.rpartition("=")
    try:
        score = float(number)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 100:
        raise UsageError(f"--fail-under {value[:80]}: a number from 0 to 100 was expected, or LAYER=NUMBER")
    return layer.strip(), score


def _layers(under: Mapping[str, float], catalogue: Catalogue, where: str) -> Mapping[str, float]:
    names = [layer.name for layer in catalogue.layers]
    for layer in under:
        if layer and layer not in names:
            raise UsageError(f"{where}: {unknown('layer', layer, names)}")
    return dict(under)


def _on(values: Sequence[str], catalogue: Catalogue, where: str, compares: bool) -> tuple[str, ...]:
    from readiness.report.findings import EXEMPTIONS, WEIGHTS
    from readiness.report.gate import NEW

    words = (NEW, *WEIGHTS, EXEMPTIONS)
    chosen = []
    for value in values:
        if value not in words and value not in catalogue.names:
            raise UsageError(f"{where}: {unknown('check or weight', value, [*words, *catalogue.names], _WHAT)}")
        if value == NEW and not compares:
            raise UsageError(f"{where} new needs something to compare with; give --baseline FILE or --since REV")
        chosen.append(catalogue.names.get(value, value))
    return tuple(chosen)


_WHAT = "give new, critical, high, medium, low, or a check of `readiness checks`"
