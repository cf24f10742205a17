"""Which kinds of hard cases an evaluation has: adversarial, out of scope, unanswerable, malformed, and so on.

ML Test Score, Model 6: quality is looked at on slices, for a good mean hides a bad part. A record counts by what it
says of itself (its tag, its name, a flag, the file it lies in); where no record says anything, by what is asked and
expected.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.extract.data import Located
from readiness.extract.records import MAX_BYTES
from readiness.facts.core import Core
from readiness.facts.evals.edge_knowledge import load_edge_cases
from readiness.facts.evals.eval_tools import load_eval_tools
from readiness.facts.evals.evals import Evals
from readiness.facts.evals.golden import Golden, GoldenSet
from readiness.facts.place import Place

MAX_CASES = 2_000
"""Records of one set that are looked at."""

Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class EdgeSet:
    """The hard cases of one evaluation set; `text` says how many of which kind."""

    place: Place
    text: str
    kinds: tuple[str, ...]
    hard: int
    records: int


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """The hard cases of all evaluation sets together."""

    sets: tuple[EdgeSet, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The different kinds."""
        return sorted({kind for one in self.sets for kind in one.kinds})

    @property
    def share(self) -> float:
        """Which part of the cases of those sets is hard."""
        return sum(one.hard for one in self.sets) / max(1, sum(one.records for one in self.sets))

    @property
    def hard(self) -> tuple[EdgeSet, ...]:
        """The sets that have some."""
        return tuple(one for one in self.sets if one.kinds)


def find_edge_cases(core: Core, golden: Golden, evals: Evals) -> EdgeCases:
    """The hard cases of the evaluation sets that evaluations read, and of the tests that are an evaluation."""
    finder = _Finder(core)
    found = [finder.of(one) for one in golden.sets if one.source in ("file", "promptfoo", "code")]
    found += [finder.tested(suite.place, [t.unit.name for t in suite.tests]) for suite in evals.suites if suite.tests]
    return EdgeCases(tuple(one for one in found if one is not None))


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known, self._tools = core, load_edge_cases(), load_eval_tools()

    def of(self, one: GoldenSet) -> EdgeSet | None:
        """The hard cases of one set."""
        path = one.place.path
        if one.source == "code":
            records = list(self._written(one))
        elif path.endswith(".jsonl"):
            records = list(_lines(self._core.observations.sources.get(path, "")))
        elif path.endswith((".csv", ".tsv")):
            records = list(_rows(self._core.observations.sources.get(path, ""), path))
        else:
            records = list(_documents(self._core.observations.document(path)))
        if not records:
            return None
        file = set() if one.source == "code" else self._of_name(PurePosixPath(path).stem)
        told = [self._told(record) | file for record in records]
        if not any(told):
            told = [self._named(record) for record in records]
        if not any(told):
            told = [self._read(record) for record in records]
        return _made(one.place, told)

    def tested(self, place: Place, names: list[str]) -> EdgeSet | None:
        """The hard cases among test functions, by their names."""
        told = [self._of_name(name) for name in names]
        return _made(place, told) if any(told) else None

    # -- what a record says ------------------------------------------------------------------------------------

    def _told(self, record: Record) -> set[str]:
        """The kinds that a record says of itself."""
        known, found = self._known, set[str]()
        for key, value in _fields(record):
            if key in known.tag_keys:
                for text in _texts(value):
                    found.update(known.kinds("tags", text))
            elif (key in known.flag_keys and value not in (False, None, "", "false", "False", 0, "0")) or (
                key in known.negative_flags and value in (False, "false", "False", 0, "0")
            ):
                found.update(known.kinds("tags", key) if key in known.flag_keys else {"unanswerable"})
        return found

    def _named(self, record: Record) -> set[str]:
        """The kinds that a record's name or description tells."""
        names = (text for key, value in _fields(record) if key in self._known.name_keys for text in _texts(value))
        return {kind for name in names for kind in self._of_name(name)}

    def _of_name(self, name: str) -> set[str]:
        return set(self._known.kinds("tags", name)) & self._known.named

    def _read(self, record: Record) -> set[str]:
        """The kinds that show in what is asked and what is expected."""
        known, found = self._known, set[str]()
        for key, value in _fields(record):
            if key in self._tools.input_keys and isinstance(value, str):
                found.update(known.kinds("texts", value))
                found.update({"empty"} if not value.strip() else {"long"} if len(value) > known.long else ())
            elif key in self._tools.expectation_keys:
                for text in _texts(value):
                    found.update(known.kinds("answers", text))
        return found

    # -- cases in code -----------------------------------------------------------------------------------------

    def _written(self, one: GoldenSet) -> Iterator[Record]:
        """The cases in code: the arguments of each constructor, the entries of each mapping."""
        module = self._core.program.modules.get(one.place.path)
        if module is None:
            return
        for unit in self._core.program.units:
            if unit.module is not module:
                continue
            for binding in (b for bindings in unit.bindings.values() for b in bindings):
                if isinstance(binding.value, code.Sequence):
                    yield from (_mapped(i.items) for i in binding.value.items if isinstance(i, code.Mapping))
            for call in unit.calls:
                given = {k.name: k.value for k in call.keywords if k.name}
                if given.keys() & self._tools.input_keys:
                    yield _mapped((code.Constant(v.line, v.end_line, k), v) for k, v in given.items())


def _made(place: Place, told: list[set[str]]) -> EdgeSet:
    counted = Counter(kind for kinds in told for kind in kinds)
    hard = sum(1 for kinds in told if kinds)
    words = ", ".join(f"{n} {kind}" for kind, n in sorted(counted.items(), key=lambda i: (-i[1], i[0])))
    return EdgeSet(place, f"{hard} of {len(told)} cases are hard: {words or 'none says so'}"[:160],
                   tuple(sorted(counted)), hard, len(told))  # fmt: skip


def _fields(record: Record) -> Iterator[tuple[str, object]]:
    """The fields of a record and of the mappings right below it, by lower-case name."""
    for key, value in list(record.items())[:100]:
        yield key.lower().strip(), value
        if isinstance(value, dict):
            yield from ((str(inner).lower(), one) for inner, one in list(value.items())[:100])


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value[:20] if isinstance(one, str))


def _lines(text: str) -> Iterator[Record]:
    for line in text[:MAX_BYTES].split("\n")[:MAX_CASES]:
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _rows(text: str, path: str) -> Iterator[Record]:
    try:
        rows = csv.DictReader(text[:MAX_BYTES].split("\n"), delimiter="\t" if path.endswith(".tsv") else ",")
        for _, row in zip(range(MAX_CASES), rows, strict=False):
            yield {str(key): value for key, value in row.items()}
    except csv.Error:
        return


def _documents(document: Located | None) -> Iterator[Record]:
    """The longest list of mappings in a document, or right under one of its keys."""
    if document is None:
        return
    lists = [document, *(inner for _, inner in document.items())]
    best = max(([e for e in one.elements() if isinstance(e.value, dict)] for one in lists), key=len, default=[])
    for element in best[:MAX_CASES]:
        record = element.plain()
        if isinstance(record, dict):
            yield {str(key): value for key, value in record.items()}


def _mapped(items: Iterable[tuple[code.Expression | None, code.Expression]]) -> Record:
    """A mapping literal as far as it is written out."""
    found: Record = {}
    for key, value in items:
        if isinstance(key, code.Constant) and isinstance(key.value, str):
            if isinstance(value, code.Mapping):
                found[key.value] = _mapped(value.items)
            elif isinstance(value, code.Sequence):
                found[key.value] = [i.value for i in value.items if isinstance(i, code.Constant)]
            elif isinstance(value, code.Constant):
                found[key.value] = value.value
    return found
