"""Whether what a search finds is measured by itself, and not only the answer that is made of it.

A metric of retrieval is a tool's (context recall, nDCG …), or one by hand in evaluation code that is named after one.
Citations and sources of the finished answer are measured at its end: the model may leave out what the search found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.facts.core import Core
from readiness.facts.evals.eval_metrics import Metric
from readiness.facts.evals.evals import Evals, EvalSuite
from readiness.facts.evals.golden import Golden
from readiness.facts.place import Place

Measures = Literal["search", "answer"]

_OF_SEARCH = re.compile(
    r"(?:recall|precision|hits?|ndcg|map|mrr)_?(?:@|at_)_?(?:k|\d+)|(?:^|_|\b)(?:mrr|ndcg|hit_?rate|mean_reciprocal_rank)(?:_|\b|$)"
    r"|(?:context|retriev\w*|search|passages?|chunks?|documents?|docs?)_(?:recall|precision|relevan\w+|accuracy|hits?|hit_rate|found)"
    r"|(?:recall|precision|accuracy)_of_(?:retrieval|search)",
    re.I,
)
_OF_ANSWER = re.compile(
    r"(?:citations?|cited|sources?|references?|refs?)_(?:recall|precision|overlap|accuracy|f1|match|hits?)", re.I
)
_TRANSLATED = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class RetrievalMetric:
    """One metric of retrieval, or of the sources of an answer.

    `gated`: something runs its suite, and a bad score fails the run or CI computes it.
    """

    place: Place
    text: str
    measures: Measures
    gated: bool


@dataclass(frozen=True, slots=True)
class RetrievalEvals:
    """What measures retrieval, and whether there are queries with what should be found."""

    metrics: tuple[RetrievalMetric, ...] = ()
    labelled: bool = False

    @property
    def of_search(self) -> list[RetrievalMetric]:
        """Those that measure what the search finds."""
        return [m for m in self.metrics if m.measures == "search"]

    @property
    def gated(self) -> list[RetrievalMetric]:
        """Those of them whose suite something runs."""
        return [m for m in self.of_search if m.gated]


def find_retrieval_evals(core: Core, evals: Evals, golden: Golden) -> RetrievalEvals:
    """The metrics of retrieval in the evaluation suites of a linked program."""
    ran = {path for run in (*evals.runs, *evals.weak_runs) for path in run.paths}
    found = {(m.place, m.text): m for suite in evals.suites for m in _of(suite, ran)}
    labelled = any(one.referenced for one in golden.sets if one.source != "split")
    return RetrievalEvals(tuple(found[key] for key in sorted(found)), labelled)


def _of(suite: EvalSuite, ran: set[str]) -> Iterator[RetrievalMetric]:
    gated = suite.path in ran or (suite.gated and bool(suite.reached_by))
    for metric in suite.metrics:
        measures = _measures(metric)
        if measures is not None:
            yield RetrievalMetric(metric.place, metric.text, measures, gated)


def _measures(metric: Metric) -> Measures | None:
    if metric.kind == "prediction":
        return None
    name = _TRANSLATED.sub("_", metric.name).replace("-", "_").replace(" ", "_")
    if _OF_ANSWER.search(name):
        return "answer"
    by_hand = metric.text.endswith((" by hand", " counted", "an evaluator")) or metric.text == metric.name
    if _OF_SEARCH.search(name) or (metric.kind == "retrieval" and not by_hand):
        return "search"
    return None
