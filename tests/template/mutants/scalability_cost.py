"""Mutants of the layer scalability cost."""

from __future__ import annotations

from .edit import ATTEMPT, Mutant, mutant

MUTANTS: tuple[Mutant, ...] = (
    mutant("output-tokens-capped", (ATTEMPT, "max_tokens=cap, ", "")),
    mutant("container-image-reproducible", ("Dockerfile", "USER 10001:10001\n", "")),
)
