"""What names stand for: bindings, scopes, imports, the exports of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.units import Binding, ModuleInfo, Unit
from readiness.facts.linking.values import (
    ClassValue,
    External,
    FunctionValue,
    Items,
    Known,
    ModuleValue,
    Unknown,
    Value,
    Values,
)

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver


class Names:
    """Resolves bare names and imports."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def name(self, name: str, unit: Unit, use: code.Expression | None = None) -> Values:
        """What a bare name stands for in a unit, at the line of `use` where given."""
        if "." in name:
            return self.symbol(name, unit.module)
        scope: Unit | None = unit
        while scope is not None:
            # A class's body is no scope for its methods.
            if scope is unit or scope.function is not None or scope.is_module:
                found = self._own_name(name, scope, use if scope is unit else None)
                if found is not None:
                    return found
            scope = scope.parent
        return (External(name),)

    def symbol(self, dotted: str, importer: ModuleInfo) -> Values:
        """What a dotted name in a text stands for, as if imported."""
        module, _, name = dotted.rpartition(".")
        found = self._resolver.program.find_module(module, importer)
        exported = self.exported(found, name) if found is not None else ()
        return exported or (External(self._resolver.canonical(dotted)),)

    def _own_name(self, name: str, unit: Unit, use: code.Expression | None) -> Values | None:
        if name in unit.globals:
            return self._own_name(name, unit.module.body, None)
        if name in unit.bindings:
            bindings = self._reaching(unit.bindings[name], unit, use)
            found = _told(self._resolver.each(bindings, lambda b: self.binding(b, unit)))
            if not any(b.block == () and b.how != "augmented" for b in bindings):
                found = (*self._parameter(name, unit), *found)
            if found:
                return found
        elif unit.parameter(name) is not None:
            return self._parameter(name, unit) or (Unknown(name),)
        if name in unit.nested:
            return (FunctionValue(unit.nested[name]),)
        if name in unit.classes:
            return (ClassValue(unit.classes[name]),)
        if name in unit.imports:
            return self.imported(unit.imports[name], unit.module)
        if unit.is_module:
            return self._star(name, unit.module)
        return (Unknown(name),) if name in unit.bindings else None

    def _parameter(self, name: str, unit: Unit) -> Values:
        parameter = unit.parameter(name)
        if parameter is None:
            return ()
        return self._resolver.once((parameter, unit), lambda: self._resolver.parameter(unit, parameter))

    def reaching(self, name: str, unit: Unit, use: code.Expression | None) -> list[Binding]:
        """The bindings of a unit's own name that can reach a use of it (all of them where `use` is None)."""
        return self._reaching(unit.bindings[name], unit, use) if name in unit.bindings else []

    def _reaching(self, bindings: list[Binding], unit: Unit, use: code.Expression | None) -> list[Binding]:
        """The bindings that can reach a use: back from it to the first that stands on every path to it."""
        if use is None or len(bindings) == 1:
            return bindings
        block = self._block(use, unit)
        before = [b for b in bindings if _binds_before(b, use)] or bindings
        reaching: list[Binding] = []
        for binding in reversed(before):
            reaching.append(binding)
            if binding.how != "augmented" and binding.block == block[: len(binding.block)]:
                break
        return reaching[::-1]

    def _block(self, node: code.Node, unit: Unit) -> tuple[int, ...]:
        current: code.Node | None = node
        while current is not None:
            if current in unit.blocks:
                return unit.blocks[current]
            current = unit.parents.get(current)
        return ()

    def binding(self, binding: Binding, unit: Unit) -> Values:
        """What one binding gives its name."""
        unit = binding.unit or unit
        if binding.value is None:
            return self._resolver.annotated(binding.annotation, unit) if binding.annotation is not None else ()
        values = self._resolver.values(binding.value, unit)
        match binding.how:
            case "item":
                items = self._resolver.each(values, self._resolver.items_of)
                return self._resolver.each(items, lambda v: self._unpacked(v, binding)) if binding.part >= 0 else items
            case "context":
                return self._resolver.each(values, self._resolver.entered)
            case "part":
                return self._resolver.each(values, lambda v: self._resolver.part(v, binding.part))
            case _:
                return values

    def _unpacked(self, item: Value, binding: Binding) -> Values:
        """A name's share of one item of a loop: `for name, model in [("fast", small), ("good", large)]`."""
        match item:
            case Items(literal=code.Sequence(kind="tuple", items=items)) if binding.part < len(items):
                return self._resolver.part(item, binding.part)
            case _:
                return (item,)

    def imported(self, statement: code.Import, importer: ModuleInfo) -> Values:
        """What an import statement binds."""
        if statement.name is None:
            whole = self._resolver.program.find_module(statement.module, importer)
            if whole is not None and statement.alias != statement.module.split(".")[0]:
                return (ModuleValue(whole),)
            top = self._resolver.program.find_module(statement.module.split(".")[0], importer)
            if top is not None:
                return (ModuleValue(top),)
            if statement.alias == statement.module.split(".")[0]:
                return (External(statement.alias),)
            return (External(self._resolver.canonical(statement.module)),)
        module = self._resolver.program.find_module(statement.module, importer, statement.level)
        if module is not None:
            found = self.exported(module, statement.name)
            if found:
                return found
        inner = ".".join(filter(None, [statement.module, statement.name]))
        submodule = self._resolver.program.find_module(inner, importer, statement.level)
        if submodule is not None:
            return (ModuleValue(submodule),)
        if module is None and not statement.level:
            beside = self._beside(statement, importer)
            if beside:
                return beside
        if module is not None or statement.level:
            return (Unknown(f"{statement.name} is not defined in {statement.module}"),)
        return (External(self._resolver.canonical(inner)),)

    def _beside(self, statement: code.Import, importer: ModuleInfo) -> Values:
        """What each program of a repository has under a name that shared code imports (`from config import settings`).

        The folder of whichever program is started is on the path: `config` is the one beside it.
        """
        if statement.name is None or "." in statement.module:
            return ()
        modules = self._resolver.program.beside_programs(statement.module, importer)
        return self._resolver.each(modules, lambda m: self.exported(m, str(statement.name)))

    def exported(self, module: ModuleInfo, name: str) -> Values:
        """What a module of the repository offers under a name; empty where it has no such name."""
        key = (module, name)
        return self._resolver.once(key, lambda: self._own_name(name, module.body, None) or ())

    def _star(self, name: str, module: ModuleInfo) -> Values | None:
        for alias, statement in module.body.imports.items():
            if alias.startswith("*"):
                source = self._resolver.program.find_module(statement.module, module, statement.level)
                if source is not None and source is not module and (found := self.exported(source, name)):
                    return found
        return None


def _told(values: Values) -> Values:
    """Alternatives without a None that only says "not yet", where something else is said too."""
    kept = tuple(v for v in values if not (isinstance(v, Known) and v.value is None))
    return kept or values


def _binds_before(binding: Binding, use: code.Expression) -> bool:
    """Whether a binding stands before a use; on the right of `x = f(x)` it reads what was bound before."""
    if binding.how == "item":  # the target of a comprehension stands behind its uses, in the same line
        return binding.line <= use.line
    value = binding.value
    inside = value is not None and value.line <= use.line <= value.end_line
    return binding.line < use.line and not inside
