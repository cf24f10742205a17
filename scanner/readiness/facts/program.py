"""The program: all code of the repository, indexed by name."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.indexing import Indexer
from readiness.facts.units import STATES, Binding, ClassInfo, ModuleInfo, Unit, last_name, module_name
from readiness.repository.tree import Role

MAX_PARTS = 20
"""Folders above a module that its dotted name is indexed by: a deeper tree is hostile or generated."""

ROOTS = ("src", "app", "backend", "lib")
"""Folders that projects put on the path; a name that nothing else explains is looked up below them."""


class Program:
    """All code of the repository: its modules, units and classes, and where each name is called, defined and kept."""

    def __init__(self, modules: Iterable[tuple[code.Module, Role]]) -> None:
        self.modules: dict[str, ModuleInfo] = {}
        self.by_name: dict[str, ModuleInfo] = {}
        self.units: list[Unit] = []
        self.classes: list[ClassInfo] = []
        self.calls_by_name: dict[str, list[tuple[code.Call, Unit]]] = defaultdict(list)
        self.methods_by_name: dict[str, list[Unit]] = defaultdict(list)
        self.stored: dict[str, list[tuple[Binding, Unit]]] = defaultdict(list)
        """What is put into a session's or an application's state, by the name it gets there."""
        for module, role in modules:
            self._add(module, role)
        for unit in self.units:
            self._index(unit)
        self._found: dict[tuple[str, ModuleInfo, int], ModuleInfo | None] = {}
        self._tails: dict[str, list[ModuleInfo]] = defaultdict(list)
        self._packages: set[str] = set()
        for info in self.by_name.values():
            parts = info.name.split(".")[-MAX_PARTS:]
            for start in range(1, len(parts)):
                self._tails[".".join(parts[start:])].append(info)
            for start in range(len(parts)):
                self._packages.update(".".join(parts[start:end]) for end in range(start + 1, len(parts)))

    def _add(self, module: code.Module, role: Role) -> None:
        info = ModuleInfo(module.path, module_name(module.path), module, role)
        info.body = Unit(info, info.name.rpartition(".")[2], None)
        self.modules[module.path] = info
        self.by_name.setdefault(info.name, info)
        Indexer(self.units, self.classes, info.body).statements(module.body, ())

    def _index(self, unit: Unit) -> None:
        for call in unit.calls:
            name = last_name(call.function)
            if name:
                self.calls_by_name[name].append((call, unit))
        if unit.owner is not None:
            self.methods_by_name[unit.name].append(unit)
        for member, binding in unit.members:
            if isinstance(member.base, code.Member) and member.base.name in STATES:
                self.stored[member.name].append((binding, unit))

    def find_module(self, name: str, importer: ModuleInfo, level: int = 0) -> ModuleInfo | None:
        """The module of this repository that an import statement names, or None where it comes from outside.

        An absolute import is looked up from the importer's folder upwards (each may be on the path), then, for dotted
        names, as the unique tail of a module's name (`packages/core/src/app/llm.py` is `app.llm`).
        """
        key = (name, importer, level)
        if key not in self._found:
            self._found[key] = self._find_module(name, importer, level)
        return self._found[key]

    def _find_module(self, name: str, importer: ModuleInfo, level: int) -> ModuleInfo | None:
        folder = importer.name.split(".") if importer.is_package else importer.name.split(".")[:-1]
        if level:
            base = folder[: len(folder) - (level - 1)] if level > 1 else folder
            return self.by_name.get(".".join([*base, *([name] if name else [])]))
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        for is_certain in (True, False):
            for depth in range(len(folder), -1, -1):
                root = ".".join(folder[:depth])
                # A folder that is itself a package is on nobody's path, but some projects put it there all the same.
                if self._is_package(root) and (is_certain or "." not in name):
                    continue
                found = self.by_name.get(f"{root}.{name}" if root else name)
                if found is not None and found is not importer:
                    return found
        for root in ROOTS:
            if (found := self.by_name.get(f"{root}.{name}")) is not None:
                return found
        tails = self._tails.get(name, [])
        if "." in name or (len(tails) == 1 and tails[0].is_package):
            return tails[0] if tails and tails[0] is not importer else None
        return None

    def _is_package(self, name: str) -> bool:
        found = self.by_name.get(name)
        return found is not None and found.is_package

    def named_by(self, statement: code.Import, importer: ModuleInfo) -> Iterator[ModuleInfo]:
        """The modules of the repository that an import statement loads: the one it names, and a submodule taken."""
        inner = f"{statement.module}.{statement.name}" if statement.module else str(statement.name)
        for name in (statement.module, inner if statement.name else ""):
            module = self.find_module(name, importer, statement.level) if name else None
            if module is not None:
                yield module

    def imported_paths(self) -> set[str]:
        """The paths of the modules that other code of the repository, tests aside, imports."""
        return {
            module.path
            for unit in self.units
            if unit.module.role is not Role.TEST
            for statement in unit.imports.values()
            for module in self.named_by(statement, unit.module)
        }

    def has_package(self, name: str) -> bool:
        """Whether a dotted name is a folder of this repository that holds modules (a namespace package)."""
        return name in self._packages
