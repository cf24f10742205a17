"""The language of checks: Jinja2 expressions, sandboxed, each compiled once, on typed facts.

Only plain expressions over facts: no global functions, a short list of filters, and an undefined name is always an
error. The filters that Jinja makes lazy return lists here: a generator is true even when it yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from readiness.assess.errors import ExpressionError

EAGER = ("map", "reject", "rejectattr", "reverse", "select", "selectattr", "unique")
FILTERS = (
    *EAGER,
    *("abs", "count", "default", "first", "float", "format", "int", "join", "last", "length", "list"),
    *("lower", "max", "min", "replace", "round", "sort", "string", "sum", "trim", "truncate", "upper"),
)
"""What an expression may pipe a value through; everything else of Jinja's is for web pages."""


class Expression:
    """A compiled expression. Calling it with facts, and with what else is bound, gives its value."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.names = _free_names(parse(source))
        self._evaluate = environment().compile_expression(source, undefined_to_none=False)

    def __call__(self, facts: object, **bound: object) -> Any:
        """Evaluate on `facts`; names in `bound` win over names of facts.

        Raises:
            ExpressionError: the value does not exist, or computing it broke (a comparison with None, for instance).
        """
        try:
            value = self._evaluate(**_values(self.names, facts, bound))
        except BROKEN as error:
            raise ExpressionError(_reason(error)) from error
        if isinstance(value, Undefined):
            raise ExpressionError("it has no value here")
        return value


class Message:
    """A compiled message template; what it renders is one line."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.names = _free_names(parse_message(source))
        self._template = environment().from_string(source)

    def __call__(self, facts: object, **bound: object) -> str:
        """Render on `facts` and what is bound.

        Raises:
            ExpressionError: something in it does not exist, or computing it broke.
        """
        try:
            text = self._template.render(**_values(self.names, facts, bound))
        except BROKEN as error:
            raise ExpressionError(_reason(error)) from error
        return " ".join(text.split())


BROKEN = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What evaluating can raise when an expression does not fit the fact it meets."""


@cache
def expression(source: str) -> Expression:
    """Return the expression compiled; the same source is compiled once."""
    return Expression(source)


@cache
def message(source: str) -> Message:
    """Return the message template compiled; the same source is compiled once."""
    return Message(source)


def parse(source: str) -> nodes.Template:
    """Parse an expression, as the only output of a template.

    Raises:
        ExpressionError: it is no Jinja expression.
    """
    tree = parse_message("{{ (" + source + "\n) }}")
    only = tree.body[0] if source.strip() and len(tree.body) == 1 else None
    if not isinstance(only, nodes.Output) or len(only.nodes) != 1:
        raise ExpressionError(f"`{source}` is not one expression")
    return tree


def parse_message(source: str) -> nodes.Template:
    """Parse a message template.

    Raises:
        ExpressionError: it is no Jinja template.
    """
    try:
        return environment().parse(source)
    except TemplateError as error:
        raise ExpressionError(f"`{source.strip()}` does not compile: {error.message}") from error


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """Return the one environment everything is compiled in."""
    # Folding constants costs more than it saves in expressions this short.
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, optimized=False, cache_size=0)
    made.globals.clear()
    known = made.filters
    made.filters = {name: _eager(known[name]) if name in EAGER else known[name] for name in FILTERS}
    return made


def _eager(lazy: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(lazy)  # keeps the marks by which Jinja knows what to pass first
    def listed(*arguments: Any, **keywords: Any) -> Any:
        result = lazy(*arguments, **keywords)
        return list(result) if isinstance(result, Iterator) else result

    return listed


def _values(names: frozenset[str], facts: object, bound: dict[str, object]) -> dict[str, object]:
    return {name: bound[name] if name in bound else getattr(facts, name) for name in names}


def _free_names(tree: nodes.Template) -> frozenset[str]:
    """Return the names that must be given; those that a message's loops bind hide no other (spelling sees to that)."""
    # Jinja's own `find_undeclared_variables` generates the whole code for it, as costly as compiling once more.
    names = list(tree.find_all(nodes.Name))
    bound = {name.name for name in names if name.ctx == "store"}
    return frozenset(name.name for name in names if name.name not in bound and name.name != "loop")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
