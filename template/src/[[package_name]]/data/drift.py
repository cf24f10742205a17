"""How far one version's data has moved from another's, field by field."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .contract import Contract, FieldRule, Kind, Record

_FEW = 0.5  # records that an empty bin stands for, so that the logarithm exists


@dataclass(frozen=True, slots=True)
class Drift:
    """The distance of one field: PSI, and KS for numbers or chi² for categories.

    From `critical` on, chance explains the statistic in at most one case of twenty. p needs the extra `drift`.
    """

    field: str
    psi: float
    test: str
    statistic: float
    critical: float
    p: float | None
    over: bool


def compare(before: Sequence[Record], after: Sequence[Record], contract: Contract) -> list[Drift]:
    """Every field that can drift: numbers, categories, and the length of texts. Keys and dates move by nature."""
    found = []
    for name, rule in contract.fields.items():
        old, new = ([_measure(record[name], rule) for record in side if name in record] for side in (before, after))
        if name == contract.key or rule.type in {Kind.DATE, Kind.DATETIME} or not old or not new:
            continue
        if rule.one_of or rule.type is Kind.BOOLEAN:
            found.append(_categories(name, old, new, contract))
        else:
            found.append(_numbers(f"{name} (length)" if rule.type is Kind.STRING else name, old, new, contract))
    return found


def _measure(value: Any, rule: FieldRule) -> Any:
    return len(value) if isinstance(value, str) and not rule.one_of else value


def _numbers(name: str, old: list[float], new: list[float], contract: Contract) -> Drift:
    low, high = sorted(old), sorted(new)
    n, m = len(low), len(high)
    gap = max(abs(bisect_right(low, x) / n - bisect_right(high, x) / m) for x in {*low, *high})
    critical = 1.358 * math.sqrt((n + m) / (n * m))  # Kolmogorov's limit at 5 %
    bins = max(2, min(10, min(n, m) // 10))
    edges = sorted({low[n * i // bins] for i in range(1, bins)})
    psi, chance = _psi([bisect_right(edges, x) for x in low], [bisect_right(edges, x) for x in high])
    over = psi > max(contract.drift.psi, chance) or gap > max(contract.drift.ks, critical)
    return Drift(name, psi, "KS", gap, critical, _p(lambda stats: stats.ks_2samp(low, high).pvalue), over)


def _categories(name: str, old: list[Any], new: list[Any], contract: Contract) -> Drift:
    psi, chance = _psi(old, new)
    left, right, total = Counter(old), Counter(new), len(old) + len(new)
    values = sorted({*left, *right})
    chi2 = 0.0
    for side in (left, right):
        expected = {value: (left[value] + right[value]) * side.total() / total for value in values}
        chi2 += sum((side[value] - expected[value]) ** 2 / expected[value] for value in values)
    freedom = max(1, len(values) - 1)
    over = psi > max(contract.drift.psi, chance)
    return Drift(name, psi, "chi²", chi2, _chi2_limit(freedom), _p(lambda stats: stats.chi2.sf(chi2, freedom)), over)


def _psi(old: list[Any], new: list[Any]) -> tuple[float, float]:
    """The population stability index, and the value that chance alone reaches in one case of twenty."""
    left, right = Counter(old), Counter(new)
    bins = sorted({*left, *right})
    shares = [((left[b] or _FEW) / len(old), (right[b] or _FEW) / len(new)) for b in bins]
    psi = sum((after - before) * math.log(after / before) for before, after in shares)
    return psi, _chi2_limit(max(1, len(bins) - 1)) * (1 / len(old) + 1 / len(new))


def _chi2_limit(freedom: int) -> float:
    # Wilson and Hilferty's approximation of the 95th percentile, within 1 % from two degrees of freedom on.
    return float(freedom * (1 - 2 / (9 * freedom) + 1.645 * math.sqrt(2 / (9 * freedom))) ** 3)


def _p(test: Callable[[Any], Any]) -> float | None:
    try:
        stats = import_module("scipy.stats")
    except ImportError:
        return None
    return float(test(stats))
