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
from readiness.extract.observations import Observations
from readiness.extract.observe import observe
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import link
from readiness.facts.facts import Facts, gather
from readiness.facts.governance.attestations import find_attestations
from readiness.facts.linking.web import load_web
from readiness.facts.sdks.knowledge import Knowledge, load_knowledge
from readiness.report.build import build_report
from readiness.report.model import FileCounts, ModelCallReport, PlaceReport, ProblemReport, Report
from readiness.repository.configuration import Configuration, load_configuration
from readiness.repository.opening import open_repository
from readiness.repository.tree import Repository

DEEPEST_CALLS = 12_000
"""Python frames a scan may use: code is lowered and followed recursively, to a depth that the extractor bounds."""

Progress = Callable[[str, int, int], None]


def scan(
    path: Path | str,
    *,
    as_of: date | None = None,
    exclude: Sequence[str] = (),
    configuration: Configuration | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read a repository, statically, and say how ready it is for production.

    Args:
        path: the root of the repository, or a folder inside one.
        as_of: the day to judge on (retired models, reviews). By default the date of the commit, or that of our table of
            models where it is later: what is known to have ended has ended, however old the commit is.
        exclude: further glob patterns of files to pass over.
        configuration: what the owners set; by default read from `readiness.toml` or `pyproject.toml` under `path`.
        progress: called with a stage's name and how much of how much of it is done.

    Raises:
        UsageError: the path, a pattern or the configuration is wrong.
    """
    root = Path(path)
    chosen = configuration if configuration is not None else load_configuration(root)
    repository = open_repository(root, chosen, exclude=exclude)
    known = _knowledge().models.day
    today = as_of or chosen.as_of or max(repository.committed or known, known)
    catalogue = _catalogue()
    tell = progress or _silent
    with _room_to_work():
        observations = observe(repository, lambda done, total: tell("reading", done, total))
        tell("linking", 0, 1)
        core = link(repository, observations, _knowledge(), load_web(_checks() / "knowledge" / "web-frameworks.yaml"))
        facts = gather(core, today)
        assessment = assess(facts, catalogue, model_free=not facts.gates.model)
    return build_report(
        repository=repository,
        assessment=assessment,
        catalogue=catalogue,
        files=_counts(repository, observations),
        gates={name: bool(getattr(facts.gates, name)) for name in _gate_names(facts)},
        kinds=facts.kinds,
        lines_of=lambda where, line, end: _lines(observations, where, line, end),
        model_calls=_rows(facts),
        problems=[ProblemReport(p.place.path, p.place.line, p.message) for p in facts.problems],
        skipped=observations.unread,
        attested=attest(find_attestations(observations), catalogue.attestable, today),
        as_of=today,
    )


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
