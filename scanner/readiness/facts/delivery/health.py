"""Can anybody ask the service whether it is well, and does somebody? check health-and-readiness-endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.health_answers import HealthAnswers
from readiness.facts.delivery.health_probes import HealthProbe
from readiness.facts.inputs.request_knowledge import load_requests
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.routes import Routes, joined
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Place
from readiness.repository.tree import Role

_SEGMENT = re.compile(
    r"_?-?(health|healthz|healthy|health[-_]?checks?|livez?|liveness|alive|readyz?|readiness|ping|heartbeat|startupz?|check-?up)",
    re.I,
)
_DOCUMENTATION = frozenset({"/docs", "/redoc", "/openapi.json", "/docs/", "/apidocs", "/swagger"})
_BUILT_IN = {"streamlit": ("/_stcore/health", "/healthz"), "chainlit": (), "gradio": ("/",)}
_SERVERLESS = frozenset({"serverless", "sam", "zappa"})
_BY_CALL = frozenset({"add_api_route", "add_route", "add_url_rule", "path", "re_path"})


@dataclass(slots=True, eq=False)
class HealthRoute:
    """A route that tells how the service is.

    `can_fail`: it can answer with an error status when something the service needs is missing. `runs_model`: asking it
    asks a remote model. `needs_auth`: it refuses who has no credentials, as a probe has none.
    `returns_pair`: it returns `(body, status)` in a framework that sends such a pair with status 200. `probed`: a probe
    that can succeed asks it.
    """

    place: Place
    text: str
    path: str
    can_fail: bool = False
    runs_model: bool = False
    needs_auth: bool = False
    returns_pair: bool = False
    probed: bool = False
    built_in: bool = False

    @property
    def sound(self) -> bool:
        """Probed, open to the probe, able to say no, and free of charge."""
        return self.probed and self.can_fail and not (self.needs_auth or self.runs_model)


@dataclass(frozen=True, slots=True)
class Health:
    """The health of an HTTP service. `served`: it serves HTTP by itself, not through a serverless platform.

    `probes` are those that can succeed: their tool is in the image and their path exists; `broken_probes` the others.
    """

    served: bool
    routes: tuple[HealthRoute, ...]
    probes: tuple[HealthProbe, ...]
    broken_probes: tuple[HealthProbe, ...]


def find_health(core: Core) -> Health:
    """The health routes of serving code, and the probes of its deployment."""
    finder = _Finder(core)
    routes = [*finder.routes(), *finder.registered()]
    working, broken = [], []
    for probe in core.deployment.probes:
        if not probe.can_succeed:
            broken.append(probe)
        elif not probe.path:
            working.append(probe)
        else:
            target = finder.target(probe, routes)
            (working if target is not None and not target.needs_auth else broken).append(probe)
            if target is not None:
                target.probed = True
                if target not in routes and not _is_documentation(target.path):
                    routes.append(target)
    return Health(finder.is_served(), tuple(routes), tuple(working), tuple(broken))


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._routes, self._answers = core, Routes(core), HealthAnswers(core)
        self._entries = [
            e for e in core.entry_points
            if e.kind in ("http", "websocket", "ui")
            and e.unit.module.role is Role.SERVING
            and core.imports.importable(e.unit)
        ]  # fmt: skip

    def is_served(self) -> bool:
        """Whether the repository serves HTTP itself."""
        if not self._entries:
            return False
        knowledge = load_requests()
        adapted = any(
            isinstance(v, External) and v.path in knowledge.adapters
            for unit in self._core.serving_units()
            for call in unit.calls
            for v in self._core.resolver.values(call.function, unit)
        )
        platforms = any(p.kind in _SERVERLESS for p in self._core.deployment.platforms)
        return not ((adapted or platforms) and not self._core.deployment.images)

    def routes(self) -> Iterator[HealthRoute]:
        """The health routes among the entry points."""
        for entry in self._entries:
            if entry.kind != "http" or (entry.methods and not entry.methods & {"GET", "HEAD"}):
                continue
            paths = self._routes.paths(entry)
            named = next((p for p in paths if is_health_path(p)), None)
            if named is None and "/" in [joined("", entry.route), *paths] and self._answers.names_a_status(entry.unit):
                named = paths[0]
            if named is not None:
                yield self._route(entry, named)

    def registered(self) -> Iterator[HealthRoute]:
        """Routes whose handler a library brings: `app.add_api_route("/health", health([...]))`."""
        known = {id(e.unit) for e in self._entries}
        for unit in self._core.serving_units():
            for call in unit.calls:
                name = getattr(call.function, "name", getattr(call.function, "id", ""))
                if name not in _BY_CALL or len(call.arguments) < 2 or not isinstance(call.arguments[1], code.Call):
                    continue
                path = self._text(call.arguments[0], unit)
                if path and is_health_path(path):
                    handled = [
                        v for v in self._core.resolver.values(call.arguments[1], unit) if isinstance(v, External)
                    ]
                    if handled and id(unit) not in known:
                        yield HealthRoute(unit.at(call), f"{name}({path})", joined("", path), can_fail=True)

    def target(self, probe: HealthProbe, routes: list[HealthRoute]) -> HealthRoute | None:
        """The route a probe asks."""
        path = joined("", probe.path.partition("?")[0])
        for route in routes:
            if _same(route.path, path):
                return route
        for entry in self._entries:
            found = next((p for p in self._routes.paths(entry) if _same(p, path)), None)
            if (
                found is None
                and not self._routes.is_included(entry)
                and path.endswith(joined("", entry.route))
                and entry.route != "/"
            ):
                found = path
            if found is not None and entry.kind == "http":
                known = next((r for r in routes if r.place == entry.place), None)
                return known or self._route(entry, found)
            if path in _BUILT_IN.get(entry.framework, ()):
                return HealthRoute(entry.place, f"{entry.framework} answers {path}", path, built_in=True)
        if _is_documentation(path) and any(e.framework in ("fastapi", "litestar") for e in self._entries):
            return HealthRoute(probe.place, f"generated page {path}", path, built_in=True)
        return None

    def _route(self, entry: EntryPoint, path: str) -> HealthRoute:
        within = self._core.reached_from(entry)
        return HealthRoute(
            place=entry.place,
            text=f"GET {path}",
            path=path,
            can_fail=self._answers.can_fail(entry),
            runs_model=any(c.remote and not c.is_probe and u in within for c in self._core.calls for _, u in c.runs),
            needs_auth=self._answers.needs_auth(entry, list(self._routes.dependencies(entry))),
            returns_pair=self._answers.returns_pair(entry),
        )

    def _text(self, expression: code.Expression, unit: Unit) -> str:
        values = self._core.resolver.values(expression, unit)
        return next((v.value for v in values if isinstance(v, Known) and isinstance(v.value, str)), "")


def is_health_path(path: str) -> bool:
    """Whether a path is one by which services are asked how they are."""
    segments = [s for s in path.strip("/").split("/") if s]
    return bool(segments) and not any("{" in s for s in segments) and any(_SEGMENT.fullmatch(s) for s in segments[-2:])


def _same(route: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^/]*?\\\}|<[^/]*?>", "[^/]+", re.escape(route))
    return route == path or (("{" in route or "<" in route) and re.fullmatch(pattern, path) is not None)


def _is_documentation(path: str) -> bool:
    return path in _DOCUMENTATION
