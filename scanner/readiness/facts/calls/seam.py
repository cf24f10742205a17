"""Where models are built and named: in one thin module from the configuration, or all over the code.

check `llm-calls-behind-a-seam`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Evidence, Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk_files import Fields, read_yaml
from readiness.repository.tree import Role

_SETTINGS = re.compile(r"(^|[/_])(settings?|config(?:uration)?s?|constants?|conf)(_\w+)?(/|\.)", re.I)
"""Files that hold what can be configured, by their names."""


@cache
def load_gateways(file: Path | None = None) -> tuple[str, ...]:
    """The beginnings of the paths of what stands before every provider alike: `checks/knowledge/gateways.yaml`.

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "gateways.yaml"
    fields = Fields(path.name, "", read_yaml(path))
    fields.text("checked", None)
    fields.get("notes")
    found = fields.symbols("paths")
    fields.done()
    return found


@dataclass(frozen=True, slots=True)
class Seam:
    """How the generative models of serving code are reached.

    `asked`: the generative calls. `builders`: one piece of evidence for each module that builds clients or models, or
    calls a model without one; adapters with a common base count once. `literals`: the model ids that stand in the
    code where they are used. `modules`: how many modules serve at all. `gateway`: everything goes through a gateway
    for all providers.
    """

    asked: tuple[Evidence, ...]
    builders: tuple[Evidence, ...]
    literals: tuple[Evidence, ...]
    configured: tuple[Evidence, ...]
    modules: int
    gateway: bool

    @property
    def sites(self) -> int:
        """How many generative calls there are."""
        return len(self.asked)

    @property
    def gathered(self) -> bool:
        """Whether models are built in one place, or hardly more."""
        return self.gateway or len(self.builders) <= 2

    @property
    def named_by_settings(self) -> bool:
        """Whether the ids of models come from the configuration; one exception in ten or more is still an exception."""
        return len(self.literals) * 10 <= len(self.literals) + len(self.configured)

    @property
    def rare(self) -> bool:
        """Whether a project of some size builds models in less than a third of its modules."""
        return self.modules >= 20 and len(self.builders) * 10 <= self.modules * 3


def find_seam(core: Core, calls: Iterable[ModelCall]) -> Seam:
    """How the models of these generative calls are reached."""
    generative = list(calls)
    sites = [c for c in generative if _counts(c, generative)]
    building = list(_building(core, sites))
    builders: dict[object, Evidence] = {}
    for key, evidence in sorted(building, key=lambda one: one[1].place):
        builders.setdefault(key, evidence)
    literals: dict[Place, Evidence] = {}
    configured: dict[Place, Evidence] = {}
    for call in sites:
        _name(call, literals, configured)
    modules = sum(1 for m in core.program.modules.values() if m.role is Role.SERVING and m.code.body)
    gateway = bool(sites) and all(c.value.path.startswith(load_gateways()) for c in sites)
    return Seam(
        asked=tuple(Evidence(c.place, c.text) for c in sites),
        builders=tuple(builders.values()),
        literals=tuple(literals.values()),
        configured=tuple(configured.values()),
        modules=modules,
        gateway=gateway,
    )


def _counts(call: ModelCall, sites: list[ModelCall]) -> bool:
    """Whether a call is a site here: an agent that others hand over to is none beside the run that starts them."""
    if call.is_invocation:
        return True
    runs = any(pattern.agent for pattern in call.sdk.calls)
    return not call.is_agent and not (runs and any(c.is_invocation and c.sdk is call.sdk for c in sites))


def _building(core: Core, sites: list[ModelCall]) -> Iterator[tuple[object, Evidence]]:
    """Each place that builds a model or client, or asks without one, with what tells whether two are one."""
    embedding = {p for c in core.calls if not c.generates for p in (c.constructor, *c.constructors) if p is not None}
    lines = {unit.at(call): (call, unit) for unit in core.serving_units() for call in unit.calls}
    inner = [c for c in core.calls if c.inside is not None and c.generates]
    for call in sites:
        if call.through is not None:
            continue  # written as data: the wrapper that it names builds the model
        for one in (call, *call.variants, *(c for c in inner if c.inside is call)):
            places = list(one.constructors) or ([one.constructor] if one.constructor and not one.is_agent else [])
            for place in dict.fromkeys(p for p in places if p not in embedding and p in lines):
                made, unit = lines[place]
                if not _wraps(core, made, unit):
                    yield _key(core, unit), Evidence(place, f"builds what {one.name} asks")
            if not places and not one.value.typed and "()" not in one.value.path:
                yield _key(core, one.unit), Evidence(one.place, one.text)


def _wraps(core: Core, call: code.Call, unit: Unit) -> bool:
    """Whether a constructor only puts something around a model that is built elsewhere: a chain, an agent."""
    for value in core.resolver.values(call, unit):
        known = core.knowledge.client(value.steps[-1].path) if isinstance(value, External) and value.steps else None
        for name in known[1].inner if known is not None else ():
            given = core.arguments.find(call, unit, name, known[1].positional if known is not None else ())
            if given is not None and not all(isinstance(v, Known) for v in given.values):
                return True
    return False


def _key(core: Core, unit: Unit) -> object:
    """The base that the class of a unit shares with other adapters, or its module."""
    owner: ClassInfo | None = unit.owner
    outer = unit
    while owner is None and outer.parent is not None:
        outer = outer.parent
        owner = outer.owner
    if owner is None:
        return unit.module.path
    classes = core.resolver.classes
    for one in (owner, *classes.children(owner)):  # of a mixin, the base of what it is mixed into
        bases = [b for b in classes.bases(one)[0] if b is not owner]
        if bases:
            return bases[-1]
    return unit.module.path


def _name(call: ModelCall, literals: dict[Place, Evidence], configured: dict[Place, Evidence]) -> None:
    """Sort the model id of one call into those written where they are used, and those from the configuration."""
    setting = (call.answered_by or call).setting("model")
    place = setting.place or call.constructor or call.place
    if call.model.absent and not setting.given:
        if not call.is_agent:  # what an agent asks is its nodes' matter
            literals.setdefault(place, Evidence(place, f"{call.text} names no model"))
        return
    known = [v for v in setting.resolved if isinstance(v, Known) and isinstance(v.value, str)]
    written = known[0] if known and len(known) == len(setting.resolved) == 1 else None
    if written is None or written.variable or _is_configuration(written.place[0]):
        configured.setdefault(place, Evidence(place, "the model comes from the configuration"))
    else:
        literals.setdefault(place, Evidence(place, f"{written.value!r} stands in the code"))


def _is_configuration(path: str) -> bool:
    return not path.endswith(".py") or bool(_SETTINGS.search(path))
