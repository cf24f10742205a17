"""The report: one object that every format shows. docs/reference/json-report.md is its contract.

Keys are only ever added within one `SCHEMA_VERSION`. Texts are kept as they were found, with secrets masked; each
format makes them safe in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = "1"

PROVISIONAL_BELOW = 0.8
"""Under this coverage a score is called provisional: too much of the model code is unknown to stand behind it."""


@dataclass(frozen=True, slots=True)
class RulerReport:
    """Which catalogue measured."""

    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How many files were read, how many of them are Python or notebooks, and how many were passed over."""

    read: int
    python: int
    notebooks: int
    skipped: int


@dataclass(frozen=True, slots=True)
class RepositorySummary:
    """What was scanned. `kinds` says in short names what it is (`llm-service`, `agent`, `rag`).

    `front_page` is the file that formats point at for what concerns the repository as a whole. `prefix` leads from the
    top of the git repository to what was scanned (`services/chat/`): paths in a report begin below it, those that a
    host is to link begin with it.
    """

    name: str
    revision: str | None
    dirty: bool
    kinds: tuple[str, ...]
    gates: dict[str, bool]
    files: FileCounts
    front_page: str = "README.md"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class RawReport:
    """The score as it is without what the owners have accepted."""

    value: float
    grade: str


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The headline: `low` counts every unknown as failed, `high` as passed; `coverage` is the share decided.

    `raw` is given where a suppression or a waiver is in force: the score as if there were none.
    """

    value: float
    low: float
    high: float
    grade: str
    capped_by: tuple[str, ...]
    uncapped_grade: str
    stack_height: int
    coverage: float
    raw: RawReport | None = None

    @property
    def waived(self) -> float:
        """The points that are owed to suppressions and waivers; never below 0."""
        return max(0.0, round(self.value - self.raw.value, 1)) if self.raw else 0.0

    @property
    def provisional(self) -> bool:
        """Too little could be decided for the score to be quoted without a warning."""
        return self.coverage < PROVISIONAL_BELOW


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer; `score` is None when nothing in it was decided, `checks` counts the decided ones."""

    name: str
    title: str
    score: float | None
    checks: int
    standing: bool = False
    """It and every layer below it stand: it counts in the stack height."""


@dataclass(frozen=True, slots=True)
class DebtReport:
    """Days of work owed in one category, and its share of all that is owed."""

    name: str
    days: float
    share: float


@dataclass(frozen=True, slots=True)
class GridCell:
    """Where one layer meets one debt: the score of the checks decided there, None where there are none."""

    layer: str
    debt: str
    score: float | None


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """How many places of a per-site check got which verdict. In JSON, `passed` is `pass` and `failed` is `fail`."""

    passed: int
    partial: int
    failed: int
    unknown: int

    @property
    def total(self) -> int:
        """All places that were looked at."""
        return self.passed + self.partial + self.failed + self.unknown


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """A place that speaks for a verdict; `source` holds its lines, empty where they must not or cannot be shown."""

    path: str
    line: int
    end_line: int
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class FindingReport:
    """A place to mend; an empty path and line 0 stand for the repository as a whole, where something is absent.

    The fingerprint survives edits elsewhere in the file, and another layout of the same code: it is made of check, path
    and normalised content, never of the line number. `content` is what the place says, alone: it tells a moved finding.
    `state` is given where not all findings are reported: `new`, or why not: `known` or `moved` (in the baseline),
    `outside` (of what changed since a revision).
    """

    path: str
    line: int
    end_line: int
    message: str
    fingerprint: str
    verdict: str = "fail"
    source: str = ""
    content: str = ""
    state: str = ""

    @property
    def reported(self) -> bool:
        """Whether lists of findings and gates have it: all do, or it is new."""
        return self.state in ("", "new")


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One check's outcome; `satisfaction` is None when the verdict is `not-applicable` or `unknown`."""

    name: str
    layer: str
    debt: str
    weight: str
    verdict: str
    satisfaction: float | None
    sites: SiteCounts | None
    evidence: tuple[EvidenceReport, ...]
    findings: tuple[FindingReport, ...]
    gain: float
    effort: str
    fix: str
    statement: str = ""
    experimental: bool = False
    """Too often wrong where it was measured: shown, and in no score."""


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """A place without a story."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class ModelCallReport:
    """One call of a model. `understood` is False when the call was seen but what it calls could not be resolved."""

    path: str
    line: int
    role: str
    sdk: str
    name: str
    model: str | None
    constructor: PlaceReport | None
    reachable: bool
    timeout: str
    output_cap: str
    understood: bool = True

    @property
    def is_constructor(self) -> bool:
        """Whether the row is where a model is built, not where it is asked."""
        return self.constructor == PlaceReport(self.path, self.line)


@dataclass(frozen=True, slots=True)
class ActionReport:
    """A next step: the exact gain in points, and what it costs."""

    check: str
    gain: float
    effort: str


@dataclass(frozen=True, slots=True)
class SuppressedReport:
    """A finding that its owners have accepted, and why.

    `origin` is `code` (a comment beside it) or `configuration` (a waiver); `kind` is `accepted` (it leaves the sums) or
    `satisfied-elsewhere` (it counts as done, and `evidence` says where).
    """

    check: str
    path: str
    line: int
    reason: str
    end_line: int = 0
    message: str = ""
    verdict: str = "fail"
    fingerprint: str = ""
    origin: str = "code"
    kind: str = "accepted"
    owner: str = ""
    expires: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class ExemptionReport:
    """A suppression or a waiver as it is written, at the place where it is written.

    `standing` is `used`, `unused`, `expired` or `malformed`; where it is not `used`, `finding` says what to mend. It is
    of no check and in no score.
    """

    check: str
    origin: str
    kind: str
    scope: str
    reason: str
    owner: str
    expires: str
    evidence: str
    path: str
    line: int
    standing: str
    findings: int
    finding: FindingReport | None = None


@dataclass(frozen=True, slots=True)
class SkippedReport:
    """A file that was passed over, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """Code that cannot be imported, and so earns nothing."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class AttestationReport:
    """What the owners state about what no scanner sees; `problem` says why it is expired or malformed."""

    claim: str
    title: str
    owner: str
    evidence: str
    date: str
    expires: str
    standing: str
    problem: str
    path: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class FixedReport:
    """A finding of the baseline that is there no more."""

    check: str
    path: str
    message: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BeforeReport:
    """The score that the baseline was written with; `same_ruler` when the same catalogue measured it."""

    value: float
    grade: str
    same_ruler: bool


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """Which findings are reported, where not all are.

    `baseline` is the name of the file whose findings are known, `since` the revision as it was given and `base` the
    commit that changes are counted from. `new`, `known`, `moved` and `outside` count findings by their state; `fixed`
    are entries of the baseline that nothing matches.
    """

    baseline: str | None
    since: str | None
    base: str | None
    new: int
    known: int
    moved: int
    outside: int
    fixed: tuple[FixedReport, ...] = ()
    before: BeforeReport | None = None


@dataclass(frozen=True, slots=True)
class DemandReport:
    """One condition of the gate: what was demanded (`--fail-under 70`), and in words whether it was met."""

    demand: str
    met: bool
    says: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """Whether all that was demanded of the repository is met."""

    met: bool
    demands: tuple[DemandReport, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a scan says. `score` is None when the repository uses no model.

    `layers` begin at the bottom. `checks` has every check of the catalogue, in its order; `actions` the unsatisfied
    ones, best gain per effort first.
    `attestations` stand beside the score and never in it. `exemptions` are all suppressions and waivers, `suppressed`
    the findings that they cover. `scope` is None where all findings are reported, `gate` where nothing was demanded.
    `as_of` is the day the repository was judged on, as an ISO date.
    """

    ruler: RulerReport
    repository: RepositorySummary
    score: ScoreSummary | None
    layers: tuple[LayerReport, ...]
    debts: tuple[DebtReport, ...]
    grid: tuple[GridCell, ...]
    checks: tuple[CheckReport, ...]
    model_calls: tuple[ModelCallReport, ...]
    actions: tuple[ActionReport, ...]
    problems: tuple[ProblemReport, ...]
    suppressed: tuple[SuppressedReport, ...]
    skipped: tuple[SkippedReport, ...]
    attestations: tuple[AttestationReport, ...] = ()
    exemptions: tuple[ExemptionReport, ...] = ()
    scope: ScopeReport | None = None
    gate: GateReport | None = None
    as_of: str | None = None
    schema_version: str = SCHEMA_VERSION

    def check(self, name: str) -> CheckReport | None:
        """The outcome of the check with this name, or None where the ruler has no such check."""
        return next((check for check in self.checks if check.name == name), None)
