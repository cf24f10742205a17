"""Lists that grow with use and stand in a prompt, and what bounds them. check context-window-guarded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.inputs.graph_nodes import graph_nodes
from readiness.facts.inputs.growing_knowledge import load_growing
from readiness.facts.inputs.input_flow import Flow, only
from readiness.facts.inputs.input_limits import InputChannel
from readiness.facts.inputs.own_searches import OwnSearches
from readiness.facts.inputs.requests import RequestFamily
from readiness.facts.inputs.stages import Stage, stages_of
from readiness.facts.kind import searches_by_sql
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

MAX_VISITS = 900
"""Units that are looked at (again) to follow all lists of one kind."""

MAX_SLICES = 6
"""Slices that are followed to a call."""

CHARACTERS = 4
"""Characters of a token, about."""

Kind = Literal["history", "documents", "files"]
Bound = Literal["tokens", "small", "count", "none"]
_ORDER: tuple[Bound, ...] = ("none", "count", "small", "tokens")
_ADDING = frozenset({"append", "extend", "insert", "add_message", "add_user_message"})
_STATE = "messages"
_CONVERSATION = ("message", "history", "memory", "conversation")
_CUTTERS = re.compile(r"(?:^|_)(?:limit|trunc|truncate|trim|clip|shorten|cap|cut)(?:_|$)", re.I)


@dataclass(frozen=True, slots=True)
class GrowingPrompt:
    """A call whose prompt holds something that grows; of several the least bounded.

    `bound`: "tokens" (counted or trimmed by tokens), "small" (constants that fit into any window), "count" (so many
    messages or characters, or a bound that cannot be compared with the window), "none".
    """

    place: Place
    text: str
    kind: Kind
    bound: Bound
    reachable: bool
    importable: bool
    where: Evidence | None = None


def find_growing_prompts(
    family: RequestFamily, channels: Iterable[InputChannel], calls: Iterable[ModelCall]
) -> list[GrowingPrompt]:
    """Every such call among these sites, by place."""
    listed, core = list(channels), family.core
    finder = _Finder(family, listed, {u for u in core.serving_units() if _runs(core, u)})
    found = list(finder.find(calls))
    entries = (e for e in core.entry_points if e.is_network) if core.imports.missing else ()
    broken = [u for e in entries for u in e.units if not core.imports.importable(u)]
    if broken:
        finder = _Finder(family, listed, {u for u in core.graph.reach(broken) if u.module.role is Role.SERVING})
        found += finder.find_unfinished()
    return sorted(found, key=lambda g: (g.place, g.text))


def _runs(core: Core, unit: Unit) -> bool:
    return unit in core.started or unit.is_module or not core.started


class _Finder:
    def __init__(self, family: RequestFamily, channels: list[InputChannel], within: set[Unit]) -> None:
        self._family, self._core, self._known = family, family.core, load_growing()
        self._channels = channels
        self._nodes = graph_nodes(self._core)
        self._counted: dict[Kind, Evidence | None] = {}
        self._sliced: dict[Kind, list[tuple[Unit, code.Index]]] = {}
        self._cut: dict[Kind, list[tuple[Unit, code.Call]]] = {}
        self._within = dict.fromkeys((u for u in self._core.serving_units() if u in within), 0)
        self._own = OwnSearches(self._core, self._known.own_searches)

    def find(self, calls: Iterable[ModelCall]) -> Iterator[GrowingPrompt]:
        inner: dict[ModelCall, list[ModelCall]] = {}
        for call in self._core.calls:
            if call.inside is not None and call.generates:
                inner.setdefault(call.inside, []).append(call)
        for call in calls:
            found = list(self._growing((call, *inner.get(call, ()))))
            if found:
                kind, bound, where = min(found, key=lambda f: _ORDER.index(f[1]))
                yield GrowingPrompt(call.place, call.text, kind, bound, call.reachable, call.importable, where)

    def find_unfinished(self) -> Iterator[GrowingPrompt]:
        """Calls of what a module that asks a model does not have: `from app.llm import answer`, and no `answer` there.

        The code was meant to ask, and cannot even be imported; what it would send can be read all the same.
        """
        asking = {c.unit.module for c in self._core.calls if c.generates and c.role is Role.SERVING}
        for unit in self._within:
            missing = self._core.imports.missing.get(unit.module, {})
            for call in unit.calls if missing else ():
                if not isinstance(call.function, code.Name) or missing.get(call.function.id) not in asking:
                    continue
                for kind, flow in self._flows.items():
                    if flow.given_to(call, unit):
                        held = kind == "documents" or self._slices(kind, flow) or self._cuts(kind, flow)
                        bound: Bound = "tokens" if self._counting(kind, flow) else "count" if held else "none"
                        yield GrowingPrompt(unit.at(call), f"{call.function.id}(...)", kind, bound, False, False)
                        break

    def _growing(self, calls: tuple[ModelCall, ...]) -> Iterator[tuple[Kind, Bound, Evidence | None]]:
        """The kinds of lists that calls are given, each with its bound."""
        kept = next((k for c in calls if (k := self._keeper(c)) is not None), None)
        memory = self._memory(calls)
        if memory is not None:
            yield "history", *memory
        stages = [stage for c in calls for call, unit in c.runs for stage in stages_of(self._core, call, unit)]
        for kind, flow in self._flows.items():
            if kind == "files" and all(any(p in self._known.indexed for p in _made(c)) for c in calls):
                continue  # what stands in an index comes out of it in pieces, so many at a time
            given = next((i for i, stage in enumerate(stages) if any(flow.gives(u) for u in stage)), None)
            if given is not None or any(flow.given_to(call, unit) for c in calls for call, unit in c.runs):
                after = stages if given is None else stages[given + 1 :]
                holder = kept or (self._kept_by(after) if kind != "history" else None)
                if holder is not None:
                    yield kind, "tokens", holder
                else:
                    yield kind, *self._bound(kind, flow, calls)

    # -- what grows --------------------------------------------------------------------------------------------

    @cached_property
    def _flows(self) -> dict[Kind, Flow]:
        """Where the lists of each kind go."""
        found: dict[Kind, Flow] = {}
        for kind in ("documents", "files"):
            nodes = {call: unit for unit in self._within for call in self._searches(unit, kind)}
            if nodes:
                found[kind] = self._flow(set(nodes), {}, nodes.values())
        starts: dict[Unit, set[str]] = {}
        for channel in self._channels:
            if channel.kind == "list" and channel.limit == "none" and not channel.entry.is_page:
                for one in channel.entry.shapes:
                    if one.is_parameter:
                        starts.setdefault(one.unit, set()).add(one.name)
        kept = {node: unit for unit in self._within for node in self._kept(unit)}
        if kept or starts:
            found["history"] = self._flow(set(kept), starts, kept.values())
        return found

    def _flow(self, nodes: set[code.Node], starts: dict[Unit, set[str]], units: Iterable[Unit]) -> Flow:
        return Flow(self._core, self._within, starts, lambda node, _: True if node in nodes else None,
                    dict.fromkeys(units), visits=MAX_VISITS)  # fmt: skip

    def _searches(self, unit: Unit, kind: Kind) -> Iterator[code.Call]:
        known = self._known.documents if kind == "documents" else self._known.files
        for call in unit.calls:
            if any(path in known for path in self._paths(call.function, unit)) or (
                kind == "documents"
                and (searches_by_sql(self._core, call, unit) or self._own.searched(call, unit) is not None)
            ):
                yield call

    def _kept(self, unit: Unit) -> Iterator[code.Node]:
        """What a unit reads of a conversation that is kept: the state of a graph, a list that is added to elsewhere."""
        state = {p.name for p in unit.function.parameters} if unit in self._nodes and unit.function else set()
        for node in unit.parents:
            if isinstance(node, code.Index) and isinstance(node.key, code.Constant) and node.key.value == _STATE:
                if isinstance(node.base, code.Name) and (node.base.id in state or node.base.id == "state"):
                    yield node
            elif isinstance(node, code.Member) and (
                _spelt(node) in self._added
                or (node.name == _STATE and isinstance(node.base, code.Name) and node.base.id in state)
            ):
                yield node
            elif isinstance(node, code.Name) and node.id in state and isinstance(unit.parents[node], code.Call):
                yield node  # the whole state is handed on

    @cached_property
    def _added(self) -> frozenset[str]:
        """The attributes that code adds to and that outlive a request: `self.messages`, `st.session_state.messages`."""
        found: set[str] = set()
        for unit in self._within:
            for call in unit.calls:
                function = call.function
                if not isinstance(function, code.Member) or function.name not in _ADDING:
                    continue
                # One list for everybody, or one for each conversation: `self.conversations[chat_id].append(turn)`.
                added = function.base.base if isinstance(function.base, code.Index) else function.base
                if isinstance(added, code.Member):
                    spelt = _spelt(added)
                    lasts = spelt.startswith(("self.", "st.session_state."))
                    if lasts and any(word in spelt for word in _CONVERSATION):
                        found.add(spelt)
            for member, binding in unit.members:
                if isinstance(binding.value, code.Call) and last_name(binding.value.function) in self._known.continued:
                    found.add(_spelt(member))  # `talk.items = result.to_input_list()`
        return frozenset(found)

    def _memory(self, calls: Iterable[ModelCall]) -> tuple[Bound, Evidence | None] | None:
        """The memory that a chain or an agent is built with."""
        for call in calls:
            for node, unit in [(call.call, call.unit), *((s.call, s.unit) for s in call.value.steps)]:
                given = node.keyword("memory") or node.keyword("chat_memory")
                for value in self._core.resolver.values(given, unit) if given is not None else ():
                    path = value.steps[0].path if isinstance(value, External) and value.steps else ""
                    where = Evidence(unit.at(node), path)
                    if path in self._known.memory_tokens:
                        return "tokens", where
                    if path in self._known.memory_turns:
                        return "count", where
                    if path in self._known.memory_all:
                        return "none", where
        return None

    # -- what bounds it ----------------------------------------------------------------------------------------

    def _keeper(self, call: ModelCall) -> Evidence | None:
        for node, unit in [(call.call, call.unit), *((s.call, s.unit) for s in call.value.steps)]:
            for keyword in node.keywords:
                value = keyword.value
                if keyword.name in self._known.keeper_arguments and not (
                    isinstance(value, code.Constant) and value.value in (None, "disabled", False)
                ):
                    return Evidence(unit.at(keyword), str(keyword.name))
                for inner in code.walk(value) if keyword.name == "middleware" else ():
                    paths = self._paths(inner.function, unit) if isinstance(inner, code.Call) else ()
                    if any(p in self._known.keepers for p in paths):
                        return Evidence(unit.at(inner), "keeps the conversation below a number of tokens")
        return None

    def _bound(self, kind: Kind, flow: Flow, calls: tuple[ModelCall, ...]) -> tuple[Bound, Evidence | None]:
        counting = self._counting(kind, flow)
        if counting is not None:
            return "tokens", counting
        if kind == "documents":
            size, where = self._documents()
            return ("small" if size is not None and size <= self._known.always_fits else "count"), where
        for unit in self._within if kind == "history" else ():
            for call in unit.calls:
                if any(path in self._known.removers for path in self._paths(call.function, unit)):
                    return "count", Evidence(unit.at(call), "takes old messages out")
        for unit, node in (*self._slices(kind, flow), *self._cuts(kind, flow)):
            rest = Flow(self._core, self._within, {}, only(node), [unit], visits=MAX_VISITS // 3)
            if any(rest.given_to(call, here) for c in calls for call, here in c.runs):
                return "count", Evidence(unit.at(node), "takes so many")
        return "none", None

    def _kept_by(self, stages: Iterable[Stage]) -> Evidence | None:
        """Where a later stage of a pipe counts the tokens of what it is handed, and holds them below a number."""
        for unit in self._core.graph.reach(u for stage in stages for u in stage if u in self._within):
            for call in unit.calls if unit in self._within else ():
                counts = any(p in self._known.counters for p in self._paths(call.function, unit))
                if counts and "messages" not in last_name(call.function) and self._limits(call, unit):
                    return Evidence(unit.at(call), "counts tokens")
        return None

    def _counting(self, kind: Kind, flow: Flow) -> Evidence | None:
        """Where what grows is counted in tokens, and held below a number of them."""
        if kind not in self._counted:
            self._counted[kind] = next(
                (
                    Evidence(unit.at(call), "counts tokens")
                    for unit in self._within
                    for call in unit.calls
                    if any(p in self._known.counters for p in self._paths(call.function, unit))
                    and self._limits(call, unit)
                    and any(flow.holds(a, unit) for a in (*call.arguments, *(k.value for k in call.keywords)))
                ),
                None,
            )
        return self._counted[kind]

    def _slices(self, kind: Kind, flow: Flow) -> list[tuple[Unit, code.Index]]:
        """The first slices that are taken of what grows."""
        if kind not in self._sliced:
            self._sliced[kind] = [
                (unit, node)
                for unit in self._within
                for node in unit.parents
                if isinstance(node, code.Index)
                and isinstance(node.key, code.Slice)
                and (node.key.lower is not None or node.key.upper is not None)
                and flow.holds(node.base, unit)
            ][:MAX_SLICES]
        return self._sliced[kind]

    def _cuts(self, kind: Kind, flow: Flow) -> list[tuple[Unit, code.Call]]:
        """The first calls that cut what grows down to a number that is written there: `limit_words(text, 1500)`."""
        if kind not in self._cut:
            self._cut[kind] = [
                (unit, call)
                for unit in self._within
                for call in unit.calls
                if _CUTTERS.search(last_name(call.function))
                and any((self._number(a, unit) or 0) > 1 for a in (*call.arguments, *(k.value for k in call.keywords)))
                and any(flow.holds(a, unit) for a in (*call.arguments, *(k.value for k in call.keywords)))
            ][:MAX_SLICES]
        return self._cut[kind]

    def _limits(self, call: code.Call, unit: Unit) -> bool:
        """Whether a count is compared, or a trimmer is told how much to keep: a count for the bill bounds nothing."""
        if "trim" in last_name(call.function) or call.keyword("max_tokens") is not None:
            return True
        return any(isinstance(n, code.Operation) and n.operator[:1] in "<>" for n in unit.parents) or any(
            isinstance(n, code.Operation) and n.operator[:1] in "<>"
            for edge in self._core.graph.callers.get(unit, ())
            for n in edge.unit.parents
        )

    def _documents(self) -> tuple[int | None, Evidence | None]:
        """The tokens of all documents of one search: as many as are asked for, each of the size of a piece."""
        counts, where = list[int | None](), None
        for unit in self._within:
            for call in self._searches(unit, "documents"):
                where = where or Evidence(unit.at(call), "searches documents")
                counts += self._asked(call, unit)
        pieces = list(self._pieces())
        if not pieces or None in counts:
            return None, where
        return max([c for c in counts if c is not None] or [self._known.default_documents]) * max(pieces), where

    def _asked(self, call: code.Call, unit: Unit) -> Iterator[int | None]:
        """How many documents a search asks for: in its own arguments, or by a parameter of the function around it."""
        given = [k.value for k in call.keywords if k.name in self._known.counts]
        for keyword in call.keywords:
            if keyword.name == "search_kwargs" and isinstance(keyword.value, code.Mapping):
                given += [
                    v for k, v in keyword.value.items if isinstance(k, code.Constant) and k.value in self._known.counts
                ]
        for expression in given:
            yield self._number(expression, unit)
        own = self._own.searched(call, unit)
        if own is not None and own.function is not None and not given:
            for parameter in own.function.parameters:
                if parameter.name in self._known.counts and parameter.default is not None:
                    given.append(parameter.default)
                    yield self._number(parameter.default, own.parent or own)
        for parameter in unit.function.parameters if unit.function is not None and not given else ():
            if parameter.name in self._known.counts:
                yield self._number(code.Name(call.line, call.end_line, parameter.name), unit)

    def _pieces(self) -> Iterator[int]:
        """The tokens of one piece of a document, by what cuts them."""
        for unit in self._core.program.units:
            if unit.module.role not in (Role.SERVING, Role.SCRIPT):
                continue
            for call in unit.calls:
                spelt = _spelt(call.function)
                for keyword in call.keywords if "plit" in spelt else ():
                    size = self._number(keyword.value, unit) if keyword.name in self._known.splitters else None
                    if size is not None:
                        yield size if "token" in spelt else size // CHARACTERS
            if unit.function is not None and ("split" in unit.name or "chunk" in unit.name):
                for parameter in unit.function.parameters:
                    if parameter.name in self._known.splitters and parameter.default is not None:
                        size = self._number(parameter.default, unit.parent or unit)
                        if size is not None:
                            yield size // CHARACTERS

    def _number(self, expression: code.Expression, unit: Unit) -> int | None:
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, Known) and isinstance(value.value, int) and not isinstance(value.value, bool):
                return value.value
        return None

    def _paths(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        if isinstance(expression, code.Name | code.Member | code.Call):
            for value in self._core.resolver.values(expression, unit):
                if isinstance(value, External):
                    yield value.path


def _made(call: ModelCall) -> Iterator[str]:
    """The canonical paths on the way to a call."""
    yield call.value.path
    yield from (step.path for step in call.value.steps)


def _spelt(e: code.Expression) -> str:
    names: list[str] = []
    while isinstance(e, code.Member | code.Call):
        if isinstance(e, code.Call):
            e = e.function
            continue
        names.append(e.name)
        e = e.base
    return ".".join([e.id, *reversed(names)]) if isinstance(e, code.Name) else ".".join(reversed(names))
