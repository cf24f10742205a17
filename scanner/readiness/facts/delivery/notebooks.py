"""What of production hangs on a notebook: what runs there, and what lives nowhere else (notebooks-not-shipped)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.delivery.commands import Command, commands_in, joined
from readiness.facts.delivery.containers import run_commands
from readiness.facts.delivery.notebook_runners import load_notebook_runners
from readiness.facts.failures.resilience import Symbols
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Place
from readiness.repository.tree import Role

SHARED = 5
"""A notebook with this many statements of a module, of some size each, is another copy of it."""

SIZE = 9
"""The number of nodes from which two equal statements are no coincidence."""

_ASIDE = frozenset({Role.EXAMPLE, Role.TEST, Role.EVAL, Role.ARCHIVED, Role.VENDORED})
_CODE = frozenset({Role.SERVING, Role.SCRIPT})
_SHELL = frozenset({"system", "getoutput", "magic", "run_line_magic", "run_cell_magic"})


@dataclass(frozen=True, slots=True)
class NotebookUse:
    """One way in which a notebook is part of what runs in production.

    `how`: "run" (the deploy path runs it), "only" (nothing outside notebooks calls a model), "copy" (a module is there
    twice), "artefact" (the served model is saved there and nowhere else), "exported" (a module is a notebook's export).
    """

    place: Place
    text: str
    how: str


@dataclass(frozen=True, slots=True)
class Notebooks:
    """The repository's notebooks (`files`; vendored ones left out) and how production hangs on them."""

    files: tuple[str, ...] = ()
    uses: tuple[NotebookUse, ...] = ()


def find_notebooks(core: Core) -> Notebooks:
    """The notebooks of a linked program."""
    files = core.observations.files
    found = tuple(p for p, f in files.items() if p.endswith(".ipynb") and f.role is not Role.VENDORED)
    return _Finder(core, found).find()


class _Finder:
    def __init__(self, core: Core, files: tuple[str, ...]) -> None:
        self._core, self._files, self._runners = core, files, load_notebook_runners()

    def find(self) -> Notebooks:
        uses = [*self._run(), *self._called(), *self._exported()]
        if self._files:
            uses += [*self._only(), *self._copies(), *self._artefacts()]
        return Notebooks(self._files, tuple(sorted(set(uses), key=lambda u: (u.place, u.how, u.text))))

    # -- the deploy path ---------------------------------------------------------------------------------------

    def _run(self) -> Iterator[NotebookUse]:
        deployment = self._core.deployment
        for _, command in self._core.ci.commands:
            if self._ships(command):
                yield _use(command.place, command.text, "run")
        for report in deployment.images:
            image = report.image
            built = (c for i in image.effective if i.name == "RUN" for c in run_commands(report.place.path, i))
            yield from self._running((*built, *image.command))
        for service in deployment.compose:
            if not service.is_local:
                yield from self._running((*service.entrypoint, *service.command))
        for platform in deployment.platforms:
            if platform.kind == "procfile":
                text = self._core.observations.sources.get(platform.place.path, "")
                for number, line in enumerate(text.split("\n"), start=1):
                    yield from self._running(commands_in(line.partition(":")[2], platform.place.path, number))

    def _ships(self, command: Command) -> bool:
        """Whether CI runs a notebook that is no tutorial: those are run to see that they still work."""
        if not self._runners.runs(command):
            return False
        named = [joined(command.directory, w) for w in command.arguments if w.endswith(".ipynb")]
        roles = [f.role for n in named if (f := self._core.observations.files.get(n)) is not None]
        return not roles or any(role not in _ASIDE for role in roles)

    def _running(self, commands: Iterable[Command]) -> Iterator[NotebookUse]:
        for command in commands:
            if self._runners.runs(command):
                yield _use(command.place, command.text, "run")

    def _called(self) -> Iterator[NotebookUse]:
        """Serving code that runs notebooks, or imports them like modules."""
        for module in self._core.program.modules.values():
            if module.role is not Role.SERVING or _is_notebook(module.path):
                continue
            imported = {i.module.partition(".")[0]: i for i in module.body.imports.values()}
            for hook in sorted(self._runners.hooks & imported.keys()):
                yield _use(module.body.at(imported[hook]), f"import {hook}", "run")
            if self._runners.packages & imported.keys():
                for unit in self._units(module):
                    for call in unit.calls:
                        if self._is(call, unit, self._runners.symbols):
                            yield _use(unit.at(call), f"{last_name(call.function)}(...)", "run")

    def _units(self, module: ModuleInfo) -> list[Unit]:
        return [u for u in self._core.program.units if u.module is module]

    def _is(self, call: code.Call, unit: Unit, symbols: Symbols) -> bool:
        return isinstance(call.function, code.Member | code.Name) and any(
            isinstance(v, External) and v.path in symbols for v in self._core.resolver.values(call.function, unit)[:3]
        )

    # -- what lives in notebooks -------------------------------------------------------------------------------

    def _only(self) -> Iterator[NotebookUse]:
        """Model calls of notebooks, where nothing outside notebooks calls a model."""
        calls = [c for c in self._core.calls if c.is_invocation and c.inside is None and c.kind != "predict"]
        inside = [c for c in calls if _is_notebook(c.place.path)]
        if inside and not any(_in_module(c) for c in self._core.calls):
            for call in inside[:20]:
                yield _use(call.place, call.text, "only")

    def _copies(self) -> Iterator[NotebookUse]:
        modules: dict[tuple[object, ...], str] = {}
        for info in self._core.program.modules.values():
            if info.role in _CODE and not _is_notebook(info.path):
                modules.update((shape, info.path) for shape, _ in _statements(info))
        for path in self._files:
            notebook = self._core.program.modules.get(path)
            if notebook is None or notebook.role in _ASIDE:
                continue
            shared: dict[str, dict[tuple[object, ...], int]] = {}
            for shape, line in _statements(notebook):
                if shape in modules:
                    shared.setdefault(modules[shape], {}).setdefault(shape, line)
            for module, shapes in sorted(shared.items()):
                if len(shapes) >= SHARED:
                    line = min(shapes.values())
                    yield _use(Place(path, line, line), f"{len(shapes)} statements of {module}", "copy")

    def _artefacts(self) -> Iterator[NotebookUse]:
        """A trained model that is served, and saved in a notebook alone."""
        if not any(
            c.kind == "predict" and c.role is Role.SERVING and not _is_notebook(c.place.path) for c in self._core.calls
        ):
            return
        saves: list[NotebookUse] = []
        for name in ("dump", "save", "save_model", "log_model", "export"):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if self._is(call, unit, self._runners.savers):
                    if not _is_notebook(unit.module.path) and unit.module.role in _CODE:
                        return
                    if _is_notebook(unit.module.path) and unit.module.role not in _ASIDE:
                        saves.append(_use(unit.at(call), f"{last_name(call.function)}(...)", "artefact"))
        yield from saves

    def _exported(self) -> Iterator[NotebookUse]:
        """Serving modules that ask the notebook they came from for its shell."""
        for call, unit in self._core.program.calls_by_name.get("get_ipython", ()):
            above = unit.parents.get(call)
            if unit.module.role is not Role.SERVING or _is_notebook(unit.module.path) or not unit.is_module:
                continue
            if isinstance(above, code.Member) and above.name in _SHELL:
                yield _use(unit.at(call), f"get_ipython().{above.name}(...)", "exported")


def _use(place: Place, text: str, how: str) -> NotebookUse:
    return NotebookUse(place, text[:120], how)


def _is_notebook(path: str) -> bool:
    return path.endswith(".ipynb")


def _in_module(call: ModelCall) -> bool:
    return not _is_notebook(call.place.path) and call.role in _CODE


def _statements(info: ModuleInfo) -> Iterator[tuple[tuple[object, ...], int]]:
    """The simple statements of a module that are long enough to be told apart, each in a comparable shape."""
    for node in code.walk(info.code.body):
        if isinstance(node, code.Assign | code.Evaluate | code.Return | code.Assert | code.Raise):
            shape = tuple(_word(inner) for inner in code.walk(node))
            if len(shape) >= SIZE:
                yield shape, node.line


def _word(node: code.Node) -> object:
    match node:
        case code.Name(id=name):
            return name
        case code.Member(name=name):
            return f".{name}"
        case code.Constant(value=value):
            return ("constant", str(value))
        case code.Keyword(name=name):
            return f"{name}="
        case _:
            return type(node).__name__
