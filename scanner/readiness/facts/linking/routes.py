"""The full path of every route: what its decorator says, below the prefixes of the routers it hangs on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known

MAX_NESTING = 8
"""Routers inside routers."""


class Routes:
    """Composes paths; also tells which dependencies a route takes from its routers."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._included: dict[code.Call, list[tuple[code.Call | None, str, code.Call, Unit]]] = defaultdict(list)
        self._own: dict[code.Call, Unit] = {}
        for name in ("include_router", "register_blueprint", "mount", "add_api_blueprint"):
            for call, unit in core.program.calls_by_name.get(name, ()):
                self._include(name, call, unit)
        for unit in core.program.units:
            for call in unit.calls:
                if last_name(call.function).endswith(("Router", "Blueprint", "FastAPI", "Starlette", "Flask", "Quart")):
                    self._own[call] = unit

    def paths(self, entry: EntryPoint) -> list[str]:
        """Every full path that leads to a handler."""
        own = list(dict.fromkeys([entry.route, *self._decorated(entry)]))
        prefixes = self._prefixes(entry.app[0], 0) if entry.app else [""]
        return [joined(prefix, path) for path in own for prefix in prefixes]

    def is_included(self, entry: EntryPoint) -> bool:
        """Whether the way from the application to the route is seen in full."""
        call = entry.app[0] if entry.app else None
        return call is None or not last_name(call.function).endswith(("Router", "Blueprint")) or call in self._included

    def dependencies(self, entry: EntryPoint) -> Iterator[tuple[code.Expression, Unit]]:
        """What runs before the handler: `dependencies=` of the route, of its routers and of their inclusions."""
        scope = entry.unit.parent or entry.unit
        if entry.decorator is not None:
            yield from _listed(entry.decorator, scope)
        stack = [entry.app[0]] if entry.app else []
        seen: set[code.Call] = set()
        while stack and len(seen) < 40:
            router = stack.pop()
            if router in seen:
                continue
            seen.add(router)
            yield from _listed(router, self._own.get(router, scope))
            for parent, _, call, unit in self._included.get(router, ()):
                yield from _listed(call, unit)
                if parent is not None:
                    stack.append(parent)

    def applications(self, entry: EntryPoint) -> frozenset[code.Call]:
        """The calls that made the application and the routers a route hangs on, as far as the way is seen."""
        stack = [entry.app[0]] if entry.app else []
        seen: set[code.Call] = set()
        while stack and len(seen) < 40:
            router = stack.pop()
            if router not in seen:
                seen.add(router)
                stack.extend(parent for parent, _, _, _ in self._included.get(router, ()) if parent is not None)
        return frozenset(seen)

    def _include(self, name: str, call: code.Call, unit: Unit) -> None:
        position = 1 if name == "mount" else 0
        child = (
            call.keyword("router")
            or call.keyword("app")
            or (call.arguments[position] if len(call.arguments) > position else None)
        )
        if child is None or not isinstance(call.function, code.Member):
            return
        prefix = self._prefix(call, unit) if name != "mount" else self._text(call.arguments[0], unit)
        parents = [v.steps[0].call for v in self._core.resolver.values(call.function.base, unit)
                   if isinstance(v, External) and v.steps]  # fmt: skip
        for value in self._core.resolver.values(child, unit):
            if isinstance(value, External) and value.steps:
                self._included[value.steps[0].call].append((parents[0] if parents else None, prefix, call, unit))

    def _prefixes(self, router: code.Call, depth: int) -> list[str]:
        own = self._prefix(router, self._own[router]) if router in self._own else ""
        included = self._included.get(router, ())
        if not included or depth > MAX_NESTING:
            return [own]
        found: list[str] = []
        for parent, prefix, _, _ in included:
            above = self._prefixes(parent, depth + 1) if parent is not None and parent is not router else [""]
            found.extend(joined(joined(outer, prefix), own) for outer in above)
        return list(dict.fromkeys(found))[:20]

    def _prefix(self, call: code.Call, unit: Unit) -> str:
        given = call.keyword("prefix") or call.keyword("url_prefix")
        return self._text(given, unit) if given is not None else ""

    def _text(self, expression: code.Expression, unit: Unit) -> str:
        values = self._core.resolver.values(expression, unit)
        return next((v.value for v in values if isinstance(v, Known) and isinstance(v.value, str)), "")

    def _decorated(self, entry: EntryPoint) -> Iterator[str]:
        function = entry.unit.function
        for decorator in function.decorators if function is not None else ():
            if isinstance(decorator, code.Call) and (decorator.arguments or decorator.keyword("path")):
                argument = decorator.keyword("path") or decorator.arguments[0]
                text = self._text(argument, entry.unit.parent or entry.unit)
                if text.startswith("/"):
                    yield text


def joined(prefix: str, path: str) -> str:
    """Two parts of a path as one, with one slash between them and none at the end."""
    parts = [p for p in (prefix.strip("/"), path.strip("/")) if p]
    return "/" + "/".join(parts)


def _listed(call: code.Call, unit: Unit) -> Iterator[tuple[code.Expression, Unit]]:
    given = call.keyword("dependencies")
    if isinstance(given, code.Sequence):
        yield from ((item, unit) for item in given.items)
