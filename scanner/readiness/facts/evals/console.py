"""Which functions a command line of the project's own starts: console scripts, and the commands of Typer and click.

`pkg evals run` runs one command of many. What the others would run says nothing about this line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.commands import Command
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.facts.linking.values import External

MAX_WORDS = 5
"""Words of a command line that may name a group or a command."""


class Console:
    """Answers what a command line of this repository's package starts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._commands = [e for e in core.entry_points if e.framework == "cli" and e.decorator is not None]
        self._groups: dict[code.Call, set[str]] = {}
        for name in ("add_typer", "add_command"):
            for call, unit in core.program.calls_by_name.get(name, ()):
                self._named(call, unit)

    def started(self, command: Command, module: ModuleInfo | None = None) -> frozenset[Unit]:
        """Every unit that a command runs: of a console script, or of the module it names."""
        words = [word for word in command.arguments if not word.startswith("-")][:MAX_WORDS]
        starts, roots = [module.body] if module is not None else [], set[code.Call]()
        called = command.words[0] if command.words else ""
        outright = [(command.program, called)] if ":" in called and "python -m" in command.wrappers else []
        for name, target in (*outright, *self._scripts()) if module is None else ():
            if name == command.program:
                starts, roots = self._target(target)
                break
        if not starts and not roots:
            return frozenset()
        chosen = self._chosen(words, roots)
        others = frozenset(e.unit for e in self._commands if e.unit not in chosen)
        return frozenset(self._core.graph.reach([*starts, *chosen], others))

    def _scripts(self) -> Iterator[tuple[str, str]]:
        for path, documents in self._core.observations.documents.items():
            if path.endswith("pyproject.toml") and documents:
                for section in (("project", "scripts"), ("tool", "poetry", "scripts")):
                    yield from ((name, str(target.value)) for name, target in documents[0].items(*section))

    def _target(self, target: str) -> tuple[list[Unit], set[code.Call]]:
        """The function that `package.module:name` is, or the calls that made the application it is."""
        module_name, _, attribute = target.partition(":")
        for info in self._core.program.modules.values():
            if info.name == module_name or info.name.endswith(f".{module_name}"):
                if attribute in info.body.nested:
                    return [info.body.nested[attribute]], set()
                values = self._core.resolver.exported(info, attribute)
                return [], {v.steps[0].call for v in values if isinstance(v, External) and v.steps}
        return [], set()

    def _chosen(self, words: list[str], roots: set[code.Call]) -> frozenset[Unit]:
        """The commands that the words of a line name, each under the groups before it."""
        for index, word in enumerate(words):
            found = [e for e in self._commands if _name(e) == word and self._is_under(e, words[:index], roots)]
            if found:
                return frozenset(e.unit for e in found)
        own = [e for e in self._commands if roots & set(e.app)]
        return frozenset(e.unit for e in own) if len(own) == 1 else frozenset()

    def _is_under(self, entry: EntryPoint, groups: list[str], roots: set[code.Call]) -> bool:
        if not groups:
            return not roots or bool(roots & set(entry.app)) or not self._is_grouped(entry)
        decorator = entry.decorator.function if entry.decorator is not None else None
        names = {last_name(decorator.base)} if isinstance(decorator, code.Member) else set[str]()
        names |= {PurePosixPath(entry.unit.module.path).stem}
        for made in entry.app:
            names |= self._groups.get(made, set())
            given = made.keyword("name")
            if isinstance(given, code.Constant):
                names.add(str(given.value))
        return groups[-1] in names

    def _is_grouped(self, entry: EntryPoint) -> bool:
        return any(made in self._groups for made in entry.app)

    def _named(self, call: code.Call, unit: Unit) -> None:
        """Notes the name under which an application is added to another one."""
        given = call.keyword("name") or (call.arguments[1] if len(call.arguments) > 1 else None)
        name = self._core.resolver.constant(given, unit) if given is not None else None
        for value in self._core.resolver.values(call.arguments[0], unit) if call.arguments else ():
            if isinstance(value, External) and value.steps:
                names = self._groups.setdefault(value.steps[0].call, set())
                if isinstance(name, str):
                    names.add(name)


def _name(entry: EntryPoint) -> str:
    """What a command is called: as its decorator says, else as its function is, with dashes."""
    call = entry.decorator
    given = (call.keyword("name") or next(iter(call.arguments), None)) if call is not None else None
    if isinstance(given, code.Constant) and isinstance(given.value, str):
        return given.value
    return entry.unit.name.replace("_", "-")
