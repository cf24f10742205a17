"""Answers that are remembered: caches on the way from an entry point to a model, and what they are worth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.graph_nodes import graph_nodes
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Known
from readiness.facts.place import Place
from readiness.facts.scale.knowledge import ScaleKnowledge, load_scale, paths_of
from readiness.repository.tree import Role

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TIMES = frozenset({"ttl", "expired", "expires", "expiry", "expiration", "maxage"})
"""Words in the names of what ends an entry of a cache of the project's own."""


@dataclass(frozen=True, slots=True)
class ResponseCache:
    """One cache. `answers`: what a model wrote is kept, not only vectors or the beginning of a prompt at the provider.

    `shared`: it outlives the process; `ends`: entries have a time; `keyed`: the model is part of the key.
    """

    place: Place
    text: str
    answers: bool
    shared: bool = False
    ends: bool = False
    keyed: bool = False

    @property
    def lack(self) -> str:
        """What it has not, in words."""
        if not self.answers:
            return "it keeps no answers"
        missing = [] if self.shared else ["each process has its own"]
        missing += [] if self.ends else ["nothing ends an entry"]
        return " and ".join(missing if self.keyed else [*missing, "the model is not part of its key"])


def find_caches(core: Core, requests: Iterable[RequestEntry]) -> list[ResponseCache]:
    """The caches that requests pass on their way to a model, the best first."""
    reached = dict.fromkeys((*(u for r in requests for u in core.reached_from(r.entry)), *core.reached))
    finder = _Finder(core, load_scale())
    found = [c for unit in reached for c in finder.of_unit(unit)]
    found += [c for unit in core.serving_units() if unit in core.started or core.imports.importable(unit)
              for c in finder.set_up(unit)]  # fmt: skip
    found += finder.of_gateways()
    rank = {c: (not c.answers, -(c.shared + c.ends + c.keyed), c.place) for c in found}
    return sorted(rank, key=lambda c: rank[c])


class _Finder:
    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known
        self._asking: dict[Unit, str] = {}
        for call in core.calls:
            if call.role is Role.SERVING and not call.is_probe and call.kind != "predict":
                for node, unit in call.runs:
                    asks = last_name(node.function) not in known.lazy_methods
                    if asks and self._asking.get(unit) != "generate":
                        self._asking[unit] = call.kind
        self._below: dict[Unit, str] = {}
        self._nodes = graph_nodes(core)

    def set_up(self, unit: Unit) -> Iterator[ResponseCache]:
        """Caches that a library keeps for every call: `set_llm_cache(RedisCache(…))`, `litellm.cache = Cache(…)`."""
        for call in unit.calls:
            name = last_name(call.function)
            if "cache" in name.lower() and isinstance(call.function, code.Name | code.Member):
                for path in paths_of(call.function, unit, self._core.resolver):
                    if path in self._known.cache_setters:
                        yield self._kept_by(call.arguments[0] if call.arguments else call, unit)
                    elif path in self._known.embedding_caches:
                        yield ResponseCache(unit.at(call), name, answers=False)
        for member, binding in unit.members:
            if "cache" in member.name and binding.value is not None:
                name = dotted(member)
                if name in self._known.cache_members or any(
                    p in self._known.cache_members for p in paths_of(member, unit, self._core.resolver)
                ):
                    yield self._kept_by(binding.value, unit)

    def _kept_by(self, made: code.Expression, unit: Unit) -> ResponseCache:
        for value in self._core.resolver.values(made, unit):
            if isinstance(value, External) and value.steps:
                call, home = value.steps[0].call, value.steps[0].unit
                return self._object(call, home, unit.at(made), value.steps[0].path)
        if isinstance(made, code.Call):
            return self._object(made, unit, unit.at(made), last_name(made.function))
        return ResponseCache(unit.at(made), "a cache of answers", answers=True, keyed=True)

    def _object(self, call: code.Call, unit: Unit, place: Place, path: str) -> ResponseCache:
        name = path.replace("()", "").rpartition(".")[2]
        kinds = [call.keyword("type"), *call.arguments[:1]]
        given = {
            v.value for k in kinds if k is not None for v in self._core.resolver.values(k, unit) if isinstance(v, Known)
        }
        shared = name in self._known.shared_caches or any(g in self._known.shared_caches for g in given)
        ends = any(k.name in self._known.cache_times and not _is_none(k.value) for k in call.keywords)
        return ResponseCache(place, name, answers=True, shared=shared, ends=ends, keyed=True)

    def of_gateways(self) -> list[ResponseCache]:
        """The cache of a LiteLLM proxy that this repository configures."""
        found = []
        for path, documents in self._core.observations.documents.items():
            for document in documents if self._core.observations.files[path].role is Role.SERVING else ():
                if document.get("litellm_settings", "cache") is None:
                    continue
                kept = document.get("litellm_settings", "cache_params")
                kind = kept.text("type") if kept is not None else None
                place = document.get("litellm_settings", "cache") or document
                ends = kept is not None and kept.get("ttl") is not None
                shared = (kind or "local") in self._known.shared_caches
                where = Place(path, place.line, place.end_line)
                found.append(ResponseCache(where, "the gateway's cache", True, shared, ends, keyed=True))
        return found

    def of_unit(self, unit: Unit) -> Iterator[ResponseCache]:
        """Caches that a request passes in one unit: a decorator, a look-up before the model, words to the provider."""
        yield from self._memoized(unit)
        yield from self._wrapped(unit)
        yield from self._looked_up(unit)
        yield from self._in_mapping(unit)
        yield from self._at_provider(unit)
        for call in unit.calls:
            if last_name(call.function) in self._known.cache_reads and isinstance(call.function, code.Member):
                for value in self._core.resolver.values(call.function.base, unit):
                    if not isinstance(value, External) or not value.steps:
                        continue
                    if value.path.removesuffix("()") in self._known.cache_objects:
                        made = value.steps[0]
                        yield self._object(made.call, made.unit, unit.at(call), made.path)

    def _memoized(self, unit: Unit) -> Iterator[ResponseCache]:
        for decorator in unit.function.decorators if unit.function is not None else ():
            for path in paths_of(decorator, unit.parent or unit.module.body, self._core.resolver):
                kind = self._asks(unit) if path in self._known.memoizing else ""
                if kind:
                    keywords = decorator.keywords if isinstance(decorator, code.Call) else []
                    ends = any(k.name in self._known.cache_times and not _is_none(k.value) for k in keywords)
                    stores = [p for k in keywords for p in paths_of(k.value, unit.module.body, self._core.resolver)]
                    shared = any(p in self._known.stores for p in stores)
                    yield ResponseCache(unit.at(decorator), path.replace("()", ""), kind == "generate", shared, ends,
                                        keyed=any("model" in p.name for p in unit.function.parameters)
                                        if unit.function is not None else False)  # fmt: skip
                    break

    def _wrapped(self, unit: Unit) -> Iterator[ResponseCache]:
        """Functions that are replaced by a remembering version: `embed = cache_data()(embed)`."""
        for call in unit.calls:
            given = call.arguments[0] if len(call.arguments) == 1 and not call.keywords else None
            if given is None or not isinstance(given, code.Name | code.Member):
                continue
            memoizing = [p for p in paths_of(call.function, unit, self._core.resolver) if p in self._known.memoizing]
            for value in self._core.resolver.values(given, unit) if memoizing else ():
                kind = self._asks(value.unit) if isinstance(value, FunctionValue) else ""
                if kind:
                    yield ResponseCache(unit.at(call), memoizing[0].replace("()", ""), kind == "generate")

    def _asks(self, unit: Unit) -> str:
        """What kind of model running a unit asks, the writing ones first; empty where none.

        What only puts a graph together asks nobody: the nodes run where the graph does.
        """
        known = self._below.get(unit)
        if known is None:
            kinds = {self._asking[u] for u in self._core.graph.reach([unit], self._nodes) if u in self._asking}
            if not kinds and any(last_name(c.function) in self._known.embedding_methods for c in unit.calls):
                kinds = {"embed"}
            known = self._below[unit] = "generate" if "generate" in kinds else next(iter(sorted(kinds)), "")
        return known

    def _looked_up(self, unit: Unit) -> Iterator[ResponseCache]:
        """`known = cache.get(key)`, `if known: return known`, and only then the model, whose answer is put there."""
        for node in (*unit.body, *unit.parents):
            if not isinstance(node, code.If) or not _returns(node):
                continue
            for read in self._reads(node, unit):
                kind = self._asked_after(unit, node)
                written = self._written(unit, read, node) if kind else None
                if written is not None:
                    yield self._own(unit, read, written, kind)
                    return

    def _in_mapping(self, unit: Unit) -> Iterator[ResponseCache]:
        """`if key in kept: return kept[key]`, and only then the model, whose answer is put there: `kept[key] = …`."""
        for node in (*unit.body, *unit.parents):
            if not isinstance(node, code.If) or not isinstance(node.test, code.Operation) or not _returns(node):
                continue
            if node.test.operator != "in" or not (kept := dotted(node.test.operands[1])):
                continue
            kind = (
                self._asked_after(unit, node) if any(_is_item(n, kept) for s in node.body for n in code.walk(s)) else ""
            )
            puts = (n for n in (*unit.body, *unit.parents) if isinstance(n, code.Assign) and n.line > node.end_line)
            if kind and any(_is_item(target, kept) for put in puts for target in put.targets):
                names = (n for n in unit.parents if isinstance(n, code.Name | code.Member))
                ends = any(not _TIMES.isdisjoint(self._words(n, unit, 0)) for n in names)
                keyed = not {"model", "models"}.isdisjoint(self._words(node.test.operands[0], unit, 3))
                yield ResponseCache(unit.at(node), f"{kept}[…]", kind == "generate", ends=ends, keyed=keyed)
                return

    def _reads(self, branch: code.If, unit: Unit) -> Iterator[code.Call]:
        """The calls that gave what a branch tests and gives back."""
        names = {n.id for n in code.walk(branch.test) if isinstance(n, code.Name)}
        if isinstance(branch.test, code.Operation) and branch.test.operator == "not":
            return
        for name in sorted(n for n in names if _returns(branch, frozenset({n}))):
            for binding in unit.bindings.get(name, ()):
                value = binding.value.value if isinstance(binding.value, code.Await) else binding.value
                if isinstance(value, code.Call) and binding.line <= branch.line and not _by_constant(value):
                    yield value

    def _asked_after(self, unit: Unit, branch: code.If) -> str:
        if unit in self._asking:
            return self._asking[unit]
        kinds = {self._asks(e.unit) for e in self._core.graph.edges.get(unit, ()) if e.node.line > branch.end_line}
        return "generate" if "generate" in kinds else next(iter(sorted(kinds - {""})), "")

    def _written(self, unit: Unit, read: code.Call, branch: code.If) -> code.Call | None:
        """The call that puts an answer where it was looked for; the look-up itself where an assignment does that."""
        bases = set(self._bases(read, unit, self._known.cache_reads))
        for call in unit.calls:
            if call.line > branch.end_line and bases.intersection(self._bases(call, unit, self._known.cache_writes)):
                return call
        for node in (*unit.body, *unit.parents):
            targets = node.targets if isinstance(node, code.Assign) and node.line > branch.end_line else []
            if any(isinstance(t, code.Index) and dotted(t.base) in bases for t in targets):
                return read
        return None

    def _bases(self, call: code.Call, unit: Unit, verbs: frozenset[str]) -> Iterator[str]:
        """The stores a call reads or writes, as written there and one function below."""
        if isinstance(call.function, code.Member) and call.function.name in verbs:
            yield from filter(None, [dotted(call.function.base)])
        for edge in self._core.graph.edges.get(unit, ()):
            if edge.node is call and edge.is_call:
                for inner in edge.unit.calls:
                    if isinstance(inner.function, code.Member) and inner.function.name in verbs:
                        yield from filter(None, [dotted(inner.function.base)])

    def _own(self, unit: Unit, read: code.Call, written: code.Call, kind: str) -> ResponseCache:
        starts = [e.unit for e in self._core.graph.edges.get(unit, ()) if e.node in (read, written)]
        units = [unit, *self._core.graph.reach(starts)] if starts else [unit]
        calls = [(c, u) for u in units for c in ((read, written) if u is unit else u.calls)]
        ends = any(
            last_name(c.function) in self._known.expiring
            or any(k.name in self._known.cache_times and not _is_none(k.value) for k in c.keywords)
            for c, _ in calls
        )
        shared = any(p in self._known.stores for c, u in calls if isinstance(c.function, code.Member)
                     for p in paths_of(c.function, u, self._core.resolver))  # fmt: skip
        words = {w for a in (*read.arguments, *(k.value for k in read.keywords)) for w in self._words(a, unit, 3)}
        return ResponseCache(unit.at(read), f"{last_name(read.function)}(…)", kind == "generate", shared, ends,
                             keyed=not words.isdisjoint({"model", "models"}))  # fmt: skip

    def _words(self, expression: code.Expression, unit: Unit, depth: int) -> Iterator[str]:
        for node in code.walk(expression):
            name = node.id if isinstance(node, code.Name) else node.name if isinstance(node, code.Member) else ""
            yield from (w.lower() for w in _WORD.findall(name))
            if isinstance(node, code.Name) and depth:
                for binding in unit.bindings.get(node.id, ()):
                    if binding.value is not None:
                        yield from self._words(binding.value, unit, depth - 1)

    def _at_provider(self, unit: Unit) -> Iterator[ResponseCache]:
        source = self._core.observations.sources.get(unit.module.path, "")
        words = [w for w in self._known.prompt_caching if w in source]
        if not words:
            return
        for node in (*unit.parents, *unit.body):
            name = node.name if isinstance(node, code.Keyword) else ""
            if isinstance(node, code.Mapping):
                keys = (k.value for k, _ in node.items if isinstance(k, code.Constant))
                name = next((str(k) for k in keys if k in words), "")
            if name in words:
                yield ResponseCache(unit.at(node), name, answers=False)


def _is_item(node: code.Node, kept: str) -> bool:
    return isinstance(node, code.Index) and dotted(node.base) == kept


def _returns(branch: code.If, names: frozenset[str] | None = None) -> bool:
    """Whether a branch ends in giving something back, and (`names`) something made of these names."""
    for statement in branch.body:
        if isinstance(statement, code.Return) and statement.value is not None:
            mentioned = {n.id for n in code.walk(statement.value) if isinstance(n, code.Name)}
            return names is None or not names.isdisjoint(mentioned)
        if isinstance(statement, code.If) and _returns(statement, names):
            return True
    return False


def _by_constant(read: code.Call) -> bool:
    """Whether one fixed thing is read: a setting, and no answer to a question."""
    return bool(read.arguments) and isinstance(read.arguments[0], code.Constant)


def _is_none(value: code.Expression) -> bool:
    return isinstance(value, code.Constant) and value.value is None
