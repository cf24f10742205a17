"""How often one caller may come: rate limits of each entry point that asks a model, and whom they count."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.inputs.size_tests import refuses
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.routes import Routes
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Known, LambdaValue
from readiness.facts.place import Evidence, Place
from readiness.facts.scale.infrastructure import find_in_front
from readiness.facts.scale.knowledge import ScaleKnowledge, load_scale, paths_of

_KEYS = ("key_func", "identifier", "key_function", "key")
_DEFAULTS = ("default_limits", "application_limits", "global_limits")


@dataclass(frozen=True, slots=True)
class Limit:
    """One rate limit. `per_caller`: it counts who asks, not where from. `off`: the shipped default leaves it off."""

    place: Place
    text: str
    per_caller: bool
    off: bool = False


@dataclass(slots=True, eq=False)
class LimitedEntry:
    """One entry point that reaches a model, with the best limit on its way; `in_front`: only what stands before it."""

    place: Place
    text: str
    limit: Limit | None
    in_front: Evidence | None
    reachable: bool = True


def find_limited(core: Core, requests: Iterable[RequestEntry]) -> list[LimitedEntry]:
    """The entry points that reach a model, with what refuses a caller who comes too often."""
    found = [r for r in requests if r.importable]
    if not found:
        return []
    finder, front = _Finder(core, load_scale()), find_in_front(core, load_scale())
    return [LimitedEntry(r.place, r.text, finder.of(r.entry), front[0] if front else None) for r in found]


class _Finder:
    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known, self._routes = core, known, Routes(core)
        self._in: dict[Unit, tuple[Limit, ...]] = {}
        self._whole = list(self._of_application())

    def of(self, entry: EntryPoint) -> Limit | None:
        """The limit that knows most about who asks, and is on."""
        found = [*self._decorating(entry), *self._whole]
        starts = list(entry.units)
        for expression, unit in self._routes.dependencies(entry):
            for node in code.walk(expression):
                if isinstance(node, code.Call):
                    found.extend(self._dependency(node, unit))
                    for argument in node.arguments[:1]:
                        values = self._core.resolver.values(argument, unit)
                        starts.extend(v.unit for v in values if isinstance(v, FunctionValue))
        live = self._live(starts)
        reached = dict.fromkeys(self._core.graph.reach(starts))
        for unit in reached:
            found.extend(Limit(f.place, f.text, f.per_caller, unit not in live or f.off) for f in self._inside(unit))
        return min(found, key=lambda f: (f.off, not f.per_caller, f.place), default=None)

    def _live(self, starts: Iterable[Unit]) -> set[Unit]:
        """The units that run with the settings the repository ships."""
        seen = set(starts)
        queue = deque(seen)
        while queue:
            unit = queue.popleft()
            for edge in self._core.graph.edges.get(unit, ()):
                if edge.unit not in seen and not self._off(edge.node, unit):
                    seen.add(edge.unit)
                    queue.append(edge.unit)
        return seen

    def _off(self, node: code.Node, unit: Unit) -> bool:
        """Whether a line stands in a branch that the default settings do not take."""
        inner = node
        for above in unit.enclosing(node):
            if isinstance(above, code.If) and inner in above.body:
                value = next(iter(self._core.resolver.values(above.test, unit)), None)
                if isinstance(value, Known) and not value.value:
                    return True
            inner = above
        return False

    # -- what a library brings ---------------------------------------------------------------------------------

    def _decorating(self, entry: EntryPoint) -> Iterator[Limit]:
        for unit in entry.units:
            function = unit.function.decorators if unit.function is not None else []
            owner = unit.owner.node.decorators if unit.owner is not None else []
            for decorator in (*function, *owner):
                for value in self._core.resolver.values(decorator, unit.parent or unit.module.body):
                    if isinstance(value, External) and value.path in self._known.limit_decorators:
                        yield Limit(unit.at(decorator), _words(value.path), self._counts_callers(value))
            if unit.owner is not None and "throttle_classes" in unit.owner.attributes:
                yield Limit(unit.owner.place, "throttle_classes", True)

    def _counts_callers(self, value: External) -> bool:
        """Whether the nearest key function on the way to a limiter tells callers apart by more than their address."""
        for step in reversed(value.steps):
            for name in _KEYS:
                given = step.call.keyword(name)
                if given is not None:
                    return self._identifies(given, step.unit)
            if step.path in self._known.limiters and step.call.arguments:
                return any(self._identifies(a, step.unit) for a in step.call.arguments)
        return False

    def _identifies(self, key: code.Expression, unit: Unit) -> bool:
        if isinstance(key, code.Lambda):
            return not self._is_address(key.body, unit)
        for value in self._core.resolver.values(key, unit):
            match value:
                case External(path, _, _):
                    return path not in self._known.per_address
                case FunctionValue(function):
                    return self._reads_identity(function)
                case LambdaValue(node, home):
                    return not self._is_address(node.body, home)
                case Known(value=str() as text):
                    return text not in ("ip", "header:x-real-ip", "header:x-forwarded-for")
        return False

    def _reads_identity(self, function: Unit) -> bool:
        """Whether a key function reads more of a request than the address it comes from: a header, a user, a state."""
        for node in code.walk(function.body):
            if isinstance(node, code.Member) and node.name in self._known.identity_members:
                return True
            header = _header(node)
            if header and header.lower() not in self._known.address_headers:
                return True
        return False

    def _is_address(self, expression: code.Expression, unit: Unit, depth: int = 2) -> bool:
        """Whether an expression is made of where a request comes from, and of nothing else of it."""
        if isinstance(expression, code.Constant):
            return True
        for node in code.walk(expression):
            if isinstance(node, code.Member) and node.name in self._known.address_members:
                return True
            if isinstance(node, code.Call):
                for value in self._core.resolver.values(node.function, unit):
                    if isinstance(value, External) and value.path in self._known.per_address:
                        return True
                    if isinstance(value, FunctionValue) and depth and value.unit.returns:
                        return all(self._is_address(r, value.unit, depth - 1) for r in value.unit.returns)
            if isinstance(node, code.Name) and depth and node.id in unit.bindings:
                bound = [b.value for b in unit.bindings[node.id] if b.value is not None]
                if bound and all(self._is_address(b, unit, depth - 1) for b in bound):
                    return True
        return False

    def _dependency(self, node: code.Call, unit: Unit) -> Iterator[Limit]:
        for path in paths_of(node.function, unit, self._core.resolver):
            if path in self._known.limit_dependencies:
                key = next((k for k in (node.keyword(n) for n in _KEYS) if k is not None), None)
                yield Limit(unit.at(node), _words(path), key is not None and self._identifies(key, unit))

    def _of_application(self) -> Iterator[Limit]:
        """Limits that hold on every route: middlewares, and defaults of a limiter that the application has."""
        middlewares: list[Unit] = []
        slow = False
        for unit in self._core.serving_units():
            for call in unit.calls:
                if last_name(call.function) in ("add_middleware", "Middleware") and call.arguments:
                    for value in self._core.resolver.values(call.arguments[0], unit):
                        if isinstance(value, External) and value.path in self._known.limit_middlewares:
                            slow = True
                        elif isinstance(value, ClassValue):
                            middlewares.extend(
                                m for name, m in value.info.methods.items() if name in ("dispatch", "__call__")
                            )
            for decorator in unit.function.decorators if unit.function is not None else ():
                name = last_name(decorator.function if isinstance(decorator, code.Call) else decorator)
                if name in ("middleware", "before_request", "before_app_request"):
                    middlewares.append(unit)
        for unit in self._core.graph.reach(middlewares):
            yield from self._inside(unit)
        yield from self._defaults(slow)

    def _defaults(self, slow: bool) -> Iterator[Limit]:
        for unit in self._core.serving_units():
            for call in unit.calls:
                if not any(call.keyword(name) is not None for name in _DEFAULTS):
                    continue
                for value in self._core.resolver.values(call, unit):
                    if not isinstance(value, External) or value.path.removesuffix("()") not in self._known.limiters:
                        continue
                    if slow or not value.path.startswith("slowapi."):
                        yield Limit(unit.at(call), _words(value.path), self._counts_callers(value))

    # -- what code counts itself -------------------------------------------------------------------------------

    def _inside(self, unit: Unit) -> tuple[Limit, ...]:
        known = self._in.get(unit)
        if known is None:
            known = self._in[unit] = (*self._injected(unit), *self._asked(unit), *self._counted(unit))
        return known

    def _injected(self, unit: Unit) -> Iterator[Limit]:
        """`Depends(RateLimiter(times=5))` among the parameters."""
        scope = unit.parent or unit.module.body
        for parameter in unit.function.parameters if unit.function is not None else ():
            for expression in filter(None, (parameter.default, parameter.annotation)):
                for node in code.walk(expression):
                    if isinstance(node, code.Call):
                        yield from self._dependency(node, scope)

    def _asked(self, unit: Unit) -> Iterator[Limit]:
        for call in unit.calls:
            if isinstance(call.function, code.Member):
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._known.limit_calls:
                        given = call.arguments[1:] or call.arguments
                        per_caller = bool(given) and not all(self._is_address(a, unit) for a in given)
                        yield Limit(unit.at(call), _words(value.path), per_caller, self._off(call, unit))
                        break

    def _counted(self, unit: Unit) -> Iterator[Limit]:
        """A count within a window that ends in a refusal: `if hits[user] >= LIMIT: raise …`."""
        if unit.function is None or not self._has_window(unit):
            return
        for node in (*unit.parents, *unit.body):
            if isinstance(node, code.If) and refuses(node.body) and self._compares_count(node.test, unit):
                yield Limit(unit.at(node), "a count of requests", self._per_caller(unit), self._off(node, unit))
                return

    def _has_window(self, unit: Unit) -> bool:
        return any(
            path in self._known.clocks or path in self._known.counters
            for call in unit.calls
            if isinstance(call.function, code.Member | code.Name)
            for path in paths_of(call.function, unit, self._core.resolver)
        )

    def _compares_count(self, test: code.Expression, unit: Unit) -> bool:
        for node in code.walk(test):
            compares = isinstance(node, code.Operation) and node.operator in (">", ">=", "<", "<=")
            if compares and isinstance(node, code.Operation) and any(self._is_count(o, unit) for o in node.operands):
                return True
        return False

    def _is_count(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an expression counts something that outlives the call, and that the function counts up."""
        match expression:
            case code.Call(function=code.Name(id="len"), arguments=[counted]):
                return self._is_added_to(counted, unit)
            case code.Name(id=name):
                bound = [b.value for b in unit.bindings.get(name, ()) if b.value is not None]
                return any(self._is_counter(b, unit) or self._is_count_call(b, unit) for b in bound)
            case code.Index(key=code.Name(id=key)) if any(b.how != "value" for b in unit.bindings.get(key, ())):
                return False  # one of several things that a loop goes through
            case code.Index() | code.Member():
                return _counts_up(expression, unit)
            case _:
                return self._is_counter(expression, unit)

    def _is_count_call(self, expression: code.Expression, unit: Unit) -> bool:
        return isinstance(expression, code.Call) and last_name(expression.function) == "len" and self._is_count(
            expression, unit
        )  # fmt: skip

    def _is_counter(self, expression: code.Expression, unit: Unit) -> bool:
        inner = expression.value if isinstance(expression, code.Await) else expression
        return isinstance(inner, code.Call) and any(
            path in self._known.counters for path in paths_of(inner.function, unit, self._core.resolver)
        )

    def _is_added_to(self, counted: code.Expression, unit: Unit) -> bool:
        """Whether the same function adds to what is measured (`hits.append(now)`), which something else keeps."""
        kept = isinstance(counted, code.Index | code.Member) or (
            isinstance(counted, code.Name)
            and any(
                b.how == "value" and isinstance(b.value, code.Index | code.Member | code.Call)
                for b in unit.bindings.get(counted.id, ())
            )
        )
        return kept and any(last_name(c.function) in ("append", "appendleft", "add") for c in unit.calls)

    def _per_caller(self, unit: Unit) -> bool:
        """Whether a count of the project's own is kept for each caller, and not for each address or for all."""
        keys = [n.key for n in unit.parents if isinstance(n, code.Index) and not isinstance(n.key, code.Constant)]
        keys += [a for c in unit.calls if isinstance(c.function, code.Member) for a in c.arguments[:1]]
        keys = [k for k in keys if not isinstance(k, code.Constant | code.Slice)]
        if not keys or any(self._is_address(k, unit) for k in keys):
            return False
        names = {p.name for p in unit.function.parameters} if unit.function is not None else set()
        given = [
            argument
            for edge in self._core.graph.callers.get(unit, ())
            if isinstance(edge.node, code.Call)
            for argument in (*edge.node.arguments, *(k.value for k in edge.node.keywords))
            if self._is_address(argument, edge.unit) and not isinstance(argument, code.Constant)
        ]
        return not given or not names


def _counts_up(counted: code.Index | code.Member, unit: Unit) -> bool:
    """Whether the same function adds to what is compared: `hits[user] += 1`."""
    name = dotted(counted if isinstance(counted, code.Member) else counted.base)
    for node in (*unit.parents, *unit.body):
        if isinstance(node, code.Assign) and node.operator is not None:
            for target in node.targets:
                if isinstance(target, type(counted)):
                    added = dotted(target if isinstance(target, code.Member) else target.base)
                    if added == name and added:
                        return True
    return False


def _header(node: code.Node) -> str:
    """The header that an expression reads: `request.headers["x-user"]`, `request.headers.get("x-user")`."""
    match node:
        case code.Index(base=code.Member(name="headers"), key=code.Constant(value=str() as name)):
            return name
        case code.Call(function=code.Member(base=code.Member(name="headers"), name="get"),
                       arguments=[code.Constant(value=str() as name), *_]):  # fmt: skip
            return name
        case _:
            return ""


def _words(path: str) -> str:
    return path.replace("()", "").rpartition(".")[2] if path.count(".") > 3 else path.replace("()", "")
