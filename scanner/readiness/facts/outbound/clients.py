"""What is known of clients of other systems: `checks/knowledge/outbound.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.flows.sinks import SymbolTable
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk_files import Fields, read_yaml
from readiness.facts.sdks.symbols import roots

KINDS = frozenset({"http", "mcp", "database", "store", "mail", "ssh", "process"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits where nobody says so. Neither `seconds` nor `known`: nobody has looked it up."""

    seconds: float | None = None
    known: bool = True
    local: bool = False
    """It never leaves the machine."""


@dataclass(frozen=True, slots=True)
class Client:
    """One kind of client; the fields are described in the file. `default` is None where the driver decides."""

    kind: str
    positional: tuple[str, ...]
    timeout: tuple[str, ...]
    waits: tuple[str, ...]
    default: Patience | None
    kept: bool
    per_call: frozenset[str]
    local: frozenset[str]
    models: frozenset[str] = frozenset()


@dataclass(slots=True)
class OutboundKnowledge:
    """The whole file."""

    clients: SymbolTable[Client]
    roots: frozenset[str]
    """The top-level names of everything listed."""
    programs: frozenset[str]
    drivers: dict[str, Patience]
    installed: dict[str, str]
    model_transports: frozenset[str]


@cache
def load_outbound(file: Path | None = None) -> OutboundKnowledge:
    """Read `outbound.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "outbound.yaml"
    fields = Fields(path.name, "", read_yaml(path))
    fields.text("checked", None)
    fields.get("notes")
    table: SymbolTable[Client] = SymbolTable()
    beginnings: set[str] = set()
    for item in fields.items("clients"):
        symbols = item.symbols("symbols")
        table.add(symbols, _client(item))
        beginnings |= {r for s in symbols for r in roots(s)}
    processes = fields.symbols("processes")
    table.add(processes, Client("process", ("args",), ("timeout",), (), Patience(), False, frozenset(), frozenset()))
    found = OutboundKnowledge(
        clients=table,
        roots=frozenset(beginnings | {r for s in processes for r in roots(s)}),
        programs=frozenset(fields.texts("programs")),
        drivers={name: _patience(fields, f"drivers.{name}", v) for name, v in fields.mapping("drivers").items()},
        installed={name: str(driver) for name, driver in fields.mapping("installed").items()},
        model_transports=frozenset(fields.texts("model_transports")),
    )
    fields.done()
    for driver in found.installed.values():
        if driver not in found.drivers:
            raise fields.wrong("installed", f"{driver!r} is none of the drivers")
    return found


def _client(item: Fields) -> Client:
    kind = item.text("is", None)
    if kind not in KINDS:
        raise item.wrong("is", f"must be one of {', '.join(sorted(KINDS))}")
    default = item.get("default")
    if default is None and kind != "database":
        raise item.wrong("default", "must be a number of seconds, none or unknown; only a database has a driver")
    client = Client(
        kind=kind,
        positional=item.texts("positional"),
        timeout=item.texts("timeout"),
        waits=item.texts("waits"),
        default=None if default is None else _patience(item, "default", default),
        kept=item.flag("kept", False),
        per_call=frozenset(item.texts("per_call")),
        local=frozenset(item.texts("local")),
        models=frozenset(item.texts("models")),
    )
    item.done()
    return client


def _patience(fields: Fields, name: str, value: object) -> Patience:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return Patience(float(value))
    if value in ("none", "unknown", "local"):
        return Patience(known=value != "unknown", local=value == "local")
    raise fields.wrong(name, "must be a number of seconds, none, unknown or local")
