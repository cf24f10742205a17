"""Models that come into the process from files, hubs and registries, and what they may do (safe-model-loading)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.artefact_knowledge import ArtefactKnowledge, load_artefacts
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known, Text
from readiness.facts.place import Place
from readiness.repository.tree import Role

Form = Literal["runs-code", "plain", "hub", "registry"]
Origin = Literal["repository", "outside"]

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64}")
_VERSION = re.compile(r"models:/[^/]+/\d+|runs:/\w+/.+|models:/m-\w+")
_LOCAL = re.compile(
    r"^(?:\.{0,2}/|~|[A-Za-z]:\\|file:)|\.(?:gguf|onnx|safetensors|bin|pt|pth|keras|h5|joblib|pkl|ubj|cbm)$"
)
_FILE = re.compile(r"\.(?:pkl|pickle|joblib|dill|pt|pth|sav|model|bin|faiss)$", re.I)
_SCRIPTS = re.compile(r"(^|/)(?:[^/]*dockerfile[^/]*|containerfile|makefile|justfile|procfile)$|\.(?:sh|ya?ml)$", re.I)
_CACHE = re.compile(r"cache|cookie|session|state|history|queue|progress|resume", re.I)


@dataclass(slots=True, eq=False)
class Artefact:
    """One place where a model, or an index that is pickled, is loaded.

    `form`: the file may run code ("runs-code"), holds numbers only ("plain"), is asked for by name ("hub") or comes
    from a model registry. `pinned`: it is one commit, digest or registry version. `remote_code`: code that comes with
    the weights is run. `origin`: whether this repository holds or makes the file.
    """

    place: Place
    text: str
    form: Form
    pinned: bool
    remote_code: bool
    origin: Origin
    reachable: bool = True


def find_artefacts(core: Core) -> list[Artefact]:
    """Every model that serving code, its images or its scripts load or fetch."""
    finder = _Finder(core, load_artefacts())
    found = [*finder.of_calls(), *finder.of_commands()]
    return sorted(found, key=lambda artefact: artefact.place)


class _Finder:
    """Looks at the calls whose names may load a model."""

    def __init__(self, core: Core, knowledge: ArtefactKnowledge) -> None:
        self._core, self._knowledge = core, knowledge
        self._makes: bool | None = None
        self._loaded = Nearby(core).loaded
        self._predicted = {step.call for call in core.calls for step in call.value.steps}
        self._tracked = {path.rpartition("/")[2] for path in core.observations.files} | {
            path.rpartition("/")[2] for path in core.repository.others
        }

    def of_calls(self) -> Iterator[Artefact]:
        """Loads in serving code."""
        for name in sorted(self._knowledge.last_names & self._core.program.calls_by_name.keys()):
            for call, unit in self._core.program.calls_by_name[name]:
                if unit.module.role is not Role.SERVING:
                    continue
                for value in self._core.resolver.values(call.function, unit):
                    found = self._of(value.path, call, unit) if isinstance(value, External) else None
                    if found is not None:
                        yield found
                        break

    def of_commands(self) -> Iterator[Artefact]:
        """Weights that an image or a script fetches."""
        for path, text in self._core.observations.sources.items():
            role = self._core.observations.files[path].role
            if role not in (Role.SERVING, Role.SCRIPT) or not _SCRIPTS.search(path) or path.startswith(".github/"):
                continue
            for command in self._knowledge.commands:
                for match in command.pattern.finditer(text):
                    start = text.rfind("\n", 0, match.start()) + 1
                    if text[start : match.start()].lstrip().startswith(("#", "echo", "//")):
                        continue
                    line = text.count("\n", 0, match.start()) + 1
                    rest = match[2] if match.lastindex and match.lastindex > 1 else match[1]
                    yield Artefact(Place(path, line, line), f"{command.what} {match[1]}", "hub",
                                   _COMMIT.search(rest or "") is not None, False, "outside")  # fmt: skip

    def _of(self, path: str, call: code.Call, unit: Unit) -> Artefact | None:
        known = self._knowledge
        if path in known.pickles:
            return self._pickle(path, call, unit)
        if path in known.pickled_texts and call in self._predicted:
            return self._made(call, unit, path, "runs-code", origin=self._origin(call, unit))
        if path in known.code_hubs:
            local = any(k.name == "source" and _text(k.value) == "local" for k in call.keywords)
            name = str(self._name(call, unit) or "")
            pinned = _COMMIT.search(name) is not None
            return None if local else self._made(call, unit, path, "hub", pinned=pinned, remote=True)
        if path in known.registry:
            version = self._name(call, unit)
            pinned = isinstance(version, str) and _VERSION.match(version) is not None
            return self._made(call, unit, path, "registry", pinned=pinned)
        if path in known.plain:
            return self._made(call, unit, path, "plain", origin="repository")
        return self._by_name(path, call, unit) if path in known.hub else None

    def _pickle(self, path: str, call: code.Call, unit: Unit) -> Artefact | None:
        if path in self._knowledge.harmless_symbol:
            given = call.keyword(self._knowledge.harmless_keyword)
            if isinstance(given, code.Constant):
                harmless = given.value is True
            else:
                installed = self._core.dependencies.version_of(self._knowledge.harmless_distribution)
                harmless = installed.declared and installed.admits(self._knowledge.harmless_since) is True
            if harmless:
                return self._made(call, unit, path, "plain", origin="repository")
        if path in self._knowledge.consent_symbol:
            given = call.keyword(self._knowledge.consent_keyword)
            if given is None or (isinstance(given, code.Constant) and given.value is not True):
                return self._made(call, unit, path, "plain", origin="repository")
        elif path.startswith(("pickle", "cPickle", "dill", "cloudpickle")) and self._is_cache(call, unit):
            return None
        return self._made(call, unit, path, "runs-code", origin=self._origin(call, unit))

    def _by_name(self, path: str, call: code.Call, unit: Unit) -> Artefact | None:
        owner = path.rpartition(".")[0].rpartition(".")[2]
        remote = self._runs_remote_code(call, unit)
        if owner.endswith(tuple(self._knowledge.no_weights)) and not remote:
            return None
        name = self._name(call, unit)
        pinned = any(_COMMIT.fullmatch(r) for r in self._revisions(call, unit))
        local = isinstance(name, str) and (_LOCAL.search(name) is not None or self._is_folder(name))
        offline = any(k.name == "local_files_only" and _is_true(k.value) for k in call.keywords)
        form: Form = "plain" if local or offline else "hub"
        return self._made(call, unit, path, form, pinned, remote, "repository" if local or offline else "outside")

    def _made(
        self, call: code.Call, unit: Unit, path: str, form: Form, pinned: bool = False, remote: bool = False,
        origin: Origin = "outside",
    ) -> Artefact:  # fmt: skip
        reachable = unit.is_module or unit in self._loaded
        name = path.rpartition(".")[2]
        owner = path.rpartition(".")[0].rpartition(".")[2]
        return Artefact(unit.at(call), f"{owner}.{name}" if owner else name, form, pinned, remote, origin, reachable)

    def _name(self, call: code.Call, unit: Unit) -> object:
        """What is loaded, where it is written down."""
        given = next((k.value for k in call.keywords if k.name in self._knowledge.names), None)
        if given is None and call.arguments:
            given = call.arguments[1 if last_name(call.function) == "pipeline" and len(call.arguments) > 1 else 0]
        if given is None:
            return None
        for value in self._core.resolver.values(given, unit):
            if isinstance(value, Known):
                return value.value
            if isinstance(value, Text):
                return "./" if isinstance(value.template, code.Operation) else None
        return None

    def _is_folder(self, name: str) -> bool:
        return any(f.path.startswith(f"{name.strip('/')}/") for f in self._core.repository.files) if name else False

    def _revisions(self, call: code.Call, unit: Unit) -> Iterator[str]:
        for keyword in self._keywords(call, unit):
            if keyword[0] in self._knowledge.revisions:
                value = self._core.resolver.constant(keyword[1], keyword[2])
                if isinstance(value, str):
                    yield value

    def _runs_remote_code(self, call: code.Call, unit: Unit) -> bool:
        return any(
            name in self._knowledge.remote_code and self._core.resolver.constant(value, owner) is True
            for name, value, owner in self._keywords(call, unit)
        )

    def _keywords(self, call: code.Call, unit: Unit) -> Iterator[tuple[str, code.Expression, Unit]]:
        """The keywords of a call, and those in the mappings it is given (`model_kwargs={"revision": …}`)."""
        for keyword in call.keywords:
            if keyword.name is not None:
                yield keyword.name, keyword.value, unit
            if keyword.name is None or keyword.name.endswith(("kwargs", "args", "options")):
                for value in self._core.resolver.values(keyword.value, unit):
                    if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                        for key, inner in value.literal.items:
                            if isinstance(key, code.Constant) and isinstance(key.value, str):
                                yield key.value, inner, value.unit

    def _origin(self, call: code.Call, unit: Unit) -> Origin:
        """Whether the repository holds the file, or has code that writes such files; fetched ones are from outside."""
        around = [unit, *(e.unit for e in self._core.graph.edges.get(unit, ()))]
        fetched = any(last_name(c.function) in self._knowledge.fetchers for u in around for c in u.calls)
        if self._is_tracked(call, unit):
            return "repository"
        return "repository" if self._is_made() and not fetched else "outside"

    def _is_tracked(self, call: code.Call, unit: Unit) -> bool:
        given = [*call.arguments[:1], *(k.value for k in call.keywords)]
        names = {v for a in given for v in self._texts(a, unit, 0)}
        files = [name.rpartition("/")[2] for name in names if _FILE.search(name)]
        if not files:  # the path comes from the environment: a model that is in the tree is the one it is meant for
            return any(_FILE.search(name) for name in self._tracked)
        return any(name in self._tracked for name in files)

    def _texts(self, expression: code.Expression, unit: Unit, depth: int) -> Iterator[str]:
        """The texts a path is put together from."""
        if depth > 3:
            return
        for node in code.walk(expression):
            if isinstance(node, code.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, code.Name | code.Member):
                for value in self._core.resolver.values(node, unit):
                    if isinstance(value, Known) and isinstance(value.value, str):
                        yield value.value
                    elif isinstance(value, Text):
                        yield from self._texts(value.template, value.unit, depth + 1)
                    elif isinstance(value, External):
                        for step in value.steps:
                            for argument in step.call.arguments:
                                yield from self._texts(argument, step.unit, depth + 1)

    def _is_made(self) -> bool:
        """Whether some code of the repository, a notebook or script too, writes models to files."""
        if self._makes is None:
            self._makes = any(
                unit.module.role not in (Role.TEST, Role.VENDORED)
                for name in self._knowledge.writers
                for call, unit in self._core.program.calls_by_name.get(name, ())
                if name not in ("save", "dump") or _writes_models(call, unit)
            )
        return self._makes

    def _is_cache(self, call: code.Call, unit: Unit) -> bool:
        """Whether a pickle is the program's own notebook: it is called a cache, and nothing is predicted with it."""
        if call in self._predicted:
            return False
        written = " ".join([unit.name, unit.owner.node.name if unit.owner else "", *self._texts_of(call, unit)])
        return _CACHE.search(written) is not None

    def _texts_of(self, call: code.Call, unit: Unit) -> list[str]:
        return [t for a in call.arguments[:1] for t in self._texts(a, unit, 0)]


def _writes_models(call: code.Call, unit: Unit) -> bool:
    """`joblib.dump`, `pickle.dump`, `torch.save`: not `json.dump`, not an ORM's `save`."""
    base = call.function.base if isinstance(call.function, code.Member) else None
    name = last_name(base) if base is not None else last_name(call.function)
    if base is None:
        statement = unit.module.body.imports.get(name) or unit.imports.get(name)
        name = statement.module.partition(".")[0] if statement is not None else ""
    return name in ("joblib", "pickle", "cPickle", "dill", "cloudpickle", "torch")


def _text(expression: code.Expression) -> object:
    return expression.value if isinstance(expression, code.Constant) else None


def _is_true(expression: code.Expression) -> bool:
    return isinstance(expression, code.Constant) and expression.value is True
