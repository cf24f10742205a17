"""The pieces of a program: modules, classes, functions, and what each binds, calls and imports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.facts.place import Place
from readiness.repository.tree import Role

STATES = frozenset({"session_state", "state", "user_session", "ctx"})
"""Members of frameworks' objects that projects keep their own in (`st.session_state.chain`, `app.state.client`)."""


@dataclass(slots=True, eq=False)
class Binding:
    """One way a name gets its value.

    `how`: "value" (the expression itself), "item" (an item of it), "part" (its `part`-th member), "context" (what its
    `with` yields), "augmented" (added to what was there). `block` is the path of nested blocks it stands in.
    """

    how: str
    value: code.Expression | None
    line: int
    block: tuple[int, ...]
    part: int = -1
    annotation: code.Expression | None = None
    unit: Unit | None = None
    """The unit the value is to be read in, where it is not the one that owns the name (`global`)."""


@dataclass(eq=False)
class Unit:
    """A piece of code that runs as one: a function, a method, a class body (`function` is None), or a module's body."""

    module: ModuleInfo
    name: str
    function: code.Function | None
    owner: ClassInfo | None = None
    parent: Unit | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    members: list[tuple[code.Member, Binding]] = field(default_factory=list)
    """Assignments to members (`self.x = …`, `app.state.client = …`)."""
    stores: list[tuple[code.Expression, code.Expression, code.Expression]] = field(default_factory=list)
    """What is put into containers: (`models`, `"a"`, the value) for `models["a"] = load()`."""
    items: dict[str, list[tuple[code.Expression, code.Expression]]] = field(default_factory=lambda: defaultdict(list))
    """Assignments to items of a local name (`options["timeout"] = 20`): key and value, by the name."""
    calls: list[code.Call] = field(default_factory=list)
    specifications: list[code.Call] = field(default_factory=list)
    """Those of the calls that are written as data."""
    returns: list[code.Expression] = field(default_factory=list)
    yields: list[code.Yield] = field(default_factory=list)
    nested: dict[str, Unit] = field(default_factory=dict)
    classes: dict[str, ClassInfo] = field(default_factory=dict)
    imports: dict[str, code.Import] = field(default_factory=dict)
    """The first import of each name; a star import stands under `*` and its module's name."""
    globals: set[str] = field(default_factory=set)
    blocks: dict[code.Node, tuple[int, ...]] = field(default_factory=dict)
    """The path of nested branches each statement stands in; one that is a prefix of another surely ran before it."""

    @property
    def qualified(self) -> str:
        """Dotted name from the module down: `app.core.llm.get_model`."""
        inner = [self.name] if self.function else []
        unit, owner = self.parent, self.owner
        while owner is not None or (unit is not None and unit.function is not None):
            if owner is not None:
                inner.append(owner.node.name)
                unit, owner = owner.unit, None
            elif unit is not None:
                inner.append(unit.name)
                owner, unit = unit.owner, unit.parent
        return ".".join([self.module.name, *reversed(inner)])

    @property
    def place(self) -> Place:
        """Where it is defined."""
        node = self.function or (self.owner.node if self.owner else None)
        return Place(self.module.path, node.line, node.end_line) if node else Place(self.module.path, 1, 1)

    @property
    def body(self) -> list[code.Statement]:
        """Its statements."""
        node = self.function or (self.owner.node if self.owner else None)
        return node.body if node else self.module.code.body

    @property
    def is_module(self) -> bool:
        """Whether it is the body of a module."""
        return self.function is None and self.owner is None

    @cached_property
    def parents(self) -> dict[code.Node, code.Node]:
        """Each node of the body and the node it stands in; nested functions and classes are left out."""
        found: dict[code.Node, code.Node] = {}
        stack: list[code.Node] = list(self.body)
        while stack:
            node = stack.pop()
            if isinstance(node, code.Function | code.Class):
                continue
            for child in code.children(node):
                found[child] = node
                stack.append(child)
        return found

    def enclosing(self, node: code.Node) -> Iterator[code.Node]:
        """The nodes around a node of this unit, innermost first."""
        above = self.parents.get(node)
        while above is not None:
            yield above
            above = self.parents.get(above)

    def at(self, node: code.Node) -> Place:
        """The place of a node of this unit."""
        return Place(self.module.path, node.line, node.end_line)

    def parameter(self, name: str) -> code.Parameter | None:
        """Its parameter of that name."""
        if self.function is None:
            return None
        return next((p for p in self.function.parameters if p.name == name), None)


@dataclass(eq=False)
class ClassInfo:
    """A class of the repository: its methods, and every expression that gives an attribute its value."""

    module: ModuleInfo
    node: code.Class
    unit: Unit
    methods: dict[str, Unit] = field(default_factory=dict)
    attributes: dict[str, list[tuple[Binding, Unit]]] = field(default_factory=lambda: defaultdict(list))
    body: Unit | None = None

    @property
    def place(self) -> Place:
        """Where it is defined."""
        return Place(self.module.path, self.node.line, self.node.end_line)


@dataclass(eq=False)
class ModuleInfo:
    """A file of code: its dotted name (from the repository's root), its role, and its body as a unit."""

    path: str
    name: str
    code: code.Module
    role: Role
    body: Unit = None  # type: ignore[assignment]  # set as soon as the module exists: a unit needs its module

    @property
    def is_package(self) -> bool:
        """Whether it is a package's `__init__`."""
        return PurePosixPath(self.path).stem == "__init__"


def main_guard(module: code.Module) -> code.If | None:
    """The `if __name__ == "__main__":` of a module."""
    for statement in module.body:
        if isinstance(statement, code.If) and isinstance(statement.test, code.Operation):
            operands = statement.test.operands
            if any(isinstance(o, code.Name) and o.id == "__name__" for o in operands):
                return statement
    return None


def module_name(path: str) -> str:
    """The dotted name of a file, counted from the repository's root: `src/app/__init__.py` is `src.app`."""
    pure = PurePosixPath(path)
    parts = [*pure.parts[:-1], *([] if pure.stem == "__init__" else [pure.stem])]
    return ".".join(parts)


def last_name(expression: code.Expression) -> str:
    """The last name of a dotted expression: `create` for `client.chat.create`; empty where there is none."""
    match expression:
        case code.Name():
            return expression.id.rpartition(".")[2]
        case code.Member():
            return expression.name
        case _:
            return ""


def dotted(expression: code.Expression) -> str:
    """A dotted expression as written (`a.b.c`), or empty where it is anything else."""
    names: list[str] = []
    while isinstance(expression, code.Member):
        names.append(expression.name)
        expression = expression.base
    if not isinstance(expression, code.Name):
        return ""
    return ".".join([expression.id, *reversed(names)])
