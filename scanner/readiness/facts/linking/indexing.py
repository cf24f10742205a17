"""Fills the units of a program from their statements: what each binds, calls, imports and defines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from readiness.extract import code
from readiness.facts.linking.units import Binding, ClassInfo, Unit, last_name

_THREADS = {
    "run_in_executor": 1,
    "to_thread": 0,
    "run_in_threadpool": 0,
    "run_sync": 0,
    "submit": 0,
    "sync_to_async": 0,
    "add_task": 0,
    "start_soon": 0,
}
"""Functions that run another one in a thread or a task, and which argument that is."""

_TARGETS = ("__type__", "_target_", "class_path", "type")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


class Indexer:
    """Fills one unit from its statements; each function and class inside becomes a unit with an indexer of its own."""

    def __init__(self, units: list[Unit], classes: list[ClassInfo], unit: Unit, owner: ClassInfo | None = None) -> None:
        self._units, self._classes, self.unit, self.owner = units, classes, unit, owner
        units.append(unit)
        self._block = 0

    def _inner(self, block: tuple[int, ...]) -> tuple[int, ...]:
        self._block += 1
        return (*block, self._block)

    def statements(self, statements: list[code.Statement], block: tuple[int, ...]) -> None:
        """Index statements that stand in a path of nested branches."""
        for statement in statements:
            self._statement(statement, block)

    def _statement(self, s: code.Statement, block: tuple[int, ...]) -> None:  # noqa: C901  # one case per kind
        self.unit.blocks[s] = block
        match s:
            case code.Function():
                self._function(s)
            case code.Class():
                self._class(s)
            case code.Import():
                self.unit.imports.setdefault(s.alias if s.name != "*" else f"*{s.module}", s)
            case code.Assign():
                self._expressions([*s.targets, *filter(None, [s.value])])
                for target in s.targets:
                    self._bind(target, "augmented" if s.operator else "value", s.value, block, annotation=s.annotation)
            case code.Return():
                if s.value is not None:
                    self.unit.returns.append(s.value)
                    self._expressions([s.value])
            case code.If():
                self._expressions([s.test])
                self.statements(s.body, self._inner(block))
                self.statements(s.otherwise, self._inner(block))
            case code.Loop():
                self._expressions([s.subject])
                if s.target is not None:
                    self._bind(s.target, "item", s.subject, block)
                self.statements(s.body, self._inner(block))
                self.statements(s.otherwise, block)
            case code.Try():
                self.statements(s.body, block)
                for handler in s.handlers:
                    self.statements(handler.body, self._inner(block))
                self.statements([*s.otherwise, *s.final], block)
            case code.With():
                for context, name in s.items:
                    self._expressions([context])
                    if name is not None:
                        self._bind(name, "context", context, block)
                self.statements(s.body, block)
            case code.Switch():
                self._expressions([s.subject])
                for values, guard, body in s.cases:
                    self._expressions([*values, *filter(None, [guard])])
                    self.statements(body, self._inner(block))
            case code.Jump(kind="global"):
                self.unit.globals.update(s.names)
            case _:
                self._expressions([c for c in code.children(s) if isinstance(c, code.Expression)])

    def _expressions(self, expressions: Iterable[code.Expression]) -> None:
        for expression in expressions:
            for node in code.walk(expression):
                if isinstance(node, code.Call):
                    self.unit.calls.append(node)
                    self._handed_to_a_thread(node)
                elif isinstance(node, code.Mapping):
                    self._constructor_as_data(node)
                elif isinstance(node, code.Yield):
                    self.unit.yields.append(node)
                elif isinstance(node, code.Bind):
                    self._bind(node.target, "value", node.value, ())
                elif isinstance(node, code.Source):
                    self._bind(node.target, "item", node.iterable, ())
                elif isinstance(node, code.Lambda):
                    for parameter in node.parameters:
                        self.unit.bindings[parameter.name].append(Binding("lambda", None, node.line, ()))

    def _handed_to_a_thread(self, call: code.Call) -> None:
        """`run_in_executor(pool, client.ask, text)` calls `client.ask(text)`, only elsewhere."""
        position = _THREADS.get(last_name(call.function))
        if position is not None and position < len(call.arguments):
            function = call.arguments[position]
            if isinstance(function, code.Member | code.Name):
                rest = call.arguments[position + 1 :]
                keywords = [k for k in call.keywords if k.name not in ("loop", "executor", "limiter")]
                self.unit.calls.append(code.Call(function.line, call.end_line, function, rest, keywords))

    def _constructor_as_data(self, mapping: code.Mapping) -> None:
        """`{"_target_": "package.Class", "timeout": 20}` is a constructor call that somebody will make."""
        named = {k.value: v for k, v in mapping.items if isinstance(k, code.Constant) and isinstance(k.value, str)}
        target = next((named[key] for key in _TARGETS if key in named), None)
        if isinstance(target, code.Constant) and isinstance(target.value, str) and _DOTTED.fullmatch(target.value):
            keywords = [code.Keyword(v.line, v.end_line, k, v) for k, v in named.items() if v is not target]
            function = code.Name(target.line, target.end_line, target.value)
            call = code.Call(target.line, mapping.end_line, function, [], keywords)
            self.unit.calls.append(call)
            self.unit.specifications.append(call)

    def _bind(
        self,
        target: code.Expression,
        how: str,
        value: code.Expression | None,
        block: tuple[int, ...],
        part: int = -1,
        annotation: code.Expression | None = None,
    ) -> None:
        binding = Binding(how, value, target.line, block, part, annotation)
        if isinstance(target, code.Index) and how == "value" and value is not None:
            self.unit.stores.append((target.base, target.key, value))
        match target:
            case code.Name():
                if target.id in self.unit.globals:
                    binding.unit, binding.block = self.unit, (-1,)
                    self.unit.module.body.bindings[target.id].append(binding)
                else:
                    self.unit.bindings[target.id].append(binding)
            case code.Member(base=code.Name(id="self" | "cls")):
                owner = self._owner()
                if owner is not None:
                    owner.attributes[target.name].append((binding, self.unit))
                self.unit.members.append((target, binding))
            case code.Member():
                self.unit.members.append((target, binding))
            case code.Index(base=code.Member() as store, key=code.Constant(value=str() as name)):
                member = code.Member(target.line, target.end_line, store, name)
                self.unit.members.append((member, binding))
            case code.Index(base=code.Name(id=name), key=key):
                if value is not None:
                    self.unit.items[name].append((key, value))
            case code.Sequence():
                self._bind_parts(target, how, value, block)
            case code.Spread():
                self._bind(target.value, "item", value, block)
            case _:
                pass

    def _bind_parts(
        self, target: code.Sequence, how: str, value: code.Expression | None, block: tuple[int, ...]
    ) -> None:
        same = isinstance(value, code.Sequence) and how == "value" and len(value.items) == len(target.items)
        for position, item in enumerate(target.items):
            if same and isinstance(value, code.Sequence):
                self._bind(item, "value", value.items[position], block)
            else:
                self._bind(item, "part" if how == "value" else how, value, block, position)

    def _owner(self) -> ClassInfo | None:
        unit: Unit | None = self.unit
        while unit is not None:
            if unit.owner is not None:
                return unit.owner
            unit = unit.parent
        return None

    def _function(self, node: code.Function) -> None:
        unit = Unit(self.unit.module, node.name, node, self.owner, self.unit)
        if self.owner is not None:
            known = self.owner.methods.get(node.name)
            if known is None or not _is_setter(node):
                self.owner.methods[node.name] = unit
        else:
            self.unit.nested[node.name] = unit
        self._expressions([*node.decorators, *filter(None, [p.default for p in node.parameters])])
        Indexer(self._units, self._classes, unit).statements(node.body, ())

    def _class(self, node: code.Class) -> None:
        info = ClassInfo(self.unit.module, node, self.unit)
        self._classes.append(info)
        (self.owner.body.classes if self.owner and self.owner.body else self.unit.classes)[node.name] = info
        self.unit.classes.setdefault(node.name, info)
        self._expressions([*node.bases, *node.decorators, *(k.value for k in node.keywords)])
        body = Unit(self.unit.module, node.name, None, info, self.unit)
        info.body = body
        indexer = Indexer(self._units, self._classes, body, info)
        indexer.statements(node.body, ())
        for name, bindings in body.bindings.items():
            info.attributes[name][:0] = [(binding, body) for binding in bindings]


def _is_setter(node: code.Function) -> bool:
    return any(isinstance(d, code.Member) and d.name in ("setter", "deleter") for d in node.decorators)
