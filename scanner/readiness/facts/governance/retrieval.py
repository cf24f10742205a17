"""How documents are searched for an answer, and what keeps the search in bounds (constrained-retrieval)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.retrieval_bounds import Bounds
from readiness.facts.governance.retrieval_knowledge import RetrievalKnowledge, load_retrieval
from readiness.facts.governance.retrieval_questions import (
    asks_if_any,
    is_best,
    is_cache,
    is_left_out,
    named,
    plain,
    sorts_by_score,
)
from readiness.facts.governance.retrieved import Retrieval, Search
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items, Known
from readiness.facts.place import Evidence
from readiness.repository.tree import Role

_STATEMENTS = frozenset({"execute", "fetch", "fetchall", "fetch_all", "fetchrow", "exec_driver_sql", "exec", "text"})
_NEAREST = re.compile(
    r"<=>|<#>|<->|\bvec_distance_\w+\(|\bbm25\(|\bts_rank(?:_cd)?\(|\bvec_search\(|\bMATCH\b.*\bk\s*=", re.I | re.S
)
_OWNED_SQL = re.compile(
    r"\b(?:user|tenant|owner|org|organi[sz]ation|account|workspace|customer)_?(?:id)?\s*(?:=|in\b)", re.I
)


HOPS = 4
"""Calls between a handler and the function whose result it answers with."""

MAX_SETTINGS = 100_000
"""Longer files hold data."""


def find_retrieval(core: Core) -> Retrieval:
    """The searches of serving code and what stands around them."""
    finder = _Finder(core, load_retrieval())
    found = list(finder.searches())
    alive = [one for one in found if finder.runs(one[1])]
    if not alive:
        return Retrieval(dead=tuple(search for search, _, _ in found))
    around = finder.around([unit for _, unit, _ in alive])
    thresholds, optional = finder.thresholds(around)
    return Retrieval(
        searches=tuple(search for search, _, _ in alive),
        dead=tuple(search for search, unit, _ in found if not finder.runs(unit)),
        shared=finder.is_shared([search for search, _, _ in alive]),
        thresholds=thresholds,
        optional=optional,
        empty=tuple(finder.empty([(unit, call) for _, unit, call in alive], around)),
        sources=tuple(finder.sources(around)),
    )


class _Finder:
    """Looks at searches first and at the code around them after."""

    def __init__(self, core: Core, knowledge: RetrievalKnowledge) -> None:
        self._core, self._known = core, knowledge
        self._nearby = Nearby(core)
        self._bounds = Bounds(core, knowledge)
        self._settings: frozenset[str] | None = None
        self._upward: frozenset[Unit] | None = None
        self._outright: frozenset[Unit] | None = None

    def runs(self, unit: Unit) -> bool:
        """Whether a search is in code that is loaded, and can be."""
        return self._core.imports.importable(unit) and (unit.is_module or unit in self._nearby.loaded)

    def searches(self) -> Iterator[tuple[Search, Unit, code.Call]]:
        """Every search in serving code."""
        seen: set[code.Call] = set()
        names = self._known.last_names | {n for n in self._core.program.calls_by_name if n.endswith("Retriever")}
        for name in sorted(names | _STATEMENTS):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role is not Role.SERVING or call in seen or is_cache(unit):
                    continue
                statement = self._sql(call, unit) if name in _STATEMENTS else None
                if statement is not None or (name not in _STATEMENTS and self._is_search(call, unit)):
                    seen.add(call)
                    yield self._search(call, unit, statement), unit, call

    def _is_search(self, call: code.Call, unit: Unit) -> bool:
        values = self._core.resolver.values(call.function, unit)
        for value in values:
            if isinstance(value, External):
                at_home = value.path in self._known.comparisons and unit in self._core.started
                return at_home or value.path in self._known.searches
            if isinstance(value, ClassValue | Instance):
                return False
        return last_name(call.function) in self._known.methods and isinstance(call.function, code.Member)

    def _sql(self, call: code.Call, unit: Unit) -> str | None:
        for argument in call.arguments[:1]:
            text = self._core.resolver.constant(argument, unit)
            if isinstance(text, str) and _NEAREST.search(text[:4_000]):
                return text[:4_000]
        return None

    def _search(self, call: code.Call, unit: Unit, statement: str | None) -> Search:
        bounded = self._bounds.of_statement(statement) if statement is not None else self._bounds.of(call, unit)
        owned = _OWNED_SQL.search(statement) is not None if statement is not None else self._is_owned(call, unit)
        return Search(unit.at(call), f"{last_name(call.function)}(...)", bounded, owned)

    def _is_owned(self, call: code.Call, unit: Unit) -> bool:
        """Whether a filter of the search names an owner."""
        for name, value, owner in self._bounds.keywords(call, unit):
            if name in self._known.filters and any(self._names_owner(e, u) for e, u in self._filters(value, owner)):
                return True
        return False

    def _filters(self, value: code.Expression, unit: Unit) -> Iterator[tuple[code.Expression, Unit]]:
        yield value, unit
        for found in self._core.resolver.values(value, unit):
            if isinstance(found, Items):
                yield found.literal, found.unit
            elif isinstance(found, External):
                yield from (
                    (a, s.unit) for s in found.steps for a in (*s.call.arguments, *(k.value for k in s.call.keywords))
                )

    def _names_owner(self, expression: code.Expression, unit: Unit) -> bool:
        for node in code.walk(expression):
            match node:
                case code.Constant(value=str() as text) | code.Member(name=text) | code.Name(id=text):
                    if self._known.owners.search(text[:80]):
                        return True
                case _:
                    continue
        return False

    def is_shared(self, searches: Iterable[Search]) -> bool:
        """Whether the store keeps documents of several owners: some search, or what is stored, names an owner."""
        if any(search.owned for search in searches):
            return True
        for name in self._known.adding | self._known.documents:
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role is Role.SERVING and any(self._labels_owner(n) for n in self._stored(call, unit)):
                    return True
        return False

    def _stored(self, call: code.Call, unit: Unit) -> Iterable[code.Node]:
        """Where the labels of what a call stores may be written: in itself, or in the function around it."""
        if last_name(call.function) in self._known.documents:
            return code.walk(call)
        listed = last_name(call.function) not in ("add", "insert") or call.keyword("metadatas") is not None
        return unit.parents if listed else ()

    def _labels_owner(self, node: code.Node) -> bool:
        keys: list[code.Expression | None] = []
        if isinstance(node, code.Mapping):
            keys = [key for key, _ in node.items]
        elif isinstance(node, code.Index) and last_name(node.base) in ("metadata", "meta", "payload"):
            keys = [node.key]
        return any(
            isinstance(k, code.Constant) and isinstance(k.value, str) and self._known.owners.search(k.value)
            for k in keys
        )

    def around(self, units: list[Unit]) -> list[Unit]:
        """The units that run the searches, and what these run."""
        found: dict[Unit, None] = {}
        for unit in units:
            found.update(dict.fromkeys(self._nearby.around(unit)))
        return [u for u in found if u.module.role is Role.SERVING and self._core.imports.importable(u)]

    def thresholds(self, around: list[Unit]) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
        """Thresholds and rerankers: those that hold by default, and those that a setting switches on."""
        firm: list[Evidence] = []
        optional: list[Evidence] = []
        for unit in around:
            for call in unit.calls:
                for name, value, owner in self._bounds.keywords(call, unit):
                    if name in self._known.thresholds:
                        (firm if self._is_set(value, owner) else optional).append(Evidence(unit.at(call), f"{name}=…"))
                    elif (
                        name == "search_type"
                        and self._core.resolver.constant(value, owner) == self._known.threshold_search
                    ):
                        firm.append(Evidence(unit.at(call), self._known.threshold_search))
                if self._is_reranker(call, unit):
                    firm.append(Evidence(unit.at(call), last_name(call.function)))
            for node, is_firm in self._compared(unit):
                (firm if is_firm else optional).append(Evidence(unit.at(node), "the score is compared"))
        return tuple(firm), tuple(optional)

    def _is_set(self, value: code.Expression, unit: Unit) -> bool:
        first = self._core.resolver.values(value, unit)[0]
        if isinstance(value, code.Name) and unit.parameter(value.id) is not None and not isinstance(first, Known):
            return False  # what is only passed on, somebody else decides
        if isinstance(first, Known) and first.value:
            return True
        optional = isinstance(first, Known) or is_left_out(value, unit)
        return not optional or plain(last_name(value)) in self._configured()

    def _configured(self) -> frozenset[str]:
        """The names, without case and underscores, that shipped configuration gives a number."""
        if self._settings is None:
            observations = self._core.observations
            written = [
                key
                for path, documents in observations.documents.items()
                if observations.files[path].role is Role.SERVING and observations.files[path].size < MAX_SETTINGS
                for document in documents
                for key, value in document.walk()
                if isinstance(value.value, int | float) and value.value
            ]
            entries = [
                e.key for found in observations.dotenv.values() for e in found if e.value.strip() and not e.commented
            ]
            self._settings = frozenset(plain(str(key)) for key in (*written, *entries))
        return self._settings

    def _is_reranker(self, call: code.Call, unit: Unit) -> bool:
        if "rank" not in (name := last_name(call.function)).lower() and name not in (
            "CrossEncoder",
            "EmbeddingsFilter",
            "LLMChainFilter",
            "SimilarityPostprocessor",
        ):
            return sorts_by_score(call, unit, self._known.scores)
        values = self._core.resolver.values(call.function, unit)
        return any(isinstance(v, External) and v.path in self._known.rerankers for v in values)

    def _compared(self, unit: Unit) -> Iterator[tuple[code.Node, bool]]:
        """Tests of a score against a bound, and bounds in a filter of the store."""
        for node in unit.parents:
            if isinstance(node, code.Operation) and node.operator in ("<", "<=", ">", ">=") and len(node.operands) == 2:
                left, right = node.operands
                one = next((o for o in (left, right) if self._known.scores.search(named(o))), None)
                if one is not None:
                    other = right if one is left else left
                    if not (isinstance(other, code.Constant) and not other.value) and not is_best(node, unit):
                        yield node, self._is_set(other, unit)
            elif isinstance(node, code.Mapping):
                yield from ((node, self._is_set(bound, unit)) for bound in self._stored_bounds(node))

    def _stored_bounds(self, mapping: code.Mapping) -> Iterator[code.Expression]:
        """`{"score": {"$gte": 0.7}}`, in the language of a store."""
        for key, value in mapping.items:
            text = key.value if isinstance(key, code.Constant) else None
            if isinstance(text, str) and self._known.scores.search(text) and isinstance(value, code.Mapping):
                for operator, bound in value.items:
                    if isinstance(operator, code.Constant) and operator.value in ("$gte", "$lte", "$gt", "$lt"):
                        yield bound

    def empty(self, sites: list[tuple[Unit, code.Call]], around: list[Unit]) -> Iterator[Evidence]:
        """Branches on a search that found nothing, where it stands or in those who call the function."""
        searching = {unit for unit, _ in sites}
        calls = {call for _, call in sites}
        for unit in around:
            names = self._found_names(unit, calls, searching)
            for node in (*unit.body, *unit.parents):
                if isinstance(node, code.If | code.Choice) and names and asks_if_any(node.test, names):
                    yield Evidence(unit.at(node), "asks whether anything was found")

    def _found_names(self, unit: Unit, calls: set[code.Call], searching: set[Unit]) -> frozenset[str]:
        """Names that hold what a search gave, or what a function that searches returned, and what is made of them."""
        running = {e.node for e in self._core.graph.edges.get(unit, ()) if e.unit in self._returning(searching)}
        names: set[str] = set()
        for _ in range(3):
            before = len(names)
            for name, bindings in unit.bindings.items():
                for b in bindings:
                    if (
                        name not in names
                        and b.value is not None
                        and any(
                            n in calls or n in running or (isinstance(n, code.Name) and n.id in names)
                            for n in code.walk(b.value)
                        )
                    ):
                        names.add(name)
            if len(names) == before:
                break
        return frozenset(names)

    def _returning(self, searching: set[Unit]) -> frozenset[Unit]:
        """The functions that search, and their callers as long as no model is asked: they give what was found."""
        if self._upward is None:
            asking = {u for call in self._core.calls if call.generates for u in (call.unit, *(r for _, r in call.runs))}
            found = {u for u in searching if u not in asking}
            for _ in range(2):
                callers = {e.unit for u in found for e in self._core.graph.callers.get(u, ()) if e.is_call}
                found |= {u for u in callers if not u.is_module and u not in asking}
            self._upward = frozenset(found)
        return self._upward

    def _answers(self, unit: Unit) -> bool:
        """Whether a handler gets what a function returns: it is one, or calls it, or calls what calls it."""
        if self._outright is None:
            found = {u for e in self._core.entry_points if e.is_network for u in e.units}
            for _ in range(HOPS):
                found |= {e.unit for u in found for e in self._core.graph.edges.get(u, ()) if e.is_call}
            self._outright = frozenset(found)
        return unit in self._outright

    def sources(self, around: list[Unit]) -> Iterator[Evidence]:
        """Places where the answer names what it rests on."""
        for unit in around:
            for call in unit.calls:
                if any(
                    k.name in self._known.returning_sources
                    and isinstance(k.value, code.Constant)
                    and k.value.value is True
                    for k in call.keywords
                ):
                    yield Evidence(unit.at(call), "the chain returns its sources")
                elif (
                    "WithSources" in dotted(call.function)
                    or last_name(call.function) == "CitationQueryEngine"
                    or self._shows(call, unit)
                ):
                    yield Evidence(unit.at(call), "the sources are shown")
                elif any(k.name in self._known.sources for k in call.keywords) and self._is_answer(call, unit):
                    yield Evidence(unit.at(call), "the answer has its sources")
            for node in unit.parents if self._answers(unit) else ():
                if isinstance(node, code.Mapping) and self._names_sources(node, unit):
                    yield Evidence(unit.at(node), "the answer has its sources")

    def _names_sources(self, mapping: code.Mapping, unit: Unit) -> bool:
        """`{"answer": …, "sources": …}` that is returned, or passages one by one: `{"url": doc.metadata["url"]}`."""
        named = any(isinstance(k, code.Constant) and k.value in self._known.sources for k, _ in mapping.items)
        if named and any(isinstance(a, code.Return | code.Yield) for a in unit.enclosing(mapping)):
            return True
        values = [n for _, value in mapping.items for n in code.walk(value)]
        told = any(isinstance(n, code.Member) and n.name in ("metadata", "page_content") for n in values)
        return told and (unit.function is not None and (unit.function.is_generator or bool(unit.returns)))

    def _is_answer(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call makes an object of the project: a response, a result."""
        return any(isinstance(v, ClassValue) for v in self._core.resolver.values(call.function, unit))

    def _shows(self, call: code.Call, unit: Unit) -> bool:
        given = [n for a in (*call.arguments, *(k.value for k in call.keywords)) for n in code.walk(a)]
        if not any(
            isinstance(n, code.Member) and n.name in ("metadata", "source_nodes", "page_content", *self._known.sources)
            for n in given
        ):
            return False
        values = self._core.resolver.values(call.function, unit)
        return any(isinstance(v, External) and v.path.partition(".")[0] in self._known.surfaces for v in values)
