"""Literals that code gives to secret settings, and which settings the service itself verifies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from readiness.extract import code
from readiness.extract.secret_words import Strength, mask, secret_name, strength, url_password
from readiness.facts.linking.program import Program
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.repository.tree import Role

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_SHOWN = frozenset({"placeholder", "help", "label", "description", "example", "examples", "title", "metavar", "epilog"})
"""Arguments that people read: an address in one shows how an address looks."""
_WRAPPERS = frozenset({"SecretStr", "Secret", "SecretBytes", "str", "Field", "field"})


@dataclass(frozen=True, slots=True)
class CodeLiteral:
    """A literal that code gives to a secret setting.

    `overridable` tells that it stands in for a variable that is not set, `in_url` that the secret is the password in an
    address, `verified` that the service itself compares or signs with it, `targets` are the assigned names by which it
    can be read (none: it is used where it stands).
    """

    name: str
    unit: Unit
    node: code.Node
    masked: str
    strength: Strength
    overridable: bool
    in_url: bool = False
    verified: bool = False
    targets: tuple[code.Expression, ...] = ()


def code_literals(program: Program) -> Iterator[CodeLiteral]:
    """Every literal that code outside the tests gives to a secret setting, in the order of the program."""
    for unit in program.units:
        if unit.module.role in (Role.TEST, Role.VENDORED):
            continue
        if unit.owner is not None and unit.owner.node.name.lower().startswith(("test", "fake", "mock")):
            continue
        yield from _of_assignments(unit)
        yield from _of_calls(unit)
        yield from _of_comparisons(unit)


def _of_assignments(unit: Unit) -> Iterator[CodeLiteral]:
    for statement in unit.blocks:
        if not isinstance(statement, code.Assign) or statement.value is None or statement.operator:
            continue
        targets = tuple(statement.targets)
        value = _unwrapped(statement.value)
        for target in targets:
            name = _target_name(target)
            if name:
                yield from _literal(name, value, unit, targets, overridable=statement.annotation is not None)
        if isinstance(statement.value, code.Mapping):
            yield from _of_mapping(statement.value, unit)


def _of_mapping(mapping: code.Mapping, unit: Unit) -> Iterator[CodeLiteral]:
    """Entries of a mapping count only where the value was issued: `{"password": "secret"}` is an example or a label."""
    for node in code.walk(mapping):
        if isinstance(node, code.Mapping):
            for key, value in node.items:
                if isinstance(key, code.Constant) and isinstance(key.value, str):
                    for found in _literal(key.value, _unwrapped(value), unit, (), overridable=False):
                        if found.strength is Strength.GENERATED:
                            yield found


def _of_calls(unit: Unit) -> Iterator[CodeLiteral]:
    assigned = {
        id(s.value): tuple(s.targets) for s in unit.blocks if isinstance(s, code.Assign) and s.value is not None
    }
    for call in unit.calls:
        first = call.arguments[0] if call.arguments else None
        if isinstance(first, code.Constant) and isinstance(first.value, str) and _VARIABLE.fullmatch(first.value):
            stand_in = call.arguments[1] if len(call.arguments) > 1 else call.keyword("default")
            if stand_in is not None:
                yield from _literal(first.value, stand_in, unit, assigned.get(id(call), ()), overridable=True)
        else:
            for argument in call.arguments:
                if isinstance(argument, code.Constant) and isinstance(argument.value, str) and "://" in argument.value:
                    yield from _literal(last_name(call.function), argument, unit, (), overridable=False)
        if dotted(call.function) in ("jwt.encode", "jwt.decode") and len(call.arguments) > 1:
            yield from _verified("signing key", call.arguments[1], unit)
        for keyword in call.keywords:
            if keyword.name and keyword.name != "default":
                for found in _literal(keyword.name, _unwrapped(keyword.value), unit, (), overridable=False):
                    if keyword.name not in _SHOWN or found.strength is Strength.GENERATED:
                        yield found


def _of_comparisons(unit: Unit) -> Iterator[CodeLiteral]:
    """`if token != "literal": raise …`, `if password == "literal"` and `compare_digest(token, "literal")`.

    `if key == "literal"` says as often that the sample was not replaced, so it counts for passwords alone.
    """
    for statement in unit.blocks:
        if isinstance(statement, code.If):
            refuses = any(isinstance(inner, code.Raise) for inner in statement.body)
            for node in code.walk(statement.test):
                if isinstance(node, code.Operation) and node.operator in ("==", "!=") and len(node.operands) == 2:
                    named, literal = _sides(node.operands)
                    told = named.lower().endswith(("password", "passwd")) if node.operator == "==" else refuses
                    if literal is not None and told and secret_name(named):
                        yield from _verified(named, literal, unit)
    for call in unit.calls:
        if last_name(call.function) == "compare_digest" and len(call.arguments) == 2:
            named, literal = _sides(call.arguments)
            if literal is not None:
                yield from _verified(named or "token", literal, unit)


def _sides(operands: list[code.Expression]) -> tuple[str, code.Constant | None]:
    literal = next((side for side in operands if isinstance(side, code.Constant)), None)
    named = next((last_name(side) for side in operands if not isinstance(side, code.Constant)), "")
    return named, literal


def _verified(name: str, value: code.Expression, unit: Unit) -> Iterator[CodeLiteral]:
    if isinstance(value, code.Constant) and isinstance(value.value, str):
        looks = strength(value.value)
        if looks is not Strength.NOTHING:
            yield CodeLiteral(name, unit, value, mask(value.value), looks, overridable=False, verified=True)


def _literal(
    name: str, value: code.Expression, unit: Unit, targets: tuple[code.Expression, ...], *, overridable: bool
) -> Iterator[CodeLiteral]:
    if isinstance(value, code.Operation) and value.operator == "or" and isinstance(value.operands[-1], code.Constant):
        value, overridable = value.operands[-1], True
    if not isinstance(value, code.Constant) or not isinstance(value.value, str):
        return
    text = value.value.strip()
    if re.search(r"\s", text) or text.lower().replace("-", "_") == name.lower():
        return  # a sentence or a label (`PASSWORD = "password"`), not a value
    if "://" in text:
        looks = url_password(text)
        if looks is not Strength.NOTHING:
            shown = "password in an address, hidden"
            yield CodeLiteral(name, unit, value, shown, looks, overridable, in_url=True, targets=targets)
    elif secret_name(name):
        looks = strength(text)
        if looks is not Strength.NOTHING:
            yield CodeLiteral(name, unit, value, mask(text), looks, overridable, targets=targets)


def _unwrapped(value: code.Expression) -> code.Expression:
    """The literal inside `SecretStr("…")`, `Field(default="…")` and their like."""
    for _ in range(3):
        if not isinstance(value, code.Call) or last_name(value.function) not in _WRAPPERS:
            break
        inner = value.keyword("default") or (value.arguments[0] if value.arguments else None)
        if inner is None:
            break
        value = inner
    return value


def _target_name(target: code.Expression) -> str:
    if isinstance(target, code.Index):
        key = target.key
        return key.value if isinstance(key, code.Constant) and isinstance(key.value, str) else ""
    return last_name(target)


def verified_names(program: Program, wanted: frozenset[str], sources: Mapping[str, str]) -> frozenset[str]:
    """Those of the wanted names (lower case) whose value serving code compares with another: the service verifies them.

    A comparison with a literal verifies nothing (`if key == "sk-..."`). Only files whose text has a wanted name are
    walked.
    """
    names: set[str] = set()
    for info in program.modules.values():
        if info.role is not Role.SERVING or not _mentions(sources.get(info.path, "").lower(), wanted):
            continue
        for node in code.walk(info.code.body):
            if isinstance(node, code.Operation) and node.operator in ("==", "!=", "in", "not in"):
                sides = node.operands
            elif isinstance(node, code.Call) and last_name(node.function) == "compare_digest":
                sides = node.arguments
            else:
                continue
            if not any(isinstance(side, code.Constant) for side in sides):
                names.update(name.lower() for side in sides for name in _names(side) if secret_name(name))
    return frozenset(names & wanted)


def _mentions(text: str, names: Iterable[str]) -> bool:
    return any(name in text for name in names)


def _names(expression: code.Expression) -> Iterator[str]:
    for node in code.walk(expression):
        if isinstance(node, code.Name):
            yield node.id
        elif isinstance(node, code.Member):
            yield node.name


def unread_names(program: Program, literals: Iterable[CodeLiteral], sources: Mapping[str, str]) -> frozenset[str]:
    """The assigned names among the literals' that no code reads, by name or as text (`getattr(settings, "NAME")`).

    Frameworks that take a whole class or module of settings (Flask's `from_object`, Django) read every name.
    """
    targets = [target for literal in literals for target in literal.targets if isinstance(target, code.Name)]
    if not targets or "from_object" in program.calls_by_name or _uses_django(program):
        return frozenset()
    written = {id(target) for target in targets}
    written.update(id(call.arguments[0]) for call in _lookups(program) if call.arguments)
    names = {target.id for target in targets}
    read: set[str] = set()
    for info in program.modules.values():
        if info.role not in (Role.TEST, Role.VENDORED) and _mentions(sources.get(info.path, ""), names):
            read.update(_read(info.code.body, written))
    return frozenset(names - read)


def _read(body: list[code.Statement], written: set[int]) -> Iterator[str]:
    for node in code.walk(body):
        if id(node) in written:
            continue
        if isinstance(node, code.Name):
            yield node.id
        elif isinstance(node, code.Member | code.Import):
            yield node.name or ""
        elif isinstance(node, code.Constant) and isinstance(node.value, str):
            yield node.value


def _lookups(program: Program) -> Iterator[code.Call]:
    """Calls whose result is assigned: the `"NAME"` of `os.getenv("NAME", …)` names a variable and reads no name."""
    for unit in program.units:
        for statement in unit.blocks:
            if isinstance(statement, code.Assign) and isinstance(statement.value, code.Call):
                yield statement.value


def _uses_django(program: Program) -> bool:
    return any(
        imported.module.partition(".")[0] == "django"
        for info in program.modules.values()
        for imported in info.body.imports.values()
    )
