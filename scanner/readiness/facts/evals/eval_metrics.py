"""Numbers that say how good a model is: library metrics, metrics by hand in evaluation code, judges."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.eval_tools import load_eval_tools
from readiness.facts.linking.units import ModuleInfo, Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known
from readiness.facts.place import Place
from readiness.repository.tree import Role

_EVAL_PATH = re.compile(
    r"(?:^|/)(?:evaluations?|[\w-]+[_-]evals?|evals?[_-][\w-]+)/|(?:^|/)(?:run_)?eval(?:uat\w+|s)?(?:_\w+)?\.py$"
)
_ROLES = (Role.EVAL, Role.TEST, Role.SERVING, Role.SCRIPT)
_LISTS = ("metrics", "metric", "evaluators", "scorers", "scorer", "scoring_metrics", "scores")
_TOOLS = frozenset(
    {
        *("ragas", "deepeval", "langsmith", "pydantic_evals", "inspect_ai", "mlflow", "braintrust", "phoenix"),
        *("langfuse", "weave", "opik", "dspy", "openevals", "agentevals", "azure", "haystack", "trulens"),
        *("trulens_eval", "giskard", "evidently"),
    }
)
_MEANS = re.compile(
    r"(?:statistics|numpy)\.(?:mean|fmean|nanmean|average)|numpy\.\w+\(\)\.mean|(?:polars|pandas)\..*\.mean"
)
_QUALITY = re.compile(
    r"accura|precision|recall|(?:^|_)f1|score|correct|match|(?:^|_)hits?(?:_|$)|mrr|ndcg|faithful|ground|rate$|rates$|"
    r"similar|exact|relevan|quality|halluc|refus|leak|passed|success|solved|agree|caught|detect|alarm",
    re.I,
)
_SPECIFIC = re.compile(
    r"accura|precision|recall|(?:^|_)f1|mrr|ndcg|faithful|ground|similar|exact|relevan|halluc|refus|leak|rate$|toxic|bias|"
    r"inject|jailbreak|privacy|safety|citation|complete|coheren|fluen|robust|calibrat|bleu|rouge",
    re.I,
)
"""Names of metrics; `passed` or `score` is what any of them may be called for one case."""
_HOOKS = frozenset(
    {"evaluate", "evaluate_async", "measure", "a_measure", "score", "_single_turn_ascore", "single_turn_ascore",
     "_multi_turn_ascore", "evaluate_run", "aevaluate_run"}
)  # fmt: skip
"""The methods in which a tool's own kind of metric is written."""
_FAILURES = re.compile(r"^(?:n_|num_|total_)?(?:fail|miss(?:es|ed)|wrong|incorrect|regress|mismatch)", re.I)
_COMPARING = frozenset({"==", "!=", "in", "not in", "is", "is not", "<", "<=", ">", ">=", "and", "or", "not"})
_GROUNDED = re.compile(r"faithful|ground|halluc|safe|toxic|leak|inject|refus|jailbreak|pii|privacy|bias|moderat", re.I)
_RETRIEVAL = re.compile(r"recall|mrr|ndcg|hit_?rate|precision_at|context_precision|retriev", re.I)
_TIMES = re.compile(r"latenc|duration|elapsed|seconds|time|tokens?_per|throughput|cost|memory", re.I)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that is computed. `kind`: task, grounded, retrieval or prediction; `name` tells metrics apart."""

    place: Place
    text: str
    kind: str
    name: str


def is_evaluation(module: ModuleInfo) -> bool:
    """Whether a module is evaluation code by its role, or by a path that says so in other words."""
    return module.role is Role.EVAL or (
        module.role in (Role.SERVING, Role.SCRIPT) and _EVAL_PATH.search(module.path) is not None
    )


class Metrics:
    """The metrics of a program, by unit, and the units through which a score can come."""

    def __init__(self, core: Core) -> None:
        self._core, self._tools = core, load_eval_tools()
        self.by_unit: dict[Unit, list[Metric]] = defaultdict(list)
        self.nodes: set[code.Node] = set()
        self._kinds: dict[str, str] = {}
        self._judging = [c for c in core.calls if is_evaluation(c.unit.module) and c.generates and c.schema.given]
        for unit in core.program.units:
            if unit.module.role in _ROLES:
                for metric in self._in(unit):
                    self.by_unit[unit].append(metric)
        self.scoring = self._scoring()

    def _scoring(self) -> dict[Unit, int]:
        """The units that compute a metric, and those that call them: what they return may be a score."""
        hops = dict.fromkeys(self.by_unit, 0)
        layer = list(hops)
        for hop in range(1, 5):
            layer = [
                edge.unit for unit in layer for edge in self._core.graph.callers.get(unit, ()) if edge.unit not in hops
            ]
            hops.update((unit, hop) for unit in layer)
        return hops

    def _in(self, unit: Unit) -> Iterator[Metric]:
        fitted = _fitted(unit)
        for call in unit.calls:
            yield from self._library(call, unit, fitted)
            yield from self._listed(call, unit)
        if is_evaluation(unit.module):
            yield from self._by_hand(unit)
            yield from self._named(unit)
            yield from self._judges(unit)
        yield from self._hooked(unit)

    def _kind(self, path: str) -> str:
        known = self._kinds.get(path)
        if known is None:
            known = self._kinds[path] = self._tools.metric_kind(path)
        return known

    def _library(self, call: code.Call, unit: Unit, fitted: set[str]) -> Iterator[Metric]:
        if not isinstance(call.function, code.Member | code.Name):
            return
        for value in self._core.resolver.values(call.function, unit)[:4]:
            kind = self._kind(value.path) if isinstance(value, External) else ""
            if not kind or (kind == "prediction" and (_is_literal(call, unit) or _names_in(call) & fitted)):
                continue
            self.nodes.add(call)
            name = last_name(call.function)
            given = call.keyword("name") or call.keyword("criteria")
            label = f"{name}:{given.value!s}" if isinstance(given, code.Constant) else name
            yield Metric(unit.at(call), f"{name}(...)", _kind_of(label, kind), label)
            return

    def _listed(self, call: code.Call, unit: Unit) -> Iterator[Metric]:
        """Metrics given to a tool by reference: `evaluate(data, metrics=[faithfulness])`."""
        for keyword in call.keywords:
            if keyword.name in _LISTS and self._is_tool(call, unit):
                for name, kind, node in self._references(keyword.value, unit):
                    self.nodes.add(call)
                    yield Metric(unit.at(node), name, kind, name)

    def _is_tool(self, call: code.Call, unit: Unit) -> bool:
        return any(
            isinstance(v, External) and v.path.partition(".")[0] in _TOOLS
            for v in self._core.resolver.values(call.function, unit)[:3]
        )

    def _references(self, expression: code.Expression, unit: Unit) -> Iterator[tuple[str, str, code.Node]]:
        for value in self._core.resolver.values(expression, unit)[:3]:
            items = value.literal.items if isinstance(value, Items) and isinstance(value.literal, code.Sequence) else []
            owner = value.unit if isinstance(value, Items) else unit
            for item in items or ([expression] if not isinstance(value, Items) else []):
                for inner in self._core.resolver.values(item, owner)[:1]:
                    if isinstance(inner, FunctionValue):
                        yield inner.unit.name, _kind_of(inner.unit.name, "task"), expression
                    elif isinstance(inner, External) and not isinstance(item, code.Call):
                        kind = self._kind(inner.path)
                        if kind:
                            yield last_name(item) or inner.path, kind, expression

    # -- by hand -----------------------------------------------------------------------------------------------

    def _by_hand(self, unit: Unit) -> Iterator[Metric]:
        """A share or a mean over cases: a division of a count, `mean(scores)`; and failures that are counted."""
        for statement in code.walk(unit.body):
            if isinstance(statement, code.Function | code.Class) and statement is not unit.function:
                continue
            if isinstance(statement, code.Operation) and statement.operator == "/" and _owns(unit, statement):
                name = self._share(statement, unit)
            elif isinstance(statement, code.Call) and _owns(unit, statement) and self._is_mean(statement, unit):
                name = _quality(_words(statement))
            else:
                continue
            target = self._target(statement, unit)
            name = name or _quality([target, unit.name])
            if name and not _TIMES.search(target or name):
                self.nodes.add(statement)
                yield Metric(
                    unit.at(statement),
                    f"{target or name} by hand",
                    _kind_of(f"{unit.name} {target} {name}", "task"),
                    target or name,
                )
        for name, bindings in unit.bindings.items():
            if _FAILURES.match(name) and any(b.how == "augmented" or b.block for b in bindings):
                yield Metric(unit.place, f"{name} counted", "task", name)

    def _named(self, unit: Unit) -> Iterator[Metric]:
        """Scores of one case under several metrics' names: `found["fact_recall"] = …`, `{"refusal": a == b, …}`.

        One alone is what a share or a mean of this module is made of, and would be counted twice.
        """
        given: list[tuple[code.Expression | None, code.Expression]] = [
            pair for stored in unit.items.values() for pair in stored
        ]
        given += [pair for node in unit.parents if isinstance(node, code.Mapping) for pair in node.items]
        found: dict[str, code.Expression] = {}
        for key, value in given:
            name = key.value if isinstance(key, code.Constant) else None
            if not isinstance(name, str) or not _SPECIFIC.search(name) or _TIMES.search(name):
                continue
            if self._scores(value, unit):
                found.setdefault(name, value)
        for name, value in found.items() if len(found) > 1 else ():
            self.nodes.add(value)
            yield Metric(unit.at(value), f"{name} by hand", _kind_of(name, "task"), name)

    def _scores(self, value: code.Expression, unit: Unit) -> bool:
        """Whether a value is measured here: a comparison, or a call of the evaluation's own code, named or not."""
        if isinstance(value, code.Name):
            given = [b.value for b in unit.bindings.get(value.id, ()) if b.how == "value"]
            return any(v is not None and not isinstance(v, code.Name) and self._scores(v, unit) for v in given)
        for node in code.walk(value):
            if isinstance(node, code.Operation) and set(node.operator.split()) & _COMPARING:
                return True
            if isinstance(node, code.Call) and any(
                isinstance(v, FunctionValue) and is_evaluation(v.unit.module)
                for v in self._core.resolver.values(node.function, unit)[:2]
            ):
                return True
        return False

    def _hooked(self, unit: Unit) -> Iterator[Metric]:
        """A metric of the project's own, as a tool wants it: a class that inherits from the tool's evaluators."""
        if unit.owner is not None and unit.function is not None and unit.name in _HOOKS:
            bases = self._core.resolver.classes.bases(unit.owner)[1]
            if any(self._tools.metric_bases.fullmatch(base) for base in bases):
                name = unit.owner.node.name
                yield Metric(unit.place, f"{name}, an evaluator", _kind_of(name, "task"), name)

    def _share(self, division: code.Operation, unit: Unit) -> str:
        top, bottom = division.operands[0], division.operands[-1]
        if _counts(bottom, unit) and (_counts(top, unit) or _sums(top)):
            words = [*_words(top), self._target(division, unit), unit.name]
            return _quality(words) or next((w for w in words if _FAILURES.match(w) and not _TIMES.search(w)), "")
        return ""

    def _is_mean(self, call: code.Call, unit: Unit) -> bool:
        return any(
            isinstance(v, External) and _MEANS.fullmatch(v.path)
            for v in self._core.resolver.values(call.function, unit)[:2]
        )

    def _target(self, node: code.Node, unit: Unit) -> str:
        """The name, key or keyword that a computed number is given to."""
        inner = node
        for above in unit.enclosing(node):
            if isinstance(above, code.Assign) and above.targets:
                target = above.targets[0]
                key = (
                    target.key.value if isinstance(target, code.Index) and isinstance(target.key, code.Constant) else ""
                )
                return last_name(target) or str(key)
            if isinstance(above, code.Keyword):
                return above.name or ""
            if isinstance(above, code.Mapping):
                for entry, value in above.items:
                    if value is inner and isinstance(entry, code.Constant):
                        return str(entry.value)
            inner = above
        return unit.name if unit.function is not None else ""

    def _judges(self, unit: Unit) -> Iterator[Metric]:
        """A model in evaluation code that is asked for a structured verdict."""
        for call in self._judging:
            if call.unit is unit:
                self.nodes.add(call.call)
                yield Metric(call.place, f"a judge: {call.text}", "task", f"judge {unit.name}")


def _fitted(unit: Unit) -> set[str]:
    """The names that a `fit` in the same function learns from."""
    return {
        name
        for c in unit.calls
        if last_name(c.function) in ("fit", "fit_transform", "partial_fit")
        for name in _names_in(c)
    }


def _names_in(call: code.Call) -> set[str]:
    given = (*call.arguments, *(k.value for k in call.keywords))
    return {name for argument in given if (name := dotted(argument))}


def _is_literal(call: code.Call, unit: Unit) -> bool:
    """Whether every argument is written out: a test of the metric, not of a model."""
    given = [*call.arguments, *(k.value for k in call.keywords if k.name in ("y_true", "y_pred", "y_score"))]
    return bool(given) and all(_written(argument, unit) for argument in given[:2])


def _written(expression: code.Expression, unit: Unit) -> bool:
    if isinstance(expression, code.Name):
        bindings = unit.bindings.get(expression.id, [])
        return bool(bindings) and all(b.value is not None and _written_out(b.value) for b in bindings)
    return _written_out(expression)


def _written_out(expression: code.Expression) -> bool:
    return isinstance(expression, code.Constant | code.Sequence) and all(
        isinstance(n, code.Constant | code.Sequence | code.Operation) for n in code.walk(expression)
    )


def _counts(expression: code.Expression, unit: Unit) -> bool:
    """Whether an expression is a number of things: `len(…)`, a counter, `max(1, total)`."""
    for node in code.walk(expression):
        if isinstance(node, code.Call) and last_name(node.function) in ("len", "sum"):
            return True
        if isinstance(node, code.Name):
            bindings = unit.bindings.get(node.id, [])
            if any(b.how == "augmented" for b in bindings):
                return True
            if any(
                b.value is not None
                and any(
                    isinstance(n, code.Call) and last_name(n.function) in ("len", "sum") for n in code.walk(b.value)
                )
                for b in bindings
            ):
                return True
    return False


def _sums(expression: code.Expression) -> bool:
    return any(isinstance(n, code.Call) and last_name(n.function) in ("sum", "len") for n in code.walk(expression))


def _owns(unit: Unit, node: code.Node) -> bool:
    return node in unit.parents


def _words(expression: code.Expression) -> list[str]:
    words = [
        n.id if isinstance(n, code.Name) else n.name
        for n in code.walk(expression)
        if isinstance(n, code.Name | code.Member)
    ]
    return words + [
        str(n.value) for n in code.walk(expression) if isinstance(n, code.Constant) and isinstance(n.value, str)
    ]


def _quality(words: list[str]) -> str:
    return next((word for word in words if word and _QUALITY.search(word) and not _TIMES.search(word)), "")


def _kind_of(name: str, otherwise: str) -> str:
    """What a metric of somebody's own making is about, as far as its name tells."""
    if otherwise != "task":
        return otherwise
    if _GROUNDED.search(name):
        return "grounded"
    return "retrieval" if _RETRIEVAL.search(name) else otherwise


def number(core: Core, expression: code.Expression, unit: Unit) -> float | None:
    """The number an expression stands for, as far as the repository tells."""
    for value in core.resolver.values(expression, unit)[:1]:
        if isinstance(value, Known) and isinstance(value.value, int | float) and not isinstance(value.value, bool):
            return float(value.value)
    return None
