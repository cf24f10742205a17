"""The model behind a gateway's alias, where its configuration (LiteLLM's `model_list`) is in the repository."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.extract.observations import Observations
from readiness.facts.calls.model_calls import ModelCall, ModelId
from readiness.facts.sdks.knowledge import Knowledge


def see_through_gateways(calls: Iterable[ModelCall], observations: Observations, knowledge: Knowledge) -> None:
    """Give every call that names an alias of a gateway the facts of the model behind it."""
    aliases = _aliases(observations)
    if not aliases:
        return
    for call in calls:
        for site in (call, *call.variants):
            _see_through(site.model, aliases, knowledge)


def _see_through(model: ModelId, aliases: dict[str, str], knowledge: Knowledge) -> None:
    if model.id is not None and (target := _target(model.id, aliases)):
        model.facts = knowledge.model(None, target)
    behind = [_target(option, aliases) for option in model.options]
    model.option_facts = tuple(
        knowledge.model(None, target) if target else facts
        for target, facts in zip(behind, model.option_facts, strict=True)
    )


def _target(model_id: str, aliases: dict[str, str]) -> str:
    """The model behind an alias, which clients may lead with the gateway's name (`litellm_proxy/assistant`)."""
    return aliases.get(model_id) or aliases.get(model_id.rpartition("/")[2], "")


def _aliases(observations: Observations) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(observations.documents):
        document = observations.document(path)
        models = document.get("model_list") if document is not None else None
        for entry in models.elements() if models is not None else ():
            name, settings = entry.text("model_name"), entry.get("litellm_params")
            target = settings.text("model") if settings is not None else None
            if name and target and "*" not in name:
                found.setdefault(name, target)
    return found
