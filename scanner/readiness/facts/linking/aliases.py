"""Names for types: `Session = Annotated[AsyncSession, Depends(get_session)]`, written once, used by many handlers."""

from __future__ import annotations

from readiness.extract import code
from readiness.facts.linking.program import Program
from readiness.facts.linking.units import ModuleInfo, Unit

MAX_HOPS = 5
"""Modules that pass an alias on."""


def alias_of(annotation: code.Expression, unit: Unit, program: Program) -> tuple[code.Expression, Unit] | None:
    """What a module-level name for a type was assigned and where, here or in the module it is imported from."""
    if not isinstance(annotation, code.Name):
        return None
    module = unit.module.body
    for scope in (unit, module):
        found = _assigned(annotation.id, scope)
        if found is not None:
            return found
    statement = unit.imports.get(annotation.id) or module.imports.get(annotation.id)
    return _imported(statement, unit.module, program, 0) if statement is not None else None


def _imported(
    statement: code.Import, importer: ModuleInfo, program: Program, hops: int
) -> tuple[code.Expression, Unit] | None:
    source = program.find_module(statement.module, importer, statement.level)
    if source is None or statement.name is None or hops > MAX_HOPS:
        return None
    found = _assigned(statement.name, source.body)
    again = source.body.imports.get(statement.name)
    return found or (_imported(again, source, program, hops + 1) if again is not None else None)


def _assigned(name: str, scope: Unit) -> tuple[code.Expression, Unit] | None:
    for binding in scope.bindings.get(name, ()):
        if isinstance(binding.value, code.Index | code.Operation | code.Call):
            return binding.value, scope
    return None
