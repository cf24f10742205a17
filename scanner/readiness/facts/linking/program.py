"""The program: all code of the repository, indexed by name."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.linking.indexing import Indexer
from readiness.facts.linking.units import STATES, Binding, ClassInfo, ModuleInfo, Unit, last_name, module_name
from readiness.repository.tree import Role

MAX_NAMESAKES = 12
"""Programs of one repository whose modules of one name are looked at."""

MAX_PARTS = 20
"""Folders above a module that its dotted name is indexed by: a deeper tree is hostile or generated."""

ROOTS = ("src", "app", "backend", "lib")
"""Folders that projects put on the path; a name that nothing else explains is looked up below them."""


class Program:
    """All code of the repository: its modules, units and classes, and where each name is called, defined and kept."""

    def __init__(self, modules: Iterable[tuple[code.Module, Role]], installed: Iterable[str] = ()) -> None:
        """`installed` are the top-level names of the packages that the manifests declare, as far as they are known."""
        self._installed = frozenset(installed)
        self.modules: dict[str, ModuleInfo] = {}
        self.by_name: dict[str, ModuleInfo] = {}
        self.units: list[Unit] = []
        self.classes: list[ClassInfo] = []
        self.calls_by_name: dict[str, list[tuple[code.Call, Unit]]] = defaultdict(list)
        self.stand_ins: dict[str, list[str]] = defaultdict(list)
        """The parameters that a function is the default of, by the function's name."""
        self.methods_by_name: dict[str, list[Unit]] = defaultdict(list)
        self.stored: dict[str, list[tuple[Binding, Unit]]] = defaultdict(list)
        """What is put into a session's or an application's state, by the name it gets there."""
        self.put_on: dict[str, list[tuple[code.Member, Binding, Unit]]] = defaultdict(list)
        """What is put on an object that a plain name stands for (`app.store = Store()`), by the attribute."""
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
        for parameter in unit.function.parameters if unit.function is not None else ():
            if isinstance(parameter.default, code.Name | code.Member):
                self.stand_ins[last_name(parameter.default)].append(parameter.name)
        if unit.owner is not None:
            self.methods_by_name[unit.name].append(unit)
        for member, binding in unit.members:
            if isinstance(member.base, code.Member) and member.base.name in STATES:
                self.stored[member.name].append((binding, unit))
            elif isinstance(member.base, code.Name) and member.base.id not in ("self", "cls"):
                self.put_on[member.name].append((member, binding, unit))

    def kept(self, name: str) -> list[tuple[Binding, Unit]]:
        """What a session or an application holds under a name; what tests put there only if nothing else does."""
        stored = self.stored.get(name, [])
        return [(binding, unit) for binding, unit in stored if unit.module.role is Role.SERVING] or stored

    def find_module(self, name: str, importer: ModuleInfo, level: int = 0) -> ModuleInfo | None:
        """The module of this repository that an import statement names, or None where it comes from outside.

        An absolute import is looked up from the importer's folder upwards (each may be on the path), then, for dotted
        names, as the unique tail of a module's name (`packages/core/src/app/llm.py` is `app.llm`). A package that the
        manifests declare is shadowed only by a folder that is certainly on the path: `from agents import Agent` means
        the SDK although some package of the project has a part called `agents`.
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
        is_installed = name.partition(".")[0] in self._installed
        for is_certain in (True,) if is_installed else (True, False):
            for depth in range(len(folder), -1, -1):
                root = ".".join(folder[:depth])
                # A folder that is itself a package is on nobody's path, but some projects put it there all the same.
                is_package = self._is_package(root)
                if is_package and (is_certain or ("." not in name and depth < len(folder))):
                    continue
                found = self.by_name.get(f"{root}.{name}" if root else name)
                if found is None or found is importer:
                    continue
                if is_package and "." not in name and (_wraps_its_namesake(found) or _holds(found, importer)):
                    continue
                return found
        for root in ROOTS:
            found = self.by_name.get(f"{root}.{name}")
            if found is not None and ("." in name or not _wraps_its_namesake(found)):
                return found
        tails = [] if is_installed else self._tails.get(name, [])
        if "." in name or (len(tails) == 1 and tails[0].is_package and not _holds(tails[0], importer)):
            return tails[0] if tails and tails[0] is not importer else None
        return None

    def beside_programs(self, name: str, importer: ModuleInfo) -> list[ModuleInfo]:
        """The modules of a plain name that stand in folders which are no packages, those of other roles left out.

        Empty for what comes from outside: the standard library, and packages that the manifests declare.
        """
        if name in sys.stdlib_module_names or name in self._installed:
            return []
        found = [m for m in self._tails.get(name, []) if not self._is_package(m.name.rpartition(".")[0])]
        return [m for m in found[:MAX_NAMESAKES] if m is not importer and m.role is importer.role]

    def _is_package(self, name: str) -> bool:
        """Whether a folder can be imported as a package: `python-backend` cannot, whatever `__init__.py` it holds."""
        found = self.by_name.get(name)
        return found is not None and found.is_package and name.rpartition(".")[2].isidentifier()

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


def _holds(package: ModuleInfo, info: ModuleInfo) -> bool:
    """Whether a module lies in a package: `from github import Auth` in `tools/github/client.py` means the library."""
    return info.name.startswith(f"{package.name}.")


def _wraps_its_namesake(info: ModuleInfo) -> bool:
    """Whether a module imports the library it is called after (`llm/openai.py`): the name then means that library."""
    name = info.name.rpartition(".")[2]
    return any(
        isinstance(one, code.Import) and not one.level and one.module.partition(".")[0] == name
        for one in code.walk(info.code.body)
    )
