"""What a test puts in the place of the real thing: patched names, fakes handed over, mocked HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.eval_tools import Doubles, load_doubles
from readiness.facts.linking.units import ClassInfo, ModuleInfo, Unit, dotted, last_name
from readiness.facts.linking.values import (
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Known,
    LambdaValue,
    ModuleValue,
    Value,
    Values,
)
from readiness.repository.tree import Role


@dataclass(slots=True, eq=False)
class Replacements:
    """Everything one test replaces.

    `names`: (path of the module that looks it up, name) -> what stands there in truth. `externals`: paths replaced at
    their source. `units`: functions of the repository that do not run. `injected`: parameters and attributes that are
    given a fake, which answers to `methods`. `runs`: the nodes of graphs that a patch puts in. `models`: whether a fake
    model itself is among them. `http`: requests are answered by a mock.
    """

    names: dict[tuple[str, str], Values] = field(default_factory=dict)
    externals: set[str] = field(default_factory=set)
    units: set[Unit] = field(default_factory=set)
    injected: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    runs: set[Unit] = field(default_factory=set)
    models: bool = False
    http: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for tests that replace the same."""
        return (
            frozenset(self.names),
            frozenset(self.externals),
            frozenset(self.units),
            frozenset(self.injected),
            frozenset(self.methods),
            frozenset(self.runs),
            self.models,
            self.http,
        )

    @property
    def any(self) -> bool:
        """Whether anything is replaced at all."""
        return bool(self.names or self.externals or self.units or self.injected or self.models or self.http)


class ReplacementFinder:
    """Reads what tests replace."""

    def __init__(self, core: Core, tests: CollectedTests) -> None:
        self._core, self._tests, self._resolver = core, tests, core.resolver
        self._doubles: Doubles = load_doubles()

    def of(self, test: CollectedTest) -> Replacements:
        """What a test, its set-up and its fixtures replace."""
        found = Replacements()
        found.http = bool(test.fixtures & self._doubles.http_fixtures or test.marks & self._doubles.http_marks)
        for decorator, unit in test.decorators:
            if isinstance(decorator, code.Call):
                self._call(decorator, unit, found)
            self._http(decorator, unit, found)
        for unit in self._helpers(test.scope):
            for call in unit.calls:
                self._call(call, unit, found)
                self._http(call.function, unit, found)
            for member, binding in unit.members:
                if binding.value is not None and unit.owner is None:
                    self._assigned(member, binding.value, unit, found)
            for name, items in unit.items.items():
                for key, value in items:
                    self._item(name, key, value, unit, found)
            self._overrides(unit, found)
        return found

    def _helpers(self, scope: Iterable[Unit]) -> list[Unit]:
        """The scope and the functions of test code that it calls."""
        seen = list(dict.fromkeys(scope))
        for unit in seen:
            for edge in self._core.graph.edges.get(unit, ()):
                if edge.unit.module.role in (Role.TEST, Role.EVAL) and edge.unit not in seen and len(seen) < 80:
                    seen.append(edge.unit)
        return seen

    # -- patches -----------------------------------------------------------------------------------------------

    def _call(self, call: code.Call, unit: Unit, found: Replacements) -> None:
        if self._patches(call, unit):
            self._patched(call, unit, found)
            return
        for argument in (*call.arguments, *(k.value for k in call.keywords)):
            if self._is_fake_model(argument, unit):
                found.models = True
        if any(k.name in self._doubles.mock_arguments for k in call.keywords):
            found.models = True
        for target, offset in self._callees(call, unit):
            self._handed(call, unit, target, offset, found)

    def _patches(self, call: code.Call, unit: Unit) -> bool:
        name = dotted(call.function)
        root, _, method = name.partition(".")
        if method and root in self._doubles.patcher_fixtures:
            return method in self._doubles.patcher_fixtures[root]
        if not name.endswith(("patch", "patch.object", "setattr")):
            return False
        return any(
            isinstance(v, External) and self._doubles.patchers.fullmatch(v.path)
            for v in self._tests.values(call.function, unit)
        )

    def _patched(self, call: code.Call, unit: Unit, found: Replacements) -> None:
        if not call.arguments:
            return
        first, rest = call.arguments[0], call.arguments[1:]
        for given in (*rest, *(k.value for k in call.keywords if k.name in ("new", "return_value", "value"))):
            self._put_in(given, unit, found)
        for value in self._tests.values(first, unit)[:4]:
            if isinstance(value, Known) and isinstance(value.value, str) and "." in value.value:
                self._dotted(value.value, unit.module, found)
                return
        name = self._text(rest[0], unit) if rest else ""
        if name:
            for value in self._tests.values(first, unit)[:4]:
                self._attribute(value, name, found)

    def _put_in(self, given: code.Expression, unit: Unit, found: Replacements) -> None:
        """A graph that the test built of the project's nodes and puts in runs those nodes."""
        expression = given.body if isinstance(given, code.Lambda) else given
        for value in self._tests.values(expression, unit)[:4]:
            for step in value.steps if isinstance(value, External) else ():
                found.runs.update(self._core.graph.registered.get(step.call, ()))

    def _dotted(self, path: str, importer: ModuleInfo, found: Replacements) -> None:
        """`patch("app.llm.client")`: the longest beginning that is a module of the repository looks the rest up."""
        parts = path.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = self._core.program.find_module(".".join(parts[:cut]), importer)
            if module is not None:
                self._inside(module, parts[cut:], found)
                return
        found.externals.add(path)

    def _inside(self, module: ModuleInfo, names: list[str], found: Replacements) -> None:
        values = self._resolver.exported(module, names[0])
        if len(names) == 1:
            found.names[module.path, names[0]] = values
            self._cut(values, module, found)
            return
        for value in values:
            inner = value
            for name in names[1:-1]:
                inner = next(iter(self._resolver.member(inner, name)), inner)
            self._attribute(inner, names[-1], found)

    def _attribute(self, value: Value, name: str, found: Replacements) -> None:
        """`patch.object(value, name)`, `monkeypatch.setattr(value, name, …)`, `value.name = …`."""
        match value:
            case ModuleValue(info):
                self._inside(info, [name], found)
            case ClassValue(info) | Instance(info):
                method = self._resolver.classes.method(info, name)
                if method is not None:
                    found.units.add(method)
                else:
                    found.injected.add(name)
                    found.methods.add("*")
            case External(path):
                found.externals.add(f"{path}.{name}")
                found.injected.add(name)
            case _:
                found.injected.add(name)

    def _cut(self, values: Values, module: ModuleInfo, found: Replacements) -> None:
        """A class that is replaced under the name its own module gives it never runs; other names cut calls only."""
        for value in values:
            if isinstance(value, ClassValue):
                found.units.update(value.info.methods.values())

    # -- fakes that are handed over ----------------------------------------------------------------------------

    def _callees(self, call: code.Call, unit: Unit) -> Iterator[tuple[Unit, int]]:
        """The project's functions that a call of a test runs, with how many parameters come before its arguments."""
        for value in self._tests.values(call.function, unit)[:6]:
            match value:
                case FunctionValue(target) if target.module.role is not Role.TEST:
                    yield target, int(target.owner is not None)
                case ClassValue(info) if info.module.role is not Role.TEST:
                    method = self._resolver.classes.method(info, "__init__")
                    if method is not None:
                        yield method, 1
                    else:
                        yield info.body or info.unit, -1

    def _handed(self, call: code.Call, unit: Unit, target: Unit, offset: int, found: Replacements) -> None:
        parameters = target.function.parameters[offset:] if target.function is not None and offset >= 0 else []
        given = [(p.name, a) for p, a in zip(parameters, call.arguments, strict=False) if p.kind != "keyword"]
        given += [(k.name, k.value) for k in call.keywords if k.name]
        for name, argument in given:
            methods = self._stand_in(argument, unit)
            if methods:
                found.injected.add(name)
                found.methods |= methods

    def _stand_in(self, argument: code.Expression, unit: Unit) -> frozenset[str]:
        """The methods of a fake that an expression is ("*": any); empty for the real thing."""
        if isinstance(argument, code.Constant | code.Template | code.Mapping):
            return frozenset()
        for value in self._tests.values(argument, unit)[:6]:
            match value:
                case External(path) if self._doubles.mocks.fullmatch(path.partition("()")[0]):
                    return frozenset({"*"})
                case External(path) if self._doubles.fake_models.fullmatch(path.partition("()")[0]):
                    return frozenset({"*"})
                case Instance(info) | ClassValue(info) if info.module.role in (Role.TEST, Role.EVAL):
                    return self._methods(info)
                case FunctionValue(target) if target.module.role is Role.TEST:
                    return frozenset({"*"})
                case LambdaValue():
                    return frozenset({"*"})
        return frozenset()

    def _methods(self, info: ClassInfo) -> frozenset[str]:
        """What a class of a test answers to; a nested namespace (`chat.completions`) counts by its last methods."""
        own, outer = self._resolver.classes.bases(info)
        names = {n for c in (info, *own) for n in (*c.methods, *c.attributes)}
        return frozenset(names | {"*"}) if any("." in base for base in outer) else frozenset(names)

    def _is_fake_model(self, argument: code.Expression, unit: Unit) -> bool:
        if not isinstance(argument, code.Call | code.Name | code.Member):
            return False
        for value in self._tests.values(argument, unit)[:6]:
            if isinstance(value, External) and self._doubles.fake_models.fullmatch(value.path.partition("()")[0]):
                return True
            if isinstance(value, Instance) and value.info.module.role is Role.TEST:
                bases = self._resolver.classes.bases(value.info)[1]
                if any(self._doubles.fake_models.fullmatch(b) or self._core.knowledge.client(b) for b in bases):
                    return True
                if any(
                    b.rpartition(".")[2]
                    in (
                        "BaseChatModel",
                        "LLM",
                        "BaseLLM",
                        "SimpleChatModel",
                        "Embeddings",
                        "CustomLLM",
                        "Model",
                        "BaseEmbedding",
                    )
                    for b in bases
                ):
                    return True
        return False

    def _assigned(self, member: code.Member, value: code.Expression, unit: Unit, found: Replacements) -> None:
        """`service.client = FakeClient()` in a test."""
        methods = self._stand_in(value, unit)
        if not methods:
            return
        for base in self._tests.values(member.base, unit)[:4]:
            if isinstance(base, External) and self._doubles.mocks.fullmatch(base.path.partition("()")[0]):
                continue
            if isinstance(base, Instance | ClassValue | ModuleValue | External):
                self._attribute(base, member.name, found)
                found.methods |= methods

    def _item(self, name: str, key: code.Expression, value: code.Expression, unit: Unit, found: Replacements) -> None:
        """`overrides[get_client] = …`, where `overrides` is an application's `dependency_overrides`."""
        bindings = [b.value for b in unit.bindings.get(name, ()) if b.value is not None]
        if any(isinstance(b, code.Member) and b.name == "dependency_overrides" for b in bindings):
            self._overridden(key, unit, found)

    def _overrides(self, unit: Unit, found: Replacements) -> None:
        """`app.dependency_overrides[get_client] = lambda: FakeClient()`."""
        for node in code.walk(unit.body) if unit.module.role in (Role.TEST, Role.EVAL) else ():
            targets = node.targets if isinstance(node, code.Assign) else []
            for target in targets:
                if isinstance(target, code.Index) and last_name(target.base) == "dependency_overrides":
                    self._overridden(target.key, unit, found)

    def _overridden(self, key: code.Expression, unit: Unit, found: Replacements) -> None:
        for value in self._resolver.values(key, unit):
            if isinstance(value, FunctionValue):
                found.units.add(value.unit)
                found.names[value.unit.module.path, value.unit.name] = (value,)

    def _http(self, expression: code.Expression, unit: Unit, found: Replacements) -> None:
        target = expression.function if isinstance(expression, code.Call) else expression
        if isinstance(target, code.Member | code.Name) and not found.http:
            for value in self._resolver.values(target, unit)[:3]:
                if isinstance(value, External) and self._doubles.http_mocks.fullmatch(value.path):
                    found.http = True

    def _text(self, expression: code.Expression, unit: Unit) -> str:
        values = self._resolver.values(expression, unit)
        return next((v.value for v in values if isinstance(v, Known) and isinstance(v.value, str)), "")
