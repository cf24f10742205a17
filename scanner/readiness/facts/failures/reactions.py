"""What code does about an error it caught: logs it, answers, raises another error, shows its raw text, or nothing."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from readiness.extract import code
from readiness.facts.failures.resilience import Resilience
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, Known, Unknown, Value, Values
from readiness.facts.place import Place

_RAW = frozenset(
    {"message", "args", "detail", "body", "response", "text", "reason", "msg", "user_message", "description"}
)
_HARMLESS = frozenset({"type", "isinstance", "getattr", "hasattr", "len", "id", "hash"})
_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"})
_STATUS = re.compile(r"HTTP_(\d{3})_|HTTPStatus\.(?:(TOO_MANY)|(SERVICE_UNAVAIL)|(GATEWAY_TIMEOUT))")
_TELLING = (code.Template, code.Mapping, code.Name, code.Call, code.Operation)
_TOLD = 12
"""A constant text shorter than this, in characters, is a key or a code and tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error under way. `raised` is the class it was turned into, None while it is the SDK's own.

    `raw` tells whether its text holds what the provider said.
    """

    raised: Value | None = None
    raw: bool = True


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one handler does.

    `reply`: "text" (a fixed answer), "computed" (what another function of the repository returns), "error" (an error
    told to somebody), "empty" (None, "", an empty list) or "" where it gives nothing. `escapes` is what it raises at
    its end; `conditional` what it raises on some way through. `quiet`: it does nothing at all.
    """

    place: Place
    text: str
    logged: bool = False
    exposed: bool = False
    reply: str = ""
    status: int | None = None
    escapes: Failure | None = None
    conditional: Failure | None = None
    quiet: bool = False
    unbound: str = ""
    answer: code.Expression | None = None


class Reactions:
    """Reads the bodies of handlers."""

    def __init__(self, resolver: Resolver, known: Resilience) -> None:
        self._resolver, self._known = resolver, known

    def read(self, body: list[code.Statement], name: str | None, unit: Unit, place: Place, text: str,
             failure: Failure, bound: frozenset[str] = frozenset()) -> Reaction:  # fmt: skip
        """The reaction of a handler: its statements, the name it gives the error, and the error that gets there.

        `bound` are the names that handlers around it give.
        """
        nodes = list(walk(body))
        tainted = self._tainted(nodes, name)
        found = Reaction(place, text, logged=self._logs(nodes, unit, 1))
        found = self._replies(found, nodes, tainted, unit, failure)
        raises = [n for n in nodes if isinstance(n, code.Raise)]
        final = endings(body)
        if final and all(isinstance(e, code.Raise) for e in final):
            first = next(e for e in final if e is not None)
            found = self._raised(found, first, name, tainted, unit, failure, certain=True)
        elif raises:
            found = self._raised(found, raises[0], name, tainted, unit, failure, certain=False)
        for node in nodes:
            if isinstance(node, code.Call) and found.escapes is None and self._is_answer(node, unit):
                found = self._answered(found, node, tainted, unit, failure)
        quiet = not (found.logged or raises or found.reply not in ("", "empty") or found.exposed)
        return replace(found, quiet=quiet, unbound=self._unbound(nodes, unit, {name or "", *bound}))

    def status(self, call: code.Call, unit: Unit) -> int | None:
        """The HTTP status a call is given (`HTTPException(503)`, `JSONResponse(..., status_code=503)`)."""
        for argument in (call.keyword("status_code"), call.keyword("status"), call.keyword("code"), *call.arguments):
            if argument is None:
                continue
            for value in self._resolver.values(argument, unit):
                if isinstance(value, Known) and isinstance(value.value, int) and 100 <= value.value < 600:
                    return value.value
                match = _STATUS.search(value.path) if isinstance(value, External) else None
                if match is not None:
                    return int(match[1]) if match[1] else 429 if match[2] else 503 if match[3] else 504
        return None

    # -- logging -----------------------------------------------------------------------------------------------

    def _logs(self, nodes: list[code.Node], unit: Unit, depth: int) -> bool:
        return any(isinstance(n, code.Call) and self.is_log(n, unit, depth) for n in nodes)

    def is_log(self, call: code.Call, unit: Unit, depth: int = 1) -> bool:
        """Whether a call writes to a log, itself or inside the function of the repository that it runs."""
        values = self._resolver.values(call.function, unit)
        for value in values:
            if isinstance(value, External) and self._known.logs(value.path):
                return True
            if (
                isinstance(value, FunctionValue)
                and depth
                and self._logs(list(walk(value.unit.body)), value.unit, depth - 1)
            ):
                return True
        if isinstance(call.function, code.Member) and call.function.name in _LEVELS:
            # A logger handed in as a parameter or injected does not resolve; its name and its method have to do.
            return (
                all(isinstance(v, Unknown | Instance) for v in values)
                and "log" in last_name(call.function.base).lower()
            )
        return False

    # -- raw text ----------------------------------------------------------------------------------------------

    def _tainted(self, nodes: list[code.Node], name: str | None) -> frozenset[str]:
        names = {name} if name else set()
        for node in nodes:
            if isinstance(node, code.Assign) and node.value is not None and self._exposes(node.value, frozenset(names)):
                names.update(t.id for t in node.targets if isinstance(t, code.Name))
        return frozenset(names)

    def _exposes(self, expression: code.Expression, tainted: frozenset[str], unit: Unit | None = None) -> bool:
        """Whether an expression holds the text of a caught error."""
        stack: list[code.Node] = [expression]
        while stack:
            node = stack.pop()
            if isinstance(node, code.Name):
                if node.id in tainted:
                    return True
            elif isinstance(node, code.Member) and isinstance(node.base, code.Name) and node.base.id in tainted:
                if node.name in _RAW:
                    return True
            elif isinstance(node, code.Call):
                name = last_name(node.function)
                if name in ("format_exc", "format_exception", "exc_info"):
                    return True
                if name in _HARMLESS:
                    continue
                given = [*node.arguments, *(k.value for k in node.keywords)]
                if unit is not None and any(
                    isinstance(v, FunctionValue) for v in self._resolver.values(node.function, unit)
                ):
                    given = [a for a in given if not isinstance(a, code.Name)]  # a function that maps errors to texts
                stack.extend([*given, *([node.function.base] if isinstance(node.function, code.Member) else [])])
            elif isinstance(node, code.Choice):
                stack.extend([node.then, node.otherwise])
            elif not (
                isinstance(node, code.Operation)
                and node.operator in ("==", "!=", "in", "not in", "is", "is not", "not")
            ):
                stack.extend(code.children(node))
        return False

    # -- answers -----------------------------------------------------------------------------------------------

    def _replies(self, found: Reaction, nodes: list[code.Node], tainted: frozenset[str], unit: Unit,
                 failure: Failure) -> Reaction:  # fmt: skip
        for node in nodes:
            given: code.Expression | None = None
            match node:
                case code.Return():
                    given = node.value
                    if given is None or _is_empty(given):
                        found = replace(found, reply=found.reply or "empty")
                        continue
                case code.Yield() | code.Assign() if node.value is not None and not _is_empty(node.value):
                    given = node.value
                    if isinstance(node, code.Assign) and (node.operator or self._exposes(given, tainted, unit)):
                        continue
                case code.Evaluate(value=code.Call() | code.Await() as value):
                    given = self._told(value, unit)
            if given is None:
                continue
            exposed = failure.raw and self._exposes(given, tainted, unit)
            kind = self._kind(given, unit, exposed)
            if isinstance(node, code.Assign) and kind == "error":
                continue
            call = given if isinstance(given, code.Call) else None
            found = replace(found, exposed=found.exposed or exposed,
                            reply=kind if _RANK[kind] > _RANK[found.reply] else found.reply,
                            status=found.status or (self.status(call, unit) if call else None),
                            answer=found.answer or given)  # fmt: skip
        return found

    def _told(self, value: code.Expression, unit: Unit) -> code.Expression | None:
        """The call by which a handler tells somebody something (`st.error("…")`, `ws.send_json({…})`)."""
        call = value.value if isinstance(value, code.Await) else value
        if not isinstance(call, code.Call) or self.is_log(call, unit):
            return None
        given = [*call.arguments, *(k.value for k in call.keywords)]
        texts = [a for a in given if isinstance(a, _TELLING) or _is_long_text(a)]
        paths = [v.path for v in self._resolver.values(call.function, unit) if isinstance(v, External)]
        if not texts or any(p in self._known.sleeps or p in self._known.answers for p in paths):
            return None
        return call

    def _kind(self, given: code.Expression, unit: Unit, exposed: bool) -> str:
        if exposed or _is_error_shaped(given):
            return "error"
        if isinstance(given, code.Await):
            given = given.value
        if isinstance(given, code.Call):
            values = self._resolver.values(given.function, unit)
            if any(isinstance(v, FunctionValue) for v in values) and (given.arguments or given.keywords):
                return "computed"
            if any(isinstance(v, ClassValue | External | Unknown) for v in values):
                status = self.status(given, unit)
                return "text" if (status is None or status < 500) and holds_text(given) else "error"
        if isinstance(given, code.Name):
            return "computed"
        return "text" if holds_text(given) else "error"

    # -- raising -----------------------------------------------------------------------------------------------

    def _raised(self, found: Reaction, raised: code.Raise, name: str | None, tainted: frozenset[str], unit: Unit,
                failure: Failure, certain: bool) -> Reaction:  # fmt: skip
        next_failure = failure
        exposed = False
        value = raised.value
        if value is not None and not (isinstance(value, code.Name) and value.id == name):
            exposed = failure.raw and self._exposes(value, tainted, unit)
            function = value.function if isinstance(value, code.Call) else value
            next_failure = Failure(_class_of(self._resolver.values(function, unit)), exposed)
            if isinstance(value, code.Call) and self.answers(next_failure):
                found = replace(found, status=self.status(value, unit))
        if not certain:
            return replace(found, conditional=next_failure)
        shown = exposed and self.answers(next_failure)
        return replace(found, escapes=next_failure, reply="error", exposed=found.exposed or shown)

    def answers(self, failure: Failure) -> bool:
        """Whether a framework turns this error into an answer of its own."""
        match failure.raised:
            case External(path):
                return path in self._known.answers
            case ClassValue(info) | Instance(info):
                return any(base in self._known.answers for base in self._resolver.classes.bases(info)[1])
        return False

    def _is_answer(self, call: code.Call, unit: Unit) -> bool:
        """A call that raises the answer itself (`flask.abort(503)`)."""
        return any(isinstance(v, External) and v.path in self._known.answers and v.path.endswith(".abort")
                   for v in self._resolver.values(call.function, unit))  # fmt: skip

    def _answered(
        self, found: Reaction, call: code.Call, tainted: frozenset[str], unit: Unit, failure: Failure
    ) -> Reaction:
        exposed = failure.raw and any(
            self._exposes(a, tainted, unit) for a in (*call.arguments, *(k.value for k in call.keywords))
        )
        value = self._resolver.values(call.function, unit)[0]
        return replace(found, escapes=Failure(value, exposed), reply="error", exposed=found.exposed or exposed,
                       status=self.status(call, unit))  # fmt: skip

    # -- names -------------------------------------------------------------------------------------------------

    def _unbound(self, nodes: list[code.Node], unit: Unit, handled: set[str]) -> str:
        """The first name a handler reads that nothing binds; empty where there is none or a star import may."""
        for node in nodes:
            if isinstance(node, code.Handler) and node.name:
                handled = {*handled, node.name}
        scopes = [unit]
        while scopes[-1].parent is not None:
            scopes.append(scopes[-1].parent)
        if any(alias.startswith("*") for scope in scopes for alias in scope.imports):
            return ""
        for node in nodes:
            if not isinstance(node, code.Name) or node.id in handled or node.id.startswith("__"):
                continue
            if not hasattr(builtins, node.id) and not any(_binds(scope, node.id) for scope in scopes):
                return node.id
        return ""


_RANK = {"": 0, "empty": 1, "error": 2, "text": 3, "computed": 4}


def walk(statements: list[code.Statement]) -> Iterator[code.Node]:
    """Every node of some statements, in order; functions and classes defined there run elsewhere and are left out."""
    stack: list[code.Node] = list(reversed(statements))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, code.Function | code.Class | code.Lambda):
            stack.extend(reversed(list(code.children(node))))


def stays(statements: list[code.Statement]) -> bool:
    """Whether a handler can end inside the loop around it, rather than by leaving it."""
    last = statements[-1] if statements else None
    if isinstance(last, code.If):
        return stays(last.body) or not last.otherwise or stays(last.otherwise)
    return not (isinstance(last, code.Return | code.Raise) or (isinstance(last, code.Jump) and last.kind == "break"))


def endings(statements: list[code.Statement]) -> list[code.Raise | None]:
    """How a block can end: the raise it ends with on each way, None for a way that does not."""
    last = statements[-1] if statements else None
    match last:
        case code.Raise():
            return [last]
        case code.If(body=body, otherwise=otherwise) if otherwise:
            return [*endings(body), *endings(otherwise)]
        case code.With(body=body):
            return endings(body)
        case _:
            return [None]


def _class_of(values: Values) -> Value:
    """The error that is raised: of `error if isinstance(error, Failed) else translated(error)` the one that is told."""
    return next((v for v in values if isinstance(v, ClassValue | Instance)), values[0])


def _is_long_text(value: code.Expression) -> bool:
    return isinstance(value, code.Constant) and isinstance(value.value, str) and len(value.value) >= _TOLD


def _is_empty(value: code.Expression) -> bool:
    match value:
        case code.Constant(value=inner):
            return not inner
        case code.Sequence(items=items):
            return all(_is_empty(i) for i in items)
        case code.Mapping(items=items):
            return not items
    return False


def holds_text(value: code.Expression) -> bool:
    """Whether an expression holds a text that tells somebody something."""
    return any(
        isinstance(n, code.Constant) and isinstance(n.value, str) and len(n.value) >= _TOLD for n in code.walk(value)
    )


def _is_error_shaped(value: code.Expression) -> bool:
    """`{"error": …}`, `{"type": "error", …}`: an answer that only says that there is none."""
    for node in code.walk(value):
        if isinstance(node, code.Mapping):
            for key, inner in node.items:
                texts = [n.value for n in (key, inner) if isinstance(n, code.Constant) and isinstance(n.value, str)]
                if any(t.lower() in ("error", "errors", "exception", "failed") for t in texts):
                    return True
        if isinstance(node, code.Keyword) and node.name in ("error", "error_message"):
            return True
    return False


def _binds(scope: Unit, name: str) -> bool:
    if any(name in names for names in (scope.bindings, scope.nested, scope.classes, scope.imports, scope.globals)):
        return True
    if scope.parameter(name) is not None or name == scope.name:
        return True
    return any(isinstance(n, code.Handler) and n.name == name for n in scope.parents)
