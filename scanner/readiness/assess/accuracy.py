"""How often each check was right on labelled repositories: `checks/accuracy.yaml`, which `docs/measure.py` writes.

A check is wrong in two ways: it calls unsatisfied (fail or partial) what is fine, or fine what is not. Precision is
about the first, recall about the second, and exact agreement about every verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import NormalDist

from readiness.assess.assessment import Verdict
from readiness.assess.errors import CatalogueError
from readiness.assess.spelling import suggestion
from readiness.assess.yaml_file import Fields, read_yaml

EXPERIMENTAL_BELOW = 0.8
"""A check whose precision is lower than this is experimental: it is shown, and does not count."""

COUNTS = ("labelled", "agreed", "wanted", "reported", "both")
"""The fields of a check in the file."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval that so few allow."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None where there is nothing to have a share of."""
        return self.part / self.whole if self.whole else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's score interval (Wilson, JASA 22, 1927): it stays within 0 and 1, and is honest for few cases."""
        if not self.whole:
            return 0.0, 1.0
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        n, p = self.whole, self.part / self.whole
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True)
class CheckAccuracy:
    """The counts of one check.

    `labelled` repositories have a verdict by a reader, `agreed` of them got the same from us. `wanted` are labelled
    unsatisfied, `reported` are those we call so, `both` those where reader and scanner do.
    """

    labelled: int = 0
    agreed: int = 0
    wanted: int = 0
    reported: int = 0
    both: int = 0

    @property
    def exact(self) -> Share:
        """Of the labelled verdicts, those that we give too."""
        return Share(self.agreed, self.labelled)

    @property
    def precision(self) -> Share:
        """Of what we call unsatisfied, what is."""
        return Share(self.both, self.reported)

    @property
    def recall(self) -> Share:
        """Of what is unsatisfied, what we call so."""
        return Share(self.both, self.wanted)

    @property
    def experimental(self) -> bool:
        """Too often wrong where it complains."""
        value = self.precision.value
        return value is not None and value < EXPERIMENTAL_BELOW

    def __add__(self, other: CheckAccuracy) -> CheckAccuracy:
        """The counts of both together."""
        return CheckAccuracy(*(getattr(self, name) + getattr(other, name) for name in COUNTS))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What was measured, on which day, on how many repositories; `checks` by name."""

    measured: str = ""
    repositories: int = 0
    checks: Mapping[str, CheckAccuracy] = field(default_factory=dict)

    @property
    def experimental(self) -> frozenset[str]:
        """The names of the checks that do not count."""
        return frozenset(name for name, found in self.checks.items() if found.experimental)


def compare(verdicts: Collection[tuple[str, str]]) -> CheckAccuracy:
    """Count the pairs (a reader's verdict, ours) of one check."""
    unsatisfied = {Verdict.FAIL, Verdict.PARTIAL}
    return CheckAccuracy(
        labelled=len(verdicts),
        agreed=sum(label == ours for label, ours in verdicts),
        wanted=sum(label in unsatisfied for label, _ in verdicts),
        reported=sum(ours in unsatisfied for _, ours in verdicts),
        both=sum(label in unsatisfied and ours in unsatisfied for label, ours in verdicts),
    )


def read_accuracy(path: Path, checks: Collection[str]) -> Accuracy:
    """Read `accuracy.yaml`; nothing is measured where there is none.

    Raises:
        CatalogueError: something is missing or misspelt, or counts contradict one another.
    """
    if not path.is_file():
        return Accuracy()
    fields = Fields(
        read_yaml(path),
        f"checks/{path.name}",
        ("measured", "repositories", "checks", "calls", "disagreements", "readings"),
    )
    measured = {}
    for name, counts in fields.mapping("checks").items():
        if name not in checks:
            raise fields.refuse("checks", f"there is no check `{name}`{suggestion(str(name), checks)}")
        measured[str(name)] = _counts(counts, f"{fields.where}, {name}")
    return Accuracy(fields.text("measured"), len(fields.items("repositories")), measured)


def _counts(content: object, where: str) -> CheckAccuracy:
    fields = Fields(content, where, COUNTS)
    found = CheckAccuracy(*(int(fields.number(name)) for name in COUNTS))
    if not (0 <= found.both <= min(found.wanted, found.reported) and max(found.agreed, found.wanted) <= found.labelled):
        raise CatalogueError([f"{where}: the counts contradict one another; write the file with docs/measure.py"])
    return found
