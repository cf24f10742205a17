"""Finds the model calls of a program: invocations, agent runs, and constructors nobody is seen to use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from readiness.extract import code
from readiness.facts.calls.knobs import Knobs
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.graph import CallGraph
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, Unit, dotted, last_name
from readiness.facts.linking.values import External, Instance, Items, Known, Step, Text, Value
from readiness.facts.sdks.knowledge import Knowledge
from readiness.facts.sdks.sdk import CallKind, CallPattern, Sdk
from readiness.repository.tree import Role

MAX_VARIANTS = 48
"""Ways one site can be set up that are looked at."""

_LOADING = frozenset({"load_state_dict", "load_weights", "load_from_checkpoint", "load_checkpoint"})
_CLASSES = re.compile(r"class|label|categor|tags?$", re.I)
_LEARNING = frozenset({"backward", "zero_grad", "apply_gradients", "manual_backward"})

_ADMINISTRATION = re.compile(r":11434/api/(?:pull|push|tags|show|delete|create|copy|ps|version|blobs)\b")
"""Paths of Ollama by which models are fetched and listed, not asked."""


class CallSites:
    """All model calls, in every role, with their settings."""

    def __init__(
        self, program: Program, resolver: Resolver, graph: CallGraph, knowledge: Knowledge, knobs: Knobs
    ) -> None:
        self._program, self._resolver, self._graph = program, resolver, graph
        self._knowledge, self._knobs = knowledge, knobs
        self._made: dict[ModelCall, list[Step]] = {}
        """The calls that built what each model call uses."""

    def find(self, served: Iterable[ModelCall] = ()) -> list[ModelCall]:
        """Every model call by place; agents once per agent; lone constructors last.

        `served` are graphs that a platform runs; each is a site unless serving code is seen to run it as well.
        """
        found: list[ModelCall] = []
        for unit in self._program.units:
            for call in unit.calls:
                found.extend(self._invocations(call, unit))
        run = {self._identity(c) for c in found if c.is_agent and c.role is Role.SERVING}
        calls = [*(c for c in served if self._identity(c) not in run), *self._agents_once(found)]
        calls.extend(self._nodes(calls))
        used = {step.call for c in calls for v in (c, *c.variants) for step in self._made.get(v, ())}
        calls.extend(self._constructors(used))
        calls.extend(self._specified(calls))
        self._place_inside(calls)
        return sorted(_with_a_model(calls), key=lambda c: (c.place, c.name))

    def _steps(self, value: External) -> list[Step]:
        """Every call on the way to a value, those that built the models it wraps included; each once, in order."""
        found: dict[tuple[code.Call, str], Step] = {}
        waiting = [value]
        while waiting:
            for step in waiting.pop(0).steps:
                if (step.call, step.path) not in found:
                    found[step.call, step.path] = step
                    waiting.extend(self._wrapped(step))
        return list(found.values())

    def _wrapped(self, step: Step) -> list[External]:
        """The models that a constructor is given to wrap."""
        known = self._knowledge.client(step.path)
        if known is None:
            return []
        _, client = known
        given = [self._knobs.arguments.find(step.call, step.unit, name, client.positional) for name in client.inner]
        return [m for g in given if g is not None for value in g.values for m in self._knobs.models_in(value)]

    def _invocations(self, call: code.Call, unit: Unit) -> Iterator[ModelCall]:
        if not isinstance(call.function, code.Member | code.Name | code.Call | code.Index):
            return
        alternatives: list[tuple[External, Sdk, CallPattern]] = []
        for found in self._resolver.values(call.function, unit):
            value = self._network(found, unit) if isinstance(found, Instance) else found
            if isinstance(value, External):
                base, _, method = value.path.rpartition(".")
                if method and self._knowledge.is_modifier(base, method):
                    continue
                known = self._knowledge.call(value.path) or self._http(value, call, unit)
                if known is not None and not any(a[0] == value for a in alternatives):
                    alternatives.append((value, *known))
        if not alternatives:
            return
        agents = [a for a in alternatives if a[2].agent]
        agents = [a for a in agents if not a[0].typed] or agents
        plain = [a for a in alternatives if not a[2].agent]
        for alternative in agents[:MAX_VARIANTS]:
            yield self._call(call, unit, *alternative)
        if plain:
            plain.sort(key=lambda a: a[0].typed)
            calls = [self._call(call, unit, *a) for a in plain[:MAX_VARIANTS] if not a[0].typed or a is plain[0]]
            calls[0].variants.extend(calls[1:])
            yield calls[0]

    def _network(self, value: Instance, unit: Unit) -> External | None:
        """A network of the project's own that is called: its base class is known, and somewhere weights are loaded.

        Neither a step of its training nor a layer that another network runs is a prediction.
        """
        classes = self._resolver.classes
        paths = [f"{base}()" for base in classes.bases(value.info)[1] if self._knowledge.call(f"{base}()")]
        if not paths or not self._loads_weights or any(last_name(c.function) in _LEARNING for c in unit.calls):
            return None
        if unit.owner is not None and unit.name in ("forward", "call", "training_step", "validation_step"):
            return None
        step = Step(paths[0].removesuffix("()"), value.call, value.unit) if value.call and value.unit else None
        return External(paths[0], (step,) if step else ())

    @cached_property
    def _loads_weights(self) -> bool:
        """Whether some code loads the weights of a network: without that it only learns."""
        return any(
            last_name(c.function) in _LOADING
            for unit in self._program.units
            if unit.module.role is not Role.NOTEBOOK
            for c in unit.calls
        )

    def _http(self, value: External, call: code.Call, unit: Unit) -> tuple[Sdk, CallPattern] | None:
        known = self._knowledge.http_call(value.path)
        if known is None:
            return None
        sdk, pattern = known
        given = self._knobs.arguments.find(call, unit, "url", pattern.positional)
        texts = [self._visible(url) for url in given.values] if given else []
        for text in filter(None, texts):
            if _ADMINISTRATION.search(text):
                return None
            for endpoint in self._knowledge.endpoints(text):
                if not all(self._sends(call, unit, name) for name in endpoint.needs):
                    continue
                return replace(sdk, provider=endpoint.provider or sdk.provider), replace(pattern, kind=endpoint.kind)
        if not any(texts) and self._is_conversation(call, unit):
            return sdk, replace(pattern, kind="generate")
        return None

    def _sends(self, call: code.Call, unit: Unit, name: str) -> bool:
        """Whether the body of an HTTP call has this entry."""
        return any(self._knobs.arguments.find(call, unit, f"{body}.{name}") for body in ("json", "data", "content"))

    def _is_conversation(self, call: code.Call, unit: Unit) -> bool:
        """Whether an HTTP body is a list of messages with roles: to an address that cannot be seen, that is a model."""
        given = self._knobs.arguments.find(call, unit, "json.messages")
        for value in given.values if given else ():
            if isinstance(value, Items):
                for message in self._resolver.items_of(value):
                    if self._knobs.arguments.entry(message, "role") and self._knobs.arguments.entry(message, "content"):
                        return True
        return False

    def _visible(self, value: Value) -> str:
        """The text of a value as far as it is written in the repository."""
        match value:
            case Known(value=str() as text):
                return text
            case Text(code.Template(parts=parts), unit):
                return "".join(self._first_visible(part, unit) for part in parts)
            case Text(code.Operation(operands=operands), unit):
                return "".join(self._first_visible(operand, unit) for operand in operands)
            case External(path="urllib.parse.urljoin()", steps=(*_, step)):
                return "".join(self._first_visible(part, step.unit) for part in step.call.arguments[:2])
            case _:
                return ""

    def _first_visible(self, expression: code.Expression, unit: Unit) -> str:
        """The first of its alternatives that is written: of `base=None`, what the body puts in its place."""
        return next(filter(None, map(self._visible, self._resolver.values(expression, unit))), "")

    def _call(self, call: code.Call, unit: Unit, value: External, sdk: Sdk, pattern: CallPattern) -> ModelCall:
        kind = self._kind(call, unit, value, pattern)
        name = _short(value.path)
        text = f"{dotted(call.function) or name}(...)"
        found = ModelCall(unit.at(call), text, name, sdk, kind, unit.module.role, unit, call, value)
        found.is_agent, found.streams, found.needs_model = pattern.agent, pattern.streams, pattern.needs_model
        found.gives_message = pattern.gives_message
        built = next((s for s in value.steps if self._knowledge.client(s.path) and not s.method), None)
        found.constructor = built.unit.at(built.call) if built else None
        found.runs = [(call, unit)]
        found.is_chain = not pattern.agent and any(self._stores(s) for s in value.steps)
        inner = (self._knobs.arguments.find(call, unit, name, pattern.positional) for name in pattern.inner)
        models = (m for given in inner if given for v in given.values for m in self._knobs.models_in(v))
        self._made[found] = [*self._steps(value), *(s for m in models for s in self._steps(m))]
        made = [s for s in self._made[found] if not s.method and self._is_model(s)]
        found.constructors = tuple(dict.fromkeys(s.unit.at(s.call) for s in made))
        self._knobs.fill(found, pattern)
        return found

    def _kind(self, call: code.Call, unit: Unit, value: External, pattern: CallPattern) -> CallKind:
        if not pattern.kind_by:
            return "predict" if pattern.kind == "embed" and self._heads(unit) else pattern.kind
        for given in (
            self._knobs.arguments.find(call, unit, pattern.kind_by, pattern.positional),
            *(self._knobs.arguments.find(s.call, s.unit, pattern.kind_by, (pattern.kind_by,)) for s in value.steps),
        ):
            for option in given.values if given else ():
                if isinstance(option, Known) and isinstance(option.value, str):
                    return pattern.kind_for(option.value)
        return pattern.kind

    def _heads(self, unit: Unit) -> bool:
        """Whether a class puts a head that tells classes apart on an encoder: what it asks is no embedding."""
        if unit.owner is None or not any(b.startswith("torch.") for b in self._resolver.classes.bases(unit.owner)[1]):
            return False
        layers = [c for m in unit.owner.methods.values() for c in m.calls if last_name(c.function) == "Linear"]
        sizes = [k.value for c in layers for k in c.keywords if k.name == "out_features"]
        sizes += [c.arguments[1] for c in layers if len(c.arguments) > 1]
        return any(_CLASSES.search(last_name(s)) or (isinstance(s, code.Constant) and s.value in (1, 2)) for s in sizes)

    def _agents_once(self, found: list[ModelCall]) -> list[ModelCall]:
        """An agent is one site, however many lines run it, and so is an embedder behind a vector store."""
        calls: list[ModelCall] = []
        once: dict[object, ModelCall] = {}
        for call in self._without_promises(found):
            key: object = self._identity(call)
            if key is None:
                calls.append(call)
                continue
            if isinstance(key, Step):  # the embedder itself is the site, whatever line the store is used in
                call.place, key = key.unit.at(key.call), key.call
            known = once.setdefault((key, call.role is Role.SERVING), call)
            if known is call:
                calls.append(call)
            else:
                known.runs.extend(call.runs)
        return calls

    def _nodes(self, calls: list[ModelCall]) -> Iterator[ModelCall]:
        """Models that are a node of a graph themselves (`graph.add_node("agent", prompt | model)`): it calls them."""
        for agent in calls:
            if not agent.is_agent:
                continue
            given = dict.fromkeys(n for step in agent.value.steps for n in self._graph.nodes.get(step.call, ()))
            for call, unit in given:
                models = dict.fromkeys(
                    model
                    for argument in (*call.arguments, *(k.value for k in call.keywords))
                    for value in self._resolver.values(argument, unit)
                    for model in self._knobs.models_in(value)
                    if any(not s.method and self._is_model(s) for s in model.steps)
                )
                sites = [self._node(model, call, unit, agent) for model in list(models)[:MAX_VARIANTS]]
                if sites:
                    sites[0].variants.extend(sites[1:])
                    yield sites[0]

    def _node(self, model: External, call: code.Call, unit: Unit, agent: ModelCall) -> ModelCall:
        step = next(s for s in model.steps if not s.method and self._is_model(s))
        known = self._knowledge.client(step.path)
        sdk = known[0] if known is not None else agent.sdk
        name = _short(step.path)
        found = ModelCall(unit.at(call), f"{name}(...)", name, sdk, "generate", unit.module.role, unit, call, model,
                          constructor=step.unit.at(step.call))  # fmt: skip
        found.runs, found.inside = agent.runs, agent
        self._made[found] = self._steps(model)
        self._knobs.fill(found, None)
        return found

    def _without_promises(self, found: list[ModelCall]) -> list[ModelCall]:
        """An agent that only an annotation promises is left out where its module is seen to run a real one."""
        real = {c.unit.module for c in found if c.is_agent and not c.value.typed}
        return [c for c in found if not (c.is_agent and c.value.typed and c.unit.module in real)]

    def _identity(self, call: ModelCall) -> object | None:
        """What makes several lines one site: the agent's constructor, the embedder a store was given."""
        if call.is_agent:
            return call.value.steps[0].call if call.value.steps else call.call
        if call.kind == "embed" and any(self._stores(s) for s in call.value.steps):
            inner = [s for s in self._steps(call.value) if s.call is not call.call and not self._stores(s)]
            embedders = [s for s in inner if self._is_model(s)] or inner
            return embedders[0] if embedders else call.value.steps[0].call
        return None

    def _is_model(self, step: Step) -> bool:
        """Whether a step constructs a model: a client of a whole API can be used for anything."""
        known = self._knowledge.client(step.path)
        return known is not None and "model" in known[1].knobs

    def _stores(self, step: Step) -> bool:
        known = self._knowledge.client(step.path)
        return known is not None and bool(known[1].inner)

    def _constructors(self, used: set[code.Call]) -> Iterator[ModelCall]:
        """A model that is built and never seen to be called: its calls do not resolve, so it stands for them."""
        for unit in self._program.units:
            for call in unit.calls:
                if call in used:
                    continue
                for value in self._resolver.values(call, unit):
                    if not isinstance(value, External) or not value.steps or value.steps[-1].call is not call:
                        continue
                    known = self._knowledge.client(value.steps[-1].path)
                    if known is None or value.steps[-1].method:
                        continue
                    sdk, client = known
                    # A constructor alone tells that a model is meant only where it takes one: a client of a whole API
                    # can be used for anything, and HTTP by hand is a model call only where its address says so.
                    if sdk.endpoints or ("model" not in client.knobs and sdk.calls):
                        continue
                    name = _short(value.path.removesuffix("()"))
                    kind: CallKind = "generate" if client.generates else "embed"
                    place = unit.at(call)
                    text, role = f"{name}(...)", unit.module.role
                    found = ModelCall(place, text, name, sdk, kind, role, unit, call, value, constructor=place)
                    found.is_invocation = False
                    found.runs = [(call, unit)]
                    run = self._run_by_a_platform(value)
                    found.is_agent = run is not None
                    self._knobs.fill(found, run)
                    yield found
                    break

    def _run_by_a_platform(self, value: External) -> CallPattern | None:
        """How an agent is run that the code only builds: somebody else (a platform, a library) invokes it."""
        for verb in ("invoke", "run"):
            known = self._knowledge.call(f"{value.path}.{verb}")
            if known is not None and known[1].agent:
                return known[1]
        return None

    def _specified(self, calls: list[ModelCall]) -> Iterator[ModelCall]:
        """Constructors written as data whose class is the project's own wrapper around a model."""
        wrapping: dict[ClassInfo, ModelCall] = {}
        for known in calls:
            if known.generates and known.unit.owner is not None:
                wrapping.setdefault(known.unit.owner, known)
        for unit in self._program.units:
            for call in unit.specifications:
                for value in self._resolver.values(call, unit):
                    if isinstance(value, Instance):
                        family = (value.info, *self._resolver.classes.bases(value.info)[0])
                        inner = next((wrapping[c] for c in family if c in wrapping), None)
                        if inner is not None:
                            yield self._specification(call, unit, value.info, inner)

    def _specification(self, call: code.Call, unit: Unit, info: ClassInfo, inner: ModelCall) -> ModelCall:
        name = info.node.name
        return replace(inner, place=unit.at(call), text=f"{name}(...)", name=name, role=unit.module.role, unit=unit,
                       call=call, constructor=unit.at(call), runs=[(call, unit)], variants=[], is_invocation=False,
                       through=inner)  # fmt: skip

    def _place_inside(self, calls: list[ModelCall]) -> None:
        """Calls in the nodes of a graph belong to the site that runs the graph: the service's before a notebook's."""
        for agent in sorted(calls, key=lambda c: c.role is not Role.SERVING):
            if not agent.is_agent:
                continue
            nodes = {n for step in agent.value.steps for n in self._graph.registered.get(step.call, ())}
            inner_units = self._graph.reach(nodes)
            self._place_tools(agent, calls)
            for call in calls:
                if (
                    call is not agent
                    and call.inside is None
                    and call.unit in inner_units
                    and (agent.role is not Role.TEST or call.role is Role.TEST)
                    and not self._around(call, agent)
                ):
                    call.inside = agent

    def _place_tools(self, agent: ModelCall, calls: list[ModelCall]) -> None:
        """Agents that are only built, by what builds another one of their kind, are its tools: it runs them."""
        built_only = [c for c in calls if not c.is_invocation and c.inside is None and c.sdk is agent.sdk]
        lone = [c for c in built_only if self._stores_in(c)]
        if lone and agent.value.steps:
            builder = agent.value.steps[0].unit
            built = self._graph.reach([builder])
            for call in lone:
                if call.unit in built and call.unit is not builder and call.unit.function is not None:
                    call.inside = agent

    def _stores_in(self, call: ModelCall) -> bool:
        return any(self._stores(step) for step in call.value.steps)

    def _around(self, call: ModelCall, agent: ModelCall) -> bool:
        return call.is_agent and any(unit is call.unit for _, unit in agent.runs)


def _with_a_model(calls: list[ModelCall]) -> list[ModelCall]:
    """Without the graphs and pipelines of a repository that shows no model anywhere: they run ordinary code."""
    shown = any(c.generates and not c.needs_model and c.role is not Role.TEST for c in calls)
    return calls if shown else [c for c in calls if not c.needs_model]


def _short(path: str) -> str:
    """A path without its package: `openai.OpenAI().chat.completions.create` -> `chat.completions.create`."""
    _, found, tail = path.rpartition("().")
    return tail if found else path.rpartition(".")[2].removesuffix("()")
