"""A check, complete: what a ready repository does, how that is decided, why, and what it costs to mend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Weight = Literal["critical", "high", "medium", "low"]
Effort = Literal["minutes", "hours", "days"]
Empty = Literal["not-applicable", "unknown", "fail", "pass"]

POINTS: dict[Weight, int] = {"critical": 8, "high": 5, "medium": 3, "low": 1}
HOURS: dict[Effort, float] = {"minutes": 0.25, "hours": 4.0, "days": 16.0}


@dataclass(frozen=True, slots=True)
class Example:
    """A small repository and the verdict it must get; `shows` names the false positive it guards against, if any."""

    verdict: str
    files: dict[str, str]
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of an evidence ladder: `when` returns the facts that are its evidence; the first non-empty one decides.

    `message` says what is still wrong; it sees what `when` returned as `found`. A ladder on which nothing decides is a
    fail with the check's own message.
    """

    verdict: str
    when: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """How one site is judged. Expressions see the facts and the site under the name `site_name`.

    `kind` "each": the mean over the sites decides. `kind` "worst": the worst site decides.
    `drop` takes a site out before anything else. Order of decision after that: unknown, pass, partial, else fail.
    `paths`, when given, is an expression for the ways one site can be reached; `unknown`, `pass` and `partial` then see
    each as `path`, and the site's value is their mean rounded to the nearest of 1, 0.5, 0 (ties up), or their worst
    where the worst decides. A site without a path is no site.
    `empty` is the verdict when no site is left, with `empty_message` as its finding when that is a fail.
    """

    kind: Literal["each", "worst"]
    sites: str
    site_name: str
    passes: str
    partial: str = ""
    unknown: str = ""
    drop: str = ""
    paths: str = ""
    empty: Empty = "not-applicable"
    empty_message: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One file of `checks/<layer>/`, as loaded. Exactly one of `policy` and `rungs` is given.

    `message` is the template of a finding: of a failing site, or of a ladder on which nothing was found.
    `implies` names checks that are satisfied together with this one.
    `weaknesses` are what it is known to get wrong or not to see, each in a sentence.
    `formerly` are names it had before: suppressions, waivers and command lines that use them still work.
    """

    name: str
    statement: str
    layer: str
    debt: str
    weight: Weight
    effort: Effort
    since: str
    why: str
    sources: tuple[str, ...]
    applies: str
    detection: str
    remedy: str
    false_positives: str
    examples: tuple[Example, ...]
    policy: SitePolicy | None = None
    rungs: tuple[Rung, ...] = ()
    message: str = ""
    fix: str = "none"
    implies: tuple[str, ...] = field(default_factory=tuple)
    weaknesses: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def verdicts(self) -> frozenset[str]:
        """Every verdict that its policy can give."""
        possible = {"pass", "fail"} | ({"not-applicable"} if self.applies != "true" else set())
        if self.policy is None:
            return frozenset(possible | {rung.verdict for rung in self.rungs})
        mixed = self.policy.partial or self.policy.kind == "each"  # sites that differ make a partial too
        return frozenset(possible | ({"partial"} if mixed else set()) | ({"unknown"} if self.policy.unknown else set()))
