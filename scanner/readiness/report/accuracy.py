"""What was measured of a check, in words."""

from __future__ import annotations

from math import ceil, floor

from readiness.assess.accuracy import CheckAccuracy, Share


def in_words(found: CheckAccuracy) -> str:
    """Two sentences: how often the verdict is right, and how often a complaint is."""
    if not found.labelled:
        return "Not measured yet: no labelled repository decides it."
    said = f"On {found.labelled} labelled repositories it gave the reader's verdict on {told(found.exact)}."
    if not found.reported and not found.wanted:
        return f"{said} None of them leaves it unsatisfied, so nothing is known of its complaints."
    complaints = f"Of {found.reported} complaints {told(found.precision)} were right"
    gaps = f"of {found.wanted} gaps it saw {told(found.recall)}"
    return f"{said} {complaints if found.reported else 'It never complained'}; {gaps}."


def told(share: Share) -> str:
    """`11 (92 %, 65 to 99 %)`: the count, the share and its interval, rounded outwards."""
    if share.value is None:
        return "0"
    low, high = share.interval()
    return f"{share.part} ({floor(100 * share.value)} %, {floor(100 * low)} to {ceil(100 * high)} %)"
