"""Which token counts an expression holds: input, output, total, cost. Followed back to a read of a usage field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Instance

INPUT, OUTPUT, TOTAL, COST = "input", "output", "total", "cost"

FIELDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "prompt_tokens",
            "input_tokens",
            "prompt_token_count",
            "prompt_eval_count",
            "inputTokens",
            "inputTokenCount",
            "prompt_llm_token_count",
            "request_tokens",
            "input_token_count",
            "promptTokens",
        ),
        (INPUT,),
    ),
    **dict.fromkeys(
        (
            "completion_tokens",
            "output_tokens",
            "candidates_token_count",
            "eval_count",
            "outputTokens",
            "outputTokenCount",
            "completion_llm_token_count",
            "generated_token_count",
            "generated_tokens",
            "response_tokens",
            "output_token_count",
            "completionTokens",
        ),
        (OUTPUT,),
    ),
    **dict.fromkeys(("total_tokens", "total_token_count", "totalTokens", "total_llm_token_count"), (TOTAL,)),
    **dict.fromkeys(("total_cost", "response_cost", "total_cost_usd"), (COST,)),
    **dict.fromkeys(
        ("usage", "usage_metadata", "token_usage", "usageMetadata", "billed_units", "token_usage_metadata"),
        (INPUT, OUTPUT),
    ),
}
"""Members and keys of answers and callbacks that hold counts (`usage:` of `knowledge/sdks/`, and of callbacks)."""

_COST_CALLS = frozenset(
    {
        "litellm.completion_cost",
        "litellm.cost_per_token",
        "litellm.cost_calculator.completion_cost",
        "genai_prices.calc_price",
        "tokencost.calculate_cost_by_tokens",
        "tokencost.calculate_prompt_cost",
    }
)
_USAGE_CALLS = frozenset({"usage", "get_lm_usage"})
_WHOLE = frozenset({"model_dump", "model_dump_json", "dict", "json", "to_dict", "to_json"})
_MAX_DEPTH = 14


class Counts(NamedTuple):
    """What an expression holds, and the receivers it was read from (an expression and its unit)."""

    kinds: frozenset[str]
    sources: tuple[tuple[code.Expression, Unit], ...]


_NONE = Counts(frozenset(), ())


class UsageReads:
    """Follows expressions back to usage fields; every answer is remembered."""

    def __init__(self, core: Core, answers: frozenset[str]) -> None:
        self._core, self._answers = core, answers
        self._known: dict[tuple[code.Node, Unit], Counts] = {}

    def of(self, expression: code.Expression, unit: Unit, depth: int = 0) -> Counts:
        """The counts in an expression of a unit."""
        key = (expression, unit)
        known = self._known.get(key)
        if known is not None:
            return known
        if depth > _MAX_DEPTH:
            return _NONE
        self._known[key] = _NONE  # what is defined through itself adds nothing
        kinds: set[str] = set()
        sources: dict[tuple[code.Expression, Unit], None] = {}
        for found in self._parts(expression, unit, depth):
            kinds |= found.kinds
            sources.update(dict.fromkeys(found.sources))
        answer = self._known[key] = Counts(frozenset(kinds), tuple(sources)[:12])
        return answer

    def _parts(self, e: code.Expression, unit: Unit, depth: int) -> Iterator[Counts]:
        match e:
            case code.Member():
                yield from self._member(e, unit, depth)
            case code.Index(base=base, key=code.Constant(value=str() as name)) if name in FIELDS:
                yield Counts(frozenset(FIELDS[name]), ((base, unit),))
            case code.Call():
                yield from self._call(e, unit, depth)
            case code.Name():
                yield from self._name(e, unit, depth)
            case code.Operation(operator=operator, operands=operands):
                found = [self.of(o, unit, depth + 1) for o in operands]
                yield from found
                counted = [f for f in found if f.kinds - {COST}]
                if operator == "*" and counted:  # a division may as well be a speed
                    yield Counts(frozenset({COST}), counted[0].sources)
            case code.Lambda():
                return
            case _:
                for child in code.children(e):
                    inner = child.value if isinstance(child, code.Keyword) else child
                    if isinstance(inner, code.Expression):
                        yield self.of(inner, unit, depth + 1)

    def _member(self, e: code.Member, unit: Unit, depth: int) -> Iterator[Counts]:
        if e.name not in FIELDS or self._is_module(e.base, unit):
            yield from self._attribute(e, unit, depth)
            return
        own = [v for v in self._core.resolver.values(e.base, unit) if isinstance(v, Instance)]
        if not own:
            yield Counts(frozenset(FIELDS[e.name]), ((e.base, unit),))
        for value in own:
            yield from self._own(value, e.name, depth)

    def _is_module(self, base: code.Expression, unit: Unit) -> bool:
        return isinstance(base, code.Name) and base.id in unit.module.body.imports

    def _name(self, e: code.Name, unit: Unit, depth: int) -> Iterator[Counts]:
        for binding in self._core.resolver.reaching(e.id, unit, e):
            if binding.value is not None and binding.how in ("value", "augmented", "part", "item"):
                yield self.of(binding.value, binding.unit or unit, depth + 1)
        parameter = unit.parameter(e.id)
        if parameter is not None and unit.function is not None:
            for argument, caller in self._core.resolver.classes.arguments(unit, parameter):
                yield self.of(argument, caller, depth + 1)
        for _, value in unit.items.get(e.id, ()):
            yield self.of(value, unit, depth + 1)

    def _own(self, value: Instance, name: str, depth: int) -> Iterator[Counts]:
        """A field of a class of the repository: what its constructor or its methods give it."""
        if value.call is not None and value.unit is not None and (given := value.call.keyword(name)) is not None:
            yield self.of(given, value.unit, depth + 1)
        for binding, owner in value.info.attributes.get(name, ()):
            if binding.value is not None:
                yield self.of(binding.value, owner, depth + 1)

    def _attribute(self, e: code.Member, unit: Unit, depth: int) -> Iterator[Counts]:
        if isinstance(e.base, code.Name) and e.base.id == "self" and unit.owner is not None:
            for binding, owner in unit.owner.attributes.get(e.name, ()):
                if binding.value is not None and not isinstance(binding.value, code.Name):
                    yield self.of(binding.value, owner, depth + 1)
            return
        yield self.of(e.base, unit, depth + 1)

    def _call(self, e: code.Call, unit: Unit, depth: int) -> Iterator[Counts]:
        name = last_name(e.function)
        receiver = e.function.base if isinstance(e.function, code.Member) else None
        if (
            name == "get"
            and e.arguments
            and isinstance(e.arguments[0], code.Constant)
            and e.arguments[0].value in FIELDS
        ):
            yield Counts(
                frozenset(FIELDS[str(e.arguments[0].value)]), ((receiver, unit),) if receiver is not None else ()
            )
            return
        if (
            name == "getattr"
            and len(e.arguments) > 1
            and isinstance(e.arguments[1], code.Constant)
            and e.arguments[1].value in FIELDS
        ):
            yield Counts(frozenset(FIELDS[str(e.arguments[1].value)]), ((e.arguments[0], unit),))
            return
        if name in _USAGE_CALLS and receiver is not None:
            yield Counts(frozenset({INPUT, OUTPUT}), ((receiver, unit),))
            return
        if name in _WHOLE and receiver is not None and self._is_answer(receiver, unit):
            yield Counts(frozenset({INPUT, OUTPUT}), ((receiver, unit),))
            return
        values = self._core.resolver.values(e.function, unit)
        if any(isinstance(v, External) and v.path in _COST_CALLS for v in values):
            yield Counts(
                frozenset({COST}), tuple((a, unit) for a in (*e.arguments, *(k.value for k in e.keywords)))[:1]
            )
            return
        inside = [v.unit for v in values if isinstance(v, FunctionValue)]
        for function in inside[:4]:
            for returned in function.returns[:6]:
                yield self.of(returned, function, depth + 1)
        if not inside:
            for argument in (*e.arguments, *(k.value for k in e.keywords)):
                yield self.of(argument, unit, depth + 1)
            if receiver is not None and name not in ("count", "len", "encode"):
                yield self.of(receiver, unit, depth + 1)

    def _is_answer(self, receiver: code.Expression, unit: Unit) -> bool:
        """Whether this is the raw answer of a model call."""
        return any(
            isinstance(v, External) and any(s.path in self._answers for s in v.steps)
            for v in self._core.resolver.values(receiver, unit)
        )
