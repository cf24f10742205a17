"""Code that cannot be imported: it earns nothing, and is reported before the score. rules-of-evidence.md, "Reach"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from readiness.extract import code
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ModuleInfo, Unit
from readiness.facts.place import Place
from readiness.repository.tree import Role

MAX_STARS = 5
"""Star imports of star imports that are followed for a name; behind more it counts as defined."""


class Problem(NamedTuple):
    """Something that keeps code from starting."""

    place: Place
    message: str


class Imports:
    """Which modules and units of the repository cannot be imported, and why.

    `builds_application` are the paths of the modules that construct the application: a broken import costs what it
    names, not the whole service.
    """

    def __init__(self, program: Program, resolver: Resolver, builds_application: set[str]) -> None:
        self._program, self._resolver = program, resolver
        self.problems: list[Problem] = []
        self.missing: dict[ModuleInfo, dict[str, ModuleInfo]] = defaultdict(dict)
        """The names that the modules import and nobody defines, each with the module it was asked of."""
        self._broken: set[ModuleInfo] = set()
        self._dead_units: set[Unit] = set()
        self._globals: dict[ModuleInfo, set[str]] = defaultdict(set)
        for unit in program.units:
            self._globals[unit.module].update(unit.globals)
        self._judge(builds_application)

    def importable(self, unit: Unit) -> bool:
        """Whether a unit's module can be imported, and no import inside the unit fails."""
        current: Unit | None = unit
        while current is not None:
            if current in self._dead_units:
                return False
            current = current.parent
        return unit.module not in self._broken

    def _judge(self, builds_application: set[str]) -> None:
        for unit in self._program.units:
            is_class_body = unit.owner is not None and unit.function is None
            if unit.module.role in (Role.VENDORED, Role.ARCHIVED) or is_class_body:
                continue
            for name, statement in unit.imports.items():
                if self._fails(statement, unit):
                    self._blame(unit, statement)
                    source = self._program.find_module(statement.module, unit.module, statement.level)
                    if source is not None:
                        self.missing[unit.module][name] = source
        self._spread(builds_application)

    def _blame(self, unit: Unit, statement: code.Import) -> None:
        if unit.is_module:
            self._broken.add(unit.module)
        else:
            self._dead_units.add(unit)
        if unit.module.role is Role.SERVING:
            source = "." * statement.level + statement.module
            message = f"cannot be imported: {source} has no {statement.name}"
            self.problems.append(Problem(unit.at(statement), message))

    def _fails(self, statement: code.Import, unit: Unit) -> bool:
        """A name taken from a module of the repository that surely does not define it."""
        if statement.name in (None, "*") or any(_guards(n) for n in unit.enclosing(statement)):
            return False
        module = self._program.find_module(statement.module, unit.module, statement.level)
        if module is None or module is unit.module or not module.code.body:
            return False
        own_folder = module.name.rpartition(".")[0] if not module.is_package else module.name
        if self._program.has_package(f"{module.name}.{statement.name}") or (
            f"{own_folder}.{statement.name}" in self._program.by_name and module.is_package
        ):
            return False
        return not self._defines(module, str(statement.name), 0)

    def _defines(self, module: ModuleInfo, name: str, depth: int) -> bool:
        body = module.body
        if name in body.bindings or name in body.nested or name in body.classes or name in body.imports:
            return True
        if "__getattr__" in body.nested or name.startswith("__") or depth > MAX_STARS:
            return True
        if name in self._globals[module]:
            return True
        if f"{module.name}.{name}" in self._program.by_name:
            return True
        if any(_is_dynamic(c) for c in body.calls):
            return True
        for alias, statement in body.imports.items():
            if alias.startswith("*"):
                source = self._program.find_module(statement.module, module, statement.level)
                if source is None or self._defines(source, name, depth + 1):
                    return True
        return False

    def _spread(self, builds_application: set[str]) -> None:
        """Through module-level imports, and no further than the module that builds the application."""
        importers: dict[ModuleInfo, list[ModuleInfo]] = {}
        for info in self._program.modules.values():
            for target in self._imported(info):
                importers.setdefault(target, []).append(info)
        stack = list(self._broken)
        self._broken -= {m for m in self._broken if m.path in builds_application}
        while stack:
            for importer in importers.get(stack.pop(), ()):
                if importer not in self._broken and importer.path not in builds_application:
                    self._broken.add(importer)
                    stack.append(importer)

    def _imported(self, info: ModuleInfo) -> Iterator[ModuleInfo]:
        for statement in info.body.imports.values():
            if not any(_guards(n) for n in info.body.enclosing(statement)):
                yield from self._program.named_by(statement, info)


def _is_dynamic(call: code.Call) -> bool:
    """`globals()[…] = …`, `setattr(sys.modules[…], …)`: names may come into being unseen."""
    function = call.function
    return isinstance(function, code.Name) and function.id in ("globals", "setattr", "exec", "vars")


def _guards(node: code.Node) -> bool:
    """An import inside `try` or under a condition (`TYPE_CHECKING`, a version) may fail or never run."""
    return isinstance(node, code.Try | code.If)
