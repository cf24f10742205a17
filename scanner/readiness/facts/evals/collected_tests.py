"""The tests that pytest or unittest would collect: each with its fixtures, and what keeps it from running."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.eval_tools import load_doubles
from readiness.facts.linking.units import ClassInfo, ModuleInfo, Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Generated, Known, Values
from readiness.repository.tree import Role

_TEST_FILE = re.compile(r"^(?:test_.*|.*_test|tests)\.py$")
_SET_UP = frozenset(
    {
        *("setUp", "setUpClass", "asyncSetUp", "setUpModule"),
        *("setup", "setup_method", "setup_class", "setup_function", "setup_module"),
    }
)
_FIXTURES = ("pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture")
_ENVIRONMENT = ("os.getenv", "os.environ", "decouple.config")
MAX_FIXTURES = 60
"""Fixtures that one test is followed into."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A pytest fixture: the name tests ask for, and the function that makes it."""

    name: str
    unit: Unit
    autouse: bool


@dataclass(frozen=True, slots=True, eq=False)
class CollectedTest:
    """One test function. `scope` is it with its set-up and the fixtures it runs under; `fixtures` their names.

    `marks` are the names of its pytest marks, with those of its class and module. `blocked` says why it proves nothing
    ("" when it does): it is skipped, it waits for a key, or it cannot run. `variables` are the environment variables
    that it is skipped without.
    """

    unit: Unit
    scope: tuple[Unit, ...]
    fixtures: frozenset[str]
    marks: frozenset[str]
    decorators: tuple[tuple[code.Expression, Unit], ...]
    blocked: str = ""
    variables: frozenset[str] = frozenset()


class CollectedTests:
    """Finds the tests of a program and the fixtures they see."""

    def __init__(self, core: Core) -> None:
        self._core, self._resolver = core, core.resolver
        self._fixtures: dict[ModuleInfo, dict[str, Fixture]] = defaultdict(dict)
        self._plugins: dict[str, Fixture] = {}
        self._known = load_doubles().known_fixtures
        self._find_fixtures()
        self._classes: dict[ModuleInfo, list[ClassInfo]] = defaultdict(list)
        for info in core.program.classes:
            self._classes[info.module].append(info)
        self._broken: dict[ModuleInfo, bool] = {}
        self.tests = [test for module in core.program.modules.values() for test in self._tests(module)]

    def fixture(self, name: str, unit: Unit) -> Fixture | None:
        """The fixture that a parameter of a test or fixture names."""
        return next((found[name] for found in self._visible(unit.module) if name in found), None)

    def values(self, expression: code.Expression, unit: Unit, depth: int = 4) -> Values:
        """What an expression of a test stands for; a parameter is what its fixture gives."""
        root = expression
        while isinstance(root, code.Member | code.Call | code.Index | code.Await) and depth:
            root = (
                root.base
                if isinstance(root, code.Member | code.Index)
                else root.value
                if isinstance(root, code.Await)
                else root.function
            )
            depth -= 1
        if isinstance(root, code.Name) and unit.parameter(root.id) is not None:
            found = self.fixture(root.id, unit)
            if found is not None and found.unit is not unit:
                return self._through(expression, root, found, unit)
        return self._resolver.values(expression, unit)

    def _through(self, expression: code.Expression, root: code.Name, fixture: Fixture, unit: Unit) -> Values:
        if expression is root:
            function = fixture.unit.function
            if function is not None and function.is_generator:
                given = self._resolver.items_of(Generated(fixture.unit))
                return given or self._resolver.returned(fixture.unit)
            found = self._resolver.returned(fixture.unit)
            named = [r for r in fixture.unit.returns if isinstance(r, code.Name) and fixture.unit.parameter(r.id)]
            return found if not named else (*found, *(v for r in named for v in self.values(r, fixture.unit, 0)))
        match expression:
            case code.Member(base=base, name=name):
                return tuple(
                    f for v in self._through(base, root, fixture, unit) for f in self._resolver.member(v, name)
                )
            case code.Call(function=target):
                called = self._through(target, root, fixture, unit)
                return tuple(f for v in called for f in self._resolver.called(v, expression, unit))
            case code.Await(value=value):
                return self._through(value, root, fixture, unit)
            case _:
                return self._resolver.values(expression, unit)

    # -- fixtures ----------------------------------------------------------------------------------------------

    def _find_fixtures(self) -> None:
        plugins = self._plugin_modules()
        for unit in self._core.program.units:
            if unit.function is None or not unit.function.decorators:
                continue
            for decorator in unit.function.decorators:
                call = decorator if isinstance(decorator, code.Call) else None
                for value in self._resolver.values(decorator, unit.parent or unit):
                    if isinstance(value, External) and value.path.removesuffix("()") in _FIXTURES:
                        found = Fixture(self._name(call, unit), unit, _is_true(call, "autouse"))
                        self._fixtures[unit.module][found.name] = found
                        if unit.module.name in plugins:
                            self._plugins[found.name] = found

    def _name(self, call: code.Call | None, unit: Unit) -> str:
        given = call.keyword("name") if call is not None else None
        return given.value if isinstance(given, code.Constant) and isinstance(given.value, str) else unit.name

    def _plugin_modules(self) -> frozenset[str]:
        """The modules that some `pytest_plugins` names, or a pattern in it: `glob("tests/fixtures/*.py")`."""
        found: set[str] = set()
        for module in self._core.program.modules.values():
            for binding in module.body.bindings.get("pytest_plugins", ()):
                for node in code.walk(binding.value) if binding.value is not None else ():
                    if isinstance(node, code.Constant) and isinstance(node.value, str):
                        if "*" in node.value:
                            found.update(self._matching(node.value))
                            continue
                        named = self._core.program.find_module(node.value, module)
                        found.add(named.name if named is not None else node.value)
        return frozenset(found)

    def _matching(self, pattern: str) -> Iterator[str]:
        for module in self._core.program.modules.values():
            if module.role is Role.TEST and PurePosixPath(module.path).match(pattern):
                yield module.name

    def _visible(self, module: ModuleInfo) -> Iterator[dict[str, Fixture]]:
        """The fixtures a module sees, the nearest first."""
        folder = PurePosixPath(module.path).parent
        seen = [module]
        for parent in (folder, *folder.parents):
            path = "conftest.py" if str(parent) == "." else f"{parent}/conftest.py"
            if (found := self._core.program.modules.get(path)) is not None and found is not module:
                seen.append(found)
        for one in seen:
            yield self._fixtures.get(one, {})
            yield self._imported(one)
        yield self._plugins

    def _imported(self, module: ModuleInfo) -> dict[str, Fixture]:
        found: dict[str, Fixture] = {}
        for alias, statement in module.body.imports.items():
            source = self._core.program.find_module(statement.module, module, statement.level)
            if source is None:
                continue
            if alias.startswith("*"):
                found.update(self._fixtures.get(source, {}))
                continue
            for value in self._resolver.exported(source, statement.name or ""):
                if isinstance(value, FunctionValue):
                    known = self._fixtures.get(value.unit.module, {})
                    found.update({name: f for name, f in known.items() if f.unit is value.unit})
        return found

    # -- tests -------------------------------------------------------------------------------------------------

    def _tests(self, module: ModuleInfo) -> Iterator[CollectedTest]:
        if module.role not in (Role.TEST, Role.EVAL) or not _TEST_FILE.match(PurePosixPath(module.path).name):
            return
        above = self._module_marks(module)
        for name, unit in sorted(module.body.nested.items()):
            if name.startswith("test"):
                yield self._test(unit, None, above)
        for info in self._classes[module]:
            if info.unit is module.body and self._is_collected(info):
                for name, unit in sorted(info.methods.items()):
                    if name.startswith("test"):
                        yield self._test(unit, info, above)

    def _is_collected(self, info: ClassInfo) -> bool:
        return info.node.name.startswith("Test") or any(
            base.endswith("TestCase") for base in self._resolver.classes.bases(info)[1]
        )

    def _module_marks(self, module: ModuleInfo) -> list[tuple[code.Expression, Unit]]:
        found: list[tuple[code.Expression, Unit]] = []
        for binding in module.body.bindings.get("pytestmark", ()):
            value = binding.value
            items = value.items if isinstance(value, code.Sequence) else [value] if value is not None else []
            found.extend((item, module.body) for item in items)
        return found

    def _test(self, unit: Unit, owner: ClassInfo | None, above: list[tuple[code.Expression, Unit]]) -> CollectedTest:
        assert unit.function is not None
        decorators = [(d, unit.parent or unit.module.body) for d in unit.function.decorators]
        if owner is not None:
            decorators += [(d, owner.unit) for d in owner.node.decorators]
        decorators += above
        scope, fixtures, missing = self._scope(unit, owner, decorators)
        marks = frozenset(_mark(d) for d, _ in decorators) - {""}
        blocked = f"asks for a fixture that nothing defines: {missing}" if missing else ""
        skipped, variables = self._skips(unit, decorators, scope)
        if not self._core.imports.importable(unit) or self._lacks_module(unit.module):
            blocked = "imports what the repository does not have"
        return CollectedTest(unit, scope, fixtures, marks, tuple(decorators), blocked or skipped, variables)

    def _scope(
        self, unit: Unit, owner: ClassInfo | None, decorators: list[tuple[code.Expression, Unit]]
    ) -> tuple[tuple[Unit, ...], frozenset[str], str]:
        scope, names, missing = [unit], set[str](), ""
        if owner is not None:
            family = (owner, *self._resolver.classes.bases(owner)[0])
            scope += [m for o in family for n, m in o.methods.items() if n in _SET_UP]
        scope += [u for n, u in unit.module.body.nested.items() if n in _SET_UP]
        automatic = {n: f for found in self._visible(unit.module) for n, f in found.items() if f.autouse}
        waiting = [*automatic, *_used(decorators), *self._asked(unit, decorators)]
        own = set(self._asked(unit, decorators))
        while waiting and len(names) < MAX_FIXTURES:
            name = waiting.pop()
            if name in names:
                continue
            names.add(name)
            found = automatic.get(name) or self.fixture(name, unit)
            if found is None:
                if name in own and name not in self._known:
                    missing = name
                continue
            if found.unit not in scope:
                scope.append(found.unit)
                waiting.extend(p.name for p in (found.unit.function.parameters if found.unit.function else ()))
        return tuple(scope), frozenset(names - {"self", "cls"}), missing

    def _asked(self, unit: Unit, decorators: list[tuple[code.Expression, Unit]]) -> list[str]:
        """The parameters of a test that fixtures must fill: neither parametrised nor given by a patch decorator."""
        assert unit.function is not None
        is_unittest = unit.owner is not None and any(
            b.endswith("TestCase") for b in self._resolver.classes.bases(unit.owner)[1]
        )
        given: set[str] = set()
        injected = 0
        for decorator, _ in decorators:
            if isinstance(decorator, code.Call):
                name = dotted(decorator.function)
                if name.endswith("parametrize") and decorator.arguments:
                    given.update(_names(decorator.arguments[0]))
                elif "patch" in name and decorator.keyword("new") is None and not name.endswith(".dict"):
                    object_form = name.endswith("object")
                    injected += len(decorator.arguments) < (3 if object_form else 2)
                elif not name.startswith(("pytest", "patch", "mock")):
                    injected += 9 if name in ("given", "hypothesis.given", "ddt.data", "parameterized.expand") else 0
        names = [
            p.name
            for p in unit.function.parameters
            if p.kind in ("either", "keyword") and p.default is None and p.name not in ("self", "cls")
        ]
        return [] if is_unittest else [n for n in names[injected:] if n not in given]

    def _skips(
        self, unit: Unit, decorators: list[tuple[code.Expression, Unit]], scope: Iterable[Unit]
    ) -> tuple[str, frozenset[str]]:
        variables: set[str] = set()
        reason = ""
        for decorator, where in decorators:
            target = self._followed(decorator, where)
            name = _mark(target)
            if name == "skip":
                reason = "it is always skipped"
            elif name in ("skipif", "skipUnless", "skipIf") and isinstance(target, code.Call):
                variables |= self._variables(target.arguments[:1], where)
        for one in scope:
            for call in one.calls:
                if dotted(call.function) in ("pytest.skip", "self.skipTest"):
                    conditions = [n.test for n in one.enclosing(call) if isinstance(n, code.If)]
                    if not conditions and one is unit:
                        reason = "it is always skipped"
                    variables |= self._variables(conditions, one)
        if variables and not reason:
            reason = f"it is skipped without {', '.join(sorted(variables))}"
        return reason, frozenset(variables)

    def _followed(self, decorator: code.Expression, unit: Unit) -> code.Expression:
        """A mark bound to a name (`needs_key = pytest.mark.skipif(…)`) is that mark."""
        if isinstance(decorator, code.Name):
            for scope in (unit, unit.module.body):
                for binding in scope.bindings.get(decorator.id, ()):
                    if binding.value is not None:
                        return binding.value
        return decorator

    def _variables(self, conditions: Iterable[code.Expression], unit: Unit) -> set[str]:
        """The environment variables that conditions ask for, one assignment back."""
        found: set[str] = set()
        stack = list(conditions)
        followed: set[str] = set()
        while stack:
            for node in code.walk(stack.pop()):
                if isinstance(node, code.Name) and node.id not in followed:
                    followed.add(node.id)
                    for scope in {unit, unit.module.body}:
                        stack.extend(b.value for b in scope.bindings.get(node.id, ()) if b.value is not None)
                name = dotted(node.function) if isinstance(node, code.Call) else ""
                key = node.arguments[0] if isinstance(node, code.Call) and node.arguments else None
                if isinstance(node, code.Index) and dotted(node.base) == "os.environ":
                    name, key = "os.environ", node.key
                if isinstance(node, code.Operation) and dotted(node.operands[-1]) == "os.environ":
                    name, key = "os.environ", node.operands[0]
                if name.startswith(_ENVIRONMENT) or name == "getenv":
                    values = self._resolver.values(key, unit) if key is not None else ()
                    found.update(str(v.value) for v in values[:1] if isinstance(v, Known))
        return found

    def _lacks_module(self, module: ModuleInfo) -> bool:
        """Whether a test module imports, unguarded, a module that its package in this repository does not have."""
        if module not in self._broken:
            self._broken[module] = any(
                self._is_missing(statement, module)
                for statement in module.body.imports.values()
                if not any(isinstance(n, code.Try | code.If) for n in module.body.enclosing(statement))
            )
        return self._broken[module]

    def _is_missing(self, statement: code.Import, module: ModuleInfo) -> bool:
        program = self._core.program
        if "." not in statement.module or statement.level:
            return False
        if program.find_module(statement.module, module) is not None or program.has_package(statement.module):
            return False
        top = program.find_module(statement.module.partition(".")[0], module)
        if top is None or not top.is_package or (not top.code.body and top.path.count("/") > 3):
            return False
        tail = statement.module.replace(".", "/")
        return not any(path.rpartition(".")[0].endswith(tail) for path in self._core.observations.files)


def _mark(decorator: code.Expression) -> str:
    """The name of a pytest mark or unittest skip: `eval` of `@pytest.mark.eval`."""
    target = decorator.function if isinstance(decorator, code.Call) else decorator
    name = dotted(target)
    return last_name(target) if ".mark." in f".{name}" or name.startswith(("unittest.skip", "skip")) else ""


def _used(decorators: Iterable[tuple[code.Expression, Unit]]) -> Iterator[str]:
    """The fixtures that `usefixtures` asks for."""
    for decorator, _ in decorators:
        if isinstance(decorator, code.Call) and _mark(decorator) == "usefixtures":
            yield from (
                a.value for a in decorator.arguments if isinstance(a, code.Constant) and isinstance(a.value, str)
            )


def _names(expression: code.Expression) -> list[str]:
    found = [n.value for n in code.walk(expression) if isinstance(n, code.Constant) and isinstance(n.value, str)]
    return [name.strip() for text in found for name in text.split(",") if name.strip()]


def _is_true(call: code.Call | None, name: str) -> bool:
    given = call.keyword(name) if call is not None else None
    return isinstance(given, code.Constant) and given.value is True
