"""What can go wrong in the catalogue: a file that is incomplete, or an expression that does not hold on a real fact."""

from __future__ import annotations

from collections.abc import Iterable


class CatalogueError(Exception):
    """The catalogue cannot be loaded. `problems` tells, one each: the file, the field, what is wrong and what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ExpressionError(Exception):
    """An expression or message does not compile, or says a name that does not exist."""


class CheckError(Exception):
    """An expression of a check broke on a fact: a fault of the check, never of the scanned repository (exit code 3)."""

    def __init__(self, check: str, source: str, where: str, reason: str) -> None:
        self.check = check
        super().__init__(
            f"check {check}: the expression `{source}` broke at {where}: {reason}. "
            "Guard it, for instance with `is number` or `is not none` before a comparison."
        )
