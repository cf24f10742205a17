"""How long the models that serving code asks will still answer: the vendors' announced days, in a dated table.

An id that the table does not name tells nothing. Weights that the team runs itself, and models that the repository
implements, cannot be taken away by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from readiness.facts.calls.model_calls import ModelCall, ModelId
from readiness.facts.core import Core
from readiness.facts.place import Place
from readiness.facts.sdks.models import ModelFacts
from readiness.repository.tree import Role


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The models that one site can ask, and how long they live, seen from the day that is judged.

    `id` is the default. `known`: the table says what becomes of it. `days` are left until it is shut down (0 or fewer:
    it is gone); None where nothing is announced. `gone` are the other selectable ids that no longer answer.
    `unresolved`: which model it is cannot be seen.
    """

    place: Place
    text: str
    name: str
    reachable: bool
    id: str
    known: bool
    unresolved: bool
    ended: bool
    days: int | None
    retires: date | None
    gone: tuple[str, ...]


def find_model_uses(core: Core, calls: Iterable[ModelCall], as_of: date | None) -> list[ModelUse]:
    """The model of each site that somebody else serves.

    Where there is no day to judge on, that of the table counts. A call that writes no text (an embedding, speech) is
    listed only where its model is gone.
    """
    day = as_of or core.knowledge.models.day
    uses = (_use(call, day) for call in calls if call.role is Role.SERVING and call.remote and not _is_own(call.model))
    return [use for use in uses if use is not None]


def _is_own(model: ModelId) -> bool:
    """Whether nobody else can take the model away."""
    return model.own or (model.facts is not None and model.facts.open_weights)


def _use(call: ModelCall, day: date) -> ModelUse | None:
    model = call.model
    facts = None if model.deployment else model.facts
    ended = facts is not None and facts.ended(day)
    gone = tuple(dict.fromkeys(i for i, other in _others(call) if other is not None and other.ended(day)))
    if not call.generates and not ended and not gone:
        return None
    known = facts is not None and (facts.listed or ended or not call.generates)
    retires = facts.retires if facts is not None and not facts.rolling else None
    return ModelUse(
        call.place, call.text, call.name, call.reachable, model.id or "", known,
        model.unresolved or (model.absent and model.id is None), ended, (retires - day).days if retires else None,
        retires, gone,
    )  # fmt: skip


def _others(call: ModelCall) -> Iterator[tuple[str, ModelFacts | None]]:
    """The ids that can be chosen instead of the default: of the call itself, and of the other ways it can be set up."""
    for site in (call, *call.variants):
        if site.model.deployment:
            continue
        if site is not call and site.model.id is not None:
            yield site.model.id, site.model.facts
        yield from zip(site.model.options, site.model.option_facts, strict=True)
