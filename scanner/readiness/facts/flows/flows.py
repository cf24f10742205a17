"""Where model text flows, and what the calls it comes from ask of the model. gate `parse`.

Sources are the results of generative calls and what models pass to tools; `taint.py` follows them, `text_uses.py` and
`executions.py` find what is done with them, and here each use becomes a `Flow` that knows the calls it comes from, and
each call whose answer code reads becomes a `ParsedCall` that knows its uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.flows.executions import Executions, Running
from readiness.facts.flows.flow_marks import Kind, Mark, in_order
from readiness.facts.flows.flow_sources import is_structured
from readiness.facts.flows.schemas import Enforcement, enforcement
from readiness.facts.flows.sinks import load_sinks
from readiness.facts.flows.taint import Taint
from readiness.facts.flows.text_uses import TextUse, TextUses, Use
from readiness.facts.linking.units import Unit, dotted
from readiness.facts.place import Place
from readiness.repository.tree import Role

SHORT_ANSWER = 5
"""Tokens under which an answer can be hardly more than one of a few words."""

_POSITIONS = frozenset({".find()", ".rfind()", ".index()", ".rindex()", ".startswith()", ".endswith()"})
"""Tests and positions that prepare a cut, though no text comes out of them."""


@dataclass(slots=True, eq=False)
class Flow:
    """One place that uses model text.

    `checked` tells of a parse, or of the parse behind an extraction, that what is read is held to a declared shape, to
    keys or to allowed values afterwards. Of an execution, `sandboxed`, `restricted` (names, arguments or a fixed
    program bound what can happen) and `checked` (the text is compared with what is allowed) tell how far it can go.
    """

    place: Place
    text: str
    use: Use
    how: str
    unit: Unit
    calls: tuple[ModelCall, ...] = ()
    reachable: bool = False
    checked: bool = False
    sandboxed: bool = False
    restricted: bool = False
    from_tool: bool = False
    """What it uses are arguments a model chose for a tool of this repository."""
    held: bool = False
    """The API holds every answer it uses to a schema: cutting is then no more than patience with a stray fence."""
    node: code.Expression | None = None
    """The operation itself."""


@dataclass(slots=True, eq=False)
class ParsedCall:
    """One request whose answer code reads: the call itself, or, of a wrapper, the call of the wrapper.

    `enforcement` is what the API holds the model to, `flows` are the uses. `checked` tells that every use is followed
    by a validator or is a comparison with the allowed answers; `short` that the answer can only be a word.
    """

    place: Place
    text: str
    call: ModelCall
    enforcement: Enforcement
    flows: tuple[Flow, ...] = ()
    reachable: bool = False
    checked: bool = False
    short: bool = False


@dataclass(slots=True, eq=False)
class Flows:
    """All uses of model text in serving code."""

    reads: list[Flow] = field(default_factory=list)
    """Parses, searches, comparisons, extractions, clean-ups and guards."""
    executions: list[Flow] = field(default_factory=list)
    calls: list[ParsedCall] = field(default_factory=list)
    parses: bool = False
    """Whether reachable code consumes model text (gate G-PARSE)."""
    taint: Taint | None = None


def find_flows(core: Core) -> Flows:
    """All flows of model text in serving code that can be imported."""
    taint = Taint(core, load_sinks())
    found = Flows(taint=taint)
    units = [u for u in core.serving_units() if core.imports.importable(u)]
    if taint.sources.calls or taint.sources.tools:
        _Linker(core, taint, found).link(units)
    found.executions.extend(_ready_made(core, taint, units))
    found.executions.sort(key=lambda f: (f.place, f.how))
    reading = [c for c in found.calls if c.flows or c.enforcement is Enforcement.SCHEMA]
    reached = [c for c in reading if c.reachable]
    found.parses = bool(reached or (reading and not core.started))
    return found


class _Linker:
    """Turns uses into flows and parsed calls."""

    def __init__(self, core: Core, taint: Taint, flows: Flows) -> None:
        self._core, self._taint, self._flows = core, taint, flows
        self._modules = {u.module for u in core.started}
        served = any(c.reachable and c.role is Role.SERVING for c in taint.sources.calls.values())
        self._tools = core.graph.reach(sorted(taint.sources.tools, key=lambda u: u.place)) if served else {}
        self._uses: list[TextUse] = []
        self._checked: set[tuple[code.Node, object]] = set()
        self._parses_of: dict[object, list[TextUse]] = defaultdict(list)

    def link(self, units: Iterable[Unit]) -> None:
        """Fill `flows` from the uses in these units."""
        finder, runner = TextUses(self._taint), Executions(self._taint)
        for unit in units:
            self._uses.extend(finder.find(unit))
            self._flows.executions.extend(self._executed(r) for r in runner.find(unit))
        for use in self._uses:
            if use.use is Use.CHECKS:
                # A validator that reads the text itself is its own parse.
                self._checked |= {(node, _site(m)) for m in use.marks for node in (use.node, *m.through)}
            elif use.use is Use.PARSES and not use.number:
                for mark in use.marks:
                    self._parses_of[_site(mark)].append(use)
        by_site: dict[tuple[code.Call, Unit], list[Flow]] = {}
        for use in self._uses:
            for site, marks in _by_site(use.marks).items():
                flow = self._flow(use, site, marks)
                if flow is None:
                    continue
                self._flows.reads.append(flow)
                if site is not None and flow.calls and flow.use not in (Use.CLEANS, Use.GUARDS):
                    by_site.setdefault(site, []).append(flow)
        self._calls(by_site)  # before flows are merged: a request answers for what its own answer is read by
        self._merge()

    def _flow(self, use: TextUse, site: tuple[code.Call, Unit] | None, marks: list[Mark]) -> Flow | None:
        if use.use is Use.CHECKS:
            return None
        kind, checked = use.use, False
        if kind is Use.PARSES:
            checked = (use.node, site) in self._checked
        elif kind is Use.EXTRACTS:
            parses = self._behind(use, site)
            if not parses:
                if use.needs_parse:
                    return None
                kind = Use.SEARCHES
            checked = all((p.node, site) in self._checked for p in parses)
        calls = tuple(dict.fromkeys(m.origin for m in marks if isinstance(m.origin, ModelCall)))
        if not calls and kind is not Use.PARSES:
            return None
        if all(m.kind is Kind.ARGUMENTS for m in marks) and kind is not Use.PARSES:
            return None
        unit = use.unit
        held = site is not None and bool(calls) and all(
            enforcement(self._core, c, *site, arguments=False) is Enforcement.SCHEMA for c in calls
        )  # fmt: skip
        return Flow(unit.at(use.node), use.how, kind, use.how, unit, calls, self._reached(unit), checked,
                    held=held, from_tool=not calls, node=use.node)  # fmt: skip

    def _behind(self, use: TextUse, site: object) -> list[TextUse]:
        """The parses that an extraction prepares."""
        parses = self._parses_of.get(site, [])
        through = [p for p in parses if any(use.node in m.through for m in p.marks if _site(m) == site)]
        positional = use.needs_parse and use.how in _POSITIONS
        return through or (parses if positional else [])

    def _reached(self, unit: Unit) -> bool:
        is_body = unit.function is None and unit.module in self._modules
        return is_body or unit in self._core.started or unit in self._tools

    def _merge(self) -> None:
        """One flow per place and use, of all the calls it comes from; the least checked tells."""
        merged: dict[tuple[Place, Use], Flow] = {}
        for flow in self._flows.reads:
            known = merged.setdefault((flow.place, flow.use), flow)
            if known is not flow:
                known.calls = tuple(dict.fromkeys((*known.calls, *flow.calls)))
                known.checked, known.held = known.checked and flow.checked, known.held and flow.held
        self._flows.reads = sorted(merged.values(), key=lambda f: (f.place, f.use))

    def _calls(self, by_site: dict[tuple[code.Call, Unit], list[Flow]]) -> None:
        """The requests whose answers are read, and those that ask for a declared type."""
        known: set[ModelCall] = set()
        for (node, unit), flows in by_site.items():
            calls = dict.fromkeys(c for f in flows for c in f.calls)
            known |= set(calls)
            self._flows.calls.append(self._parsed(list(calls), node, unit, flows))
        for node, call in self._taint.sources.calls.items():
            if call.role is Role.SERVING and call.importable and is_structured(call) and call not in known:
                unit = next((u for n, u in call.runs if n is node), call.unit)
                self._flows.calls.append(self._parsed([call], node, unit, []))
        self._flows.calls.sort(key=lambda c: (c.place, c.text))

    def _parsed(self, calls: list[ModelCall], node: code.Call, unit: Unit, flows: list[Flow]) -> ParsedCall:
        """One request; where several models can be behind it, the one that is held to the least."""
        from_arguments = bool(flows) and all(self._of_arguments(f) for f in flows)
        asked = [(enforcement(self._core, c, node, unit, from_arguments), c) for c in calls]
        least, call = min(asked, key=lambda pair: (list(Enforcement).index(pair[0]), pair[1].place))
        cap = call.output_cap.number if call.output_cap.explicit else None
        deciding = [f for f in flows if f.use is not Use.EXTRACTS]
        text = f"{dotted(node.function) or call.name}(...)"
        return ParsedCall(
            unit.at(node), text, call, least, _distinct(flows), self._reached(unit),
            checked=bool(flows) and all(f.checked or f.use is Use.MATCHES for f in deciding),
            short=cap is not None and cap <= SHORT_ANSWER,
        )  # fmt: skip

    def _of_arguments(self, flow: Flow) -> bool:
        uses = [u for u in self._uses if u.unit is flow.unit and u.unit.at(u.node) == flow.place]
        return bool(uses) and all(m.kind is Kind.ARGUMENTS for u in uses for m in u.marks)

    def _executed(self, running: Running) -> Flow:
        calls = tuple(dict.fromkeys(m.origin for m in running.marks if isinstance(m.origin, ModelCall)))
        compared = any(u.unit is running.unit and u.use in (Use.MATCHES, Use.GUARDS) for u in self._uses)
        unit, what = running.unit, running.execution.what
        return Flow(unit.at(running.node), what, Use.EXECUTES, what, unit, calls, self._reached(unit), compared,
                    running.sandboxed, running.restricted, not calls)  # fmt: skip


def _distinct(flows: Iterable[Flow]) -> tuple[Flow, ...]:
    return tuple({(f.place, f.use, f.checked): f for f in sorted(flows, key=lambda f: (f.place, f.use))}.values())


def _site(mark: Mark) -> tuple[code.Call, Unit] | None:
    return mark.site


def _by_site(marks: Iterable[Mark]) -> dict[tuple[code.Call, Unit] | None, list[Mark]]:
    found: dict[tuple[code.Call, Unit] | None, list[Mark]] = defaultdict(list)
    for mark in in_order(marks):
        found[mark.site].append(mark)
    return found


def _ready_made(core: Core, taint: Taint, units: Iterable[Unit]) -> list[Flow]:
    """Parts of libraries that execute what a model writes."""
    modules = {u.module for u in core.started} | {
        s.unit.module for c in core.calls if c.reachable for s in c.value.steps
    }
    found = []
    for running in Executions(taint).ready_made(units):
        unit = running.unit
        reachable = unit in core.started or (unit.function is None and unit.module in modules)
        found.append(Flow(unit.at(running.node), running.execution.what, Use.EXECUTES, running.execution.what, unit, (),
                          reachable, sandboxed=running.sandboxed, restricted=running.restricted))  # fmt: skip
    return found
