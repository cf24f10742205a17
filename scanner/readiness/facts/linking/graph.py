"""Who runs what: calls, callbacks and registrations between the units of the repository."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from readiness.extract import code
from readiness.facts.linking.aliases import alias_of
from readiness.facts.linking.handed import INSPECTING, Handed
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import (
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Pipe,
    Step,
    Unknown,
    Value,
    Values,
)
from readiness.repository.tree import Role

MAX_KIN = 20
"""A class with more descendants than this says nothing about which of them an object is."""

MAX_NAMESAKES = 3
"""A method of an unknown object is taken for the repository's own when no more than this many methods bear its name."""

_DATA = ("pandas.", "polars.", "ray.data.", "datasets.", "pyspark.", "dask.")
"""Packages of data sets: a function given to `map` is run there and then, and not by who uses the data later."""

_COMMON = frozenset(
    {
        "get", "set", "run", "call", "load", "save", "close", "open", "start", "stop", "update", "create", "delete",
        "add", "append", "invoke", "process", "execute", "predict", "write", "read", "send", "items", "keys", "values",
        "join", "format", "split", "copy", "clear", "pop", "name", "generate", "stream", "query", "search",
    }
)  # fmt: skip
"""Names that too many objects have a method of to tell whose is meant."""


_CODECS = frozenset({"utf-8", "utf8", "UTF-8", "ascii", "latin-1", "latin1", "utf-8-sig", "utf-16", "cp1252"})
_LOOKING = frozenset({"getattr", "hasattr", "isinstance", "str", "repr", "id", "type"})
"""What Python brings to look at an object."""

_DESCRIBING = frozenset(
    {
        "name", "agent_name", "description", "handoff_description", "handoffs", "tools", "instructions", "model",
        "input_guardrails", "output_guardrails", "guardrail_function", "__name__",
    }
)  # fmt: skip
"""Attributes of an agent that tell about it."""

_ANSWERING = ("http.server.", "socketserver.", "tornado.web.", "tornado.websocket.")
"""Handlers of requests: what their methods do (`self.send_header(…)`) is answer, not call the subclass again."""


class Edge(NamedTuple):
    """One unit runs another. `is_call` when `node` calls it outright, not hands it to somebody who will."""

    unit: Unit
    node: code.Node
    is_call: bool


MAX_NESTING = 3
"""Graphs inside graphs that are looked into."""


class CallGraph:
    """The edges between units, each with the call or reference that makes it."""

    def __init__(self, program: Program, resolver: Resolver, applications: frozenset[str] = frozenset()) -> None:
        """`applications` are the paths of web applications and routers: the outside world runs their handlers."""
        self._resolver, self._program, self._applications = resolver, program, applications
        self._handed = Handed(resolver)
        self._steps: dict[code.Call, tuple[Unit, ...]] = {}
        self.registered: dict[code.Call, list[Unit]] = defaultdict(list)
        self.nodes: dict[code.Call, list[tuple[code.Call, Unit]]] = defaultdict(list)
        """The calls that give an object things to run (`graph.add_node("a", prompt | model)`), by its constructor."""
        self.own: dict[code.Call, frozenset[Unit]] = {}
        """What is registered with an object itself; `registered` also has what graphs that are its nodes run."""
        self._register()
        self.edges: dict[Unit, list[Edge]] = {u: list(self._edges(u)) for u in program.units}
        self.callers: dict[Unit, list[Edge]] = defaultdict(list)
        """Who runs a unit: edges whose `unit` is the caller."""
        for caller, edges in self.edges.items():
            for edge in edges:
                self.callers[edge.unit].append(edge._replace(unit=caller))

    def reach(self, starts: Iterable[Unit], without: frozenset[Unit] = frozenset()) -> dict[Unit, int]:
        """Every unit that runs when one of `starts` does, with its hops; not `without`, nor what only those run."""
        hops = dict.fromkeys(starts, 0)
        queue = deque(hops)
        while queue:
            unit = queue.popleft()
            for edge in self.edges.get(unit, ()):
                if edge.unit not in hops and edge.unit not in without:
                    hops[edge.unit] = hops[unit] + 1
                    queue.append(edge.unit)
        return hops

    def _register(self) -> None:
        """Functions handed to an object (`graph.add_node(f)`, `@agent.tool`): running the object runs them."""
        for unit in self._program.units:
            for call in unit.calls:
                if isinstance(call.function, code.Member):
                    self._add(call.function, self._handed.to(call, unit).units, unit)
                    if call.function.name == "add_node":
                        for made in self._made(call.function.base, unit):
                            self.nodes[made].append((call, unit))
            if unit.function is not None:
                for decorator in unit.function.decorators:
                    target = decorator.function if isinstance(decorator, code.Call) else decorator
                    if isinstance(target, code.Member):
                        self._add(target, (unit,), unit.parent or unit)

        self.own = {made: frozenset(units) for made, units in self.registered.items()}
        self._nest()

    def _nest(self) -> None:
        """A graph that is a node of another one runs whatever its own nodes do."""
        inner = {
            made: {
                step.call
                for call, unit in given
                for argument in (*call.arguments, *(k.value for k in call.keywords))
                for value in self._resolver.values(argument, unit)
                if isinstance(value, External)
                for step in value.steps[:1]
                if step.call is not made and step.call in self.nodes
            }
            for made, given in self.nodes.items()
        }
        for _ in range(MAX_NESTING):
            for made, graphs in inner.items():
                known = self.registered[made]
                known.extend(u for g in graphs for u in self.registered[g] if u not in known)

    def _add(self, function: code.Member, callbacks: tuple[Unit, ...], unit: Unit) -> None:
        if callbacks:
            for made in self._made(function.base, unit):
                self.registered[made].extend(callbacks)

    def _made(self, expression: code.Expression, unit: Unit) -> Iterator[code.Call]:
        """The calls that made the library objects an expression can be."""
        for value in self._resolver.values(expression, unit):
            if isinstance(value, External) and value.steps and not value.path.startswith(_DATA):
                yield value.steps[0].call

    def _edges(self, unit: Unit) -> Iterator[Edge]:
        for call in unit.calls:
            run = dict.fromkeys(self._targets(call, unit))
            if not self._only_looks(call, unit):
                run.update(dict.fromkeys((target, False) for target in self._callbacks(call, unit)))
            yield from (Edge(target, call, is_call) for target, is_call in run)
        yield from self._injected(unit)
        for target in self._loaded(unit):
            yield Edge(target, unit.body[0] if unit.body else code.Jump(1, 1, "pass", []), False)

    def _injected(self, unit: Unit) -> Iterator[Edge]:
        """What a framework runs to fill a unit's parameters: `user=Depends(get_user)`, `Annotated[A, Depends(…)]`."""
        scope = unit.parent or unit
        for parameter in unit.function.parameters if unit.function is not None else ():
            given = [(e, scope) for e in (parameter.default, parameter.annotation) if e is not None]
            if parameter.annotation is not None:
                given.extend(filter(None, [alias_of(parameter.annotation, scope, self._program)]))
            for expression, home in given:
                for node in code.walk(expression):
                    if isinstance(node, code.Call):
                        yield from (Edge(t, node, False) for t in self._callbacks(node, home))

    def _loaded(self, unit: Unit) -> Iterator[Unit]:
        """What runs because a unit's definition does: class bodies, properties read."""
        for info in unit.classes.values():
            if info.body is not None and info.unit is unit:
                yield info.body
        if unit.function is not None and unit.nested:
            yield from unit.nested.values()
        for expression in unit.returns:
            # A function that hands an agent over (`return self.faq_agent`) hands over what that agent runs.
            if isinstance(expression, code.Name | code.Member):
                handed = self._handed.by(expression, unit)
                yield from handed.units
                for made in handed.objects:
                    yield from self.registered.get(made, ())

    def _targets(self, call: code.Call, unit: Unit) -> Iterator[tuple[Unit, bool]]:
        values = self._resolver.values(call.function, unit)
        found = False
        for value in values:
            for target, direct in self._run_by(value):
                found = True
                yield target, direct
        if isinstance(call.function, code.Member):
            for target in self._inherited(call.function, values, unit):
                found = True
                yield target, True
        if not found and all(isinstance(v, Unknown) for v in values):
            yield from ((target, True) for target in self._namesakes(call))

    def _inherited(self, function: code.Member, values: Values, unit: Unit) -> Iterator[Unit]:
        """A method that a library's class brings (`chain.invoke`) runs the methods the project's subclass fills in."""
        if any(isinstance(v, External) and not v.path.startswith(_ANSWERING) for v in values):
            for receiver in self._resolver.values(function.base, unit):
                if isinstance(receiver, Instance) and self._handed.is_driven(receiver.info):
                    yield from self._filled_in(receiver.info)

    def _filled_in(self, info: ClassInfo) -> Iterator[Unit]:
        """The methods of a class, and of those that inherit from it, that a framework calls."""
        for owner in (info, *self._resolver.classes.children(info)):
            for name, method in owner.methods.items():
                if name not in ("__init__", "__post_init__", "__repr__", "__str__"):
                    yield method

    def _run_by(self, value: Value) -> Iterator[tuple[Unit, bool]]:
        """The units that calling a value runs, and whether the call is a call of the unit itself."""
        match value:
            case FunctionValue(unit):
                yield from ((method, True) for method in self._overrides(unit))
            case ClassValue(info):
                yield from ((method, False) for method in self._constructing(info))
            case Instance(info):
                method = self._resolver.classes.called(info)
                if method is not None:
                    yield method, True
                elif self._handed.is_driven(info):
                    # An object of which only a base of everything is known may run anything: that is reach, not a call.
                    is_call = len(self._resolver.classes.children(info)) <= MAX_KIN
                    yield from ((method, is_call) for method in self._filled_in(info))
            case External(path, steps) if not self._runs_nothing(path):
                for step in steps:
                    yield from ((unit, False) for unit in self._behind(step))
            case Pipe(parts):
                for inner in (value for part in parts for value in part):
                    yield from ((unit, False) for unit, _ in self._run_by(inner))
            case Bound(function=inner):
                yield from self._run_by(inner)

    def _runs_nothing(self, path: str) -> bool:
        """Methods that only look at an object, and those of a web application: `blueprint.send_static_file("icon")`."""
        owner, _, name = path.rpartition(".")
        looks = not INSPECTING.isdisjoint(path.replace("()", "").split("."))
        return looks or (owner in self._applications and name != "run")

    def _behind(self, step: Step) -> tuple[Unit, ...]:
        """The functions given to, or registered with, what one call made."""
        known = self._steps.get(step.call)
        if known is None:
            given = dict.fromkeys((*self._callbacks(step.call, step.unit), *self.registered.get(step.call, ())))
            known = self._steps[step.call] = tuple(given)
        return known

    def _overrides(self, unit: Unit) -> Iterator[Unit]:
        """A method and those that override it: which one runs is decided when it runs."""
        yield unit
        if unit.owner is not None:
            for child in self._resolver.classes.children(unit.owner):
                if unit.name in child.methods:
                    yield child.methods[unit.name]

    def _constructing(self, info: ClassInfo) -> Iterator[Unit]:
        for name in ("__init__", "__post_init__", "__new__"):
            method = self._resolver.classes.method(info, name)
            if method is not None:
                yield method
        if self._handed.is_driven(info):
            yield from info.methods.values()

    def _callbacks(self, call: code.Call, unit: Unit) -> Iterator[Unit]:
        """The functions a call is given, and those registered with an object it is given."""
        handed = self._handed.to(call, unit)
        yield from handed.units
        for made in handed.objects:
            yield from self.registered.get(made, ())

    def _only_looks(self, call: code.Call, unit: Unit) -> bool:
        """Whether what is called only reads attributes of the object it is given: a function of the repository too."""
        if isinstance(call.function, code.Name) and call.function.id in _LOOKING:
            asked = call.arguments[1] if call.function.id == "getattr" and len(call.arguments) > 1 else None
            return asked is None or (isinstance(asked, code.Constant) and asked.value in _DESCRIBING)
        values = self._resolver.values(call.function, unit) if len(call.arguments) == 1 and not call.keywords else ()
        if len(values) != 1 or not isinstance(values[0], FunctionValue):
            return False
        target = values[0].unit
        own = target.function.parameters if target.function is not None and target.owner is None else ()
        if len(own) != 1 or target.nested or target.function is None or target.function.decorators:
            return False
        uses = [(n, p) for n, p in target.parents.items() if isinstance(n, code.Name) and n.id == own[0].name]
        return bool(uses) and all(_is_read(node, above, target) for node, above in uses)

    def _namesakes(self, call: code.Call) -> Iterator[Unit]:
        name = last_name(call.function)
        if isinstance(call.function, code.Member) and len(name) > 3 and name not in _COMMON and not _of_text(call):
            candidates = [u for u in self._program.methods_by_name.get(name, []) if u.module.role is not Role.NOTEBOOK]
            if 0 < len(candidates) <= MAX_NAMESAKES:
                yield from candidates


def _of_text(call: code.Call) -> bool:
    """Whether it is a text's own method that is called: `f"…".encode()`, `body.encode("utf-8")`, `data.decode()`."""
    if isinstance(call.function, code.Member) and isinstance(call.function.base, code.Constant | code.Template):
        return True
    given = call.arguments[:1]
    return last_name(call.function) in ("encode", "decode") and (
        not (given or call.keywords) or any(isinstance(a, code.Constant) and a.value in _CODECS for a in given)
    )


def _is_read(node: code.Name, above: code.Node | None, unit: Unit) -> bool:
    """Whether an attribute of an object is read, and not called: `agent.name`, `getattr(agent, "tools", [])`."""
    if isinstance(above, code.Call):
        reads = isinstance(above.function, code.Name) and above.function.id in _LOOKING
    else:
        reads = isinstance(above, code.Member) and above.base is node
    further = unit.parents.get(above) if reads and above is not None else None
    return reads and not (isinstance(further, code.Call) and further.function is above)
