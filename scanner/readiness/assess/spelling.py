"""Does an expression say only what exists? Every name and every member is followed through the types of the facts.

A typo in a check must not become a silent false, so this runs when the catalogue loads.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from jinja2 import nodes

from readiness.assess.errors import ExpressionError
from readiness.assess.expressions import environment, parse, parse_message
from readiness.assess.vocabulary import MISSING, Hint, Method, element, list_of, member, member_names, title, union

_SAME_ELEMENTS = frozenset({"list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique"})
_ONE_ELEMENT = frozenset({"first", "last", "max", "min"})
_TEXT = frozenset({"format", "join", "lower", "replace", "string", "trim", "truncate", "upper"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The names in reach: the attributes of the facts, and what is bound (the site, a path, a loop's variable)."""

    facts: type
    bound: Mapping[str, Hint] = field(default_factory=dict)

    def kind(self, name: str) -> Hint:
        """Return the type of what `name` stands for, MISSING when it stands for nothing."""
        return self.bound[name] if name in self.bound else member(self.facts, name)

    def names(self) -> list[str]:
        """Return every name in reach."""
        return sorted({*self.bound, *member_names(self.facts)})

    def binding(self, **more: Hint) -> Scope:
        """Return this scope with more names in reach."""
        return Scope(self.facts, {**self.bound, **more})


def kind_of(source: str, scope: Scope) -> Hint:
    """Check the spelling of an expression and return the type of its value, `Any` when that is not known.

    Raises:
        ExpressionError: it does not compile, or says a name, member, filter or test that does not exist.
    """
    output = parse(source).body[0]
    assert isinstance(output, nodes.Output)
    return _Reader(source, scope).kind(output.nodes[0])


def check_message(source: str, scope: Scope) -> None:
    """Check the spelling of a message template, which may use `{{ }}`, `{% if %}` and `{% for %}`.

    Raises:
        ExpressionError: it does not compile, or says something that does not exist.
    """
    _Reader(source, scope).statements(parse_message(source).body)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean `x`?" for the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


class _Reader:
    """Walks one expression or message and infers types on the way up."""

    def __init__(self, source: str, scope: Scope) -> None:
        self.source = " ".join(source.split())
        self.scope = scope
        self.readers: dict[type[nodes.Node], Callable[[Any], Hint]] = {
            nodes.Name: self._name,
            nodes.Const: lambda node: type(node.value),
            nodes.TemplateData: lambda node: str,
            nodes.Getattr: lambda node: self._member(self.kind(node.node), node.attr),
            nodes.Getitem: self._item,
            nodes.Call: self._call,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.And: lambda node: union((self.kind(node.left), self.kind(node.right))),
            nodes.Or: lambda node: union((self.kind(node.left), self.kind(node.right))),
            nodes.Add: lambda node: union((self.kind(node.left), self.kind(node.right))),
            nodes.Not: self._truth,
            nodes.Compare: self._truth,
            nodes.CondExpr: self._condition,
            nodes.List: self._items,
            nodes.Tuple: self._items,
        }

    def kind(self, node: nodes.Node | None) -> Hint:
        """Return the type of a node's value after checking everything in it."""
        if node is None:
            return types.NoneType
        read = self.readers.get(type(node))
        if read is not None:
            return read(node)
        for child in node.iter_child_nodes():
            self.kind(child)
        return str if isinstance(node, nodes.Concat) else Any

    def statements(self, body: Iterable[nodes.Node]) -> None:
        """Check the statements of a message."""
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    self.kind(part)
            elif isinstance(node, nodes.If):
                self.kind(node.test)
                self.statements((*node.body, *node.elif_, *node.else_))
            elif isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
                if self.scope.kind(node.target.name) is not MISSING:
                    raise self._error(f"the loop's variable `{node.target.name}` hides another; call it something else")
                loop = {node.target.name: self._elements(self.kind(node.iter), "the loop"), "loop": Any}
                _Reader(self.source, self.scope.binding(**loop)).statements(node.body)
                self.statements(node.else_)
            else:
                raise self._error(f"a message cannot use `{type(node).__name__.lower()}`, only if, for and {{{{ }}}}")

    def _name(self, node: nodes.Name) -> Hint:
        kind = self.scope.kind(node.name)
        if kind is MISSING:
            raise self._error(f"there is no `{node.name}`{suggestion(node.name, self.scope.names())}")
        return kind

    def _member(self, owner: Hint, name: str) -> Hint:
        kind = member(owner, name)
        if kind is MISSING:
            if name.startswith("_"):
                raise self._error(f"`{name}` is private")
            raise self._error(f"{title(owner)} has no `{name}`{suggestion(name, member_names(owner))}")
        return kind

    def _item(self, node: nodes.Getitem) -> Hint:
        owner = self.kind(node.node)
        self.kind(node.arg)
        if isinstance(node.arg, nodes.Slice):
            return owner
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._member(owner, node.arg.value)
        inner = element(owner)
        return Any if inner is MISSING else inner

    def _call(self, node: nodes.Call) -> Hint:
        called = self.kind(node.node)
        self._arguments(node)
        return called.returns if isinstance(called, Method) else Any

    def _filter(self, node: nodes.Filter) -> Hint:
        if node.name not in environment().filters:
            raise self._error(f"there is no filter `{node.name}`{suggestion(node.name, environment().filters)}")
        given = self.kind(node.node)
        self._arguments(node)
        attribute = self._attribute(node)
        if node.name == "map":
            return self._mapped(node, given, attribute)
        if node.name in ("select", "reject"):
            self._test_name(node.args[0] if node.args else None)
        elif node.name in ("selectattr", "rejectattr"):
            self._test_name(node.args[1] if len(node.args) > 1 else None)
        if attribute:
            self._follow(given, attribute, node.name)
        if node.name in _SAME_ELEMENTS:
            return list_of(self._elements(given, f"`{node.name}`"))
        if node.name in _ONE_ELEMENT:
            return self._elements(given, f"`{node.name}`")
        if node.name == "default":
            return union((given, *(self.kind(argument) for argument in node.args[:1])))
        if node.name in ("count", "length"):
            return int
        return str if node.name in _TEXT else Any

    def _mapped(self, node: nodes.Filter, given: Hint, attribute: str) -> Hint:
        if attribute:
            return list_of(self._follow(given, attribute, "map"))
        self._elements(given, "`map`")
        name = _text(node.args[0]) if node.args else ""
        if name not in environment().filters:
            hint = suggestion(name, environment().filters)
            raise self._error(f"`map` takes `attribute='…'` or the name of a filter{hint}")
        return list[Any]

    def _attribute(self, node: nodes.Filter) -> str:
        """Return the dotted path that a filter takes as a string, empty when it takes none."""
        given = [keyword.value for keyword in node.kwargs if keyword.key == "attribute"]
        if not given and node.name in ("selectattr", "rejectattr", "sum"):
            given = node.args[:1]
        if given and not _text(given[0]):
            raise self._error(f"the attribute of `{node.name}` must be written as a text")
        return _text(given[0]) if given else ""

    def _follow(self, given: Hint, attribute: str, name: str) -> Hint:
        """Follow `a.b`, or several joined by commas as `sort` takes them, on the elements of `given`."""
        kind: Hint = Any
        for path in attribute.split(","):
            kind = self._elements(given, f"`{name}`")
            for part in path.split("."):
                inner = element(kind) if part.isdigit() else self._member(kind, part)
                kind = Any if inner is MISSING else inner
        return kind

    def _elements(self, hint: Hint, user: str) -> Hint:
        kind = element(hint)
        if kind is MISSING:
            raise self._error(f"{user} needs a list, but {title(hint)} is none")
        return kind

    def _test(self, node: nodes.Test) -> Hint:
        self._known_test(node.name)
        self.kind(node.node)
        self._arguments(node)
        return bool

    def _test_name(self, node: nodes.Node | None) -> None:
        if node is not None:
            self._known_test(_text(node))

    def _known_test(self, name: str) -> None:
        if name not in environment().tests:
            raise self._error(f"there is no test `{name}`{suggestion(name, environment().tests)}")

    def _truth(self, node: nodes.Node) -> Hint:
        for child in node.iter_child_nodes():
            self.kind(child)
        return bool

    def _condition(self, node: nodes.CondExpr) -> Hint:
        self.kind(node.test)
        return union((self.kind(node.expr1), self.kind(node.expr2)))

    def _items(self, node: nodes.List | nodes.Tuple) -> Hint:
        return list_of(union(self.kind(item) for item in node.items))

    def _arguments(self, node: nodes.Call | nodes.Filter | nodes.Test) -> None:
        for argument in (*node.args, *(keyword.value for keyword in node.kwargs), node.dyn_args, node.dyn_kwargs):
            self.kind(argument)

    def _error(self, problem: str) -> ExpressionError:
        return ExpressionError(f"in `{self.source}`: {problem}")


def _text(node: nodes.Node) -> str:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""
