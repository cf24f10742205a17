"""The log lines of serving code, and what it prints instead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name, main_guard
from readiness.facts.linking.values import External, Instance
from readiness.facts.operations.clocks import Clocks
from readiness.facts.place import Place
from readiness.repository.tree import Role

_LEVELS = ("debug", "info", "warning", "warn", "error", "critical", "exception", "log", "msg", "success", "trace")
_PRINTING = frozenset({"rich.print", "pprint.pprint", "pprint.pp", "rich.pretty.pprint"})
_COMMANDS = frozenset({"click", "typer", "argparse", "fire", "docopt", "cyclopts"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One call that logs or prints."""

    place: Place
    text: str
    unit: Unit
    call: code.Call


class LogLines:
    """Finds what serving code logs and prints."""

    def __init__(self, core: Core, loggers: tuple[str, ...], alive: frozenset[Unit], clocks: Clocks) -> None:
        self._core, self._loggers, self._alive, self._clocks = core, loggers, alive, clocks

    @cached_property
    def logged(self) -> list[LogLine]:
        """Every call of a logger in serving code."""
        return [
            LogLine(unit.at(call), f"{name}(...)", unit, call)
            for name in _LEVELS
            for call, unit in self._core.program.calls_by_name.get(name, ())
            if unit.module.role is Role.SERVING and self._is_logger(call, unit)
        ]

    @cached_property
    def printed(self) -> list[LogLine]:
        """Every `print` of serving code, commands aside: what a command writes to its terminal is its output."""
        found = []
        for name in ("print", "pprint", "pp"):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role is Role.SERVING and self._prints(call, unit) and not self._is_command(call, unit):
                    found.append(LogLine(unit.at(call), "print(...)", unit, call))
        return sorted(found, key=lambda line: line.place)

    @cached_property
    def durations(self) -> list[LogLine]:
        """The log lines of loaded code that say how long something took."""
        found = []
        for line in self.logged:
            if line.unit in self._alive:
                given = (*line.call.arguments, *(k.value for k in line.call.keywords))
                if any(self._clocks.tells(one, line.unit) for one in given):
                    found.append(line)
        return sorted(found, key=lambda line: line.place)

    @cached_property
    def size(self) -> int:
        """Lines of serving code."""
        modules = self._core.program.modules.values()
        serving = (m.path for m in modules if m.role is Role.SERVING)
        return sum(self._core.observations.sources.get(path, "").count("\n") for path in serving)

    def _is_logger(self, call: code.Call, unit: Unit) -> bool:
        if not isinstance(call.function, code.Member):
            return False
        for value in self._core.resolver.values(call.function.base, unit):
            if isinstance(value, External) and f"{value.path}.".startswith(self._loggers):
                return True
            if isinstance(value, Instance) and any(
                base.startswith(self._loggers) for base in self._core.resolver.classes.bases(value.info)[1]
            ):
                return True
        # A logger that a project's own class or factory hands out.
        base = call.function.base
        name = last_name(base.function if isinstance(base, code.Call) else base).lower()
        return name.endswith("logger") or name in ("log", "_log")

    def _prints(self, call: code.Call, unit: Unit) -> bool:
        file = call.keyword("file")
        if file is not None and last_name(file) not in ("stderr", "stdout", "__stderr__", "__stdout__"):
            return False  # it writes a file
        if isinstance(call.function, code.Name):
            values = self._core.resolver.values(call.function, unit)
            external = [v.path for v in values if isinstance(v, External)]
            if call.function.id == "print" and not self._is_own(call.function.id, unit):
                builtin = not external or external[0] in ("print", "builtins.print")
                return not self._is_handler(unit) if builtin else external[0] in _PRINTING
            return any(path in _PRINTING for path in external)
        return False

    def _is_own(self, name: str, unit: Unit) -> bool:
        return name in unit.bindings or name in unit.module.body.bindings or name in unit.module.body.nested

    def _is_handler(self, unit: Unit) -> bool:
        """Whether the unit is part of a logging handler: it writes the lines that others log."""
        owner = unit.owner
        return owner is not None and any(b.startswith("logging.") for b in self._core.resolver.classes.bases(owner)[1])

    def _is_command(self, call: code.Call, unit: Unit) -> bool:
        return unit in self._command_units or unit.module.path in self._command_modules or _under_guard(call, unit)

    @cached_property
    def _command_units(self) -> frozenset[Unit]:
        """What only commands run."""
        commands = [u for e in self._core.entry_points if e.kind == "cli" for u in e.units]
        run = self._core.graph.reach(u for u in commands if not u.is_module)
        return frozenset(u for u in run if u not in self._core.reached)

    @cached_property
    def _command_modules(self) -> frozenset[str]:
        return frozenset(module.path for module in self._core.program.modules.values() if _is_cli(module.body))


def _is_cli(body: Unit) -> bool:
    """Whether a module is a command's: it reads the command line, and is named for it or holds nothing else."""
    imports = {statement.module.partition(".")[0] for statement in body.imports.values()}
    return bool(imports & _COMMANDS)


def _under_guard(call: code.Call, unit: Unit) -> bool:
    guard = main_guard(unit.module.code) if unit.is_module else None
    return guard is not None and guard.line <= call.line <= guard.end_line
