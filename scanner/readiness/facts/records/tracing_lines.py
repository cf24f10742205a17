"""The lines that turn tracing on, and where traces go: instrumentors, switches, exporters that really run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known
from readiness.facts.place import Place
from readiness.facts.records.instrumentors import Instrumentor, TelemetryKnowledge
from readiness.repository.tree import Role

_DEBUG = re.compile(r"(^|_)(debug|is_dev|testing)$", re.I)
_DEPLOYED = re.compile(r"(^|_)(prod|production|render|heroku|railway|deployed)$", re.I)
"""Flags that are set where the service runs for its users; `RENDER` and its like are set by the host."""
_DEPLOY = re.compile(
    r"\.(ya?ml|toml|tf|tfvars|bicep|json|ini|cfg|conf|service|tpl)$|(^|/)(\.?env[^/]*|[^/]*\.env[^/]*|[^/]*dockerfile[^/]*|procfile)$",
    re.I,
)
_OFF = ("false", "0", "no", "off", "")


@dataclass(frozen=True, slots=True)
class TracingLine:
    """One line that turns tracing on. `everywhere` for one that holds for the whole process, else only near `unit`.

    `commented`: a switch that the sample environment only shows in a comment. `empty`: a list that nothing fills.
    """

    place: Place
    text: str
    instrumentor: Instrumentor
    unit: Unit | None = None
    everywhere: bool = True
    commented: bool = False
    empty: bool = False
    call: code.Call | None = None
    actor: bool = False
    """It tells who the traces belong to."""


class TracingLines:
    """Finds the lines and exporters of a program."""

    def __init__(self, core: Core, knowledge: TelemetryKnowledge, nearby: Nearby) -> None:
        self._core, self._knowledge, self._nearby = core, knowledge, nearby
        self._mentions: dict[str, bool] = {}
        self.lines: list[TracingLine] = []
        self.exporters: list[tuple[Place, str]] = []
        self.console: list[Place] = []
        for unit in sorted(nearby.loaded, key=lambda u: (u.place, u.qualified)):
            if unit.module.role is Role.SERVING:
                self._calls(unit)
                self._attributes(unit)
                self._decorators(unit)
        self.lines.extend(self._switches())
        self.lines.extend(self._commands())

    def exported(self, instrumentor: Instrumentor) -> bool:
        """Whether the traces of an instrumentor leave the process for somewhere that is configured."""
        if instrumentor.sends == "otel":
            sent = any(not path.startswith("mlflow") for _, path in self.exporters)
            return sent or self._configured(self._knowledge.export_variables)
        if instrumentor.sends in ("litellm", "handler"):
            return any(self._configured(keys) for name, keys in self._knowledge.vendors.items() if name != "openai")
        keys = self._knowledge.vendors.get(instrumentor.sends, ())
        return self._configured(keys) or any(path.startswith(instrumentor.sends) for _, path in self.exporters)

    def _configured(self, variables: Iterable[str]) -> bool:
        return any(self._mentioned(v) for v in variables)

    def _mentioned(self, variable: str) -> bool:
        """Whether code or configuration of the repository names a variable; documents and tests do not count."""
        known = self._mentions.get(variable)
        if known is None:
            known = self._mentions[variable] = any(variable in text for text in self._configuration)
        return known

    @cached_property
    def _configuration(self) -> list[str]:
        """The text of code and configuration, in capitals: settings classes name variables in small letters."""
        files = self._core.observations.files
        return [
            text.upper()
            for path, text in self._core.observations.sources.items()
            if (path.endswith(".py") or _DEPLOY.search(path)) and files[path].role in (Role.SERVING, Role.SCRIPT)
        ]

    # -- code --------------------------------------------------------------------------------------------------

    def _calls(self, unit: Unit) -> None:
        for call in unit.calls:
            for value in self._core.resolver.values(call.function, unit):
                if not isinstance(value, External):
                    continue
                if value.path in self._knowledge.exporters or value.path in self._knowledge.console:
                    if value.path in self._knowledge.console:
                        self.console.append(unit.at(call))
                    else:
                        self.exporters.append((unit.at(call), value.path))
                found = self._knowledge.find("call", value.path)
                if found is not None and not only_in_debug(unit, call) and self._has(call, found):
                    self._add(unit, call, found)
                handler = self._knowledge.find("handler", value.path)
                if handler is not None and not only_in_debug(unit, call) and is_used(unit, call):
                    self._add(unit, call, handler, everywhere=self._is_global(unit, call))
                    break

    def _is_global(self, unit: Unit, handler: code.Call) -> bool:
        """Whether a handler is put where a framework looks for it in every call: `Settings.callback_manager = …`."""
        above = unit.parents.get(handler)
        names = {t.id for t in above.targets if isinstance(t, code.Name)} if isinstance(above, code.Assign) else set()
        for member, binding in unit.members:
            if member.name in ("callback_manager", "callbacks", "global_handler") and binding.value is not None:
                held = any(
                    n is handler or (isinstance(n, code.Name) and n.id in names) for n in code.walk(binding.value)
                )
                if held and any(isinstance(v, External) for v in self._core.resolver.values(member.base, unit)):
                    return True
        return False

    def _has(self, call: code.Call, found: Instrumentor) -> bool:
        if found.versions and self._core.dependencies.version_of(found.distribution).admits(found.versions) is False:
            return False
        return not found.needs or any(k.name is None or k.name in found.needs for k in call.keywords)

    def _add(self, unit: Unit, call: code.Call, found: Instrumentor, *, everywhere: bool = True) -> None:
        actor = any(k.name in ("user_id", "session_id") for k in call.keywords)
        text = f"{found.name} ({'handler' if found.how == 'handler' else 'call'})"
        self.lines.append(TracingLine(unit.at(call), text, found, unit, everywhere, call=call, actor=actor))

    def _attributes(self, unit: Unit) -> None:
        for member, binding in unit.members:
            for value in self._core.resolver.values(member.base, unit):
                if isinstance(value, External) and (
                    found := self._knowledge.find("attribute", f"{value.path}.{member.name}")
                ):
                    given = self._core.resolver.values(binding.value, unit) if binding.value is not None else ()
                    named = any(
                        isinstance(v, Items) and isinstance(v.literal, code.Sequence) and v.literal.items for v in given
                    )
                    empty = not named and not any(
                        isinstance(v, Known) and isinstance(v.value, str) and v.value for v in given
                    )
                    place = unit.at(member)
                    self.lines.append(TracingLine(place, found.name, found, unit, True, empty=empty))
                    break

    def _decorators(self, unit: Unit) -> None:
        if unit.function is None:
            return
        for decorator in unit.function.decorators:
            target = decorator.function if isinstance(decorator, code.Call) else decorator
            for value in self._core.resolver.values(target, unit.parent or unit):
                if isinstance(value, External) and (found := self._knowledge.find("decorator", value.path)):
                    self.lines.append(TracingLine(unit.at(decorator), f"@{found.name}", found, unit, False))
                    break

    # -- configuration -----------------------------------------------------------------------------------------

    def _switches(self) -> Iterator[TracingLine]:
        """Variables of the environment: in samples, manifests and images, or set by the code itself."""
        for instrumentor in self._knowledge.of("switch"):
            for name in sorted(instrumentor.symbols):
                found = [*self._set_in_code(name), *self._set_in_files(name)]
                chosen = next((f for f in found if not f[1]), found[0] if found else None)
                if chosen is not None:
                    yield TracingLine(chosen[0], f"{name} ({instrumentor.name})", instrumentor, commented=chosen[1])

    def _set_in_files(self, name: str) -> Iterator[tuple[Place, bool]]:
        for path, entries in sorted(self._core.observations.dotenv.items()):
            for entry in entries:
                if entry.key == name and not (entry.commented and entry.value.lower() in _OFF):
                    yield Place(path, entry.line, entry.line), entry.commented
        pattern = re.compile(rf"^[ \t]*(?!#)[^#\n]*\b{name}\b", re.M)
        files = self._core.observations.files
        for path, text in self._core.observations.sources.items():
            if name in text and _DEPLOY.search(path) and not self._core.observations.dotenv.get(path):
                is_sample = path.rpartition("/")[2].startswith(".env")
                match = pattern.search(text) if is_sample or files[path].role is Role.SERVING else None
                if match is not None:
                    line = text.count("\n", 0, match.end()) + 1
                    yield Place(path, line, line), False

    def _set_in_code(self, name: str) -> Iterator[tuple[Place, bool]]:
        for unit in sorted(self._nearby.loaded, key=lambda u: (u.place, u.qualified)):
            for node, value in self._settings(unit, name):
                if not is_off(self._core, value, unit) and not only_in_debug(unit, node):
                    yield unit.at(node), False

    def _settings(self, unit: Unit, name: str) -> Iterator[tuple[code.Node, code.Expression | None]]:
        """`os.environ[name] = value`, `os.environ.setdefault(name, value)`."""
        for statement in unit.blocks:
            for target in statement.targets if isinstance(statement, code.Assign) else ():
                if isinstance(target, code.Index) and is_constant(target.key, name):
                    yield statement, statement.value  # type: ignore[attr-defined]
        for call in unit.calls:
            first = (
                call.arguments[0] if last_name(call.function) in ("setdefault", "putenv") and call.arguments else None
            )
            if first is not None and is_constant(first, name):
                yield call, call.arguments[-1]

    def _commands(self) -> Iterator[TracingLine]:
        """An agent that a start command puts in front of the application."""
        for instrumentor in self._knowledge.of("command"):
            for word in sorted(instrumentor.symbols):
                pattern = re.compile(rf"^[ \t]*(?!#)[^#\n]*\b{re.escape(word)}\b(?![-.=\w])", re.M)
                for path, text in self._core.observations.sources.items():
                    if (
                        word in text
                        and (_DEPLOY.search(path) or path.endswith(".sh"))
                        and not path.endswith((".toml", ".json"))
                    ):
                        match = pattern.search(text)
                        if match is not None and self._is_installed(instrumentor.needs):
                            line = text.count("\n", 0, match.end()) + 1
                            yield TracingLine(Place(path, line, line), word, instrumentor)
                            return

    def _is_installed(self, prefix: str) -> bool:
        names = [d.name for d in self._core.dependencies.declared]
        return not prefix or any(n.startswith(prefix) and n != prefix for n in names)


def only_in_debug(unit: Unit, node: code.Node) -> bool:
    """Whether a line runs only where a debug flag is set, or never."""
    for outer in unit.enclosing(node):
        if isinstance(outer, code.If):
            if isinstance(outer.test, code.Constant) and not outer.test.value:
                return True
            for inner in code.walk(outer.test):
                name = (
                    inner.id if isinstance(inner, code.Name) else inner.name if isinstance(inner, code.Member) else ""
                )
                if name and _DEBUG.search(name) and not _is_negated(outer.test):
                    return True
                if name and _DEPLOYED.search(name) and _is_negated(outer.test) and node not in outer.otherwise:
                    return True
    return False


def _is_negated(test: code.Expression) -> bool:
    return isinstance(test, code.Operation) and test.operator == "not"


def is_used(unit: Unit, call: code.Call) -> bool:
    """Whether an object that is made is handed over, returned or kept: not dropped on the spot."""
    above = unit.parents.get(call)
    if isinstance(above, code.Evaluate):
        return False
    if isinstance(above, code.Assign) and len(above.targets) == 1 and isinstance(above.targets[0], code.Name):
        name = above.targets[0].id
        if unit.function is None:
            return True
        return any(isinstance(n, code.Name) and n.id == name and n is not above.targets[0] for n in unit.parents)
    return True


def is_constant(expression: code.Expression, value: str) -> bool:
    """Whether an expression is this text."""
    return isinstance(expression, code.Constant) and expression.value == value


def is_off(core: Core, expression: code.Expression | None, unit: Unit) -> bool:
    """Whether a switch is set to a value that turns it off."""
    if expression is None:
        return True
    first = core.resolver.values(expression, unit)[0]
    if isinstance(first, Known):
        return str(first.value).lower() in _OFF
    return False
