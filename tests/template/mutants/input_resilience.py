"""Mutants of the layer input resilience."""

from __future__ import annotations

from .edit import Mutant

MUTANTS: tuple[Mutant, ...] = ()
