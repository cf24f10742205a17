"""Agents and tool loops, and what ends them: steps, time, tokens, construction. check `agent-loop-bounded`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.graph_cycles import GraphCycles
from readiness.facts.failures.handling import retried_by
from readiness.facts.failures.reactions import walk
from readiness.facts.failures.resilience import Symbols, load_resilience, stands_for
from readiness.facts.failures.retry_loops import counted, is_limited
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, FunctionValue, Items, Step
from readiness.facts.place import Place

MAX_HOPS = 2
"""Callers above a run or a loop in which a deadline is looked for, and calls below a loop in which the model is."""

_TOKENS = frozenset({"total_tokens", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "usage",
                     "usage_metadata", "total_cost", "cost"})  # fmt: skip


@dataclass(slots=True, eq=False)
class AgentLoop:
    """One agent, or one hand-written loop around a model that calls tools.

    `steps` is the limit on turns that holds, None where there is none; `explicit` tells that somebody set one (its
    number may still not be known). `run_bound`: time, tokens or money are limited for the whole run. `ends`: it has no
    way back from its tools to its model. `unresolved`: the limits cannot be read.
    """

    place: Place
    text: str
    reachable: bool
    explicit: bool = False
    steps: float | None = None
    run_bound: bool = False
    ends: bool = False
    by_hand: bool = False
    unresolved: bool = False


def find_agent_loops(core: Core, calls: Iterable[ModelCall]) -> list[AgentLoop]:
    """The agents among these calls, and the loops around them."""
    sites = list(calls)
    finder = _Finder(core)
    found = [finder.agent(c) for c in sites if c.is_agent and not finder.is_pipeline(c)]
    found += finder.by_hand([c for c in sites if c.generates and not c.is_agent])
    return sorted(found, key=lambda loop: loop.place)


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_resilience()
        self._cycles = GraphCycles(core)

    def is_pipeline(self, call: ModelCall) -> bool:
        """Whether a graph is a fixed sequence of steps whose models have no tools: no agent at all."""
        graph = self._graph(call)
        if graph is None or not self._cycles.ends(graph):
            return False
        inner = [c for c in self._core.calls if c.inside is call]
        return not any(c.is_agent or c.setting("tools").given for c in inner)

    # -- agents of frameworks ----------------------------------------------------------------------------------

    def agent(self, call: ModelCall) -> AgentLoop:
        """What bounds an agent run."""
        steps = call.steps
        found = AgentLoop(call.place, call.text, call.reachable, steps.explicit, steps.number)
        if call.setting("steps").none:
            found.explicit, found.steps = False, None
        found.run_bound = any(call.setting(k).given for k in ("time_limit", "token_limit")) or all(
            self._deadline(node, unit, MAX_HOPS) for node, unit in call.runs
        )
        found.ends = self._ends(call)
        unlimited = self._unlimited(call) or call.setting("steps").none
        found.unresolved = not steps.explicit and steps.number is None and not found.ends and not unlimited
        return found

    def _unlimited(self, call: ModelCall) -> bool:
        """Whether the framework is known to have no limit of its own."""
        known = self._core.knowledge.call(call.value.path)
        defaults = [*(known[1].defaults if known else ()), *call.sdk.defaults]
        first = next((d for d in defaults if "steps" in d.known), None)
        return first is not None and first.steps is None

    def _ends(self, call: ModelCall) -> bool:
        graph = self._graph(call)
        if graph is not None:
            return self._cycles.ends(graph)
        return call.sdk.name in self._known.one_answer_without_tools and self._has_no_tools(call)

    def _graph(self, call: ModelCall) -> code.Call | None:
        """The constructor of the graph that a site runs."""
        return next((s.call for s in call.value.steps if s.path in self._known.graphs), None)

    def _has_no_tools(self, call: ModelCall) -> bool:
        """Whether everything on the way to an agent is in sight and gives it no tools."""
        steps = [*call.value.steps, *self._inner_steps(call)]
        made = [s for s in steps if self._core.knowledge.client(s.path) is not None]
        if call.value.typed or not made or any(len(s.call.arguments) > 1 for s in made):
            return False
        for node, unit in [*((s.call, s.unit) for s in steps), *call.runs]:
            for keyword in node.keywords:
                gives = keyword.name is None or keyword.name in self._known.tool_arguments
                if gives and (keyword.name is None or not self._is_empty(keyword.value, unit)):
                    return False
        setting = call.setting("tools")
        if not setting.absent and not (
            setting.expression is not None and self._is_empty(setting.expression, call.unit)
        ):
            return False
        return not any(self._core.graph.registered.get(s.call) for s in made)

    def _inner_steps(self, call: ModelCall) -> list[Step]:
        """The calls that made the agent which a run is given as an argument (`Runner.run(agent)`)."""
        known = self._core.knowledge.call(call.value.path)
        found: list[Step] = []
        for name in known[1].inner if known else ():
            given = self._core.arguments.find(call.call, call.unit, name, known[1].positional if known else ())
            for value in given.values if given else ():
                if isinstance(value, External):
                    found.extend(value.steps)
        return found

    def _is_empty(self, expression: code.Expression, unit: Unit) -> bool:
        values = self._core.resolver.values(expression, unit)
        return all(
            isinstance(v, Items) and isinstance(v.literal, code.Sequence) and not v.literal.items for v in values
        )

    # -- deadlines ---------------------------------------------------------------------------------------------

    def _deadline(self, node: code.Node, unit: Unit, hops: int) -> bool:
        """Whether a limit on time stands around a line, in its unit or around every call of it."""
        child = node
        for above in unit.enclosing(node):
            calls = [above] if isinstance(above, code.Call) else []
            if isinstance(above, code.With) and child in above.body:
                calls = [c for c, _ in above.items if isinstance(c, code.Call)]
            if any(self._limits(call, unit) for call in calls):
                return True
            child = above
        edges = [
            e for e in self._core.graph.callers.get(unit, ()) if e.is_call and e.unit.module.role is unit.module.role
        ]
        return bool(edges) and hops > 0 and all(self._deadline(e.node, e.unit, hops - 1) for e in edges)

    def _limits(self, call: code.Call, unit: Unit) -> bool:
        for value in self._core.resolver.values(call.function, unit):
            name = self._known.deadlines.get(value.path) if isinstance(value, External) else None
            if name is not None:
                argument = call.keyword(name) or (call.arguments[-1] if call.arguments else None)
                return argument is not None and not (isinstance(argument, code.Constant) and argument.value is None)
        return False

    # -- loops by hand -----------------------------------------------------------------------------------------

    def by_hand(self, calls: list[ModelCall]) -> list[AgentLoop]:
        """Loops that ask a model until it is done, one site each; a model given tools outside a loop ends by itself."""
        lines: dict[Unit, list[tuple[code.Node, ModelCall]]] = defaultdict(list)
        for call in calls:
            lines[call.unit].append((call.call, call))
        found: dict[code.Node, AgentLoop] = {}
        looped: set[ModelCall] = set()
        for _ in range(MAX_HOPS + 1):
            outer: dict[Unit, list[tuple[code.Node, ModelCall]]] = defaultdict(list)
            for unit, nodes in lines.items():
                for node, call in nodes:
                    loop = self._loop_around(node, unit, call)
                    if loop is not None:
                        looped.add(call)
                        found.setdefault(loop, self._loop(loop, unit, call))
                    else:
                        outer = self._outwards(unit, call, outer)
            lines = outer
        single = [self._recursion(c) or AgentLoop(c.place, c.text, c.reachable, ends=True, by_hand=True) for c in calls
                  if c not in looped and c.is_invocation and c.setting("tools").given]  # fmt: skip
        return [*found.values(), *single]

    def _recursion(self, call: ModelCall) -> AgentLoop | None:
        """A function that asks a model with tools and then calls itself: a loop, limited by a parameter that counts."""
        unit = call.unit
        again = [e.node for e in self._core.graph.edges.get(unit, ()) if e.unit is unit and e.is_call]
        if unit.function is None or not again:
            return None
        found = AgentLoop(call.place, f"recursion around {call.name}", call.reachable, by_hand=True)
        found.explicit = any(
            isinstance(node, code.Operation) and node.operator in ("+", "-") and self._is_tested(node, unit)
            for line in again
            if isinstance(line, code.Call)
            for node in code.walk(line)
        )
        found.run_bound = self._deadline(call.call, unit, MAX_HOPS)
        return found

    def _is_tested(self, counting: code.Operation, unit: Unit) -> bool:
        """Whether a function compares the parameter that it counts up or down with something."""
        counted_names = {n.id for o in counting.operands for n in code.walk(o)
                         if isinstance(n, code.Name) and unit.parameter(n.id) is not None}  # fmt: skip
        return any(
            isinstance(n, code.Operation)
            and n.operator.strip() in ("<", ">", "<=", ">=", "==", "!=")
            and any(isinstance(o, code.Name) and o.id in counted_names for o in n.operands)
            for n in walk(unit.body)
        )

    def _outwards(
        self, unit: Unit, call: ModelCall, outer: dict[Unit, list[tuple[code.Node, ModelCall]]]
    ) -> dict[Unit, list[tuple[code.Node, ModelCall]]]:
        for edge in self._core.graph.callers.get(unit, ()):
            if edge.is_call and edge.unit.module.role is unit.module.role and len(outer[edge.unit]) < 20:
                outer[edge.unit].append((edge.node, call))
        return outer

    def _loop_around(self, node: code.Node, unit: Unit, call: ModelCall) -> code.Loop | None:
        """The innermost loop that goes on by what the model says: no walk over data, no retry, no wait for people."""
        child = node
        guarded: code.Try | None = None
        for above in unit.enclosing(node):
            if isinstance(above, code.Try) and child in above.body and above.handlers:
                guarded = guarded or above
            if isinstance(above, code.Loop):
                if child not in above.body or self._waits(above, unit) or above.is_async:
                    return None
                rounds = above.target is None or counted(above.subject, unit, self._core.resolver) is not None
                is_retry = guarded is not None and retried_by(guarded, unit) is above
                if rounds and (self._dispatches(above, unit, call) or (above.target is None and not is_retry)):
                    return above
            child = above
        return None

    def _dispatches(self, loop: code.Loop, unit: Unit, call: ModelCall) -> bool:
        """Whether a loop asks a model that has tools, or runs a function it looks up by name."""
        if call.setting("tools").given or call.setting("tools").unresolved:
            return True
        for node in walk(loop.body):
            if isinstance(node, code.Member) and node.name in ("tool_calls", "function_call", "tool_use"):
                return True
            if not isinstance(node, code.Call) or not isinstance(node.function, code.Index):
                continue
            if any(isinstance(v, FunctionValue) for v in self._core.resolver.values(node.function, unit)):
                return True
        return False

    def _waits(self, loop: code.Loop, unit: Unit) -> bool:
        """A loop that waits for a person or a message in each round: a chat at the terminal, a consumer."""
        for node in [*walk(loop.body), *code.walk(loop.subject)]:
            if isinstance(node, code.Call) and self._is(node, unit, self._known.waiting):
                return True
        return False

    def _loop(self, loop: code.Loop, unit: Unit, call: ModelCall) -> AgentLoop:
        kind = "for" if loop.target is not None else "while"
        place = Place(unit.module.path, loop.line, loop.end_line)
        found = AgentLoop(place, f"{kind} loop around {call.name}", call.reachable, by_hand=True)
        rounds = counted(loop.subject, unit, self._core.resolver) if loop.target is not None else None
        found.explicit = rounds is not None or (loop.target is None and is_limited(loop))
        found.steps = rounds if rounds is not None and rounds >= 0 else None
        found.run_bound = self._deadline(loop, unit, MAX_HOPS) or any(
            self._stops_by_budget(n, loop, unit) for n in walk(loop.body)
        )
        found.run_bound = found.run_bound or self._tests_budget(loop.subject, loop, unit)
        return found

    def _stops_by_budget(self, node: code.Node, loop: code.Loop, unit: Unit) -> bool:
        """A branch that leaves the loop when time or tokens are used up."""
        if not isinstance(node, code.If) or not self._tests_budget(node.test, loop, unit):
            return False
        return any(isinstance(n, code.Raise | code.Return) or (isinstance(n, code.Jump) and n.kind == "break")
                   for n in walk([*node.body, *node.otherwise]))  # fmt: skip

    def _tests_budget(self, test: code.Expression, loop: code.Loop, unit: Unit) -> bool:
        if not any(isinstance(n, code.Operation) and n.operator.strip()[:1] in ("<", ">") for n in code.walk(test)):
            return False
        assigned = [n for n in walk(loop.body) if isinstance(n, code.Assign) and n.value is not None]
        spending = [n for n in assigned if n.value is not None and self._is_spent(n.value, unit)]
        spent = {t.id for n in spending for t in n.targets if isinstance(t, code.Name)}
        return self._is_spent(test, unit) or any(isinstance(n, code.Name) and n.id in spent for n in code.walk(test))

    def _is_spent(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an expression reads a clock or a count of tokens."""
        for node in code.walk(expression):
            if isinstance(node, code.Member) and node.name in _TOKENS:
                return True
            if isinstance(node, code.Call) and self._is(node, unit, self._known.clocks):
                return True
        return False

    def _is(self, call: code.Call, unit: Unit, symbols: Symbols) -> bool:
        return stands_for(call.function, unit, self._core.resolver, symbols)
