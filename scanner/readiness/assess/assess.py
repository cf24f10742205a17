"""The whole assessment: every check judged, then scored."""

from __future__ import annotations

from dataclasses import replace

from readiness.assess.actions import actions, debts, gains
from readiness.assess.assessment import Assessment, Exempted, LayerScore
from readiness.assess.catalogue import Catalogue
from readiness.assess.exemptions import NONE, Exemptions
from readiness.assess.judge import judge
from readiness.assess.score import Card, Judged, score


def assess(facts: object, catalogue: Catalogue, model_free: bool, exemptions: Exemptions = NONE) -> Assessment:
    """Judge the facts by every check of the catalogue and score the outcome; experimental checks do not count.

    Args:
        facts: what was found in the repository; an instance of the class the catalogue was loaded for.
        catalogue: the checks and scales to measure with.
        model_free: the repository uses no model; nothing is judged then, and there is no score.
        exemptions: findings that the owners accept; with any in force, everything is judged without them as well.

    Raises:
        CheckError: an expression of a check breaks on a fact, a fault of the catalogue.
    """
    if model_free:
        unscored = tuple(LayerScore(layer.name, None, 0) for layer in catalogue.layers)
        return Assessment(catalogue.ruler, None, unscored, ())
    raw = tuple((check, judge(check, facts)) for check in catalogue.checks)
    exempted = _exempted(raw, exemptions)
    touched = {one.check for one in exempted}
    judged = tuple((c, judge(c, facts, exemptions) if c.name in touched else result) for c, result in raw)
    card = _card(judged, catalogue)
    gain = gains(card)
    names = [debt.name for debt in catalogue.debts]
    return Assessment(
        ruler=catalogue.ruler,
        score=score(card, catalogue.grades),
        layers=card.layer_scores(),
        debts=debts(card.judged, names),
        grid=card.grid(names),
        results=tuple(replace(result, gain=gain.get(check.name, 0.0)) for check, result in judged),
        actions=actions({check.name: check for check in catalogue.checks}, gain),
        raw=score(_card(raw, catalogue), catalogue.grades) if exempted else None,
        exempted=exempted,
    )


def _card(judged: tuple[Judged, ...], catalogue: Catalogue) -> Card:
    experimental = catalogue.accuracy.experimental
    return Card(tuple(one for one in judged if one[0].name not in experimental), catalogue.layers)


def _exempted(raw: tuple[Judged, ...], exemptions: Exemptions) -> tuple[Exempted, ...]:
    return tuple(
        Exempted(check.name, finding, exemption)
        for check, result in raw
        for finding in result.findings
        if (exemption := exemptions.of(check.name, finding.place)) is not None
    )
