"""Evaluation suites: where metrics are computed, whether a bad score fails the run, and who runs them.

ML Test Score, Infra 4 (model quality is validated before serving) is the source of the distinction between a metric
and a gate: a number that nothing compares, or whose comparison ends in a print, guards nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.eval_gates import Gate, Gates
from readiness.facts.evals.eval_metrics import Metric, Metrics, is_evaluation
from readiness.facts.evals.eval_runs import EvalRun, find_eval_runs
from readiness.facts.evals.promptfoo import Promptfoo, promptfoo_configurations
from readiness.facts.evals.replacements import ReplacementFinder
from readiness.facts.linking.units import ModuleInfo, Unit, last_name, main_guard
from readiness.facts.place import Place
from readiness.repository.tree import Role

_FRAMEWORKS = frozenset({"deepeval", "ragas", "langsmith", "pydantic_evals", "inspect_ai", "openevals", "agentevals"})


@dataclass(frozen=True, slots=True)
class EvalSuite:
    """The metrics that one file computes and the gates on them.

    `reached_by`: "test", "ci", "training", or "" where nothing of the repository is seen to run it. `tests` are the
    test functions of the suite; `variables` the environment variables that all of them are skipped without.
    """

    place: Place
    text: str
    path: str
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    reached_by: str = ""
    tests: tuple[CollectedTest, ...] = field(default=(), repr=False)
    variables: frozenset[str] = frozenset()

    @property
    def gated(self) -> bool:
        """Whether a score can fail the run: a gate that is not trivial."""
        return any(not gate.trivial for gate in self.gates)

    @property
    def is_training(self) -> bool:
        """Whether it is part of the code that trains a model."""
        return self.reached_by == "training"

    @property
    def why(self) -> str:
        """What keeps it from guarding anything, in words; "" when nothing does."""
        if not self.gates:
            return "no assert, exit or exception depends on a score"
        if not self.gated:
            return "its thresholds cannot fail"
        return "" if self.reached_by else "no test, CI step or training job runs it"


@dataclass(frozen=True, slots=True)
class Evals:
    """Everything the repository does to measure its model."""

    suites: tuple[EvalSuite, ...] = ()
    runs: tuple[EvalRun, ...] = ()
    weak_runs: tuple[EvalRun, ...] = ()
    """Runs in CI that guard no change, each with its reason."""

    @property
    def gated(self) -> tuple[EvalSuite, ...]:
        """The suites that something runs and whose scores can fail it."""
        return tuple(s for s in self.suites if s.gated and s.reached_by)

    @property
    def gated_metrics(self) -> int:
        """How many different metrics those suites compute."""
        return len({m.name for s in self.gated for m in s.metrics})

    @property
    def training_gates(self) -> tuple[EvalSuite, ...]:
        """The suites that are part of training code and fail it."""
        return tuple(s for s in self.suites if s.gated and s.is_training)


def find_evals(core: Core, tests: CollectedTests) -> Evals:
    """The evaluation suites of a linked program, and the runs of them in CI."""
    suites = [*_Suites(core, tests).find(), *_configured(core)]
    suites.sort(key=lambda s: s.place)
    runs = find_eval_runs(core, suites, tests)
    ran = {path for run in runs if run.runs for path in run.paths}
    found = tuple(replace(s, reached_by=s.reached_by or ("ci" if s.path in ran else "")) for s in suites)
    return Evals(found, tuple(r for r in runs if not r.problem), tuple(r for r in runs if r.problem))


class _Suites:
    def __init__(self, core: Core, tests: CollectedTests) -> None:
        self._core, self._tests = core, tests
        self._metrics = Metrics(core)
        self._gates = Gates(core, self._metrics, tests)
        self._finder = ReplacementFinder(core, tests)
        self._trains = {
            u.module for u in core.program.units for c in u.calls if last_name(c.function) in ("fit", "train")
        }
        self._by_unit = {unit: test for test in tests.tests for unit in test.scope}
        # A test that loads the artefact itself and asks it measures the real model; one that fits a toy does not.
        self._loaded = {
            c.unit for c in core.calls if c.role is Role.TEST and c.kind == "predict" and "load" in c.value.path
        }
        self._serving = {u for c in core.calls if c.role is Role.SERVING for _, u in c.runs}

    def find(self) -> Iterator[EvalSuite]:
        cases = self._cases()
        modules = self._modules()
        for module in sorted({*modules, *cases}, key=lambda m: m.path):
            asserted = cases.get(module, [])
            units = [*modules.get(module, ()), *(u for u, _ in asserted)]
            metrics = [m for u in modules.get(module, ()) for m in self._metrics.by_unit.get(u, ())]
            metrics += [Metric(place, "cases that must hold", "task", "expected answers") for _, place in asserted]
            gates = [g for u in units for g in self._gates.of(u)]
            gates += [Gate(place, "every case must hold") for _, place in asserted]
            inner = [m for u in units for m in self._called(u) if m not in metrics]
            if not metrics and not (gates and inner):
                continue
            metrics += inner
            if not gates and self._is_display(module, metrics):
                continue
            yield self._suite(module, units, metrics, gates)

    def _is_display(self, module: ModuleInfo, metrics: list[Metric]) -> bool:
        """Whether the code only shows a number: it serves, trains nothing, and uses no tool for evaluation."""
        if module.role not in (Role.SERVING, Role.SCRIPT) or is_evaluation(module) or module in self._trains:
            return False
        return all(m.kind == "prediction" for m in metrics)

    def _modules(self) -> dict[ModuleInfo, list[Unit]]:
        """The modules with units that compute a metric or gate one; in tests only those that ask the real model."""
        found: dict[ModuleInfo, list[Unit]] = defaultdict(list)
        for unit in self._metrics.scoring:
            if unit.module.role is not Role.TEST or self._evaluates(unit):
                found[unit.module].append(unit)
        return {
            m: sorted(units, key=lambda u: u.place)
            for m, units in sorted(found.items(), key=lambda i: i[0].path)
            if m.role is not Role.SERVING
            or any(u in self._metrics.by_unit for u in units)
            # A command of the service's own that judges what the evaluation code measured.
            or any(True for u in units for _ in self._gates.of(u))
        }

    def _cases(self) -> dict[ModuleInfo, list[tuple[Unit, Place]]]:
        """Tests of evaluation code that compare what the real model answers with what each case expects."""
        found: dict[ModuleInfo, list[tuple[Unit, Place]]] = defaultdict(list)
        for test in self._tests.tests:
            if test.unit.module.role is Role.EVAL and (not test.blocked or test.variables):
                places = [test.unit.at(n) for n in code.walk(test.unit.body)
                          if isinstance(n, code.Assert) and _compares_case(n.test, test.unit)]  # fmt: skip
                if places and self._evaluates(test.unit):
                    found[test.unit.module].append((test.unit, places[0]))
        return found

    def _evaluates(self, unit: Unit) -> bool:
        """Whether a unit of a test is an evaluation: it uses a framework, or measures what the project answers."""
        test = self._by_unit.get(unit)
        if any(i.module.partition(".")[0] in _FRAMEWORKS for i in unit.module.body.imports.values()):
            return True
        if test is None:
            return False
        if self._finder.of(test).any:
            return False
        if any(u in self._loaded for u in test.scope):
            return True
        return any(u in self._serving for u in self._core.graph.reach([*test.scope]))

    def _called(self, unit: Unit) -> Iterator[Metric]:
        """The metrics of other files that a unit calls for; an evaluation's own layers are followed to their end."""
        for edge in self._core.graph.edges.get(unit, ()):
            if edge.unit.module is not unit.module and self._metrics.scoring.get(edge.unit, 9) <= 2:
                reached = dict.fromkeys([edge.unit, *(e.unit for e in self._core.graph.edges.get(edge.unit, ()))])
                for _ in range(2):
                    further = [e.unit for u in reached for e in self._core.graph.edges.get(u, ())]
                    reached.update(dict.fromkeys(u for u in further if is_evaluation(u.module)))
                for inner in reached:
                    yield from self._metrics.by_unit.get(inner, ())

    def _suite(self, module: ModuleInfo, units: list[Unit], metrics: list[Metric], gates: list[Gate]) -> EvalSuite:
        collected = [t for t in self._tests.tests if t.unit.module is module and set(t.scope) & set(units)]
        able = [t for t in collected if not t.blocked or t.variables]
        distinct = list(dict.fromkeys(metrics))
        names = ", ".join(dict.fromkeys(m.name for m in distinct))
        measures = any(u in self._metrics.by_unit for u in units)
        trains = (measures or module in self._trains) and self._is_training(module)
        reached = "test" if able or self._tested(units) else "training" if trains else ""
        variables = frozenset.intersection(*(t.variables for t in able)) if able else frozenset()
        return EvalSuite(
            distinct[0].place,
            f"measures {names[:90]}",
            module.path,
            tuple(distinct),
            tuple(dict.fromkeys(gates)),
            reached,
            tuple(able),
            variables,
        )

    def _tested(self, units: Iterable[Unit]) -> bool:
        """Whether a test of another file runs the suite."""
        seen, layer = set(units), list(units)
        for _ in range(4):
            layer = [e.unit for u in layer for e in self._core.graph.callers.get(u, ()) if e.unit not in seen]
            seen.update(layer)
            if any(u in self._by_unit and (not self._by_unit[u].blocked) for u in layer):
                return True
        return False

    def _is_training(self, module: ModuleInfo) -> bool:
        if module in self._trains:
            return module.role in (Role.SERVING, Role.SCRIPT)
        if module.role not in (Role.SERVING, Role.SCRIPT) or is_evaluation(module):
            return False  # an evaluation that people start by hand is no part of training
        return main_guard(module.code) is not None or any(u.module is module for u in self._core.started)


def _compares_case(test: code.Expression, unit: Unit) -> bool:
    """Whether an assertion compares something with a field of a case: a parameter, or an item of a loop."""
    for node in code.walk(test):
        if isinstance(node, code.Operation) and node.operator in ("==", "in", "not in"):
            names = {n.id for o in node.operands for n in code.walk(o) if isinstance(n, code.Name)}
            if any(
                unit.parameter(n) is not None or any(b.how == "item" for b in unit.bindings.get(n, ())) for n in names
            ):
                return True
    return False


def _configured(core: Core) -> Iterator[EvalSuite]:
    """The suites of promptfoo configurations: every case that asserts fails the run by itself."""
    for one in promptfoo_configurations(core.observations):
        yield _of_promptfoo(one)


def _of_promptfoo(one: Promptfoo) -> EvalSuite:
    metrics = tuple(Metric(one.place, name, kind, name) for name, kind in one.kinds)
    complete = one.checked == one.cases and (one.cases or one.files)
    gates = (Gate(one.place, "asserts of every case", one.trivial),) if metrics and complete else ()
    return EvalSuite(
        one.place, f"promptfoo asserts {', '.join(n for n, _ in one.kinds)[:90]}", one.place.path, metrics, gates
    )
