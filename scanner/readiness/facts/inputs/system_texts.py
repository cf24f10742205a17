"""The texts that stand above the user's in a prompt, and the holes in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known, Text
from readiness.facts.prompts.message_roles import load_message_roles
from readiness.repository.tree import Role

MAX_DEPTH = 6
"""Definitions between the place of a system text and its words."""

NEAR = 60
"""Characters before and after a hole in which a delimiter must stand."""

_FILLING = frozenset({"format", "format_map", "replace", "render", "partial"})
_ROLES = (Role.SERVING, Role.SCRIPT)
_VARIABLE = re.compile(r"(?<!\{)\{\s*(\w+)\s*\}(?!\})|\{\{-?\s*(\w+)[^{}]{0,60}\}\}")
_TAG = re.compile(r"<([\w-]{1,40})(?:\s[^<>]{0,80})?>")
_RULE = re.compile(r"([-=#*~_+]{3,}|`{3,}|\"{3}|'{3}|\[\[|<<<|>>>)")
_CLOSING = {"[[": "]]", "<<<": ">>>"}


@dataclass(frozen=True, slots=True)
class SystemText:
    """One text that stands above the user's: where it is given, and the expression that is it."""

    expression: code.Expression
    unit: Unit
    is_template: bool = False
    """A library fills the variables in its words."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a text that something is put into: an expression, or (`name`) a variable of a template.

    `delimited`: a mark opens before it and closes after it. `whole`: nothing stands around it.
    """

    expression: code.Expression | None
    unit: Unit
    name: str
    line: int
    delimited: bool
    whole: bool = False


class SystemTexts:
    """Finds the system texts of serving code and scripts."""

    def __init__(self, core: Core, template_makers: frozenset[str]) -> None:
        self._core, self._known, self._makers = core, load_message_roles(), template_makers

    def find(self) -> Iterator[SystemText]:
        """Every system text, each place once."""
        seen: set[code.Expression] = set()
        for text in (*self._written(), *self._knobs()):
            if text.expression not in seen:
                seen.add(text.expression)
                yield text

    def _knobs(self) -> Iterator[SystemText]:
        for call in (*self._core.calls, *self._core.wrapped):
            setting = call.setting("system")
            if call.generates and call.role in _ROLES and setting.expression is not None and setting.unit is not None:
                yield SystemText(setting.expression, setting.unit)

    def _written(self) -> Iterator[SystemText]:
        for unit in self._core.program.units:
            if unit.module.role not in _ROLES:
                continue
            for call in unit.calls:
                if any(isinstance(v, External) and self._known.makes_system(v.path)
                       for v in self._core.resolver.values(call.function, unit)):  # fmt: skip
                    given = next((call.keyword(k) for k in ("content", "prompt", "text", "template")
                                  if call.keyword(k) is not None), None)  # fmt: skip
                    given = given or next(iter(call.arguments), None)
                    if given is not None:
                        yield SystemText(given, unit, "Prompt" in _spelt(call.function))
            for node in unit.parents:
                if isinstance(node, code.Mapping):
                    parts = {k.value: v for k, v in node.items if isinstance(k, code.Constant)}
                    role = parts.get("role")
                    if isinstance(role, code.Constant) and role.value in self._known.roles and "content" in parts:
                        yield SystemText(parts["content"], unit)
                elif isinstance(node, code.Sequence) and node.kind == "tuple" and len(node.items) == 2:
                    role = node.items[0]
                    if isinstance(role, code.Constant) and role.value in self._known.roles:
                        yield SystemText(node.items[1], unit, self._is_template(node, unit))

    def _is_template(self, node: code.Node, unit: Unit) -> bool:
        return any(
            isinstance(above, code.Call) and last_name(above.function) in self._makers for above in unit.enclosing(node)
        )

    # -- holes -------------------------------------------------------------------------------------------------

    def holes(self, text: SystemText) -> Iterator[Hole]:
        """What is put into a text, one hole after the other."""
        yield from self._holes(text.expression, text.unit, text.is_template, MAX_DEPTH)

    def _holes(self, e: code.Expression, unit: Unit, template: bool, depth: int) -> Iterator[Hole]:
        if depth < 0:
            return
        match e:
            case code.Constant(value=str() as words):
                if template:
                    yield from self._variables(words, e, unit)
            case code.Template(parts=parts):
                yield from self._parts(parts, unit, template, depth)
            case code.Operation(operator="+" | "%", operands=operands):
                yield from self._parts(_flat(e) if e.operator == "+" else operands, unit, template, depth)
            case code.Choice(then=then, otherwise=otherwise):
                yield from self._holes(then, unit, template, depth)
                yield from self._holes(otherwise, unit, template, depth)
            case code.Call():
                yield from self._of_call(e, unit, template, depth)
            case code.Name() | code.Member() | code.Index():
                yield from self._named(e, unit, template, depth)
            case code.Await(value=value):
                yield from self._holes(value, unit, template, depth)
            case _:
                return

    def _parts(self, parts: list[code.Expression], unit: Unit, template: bool, depth: int) -> Iterator[Hole]:
        for position, part in enumerate(parts):
            if isinstance(part, code.Constant):
                continue
            before = "".join(_words(p) for p in parts[:position])
            after = "".join(_words(p) for p in parts[position + 1 :])
            inner = list(self._written_in(part, unit, template, depth - 1))
            if inner:
                yield from inner
            else:
                yield Hole(part, unit, _name(part), part.line, _is_delimited(before, after))

    def _written_in(self, part: code.Expression, unit: Unit, template: bool, depth: int) -> Iterator[Hole]:
        """The holes of a part that is itself a text written in the code."""
        if isinstance(part, code.Name | code.Template | code.Operation | code.Choice):
            for hole in self._holes(part, unit, template, depth):
                if not hole.whole:
                    yield hole

    def _of_call(self, call: code.Call, unit: Unit, template: bool, depth: int) -> Iterator[Hole]:
        """`TEXT.format(name=value)`, `TEXT.replace("{x}", value)`, `dedent(text)`, a function that returns a text."""
        function = call.function
        if isinstance(function, code.Member) and function.name in (
            "format",
            "format_map",
            "replace",
            "render",
            "partial",
        ):
            words = "".join(self._texts(function.base, unit))
            given = [(k.name or "", k.value) for k in call.keywords]
            given += [("", a) for a in (call.arguments[1:] if function.name == "replace" else call.arguments)]
            for name, value in given:
                before, after = _around(words, name)
                yield Hole(value, unit, name or _name(value), value.line, _is_delimited(before, after))
            return
        targets = [e.unit for e in self._core.graph.edges.get(unit, ()) if e.node is call and e.is_call]
        for target in targets[:2]:
            for returned in target.returns:
                yield from self._holes(returned, target, template, depth - 1)
        if not targets and call.arguments and last_name(function) in ("dedent", "cleandoc", "str", "strip"):
            yield from self._holes(call.arguments[0], unit, template, depth - 1)

    def _named(self, e: code.Expression, unit: Unit, template: bool, depth: int) -> Iterator[Hole]:
        found = False
        if isinstance(e, code.Name):
            for binding in unit.bindings.get(e.id, ()):
                if binding.value is not None and binding.how in ("value", "augmented"):
                    found = True
                    if binding.how == "augmented":
                        yield Hole(binding.value, unit, _name(binding.value), binding.line, False)
                    else:
                        yield from self._holes(binding.value, unit, template, depth - 1)
        if found:
            return
        values = self._core.resolver.values(e, unit)
        for value in values[:4]:
            if isinstance(value, Text):
                found = True
                yield from self._holes(value.template, value.unit, template, depth - 1)
            elif isinstance(value, Known):
                found = True
                if template and isinstance(value.value, str):
                    yield from self._variables(value.value, e, unit)
        if not found:
            yield Hole(e, unit, _name(e), e.line, False, whole=True)

    def _variables(self, words: str, at: code.Expression, unit: Unit) -> Iterator[Hole]:
        for found in _VARIABLE.finditer(words[:20_000]):
            name = found[1] or found[2]
            line = at.line + words.count("\n", 0, found.start())
            yield Hole(
                None, unit, name, min(line, at.end_line), _is_delimited(words[: found.start()], words[found.end() :])
            )

    def _texts(self, e: code.Expression, unit: Unit) -> Iterator[str]:
        for value in self._core.resolver.values(e, unit)[:2]:
            if isinstance(value, Known) and isinstance(value.value, str):
                yield value.value
            elif isinstance(value, Text) and isinstance(value.template, code.Template):
                yield "".join(_words(p) for p in value.template.parts)


def _is_delimited(before: str, after: str) -> bool:
    """Whether a mark opens before a hole and the same one closes after it: a tag, a fence, a rule."""
    near, far = before[-NEAR:], after[:NEAR]
    tags = _TAG.findall(near)
    if tags and f"</{tags[-1]}" in far:
        return True
    opened = _RULE.findall(near)
    if not opened:
        return False
    mark = opened[-1]
    closing = _CLOSING.get(mark, mark[:3])
    return closing in far


def _around(words: str, name: str) -> tuple[str, str]:
    """The words before and after a variable of a text."""
    for mark in (f"{{{name}}}", f"{{{{ {name} }}}}", f"{{{{{name}}}}}"):
        before, found, after = words.partition(mark)
        if found:
            return before, after
    return "", ""


def _flat(e: code.Expression) -> list[code.Expression]:
    if isinstance(e, code.Operation) and e.operator == "+":
        return [part for operand in e.operands for part in _flat(operand)]
    return [e]


def _words(part: code.Expression) -> str:
    if isinstance(part, code.Template):
        return "".join(_words(p) for p in part.parts)
    return str(part.value) if isinstance(part, code.Constant) else "\x00"


def _name(e: code.Expression) -> str:
    match e:
        case code.Name(id=name) | code.Member(name=name):
            return name
        case code.Index(key=code.Constant(value=str() as name)):
            return name
        case code.Call(function=code.Member(base=base)):
            return _name(base)
        case _:
            return ""


def _spelt(e: code.Expression) -> str:
    return ".".join(n.id if isinstance(n, code.Name) else n.name for n in code.walk(e)
                    if isinstance(n, code.Name | code.Member))  # fmt: skip
