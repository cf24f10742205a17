"""Ways back from a bad model, prompt or release: a value in the configuration, a release that still exists."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import CiStep, Trigger
from readiness.facts.delivery.containers import SIDE_CARS
from readiness.facts.delivery.image_points import is_pinned
from readiness.facts.delivery.rollback_knowledge import load_rollback
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Instance, Known, Value, Variable
from readiness.facts.place import Evidence, Place
from readiness.facts.prompts.prompts import Prompts
from readiness.repository.tree import Role

_NOTES = re.compile(r"^(?:changelog|release[-_]?notes|releases|history|changes)\.(?:md|rst)$", re.I)
_MODEL = re.compile(r"model|deployment|llm", re.I)
_VERSION = re.compile(r"^(?:#{1,3}[ \t]*|(?=[^\n]*\n[-=~]{3,}[ \t]*$))\[?(?:version[ \t]*|v)?\d+\.\d+", re.I | re.M)
"""A version as the title of a section: after signs of a title, or underlined."""
_CHOSEN = frozenset({"version", "tag", "image_tag", "image-tag", "ref", "release", "revision"})
_SHIPPING = frozenset({"Deployment", "StatefulSet", "Rollout", "Service", "Helm values"})


@dataclass(frozen=True, slots=True)
class Rollback:
    """Both ways back. `switches`: a model or prompt is another by a configured value; `releases`: an old one stays."""

    switches: tuple[Evidence, ...] = ()
    releases: tuple[Evidence, ...] = ()

    @property
    def both(self) -> tuple[Evidence, ...]:
        """Evidence of both, or nothing."""
        return (*self.switches, *self.releases) if self.switches and self.releases else ()


def find_rollback(core: Core, serving: list[ModelCall], prompts: Prompts) -> Rollback:
    """The ways back that a linked program and its delivery have."""
    finder = _Finder(core)
    switches = [*finder.models(serving), *finder.prompts(prompts)]
    return Rollback(_first(switches), _first(finder.releases()))


def _first(found: Iterator[Evidence] | list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(set(found), key=lambda e: (e.place, e.text)))[:8]


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._knowledge = core, load_rollback()

    # -- models and prompts ------------------------------------------------------------------------------------

    def models(self, serving: list[ModelCall]) -> Iterator[Evidence]:
        """Where the model of at least half of the calls is chosen; another embedding model needs another index."""
        calls = [c for c in serving if c.kind in ("generate", "predict", "transcribe", "speak")]
        found = {c: place for c in calls if (place := self._configured(c)) is not None}
        if len(found) * 2 >= len(calls):
            yield from (Evidence(place, f"the model of {c.text}"[:120]) for c, place in found.items())

    def _configured(self, call: ModelCall) -> Place | None:
        for one in (call.answered_by or call, *call.variants[:4]):
            for value in one.setting("model").resolved:
                place = self._outside(value, one) or self._built(value, one) or self._kept(value, one)
                if place is not None:
                    return place
            if (place := self._by_key(one)) is not None:
                return place
        for step in call.value.steps if call.kind == "predict" or call.sdk.in_process else ():
            named = [k.value for k in step.call.keywords if k.name and (k.name == "name" or k.name.startswith("model"))]
            for argument in (*step.call.arguments[:1], *named):
                for value in self._core.resolver.values(argument, step.unit)[:4]:
                    if (place := self._outside(value, call)) is not None:
                        return place
        return None

    def _built(self, value: Value, call: ModelCall) -> Place | None:
        """Where the model that an object stands for is named: `OpenAIResponsesModel(os.environ["DEPLOYMENT"])`."""
        for step in value.steps[:4] if isinstance(value, External) else ():
            named = [k.value for k in step.call.keywords if (k.name or "").startswith(("model", "deployment"))]
            for argument in (*named, *step.call.arguments[:1]):
                for inner in self._core.resolver.values(argument, step.unit)[:4]:
                    if (place := self._outside(inner, call)) is not None:
                        return place
        return None

    def _kept(self, value: Value, call: ModelCall) -> Place | None:
        """Where an object is made whose member names the model: `Context(chat_model=os.getenv("MODEL"))`.

        A framework hands the object on (`request.state.context.chat_model`), so only the member's name leads back.
        """
        if not isinstance(value, External) or not value.typed or value.path.endswith(")"):
            return None
        return next(
            (
                p
                for v in self._given.get(value.path.rpartition(".")[2], ())
                if (p := self._outside(v, call)) is not None
            ),
            None,
        )

    @cached_property
    def _given(self) -> dict[str, list[Value]]:
        """What objects of this repository's classes are given for members that name models."""
        found: dict[str, list[Value]] = defaultdict(list)
        for unit in self._core.serving_units():
            for call in unit.calls:
                named = [k for k in call.keywords if k.name is not None and _MODEL.search(k.name)]
                if named and any(isinstance(v, Instance) for v in self._core.resolver.values(call, unit)[:2]):
                    for keyword in named:
                        found[keyword.name or ""] += self._core.resolver.values(keyword.value, unit)[:4]
        return found

    def _by_key(self, call: ModelCall) -> Place | None:
        """Where a setting is the key by which one of several models is looked up: `get_model(settings.model)`."""
        setting = call.setting("model")
        if len(setting.resolved) < 2 or setting.unit is None or setting.unit.function is None:
            return None
        for asking, unit in self._core.program.calls_by_name.get(setting.unit.name, ())[:20]:
            for argument in (*asking.arguments, *(k.value for k in asking.keywords)):
                for node in code.walk(argument):
                    if isinstance(node, code.Member) and self._is_settings(node.base, unit):
                        return unit.at(asking)
        return None

    def _is_settings(self, expression: code.Expression, unit: Unit) -> bool:
        if not isinstance(expression, code.Name | code.Member):
            return False
        return any(
            isinstance(v, Instance)
            and any(base.endswith("BaseSettings") for base in self._core.resolver.classes.bases(v.info)[1])
            for v in self._core.resolver.values(expression, unit)[:3]
        )

    def _outside(self, value: Value, call: ModelCall) -> Place | None:
        """Where a value that stands outside the code is seen; None for one that only an edit of the code changes."""
        match value:
            case Variable():
                return call.place
            case Known(place=(path, line), variable=variable) if (
                variable or not path.endswith((".py", ".ipynb")) or (path, line) in self._settings
            ):
                return Place(path, line, line)
            case External(path, steps) if path in self._knowledge.readers or path.removesuffix("()") in (
                self._knowledge.readers
            ):
                return steps[-1].unit.at(steps[-1].call) if steps else call.place
            case _:
                return None

    @cached_property
    def _settings(self) -> frozenset[tuple[str, int]]:
        """Where settings classes write the defaults of their fields: the environment sets each of them."""
        classes = self._core.resolver.classes
        return frozenset(
            (unit.module.path, binding.value.line)
            for info in self._core.program.classes
            if any(base.endswith("BaseSettings") for base in classes.bases(info)[1])
            for bindings in info.attributes.values()
            for binding, unit in bindings
            if binding.value is not None and binding.annotation is not None
        )

    def prompts(self, prompts: Prompts) -> Iterator[Evidence]:
        """Prompts from settings or a registry, where the version in use is a label."""
        for part in prompts.parts:
            if part.origin in ("settings", "registry"):
                yield Evidence(part.place, f"a prompt from {part.origin}")
        for unit in self._core.started:
            for call in unit.calls:
                if isinstance(call.function, code.Member | code.Name) and any(
                    isinstance(v, External) and v.path in self._knowledge.registries
                    for v in self._core.resolver.values(call.function, unit)[:2]
                ):
                    yield Evidence(unit.at(call), "a prompt from a registry")

    # -- releases ----------------------------------------------------------------------------------------------

    def releases(self) -> Iterator[Evidence]:
        """Releases that stay available under a name of their own, and commands that go back to one."""
        metadata = {s.workflow for s in self._core.ci.steps if self._names_builds(s)}
        for step in self._core.ci.steps:
            if step.runs:
                yield from self._by_step(step, metadata)
        yield from self._manifests()
        yield from self._compose()
        yield from self._notes()

    def _names_builds(self, step: CiStep) -> bool:
        action = (step.uses or "").partition("@")[0]
        tags = " ".join(value for name, value in step.inputs if name in ("tags", "flavor"))
        return action == "docker/metadata-action" and self._knowledge.immutable.search(tags) is not None

    def _by_step(self, step: CiStep, metadata: set[str]) -> Iterator[Evidence]:
        action = (step.uses or "").partition("@")[0].lower()
        inputs = dict(step.inputs)
        if action == "docker/build-push-action" and inputs.get("push", "false") != "false":
            tags = inputs.get("tags", "")
            named = "outputs.tags" in tags and step.workflow in metadata
            if named or self._knowledge.immutable.search(tags):
                yield Evidence(step.place, "images are pushed under a tag of their own")
        releasing = bool(step.triggers & {Trigger.TAG, Trigger.RELEASE})
        chosen = Trigger.MANUAL in step.triggers and self._asks_for_version(step.workflow)
        if action in self._knowledge.actions and (releasing or chosen):
            yield Evidence(step.place, "a tag makes the release" if releasing else "the version to deploy is chosen")
        for command in step.commands:
            if self._knowledge.goes_back(command):
                yield Evidence(command.place, command.text[:120])
            elif self._knowledge.publishes(command):
                if self._knowledge.immutable.search(command.text):
                    yield Evidence(command.place, f"{command.text[:80]}: a tag of its own")
                elif releasing or chosen:
                    yield Evidence(step.place, "a tag makes the release" if releasing else "the version is chosen")

    def _asks_for_version(self, workflow: str) -> bool:
        document = self._core.observations.document(workflow)
        return document is not None and any(
            name in _CHOSEN for name, _ in document.items("on", "workflow_dispatch", "inputs")
        )

    def _manifests(self) -> Iterator[Evidence]:
        """Manifests that name one build; a strategy over a tag that moves has nothing to go back to."""
        for workload in self._core.deployment.workloads:
            image = workload.image
            own = workload.kind in _SHIPPING and image.name.rsplit("/", 1)[-1] not in SIDE_CARS
            if own and image.name and (image.tag or image.digest) and is_pinned(image):
                yield Evidence(workload.place, f"{image.text[:80]}: a tag of its own")

    def _compose(self) -> Iterator[Evidence]:
        """Compose files in which the tag of the service's image is a variable of the deployment."""
        for service in self._core.deployment.compose:
            document = self._core.observations.document(service.path)
            written = document.text("services", service.name, "image") if document is not None else None
            if service.is_local or written is None:
                continue
            name, _, tag = written.rpartition(":${")
            if name and "/" not in tag and name.rsplit("/", 1)[-1] not in SIDE_CARS:
                yield Evidence(service.place, f"{written[:80]}: the release is chosen when it starts")

    def _notes(self) -> Iterator[Evidence]:
        """Release notes of at least two versions, where the repository builds an image or a package."""
        observations = self._core.observations
        if not (observations.dockerfiles or "pyproject.toml" in observations.files):
            return
        for path, text in observations.sources.items():
            if _NOTES.match(path) and observations.files[path].role is Role.SERVING:
                versions = list(_VERSION.finditer(text[:100_000]))
                if len(versions) >= 2:
                    line = text.count("\n", 0, versions[0].start()) + 1
                    yield Evidence(Place(path, line, line), f"{len(versions)} versions in the release notes")
