"""How far one version's data has moved from another's, field by field."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .contract import Contract, DateRule, FlagRule, Record, TextRule

_FEW = 0.5  # records that an empty bin stands for, so that the logarithm exists


@dataclass(frozen=True, slots=True)
class Drift:
    """The distance of one field: PSI, and KS for numbers or chi² for categories; p needs the extra `drift`."""

    field: str
    psi: float
    test: str
    statistic: float
    p: float | None
    over: bool


def compare(before: Sequence[Record], after: Sequence[Record], contract: Contract) -> list[Drift]:
    """Every field that can drift: numbers, categories, and the length of texts. Keys and dates move by nature.

    A distance counts from the contract's limits on, and only where chance explains it in at most one case of twenty.
    """
    found = []
    for name, rule in contract.fields.items():
        old, new = ([record[name] for record in side if name in record] for side in (before, after))
        if name == contract.key or isinstance(rule, DateRule) or not old or not new:
            continue
        if isinstance(rule, FlagRule) or (isinstance(rule, TextRule) and rule.one_of):
            found.append(_categories(name, old, new, contract))
        elif isinstance(rule, TextRule):
            found.append(
                _numbers(f"{name} (length)", [len(text) for text in old], [len(text) for text in new], contract)
            )
        else:
            found.append(_numbers(name, old, new, contract))
    return found


def _numbers(name: str, old: list[float], new: list[float], contract: Contract) -> Drift:
    low, high = sorted(old), sorted(new)
    n, m = len(low), len(high)
    gap = max(abs(bisect_right(low, x) / n - bisect_right(high, x) / m) for x in {*low, *high})
    bins = max(2, min(10, min(n, m) // 10))
    edges = sorted({low[n * i // bins] for i in range(1, bins)})
    psi, moved = _psi([bisect_right(edges, x) for x in low], [bisect_right(edges, x) for x in high], contract)
    by_chance = 1.358 * math.sqrt((n + m) / (n * m))  # Kolmogorov's limit at 5 %
    stats = _scipy_stats()
    p = float(stats.ks_2samp(low, high).pvalue) if stats else None
    return Drift(name, psi, "KS", gap, p, moved or gap > max(contract.drift.ks, by_chance))


def _categories(name: str, old: list[Any], new: list[Any], contract: Contract) -> Drift:
    psi, moved = _psi(old, new, contract)
    left, right = Counter(old), Counter(new)
    both, chi2 = left + right, 0.0
    for side in (left, right):
        expected = {value: both[value] * side.total() / both.total() for value in both}
        chi2 += sum((side[value] - expected[value]) ** 2 / expected[value] for value in both)
    stats = _scipy_stats()
    p = float(stats.chi2.sf(chi2, max(1, len(both) - 1))) if stats else None
    return Drift(name, psi, "chi²", chi2, p, moved)


def _psi(old: list[Any], new: list[Any], contract: Contract) -> tuple[float, bool]:
    """The population stability index, and whether it counts."""
    left, right = Counter(old), Counter(new)
    bins = {*left, *right}
    shares = [((left[b] or _FEW) / len(old), (right[b] or _FEW) / len(new)) for b in sorted(bins)]
    psi = sum((after - before) * math.log(after / before) for before, after in shares)
    # The 95th percentile of chi², by Wilson and Hilferty's approximation, is what PSI reaches by chance.
    freedom = max(1, len(bins) - 1)
    chi2 = freedom * (1 - 2 / (9 * freedom) + 1.645 * math.sqrt(2 / (9 * freedom))) ** 3
    return psi, psi > max(contract.drift.psi, chi2 * (1 / len(old) + 1 / len(new)))


def _scipy_stats() -> Any:
    try:
        return import_module("scipy.stats")
    except ImportError:
        return None
