"""Functions that run before every handler of an application: middleware and `before_request` hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance
from readiness.repository.tree import Role

_HOOKS = frozenset({"middleware", "before_request", "before_app_request", "before_websocket", "on_request"})
_ADDING = frozenset({"add_middleware", "Middleware"})
_DISPATCH = ("dispatch", "__call__", "process_request", "on_request")


class Before(NamedTuple):
    """One function that runs before handlers: of which application (None where that is not seen), and its class."""

    unit: Unit | None
    app: code.Call | None
    external: External | None
    node: code.Node
    where: Unit


def find_middleware(core: Core) -> tuple[Before, ...]:
    """Every middleware and hook of serving code."""
    found: list[Before] = []
    for unit in core.serving_units():
        for decorator in unit.function.decorators if unit.function is not None else ():
            target = decorator.function if isinstance(decorator, code.Call) else decorator
            if isinstance(target, code.Member) and target.name in _HOOKS:
                found.extend(
                    Before(unit, app, None, decorator, unit) for app in _apps(core, target.base, unit.parent or unit)
                )
    for name in (*_HOOKS, *_ADDING):
        for call, unit in core.program.calls_by_name.get(name, ()):
            if unit.module.role is Role.SERVING:
                found.extend(_added(core, call, unit, name))
    for call, unit in _called_hooks(core):
        function = call.function
        if isinstance(function, code.Call) and isinstance(function.function, code.Member):
            for app in _apps(core, function.function.base, unit):
                found.extend(_of(core, call.arguments[0], unit, app, call))
    return tuple(found)


def _called_hooks(core: Core) -> Iterator[tuple[code.Call, Unit]]:
    """`app.middleware("http")(function)`: the call of what a call gave."""
    for unit in {u for _, u in core.program.calls_by_name.get("middleware", ())}:
        for call in unit.calls:
            if (
                isinstance(call.function, code.Call)
                and last_name(call.function.function) == "middleware"
                and call.arguments
            ):
                yield call, unit


def _added(core: Core, call: code.Call, unit: Unit, name: str) -> Iterator[Before]:
    given = call.keyword("middleware_class") or (call.arguments[0] if call.arguments else None)
    function = call.keyword("dispatch") or call.keyword("f")
    if name in _HOOKS and isinstance(given, code.Constant):
        return
    base = call.function.base if isinstance(call.function, code.Member) and name != "Middleware" else None
    apps = _apps(core, base, unit) if base is not None else [None]
    for expression in (given, function):
        for app in apps if expression is not None else ():
            assert expression is not None
            yield from _of(core, expression, unit, app, call)


def _of(
    core: Core, expression: code.Expression, unit: Unit, app: code.Call | None, node: code.Node
) -> Iterator[Before]:
    for value in core.resolver.values(expression, unit):
        match value:
            case FunctionValue(target):
                yield Before(target, app, None, node, unit)
            case ClassValue(info) | Instance(info):
                for method in _dispatching(info):
                    yield Before(method, app, None, node, unit)
            case External():
                yield Before(None, app, value, node, unit)
            case _:
                continue


def _dispatching(info: ClassInfo) -> Iterator[Unit]:
    yield from (info.methods[name] for name in _DISPATCH if name in info.methods)


def _apps(core: Core, base: code.Expression, unit: Unit) -> list[code.Call | None]:
    made: list[code.Call | None] = [
        v.steps[0].call for v in core.resolver.values(base, unit) if isinstance(v, External) and v.steps
    ]
    return made or [None]
