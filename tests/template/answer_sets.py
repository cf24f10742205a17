"""Which answers the template is tried with: the defaults, all on, all off, each single choice, each pair of choices."""

from __future__ import annotations

import os
import subprocess
from itertools import combinations
from typing import Any

from readiness._resources import data_root
from readiness.scaffold import load_questions

Answers = dict[str, Any]

DEFAULTS: Answers = {}


def choices() -> dict[str, list[Any]]:
    """Every question that is answered by choosing, with all its answers."""
    found: dict[str, list[Any]] = {}
    for question in load_questions():
        names = [name for name, _ in question.choices]
        if question.several:
            found[question.name] = [list(some) for size in range(len(names) + 1) for some in combinations(names, size)]
        elif names:
            found[question.name] = list(names)
        elif question.kind == "bool":
            found[question.name] = [False, True]
    return found


def everything() -> Answers:
    """Whatever makes the project larger; where an answer only makes it different, the last choice."""
    return {name: values[-1] for name, values in choices().items()} | {"ci": "github", "model_provider": "placeholder"}


def nothing() -> Answers:
    """Whatever makes the project smaller: no deployment, no actions, nobody's data."""
    return {name: values[0] for name, values in choices().items()}


def rotating() -> Answers:
    """One of the pairwise sets, another one with each commit: all of them in turn are too many to install each time.

    The same commit always has the same set. `READINESS_ROTATION=N` picks another one.
    """
    if not (turn := os.environ.get("READINESS_ROTATION", "")):
        told = subprocess.run(
            ["git", "rev-list", "--count", "HEAD"], cwd=data_root(), capture_output=True, text=True, check=False
        )
        turn = told.stdout.strip() or "0"  # an unpacked archive has no commits
    sets = pairwise()
    return sets[int(turn) % len(sets)]


def every() -> list[Answers]:
    """Every set that is rendered, checked and scanned."""
    return [DEFAULTS, everything(), nothing(), *singles(), *pairwise()]


def singles() -> list[Answers]:
    """The defaults with one answer changed, each other choice once."""
    usual = {question.name: question.default for question in load_questions()}
    return [{name: value} for name, values in choices().items() for value in values if _word(value) != usual[name]]


def pairwise() -> list[Answers]:
    """Few sets in which every two choices of two questions meet, by always taking what covers most that is uncovered.

    The same on every machine: nothing is drawn by chance, and ties go to the choice that `copier.yml` has first.
    """
    values = choices()
    names = sorted(values, key=lambda name: -len(values[name]))
    pairs = {
        ((one, first), (other, second))
        for one, other in combinations(names, 2)
        for first in range(len(values[one]))
        for second in range(len(values[other]))
    }
    sets: list[Answers] = []
    while pairs:
        row: dict[str, int] = dict([min(pairs)[0], min(pairs)[1]])
        for name in names:
            if name not in row:
                row[name] = max(
                    range(len(values[name])),
                    key=lambda choice, name=name: (_covered(pairs, row, name, choice), -choice),
                )
        pairs -= {pair for pair in pairs if all(row[name] == choice for name, choice in pair)}
        sets.append({name: values[name][row[name]] for name in names})
    return sets


def _covered(pairs: set[Any], row: dict[str, int], name: str, choice: int) -> int:
    mine = (name, choice)
    return sum(((it, mine) in pairs) or ((mine, it) in pairs) for it in row.items())


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def title(answers: Answers) -> str:
    """A short name for a test."""
    return ",".join(f"{name}={_word(value)}" for name, value in answers.items()) or "defaults"
