"""The whole way of a scan: bytes, observations, facts, verdicts, score, report. The command line makes this call."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from readiness._resources import data_root
from readiness.assess.assess import assess
from readiness.assess.attesting import attest
from readiness.assess.catalogue import Catalogue, load_catalogue
from readiness.assess.exemptions import NONE, Exemptions, exemptions_of
from readiness.assess.spelling import suggestion
from readiness.errors import UsageError
from readiness.extract.changed import Changed
from readiness.extract.contents import Contents
from readiness.extract.observations import Observations
from readiness.extract.observe import observe
from readiness.extract.suppressions import find_suppressions
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import link
from readiness.facts.facts import Facts, gather
from readiness.facts.governance.attestations import find_attestations
from readiness.facts.linking.web import load_web
from readiness.facts.sdks.knowledge import Knowledge, load_knowledge
from readiness.report.baseline import Baseline, from_text, with_baseline
from readiness.report.build import build_report
from readiness.report.changes import with_changes
from readiness.report.model import FileCounts, ModelCallReport, PlaceReport, ProblemReport, Report
from readiness.repository.changes import changes_since
from readiness.repository.configuration import Configuration, load_configuration
from readiness.repository.limits import MEBIBYTE
from readiness.repository.opening import open_repository
from readiness.repository.reading import read_bytes
from readiness.repository.revision import open_revision
from readiness.repository.tree import Repository, UnreadableError

DEEPEST_CALLS = 12_000
"""Python frames a scan may use: code is lowered and followed recursively, to a depth that the extractor bounds."""

LARGEST_BASELINE = 64 * MEBIBYTE

Progress = Callable[[str, int, int], None]


def scan(
    path: Path | str,
    *,
    as_of: date | None = None,
    exclude: Sequence[str] = (),
    configuration: Configuration | None = None,
    revision: str | None = None,
    baseline: Path | None = None,
    since: str | None = None,
    waivers: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Read a repository, statically, and say how ready it is for production.

    Args:
        path: the root of the repository, or a folder inside one.
        as_of: the day to judge on (retired models, reviews). By default the date of the commit, or that of our table of
            models where it is later: what is known to have ended has ended, however old the commit is.
        exclude: further glob patterns of files to pass over.
        configuration: what the owners set; by default read from `readiness.toml` or `pyproject.toml` under `path`.
        revision: the git revision to read, out of git's objects, in place of the work tree; nothing is checked out.
        baseline: a file of known findings; by default the one that the configuration names. What it knows keeps its
            place in the report, but is not reported.
        since: a git revision; only findings in what has changed since then are reported.
        waivers: whether suppressions and waivers are in force.
        progress: called with a stage's name and how much of how much of it is done.

    Raises:
        UsageError: the path, a pattern, a revision, the baseline or the configuration is wrong.
    """
    root = Path(path)
    chosen = configuration if configuration is not None else load_configuration(root)
    catalogue = _catalogue()
    refuse_unknown_checks(chosen, catalogue)
    known = _read_baseline(root, chosen, baseline, catalogue)
    repository = _open(root, chosen, exclude, revision)
    day = _knowledge().models.day
    today = as_of or chosen.as_of or max(repository.committed or day, day)
    tell = progress or _silent
    with _room_to_work():
        observations = observe(repository, lambda done, total: tell("reading", done, total))
        tell("linking", 0, 1)
        core = link(repository, observations, _knowledge(), load_web(_checks() / "knowledge" / "web-frameworks.yaml"))
        facts = gather(core, today)
        contents = Contents(observations)
        exemptions = _exemptions(observations, contents, chosen, catalogue, today) if waivers else NONE
        assessment = assess(facts, catalogue, model_free=not facts.gates.model, exemptions=exemptions)
        report = build_report(
            repository=repository,
            assessment=assessment,
            catalogue=catalogue,
            files=_counts(repository, observations),
            gates={name: bool(getattr(facts.gates, name)) for name in _gate_names(facts)},
            kinds=facts.kinds,
            lines_of=lambda where, line, end: _lines(observations, where, line, end),
            said_at=lambda place: (contents.said(*place), contents.scope(place.path, place.line)),
            exemptions=exemptions.entries,
            model_calls=_rows(facts),
            problems=[ProblemReport(p.place.path, p.place.line, p.message) for p in facts.problems],
            skipped=observations.unread,
            attested=attest(find_attestations(observations), catalogue.attestable, today),
            as_of=today,
        )
        if known is not None:
            paths = _paths(repository)
            report = with_baseline(report, known[1], known[0], lambda where: where in paths)
        if since is not None:
            report = _since(report, root, since, repository, observations)
    return report


def _open(root: Path, chosen: Configuration, exclude: Sequence[str], revision: str | None) -> Repository:
    if revision is None:
        return open_repository(root, chosen, exclude=exclude)
    return open_revision(root, revision, chosen, exclude=exclude)


def _exemptions(
    observations: Observations, contents: Contents, chosen: Configuration, catalogue: Catalogue, today: date
) -> Exemptions:
    return exemptions_of(
        find_suppressions(observations),
        chosen.waivers,
        catalogue.names,
        today,
        lambda place: contents.extent(*place),
    )


def refuse_unknown_checks(chosen: Configuration, catalogue: Catalogue) -> None:
    """Refuse a waiver of a check that does not exist.

    Raises:
        UsageError: names it, and the nearest check.
    """
    for waiver in chosen.waivers:
        if waiver.check not in catalogue.names:
            near = suggestion(waiver.check, catalogue.names) or "; `readiness checks` lists them all"
            raise UsageError(f"{waiver.source}:{waiver.line}: there is no check `{waiver.check[:80]}`{near}")


def _read_baseline(
    root: Path, chosen: Configuration, given: Path | None, catalogue: Catalogue
) -> tuple[str, Baseline] | None:
    """The baseline with its name: that of the command line as it was given, or the configuration's, below the root."""
    if given is None and chosen.baseline is None:
        return None
    path, name = (given, str(given)) if given is not None else (root / str(chosen.baseline), str(chosen.baseline))
    try:
        text = read_bytes(str(path), LARGEST_BASELINE).decode("utf-8")
    except (UnreadableError, UnicodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}; `readiness baseline` writes one") from error
    return name, from_text(text, name, catalogue.names)


def _paths(repository: Repository) -> frozenset[str]:
    """Every path that is in the repository, whether it was read or not."""
    named = [*(file.path for file in repository.files), *(file.path for file in repository.skipped), *repository.others]
    return frozenset(named)


def _since(report: Report, root: Path, revision: str, repository: Repository, observations: Observations) -> Report:
    changes = changes_since(root, revision, repository)
    lines = Changed(changes.old, observations)
    return with_changes(report, revision, changes.base, lines.touch)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress for nobody."""


@contextmanager
def _room_to_work() -> Iterator[None]:
    before, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(before, DEEPEST_CALLS))
    # A scan allocates much and drops it all at its end; looking for cycles on the way costs a quarter of its time.
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        if collecting:
            gc.enable()


def _checks() -> Path:
    return data_root() / "checks"


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


@cache
def _knowledge() -> Knowledge:
    return load_knowledge(_checks())


def _gate_names(facts: Facts) -> list[str]:
    return sorted({*facts.gates.__dataclass_fields__, "model"})


def _counts(repository: Repository, observations: Observations) -> FileCounts:
    python = sum(1 for path in observations.modules if path.endswith((".py", ".pyi")))
    notebooks = sum(1 for path in observations.modules if path.endswith(".ipynb"))
    return FileCounts(len(repository.files) - len(observations.unread), python, notebooks, 0)


def _lines(observations: Observations, path: str, line: int, end_line: int) -> str:
    return "\n".join(observations.line(path, number) for number in range(line, min(end_line, line + 40) + 1))


def _rows(facts: Facts) -> Iterator[ModelCallReport]:
    """One row per line that asks a model, and one per constructor of a text model that no row names yet."""
    named = {c.constructor for c in facts.calls if c.constructor}
    for call in (*facts.calls, *facts.wrapped_calls):
        lines = [(unit.module.path, node.line) for node, unit in call.runs] if call.is_agent else []
        for where in lines or [(call.place.path, call.place.line)]:
            yield _row(call, where, call.name)
        alike = len({one.model.id for one in (call, *call.variants)}) == 1
        for variant in (call, *call.variants, *call.children):
            own = () if variant.is_agent or variant.constructor is None else (variant.constructor,)
            for built in (*own, *variant.constructors) if variant.generates else ():
                if built not in named:
                    named.add(built)
                    row = _row(variant, (built.path, built.line), f"{variant.sdk.title} model")
                    # Of several models that are chosen from, it is not said which of them is built at which line.
                    model = row.model if alike or built == variant.constructor else None
                    yield replace(row, model=model, constructor=PlaceReport(built.path, built.line))


def _row(call: ModelCall, where: tuple[str, int], name: str) -> ModelCallReport:
    built = call.constructor
    return ModelCallReport(
        path=where[0],
        line=where[1],
        role=call.role.value,
        sdk=call.sdk.name,
        name=name,
        model=call.model.id,
        constructor=PlaceReport(built.path, built.line) if built else None,
        reachable=call.reachable,
        timeout=call.timeout.state,
        output_cap=call.output_cap_state,
        understood=not (call.value.typed or (call.timeout.unresolved and call.model.unresolved)),
    )
