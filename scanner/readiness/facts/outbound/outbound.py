"""How long the clients of other systems wait. check `outbound-timeouts`; rules-of-evidence.md, table E.

A fact is one client, or one call that needs none. Model calls and the transports of their SDKs are other checks'
matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.calls.options import Given
from readiness.facts.core import Core
from readiness.facts.failures.resilience import load_resilience
from readiness.facts.linking.units import ModuleInfo, Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items, Known, Text, Unknown, Value, Variable
from readiness.facts.outbound.clients import Client, Patience, load_outbound
from readiness.facts.place import Place
from readiness.repository.tree import Role

MAX_IN_LITERAL = 60
"""Entries of a mapping that are looked at for a timeout somewhere below."""


_PER_CALL = ("timeout", "read_timeout_seconds", "request_timeout")


@dataclass(frozen=True, slots=True)
class OutboundClient:
    """A client of another system, or a call that makes one for itself.

    `kind`: http, mcp, database, store, mail, ssh or process. `bound`: "explicit", "kept" (a short default of the
    library), "default" (`seconds` of them), "none" or "unknown".
    """

    place: Place
    text: str
    kind: str
    bound: str
    seconds: float | None = None
    reachable: bool = False


@dataclass(slots=True)
class Outbound:
    """All clients of other systems in serving code."""

    clients: list[OutboundClient] = field(default_factory=list)

    @property
    def some_explicit(self) -> bool:
        """Whether anybody has set a timeout on any of those that run."""
        return any(c.bound == "explicit" for c in self._counted)

    @property
    def http_never_bound(self) -> bool:
        """Whether there are HTTP clients and none of them is bound by anything."""
        http = [c for c in self._counted if c.kind in ("http", "mcp")]
        return bool(http) and all(c.bound == "none" for c in http)

    @property
    def _counted(self) -> list[OutboundClient]:
        return [c for c in self.clients if c.reachable] or self.clients


def find_outbound(core: Core) -> Outbound:
    """The clients of other systems in serving code that can be imported."""
    return Outbound(sorted(_Finder(core).find(), key=lambda c: (c.place, c.text)))


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_outbound()
        self._deadlines = load_resilience().deadlines
        self._of_models = {call.call for call in core.calls} | {
            step.call for call in core.calls for variant in (call, *call.variants) for step in variant.value.steps
        }
        self._uses: dict[code.Call, list[tuple[str, code.Call, Unit]]] = defaultdict(list)
        """The calls of methods of a client, by the call that made it."""
        loaded = list(_loaded(core))
        registered = (u for m in loaded for u in _registered(core, m))
        self._run = core.graph.reach([*core.started, *(m.body for m in loaded), *registered])

    def find(self) -> Iterator[OutboundClient]:
        """Every client, in the order of the code."""
        sites: dict[code.Call, tuple[Unit, Client, External]] = {}
        for unit in self._core.serving_units():
            if not self._core.imports.importable(unit):
                continue
            for call in unit.calls:
                for value in self._external(call, unit):
                    known = self._known.clients.find(value.path)
                    if known is not None and call not in self._of_models:
                        sites.setdefault(call, (unit, known, value))
                    elif value.steps:
                        self._uses[value.steps[0].call].append((last_name(call.function), call, unit))
        for call, (unit, client, value) in sites.items():
            if self._goes_out(call, unit, client) and not self._is_transport(call, unit):
                yield self._site(call, unit, client, value)

    def _external(self, call: code.Call, unit: Unit) -> Iterator[External]:
        """What a call runs of the libraries that are known; of a class derived from one of theirs, that one."""
        if isinstance(call.function, code.Name | code.Member):
            for value in self._core.resolver.values(call.function, unit):
                if isinstance(value, External) and value.path.partition(".")[0].removesuffix("()") in self._known.roots:
                    yield value
                elif isinstance(value, ClassValue):
                    bases = self._core.resolver.classes.bases(value.info)[1]
                    yield from (External(b) for b in bases if b.partition(".")[0] in self._known.roots)

    def _site(self, call: code.Call, unit: Unit, client: Client, value: External) -> OutboundClient:
        bound, seconds = self._bound(call, unit, client, value)
        text = f"{dotted(call.function) or value.path}(...)"
        return OutboundClient(unit.at(call), text, client.kind, bound, seconds, unit in self._run)

    # -- what counts -------------------------------------------------------------------------------------------

    def _goes_out(self, call: code.Call, unit: Unit, client: Client) -> bool:
        if client.kind == "process":
            return self._program(call, unit) in self._known.programs
        if any(call.keyword(name) is not None for name in client.local):
            return False
        first = self._core.resolver.constant(call.arguments[0], unit) if call.arguments else None
        if isinstance(first, str) and first in client.local | client.models:
            return False
        return client.default is not None or not all(d.local for d in self._drivers(call, unit))

    def _program(self, call: code.Call, unit: Unit) -> str:
        """The program that a process runs, where it is written."""
        for given in self._core.resolver.values(call.arguments[0], unit) if call.arguments else ():
            value = given
            if isinstance(given, Items) and isinstance(given.literal, code.Sequence) and given.literal.items:
                value = self._core.resolver.values(given.literal.items[0], given.unit)[0]
            if isinstance(value, Known) and isinstance(value.value, str) and value.value.strip():
                return value.value.split()[0]
            if isinstance(value, Text) and isinstance(value.template, code.Template) and value.template.parts:
                first = value.template.parts[0]
                if isinstance(first, code.Constant) and isinstance(first.value, str) and first.value.strip():
                    return first.value.split()[0]
        return ""

    def _is_transport(self, call: code.Call, unit: Unit) -> bool:
        """Whether a client is what the SDK of a model sends its requests by."""
        above = unit.parents.get(call)
        if isinstance(above, code.Keyword):
            return above.name in self._known.model_transports
        if not isinstance(above, code.Assign) or not isinstance(above.targets[0], code.Name):
            return False
        name = above.targets[0].id
        return any(
            isinstance(n, code.Keyword) and n.name in self._known.model_transports and last_name(n.value) == name
            for n in unit.parents
        )

    # -- how long it waits -------------------------------------------------------------------------------------

    def _bound(self, call: code.Call, unit: Unit, client: Client, value: External) -> tuple[str, float | None]:
        asking = self._each_call(call, client)
        if asking == "explicit" or self._has_deadline(call, unit) or self._adapted(call, unit, value):
            return "explicit", None
        said = asking or self._said(call, unit, client.timeout, client.positional)
        if said and (said != "none" or client.default is not None):  # None for an option of a driver says nothing
            return said, None
        default = client.default or next(d for d in self._drivers(call, unit) if not d.local)
        if not default.known:
            return "unknown", None
        if default.seconds is not None:
            return ("kept" if client.kept else "default"), default.seconds
        waits = self._said(call, unit, client.waits, ())
        return ("default", None) if waits == "explicit" else ("none", None)

    def _said(self, call: code.Call, unit: Unit, names: Iterable[str], positional: tuple[str, ...]) -> str:
        """ "explicit", "none", "unknown", or empty where none of these arguments is given."""
        found: set[str] = set()
        for name in names:
            head, star, tail = name.partition(".*")
            given = self._core.arguments.find(call, unit, head, positional)
            if given is None:
                continue
            if star:
                found |= (
                    {"explicit"} if any(self._below(v, tail.rpartition(".")[2], 3) for v in given.values) else set()
                )
            else:
                found.add(_state(given))
        return next((word for word in ("explicit", "unknown", "none") if word in found), "")

    def _below(self, value: Value, key: str, depth: int) -> bool:
        """Whether a mapping literal, or one inside it, has an entry of this name."""
        if not isinstance(value, Items) or not isinstance(value.literal, code.Mapping) or not depth:
            return False
        for name, inner in value.literal.items[:MAX_IN_LITERAL]:
            if isinstance(name, code.Constant) and name.value == key:
                return True
            if any(self._below(v, key, depth - 1) for v in self._core.resolver.values(inner, value.unit)):
                return True
        return False

    def _each_call(self, made: code.Call, client: Client) -> str:
        """ "explicit" where every request through a client brings its own timeout, "none" where one switches it off."""
        asking = [(call, unit) for name, call, unit in self._uses.get(made, ()) if name in client.per_call]
        said = {
            "explicit" if self._has_deadline(call, unit) else self._said(call, unit, _PER_CALL, ())
            for call, unit in asking
        }
        return "none" if "none" in said else "explicit" if said == {"explicit"} else ""

    def _has_deadline(self, call: code.Call, unit: Unit) -> bool:
        """A limit around the call: `asyncio.wait_for(call, 30)`, `async with asyncio.timeout(30)`."""
        for node in unit.enclosing(call):
            around = [node] if isinstance(node, code.Call) else []
            if isinstance(node, code.With):
                around = [c for c, _ in node.items if isinstance(c, code.Call)]
            for one in around:
                for value in self._core.resolver.values(one.function, unit):
                    if isinstance(value, External) and value.path in self._deadlines:
                        return True
        return False

    def _adapted(self, call: code.Call, unit: Unit, value: External) -> bool:
        """Whether a session's own class, or an adapter mounted on it, sets the timeout of every request."""
        if not isinstance(call.function, code.Member) or not value.steps:
            return False
        for owner in self._core.resolver.values(call.function.base, unit):
            if isinstance(owner, Instance) and self._sends_with_timeout(owner, ("request", "send")):
                return True
        for mount, where in self._core.program.calls_by_name.get("mount", ()):
            if isinstance(mount.function, code.Member) and len(mount.arguments) == 2:
                sessions = self._core.resolver.values(mount.function.base, where)
                if any(
                    isinstance(s, External) and s.steps and s.steps[0].call is value.steps[0].call for s in sessions
                ):
                    adapters = self._core.resolver.values(mount.arguments[1], where)
                    if any(isinstance(a, Instance) and self._sends_with_timeout(a, ("send",)) for a in adapters):
                        return True
        return False

    def _sends_with_timeout(self, owner: Instance, methods: tuple[str, ...]) -> bool:
        for name in methods:
            method = self._core.resolver.classes.method(owner.info, name)
            if method is not None and any(
                (isinstance(n, code.Constant) and n.value == "timeout")
                or (isinstance(n, code.Keyword) and n.name == "timeout")
                for n in method.parents
            ):
                return True
        return False

    # -- databases ---------------------------------------------------------------------------------------------

    def _drivers(self, call: code.Call, unit: Unit) -> list[Patience]:
        """How long the drivers of a database URL wait.

        Where nobody wrote a URL down, or only that of a file to start with, the driver that is installed tells.
        """
        given = self._core.arguments.find(call, unit, "url", ("url",))
        found: list[Patience] = []
        for value in given.values if given is not None else ():
            address = _address(value)
            if "timeout=" in address.partition("?")[2]:
                return [Patience(1.0)]
            scheme = address.partition("://")[0] if "://" in address else ""
            found += [self._known.drivers[n] for n in reversed(scheme.split("+")) if n in self._known.drivers][:1]
        if any(not driver.local for driver in found):
            return found
        for distribution, driver in self._known.installed.items():
            patience = self._known.drivers[driver]
            if not patience.local and self._core.dependencies.version_of(distribution).declared:
                return [patience]
        return found or [Patience(known=False)]


def _address(value: Value) -> str:
    """The text of a URL as far as it is written."""
    match value:
        case Known(value=str() as text):
            return text
        case Text(code.Template(parts=parts)):
            return "".join(str(p.value) if isinstance(p, code.Constant) else "…" for p in parts)
        case Text(code.Operation(operands=operands)):
            return "".join(str(p.value) if isinstance(p, code.Constant) else "…" for p in operands)
        case External(_, steps) if steps:
            named = [k.value for k in steps[0].call.keywords if k.name == "drivername"]
            texts = (a.value for a in (*named, *steps[0].call.arguments[:1]) if isinstance(a, code.Constant))
            first = next((t for t in texts if isinstance(t, str)), "")
            return first if "://" in first else f"{first}://"
        case _:
            return ""


def _state(given: Given) -> str:
    """What an argument says: a bound, none on purpose or by default, or what cannot be seen."""
    if not given.values:
        return "unknown"
    first = given.values[0]
    if isinstance(first, Known) and first.value is None:
        return "none"
    if all(isinstance(v, Unknown | Variable) for v in given.values):
        parameter = None
        if isinstance(given.expression, code.Name) and given.unit is not None:
            parameter = given.unit.parameter(given.expression.id)
        required = parameter is not None and parameter.default is None and parameter.kind != "options"
        return "explicit" if required else "unknown"
    return "explicit"


def _loaded(core: Core) -> Iterator[ModuleInfo]:
    """The modules that running the service imports: those of what it runs, and what these import."""
    waiting = list(dict.fromkeys(u.module for u in core.started if u.module.role is Role.SERVING))
    known = set(waiting)
    imports: dict[ModuleInfo, list[code.Import]] = defaultdict(list)
    for unit in core.program.units:
        imports[unit.module].extend(unit.imports.values())
    while waiting:
        module = waiting.pop()
        yield module
        for statement in imports[module]:
            for other in core.program.named_by(statement, module):
                if other not in known:
                    known.add(other)
                    waiting.append(other)


def _registered(core: Core, module: ModuleInfo) -> Iterator[Unit]:
    """The methods of classes in a mapping of a module (`PROVIDERS = {"github": GitHub}`): settings choose what runs."""
    for bindings in module.body.bindings.values():
        for binding in bindings:
            if isinstance(binding.value, code.Mapping):
                for _, item in binding.value.items[:MAX_IN_LITERAL]:
                    if isinstance(item, code.Name | code.Member):
                        for value in core.resolver.values(item, module.body):
                            if isinstance(value, ClassValue):
                                yield from value.info.methods.values()
