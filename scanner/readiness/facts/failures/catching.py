"""Which errors does a handler catch? Those of the SDK by name, everything, or none that a model call raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.failures.reactions import Failure, walk
from readiness.facts.failures.resilience import Resilience
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items, Value
from readiness.facts.sdks.knowledge import Knowledge

BROAD = frozenset({"Exception", "BaseException"})


class Catching:
    """Matches errors with handlers."""

    def __init__(self, resolver: Resolver, known: Resilience, knowledge: Knowledge) -> None:
        self._resolver, self._known, self._knowledge = resolver, known, knowledge

    def roots_of(self, call: ModelCall) -> frozenset[str]:
        """The packages whose error classes a failure of this call can be.

        An SDK that wraps others lets their errors through; HTTP by hand raises those of its library; a client library
        lets those of its transport through.
        """
        own = {path.partition(".")[0] for path in (*call.sdk.exceptions, call.value.path)}
        own |= {step.path.partition(".")[0] for step in call.value.steps}
        if not call.sdk.provider and not call.sdk.endpoints:
            own |= self._knowledge.import_roots | {
                p.partition(".")[0] for s in self._knowledge.sdks.values() for p in s.exceptions
            }
        return frozenset(own - {"builtins"}) | self._known.transports

    def kind(self, handler: code.Handler, unit: Unit, failure: Failure, roots: frozenset[str],
             checked: tuple[Unit, ...]) -> str | None:  # fmt: skip
        """ "specific", "broad", or None where the handler does not catch this failure.

        A branch on the class of the error inside a broad handler makes it specific.
        """
        found = self.kind_of(handler.type, unit, failure, roots, checked)
        if found == "broad" and failure.raised is None and self._branches(handler, unit, roots):
            return "specific"
        return found

    def kind_of(self, types: code.Expression | None, unit: Unit, failure: Failure, roots: frozenset[str],
                checked: tuple[Unit, ...]) -> str | None:  # fmt: skip
        """The same for the class or classes that a handler names. In `(X, Exception)` the X is decoration."""
        kinds = (
            {self._matches(v, failure, roots, checked) for v in self._classes(types, unit)}
            if types is not None
            else {"broad"}
        )
        return "broad" if "broad" in kinds else "specific" if "specific" in kinds else None

    def is_typed(self, failure: Failure) -> bool:
        """Whether an error has a meaning of its own: a class of the project, or one a framework answers with."""
        match failure.raised:
            case ClassValue() | Instance():
                return True
            case External(path):
                return path.removesuffix("()") in self._known.answers
        return False

    def title(self, handler: code.Handler) -> str:
        """The classes of a handler as written."""
        if handler.type is None:
            return "(anything)"
        items = handler.type.items if isinstance(handler.type, code.Sequence) else [handler.type]
        return ", ".join(dotted(i) or "..." for i in items)

    def _classes(self, types: code.Expression, unit: Unit) -> Iterator[Value]:
        for value in self._resolver.values(types, unit):
            if isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                for item in value.literal.items:
                    yield from self._resolver.values(item, value.unit)
            else:
                yield value

    def _matches(self, kind: Value, failure: Failure, roots: frozenset[str], checked: Iterable[Unit]) -> str | None:
        if isinstance(kind, External) and kind.path in BROAD | {"builtins.Exception"}:
            return "broad"
        if failure.raised is None:
            return self._matches_provider(kind, roots, checked)
        ancestors = set(self._ancestors(failure.raised))
        return "specific" if _name(kind) and _name(kind) in ancestors else None

    def _matches_provider(self, kind: Value, roots: frozenset[str], checked: Iterable[Unit]) -> str | None:
        match kind:
            case External(path):
                if path in self._known.network_errors or path.partition(".")[0] in roots:
                    return "specific"
            case ClassValue(info):
                external = self._resolver.classes.bases(info)[1]
                if any(b.partition(".")[0] in roots for b in external) or self._raises(kind, checked):
                    return "specific"
        return None

    def _raises(self, kind: ClassValue, units: Iterable[Unit]) -> bool:
        """Whether code that checks an answer by hand (a status) raises this class."""
        for unit in units:
            for node in walk(unit.body):
                if isinstance(node, code.Raise) and node.value is not None:
                    function = node.value.function if isinstance(node.value, code.Call) else node.value
                    for value in self._resolver.values(function, unit):
                        if isinstance(value, ClassValue) and _name(kind) in set(self._ancestors(value)):
                            return True
        return False

    def _ancestors(self, value: Value) -> Iterator[str]:
        yield _name(value)
        if isinstance(value, ClassValue | Instance):
            own, external = self._resolver.classes.bases(value.info)
            yield from (_name(ClassValue(i)) for i in own)
            yield from (_name(External(e)) for e in external)

    def _branches(self, handler: code.Handler, unit: Unit, roots: frozenset[str]) -> bool:
        for node in walk(handler.body):
            if not isinstance(node, code.Call) or last_name(node.function) != "isinstance" or len(node.arguments) != 2:
                continue
            tested, types = node.arguments
            if isinstance(tested, code.Name) and tested.id == handler.name:
                kinds = [self._matches_provider(v, roots, ()) for v in self._classes(types, unit)]
                if any(kinds):
                    return True
        return False


def _name(value: Value) -> str:
    """A class by its name: a framework's own answer is one class under several import paths."""
    match value:
        case ClassValue(info) | Instance(info):
            return f"{info.module.path}:{info.node.name}"
        case External(path):
            last = path.removesuffix("()").rpartition(".")[2]
            return last if last == "HTTPException" else path.removesuffix("()")
    return ""


def polls(guarded: code.Try, unit: Unit, resolver: Resolver) -> bool:
    """Whether a block only looks now and then if a task is done: `wait_for(shield(task), 5)`, a timeout being no news.

    What the task itself raises comes out where it is awaited, not in the handler of such a timeout.
    """
    caught = [h.type for h in guarded.handlers]
    if not caught or any(one is None or last_name(one) != "TimeoutError" for one in caught):
        return False
    calls = (n for statement in guarded.body for n in code.walk(statement) if isinstance(n, code.Call))
    return any(
        isinstance(v, External) and v.path == "asyncio.shield"
        for call in calls
        if last_name(call.function) == "shield"
        for v in resolver.values(call.function, unit)
    )
