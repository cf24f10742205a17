"""Load tests: what they ask, and whether a run that is too slow fails (load-tested)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.extract.data import Located
from readiness.facts.core import Core
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.evals.load_tools import LoadScript, load_load_tools
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.routes import Routes
from readiness.facts.linking.units import ClassInfo, ModuleInfo, Unit, last_name
from readiness.facts.linking.values import Known, Text
from readiness.facts.place import Place
from readiness.repository.tree import Role

_ASIDE = frozenset({Role.VENDORED, Role.ARCHIVED})
_LITERAL = re.compile(r"""["'`>]([^"'`<>\n]{1,300})["'`<]""")
_HOST = re.compile(r"^(?:\w+://[^/]+|(?:\{\}|\$\{[^}]{0,200}\})+)(?=/)")
_SHELL = re.compile(r"\.(?:sh|bash)$|(?:^|/)(?:GNUm|m|M)akefile$|(?:^|/)justfile$")
_YAML = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class LoadTest:
    """One load test. `routes` are the routes to a model that it asks; `has_target`: a run that misses it fails."""

    place: Place
    text: str
    routes: tuple[str, ...] = ()
    has_target: bool = False

    @property
    def complete(self) -> bool:
        """Whether it asks a model and holds the answer's time or success to something."""
        return bool(self.routes) and self.has_target

    @property
    def missing(self) -> str:
        """What it lacks, in words."""
        lacks = [] if self.routes else ["asks no route that reaches a model"]
        if not self.has_target:
            lacks.append("has no threshold that a run could miss")
        return " and ".join(lacks)


def find_load_tests(core: Core, requests: Iterable[RequestEntry]) -> tuple[LoadTest, ...]:
    """Every load test of a linked program, by place."""
    entries = [r for r in requests if r.entry.kind in ("http", "websocket", "lambda")]
    found = _Finder(core, entries).find()
    return tuple(sorted(set(found), key=lambda t: (t.place, t.text)))


class _Finder:
    def __init__(self, core: Core, requests: list[RequestEntry]) -> None:
        self._core, self._requests, self._tools = core, requests, load_load_tools()
        self._known: list[list[str]] | None = None

    def find(self) -> Iterator[LoadTest]:
        yield from self._locust()
        sources, files = self._core.observations.sources, self._core.observations.files
        suffixes = tuple({s for script in self._tools.scripts for s in script.suffixes})
        for path, text in sources.items():
            if files[path].role in _ASIDE:
                continue
            if path.endswith(suffixes):
                yield from self._scripts(path, text)
            elif _SHELL.search(path):
                yield from self._shell(path, text)
        for path, documents in self._core.observations.documents.items():
            if path.endswith((*_YAML, ".json")) and files[path].role not in _ASIDE:
                for document in documents:
                    yield from self._artillery(path, document)
        for _, command in self._core.ci.commands:
            yield from self._command(command)

    # -- locust ------------------------------------------------------------------------------------------------

    def _locust(self) -> Iterator[LoadTest]:
        modules = [m for m in self._core.program.modules.values() if m.role not in _ASIDE and _imports(m, "locust")]
        if not modules:
            return
        optioned = any(
            command.program == "locust" and any(command.option(option) is not None for option in self._tools.options)
            for _, command in self._core.ci.commands
        )
        judged = optioned or any(self._sets_exit(m) for m in modules)
        for info in self._core.program.classes:
            if info.module in modules and any(
                b in self._tools.users for b in self._core.resolver.classes.bases(info)[1]
            ):
                yield self._user(info, judged)

    def _sets_exit(self, module: ModuleInfo) -> bool:
        units = [module.body, *module.body.nested.values()]
        return any(member.name == self._tools.exit for unit in units for member, _ in unit.members)

    def _user(self, info: ClassInfo, judged: bool) -> LoadTest:
        paths: list[str] = []
        timed = False
        for unit in info.methods.values():
            for call in unit.calls:
                if not isinstance(call.function, code.Member):
                    continue
                if call.function.name in self._tools.verbs and last_name(call.function.base) == "client":
                    paths.extend(self._paths(call, unit))
                timed = timed or (call.function.name == "failure" and _is_timed(call, unit))
        return LoadTest(info.place, f"Locust user {info.node.name}", self._reached(paths), judged or timed)

    def _paths(self, call: code.Call, unit: Unit) -> Iterator[str]:
        for argument in (*call.arguments[:2], *(k.value for k in call.keywords if k.name in ("url", "path"))):
            for value in self._core.resolver.values(argument, unit)[:4]:
                if isinstance(value, Known) and isinstance(value.value, str):
                    yield value.value
                elif isinstance(value, Text) and isinstance(value.template, code.Template):
                    yield "".join(str(p.value) if isinstance(p, code.Constant) else "{}" for p in value.template.parts)

    # -- other tools -------------------------------------------------------------------------------------------

    def _scripts(self, path: str, text: str) -> Iterator[LoadTest]:
        for script in self._tools.scripts:
            if path.endswith(script.suffixes) and (line := _marked(text, script)):
                target = any(word in text for word in script.targets)
                paths = [m.group(1) for m in _LITERAL.finditer(text[:200_000])]
                yield LoadTest(Place(path, line, line), f"{script.tool} script", self._reached(paths), target)
                return

    def _artillery(self, path: str, document: Located) -> Iterator[LoadTest]:
        config, scenarios = document.get("config"), document.get("scenarios")
        if config is None or scenarios is None or (config.get("target") is None and config.get("phases") is None):
            return
        asked = [value.value for _, value in scenarios.find("url") if isinstance(value.value, str)]
        target = config.get("ensure") or config.get("plugins", "ensure")
        place = Place(path, scenarios.line, scenarios.end_line)
        yield LoadTest(place, "Artillery scenario", self._reached(asked), target is not None)

    def _shell(self, path: str, text: str) -> Iterator[LoadTest]:
        words = {one[0] for one in (*self._tools.commands, *self._tools.servers)}
        for number, line in enumerate(text.split("\n"), start=1):
            if len(line) < 2_000 and not words.isdisjoint(re.split(r"[\s/@=]+", line)):
                for command in commands_in(line.strip().lstrip("@-"), path, number):
                    yield from self._command(command)

    def _command(self, command: Command) -> Iterator[LoadTest]:
        words = (command.program, *command.arguments)
        if any(words[: len(known)] == known for known in self._tools.servers):
            yield LoadTest(command.place, command.text[:120], ("the model server",))
            return
        is_asking = any("/" in word or "$" in word for word in words[1:])
        if is_asking and any(words[: len(known)] == known for known in self._tools.commands):
            yield LoadTest(command.place, command.text[:120], self._reached(words[1:]))

    # -- routes ------------------------------------------------------------------------------------------------

    def _reached(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The routes to a model that these addresses lead to."""
        if self._known is None:
            routes = Routes(self._core)
            full = {path for r in self._requests for path in routes.paths(r.entry)}
            self._known = [[part for part in path.split("/") if part] for path in sorted(full)]
        found: list[str] = []
        for path in paths:
            given = [p for p in _HOST.sub("", path.strip()).partition("?")[0].split("/") if p]
            for wanted in self._known if "/" in path or given else ():
                tail = given[-len(wanted) :] if wanted else given
                if len(tail) == len(wanted) and all(map(_same, tail, wanted)):
                    found.append("/" + "/".join(wanted))
        return tuple(dict.fromkeys(found))


def _same(given: str, wanted: str) -> bool:
    return given == wanted or wanted.startswith(("{", "<", ":")) or given == "{}" or given.startswith("${")


def _imports(module: ModuleInfo, package: str) -> bool:
    return any(i.module.partition(".")[0] == package for i in module.body.imports.values())


def _is_timed(call: code.Call, unit: Unit) -> bool:
    """Whether an answer is called a failure because of the time it took."""
    return any(
        isinstance(above, code.If)
        and any(isinstance(node, code.Member) and node.name == "elapsed" for node in code.walk(above.test))
        for above in unit.enclosing(call)
    )


def _marked(text: str, script: LoadScript) -> int:
    """The line of the text that tells the tool; 0 where there is none."""
    positions = [text.find(mark) for mark in script.marks if mark in text]
    return text.count("\n", 0, min(positions)) + 1 if positions else 0
