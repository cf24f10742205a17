"""Which version of its data a service was built from. check data-versioned."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.ingestion import Ingestion
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

UP, MAX_VISITS = 3, 300
"""Callers of a line that loads which may name the data; units looked at to follow a digest."""

_ROLES = (Role.SERVING, Role.SCRIPT)
_FETCHING = ("requests.", "httpx.", "aiohttp.", "urllib.request.", "github.", "playwright.", "selenium.", "scrapy.")
_NAMES = frozenset({"collection_name", "index_name", "table_name", "namespace", "persist_directory", "path"})
_PINNED = frozenset({"revision", "version", "version_as_of", "timestamp_as_of", "snapshot_id", "version_id"})
_LOADING = frozenset(
    {"load_dataset", "snapshot_download", "hf_hub_download", "use_artifact", "load", "read_table", "dataset"}
)
_ARTIFACT = re.compile(r":v\d+$")
_DATA = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".pdf", ".docx", ".xlsx", ".html", ".xml", ".feather")


@dataclass(frozen=True, slots=True)
class DataVersions:
    """The data that the team itself loads, and what tells one version of it from another.

    `owned` are the lines that load it: what users send at run time is none. `tracked` lies in the repository; `pinned`
    is named with a version or kept under one; `half` is versioned in part, or its versions are recorded and not used.
    """

    owned: tuple[Evidence, ...] = ()
    tracked: tuple[Evidence, ...] = ()
    pinned: tuple[Evidence, ...] = ()
    half: tuple[Evidence, ...] = ()


def find_data_versions(core: Core, ingestion: Ingestion) -> DataVersions:
    """The data that is loaded offline, or fetched, and its versions."""
    return _Finder(core, ingestion).find()


class _Finder:
    def __init__(self, core: Core, ingestion: Ingestion) -> None:
        self._core, self._ingestion = core, ingestion
        self._files = core.observations.files

    def find(self) -> DataVersions:
        handed = ("super().",)  # a store of the project that hands on is judged where it is called
        lines = {(e.place.path, e.place.line): e for e in self._ingestion.entries if not e.text.startswith(handed)}
        units = {
            unit: lines[unit.module.path, call.line]
            for unit in self._core.program.units
            if unit.module.role in _ROLES
            for call in unit.calls
            if (unit.module.path, call.line) in lines
        }
        owned = {unit: place for unit, place in units.items() if self._is_owned(unit)}
        if not owned:
            return DataVersions()
        around = self._around(owned)
        pinned = [*self._pinned(around), *self._by_digest(around)]
        stored, half = self._stores()
        return DataVersions(
            tuple(sorted(set(owned.values()))), tuple(sorted(set(self._tracked(self._above(owned))))),
            tuple(sorted({*pinned, *stored})), tuple(sorted(set(half))),
        )  # fmt: skip

    def _is_owned(self, unit: Unit) -> bool:
        """Whether a line runs offline, or on what the service fetches itself: not on what a request brought."""
        if unit in self._offline:
            return True
        handlers = [e for e in self._core.entry_points if e.is_network and unit in self._core.reached_from(e)]
        return any(e.kind != "ui" and self._fetches(unit) for e in handlers)

    @cached_property
    def _offline(self) -> set[Unit]:
        """What commands, jobs, scripts and the import of a module run."""
        pages = {e.unit.module for e in self._core.entry_points if e.kind == "ui"}
        starts = [u for u in self._core.program.units if u.module.role in _ROLES and u.is_module
                  and u.module not in pages and self._core.imports.importable(u)]  # fmt: skip
        starts += [u for e in self._core.entry_points if not e.is_network for u in e.units]
        queue = [u for u in starts if u.module.role in _ROLES]
        found: set[Unit] = set()
        while queue:
            unit = queue.pop()
            if unit not in found:
                found.add(unit)
                queue += [e.unit for e in self._core.graph.edges.get(unit, ()) if e.is_call]
        return found

    def _fetches(self, unit: Unit) -> bool:
        return any(
            path.startswith(_FETCHING)
            for around in self._above([unit])
            for call in around.calls
            for path in self._paths(call.function, around)
        )

    def _above(self, units: Iterable[Unit]) -> list[Unit]:
        """The functions that load, and those that call them."""
        above = set(units)
        frontier = set(above)
        for _ in range(UP):
            frontier = {
                e.unit for u in frontier for e in self._core.graph.callers.get(u, ()) if e.unit.module.role in _ROLES
            } - above
            above |= frontier
        return sorted(above, key=lambda u: (u.place, u.name))

    def _around(self, units: Iterable[Unit]) -> list[Unit]:
        """Those, and what they run."""
        reached = self._core.graph.reach(self._above(units))
        return [u for u, hops in reached.items() if hops <= UP and u.module.role in _ROLES]

    def _paths(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, External):
                yield value.path

    # -- versions ----------------------------------------------------------------------------------------------

    def _tracked(self, units: list[Unit]) -> Iterator[Evidence]:
        """Data files and folders of the repository that the code names where it loads."""
        data = [path for path in (*self._files, *self._core.repository.others) if path.endswith(_DATA)]
        folders = {folder for path in data for folder in _folders(path)}
        names = {path.rpartition("/")[2] for path in data}
        for unit in dict.fromkeys([*units, *(u.module.body for u in units)]):
            for node in unit.parents:
                text = node.value if isinstance(node, code.Constant) else None
                if isinstance(text, str) and 2 < len(text) < 200:
                    name = text.removeprefix("./").rstrip("/")
                    above = unit.parents[node]
                    is_path = "/" in text or (isinstance(above, code.Call) and "Directory" in last_name(above.function))
                    beside = posixpath.join(posixpath.dirname(unit.module.path), name)  # run in the script's own folder
                    if (is_path and (name in folders or beside in folders)) or name.rpartition("/")[2] in names:
                        yield Evidence(unit.at(node), f"{name} is tracked")

    def _pinned(self, units: list[Unit]) -> Iterator[Evidence]:
        for unit in units:
            for call in unit.calls:
                if last_name(call.function) in _LOADING:
                    given = [k for k in call.keywords if k.name in _PINNED]
                    if any(isinstance(k.value, code.Constant) and k.value.value for k in given):
                        yield Evidence(unit.at(call), "names the version it loads")
                    for argument in call.arguments[:1]:
                        text = self._core.resolver.constant(argument, unit)
                        if isinstance(text, str) and (_ARTIFACT.search(text) or text.startswith("lakefs://")):
                            yield Evidence(unit.at(call), f"loads {text}")

    def _by_digest(self, units: list[Unit]) -> Iterator[Evidence]:
        """Data that is kept in a place named after the digest of what is in it."""
        nodes: dict[code.Node, Unit] = {}
        for unit in units:
            for call in unit.calls:
                if any(p.startswith("hashlib.") for p in self._paths(call.function, unit)):
                    nodes[call] = unit
        if not nodes:
            return
        within = dict.fromkeys(units, 0)
        flow = Flow(self._core, within, {}, lambda node, _: True if node in nodes else None,
                    dict.fromkeys(nodes.values()), visits=MAX_VISITS)  # fmt: skip
        for unit in units:
            for node in unit.parents:
                if isinstance(node, code.Operation) and node.operator == "/" and self._is_path(node, unit):
                    if flow.holds(node.operands[-1], unit):
                        yield Evidence(unit.at(node), "is kept under the digest of its content")
                elif isinstance(node, code.Keyword) and node.name in _NAMES and flow.holds(node.value, unit):
                    yield Evidence(unit.at(node), "is named after the digest of its content")

    def _is_path(self, node: code.Operation, unit: Unit) -> bool:
        """Whether a slash joins parts of a path, and divides nothing."""
        left = node.operands[0]
        if isinstance(left, code.Operation) and left.operator == "/":
            return any(isinstance(o, code.Constant) and isinstance(o.value, str) for o in left.operands)
        return any(path.startswith("pathlib.") for path in self._paths(left, unit))

    def _stores(self) -> tuple[list[Evidence], list[Evidence]]:
        """Data under DVC: whole where a remote is set and the hashes are tracked, else half."""
        tracked = [p for p in self._files if p.endswith(".dvc") or p.rpartition("/")[2] == "dvc.lock"]
        others = [p for p in self._files if p.rpartition("/")[2] == "dvc.yaml"]
        remote = "remote" in self._core.observations.sources.get(".dvc/config", "")
        found = [Evidence(Place(path, 1, 1), "is under DVC") for path in (*tracked, *others)]
        return (found, []) if tracked and remote else ([], found)


def _folders(path: str) -> Iterator[str]:
    """The folders above a file."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
