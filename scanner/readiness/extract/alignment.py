"""Which items of a sequence its older version did not have.

After Heckel (1978): what occurs once in both is the same, so are the equal neighbours of what is the same, and so are,
in their order, the equal ones that are left. One pass for each: the time is that of reading, whatever a hostile
sequence holds, and what was moved counts as still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def added(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[int]:
    """The indices in `new` of the items that `old` does not have, or has fewer of."""
    partner = _unique(old, new)
    _spread(partner, old, new, range(-1, len(new)), 1)
    _spread(partner, old, new, range(len(new), -1, -1), -1)
    taken = set(partner.values())
    left = Counter(item for index, item in enumerate(old) if index not in taken)
    found: list[int] = []
    for index, item in enumerate(new):
        if index in partner:
            continue
        left[item] -= 1
        if left[item] < 0:
            found.append(index)
    return found


def _unique(old: Sequence[Hashable], new: Sequence[Hashable]) -> dict[int, int]:
    """Index in `new` -> index in `old`, for what occurs once in both; the two ends are the same as well."""
    before, after = Counter(old), Counter(new)
    places = {item: index for index, item in enumerate(old) if before[item] == after[item] == 1}
    return {-1: -1, len(new): len(old), **{index: places[item] for index, item in enumerate(new) if item in places}}


def _spread(partner: dict[int, int], old: Sequence[Hashable], new: Sequence[Hashable], way: range, step: int) -> None:
    """Along the way through `new`, take what is next to what is the same for the same, where it is equal."""
    taken = set(partner.values())
    for index in way:
        of = partner.get(index)
        if of is None or index + step in partner or of + step in taken:
            continue
        # Both ends have partners, so that neither index is out of range.
        if new[index + step] == old[of + step]:
            partner[index + step] = of + step
            taken.add(of + step)
