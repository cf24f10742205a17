"""The settings of one model call, merged: wrapped model, constructor, bound settings, call; later wins."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from readiness.extract import code
from readiness.facts.calls.arguments import Arguments
from readiness.facts.calls.model_calls import Limit, ModelCall, ModelId, Setting, Timeout
from readiness.facts.calls.module_settings import asks_module, module_settings
from readiness.facts.calls.options import Given
from readiness.facts.calls.own_models import OWN, named_by_class, own_model
from readiness.facts.calls.widget_defaults import shown
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import (
    External,
    Instance,
    Items,
    Known,
    Pipe,
    Step,
    Unknown,
    Value,
    Values,
    Variable,
)
from readiness.facts.packages.dependencies import Dependencies
from readiness.facts.sdks.knowledge import Knowledge
from readiness.facts.sdks.models import revision_kind
from readiness.facts.sdks.sdk import CallPattern, Client, Defaults, Knob, Sdk, configurable
from readiness.repository.tree import Role

MAX_CHOICES = 12
"""Models that one call can be given which are looked at."""

_BY_NAME = {"langgraph": "langchain.chat_models.init_chat_model"}
"""What builds the model of an agent that is given only a name (`create_agent("openai:gpt-5")`)."""

MAX_WRAPPING = 6
"""Models inside chains inside agents: deeper wrapping than this is not followed."""

_DEADLINES = {
    "asyncio.wait_for": "timeout", "asyncio.timeout": "delay", "anyio.fail_after": "delay",
    "anyio.move_on_after": "delay",
    "async_timeout.timeout": "timeout", "asyncio.wait": "timeout",
}  # fmt: skip
_METHOD_KNOBS = {
    "with_structured_output": ("schema", ("schema",)),
    "as_structured_llm": ("schema", ("output_cls",)),
    "bind_tools": ("tools", ("tools",)),
    "with_fallbacks": ("fallbacks", ("fallbacks",)),
    "with_retry": ("retries", ("stop_after_attempt",)),
}
_IN_OPTIONS = frozenset({"temperature", "top_p", "top_k", "seed", "output_cap"})
_SAMPLE_FILE = re.compile(r"(?:example|sample|template|dist)[^/]*$|(?:^|/)default\.[^/]*$", re.I)


class Knobs:
    """Fills in the settings of a `ModelCall` from the calls on the way to it."""

    def __init__(self, resolver: Resolver, knowledge: Knowledge, installed: Dependencies) -> None:
        self._resolver, self._knowledge, self._installed = resolver, knowledge, installed
        self._choice, self._choices = 0, 1
        self.arguments = Arguments(resolver)

    def fill(self, found: ModelCall, pattern: CallPattern | None, shared: External | None = None) -> None:
        """Set every setting of a call whose value, unit and call are known; no `pattern` for a lone constructor.

        `shared` is the model that holds where the call names none: the one configured for the whole process. Where the
        model inside it can be one of several, the call gets the others as variants.
        """
        self._choice, self._choices = 0, 1
        self._fill(found, pattern, shared)
        for choice in range(1, min(self._choices, MAX_CHOICES)):
            self._choice = choice
            other = replace(found, variants=[])
            self._fill(other, pattern, shared)
            found.variants.append(other)
        self._choice = 0

    def _fill(self, found: ModelCall, pattern: CallPattern | None, shared: External | None) -> None:
        settings: dict[str, Setting] = {}
        clients: list[tuple[Sdk, Client]] = []
        if shared is not None:
            self._merge(shared, settings, clients, 0)
        self._merge(found.value, settings, clients, 0)
        whole = pattern is not None and asks_module(found.value, pattern)
        if pattern is not None:
            for name, given in module_settings(found.value, pattern, self._resolver) if whole else ():
                settings[name] = self._setting(given, 1.0)
            for inner in pattern.inner:
                self._merge_inner(found.call, found.unit, inner, pattern.positional, settings, clients, 0)
            self._apply(settings, self._read_knobs(found, pattern), pattern.positional, found.call, found.unit)
        found.settings = settings
        found.offers = frozenset(
            n for knobs in (*(c.knobs for _, c in clients), pattern.knobs if pattern else {}) for n in knobs
        )
        defaults = [*(pattern.defaults if pattern else ()), *(d for _, c in reversed(clients) for d in c.defaults),
                    *found.sdk.defaults]  # fmt: skip
        distribution = next((c.distribution for _, c in reversed(clients) if c.distribution), found.sdk.distribution)
        built = not found.value.typed and (bool(clients) or not found.sdk.clients or whole)
        self._conclude(found, clients, defaults, distribution, built)
        if whole and found.sdk.endpoints and found.model.absent:  # an address can name the model as well
            found.model = ModelId(unresolved=True)

    def _read_knobs(self, found: ModelCall, pattern: CallPattern) -> dict[str, tuple[Knob, ...]]:
        """The knobs that an endpoint reads: Ollama's own API ignores sampling and caps at the top level of the body."""
        if not found.sdk.endpoints or found.sdk.provider != "ollama":
            return pattern.knobs
        url = self.arguments.find(found.call, found.unit, "url", pattern.positional)
        written = [v.value for v in url.values if isinstance(v, Known)] if url else []
        if url is not None and url.expression is not None:
            written += [n.value for n in code.walk(url.expression) if isinstance(n, code.Constant)]
        if any("/v1" in str(text) for text in written):
            return pattern.knobs
        return {
            name: tuple(k for k in places if name not in _IN_OPTIONS or ".options." in k.at)
            for name, places in pattern.knobs.items()
        }

    # -- merging -----------------------------------------------------------------------------------------------

    def _merge(
        self, value: External, settings: dict[str, Setting], clients: list[tuple[Sdk, Client]], depth: int
    ) -> None:
        if depth > MAX_WRAPPING:
            return
        current: tuple[Sdk, Client] | None = None
        for step in value.steps:
            known = self._knowledge.client(step.path) if step.method in ("", "partial") else None
            if known is not None and step.method:
                self._apply(settings, known[1].knobs, (), step.call, step.unit)
            elif known is not None:
                current = known
                clients.append(known)
                for inner in known[1].inner:
                    self._merge_inner(step.call, step.unit, inner, known[1].positional, settings, clients, depth)
                self._apply(settings, known[1].knobs, known[1].positional, step.call, step.unit)
                settings.update({"model": named_by_class(step)} if known[1].subclassed else {})
            elif step.method:
                self._modify(settings, step, current)

    def _merge_inner(
        self,
        call: code.Call,
        unit: Unit,
        name: str,
        positional: tuple[str, ...],
        settings: dict[str, Setting],
        clients: list[tuple[Sdk, Client]],
        depth: int,
    ) -> None:
        given = self.arguments.find(call, unit, name, positional)
        inner = list(dict.fromkeys(self._models_of(given.values))) if given else []
        names = [v for v in given.values if isinstance(v, Known) and isinstance(v.value, str)] if given else []
        if names and not inner and clients:
            by_name = self._knowledge.client(_BY_NAME.get(clients[-1][0].name, ""))
            clients.extend([by_name] if by_name is not None else [])
        # `model: Model | None = None`: the annotation only promises what the callers are seen to build.
        inner = [one for one in inner if not one.typed] or inner
        if inner:
            self._choices = max(self._choices, len(inner))
            self._merge(inner[self._choice if self._choice < len(inner) else 0], settings, clients, depth + 1)

    def _models_of(self, values: Values) -> Iterator[External]:
        """The models that one argument can be: one of each alternative, all of a pipe's model part."""
        for value in values:
            parts = value.parts if isinstance(value, Pipe) else ()
            of_pipe = [m for part in parts for inner in part for m in self.models_in(inner)]
            # Templates and parsers are parts of a pipe as well; what is built of an SDK is its model.
            built = [m for m in of_pipe if any(self._knowledge.client(s.path) for s in m.steps)]
            yield from built or of_pipe or itertools.islice(self.models_in(value), 1)

    def models_in(self, value: Value, depth: int = 0) -> Iterator[External]:
        """The external model or client inside a value: itself, a part of a pipe, an attribute of a project object."""
        match value:
            case External(steps=steps) if steps or value.typed:
                yield value
            case Instance() if (own := own_model(value, self._resolver, self._knowledge)) is not None:
                yield own
            case Pipe(parts) if depth < MAX_WRAPPING:
                for part in parts:
                    for inner in part:
                        yield from self.models_in(inner, depth + 1)
            case Items(literal=code.Sequence(items=items), unit=unit) if depth < MAX_WRAPPING:
                for item in items:
                    for inner in self._resolver.values(item, unit):
                        yield from self.models_in(inner, depth + 1)

    def _setting(self, given: Given, scale: float) -> Setting:
        values = shown(given.values, self._resolver)
        kept = tuple(v for v in values if not (isinstance(v, Known) and self._is_of_tests(v)))
        return _setting(replace(given, values=kept or (Unknown(),)) if values else given, scale)

    def _is_of_tests(self, value: Known) -> bool:
        """What a test gives is not what the service runs with (a test's own calls are no sites)."""
        module = self._resolver.program.modules.get(value.place[0])
        return module is not None and module.role is Role.TEST

    def _apply(
        self,
        settings: dict[str, Setting],
        knobs: dict[str, tuple[Knob, ...]],
        positional: tuple[str, ...],
        call: code.Call,
        unit: Unit,
    ) -> None:
        for name, places in knobs.items():
            for knob in places:
                given = self.arguments.find(call, unit, knob.at, positional)
                if given is None:
                    continue
                setting = self._setting(given, knob.scale)
                known = settings.get(name)
                if name == "model" and known is not None and not any(isinstance(v, str) for v in setting.values):
                    break  # the model is an object, and what it was built with is merged already
                if setting.unresolved and known is not None and (known.given or given.conditional):
                    continue
                if setting.none and given.conditional and known is not None:
                    continue
                settings[name] = setting
                if not setting.unresolved:  # another place of the same knob may be one that can be seen
                    break

    def _modify(self, settings: dict[str, Setting], step: Step, client: tuple[Sdk, Client] | None) -> None:
        special = _METHOD_KNOBS.get(step.method)
        if special is not None:
            name, positional = special
            given = self.arguments.find(step.call, step.unit, positional[0], positional)
            found = self._setting(given, 1.0) if given else Setting(given=True, place=step.unit.at(step.call))
            if name == "retries" and not found.given:
                found = Setting(given=True, value=3, place=step.unit.at(step.call))
            settings[name] = replace(found, given=True, unresolved=False, method=step.method)
            return
        if client is not None:
            first = ("config",) if step.method == "with_config" else ()
            knobs = configurable(client[1].knobs) if first else client[1].knobs
            self._apply(settings, knobs, first, step.call, step.unit)
            for pattern in client[0].calls[:1]:
                self._apply(settings, pattern.knobs, first, step.call, step.unit)

    # -- conclusions -------------------------------------------------------------------------------------------

    def _conclude(
        self,
        found: ModelCall,
        clients: list[tuple[Sdk, Client]],
        defaults: list[Defaults],
        distribution: str,
        built: bool,
    ) -> None:
        hold = [d for d in defaults if self._holds(d, d.distribution or distribution)]
        found.streams = _truth(found.setting("stream")) or found.streams
        found.timeout = self._timeout(found, hold, built)
        found.retries = self._limit(found.setting("retries"), hold, "retries")
        found.output_cap = self._limit(found.setting("output_cap"), hold, "output_cap", built)
        found.steps = self._limit(found.setting("steps"), hold, "steps")
        found.default_sampling = any(d.sampling for d in hold)
        found.model = self._model(found, clients, hold, built)

    def _holds(self, default: Defaults, distribution: str) -> bool:
        if not default.versions:
            return True
        return self._installed.version_of(distribution).admits(default.versions) is not False

    def _timeout(self, found: ModelCall, defaults: list[Defaults], built: bool) -> Timeout:
        setting = found.setting("timeout")
        deadline = self._deadline(found)
        if deadline is not None and not setting.given:
            return deadline
        if setting.given:
            seconds = _seconds(setting)
            return Timeout(True, seconds, False, seconds is None, setting.place)
        if setting.none:
            return Timeout(False, None, False, False, setting.place)
        if setting.unresolved or not built:
            return Timeout(unresolved=True, place=setting.place)
        for default in defaults:
            if "timeout" in default.known:
                chunks = default.chunk_timeout is not None and (found.streams or _truth(found.setting("streaming")))
                return Timeout(False, default.timeout, chunks and default.timeout is None)
        return Timeout(unresolved=True)

    def _deadline(self, found: ModelCall) -> Timeout | None:
        """A limit around the call: `asyncio.wait_for(call, 30)`, `async with asyncio.timeout(30)`."""
        for node in found.unit.enclosing(found.call):
            calls = [node] if isinstance(node, code.Call) else []
            if isinstance(node, code.With):
                calls = [c for c, _ in node.items if isinstance(c, code.Call)]
            for call in calls:
                for value in self._resolver.values(call.function, found.unit):
                    if not isinstance(value, External) or value.path not in _DEADLINES:
                        continue
                    name = _DEADLINES[value.path]
                    positional = ("aw", "timeout") if name == "timeout" and "wait" in value.path else (name,)
                    given = self.arguments.find(call, found.unit, name, positional)
                    if given is not None:
                        setting = self._setting(given, 1.0)
                        return Timeout(True, _seconds(setting), False, _seconds(setting) is None, found.unit.at(call))
        return None

    def _limit(self, setting: Setting, defaults: list[Defaults], name: str, built: bool = True) -> Limit:
        if setting.given:
            number = setting.value if isinstance(setting.value, int | float) else None
            return Limit(True, number, False, setting.conditional, setting.place)
        if setting.unresolved or (not built and setting.absent):
            return Limit(unresolved=True, place=setting.place)
        for default in defaults:
            if name in default.known:
                return Limit(False, getattr(default, name), place=setting.place)
        return Limit(place=setting.place)

    def _model(
        self, found: ModelCall, clients: list[tuple[Sdk, Client]], defaults: list[Defaults], built: bool
    ) -> ModelId:
        provider = next(
            (c.provider or s.provider for s, c in reversed(clients) if c.provider or s.provider), found.sdk.provider
        )
        setting = found.setting("model")
        if setting.given:
            ids = tuple(dict.fromkeys(str(v) for v in setting.values if isinstance(v, str) and v))
            if not ids:
                return ModelId(unresolved=True, place=setting.place)
            if setting.method == OWN:
                return ModelId(ids[0], own=True, place=setting.place)
            facts = tuple(self._knowledge.model(provider, i) for i in ids)
            sampled, revision = _is_sampled(setting), revision_kind(found.setting("revision").value)
            return ModelId(
                ids[0], facts[0], ids[1:], facts[1:], deployment=provider == "azure", sampled=sampled,
                revision=revision, place=setting.place,
            )  # fmt: skip
        if setting.unresolved or not built:
            return ModelId(unresolved=True, place=setting.place)
        for default in defaults:
            if "model" in default.known and default.model:
                return ModelId(default.model, self._knowledge.model(provider, default.model), absent=True)
        return ModelId(absent=True)


def _setting(given: Given, scale: float) -> Setting:
    values = [v for v in given.values if not isinstance(v, Unknown)]
    known = [v.value for v in values if isinstance(v, Known)]
    numbers = tuple(
        v * scale if isinstance(v, int | float) and not isinstance(v, bool) and scale != 1.0 else v for v in known
    )
    first = next((n for n in numbers if n is not None), None)
    solid = [v for v in values if not isinstance(v, Variable) and not (isinstance(v, Known) and v.value is None)]
    if solid:
        # None first is the default: the others hold only where somebody chose them.
        conditional = given.conditional or (isinstance(values[0], Known) and values[0].value is None)
        return Setting(True, False, False, conditional, first, numbers, given.place, tuple(solid), given.expression,
                       given.unit)  # fmt: skip
    if _is_required(given):
        return Setting(True, False, False, given.conditional, None, (), given.place, given.values, given.expression,
                       given.unit)  # fmt: skip
    if known and not any(isinstance(v, Variable) for v in values) and len(values) == len(given.values):
        return Setting(none=True, conditional=given.conditional, place=given.place)
    return Setting(unresolved=True, conditional=given.conditional, place=given.place, resolved=given.values,
                   expression=given.expression, unit=given.unit)  # fmt: skip


def _is_required(given: Given) -> bool:
    """Whether it is a parameter that every caller must give: bound on purpose, though with what is not seen."""
    name = given.expression
    parameter = given.unit.parameter(name.id) if isinstance(name, code.Name) and given.unit is not None else None
    return parameter is not None and parameter.default is None and parameter.kind != "options" and not given.values[1:]


def _is_sampled(setting: Setting) -> bool:
    """Whether the default comes from a file that is to be copied (`.env.example`, `default.configuration.json`)."""
    first = next((v for v in setting.resolved if isinstance(v, Known)), None)
    return first is not None and bool(_SAMPLE_FILE.search(first.place[0]))


def _seconds(setting: Setting) -> float | None:
    """The number of seconds a timeout setting says: a number, or the largest phase of an httpx.Timeout and its like."""
    if isinstance(setting.value, int | float) and not isinstance(setting.value, bool):
        return float(setting.value)
    for value in setting.resolved:
        call = value.steps[-1].call if isinstance(value, External) and value.steps else None
        if isinstance(value, Instance):
            call = value.call
        if call is not None:
            numbers = [a.value for a in (*call.arguments, *(k.value for k in call.keywords))
                       if isinstance(a, code.Constant) and isinstance(a.value, int | float)]  # fmt: skip
            if numbers:
                return float(max(numbers))
    return None


def _truth(setting: Setting) -> bool:
    return setting.given and bool(setting.value)
