"""What an LLM entry point answers with when its model fails: another model, a template, an apology, or nothing.

check `fallback-path`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.handling import CallFailure, ErrorPath, retried_by
from readiness.facts.failures.reactions import endings, holds_text, walk
from readiness.facts.failures.resilience import load_resilience
from readiness.facts.failures.retry_loops import counted
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known, Value, Values
from readiness.facts.place import Evidence, Place

_BUSY = frozenset({429, 503, 504})
"""HTTP answers that tell a client that trying later makes sense."""

_FILTERED = frozenset({"content_filter", "refusal", "SAFETY", "safety"})

_SAME_ITEMS = frozenset({"enumerate", "list", "tuple", "iter", "reversed", "sorted", "set", "fromkeys"})

_AS_MODEL = ("model", "model_name", "deployment_name", "azure_deployment")


@dataclass(frozen=True, slots=True)
class Resort:
    """What happens at one entry point when one of its model calls fails on one way out.

    `alternative`: where another model, a cache or a function of the repository gives a usable answer. `degraded`: a
    fixed answer was designed, or the error is told as one that passes (429, 503, 504). `filtered`: an answer only for
    requests that the provider refuses. `breaker`: a circuit breaker stands before the model.
    """

    place: Place
    text: str
    alternative: Evidence | None = None
    degraded: bool = False
    filtered: bool = False
    breaker: bool = False


@dataclass(slots=True, eq=False)
class LlmEntry:
    """An entry point that reaches a generative call, and what it resorts to; one path per call and way out."""

    entry: EntryPoint
    place: Place
    text: str
    paths: list[Resort] = field(default_factory=list)


def find_llm_entries(core: Core, entries: Iterable[EntryPoint], failures: Iterable[CallFailure]) -> list[LlmEntry]:
    """The entry points that ask a generative model, each with its last resorts."""
    finder = _Finder(core)
    generating = [f for f in failures if f.call.generates]
    found: list[LlmEntry] = []
    for entry in entries:
        reached = core.reached_from(entry)
        resorts: list[Resort] = []
        asks = False
        for failure in generating:
            if not any(unit in reached for _, unit in failure.call.runs) or finder.is_resort(failure.call):
                continue
            asks = True
            own = [p for p in failure.paths if all(u in reached for u in p.units)]
            own = [p for p in own if not p.is_second] or own
            resorts.extend(finder.resort(failure.call, path) for path in own)
            if not own:
                resorts.append(Resort(failure.place, failure.text))
        if asks:
            found.append(LlmEntry(entry, entry.place, entry.text, list(dict.fromkeys(resorts))))
    return found


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_resilience()
        self._calls_of: dict[Unit, list[ModelCall]] = {}
        self._models_below: dict[Unit, list[ModelCall]] = {}
        self._resorts: dict[tuple[ModelCall, int], Resort] = {}
        self._guarded: dict[tuple[code.Try, ModelCall], Evidence | None] = {}
        self._filtering: dict[Unit, bool] = {}
        for call in core.calls:
            if call.generates:
                for _, unit in call.runs:
                    self._calls_of.setdefault(unit, []).append(call)

    def resort(self, call: ModelCall, path: ErrorPath) -> Resort:
        """The last resort of one call on one way out; many entry points share it."""
        key = (call, id(path))
        if key not in self._resorts:
            self._resorts[key] = self._resort(call, path)
        return self._resorts[key]

    def _resort(self, call: ModelCall, path: ErrorPath) -> Resort:
        alternative = self._configured(call)
        for guarded, unit in path.guards:
            if (guarded, call) not in self._guarded:
                found = self._over_models(guarded, unit) or self._in_handler(guarded, unit, call)
                self._guarded[guarded, call] = found
            alternative = alternative or self._guarded[guarded, call]
        if alternative is None and not self._asks_again(path):
            alternative = self._computed(path)
        told = path.handled and not path.exposed and not path.swallowed and not self._asks_again(path)
        degraded = told and (
            path.reply == "text"
            or (path.status in _BUSY and path.specific and not path.recaught and path.reply == "error")
        )
        return Resort(path.place, path.text, alternative, degraded, self._filters(path), self._breaks(path))

    def is_resort(self, call: ModelCall) -> bool:
        """Whether a call is itself what a handler falls back to; its own failure is not the entry point's first."""
        return all(self._in_handlers(node, unit) for node, unit in call.runs)

    def _in_handlers(self, node: code.Node, unit: Unit) -> bool:
        if any(isinstance(above, code.Handler) for above in unit.enclosing(node)):
            return True
        edges = [e for e in self._core.graph.callers.get(unit, ()) if isinstance(e.node, code.Call)]
        return bool(edges) and all(any(isinstance(a, code.Handler) for a in e.unit.enclosing(e.node)) for e in edges)

    # -- other models ------------------------------------------------------------------------------------------

    def _configured(self, call: ModelCall) -> Evidence | None:
        """Fallbacks given to the SDK: another model than the one that fails, or a router with several."""
        setting = call.setting("fallbacks")
        if setting.given and setting.place is not None:
            names = {name for value in setting.resolved for name in self._names(value)}
            if not names or None in names or names != {call.model.id}:
                return Evidence(setting.place, "fallbacks")
        for step in call.value.steps:
            if step.path == "litellm.Router":
                given = self._core.arguments.find(step.call, step.unit, "model_list", ("model_list",))
                for value in given.values if given else ():
                    if (
                        isinstance(value, Items)
                        and isinstance(value.literal, code.Sequence)
                        and len(value.literal.items) > 1
                    ):
                        return Evidence(step.unit.at(step.call), "Router(model_list=...)")
        return None

    def _names(self, value: Value, depth: int = 3) -> Iterator[str | None]:
        """The model ids in a fallback setting; None for one that is not written as text."""
        match value:
            case Known(value=str() as name):
                yield name
            case Items(literal=code.Sequence(items=items), unit=unit) if depth:
                for item in items:
                    yield from self._names(self._core.resolver.values(item, unit)[0], depth - 1)
            case Items(literal=code.Mapping(items=pairs), unit=unit) if depth:
                for _, item in pairs:
                    yield from self._names(self._core.resolver.values(item, unit)[0], depth - 1)
            case External(_, steps) if steps:
                found = [self._core.arguments.find(steps[0].call, steps[0].unit, name, ()) for name in _AS_MODEL]
                given = next((g for g in found if g is not None), None)
                yield next((str(v.value) for v in given.values if isinstance(v, Known)), None) if given else None
            case _:
                yield None

    def _over_models(self, guarded: code.Try, unit: Unit) -> Evidence | None:
        """A loop over models that goes on with the next one when one fails."""
        loop = retried_by(guarded, unit)
        if loop is None or loop.target is None or counted(loop.subject, unit, self._core.resolver) is not None:
            return None
        if not any(_goes_on(h.body) for h in guarded.handlers) or self._is_single(loop.subject, unit):
            return None
        targets = {n.id for n in code.walk(loop.target) if isinstance(n, code.Name)}
        used = any(isinstance(n, code.Name) and n.id in targets for s in guarded.body for n in code.walk(s))
        return Evidence(unit.at(loop), "a loop over models") if used else None

    def _is_single(self, subject: code.Expression, unit: Unit, depth: int = 4) -> bool:
        """Whether what is looped over surely holds no second model: one item, one of it cut out, or made of one."""
        match subject:
            case code.Index(key=code.Slice(lower=lower, upper=code.Constant(value=int() as upper))):
                start = lower.value if isinstance(lower, code.Constant) and isinstance(lower.value, int) else 0
                return (lower is None or isinstance(lower, code.Constant)) and 0 <= upper - start < 2
            case code.Call(arguments=[first, *_]) if depth and last_name(subject.function) in _SAME_ITEMS:
                return self._is_single(first, unit, depth - 1)
        values = self._core.resolver.values(subject, unit)
        return bool(depth) and all(isinstance(v, Items) and self._has_one(v, depth) for v in values)

    def _has_one(self, items: Items, depth: int) -> bool:
        match items.literal:
            case code.Sequence(items=written):
                return len(written) < 2 and not any(isinstance(i, code.Spread) for i in written)
            case code.Comprehension(sources=[code.Source(iterable=iterable)]):
                return self._is_single(iterable, items.unit, depth - 1)
            case code.Mapping(items=entries):
                return len(entries) < 2 and not any(key is None for key, _ in entries)
            case _:
                return False

    def _in_handler(self, guarded: code.Try, unit: Unit, call: ModelCall) -> Evidence | None:
        """A second call in the handler: of another model, or of the same function with another model's name."""
        for handler in guarded.handlers:
            for node in walk(handler.body):
                if not isinstance(node, code.Call):
                    continue
                others = [c for c in self._asked_by(node, unit) if c.role is call.role]
                if any(_differ(c, call) for c in others) or (others and self._renamed(node, guarded, unit)):
                    return Evidence(unit.at(node), "a second model in the handler")
        return None

    def _asked_by(self, node: code.Call, unit: Unit) -> list[ModelCall]:
        """The generative calls that a line makes: itself, or the functions it calls."""
        found = [c for c in self._calls_of.get(unit, ()) if any(n is node for n, _ in c.runs)]
        for edge in self._core.graph.edges.get(unit, ()):
            if edge.node is node and edge.is_call:
                found.extend(self._below(edge.unit))
        return found

    def _below(self, unit: Unit) -> list[ModelCall]:
        known = self._models_below.get(unit)
        if known is None:
            reached = self._core.graph.reach([unit])
            known = [c for u in reached for c in self._calls_of.get(u, ())]
            self._models_below[unit] = known
        return known

    def _renamed(self, node: code.Call, guarded: code.Try, unit: Unit) -> bool:
        """Whether a call repeats one of the guarded block with another model: `ask(q, model=FALLBACK)`."""
        function = self._core.resolver.values(node.function, unit)
        for first in walk(guarded.body):
            if not isinstance(first, code.Call) or self._core.resolver.values(first.function, unit) != function:
                continue
            for keyword in node.keywords:
                if keyword.name is None or ("model" not in keyword.name and "llm" not in keyword.name):
                    continue
                before = first.keyword(keyword.name) or self._default(function, keyword.name)
                if before is None or self._written(before, unit) != self._written(keyword.value, unit):
                    return True
        return False

    def _default(self, function: Values, name: str) -> code.Expression | None:
        """What a function of the repository takes where an argument is not given."""
        for value in function:
            parameter = value.unit.parameter(name) if isinstance(value, FunctionValue) else None
            if parameter is not None:
                return parameter.default
        return None

    def _written(self, expression: code.Expression, unit: Unit) -> list[object]:
        """The values of an expression, without the places they are written at."""
        values = self._core.resolver.values(expression, unit)
        return [v.value if isinstance(v, Known) else v for v in values]

    # -- answers without a model -------------------------------------------------------------------------------

    def _computed(self, path: ErrorPath) -> Evidence | None:
        """An answer from a cache or a function of the repository, made from what the model was asked."""
        if path.reply != "computed" or path.answer is None or path.exposed:
            return None
        expression, unit = path.answer
        expression = expression.value if isinstance(expression, code.Await) else expression
        if isinstance(expression, code.Name):
            bound = [b.value for b in unit.bindings.get(expression.id, ()) if b.value is not None]
            if any(not isinstance(v, code.Call | code.Await | code.Name | code.Index) for v in bound):
                return None
            return Evidence(path.place, f"{expression.id} instead") if bound or unit.parameter(expression.id) else None
        if not isinstance(expression, code.Call):
            return None
        asked = {
            n.id for t, u in path.guards if u is unit for s in t.body for n in walk([s]) if isinstance(n, code.Name)
        }
        given = {n.id for a in (*expression.arguments, *(k.value for k in expression.keywords)) for n in code.walk(a)
                 if isinstance(n, code.Name)}  # fmt: skip
        return Evidence(unit.at(expression), "an answer without the model") if given & asked else None

    def _asks_again(self, path: ErrorPath) -> bool:
        """Whether the answer of a handler comes from a model: if that is no other model, it is no answer."""
        if path.answer is None:
            return False
        expression, unit = path.answer
        return any(isinstance(n, code.Call) and self._asked_by(n, unit) for n in code.walk(expression))

    def _filters(self, path: ErrorPath) -> bool:
        """Whether a refused request has an answer of its own."""
        for unit in path.units:
            if unit not in self._filtering:
                self._filtering[unit] = _answers_refusal(unit)
        return any(self._filtering[unit] for unit in path.units)

    def _breaks(self, path: ErrorPath) -> bool:
        for unit in path.units:
            decorators = unit.function.decorators if unit.function is not None else []
            for node, scope in [
                *((d, unit.parent or unit) for d in decorators),
                *((c.function, unit) for c in unit.calls),
            ]:
                for value in self._core.resolver.values(node, scope):
                    if isinstance(value, External) and value.path.partition("()")[0] in self._known.breakers:
                        return True
        return False


def _goes_on(body: list[code.Statement]) -> bool:
    """Whether a handler can come to its end, or says to go on, so that the loop around it takes the next item."""
    last = body[-1] if body else None
    if isinstance(last, code.Return) or (isinstance(last, code.Jump) and last.kind == "break"):
        return False
    return any(end is None for end in endings(body))


def _differ(one: ModelCall, other: ModelCall) -> bool:
    """Whether two calls ask different models: other ids, or, where those are not known, other clients."""
    if one.model.id and other.model.id:
        return one.model.id != other.model.id
    return one.sdk is not other.sdk or (one.constructor is not None and one.constructor != other.constructor)


def _answers_refusal(unit: Unit) -> bool:
    """Whether a unit returns a text of its own where the provider refused."""
    for node in walk(unit.body):
        if isinstance(node, code.If) and any(_names_refusal(n) for n in code.walk(node.test)):
            answers = [n.value for n in walk(node.body) if isinstance(n, code.Return | code.Assign)]
            if any(value is not None and holds_text(value) for value in answers):
                return True
    return False


def _names_refusal(node: code.Node) -> bool:
    if isinstance(node, code.Constant):
        return isinstance(node.value, str) and node.value in _FILTERED
    return isinstance(node, code.Member) and node.name == "refusal"
