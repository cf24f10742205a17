"""Python source, lowered into the nodes of `code.py`.

`ast.parse` reads what the host's Python knows; newer syntax is first rewritten, line for line, by `modern.py`, so
that a scanner on Python 3.11 misses no file written for 3.14.
"""

from __future__ import annotations

import ast
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from readiness.extract import code
from readiness.extract.modern import downlevel
from readiness.extract.unread import Unread

MAX_DEPTH = 400
"""Nesting beyond which a file is hostile or generated: reading it would cost the host's stack (SECURITY.md)."""

TEMPLATE_CALL = "__template__"
"""What `modern.downlevel` turns a template the host cannot read into; its arguments are the template's parts."""


def read_python(path: str, source: bytes) -> code.Module:
    """Lower one Python file.

    Parameters: `path` relative to the scanned root, `source` its bytes in any encoding a coding cookie names.
    Raises `Unread` with a reason for the user when the file is no Python that can be read safely.
    """
    tree = _parse(source)
    try:
        return code.Module(path, _Lowering().statements(tree.body), ast.get_docstring(tree, clean=False))
    except RecursionError:
        raise Unread("nested too deeply to be read safely") from None


def _parse(source: bytes) -> ast.Module:
    try:
        return _ast(source)
    except SyntaxError as error:
        newer = None if "too many" in str(error) else downlevel(source)
        if newer is not None:
            try:
                return _ast(newer)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass
        where = f", line {error.lineno}" if error.lineno else ""
        raise Unread(f"not valid Python{where}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise Unread("nested too deeply to be read safely") from None
    except (ValueError, LookupError, UnicodeError) as error:
        raise Unread(f"not valid Python: {error}") from None


def _ast(source: bytes) -> ast.Module:
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    finally:
        if collecting:
            gc.enable()


_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitAnd: "&", ast.BitXor: "^", ast.MatMult: "@",
    ast.And: "and", ast.Or: "or", ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class _Lowering:
    """One method per family of syntax nodes, found by the node's type."""

    def __init__(self) -> None:
        self._depth = 0
        self._generators: list[bool] = [False]
        """Whether each function being lowered, outermost first, has been seen to yield."""
        self._expressions: dict[type, Callable[[Any], code.Expression]] = {
            ast.Name: lambda n: code.Name(n.lineno, n.end_lineno, n.id),
            ast.Attribute: lambda n: code.Member(n.lineno, n.end_lineno, self.expression(n.value), n.attr),
            ast.Call: self._call,
            ast.Constant: lambda n: code.Constant(n.lineno, n.end_lineno, None if n.value is Ellipsis else n.value),
            ast.JoinedStr: lambda n: code.Template(n.lineno, n.end_lineno, self._parts(n.values)),
            ast.FormattedValue: lambda n: self.expression(n.value),
            ast.Dict: self._mapping,
            ast.List: lambda n: code.Sequence(n.lineno, n.end_lineno, "list", self.expressions(n.elts)),
            ast.Tuple: lambda n: code.Sequence(n.lineno, n.end_lineno, "tuple", self.expressions(n.elts)),
            ast.Set: lambda n: code.Sequence(n.lineno, n.end_lineno, "set", self.expressions(n.elts)),
            ast.Subscript: lambda n: code.Index(
                n.lineno, n.end_lineno, self.expression(n.value), self.expression(n.slice)
            ),
            ast.Slice: lambda n: code.Slice(n.lineno, n.end_lineno, self._maybe(n.lower), self._maybe(n.upper)),
            ast.BinOp: lambda n: self._operation(n, n.op, [n.left, n.right]),
            ast.BoolOp: lambda n: self._operation(n, n.op, n.values),
            ast.UnaryOp: lambda n: self._operation(n, n.op, [n.operand]),
            ast.Compare: self._comparison,
            ast.IfExp: lambda n: code.Choice(
                n.lineno, n.end_lineno, self.expression(n.test), self.expression(n.body), self.expression(n.orelse)
            ),
            ast.Await: lambda n: code.Await(n.lineno, n.end_lineno, self.expression(n.value)),
            ast.Starred: lambda n: code.Spread(n.lineno, n.end_lineno, self.expression(n.value)),
            ast.Yield: lambda n: self._yield(n, False),
            ast.YieldFrom: lambda n: self._yield(n, True),
            ast.NamedExpr: lambda n: code.Bind(
                n.lineno,
                n.end_lineno,
                code.Name(n.target.lineno, n.target.end_lineno, n.target.id),
                self.expression(n.value),
            ),
            ast.Lambda: self._lambda,
            ast.ListComp: lambda n: self._comprehension(n, "list", None, n.elt),
            ast.SetComp: lambda n: self._comprehension(n, "set", None, n.elt),
            ast.GeneratorExp: lambda n: self._comprehension(n, "generator", None, n.elt),
            ast.DictComp: lambda n: self._comprehension(n, "mapping", n.key, n.value),
        }
        self._statements: dict[type, Callable[[Any], list[code.Statement]]] = {
            ast.Expr: lambda n: [code.Evaluate(n.lineno, n.end_lineno, self.expression(n.value))],
            ast.Assign: lambda n: [
                code.Assign(n.lineno, n.end_lineno, self.expressions(n.targets), self.expression(n.value), None, None)
            ],
            ast.AnnAssign: lambda n: [
                code.Assign(
                    n.lineno, n.end_lineno, [self.expression(n.target)], self._maybe(n.value),
                    self.expression(n.annotation), None,
                )
            ],
            ast.AugAssign: lambda n: [
                code.Assign(
                    n.lineno, n.end_lineno, [self.expression(n.target)], self.expression(n.value), None,
                    _OPERATORS[type(n.op)],
                )
            ],
            ast.Return: lambda n: [code.Return(n.lineno, n.end_lineno, self._maybe(n.value))],
            ast.Raise: lambda n: [code.Raise(n.lineno, n.end_lineno, self._maybe(n.exc), self._maybe(n.cause))],
            ast.If: lambda n: [
                code.If(
                    n.lineno, n.end_lineno, self.expression(n.test), self.statements(n.body), self.statements(n.orelse)
                )
            ],
            ast.For: lambda n: self._for(n, False),
            ast.AsyncFor: lambda n: self._for(n, True),
            ast.While: lambda n: [
                code.Loop(
                    n.lineno, n.end_lineno, None, self.expression(n.test), self.statements(n.body),
                    self.statements(n.orelse), False,
                )
            ],
            ast.Try: self._try,
            ast.With: lambda n: self._with(n, False),
            ast.AsyncWith: lambda n: self._with(n, True),
            ast.Match: self._switch,
            ast.Assert: lambda n: [
                code.Assert(n.lineno, n.end_lineno, self.expression(n.test), self._maybe(n.msg))
            ],
            ast.Delete: lambda n: [code.Delete(n.lineno, n.end_lineno, self.expressions(n.targets))],
            ast.Pass: lambda n: [code.Jump(n.lineno, n.end_lineno, "pass", [])],
            ast.Break: lambda n: [code.Jump(n.lineno, n.end_lineno, "break", [])],
            ast.Continue: lambda n: [code.Jump(n.lineno, n.end_lineno, "continue", [])],
            ast.Global: lambda n: [code.Jump(n.lineno, n.end_lineno, "global", n.names)],
            ast.Nonlocal: lambda n: [code.Jump(n.lineno, n.end_lineno, "nonlocal", n.names)],
            ast.Import: lambda n: [
                code.Import(n.lineno, n.end_lineno, a.name, None, a.asname or a.name.split(".")[0], 0) for a in n.names
            ],
            ast.ImportFrom: lambda n: [
                code.Import(n.lineno, n.end_lineno, n.module or "", a.name, a.asname or a.name, n.level)
                for a in n.names
            ],
            ast.FunctionDef: lambda n: self._function(n, False),
            ast.AsyncFunctionDef: lambda n: self._function(n, True),
            ast.ClassDef: self._class,
        }  # fmt: skip
        if hasattr(ast, "TryStar"):
            self._statements[ast.TryStar] = self._try
        if hasattr(ast, "TypeAlias"):  # 3.12
            self._statements[ast.TypeAlias] = lambda n: [
                code.Assign(n.lineno, n.end_lineno, [self.expression(n.name)], self.expression(n.value), None, None)
            ]
        if hasattr(ast, "TemplateStr"):  # 3.14
            self._expressions[ast.TemplateStr] = self._expressions[ast.JoinedStr]
            self._expressions[getattr(ast, "Interpolation")] = self._expressions[ast.FormattedValue]  # noqa: B009  # newer than the typed host

    def expression(self, node: ast.expr) -> code.Expression:
        self._deeper()
        lowered = self._expressions[type(node)](node)
        self._depth -= 1
        return lowered

    def expressions(self, nodes: list[ast.expr]) -> list[code.Expression]:
        return [self.expression(node) for node in nodes]

    def statements(self, nodes: list[ast.stmt]) -> list[code.Statement]:
        self._deeper()
        lowered = [statement for node in nodes for statement in self._statements[type(node)](node)]
        self._depth -= 1
        return lowered

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unread(f"nested more than {MAX_DEPTH} levels deep")

    def _yield(self, n: Any, many: bool) -> code.Expression:
        self._generators[-1] = True
        return code.Yield(n.lineno, n.end_lineno, self._maybe(n.value), many)

    def _maybe(self, node: ast.expr | None) -> code.Expression | None:
        return None if node is None else self.expression(node)

    def _call(self, n: Any) -> code.Expression:
        if type(n.func) is ast.Name and n.func.id == TEMPLATE_CALL:
            return code.Template(n.lineno, n.end_lineno, self.expressions(n.args))
        keywords = [code.Keyword(k.lineno, k.end_lineno, k.arg, self.expression(k.value)) for k in n.keywords]
        # The line of a call is where its own name stands: in a chain over many lines that is what a reader looks for.
        line = n.lineno if type(n.func) is not ast.Attribute else n.func.end_lineno or n.lineno
        return code.Call(line, n.end_lineno, self.expression(n.func), self.expressions(n.args), keywords)

    def _parts(self, nodes: list[ast.expr]) -> list[code.Expression]:
        """The texts and holes of a template, and the holes in their formats (`{price:{width}}`)."""
        parts: list[code.Expression] = []
        for node in nodes:
            parts.append(self.expression(node))
            spec = getattr(node, "format_spec", None)
            formats = spec.values if isinstance(spec, ast.JoinedStr) else []
            parts.extend(self.expression(hole) for hole in formats if isinstance(hole, ast.FormattedValue))
        return parts

    def _mapping(self, n: Any) -> code.Expression:
        items = [(self._maybe(key), self.expression(value)) for key, value in zip(n.keys, n.values, strict=True)]
        return code.Mapping(n.lineno, n.end_lineno, items)

    def _operation(self, n: Any, operator: ast.AST, operands: list[ast.expr]) -> code.Expression:
        return code.Operation(n.lineno, n.end_lineno, _OPERATORS[type(operator)], self.expressions(operands))

    def _comparison(self, n: Any) -> code.Expression:
        operator = " ".join(_OPERATORS[type(o)] for o in n.ops)
        return code.Operation(n.lineno, n.end_lineno, operator, self.expressions([n.left, *n.comparators]))

    def _comprehension(self, n: Any, kind: Any, key: ast.expr | None, element: ast.expr) -> code.Expression:
        sources = [
            code.Source(
                g.target.lineno, g.iter.end_lineno, self.expression(g.target), self.expression(g.iter),
                self.expressions(g.ifs),
            )
            for g in n.generators
        ]  # fmt: skip
        return code.Comprehension(n.lineno, n.end_lineno, kind, self._maybe(key), self.expression(element), sources)

    def _parameters(self, arguments: ast.arguments) -> list[code.Parameter]:
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + [*arguments.defaults]
        kinds: list[Any] = ["positional"] * len(arguments.posonlyargs) + ["either"] * len(arguments.args)
        found = [self._parameter(a, d, k) for a, d, k in zip(positional, defaults, kinds, strict=True)]
        if arguments.vararg:
            found.append(self._parameter(arguments.vararg, None, "rest"))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            found.append(self._parameter(argument, default, "keyword"))
        if arguments.kwarg:
            found.append(self._parameter(arguments.kwarg, None, "options"))
        return found

    def _parameter(self, a: Any, default: ast.expr | None, kind: Any) -> code.Parameter:
        return code.Parameter(a.lineno, a.end_lineno, a.arg, self._maybe(a.annotation), self._maybe(default), kind)

    def _lambda(self, n: Any) -> code.Expression:
        self._generators.append(False)
        body = self.expression(n.body)
        self._generators.pop()
        return code.Lambda(n.lineno, n.end_lineno, self._parameters(n.args), body)

    def _for(self, n: Any, is_async: bool) -> list[code.Statement]:
        return [
            code.Loop(
                n.lineno, n.end_lineno, self.expression(n.target), self.expression(n.iter), self.statements(n.body),
                self.statements(n.orelse), is_async,
            )
        ]  # fmt: skip

    def _try(self, n: Any) -> list[code.Statement]:
        handlers = [
            code.Handler(h.lineno, h.end_lineno, self._maybe(h.type), h.name, self.statements(h.body))
            for h in n.handlers
        ]
        body, otherwise, final = self.statements(n.body), self.statements(n.orelse), self.statements(n.finalbody)
        return [code.Try(n.lineno, n.end_lineno, body, handlers, otherwise, final)]

    def _with(self, n: Any, is_async: bool) -> list[code.Statement]:
        items = [(self.expression(i.context_expr), self._maybe(i.optional_vars)) for i in n.items]
        return [code.With(n.lineno, n.end_lineno, items, self.statements(n.body), is_async)]

    def _switch(self, n: Any) -> list[code.Statement]:
        cases = [
            (list(self._pattern_values(case.pattern)), self._maybe(case.guard), self.statements(case.body))
            for case in n.cases
        ]
        return [code.Switch(n.lineno, n.end_lineno, self.expression(n.subject), cases)]

    def _pattern_values(self, pattern: ast.AST) -> Iterator[code.Expression]:
        for node in ast.walk(pattern):
            if isinstance(node, ast.MatchValue):
                yield self.expression(node.value)
            elif isinstance(node, ast.MatchClass):
                yield self.expression(node.cls)
            elif isinstance(node, ast.MatchSingleton):
                yield code.Constant(node.lineno, node.end_lineno, node.value)

    def _function(self, n: Any, is_async: bool) -> list[code.Statement]:
        self._generators.append(False)
        body = self.statements(n.body)
        yields = self._generators.pop()
        return [
            code.Function(
                n.lineno, n.end_lineno, n.name, self._parameters(n.args), self._maybe(n.returns),
                self.expressions(n.decorator_list), body, is_async, yields, ast.get_docstring(n, clean=False),
            )
        ]  # fmt: skip

    def _class(self, n: Any) -> list[code.Statement]:
        keywords = [code.Keyword(k.lineno, k.end_lineno, k.arg, self.expression(k.value)) for k in n.keywords]
        return [
            code.Class(
                n.lineno, n.end_lineno, n.name, self.expressions(n.bases), keywords, self.expressions(n.decorator_list),
                self.statements(n.body), ast.get_docstring(n, clean=False),
            )
        ]  # fmt: skip
