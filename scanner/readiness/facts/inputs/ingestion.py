"""What looks at data on its way into an index or a model. check data-pipeline-validated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.input_flow import Flow, only
from readiness.facts.inputs.record_schemas import RecordSchemas
from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.inputs.size_tests import length_tests
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.repository.tree import Role

UP, DOWN = 3, 4
"""Hops from the line that loads or indexes up to what starts it, and from there down to what it runs."""

_ROLES = (Role.SERVING, Role.SCRIPT)
_ADDING = frozenset(
    {"add_documents", "aadd_documents", "add_texts", "aadd_texts", "from_documents", "from_texts", "upsert"}
)
_TRAINING = ("fit", "fit_transform", "partial_fit", "train")
_STORING = frozenset(
    {"add", "add_all", "bulk_save_objects", "insert", "insert_many", "insert_one", "upsert", "hset", "index", "bulk"}
)
_STORES = (
    "sqlalchemy",
    "sqlmodel",
    "pymongo",
    "motor",
    "psycopg",
    "asyncpg",
    "redis",
    "elasticsearch",
    "opensearchpy",
    "supabase",
)
_STATEMENTS = frozenset({"execute", "executescript", "exec_driver_sql"})
_INDEX = re.compile(
    r"\bcreate\s+virtual\s+table\b[^;]{0,300}\busing\s+(?:fts[345]|vec0|vss0)\b"
    r"|\bcreate\s+index\b[^;]{0,300}\busing\s+(?:hnsw|ivfflat|gin\s*\(\s*to_tsvector)",
    re.I,
)
_SANITISING = frozenset({"\x00", "\ufffd", "\ufeff"})
_LENIENT = frozenset({"ignore", "replace", "backslashreplace"})


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """A check of records against a schema. `rejects`: what does not fit is refused or set aside."""

    place: Place
    text: str
    rejects: bool


@dataclass(frozen=True, slots=True)
class Ingestion:
    """The code that loads, splits, indexes or trains, and what looks at the data there.

    `repairs` mend, drop or refuse single records without a schema; `elsewhere` are schemas that the repository has and
    only its tests apply to such data.
    """

    entries: tuple[Evidence, ...] = ()
    schemas: tuple[RecordCheck, ...] = ()
    repairs: tuple[Evidence, ...] = ()
    elsewhere: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestionKnowledge:
    """What `ingestion.yaml` says; the names are its keys."""

    entries: Symbols
    schemas: Symbols
    schema_bases: Symbols
    schema_methods: frozenset[str]
    repairs: Symbols
    parse_errors: Symbols


@cache
def load_ingestion() -> IngestionKnowledge:
    """Read `ingestion.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    file = knowledge_folder() / "ingestion.yaml"
    try:
        data = read_yaml(file)
        return IngestionKnowledge(
            Symbols.of(data["entries"]), Symbols.of(data["schemas"]), Symbols.of(data["schema_bases"]),
            frozenset(data["schema_methods"]), Symbols.of(data["repairs"]), Symbols.of(data["parse_errors"]),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise KnowledgeError(file.name, "the file", str(error)) from error


def find_ingestion(core: Core) -> Ingestion:
    """The ingestion of serving code and scripts."""
    return _Finder(core).find()


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_ingestion()
        self._records = RecordSchemas(core, self._known)
        self._alive = self._living()

    def find(self) -> Ingestion:
        starts = [(unit, call, path) for unit in self._units() for call, path in self._entries(unit)]
        starts += [(unit, call, path) for unit, call, path in self._embedded() if self._core.imports.importable(unit)]
        on_way = self._on_way({unit for unit, _, _ in starts})
        answers = self._asks_model()
        on_way = [u for u in on_way if u not in answers and (u.owner is None or u.owner not in answers)]
        schemas = [check for unit in on_way for check in self._schemas(unit)]
        repairs = [repair for unit in on_way for repair in self._repairs(unit)]
        trains = any(path.startswith("pandas.") or path.endswith(_TRAINING) for _, _, path in starts)
        elsewhere = list(self._elsewhere(set(on_way))) if trains and not schemas else []
        if not starts:  # code that cannot be imported still counts for what it lacks
            starts = list(self._embedded())
        return Ingestion(
            entries=tuple(sorted({Evidence(unit.at(call), path) for unit, call, path in starts})),
            schemas=tuple(sorted(set(schemas), key=lambda c: (c.place, c.text, c.rejects))),
            repairs=tuple(sorted(set(repairs))),
            elsewhere=tuple(sorted(set(elsewhere))),
        )

    def _living(self) -> set[Unit]:
        """The units that something importable runs, or that nothing runs (a library's); the rest is dead."""
        graph, imports = self._core.graph, self._core.imports
        starts = [u for u in self._core.program.units if u.is_module or not graph.callers.get(u)]
        starts += [u for e in self._core.entry_points for u in e.units]
        alive: set[Unit] = set()
        queue = [u for u in starts if imports.importable(u)]
        while queue:
            unit = queue.pop()
            if unit not in alive:
                alive.add(unit)
                queue.extend(e.unit for e in graph.edges.get(unit, ()) if imports.importable(e.unit))
        return alive

    def _units(self) -> Iterator[Unit]:
        for unit in self._core.program.units:
            if unit.module.role in _ROLES and self._core.imports.importable(unit):
                yield unit

    def _paths(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, External):
                yield value.path

    def _entries(self, unit: Unit) -> Iterator[tuple[code.Call, str]]:
        for call in unit.calls:
            path = next((p for p in self._paths(call.function, unit) if p in self._known.entries), None)
            if path is None and last_name(call.function) in _STATEMENTS and call.arguments:
                # A search index of the database's own: no library's name says that records are put into it.
                text = self._core.resolver.constant(call.arguments[0], unit)
                path = "an index in SQL" if isinstance(text, str) and _INDEX.search(text[:2_000]) else None
            if path is not None:
                yield call, path

    def _embedded(self) -> Iterator[tuple[Unit, code.Call, str]]:
        """Lines that put documents into a vector store, or whose embeddings are stored by hand."""
        for site in self._core.calls:
            if site.role not in _ROLES or site.kind != "embed":
                continue
            for call, unit in site.runs:
                if last_name(call.function) in _ADDING or (
                    site.name.endswith(("create", "embed", "encode")) and self._is_stored(call, unit)
                ):
                    yield unit, call, site.name

    def _is_stored(self, call: code.Call, unit: Unit) -> bool:
        above, frontier = {unit}, {unit}
        for _ in range(UP):
            frontier = {
                e.unit for u in frontier for e in self._core.graph.callers.get(u, ()) if e.unit.module.role in _ROLES
            } - above
            above |= frontier
        reached = self._core.graph.reach(sorted(above, key=lambda u: (u.place, u.name)))
        flow = Flow(self._core, {u: hops for u, hops in reached.items() if hops <= 1}, {}, only(call), [unit])
        return any(
            last_name(stored.function) in _STORING
            and isinstance(stored.function, code.Member)
            and flow.given_to(stored, here)
            and any(p.startswith(_STORES) for p in self._paths(stored.function, here))
            for here in flow.units()
            for stored in here.calls
        )  # fmt: skip

    def _asks_model(self) -> set[object]:
        """The functions, and the classes, in which text is generated: what they parse is an answer and no record."""
        sites = [c for c in (*self._core.calls, *self._core.wrapped) if c.generates]
        units = [unit for c in sites for _, unit in c.runs]
        return {*units, *(u.owner for u in units if u.owner is not None)}

    def _on_way(self, starts: set[Unit]) -> list[Unit]:
        """What runs when data comes in: the callers of the loading lines, and what those run."""
        above, frontier = set(starts), set(starts)
        for _ in range(UP):
            frontier = {e.unit for u in frontier for e in self._core.graph.callers.get(u, ())} - above
            frontier = {u for u in frontier if u.module.role in _ROLES}
            above |= frontier
        reached = self._core.graph.reach(sorted(above, key=lambda u: (u.place, u.name)))
        return [u for u, hops in reached.items() if hops <= DOWN and u.module.role in _ROLES and u in self._alive]

    # -- schemas -----------------------------------------------------------------------------------------------

    def _schemas(self, unit: Unit) -> Iterator[RecordCheck]:
        for decorator in unit.function.decorators if unit.function is not None else ():
            if any(p in self._known.schemas for p in self._paths(decorator, unit.parent or unit)):
                yield RecordCheck(unit.place, "checks the tables it is given", True)
        for call in unit.calls:
            text = self._records.of(call, unit)
            if text:
                yield RecordCheck(unit.at(call), text, self._rejects(call, unit))

    def _rejects(self, call: code.Call, unit: Unit) -> bool:
        """Whether a record that does not fit is refused: it stops the run, or a handler names the error."""
        inner: code.Node = call
        for outer in unit.enclosing(call):
            if isinstance(outer, code.Try) and outer.handlers and inner in outer.body:
                return any(self._names_error(h, unit) or any(isinstance(n, code.Raise) for n in code.walk(h.body))
                           for h in outer.handlers)  # fmt: skip
            inner = outer
        return True

    # -- repairs -----------------------------------------------------------------------------------------------

    def _repairs(self, unit: Unit) -> Iterator[Evidence]:
        for call in unit.calls:
            path = next((p for p in self._paths(call.function, unit) if p in self._known.repairs), None)
            if path is not None and not self._is_modelling(unit):
                yield Evidence(unit.at(call), f"{path} mends or drops records")
            elif _sanitises(call):
                yield Evidence(unit.at(call), "takes characters out that cannot be stored")
            elif call.keyword("dtype") is not None and any(
                p.startswith("pandas.read_") for p in self._paths(call.function, unit)
            ):
                yield Evidence(unit.at(call), "columns are read with the types they must have")
        for _measured, node in length_tests(unit, returning=False):
            yield Evidence(unit.at(node), "refuses records that are too large")
        yield from self._skipped(unit)
        for node in (*unit.parents, *unit.body):
            if isinstance(node, code.Try):
                for handler in node.handlers:
                    if self._names_error(handler, unit) and _tells(handler.body):
                        yield Evidence(unit.at(handler), "a file that cannot be parsed is refused")

    def _is_modelling(self, unit: Unit) -> bool:
        """Imputation and encoding inside a transformer of a fitted pipeline is modelling, no check of the data."""
        if unit.owner is None:
            return False
        return any(base.startswith("sklearn.") for base in self._core.resolver.classes.bases(unit.owner)[1])

    def _skipped(self, unit: Unit) -> Iterator[Evidence]:
        """Records left out for what is in them: too long, seen before. That they are empty is no content."""
        for node in (*unit.parents, *unit.body):
            if not isinstance(node, code.If) or not any(
                isinstance(s, code.Jump) and s.kind == "continue" for s in node.body
            ):
                continue
            for test in code.walk(node.test):
                if isinstance(test, code.Operation) and test.operator.startswith((">", "<")) and _measures(test):
                    yield Evidence(unit.at(node), "leaves out records of the wrong size")
                elif (
                    isinstance(test, code.Operation)
                    and test.operator == "in"
                    and self._is_digest(test.operands[0], unit)
                ):
                    yield Evidence(unit.at(node), "leaves out records it has seen before")

    def _is_digest(self, expression: code.Expression, unit: Unit) -> bool:
        return any(path.startswith("hashlib.") for path in self._paths(expression, unit))

    def _names_error(self, handler: code.Handler, unit: Unit) -> bool:
        if handler.type is None:
            return False
        types = handler.type.items if isinstance(handler.type, code.Sequence) else [handler.type]
        return any(p in self._known.parse_errors for t in types for p in self._paths(t, unit))

    # -- elsewhere ---------------------------------------------------------------------------------------------

    def _elsewhere(self, on_way: set[Unit]) -> Iterator[Evidence]:
        """Schemas that tests apply, and training does not."""
        for unit in self._units():
            if unit in on_way:
                continue
            for call in unit.calls:
                text = self._records.of(call, unit)
                if text and any(e.unit.module.role is Role.TEST for e in self._core.graph.callers.get(unit, ())):
                    yield Evidence(unit.at(call), text)


def _sanitises(call: code.Call) -> bool:
    """`text.replace("\\x00", "")`, `raw.decode("utf-8", errors="ignore")`."""
    name = last_name(call.function)
    constants = [a.value for a in call.arguments if isinstance(a, code.Constant)]
    if name in ("replace", "strip", "translate"):
        return any(c in _SANITISING for c in constants if isinstance(c, str))
    if name in ("decode", "encode"):
        errors = call.keyword("errors")
        given = errors.value if isinstance(errors, code.Constant) else (constants[1] if len(constants) > 1 else None)
        return given in _LENIENT
    return False


def _measures(test: code.Operation) -> bool:
    sized = any(isinstance(o, code.Call) and last_name(o.function) == "len" for o in test.operands)
    bounds = [o.value for o in test.operands if isinstance(o, code.Constant)]
    return sized and not any(isinstance(b, int | float) and b <= 1 for b in bounds)


def _tells(body: Iterable[code.Statement]) -> bool:
    """Whether a handler refuses: raises, returns, or goes on after it has said or kept something."""
    statements = list(body)
    return any(isinstance(s, code.Raise | code.Return) for s in statements) or any(
        isinstance(s, code.Evaluate | code.Assign) for s in statements
    )
