"""Which prompt goes with which model: written down beside the prompt, and with every call that used it.

OpenTelemetry names the two `gen_ai.prompt.name` and `gen_ai.request.model`. A prompt whose only version is the commit
of the code around it cannot be told from the one before when an answer is looked at afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.extract.data import Located
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Instance, Items
from readiness.facts.place import Place
from readiness.facts.prompts.binding_knowledge import load_binding
from readiness.facts.prompts.prompts import Prompts
from readiness.facts.records.records import Records
from readiness.facts.records.written import Writes
from readiness.repository.tree import Role

_HEAD = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.S)
_HEAD_KEY = re.compile(r"^([A-Za-z_][\w-]{0,60})[ \t]*:[ \t]*(\S.*)?$", re.M)
_MENTIONS = re.compile(
    r"prompt[_.]?(?:version|id\b|hash|sha|digest|label|name|commit|revision|key)|template_version|langfuse_prompt|prompt(?:Version|Id|Hash|Name)|gen_ai\.prompt"
)
MAX_MODULES = 200


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a prompt to a model: `text` says how."""

    place: Place
    text: str
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class PromptBinding:
    """Where prompts are bound to models: `stored` beside their text, `recorded` with the calls, `released` by a tag."""

    stored: tuple[Binding, ...] = ()
    recorded: tuple[Binding, ...] = ()
    released: tuple[Binding, ...] = ()

    @property
    def recorded_at_runtime(self) -> list[Binding]:
        """Those records that an entry point reaches."""
        return [b for b in self.recorded if b.reachable]


def find_prompt_binding(core: Core, prompts: Prompts, records: Records) -> PromptBinding:
    """Every binding in serving code, and in the files of its prompts."""
    finder = _Finder(core, prompts)
    released = list(finder.released()) if any(t.traced or t.own_record for t in records.tracings) else []
    return PromptBinding(_once(finder.stored()), _once(finder.recorded()), _once(released))


def _once(found: Iterator[Binding] | list[Binding]) -> tuple[Binding, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda b: b.place))


class _Finder:
    def __init__(self, core: Core, prompts: Prompts) -> None:
        self._core, self._prompts, self._known = core, prompts, load_binding()

    # -- beside the text ---------------------------------------------------------------------------------------

    def stored(self) -> Iterator[Binding]:
        """Prompt files and mappings that name version and model, and registry prompts that are pinned."""
        for path in dict.fromkeys(p.place.path for p in self._prompts.parts if p.origin in ("file", "settings")):
            text = self._core.observations.sources.get(path, "")
            document = self._core.observations.document(path)
            if document is not None:
                yield from self._mapping(path, document)
            elif (head := _HEAD.match(text)) is not None:
                keys = {key.lower() for key, value in _HEAD_KEY.findall(head.group(1)) if value}
                if keys & self._known.version_keys and keys & self._known.model_keys:
                    yield Binding(Place(path, 1, head.group(0).count("\n") + 1), "its head names version and model")
        registry = {p.place for p in self._prompts.parts if p.origin == "registry"}
        homes = {p.place.path for p in self._prompts.parts if p.origin in ("inline", "module", "registry")}
        for unit in self._core.serving_units():
            if unit.module.path in homes:
                yield from self._in_code(unit, registry)

    def _mapping(self, path: str, document: Located) -> Iterator[Binding]:
        """A prompt in YAML, TOML or JSON whose keys, or those around it, name version and model."""
        for _, inner in document.walk():
            if isinstance(inner.value, dict) and self._is_bound({key.lower() for key in inner.value}):
                yield Binding(Place(path, inner.line, inner.end_line), "its file names version and model")
                return

    def _is_bound(self, keys: set[str]) -> bool:
        known = self._known
        return bool(keys & known.version_keys and keys & known.model_keys and keys & known.text_keys)

    def _in_code(self, unit: Unit, registry: set[Place]) -> Iterator[Binding]:
        for call in unit.calls:
            names = {k.name for k in call.keywords if k.name}
            if unit.at(call) in registry:
                if names & self._known.pins or _is_tagged(call):
                    yield Binding(unit.at(call), "a pinned version of a registry's prompt")
            elif self._is_bound({n.lower() for n in names}) and "messages" not in names:
                yield Binding(unit.at(call), "a prompt with version and model")
        for bindings in unit.bindings.values():
            for binding in bindings:
                if isinstance(binding.value, code.Mapping):
                    for node in code.walk(binding.value):
                        if isinstance(node, code.Mapping) and self._is_bound(_keys(node)):
                            yield Binding(unit.at(node), "a prompt with version and model")

    # -- with the call -----------------------------------------------------------------------------------------

    def recorded(self) -> Iterator[Binding]:
        """Records, spans and log lines that say both; only code that names a prompt's version is looked at."""
        writes = Writes(self._core)
        mentioning = {
            module
            for module in self._core.program.modules.values()
            if module.role is Role.SERVING and _MENTIONS.search(self._core.observations.sources.get(module.path, ""))
        }
        for unit in self._core.serving_units() if len(mentioning) <= MAX_MODULES else ():
            if unit.module not in mentioning or unit.is_module:
                continue
            reachable = unit in self._core.started
            kept = {w.place: {n for n, given in w.fields.items() if given[0] is not None} for w in writes.of(unit)}
            for place, names in kept.items():
                if self._known.binds(names):
                    yield Binding(place, "a record of prompt and model", reachable)
            yield from self._lines(unit, writes, reachable)

    def _lines(self, unit: Unit, writes: Writes, reachable: bool) -> Iterator[Binding]:
        told: dict[str, Place] = {}
        for call in unit.calls:
            name = last_name(call.function)
            if name in self._known.recording_methods:
                names = self._names(call, unit)
                told.update((n, unit.at(call)) for n in names)
                if self._known.binds(names) or self._links(call, unit):
                    yield Binding(unit.at(call), "a record of prompt and model", reachable)
            elif self._known.binds({k.name for k in call.keywords if k.name}) and any(
                isinstance(v, Instance) and v.call is call and writes.is_table(v.info)
                for v in self._core.resolver.values(call, unit)
            ):
                yield Binding(unit.at(call), "a row with prompt and model", reachable)
        attributes = {n for n in told if "." in n or n.startswith("prompt")}
        if self._known.binds(set(told)) and any(self._known.prompt_fields.fullmatch(n) for n in attributes):
            place = next(p for n, p in told.items() if self._known.prompt_fields.fullmatch(n))
            yield Binding(place, "a record of prompt and model", reachable)

    def _names(self, call: code.Call, unit: Unit) -> set[str]:
        """The names of what a call is told: keywords, keys of mappings, the name of a single attribute."""
        names = {k.name for k in call.keywords if k.name}
        first = call.arguments[0] if call.arguments else None
        if isinstance(first, code.Constant) and isinstance(first.value, str) and len(call.arguments) == 2:
            names.add(first.value)
        for given in (*call.arguments, *(k.value for k in call.keywords)):
            for value in self._core.resolver.values(given, unit)[:2]:
                if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                    names |= _keys(value.literal)
        return names

    def _links(self, call: code.Call, unit: Unit) -> bool:
        """Whether a registry's prompt is handed to the generation that the same vendor records."""
        return call.keyword(self._known.linked_argument) is not None and any(
            isinstance(v, External) and self._known.linked.fullmatch(v.path)
            for v in self._core.resolver.values(call.function, unit)
        )

    def released(self) -> Iterator[Binding]:
        """The release of the service, told to what traces its calls."""
        for unit in self._core.serving_units():
            for call in unit.calls:
                names = {k.name for k in call.keywords if k.name}
                if not any(names & set(arguments) for _, arguments in self._known.releases):
                    continue
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and any(
                        symbols.fullmatch(value.path) and names & set(arguments)
                        for symbols, arguments in self._known.releases
                    ):
                        yield Binding(unit.at(call), "the release, told to the trace", unit in self._core.started)


def _keys(mapping: code.Mapping) -> set[str]:
    return {k.value for k, _ in mapping.items if isinstance(k, code.Constant) and isinstance(k.value, str)}


def _is_tagged(call: code.Call) -> bool:
    """`pull("team/answer:3f2a")`: the version stands in the name."""
    first = call.arguments[0] if call.arguments else None
    return isinstance(first, code.Constant) and bool(re.search(r"[\w-]:[\w.-]+$|/\d+$|@[\w.-]+$", str(first.value)))
