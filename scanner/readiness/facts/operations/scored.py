"""What scores the answers of production. check `online-quality-sampled`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import Trigger
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.operations.alerts import AlertRule
from readiness.facts.operations.metrics import Measurement
from readiness.facts.operations.monitoring_knowledge import QualitySymbols
from readiness.facts.place import Place
from readiness.facts.records.written import Writes
from readiness.repository.tree import Role

_DRAWS = frozenset({"random", "uniform", "randint", "randrange", "sha256", "md5", "sha1", "hash", "crc32", "blake2b"})
_SCORED = re.compile(r"quality|score|ground|faithful|judg|relevan|hallucinat|accura|toxic|eval|precision|recall", re.I)
_SHADOW = re.compile(r"(?:^|_)(?:shadow|challenger|champion)(?:_|$)", re.I)
_TELLS = frozenset({"warning", "error", "critical", "send", "post", "capture_message", "publish", "notify", "alert",
                    "send_message", "chat_postMessage", "exit", "trigger"})  # fmt: skip
_READING = ("fetch_traces", "get_traces", "list", "get_many", "list_runs", "get_spans_dataframe", "query_spans",
            "search_traces", "fetch_observations")  # fmt: skip
_HOPS = 4
_SHADOW_HOPS = 3


@dataclass(frozen=True, slots=True)
class Scored:
    """One way in which answers of production are scored.

    `sampled`: a share of them by a draw, or those of a time by a scheduled job. `kept`: the score becomes a metric, a
    row or a score beside the trace. `watched`: a threshold on it tells somebody.
    """

    place: Place
    text: str
    sampled: bool = False
    kept: bool = False
    watched: bool = False
    reachable: bool = True

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        if not self.reachable:
            return "is started by hand: no schedule and no entry point runs it"
        if not self.sampled:
            return "has no sample: nothing draws which answers are scored, or when"
        return "raises no alert: no threshold is held against the score"


class Scoring:
    """Finds what scores answers outside the tests."""

    def __init__(
        self,
        core: Core,
        symbols: QualitySymbols,
        writes: Writes,
        metrics: Iterable[Measurement],
        alerts: Iterable[AlertRule],
    ) -> None:
        self._core, self._symbols, self._writes = core, symbols, writes
        self._gauges = {unit for unit in core.program.units if _sets_quality(unit)}
        self._measured = {m.unit for m in metrics if _SCORED.search(m.metric)}
        self._alerted = any(_SCORED.search(a.expression) and a.routed for a in alerts)
        self._asking = {unit for c in core.calls if c.generates for _, unit in c.runs}

    def find(self) -> list[Scored]:
        """Every way, the most complete first."""
        found = [*self._drawn(), *self._read_back(), *self._shadowed()]
        return sorted(found, key=lambda s: (not (s.sampled and s.kept and s.watched), not s.reachable, s.place))

    def _drawn(self) -> Iterator[Scored]:
        """Serving code that draws lots, and has a judge look at the answer that is drawn."""
        for unit in self._core.started:
            if unit.module.role is Role.TEST or not any(last_name(c.function) in _DRAWS for c in unit.calls):
                continue
            for node in unit.blocks:
                if isinstance(node, code.If) and _is_draw(node.test, unit):
                    judged = self._judging(node, unit)
                    if judged is not None:
                        near = self._below(judged, _HOPS)
                        kept, watched = self._outcome(near)
                        if kept:
                            yield Scored(unit.at(node), "a share of the answers is judged", True, kept, watched)

    def _judging(self, branch: code.If, unit: Unit) -> Unit | None:
        """What the branch of a draw runs that judges: a call of an evaluator, or of a model about an answer."""
        inside = {n for s in branch.body for n in code.walk(s)}
        for edge in self._core.graph.edges.get(unit, ()):
            if edge.node in inside:
                below = self._below(edge.unit, _HOPS)
                if any(self._judges(one) for one in below) or (below.keys() & self._asking and self._scores(below)):
                    return edge.unit
        return None

    def _scores(self, units: Iterable[Unit]) -> bool:
        return any(_SCORED.search(unit.name) for unit in units)

    def _judges(self, unit: Unit) -> bool:
        return any(self._is(call, unit, "judges") for call in unit.calls)

    def _outcome(self, units: dict[Unit, int]) -> tuple[bool, bool]:
        """Whether a score is kept, and whether something is held against it."""
        kept = any(
            u in self._measured or u in self._gauges or any(w.durable for w in self._writes.of(u))
            or any(self._is(call, u, "scores") for call in u.calls)
            for u in units
        )  # fmt: skip
        told = any(_compares_and_tells(u) for u in units)
        return kept, kept and (told or self._alerted)

    def _read_back(self) -> Iterator[Scored]:
        """Jobs that read traces of production and score them."""
        for name in _READING:
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role in (Role.TEST, Role.EXAMPLE, Role.NOTEBOOK) or not self._is(call, unit, "traces"):
                    continue
                near = [u for u in self._core.program.units if u.module is unit.module]
                folder = unit.module.path.rpartition("/")[0]
                scoring = any(
                    self._is(c, u, "scores") or self._is(c, u, "judges")
                    for u in (*near, *self._core.program.units)
                    if u.module is unit.module or u.module.path.startswith(f"{folder}/")
                    for c in u.calls
                )
                if scoring:
                    told = self._alerted or any(_compares_and_tells(u) for u in near)
                    scheduled = self._is_scheduled(unit)
                    yield Scored(unit.at(call), "traces of production are scored", True, True, told, scheduled)

    def _is_scheduled(self, unit: Unit) -> bool:
        """Whether CI, a cron job or the service itself runs a module again and again."""
        module = unit.module
        name = module.name.rpartition(".")[2]
        for step, command in self._core.ci.commands:
            if Trigger.SCHEDULE in step.triggers and any(
                module.path in w or w.endswith(module.name) for w in command.words
            ):
                return True
        for workload in self._core.deployment.workloads:
            if workload.kind == "CronJob" and module.path in self._core.observations.sources.get(
                workload.place.path, ""
            ):
                return True
        return unit in self._core.started and name != "__main__" and module.role is Role.SERVING

    def _shadowed(self) -> Iterator[Scored]:
        """A second model that answers beside the first, whose answers are kept to compare."""
        predicting = {
            unit for c in self._core.calls if c.kind == "predict" and c.role is Role.SERVING for _, unit in c.runs
        }
        for unit in self._core.started:
            if unit.module.role is not Role.SERVING or unit.function is None:
                continue
            named = [unit] if _SHADOW.search(unit.name) else self._in_shadow(unit)
            for one in named:
                below = self._below(one, _SHADOW_HOPS)
                if below.keys() & predicting and any(w.durable for u in below for w in self._writes.of(u)):
                    yield Scored(
                        unit.place, "a second model answers beside the first, unseen,", True, True, self._alerted
                    )
                    break

    def _in_shadow(self, unit: Unit) -> list[Unit]:
        """What a unit runs below a switch that is named for a shadow."""
        found: list[Unit] = []
        for node in unit.blocks:
            if isinstance(node, code.If) and any(_SHADOW.search(_word(n)) for n in code.walk(node.test)):
                inside = {n for s in node.body for n in code.walk(s)}
                found.extend(e.unit for e in self._core.graph.edges.get(unit, ()) if e.node in inside)
        return found

    def _below(self, start: Unit, depth: int) -> dict[Unit, int]:
        found, layer = {start: 0}, [start]
        for hops in range(1, depth + 1):
            edges = [e for u in layer for e in self._core.graph.edges.get(u, ())]
            layer = [u for u in dict.fromkeys(e.unit for e in edges) if u not in found and not u.is_module]
            found.update(dict.fromkeys(layer, hops))
        return found

    def _is(self, call: code.Call, unit: Unit, what: str) -> bool:
        known = getattr(self._symbols, what)
        return isinstance(call.function, code.Member | code.Name) and any(
            isinstance(v, External) and v.path in known for v in self._core.resolver.values(call.function, unit)
        )


def _is_draw(test: code.Expression, unit: Unit) -> bool:
    """`random() < RATE`, `draw < share`, `hash(id) % 100 < percent`."""
    for node in code.walk(test):
        if isinstance(node, code.Operation) and node.operator in ("<", "<=", ">", ">=", "=="):
            drawn = [_draws(operand, unit) for operand in node.operands]
            if any(drawn) and not all(drawn):
                return True
    return False


def _draws(expression: code.Expression, unit: Unit) -> bool:
    """Whether an expression holds a random number or a hash, or a name bound to one."""
    for node in code.walk(expression):
        if isinstance(node, code.Call) and last_name(node.function) in _DRAWS:
            return True
        if isinstance(node, code.Name):
            bound = [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
            if any(
                isinstance(n, code.Call) and last_name(n.function) in _DRAWS
                for value in bound
                for n in code.walk(value)
            ):
                return True
    return False


def _sets_quality(unit: Unit) -> bool:
    """Whether a unit sets a gauge that is named for quality."""
    return any(
        last_name(call.function) == "set"
        and isinstance(call.function, code.Member)
        and _SCORED.search(last_name(call.function.base)) is not None
        for call in unit.calls
    )


def _compares_and_tells(unit: Unit) -> bool:
    """Whether a unit holds a score against a limit, and tells somebody where it falls short."""
    for node in unit.blocks:
        if isinstance(node, code.If):
            compared = [
                n
                for n in code.walk(node.test)
                if isinstance(n, code.Operation) and n.operator in ("<", "<=", ">", ">=")
            ]
            if any(_mentions_score(n) for n in compared):
                inner = [n for s in node.body for n in code.walk(s)]
                if any(
                    isinstance(n, code.Raise) or (isinstance(n, code.Call) and last_name(n.function) in _TELLS)
                    for n in inner
                ):
                    return True
    return False


def _mentions_score(node: code.Node) -> bool:
    return any(_SCORED.search(_word(n)) for n in code.walk(node) if isinstance(n, code.Name | code.Member))


def _word(node: code.Node) -> str:
    """What a node of a condition is called: a name, a member, or the key of a setting."""
    match node:
        case code.Name():
            return node.id
        case code.Member():
            return node.name
        case code.Constant(value=str() as text):
            return text
        case _:
            return ""
