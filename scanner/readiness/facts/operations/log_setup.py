"""How serving code sets its logs up: whether lines are objects, and carry the id of a request.

check `structured-correlated-logs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.operations.log_lines import LogLine, LogLines
from readiness.facts.operations.measured import around_requests
from readiness.facts.operations.monitoring_knowledge import LogSymbols
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_ID = re.compile(
    r"^(?:x[_-])?(?:request|req|correlation|trace|transaction|run|invocation|otel|otel_?trace|dd\.trace|message)[_.-]?id$",
    re.I,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENVIRONMENT = re.compile(
    r"(?:^|_)(?:env|environment|stage|prod|production|debug|dev|development|local|tty|isatty|deployed|testing"
    r"|handlers|hashandlers|configured|initialized)(?:$|_)",
    re.I,
)
"""Names of conditions that tell where the code runs, or whether it ran before, rather than what somebody opted for."""
_PACKAGES = frozenset(
    {"structlog", "pythonjsonlogger", "json_log_formatter", "loguru", "logging", "asgi_correlation_id", "logfire",
     "aws_lambda_powertools", "google", "ecs_logging", "logstash_formatter", "logstash_async", "opentelemetry", "azure",
     "flask_log_request_id", "django_guid", "starlette_context"}
)  # fmt: skip
_CONFIGURED = (".conf", ".ini", ".cfg", ".yaml", ".yml", ".toml", ".json")
_PRINTS_PER_LINE = 1 / 1000


@dataclass(frozen=True, slots=True)
class LogSetup:
    """One place where logs are set up. `always`: not only where somebody turned it on."""

    place: Place
    text: str
    always: bool = True


@dataclass(frozen=True, slots=True)
class Logging:
    """How serving code logs.

    `structured` are set-ups of lines that are objects, `correlated` what puts an id on lines; there `always` means on
    every line of every entry point.
    """

    logged: tuple[Evidence, ...]
    prints: tuple[Evidence, ...]
    size: int
    structured: tuple[LogSetup, ...]
    correlated: tuple[LogSetup, ...]

    @property
    def exists(self) -> bool:
        """Whether there are logs at all, and not mostly prints."""
        return len(self.logged) > len(self.prints)

    @property
    def printless(self) -> bool:
        """At most one print in a thousand lines."""
        return len(self.prints) <= self.size * _PRINTS_PER_LINE

    @property
    def whole(self) -> bool:
        """Objects by default, each with an id, and no prints beside them."""
        return (
            bool(self.logged)
            and self.printless
            and any(s.always for s in self.structured)
            and any(s.always for s in self.correlated)
        )

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        if not any(s.always for s in self.structured):
            return "lines are objects only where somebody turns that on" if self.structured else "lines are plain text"
        if not self.correlated:
            return "no line says which request it belongs to"
        if not any(s.always for s in self.correlated):
            return "only some lines say which request they belong to"
        return f"{len(self.prints)} calls of print leave lines that are neither objects nor carry an id"


def find_logging(core: Core, symbols: LogSymbols, lines: LogLines, alive: frozenset[Unit]) -> Logging:
    """How serving code logs."""
    setup = _Setup(core, symbols, alive)
    return Logging(
        logged=_shown(lines.logged),
        prints=_shown(lines.printed),
        size=lines.size,
        structured=tuple(sorted(setup.structured(), key=lambda s: (not s.always, s.place))),
        correlated=tuple(sorted(setup.correlated(), key=lambda s: (not s.always, s.place))),
    )


def _shown(lines: list[LogLine]) -> tuple[Evidence, ...]:
    return tuple(Evidence(line.place, line.text) for line in sorted(lines, key=lambda line: line.place))


class _Setup:
    def __init__(self, core: Core, symbols: LogSymbols, alive: frozenset[Unit]) -> None:
        self._core, self._symbols = core, symbols
        serving = [u for u in alive if u.module.role is Role.SERVING]
        self._units = sorted(serving, key=lambda u: (u.place, u.qualified))
        self._near = [u for u in self._units if _imports_logging(u)]
        self._entries = [e for e in core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]

    def structured(self) -> Iterator[LogSetup]:
        """What makes each line an object."""
        for unit in self._near:
            for node, path in self._references(unit):
                if path in self._symbols.renderers:
                    yield LogSetup(unit.at(node), last_name(_function(node)), self._by_default(node, unit))
            for call in unit.calls:
                given = call.keyword("serialize") if last_name(call.function) == "add" else None
                if given is not None and self._is(call, unit, ("loguru.logger.add",)):
                    first = self._core.resolver.values(given, unit)[0]
                    if not (isinstance(first, Known) and not first.value):
                        yield LogSetup(unit.at(call), "serialize=True", self._by_default(call, unit))
        for info in self._core.program.classes:
            if info.module.role is Role.SERVING and self._formats_json(info):
                for made, unit in self._core.program.calls_by_name.get(info.node.name, ()):
                    if unit.module.role is Role.SERVING:
                        yield LogSetup(unit.at(made), info.node.name, self._by_default(made, unit))
        yield from self._configured()

    def correlated(self) -> Iterator[LogSetup]:
        """What puts an id on lines."""
        for unit in self._near:
            for node, path in self._references(unit):
                if path in self._symbols.correlating:
                    yield LogSetup(unit.at(node), last_name(_function(node)))
            for call in unit.calls:
                if any(k.name and _is_id(k.name) for k in call.keywords) and self._binds(call, unit):
                    yield LogSetup(unit.at(call), last_name(call.function), self._everywhere(unit))
            if self._adds_id(unit):
                yield LogSetup(unit.place, unit.name)

    # -- objects -------------------------------------------------------------------------------------------------

    def _references(self, unit: Unit) -> Iterator[tuple[code.Node, str]]:
        """What of the logging packages a unit calls or hands over."""
        seen: set[code.Node] = set()
        for call in unit.calls:
            for node in (call, *call.arguments, *(k.value for k in call.keywords)):
                expression = node.function if isinstance(node, code.Call) else node
                if node in seen or not isinstance(expression, code.Name | code.Member):
                    continue
                seen.add(node)
                for value in self._core.resolver.values(expression, unit):
                    if isinstance(value, External):
                        yield node, value.path

    def _is(self, call: code.Call, unit: Unit, paths: tuple[str, ...]) -> bool:
        return any(isinstance(v, External) and v.path in paths for v in self._core.resolver.values(call.function, unit))

    def _by_default(self, node: code.Node, unit: Unit) -> bool:
        """Whether a line runs unless somebody turned it off, or wherever the service is deployed."""
        inner: code.Node = node
        for above in unit.enclosing(node):
            if isinstance(above, code.If | code.Choice):
                then = above.body if isinstance(above, code.If) else [above.then]
                if not self._is_usual(above.test, unit, taken=any(inner is one for one in then)):
                    return False
            inner = above
        return True

    def _is_usual(self, test: code.Expression, unit: Unit, *, taken: bool) -> bool:
        names = [_name(node) for node in code.walk(test)]
        if any(_ENVIRONMENT.search(name) for name in names):
            return True
        first = self._core.resolver.values(test, unit)[0]
        return isinstance(first, Known) and bool(first.value) is taken

    def _formats_json(self, info: ClassInfo) -> bool:
        """A formatter of the project's own that writes JSON, or one that changes what another writes."""
        bases = self._core.resolver.classes.bases(info)[1]
        if any(base in self._symbols.renderers for base in bases):
            return True
        method = info.methods.get("format")
        written = method is not None and any(last_name(c.function) in ("dumps", "to_json") for c in method.calls)
        return written and any(base.endswith("Formatter") for base in bases)

    def _configured(self) -> Iterator[LogSetup]:
        """Formatters that a logging configuration names, in a mapping of the code or in a file of its own."""
        for path, text in self._core.observations.sources.items():
            if self._core.observations.files[path].role is not Role.SERVING:
                continue
            named = next((n for n in self._symbols.named_renderers if n in text), "")
            if not named:
                continue
            match = re.search(rf"(?:[\"']?(?:class|\(\))[\"']?\s*[:=]\s*[\"']?){re.escape(named)}", text)
            if match is not None and (path.endswith(_CONFIGURED) or path.endswith(".py")):
                line = text.count("\n", 0, match.end()) + 1
                yield LogSetup(Place(path, line, line), named.rstrip("."))

    # -- ids -----------------------------------------------------------------------------------------------------

    def _binds(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call binds a name to the lines that follow, and these lines show what is bound."""
        for value in self._core.resolver.values(call.function, unit):
            path = value.path if isinstance(value, External) else ""
            if path in self._symbols.binding:
                return not path.startswith("structlog.") or self._merges()
        return False

    def _merges(self) -> bool:
        return any(
            any(
                isinstance(v, External) and v.path in self._symbols.merging
                for v in self._core.resolver.values(node, unit)
            )
            for unit in self._near
            for node in unit.parents
            if isinstance(node, code.Member | code.Name) and last_name(node).startswith("merge_")
        )

    def _everywhere(self, unit: Unit) -> bool:
        """Whether what a unit binds reaches the lines of every entry point."""
        return _is_middleware(unit, self._entries) or all(
            unit in self._core.reached_from(entry) for entry in self._entries
        )

    def _adds_id(self, unit: Unit) -> bool:
        """Whether a unit puts an id on a record that passes it: a filter, a formatter, a processor, a factory."""
        parameters = {p.name for p in unit.function.parameters} if unit.function is not None else set()
        if not parameters & {"record", "event", "event_dict", "args"}:
            return False
        for member, _ in unit.members:
            if _is_id(member.name) and isinstance(member.base, code.Name):
                return True
        named = {"record", "event", "event_dict"} & parameters
        for node in unit.parents:
            if isinstance(node, code.Mapping) and named:
                spread = any(k is None and isinstance(v, code.Name) and v.id in named for k, v in node.items)
                if spread and any(_is_constant_id(k) for k, _ in node.items):
                    return True
        return any(_is_constant_id(key) for name in named for key, _ in unit.items.get(name, ()))


def _imports_logging(unit: Unit) -> bool:
    """Whether a unit's module imports a package of logs; what does not sets none up."""
    statements = (*unit.module.body.imports.values(), *unit.imports.values())
    return any(s.module.partition(".")[0] in _PACKAGES for s in statements)


def _is_middleware(unit: Unit, entries: list[EntryPoint]) -> bool:
    return around_requests(unit) and not any(unit in e.units for e in entries)


def _is_constant_id(key: code.Expression | None) -> bool:
    return isinstance(key, code.Constant) and isinstance(key.value, str) and _is_id(key.value)


def _is_id(name: str) -> bool:
    return _ID.search(_CAMEL.sub("_", name)) is not None


def _function(node: code.Node) -> code.Expression:
    assert isinstance(node, code.Expression)
    return node.function if isinstance(node, code.Call) else node


def _name(node: code.Node) -> str:
    """What a node of a condition is called: a name, a member, or the key of a variable of the environment."""
    match node:
        case code.Name():
            return node.id
        case code.Member():
            return node.name
        case code.Constant(value=str() as text):
            return text
        case _:
            return ""
