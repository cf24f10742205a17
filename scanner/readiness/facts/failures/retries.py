"""How a failed model call is tried again: SDK settings, decorators, loops. check `llm-retry-backoff`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.resilience import Retrier, load_resilience
from readiness.facts.failures.retry_loops import Repetition, repetition
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, FunctionValue, Known, Unknown, Variable
from readiness.facts.place import Place

MAX_HOPS = 2
"""Callers above the function of a call whose decorators and loops are looked at (check `llm-retry-backoff`).

A helper that only its own module calls is no hop: how that is cut into functions says nothing about who tries again.
"""

MAX_DEPTH = 5
"""Callers on one way up, helpers included."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """One thing that repeats a call.

    `source`: sdk, default, decorator, loop or workflow. `times` is how often, None where it is not known as a number.
    `growing`: the wait grows from try to try. `unbounded`: nothing ends it. `wasted`: it stands on a generator, whose
    errors it never sees.
    """

    source: str
    place: Place
    text: str
    times: float | None = None
    growing: bool = False
    unbounded: bool = False
    wasted: bool = False

    @property
    def explicit(self) -> bool:
        """Whether somebody decided on it: no default, and no repetition of a whole job."""
        return self.source in ("sdk", "decorator", "loop")


@dataclass(slots=True, eq=False)
class RetryPlan:
    """All that repeats one remote model call. `unresolved`: whether the SDK does is not known; nothing else does."""

    call: ModelCall
    place: Place
    text: str
    reachable: bool
    retryings: list[Retrying] = field(default_factory=list)
    unresolved: bool = False
    variants: list[RetryPlan] = field(default_factory=list)

    @property
    def working(self) -> list[Retrying]:
        """Those that end and see the error."""
        return [r for r in self.retryings if not r.unbounded and not r.wasted and r.times != 0]

    @property
    def unbounded(self) -> list[Retrying]:
        """Those that go on for ever."""
        return [r for r in self.retryings if r.unbounded and not r.wasted]

    @property
    def backed_off(self) -> list[Retrying]:
        """The explicit ones whose wait grows."""
        return [r for r in self.working if r.explicit and r.growing]

    @property
    def product(self) -> float:
        """How many requests one failing call makes, where all that repeat it are added up."""
        total = 1.0
        for retrying in self.working:
            total *= (retrying.times or 0) + 1
        return total


def find_retry_plans(core: Core, calls: Iterable[ModelCall]) -> list[RetryPlan]:
    """The retry plans of remote calls; an agent that says nothing itself has the plan of the calls inside it."""
    finder = _Finder(core)
    return [finder.site(call) for call in calls]


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_resilience()
        self._of_unit: dict[Unit, list[Retrying]] = {}
        self._inside: dict[ModelCall, list[ModelCall]] = {}
        for call in core.calls:
            if call.inside is not None:
                self._inside.setdefault(call.inside, []).append(call)

    def site(self, call: ModelCall) -> RetryPlan:
        """The plan of a site, with those of its variants."""
        found = self._plan(call)
        found.variants = [self._plan(v) for v in call.variants]
        if found.unresolved and call in self._inside:
            inner = [self._plan(c, call) for c in self._inside[call] if c.remote and c.generates]
            decided = [plan for plan in inner if not plan.unresolved]
            if decided:
                decided[0].variants = decided[1:]
                return decided[0]
        return found

    def _plan(self, call: ModelCall, site: ModelCall | None = None) -> RetryPlan:
        shown = site or call
        plan = RetryPlan(shown, shown.place, shown.text, shown.reachable)
        limit, place = call.retries, call.retries.place or call.place
        if limit.explicit and limit.number is None and self._is_own_default(call):
            plan.retryings.append(Retrying("default", place, "the SDK's own number of retries", None, growing=True))
        elif limit.explicit:
            text = f"{limit.number:g} retries" if limit.number is not None else "retries"
            plan.retryings.append(Retrying("sdk", place, text, limit.number, growing=True))
        elif limit.number is not None:
            plan.retryings.append(
                Retrying("default", place, f"{limit.number:g} retries by default", limit.number, growing=True)
            )
        plan.retryings.extend(self._around(call))
        plan.unresolved = not plan.retryings and (limit.unresolved or limit.number is None)
        return plan

    def _is_own_default(self, call: ModelCall) -> bool:
        """Whether the code hands the SDK its own constant back (`max_retries=openai.DEFAULT_MAX_RETRIES`)."""
        values = list(call.setting("retries").resolved)
        for value in call.setting("retries").resolved:
            if isinstance(value, FunctionValue):
                values.extend(self._core.resolver.returned(value.unit))
        roots = self._core.knowledge.import_roots
        return any(isinstance(v, External) and not v.steps and v.path.partition(".")[0] in roots for v in values)

    # -- around the call ---------------------------------------------------------------------------------------

    def _around(self, call: ModelCall) -> Iterator[Retrying]:
        """Decorators and loops around a call in its function and in callers."""
        level: list[tuple[Unit, code.Node, int]] = [(unit, node, 0) for node, unit in call.runs]
        seen: set[Unit] = set()
        for _ in range(MAX_DEPTH + 1):
            following: list[tuple[Unit, code.Node, int]] = []
            for unit, node, hops in level:
                yield from self._loops(unit, node)
                if unit in seen:
                    continue
                seen.add(unit)
                yield from self._decorators(unit)
                callers = [e for e in self._core.graph.callers.get(unit, ()) if e.unit.module.role is unit.module.role]
                above = hops + any(edge.unit.module is not unit.module for edge in callers)
                above_it = callers if above <= MAX_HOPS else ()
                following.extend(
                    (edge.unit, edge.node, above)
                    for edge in above_it
                    if isinstance(edge.node, code.Call) and edge.unit not in seen
                )
            level = following

    def _decorators(self, unit: Unit) -> list[Retrying]:
        known = self._of_unit.get(unit)
        if known is None:
            known = self._of_unit[unit] = list(self._find_decorators(unit))
        return known

    def _find_decorators(self, unit: Unit) -> Iterator[Retrying]:
        if unit.function is None:
            return
        scope = unit.parent or unit
        for decorator in unit.function.decorators:
            for value in self._core.resolver.values(decorator, scope):
                if isinstance(value, External):
                    retrier = self._known.retriers.get(value.path.removesuffix("()"))
                    call = next((s.call for s in reversed(value.steps)), None)
                    owner = value.steps[-1].unit if value.steps else scope
                    if retrier is not None:
                        yield from self._retrier(retrier, call, owner, unit.at(decorator), unit.function.is_generator)
                elif isinstance(value, FunctionValue):
                    yield from self._own_decorator(value.unit, unit, decorator)
            if isinstance(decorator, code.Call):  # a decorator of the repository that takes arguments
                for value in self._core.resolver.values(decorator.function, scope):
                    if isinstance(value, FunctionValue):
                        yield from self._own_decorator(value.unit, unit, decorator)

    def _own_decorator(self, decorator: Unit, unit: Unit, node: code.Node) -> Iterator[Retrying]:
        """A decorator of the repository: the loop in its inner function around the function it was given."""
        stack = [decorator]
        while stack:
            inner = stack.pop()
            stack.extend(inner.nested.values())
            for call in inner.calls:
                if isinstance(call.function, code.Name) and inner.parameter(call.function.id) is None:
                    scope = inner.parent
                    if scope is not None and scope.parameter(call.function.id) is not None:
                        for found in self._loops(inner, call):
                            wasted = unit.function is not None and unit.function.is_generator
                            yield replace(found, source="decorator", place=unit.at(node), wasted=wasted)
                            return

    def _retrier(
        self, known: Retrier, call: code.Call | None, unit: Unit, place: Place, generator: bool
    ) -> Iterator[Retrying]:
        """What a library's decorator or context does, by its arguments."""
        if known.needs and (call is None or call.keyword(known.needs) is None):
            return
        bounded, times = known.bounded, None
        for name in known.bounds:
            argument = call.keyword(name) if call is not None else None
            for value in self._core.resolver.values(argument, unit) if argument is not None else ():
                if isinstance(value, External) and known.bounding:
                    bounded = bounded or value.path in known.bounding or "stop_" in value.path
                    times = times or self._number(value)
                elif not known.bounding:
                    unset = isinstance(value, Known) and (value.value is None or value.value in (-1, False))
                    bounded = bounded or not unset
                    times = times or (
                        float(value.value)
                        if isinstance(value, Known) and isinstance(value.value, int | float)
                        else None
                    )
                elif isinstance(value, Unknown | Variable):
                    bounded = True
            if (
                isinstance(argument, code.Operation) and known.bounding
            ):  # `stop_after_attempt(3) | stop_after_delay(30)`
                bounded = True
        source = "workflow" if known.workflow else "decorator"
        yield Retrying(
            source, place, "retry", times, known.grows or self._grows(known, call, unit), not bounded, generator
        )

    def _number(self, value: External) -> float | None:
        for step in value.steps:
            for argument in step.call.arguments[:1]:
                for number in self._core.resolver.values(argument, step.unit):
                    if isinstance(number, Known) and isinstance(number.value, int | float):
                        return max(float(number.value) - 1, 0.0)  # attempts, of which the first is no retry
        return None

    def _grows(self, known: Retrier, call: code.Call | None, unit: Unit) -> bool:
        if call is None or not known.waits:
            return False
        argument = call.keyword(known.waits) or (call.arguments[0] if known.growing and call.arguments else None)
        if argument is None:
            return False
        given = [argument] if not isinstance(argument, code.Operation) else argument.operands
        for part in given:
            for value in self._core.resolver.values(part, unit):
                if isinstance(value, External) and known.growing:
                    if value.path in known.growing:
                        return True
                elif isinstance(value, Known) and not known.growing and value.value:
                    return value.value is True or not isinstance(value.value, int | float) or value.value > 1
        return False

    def _loops(self, unit: Unit, node: code.Node) -> Iterator[Retrying]:
        """Loops around a line that repeat it when it fails, by hand or with a library's iterator."""
        child = node
        guarded: code.Try | None = None
        for above in unit.enclosing(node):
            if isinstance(above, code.Try) and child in above.body and above.handlers:
                guarded = guarded or above
            if isinstance(above, code.Loop) and child in above.body:
                retrier = self._iterated(above.subject, unit)
                if retrier is not None:
                    known, call, owner = retrier
                    yield from self._retrier(known, call, owner, unit.at(above), generator=False)
                elif guarded is not None:
                    found = repetition(above, guarded, unit, self._core.resolver, self._known)
                    if found is not None:
                        yield _by_hand(found, unit.at(above))
                guarded = None
            child = above

    def _iterated(self, subject: code.Expression, unit: Unit) -> tuple[Retrier, code.Call, Unit] | None:
        """`for attempt in Retrying(...)`, `for attempt in stamina.retry_context(...)`."""
        for value in self._core.resolver.values(subject, unit):
            if isinstance(value, External) and value.steps:
                known = self._known.retriers.get(value.path.removesuffix("()"))
                if known is not None:
                    return known, value.steps[-1].call, value.steps[-1].unit
        return None


def _by_hand(found: Repetition, place: Place) -> Retrying:
    return Retrying("loop", place, "a loop by hand", found.times, found.growing, found.unbounded)
