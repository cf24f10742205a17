"""Two eval runs side by side: what got better, what got worse, and in which cases."""

from dataclasses import dataclass

from ..storage.tables import EvalRun
from .metrics import means


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before and after, over the cases that both runs have."""

    metrics: dict[str, tuple[float, float]]
    fixed: tuple[str, ...]
    broken: tuple[str, ...]


def compare(before: EvalRun, after: EvalRun) -> Comparison:
    """Compare two runs; cases that only one of them has are left out, so that a new case moves no score."""
    old, new = ({case["id"]: case for case in run.cases} for run in (before, after))
    shared = sorted(old.keys() & new.keys())
    was, now = (means(run[case]["scores"] for case in shared) for run in (old, new))
    return Comparison(
        metrics={metric: (was[metric], now[metric]) for metric in was if metric in now},
        fixed=tuple(case for case in shared if new[case]["passed"] and not old[case]["passed"]),
        broken=tuple(case for case in shared if old[case]["passed"] and not new[case]["passed"]),
    )
