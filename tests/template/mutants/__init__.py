"""Edits of a generated project that break one practice each, and the check that must notice.

`takes` names the checks that fall with it, since what they ask for rests on the same line.
"""

from __future__ import annotations

from . import (
    input_resilience,
    integration_reliability,
    model_capability,
    observability,
    safety_governance,
    scalability_cost,
)
from .edit import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *model_capability.MUTANTS,
    *input_resilience.MUTANTS,
    *integration_reliability.MUTANTS,
    *safety_governance.MUTANTS,
    *observability.MUTANTS,
    *scalability_cost.MUTANTS,
)

__all__ = ["MUTANTS", "Mutant"]
