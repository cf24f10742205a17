"""What becomes of a failed model call, on every way from it to an entry point. check `llm-errors-handled`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.catching import Catching, polls
from readiness.facts.failures.reactions import Failure, Reaction, Reactions, stays
from readiness.facts.failures.resilience import Resilience, load_resilience, stands_for
from readiness.facts.failures.streams import Streams
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue
from readiness.facts.place import Place

MAX_HOPS = 3
"""Modules above that of the call in which a handler is looked for (check `llm-errors-handled`: 3 hops).

A helper of the same module is no hop: how a module is cut into functions says nothing about who is responsible.
"""

MAX_DEPTH = 7
"""Functions on one way, helpers included."""

MAX_PATHS = 40
"""Ways from one call to its entry points that are told apart."""

_TASKS = frozenset({"create_task", "ensure_future"})

MAX_WALKED = 400
"""Ways that are walked to find them; code can be woven so that there are millions."""


@dataclass(frozen=True, slots=True)
class ErrorPath:
    """One way a failure takes from the call outwards, and what it meets there.

    `specific`: a handler names a class of the SDK, a network error or an error of the project. `broad`: a handler takes
    everything. `outcome`: it ends in a defined result, an answer or an error with a meaning. `exposed`: the raw text
    reaches the client. `recaught`: a broad handler further out catches what a specific one had turned it into.
    `swallowed`: it disappears. `unbound`: a name that the handler reads and nothing binds.
    """

    place: Place
    text: str
    handled: bool = False
    specific: bool = False
    broad: bool = False
    logged: bool = False
    outcome: bool = False
    exposed: bool = False
    recaught: bool = False
    swallowed: bool = False
    unbound: str = ""
    reply: str = ""
    status: int | None = None
    guards: tuple[tuple[code.Try, Unit], ...] = ()
    """The guarded blocks around it whose handlers see the failure, innermost first."""
    answer: tuple[code.Expression, Unit] | None = None
    is_second: bool = False
    """It starts in a handler: what fails there is already the answer to a failure."""
    units: tuple[Unit, ...] = ()
    """The functions it passes through, innermost first."""


@dataclass(slots=True, eq=False)
class CallFailure:
    """What becomes of a failure of one model call; one path for each way out."""

    call: ModelCall
    place: Place
    text: str
    reachable: bool
    paths: list[ErrorPath] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Trail:
    """A failure on its way out: what has happened so far, and whether it is over (`settled`)."""

    path: ErrorPath
    failure: Failure
    streaming: bool
    checked: tuple[Unit, ...] = ()
    """Where the project itself turns a bad answer into an error: the unit of an HTTP call by hand."""
    settled: bool = False


def find_call_failures(core: Core, calls: Iterable[ModelCall]) -> list[CallFailure]:
    """What becomes of a failure of each of these calls."""
    paths = ErrorPaths(core)
    return [CallFailure(c, c.place, c.text, c.reachable, paths.of(c)) for c in calls]


class ErrorPaths:
    """Follows failures from calls outwards."""

    def __init__(self, core: Core, known: Resilience | None = None) -> None:
        self._core, self._known = core, known or load_resilience()
        self._reactions = Reactions(core.resolver, self._known)
        self._catching = Catching(core.resolver, self._known, core.knowledge)
        self._streams = Streams(core.resolver, self._known)
        self._entries = {unit: e for e in core.entry_points for unit in e.units}
        self._framework = list(self._framework_handlers())

    def of(self, call: ModelCall) -> list[ErrorPath]:
        """The ways a failure of a call takes; those an entry point starts, where there are any."""
        found: list[ErrorPath] = []
        roots = self._catching.roots_of(call)
        checked = (call.unit,) if call.sdk.endpoints else ()
        for node, unit in call.runs:
            start = ErrorPath(call.place, call.text, units=(unit,))
            if call.setting("fallbacks").given:
                start = replace(start, handled=True, broad=True, outcome=True, reply="model")
            streaming = call.streams and len(call.runs) == 1
            trail = _Trail(start, Failure(), streaming, checked)
            for path in islice(self._climb(node, unit, trail, roots, 0), MAX_WALKED):
                if not any(_same(path, known) for known in found):
                    found.append(path)
                if len(found) >= MAX_PATHS:
                    break
        started = [p for p in found if p.units[-1] in self._core.started]
        return started or found

    def from_line(self, node: code.Node, unit: Unit, text: str, errors: frozenset[str]) -> list[ErrorPath]:
        """The ways an error takes that a line raises of itself; `errors` are the classes and packages it can be of."""
        trail = _Trail(ErrorPath(unit.at(node), text, units=(unit,)), Failure(), streaming=False)
        found = list(islice(self._climb(node, unit, trail, errors, 0), MAX_PATHS))
        started = [p for p in found if p.units[-1] in self._core.started]
        return started or found

    def _climb(
        self, node: code.Node, unit: Unit, trail: _Trail, roots: frozenset[str], hops: int
    ) -> Iterator[ErrorPath]:
        detached = False
        node = _awaited(node, unit) or node
        if any(isinstance(above, code.Handler) for above in unit.enclosing(node)):
            trail = replace(trail, path=replace(trail.path, is_second=True))
        if trail.streaming:
            read = self._streams.consumption(node, unit)
            detached, trail = read.detached, replace(trail, streaming=read.handed_on)
            if not read.handed_on and not read.detached:
                trail = self._through(read.node, read.unit or unit, trail, roots)
        else:
            trail = self._through(node, unit, trail, roots)
        if trail.settled:
            yield trail.path
            return
        if unit.function is not None and unit.function.is_generator:
            trail = replace(trail, streaming=True)
        callers = [] if detached or unit in self._entries else self._callers(unit, trail.path.units, hops)
        if not callers:
            yield trail.path if detached else self._at_top(unit, trail, roots)
            return
        for caller, line in callers:
            outer = replace(trail, path=replace(trail.path, units=(*trail.path.units, caller)))
            if isinstance(line, code.Call) and self._detaches(line, caller):
                yield outer.path
            else:
                yield from self._climb(line, caller, outer, roots, hops + (caller.module is not unit.module))

    def _callers(self, unit: Unit, passed: tuple[Unit, ...], hops: int) -> list[tuple[Unit, code.Node]]:
        """The lines of code of the same role at which an error of a unit comes out."""
        found: list[tuple[Unit, code.Node]] = []
        for edge in self._core.graph.callers.get(unit, ()):
            caller = edge.unit
            if caller.module.role is not unit.module.role or not isinstance(edge.node, code.Call) or caller in passed:
                continue
            if (hops >= MAX_HOPS and caller.module is not unit.module) or len(passed) >= MAX_DEPTH:
                continue
            if edge.is_call or self._hands_on(edge.node, caller):
                found.append((caller, edge.node))
        # A helper that runs what it is given serves many; an inner function comes out where it was defined and given.
        definers = {one.parent for one in passed if one.parent is not None and one.parent.function is not None}
        return [(caller, node) for caller, node in found if caller in definers] or found

    def _hands_on(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call that is given a function, or runs an object that holds it, raises what the function raises."""
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, External):
                if value.path in self._known.runners or value.path in self._known.detaching:
                    return True
                if self._core.knowledge.call(value.path) is not None:
                    return True
            if isinstance(value, ClassValue):
                return True
        return False

    def _detaches(self, call: code.Call, unit: Unit) -> bool:
        return stands_for(call.function, unit, self._core.resolver, self._known.detaching)

    # -- guarded blocks ----------------------------------------------------------------------------------------

    def _through(self, node: code.Node, unit: Unit, trail: _Trail, roots: frozenset[str]) -> _Trail:
        """A failure at a node meets the handlers around it in its unit, innermost first."""
        child = node
        for above in unit.enclosing(node):
            if isinstance(above, code.Try) and child in above.body:
                trail = self._meet(above, unit, trail, roots)
            elif isinstance(above, code.With) and child in above.body and self._suppresses(above, unit):
                path = replace(
                    trail.path, place=unit.at(above), text="contextlib.suppress(...)", handled=True, swallowed=True
                )
                return replace(trail, path=path, settled=True)
            if trail.settled:
                return trail
            child = above
        return trail

    def _suppresses(self, block: code.With, unit: Unit) -> bool:
        for context, _ in block.items:
            if isinstance(context, code.Call):
                for value in self._core.resolver.values(context.function, unit):
                    if isinstance(value, External) and value.path == "contextlib.suppress":
                        return any(isinstance(v, External) and v.path in ("Exception", "BaseException")
                                   for a in context.arguments for v in self._core.resolver.values(a, unit))  # fmt: skip
        return False

    def _meet(self, guarded: code.Try, unit: Unit, trail: _Trail, roots: frozenset[str]) -> _Trail:
        caught: list[tuple[str, Reaction]] = []
        if polls(guarded, unit, self._core.resolver):
            return trail
        for handler in guarded.handlers:
            kind = self._catching.kind(handler, unit, trail.failure, roots, trail.checked)
            if kind is None:
                continue
            caught.append((kind, self._reaction(handler, guarded, unit, trail.failure)))
            if kind == "broad" or trail.failure.raised is not None:
                break
        if not caught:
            return trail
        kind, first = caught[0]
        path, reactions = trail.path, [r for _, r in caught]
        again = kind == "broad" and path.specific and (first.escapes is None or first.escapes is not trail.failure)
        path = replace(
            path,
            place=first.place,
            text=first.text,
            specific=path.specific or kind != "broad",
            broad=path.broad or kind == "broad",
            logged=path.logged or any(r.logged for r in reactions),
            exposed=any(r.exposed for r in reactions),
            recaught=path.recaught or again,
            unbound=path.unbound or next((r.unbound for r in reactions if r.unbound), ""),
            reply=first.reply,
            status=first.status,
            guards=(*path.guards, (guarded, unit)),
            answer=(first.answer, unit) if first.answer is not None else None,
        )
        if first.escapes is None:
            path = replace(path, handled=True, swallowed=first.quiet, outcome=first.reply not in ("", "empty"))
            return replace(trail, path=path, settled=True)
        typed = self._catching.is_typed(first.escapes)
        path = replace(path, handled=typed, outcome=typed)
        return replace(trail, path=path, failure=first.escapes)

    def _reaction(self, handler: code.Handler, guarded: code.Try, unit: Unit, failure: Failure) -> Reaction:
        around = frozenset(n.name for n in unit.enclosing(handler) if isinstance(n, code.Handler) and n.name)
        text = f"except {self._catching.title(handler)}"
        found = self._reactions.read(handler.body, handler.name, unit, unit.at(handler), text, failure, around)
        if found.escapes is None:
            loop = retried_by(guarded, unit)
            if loop is not None and found.reply in ("", "empty"):
                return self._after(loop, found, unit, failure)
        return found

    def _after(self, loop: code.Loop, found: Reaction, unit: Unit, failure: Failure) -> Reaction:
        """A handler inside a retry loop: what it raises on its last try, or what follows the loop, is what remains."""
        if found.conditional is not None:
            return replace(found, escapes=found.conditional, reply="error")
        following = [*loop.otherwise, *_following(loop, unit)]
        rest = self._reactions.read(following, None, unit, found.place, found.text, failure) if following else None
        if rest is None or (rest.escapes is None and rest.reply in ("", "empty")):
            return found
        return replace(found, escapes=rest.escapes, reply=rest.reply, status=rest.status, answer=rest.answer,
                       quiet=False, logged=found.logged or rest.logged)  # fmt: skip

    # -- the outermost -----------------------------------------------------------------------------------------

    def _at_top(self, unit: Unit, trail: _Trail, roots: frozenset[str]) -> ErrorPath:
        """An error that leaves the handler of an entry point meets the handlers of the application."""
        entry = self._entries.get(unit)
        path = trail.path
        if entry is not None and entry.kind in ("http", "websocket") and not self._reactions.answers(trail.failure):
            for types, handler in self._framework:
                kind = self._catching.kind_of(types, handler.parent or handler, trail.failure, roots, trail.checked)
                if kind is None or handler.function is None:
                    continue
                name = next(
                    (p.name for p in handler.function.parameters if p.name not in ("self", "request", "req")), None
                )
                found = self._reactions.read(
                    handler.body, name, handler, handler.place, f"{handler.name}(...)", trail.failure
                )
                return replace(path, place=found.place, text=found.text, handled=True, outcome=True,
                               specific=path.specific or kind != "broad", broad=path.broad or kind == "broad",
                               logged=path.logged or found.logged, exposed=found.exposed, reply=found.reply,
                               recaught=path.recaught or (kind == "broad" and path.specific),
                               status=found.status)  # fmt: skip
        if (
            entry is not None
            and entry.kind == "queue"
            and not path.handled
            and self._keeps_failures(entry.decorator, unit)
        ):
            return replace(
                path, place=unit.place, text=f"{unit.name}(...)", handled=True, broad=True, logged=True, outcome=True
            )
        return path

    def _keeps_failures(self, decorator: code.Call | None, unit: Unit) -> bool:
        """A worker that is told what to do with failures: Celery's `autoretry_for`, a task class with `on_failure`."""
        if decorator is None:
            return False
        if decorator.keyword("autoretry_for") is not None:
            return True
        base = decorator.keyword("base")
        values = self._core.resolver.values(base, unit.parent or unit) if base is not None else ()
        return any(isinstance(v, ClassValue) and "on_failure" in v.info.methods for v in values)

    def _framework_handlers(self) -> Iterator[tuple[code.Expression, Unit]]:
        """(class, handler) of the application-wide exception handlers."""
        for unit in self._core.serving_units():
            if unit.function is not None:
                for decorator in unit.function.decorators:
                    if (
                        isinstance(decorator, code.Call)
                        and decorator.arguments
                        and self._is(decorator, unit.parent or unit, True)
                    ):
                        yield decorator.arguments[0], unit
            for call in unit.calls:
                registers = isinstance(call.function, code.Member) and "handler" in call.function.name
                if registers and len(call.arguments) == 2 and self._is(call, unit, False):
                    for value in self._core.resolver.values(call.arguments[1], unit):
                        if isinstance(value, FunctionValue):
                            yield call.arguments[0], value.unit

    def _is(self, call: code.Call, unit: Unit, decorator: bool) -> bool:
        known = self._known.handler_decorators if decorator else self._known.handler_registrations
        return stands_for(call.function, unit, self._core.resolver, known)


def _awaited(node: code.Node, unit: Unit) -> code.Node | None:
    """Where the failure of a coroutine comes out that is made a task of first: at `await task`, further down."""
    task = next((n for n in unit.enclosing(node) if isinstance(n, code.Call) and last_name(n.function) in _TASKS), None)
    kept = unit.parents.get(task) if task is not None else None
    if not isinstance(kept, code.Assign) or len(kept.targets) != 1 or not isinstance(kept.targets[0], code.Name):
        return None
    name = kept.targets[0].id
    waits = (n for n in unit.parents if isinstance(n, code.Await) and n.line >= kept.line)
    return next((w for w in waits if any(isinstance(n, code.Name) and n.id == name for n in code.walk(w))), None)


def _same(one: ErrorPath, other: ErrorPath) -> bool:
    """Whether two ways start at the same caller and end alike: the helpers between tell nothing."""
    return one.units[-1] is other.units[-1] and replace(one, units=()) == replace(other, units=())


def retried_by(guarded: code.Try, unit: Unit) -> code.Loop | None:
    """The loop that repeats a guarded block until it succeeds: success leaves it, and so it is no loop over items; some
    failure stays in it, and so it is no loop of an agent that gives up at the first."""
    if not any(stays(handler.body) for handler in guarded.handlers):
        return None
    for above in unit.enclosing(guarded):
        if isinstance(above, code.Loop):
            ways = (*guarded.body, *guarded.otherwise, *_following(guarded, unit))
            leaves = any(
                isinstance(n, code.Return) or (isinstance(n, code.Jump) and n.kind == "break")
                for way in ways
                for n in _shallow(way)
            )
            return above if leaves else None
    return None


def _shallow(statement: code.Node) -> Iterator[code.Node]:
    """The nodes of a statement without inner loops, functions and classes: a `break` in there leaves those."""
    stack = [statement]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, code.Loop | code.Function | code.Class | code.Lambda):
            stack.extend(code.children(node))


def _following(statement: code.Statement, unit: Unit) -> list[code.Statement]:
    """The statements after one in its own block."""
    above = unit.parents.get(statement)
    blocks = [unit.body] if above is None else [b for name in ("body", "otherwise", "final")
                                               if isinstance(b := getattr(above, name, None), list)]  # fmt: skip
    for block in blocks:
        if statement in block:
            return list(block[block.index(statement) + 1 :])
    return []
