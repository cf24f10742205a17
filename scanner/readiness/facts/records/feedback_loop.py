"""The way back: what turns users' judgements into examples to evaluate with. check `user-feedback-captured`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, Instance, Known
from readiness.facts.place import Place
from readiness.facts.records.instrumentors import TelemetryKnowledge
from readiness.facts.records.written import Writes
from readiness.repository.tree import Role

_ISSUE = re.compile(
    r"\b(bad|wrong|incorrect|poor|inaccurate)[ -](answers?|responses?|output|predictions?)|hallucinat", re.I
)
_QUERIES = frozenset({"select", "query", "all", "filter", "filter_by", "scalars"})
_ROWS = _QUERIES | {"get", "first", "one", "scalar", "get_or_404", "find_one"}
_WRITING = frozenset({"to_json", "to_csv", "to_jsonl", "dump", "write_text", "writerow", "writerows"})
_APPENDING = _WRITING | {"write", "writelines", "write_bytes"}
_EVALUATION_FILE = re.compile(
    r"(?:^|/)(?:[\w-]*golden[\w-]*|(?:[\w-]+[_-])?evals?(?:[_-]\w+)?)\.(?:jsonl|json|csv|ya?ml)$"
    r"|(?:^|/)(?:evals?|evaluations?|golden)/.*\.(?:jsonl|json|csv|ya?ml)$",
    re.I,
)


class FeedbackLoop:
    """Looks for code that reads judgements and writes examples, or an issue form for bad answers."""

    def __init__(
        self, core: Core, knowledge: TelemetryKnowledge, nearby: Nearby, writes: Writes, is_named: Callable[[str], bool]
    ) -> None:
        """`is_named` tells whether a name speaks of feedback."""
        self._core, self._knowledge, self._nearby, self._writes = core, knowledge, nearby, writes
        self._is_named = is_named

    def find(self) -> Place | None:
        """Where the loop is closed; None where nothing closes it."""
        for unit in self._core.program.units:
            if unit.module.role in (Role.SERVING, Role.SCRIPT, Role.EVAL):
                if self._reads_feedback(unit) and any(self._writes_examples(near) for near in self._run_by(unit)):
                    return unit.place
                if self._adds_to_a_set(unit):
                    return unit.place
        for path, text in self._core.observations.sources.items():
            if path.lower().startswith((".github/issue_template", ".gitlab/issue_templates")) and _ISSUE.search(text):
                return Place(path, 1, 1)
        return None

    def _run_by(self, unit: Unit) -> Iterable[Unit]:
        below = self._nearby.below(unit)
        return below if unit.function is not None else {unit: 0, **below}

    def _reads_feedback(self, unit: Unit) -> bool:
        for call in unit.calls:
            name = last_name(call.function)
            if name in self._knowledge.feedback_reads:
                return True
            if name in _QUERIES:
                for argument in (
                    *call.arguments,
                    *([call.function.base] if isinstance(call.function, code.Member) else []),
                ):
                    values = self._core.resolver.values(argument, unit)
                    if any(isinstance(v, ClassValue | Instance) and self._is_named(v.info.node.name) for v in values):
                        return True
            if (
                name in ("find", "aggregate", "scan")
                and isinstance(call.function, code.Member)
                and self._is_named(last_name(call.function.base))
            ):
                return True
            if name in ("execute", "fetch", "fetchall", "read_sql", "read_sql_query"):
                for argument in call.arguments[:1]:
                    for value in self._core.resolver.values(argument, unit):
                        if isinstance(value, Known) and re.search(
                            r"\bfrom\s+[\w.\"]*(feedback|rating|vote)", str(value.value), re.I
                        ):
                            return True
        return False

    def _writes_examples(self, unit: Unit) -> bool:
        return any(
            last_name(call.function) in self._knowledge.examples_written | _WRITING or _opens_to_write(call)
            for call in unit.calls
        )

    # -- into the evaluation set itself ------------------------------------------------------------------------

    def _adds_to_a_set(self, unit: Unit) -> bool:
        """Whether a unit that something starts reads a stored row and runs what writes a file of the evaluation set.

        A case that a person promotes comes from whatever table holds the failures; the file it is written to tells.
        """
        if unit.function is None or unit not in self._core.started or not self._reads_a_row(unit):
            return False
        near = self._run_by(unit)
        if not any(self._writes_a_file(one) for one in near):
            return False
        told = {name for one in near for name in _texts(self._around(one))}
        return any(_EVALUATION_FILE.search(name) or PurePosixPath(name).name in self._sets for name in told)

    def _reads_a_row(self, unit: Unit) -> bool:
        """Whether a unit, or a function it calls outright, asks the database for rows of a table."""
        called = [unit, *(e.unit for e in self._core.graph.edges.get(unit, ()) if e.is_call)]
        for one in called:
            for call in one.calls:
                if last_name(call.function) not in _ROWS:
                    continue
                for argument in call.arguments[:2]:
                    for value in self._core.resolver.values(argument, one)[:3]:
                        if isinstance(value, ClassValue) and self._writes.is_table(value.info):
                            return True
        return False

    def _writes_a_file(self, unit: Unit) -> bool:
        return any(last_name(call.function) in _APPENDING or _opens_to_write(call) for call in unit.calls)

    def _around(self, unit: Unit) -> list[Unit]:
        """A unit, and the constructor and body of its class, where a file's name may stand."""
        found = [unit, unit.module.body]
        if unit.owner is not None:
            found += [one for one in (unit.owner.methods.get("__init__"), unit.owner.body) if one is not None]
        return found

    @cached_property
    def _sets(self) -> frozenset[str]:
        """The names of the files of records that evaluations own."""
        files = self._core.observations.files
        return frozenset(
            PurePosixPath(path).name
            for path in self._core.observations.records
            if path in files and files[path].role is Role.EVAL
        )


def _opens_to_write(call: code.Call) -> bool:
    return last_name(call.function) == "open" and any(
        isinstance(a, code.Constant) and isinstance(a.value, str) and a.value[:1] in "wa" and len(a.value) <= 3
        for a in (*call.arguments, *(k.value for k in call.keywords))
    )


def _texts(units: Iterable[Unit]) -> Iterable[str]:
    """The texts that name a file in some units; the parts of `folder / "evals" / "golden.jsonl"` are joined."""
    for unit in units:
        for statement in unit.body:
            if isinstance(statement, code.Function | code.Class):
                continue
            for node in code.walk(statement):
                if isinstance(node, code.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                    yield node.value
                elif isinstance(node, code.Operation) and node.operator == "/":
                    parts = [o.value for o in code.walk(node) if isinstance(o, code.Constant)]
                    yield "/".join(p for p in parts if isinstance(p, str))
