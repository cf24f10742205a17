"""What of serving code runs when the service does: set-up code is started by a server's command, not by an import."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import ModuleInfo, Unit
from readiness.facts.linking.values import ClassValue
from readiness.repository.tree import Role

_SERVED = frozenset({"app", "application", "server", "api", "asgi_app", "wsgi_app", "asgi", "wsgi"})
"""The names of a module's objects that servers are told to run."""
_HOOKS = frozenset(
    {"middleware", "before_request", "after_request", "teardown_request", "before_app_request", "after_app_request",
     "exception_handler", "errorhandler", "on_event", "before_serving", "context_processor", "listener", "on_request",
     "on_response", "before_server_start"}
)  # fmt: skip


def alive(core: Core, nearby: Nearby) -> frozenset[Unit]:
    """The units that run when the application does, and those of modules that hand it to a server."""
    bodies = [
        m.body
        for m in core.program.modules.values()
        if m.role is Role.SERVING and m.body not in nearby.loaded and _SERVED & m.body.bindings.keys()
    ]
    found = nearby.loaded | _closed(core, bodies)
    return found | core.graph.reach(_around_requests(core, found)).keys()


def _closed(core: Core, bodies: list[Unit]) -> frozenset[Unit]:
    """What runs when these modules are loaded, with all that they import."""
    modules: dict[ModuleInfo, None] = dict.fromkeys(body.module for body in bodies)
    queue = list(modules)
    while queue:
        module = queue.pop()
        for statement in module.body.imports.values():
            for found in core.program.named_by(statement, module):
                if found not in modules and found.role is Role.SERVING:
                    modules[found] = None
                    queue.append(found)
    return frozenset(core.graph.reach(module.body for module in modules))


def _around_requests(core: Core, found: frozenset[Unit]) -> Iterator[Unit]:
    """Middleware and hooks of modules that are loaded: the framework runs them, and no call of the repository does."""
    modules = {unit.module for unit in found if unit.module.role is Role.SERVING}
    for unit in core.program.units:
        decorators = unit.function.decorators if unit.function is not None and unit.module in modules else []
        for decorator in decorators:
            target = decorator.function if isinstance(decorator, code.Call) else decorator
            if isinstance(target, code.Member) and target.name in _HOOKS:
                yield unit
    for name in ("add_middleware", "Middleware"):
        for call, unit in core.program.calls_by_name.get(name, ()):
            for given in call.arguments[:1] if unit.module in modules else ():
                for value in core.resolver.values(given, unit):
                    if isinstance(value, ClassValue):
                        yield from value.info.methods.values()
