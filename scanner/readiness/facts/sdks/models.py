"""What is known of model ids: pinned or alias, retired when, which controls they accept. A dated table, with rules.

An unlisted id that no rule speaks of is not guessed at: the answer is None, and a check says *unknown*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, cast

from readiness.facts.sdks.sdk import CALL_KINDS, CallKind, KnowledgeError
from readiness.facts.sdks.sdk_files import Fields, read_yaml

Pinning = Literal["pinned", "alias", "tag", "unknown"]
_PINNINGS = ("pinned", "alias", "tag", "unknown")
_MAX_ID = 300
_GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model at one provider.

    `pinning`: "pinned" never changes, "alias" is moved by the provider, "tag" is explicit but can be moved. `newest` is
    the newest snapshot an alias stands for. `retires` is the announced day of shutdown; `retired` is true for an id
    that is gone, whatever its day. `rolling` is an alias that always points at a living model and so is never
    retired. `max_output` is in tokens. None is "not known" everywhere.
    """

    provider: str
    id: str
    pinning: Pinning = "unknown"
    newest: str | None = None
    retires: date | None = None
    retired: bool = False
    rolling: bool = False
    accepts_sampling: bool | None = None
    has_effort: bool | None = None
    max_output: int | None = None
    open_weights: bool = False
    kind: CallKind = "generate"
    listed: bool = False
    """The table names this very id: only then does a day that is not told mean that none is announced."""

    def ended(self, day: date) -> bool:
        """Whether the model no longer answers on this day."""
        return self.retired or (self.retires is not None and self.retires <= day)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What holds for every id of a provider that has this shape; only the fields in `values` are told."""

    provider: str
    pattern: re.Pattern[str]
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The table of `models.yaml`: entries by provider and id, rules by provider, and other names of providers."""

    checked: str
    providers: dict[str, str]
    entries: dict[tuple[str, str], dict[str, object]]
    rules: tuple[_Rule, ...]
    order: tuple[str, ...]
    """Where an id without a provider is looked up: the vendors themselves, first to last."""

    @property
    def day(self) -> date:
        """The day on which the table was last compared with the vendors' own notes."""
        return date.fromisoformat(self.checked)

    def find(self, provider: str | None, model_id: str) -> ModelFacts | None:
        """What is known of this id; `provider` None or unknown where it is told by the id alone (`openai/gpt-4o`)."""
        model_id = model_id.strip()
        if not model_id or len(model_id) > _MAX_ID:
            return None
        known: str | None = self.providers.get((provider or "").lower())
        prefix, rest = self._split(model_id)
        if _GATEWAY in (known, prefix):  # a gateway's own name says nothing of the model behind it
            known = None
            if prefix == _GATEWAY:
                model_id = rest
                prefix, rest = self._split(model_id)
        candidates = [(known, model_id)] if known else []
        if prefix:
            candidates.insert(0 if known in (None, prefix) else 1, (prefix, rest))
        looked_up = (self._at(name, bare) for name, bare in candidates or [(name, model_id) for name in self.order])
        found = [facts for facts in looked_up if facts is not None]
        if not candidates:  # whoever lists the id is meant, rather than one whose rule it happens to fit
            found.sort(key=lambda facts: not facts.listed)
        return found[0] if found else None

    def _split(self, model_id: str) -> tuple[str, str]:
        """The provider that leads an id (`openai/…`, `openai:…`), and the id without it; "" where none does."""
        cut = re.match(r"([A-Za-z0-9_.-]+)[/:](?=.)", model_id)
        prefix = self.providers.get(cut.group(1).lower(), "") if cut else ""
        return (prefix, model_id[cut.end() :]) if cut and prefix else ("", model_id)

    def _at(self, provider: str, model_id: str) -> ModelFacts | None:
        model_id = _bare(provider, model_id)
        values: dict[str, object] = {}
        for rule in self.rules:
            if rule.provider == provider and rule.pattern.fullmatch(model_id):
                values = {**rule.values, **values}
        entry = self.entries.get((provider, model_id))
        values = {**values, **(entry or {})}
        if not values and entry is None:
            return None
        facts = replace(ModelFacts(provider, model_id, listed=entry is not None), **values)  # type: ignore[arg-type]
        return self._inherit(facts)

    def _inherit(self, facts: ModelFacts) -> ModelFacts:
        """An alias has the dates of the newest snapshot it stands for, unless it has its own."""
        if facts.rolling or facts.newest is None or facts.retires is not None or facts.retired:
            return facts
        newest = self.entries.get((facts.provider, facts.newest), {})
        dates = {name: newest[name] for name in ("retires", "retired") if name in newest}
        return replace(facts, **dates)  # type: ignore[arg-type]


def _bare(provider: str, model_id: str) -> str:
    """The id as the table knows it: without region, resource path or deployment decoration."""
    if provider == "bedrock":
        if model_id.startswith("arn:"):
            found = re.search(r"(?:foundation-model|inference-profile)/([\w.:-]+)$", model_id)
            model_id = found.group(1) if found else model_id
        return re.sub(r"^(?:us-gov|us|eu|apac|au|ca|jp|global)\.", "", model_id)
    if provider in ("google", "vertex"):
        is_path = re.match(r"(?:models|publishers|projects|tunedModels)/", model_id)
        return model_id.rsplit("/", 1)[-1] if is_path else model_id
    return model_id


def read_models(path: Path) -> ModelTable:
    """Read `models.yaml`. Raises `KnowledgeError` with the field that is wrong."""
    fields = Fields(path.name, "", read_yaml(path))
    checked = fields.text("checked", None)
    if not re.fullmatch(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", checked):
        raise fields.wrong("checked", "must be a day such as 2026-11-20")
    fields.get("notes")
    names = fields.mapping("providers")
    providers = {
        str(other).lower(): name
        for name, others in names.items()
        for other in (name, *cast(list[object], others if isinstance(others, list) else []))
    }
    entries: dict[tuple[str, str], dict[str, object]] = {}
    for provider, models in fields.mapping("models").items():
        if provider not in names or not isinstance(models, dict):
            raise fields.wrong(f"models.{provider}", "must be a mapping of ids below a provider that is listed")
        for model_id, values in models.items():
            where = f"models.{provider}.{model_id}"
            entries[provider, str(model_id)] = _values(Fields(path.name, where, values if values is not None else {}))
    rules = tuple(_rule(item, names) for item in fields.items("rules"))
    order = fields.texts("order")
    for provider in order:
        if provider not in names:
            raise fields.wrong("order", f"{provider!r} is no provider of this file")
    fields.done()
    _check_aliases(path.name, entries)
    return ModelTable(checked, providers, entries, rules, order)


def _rule(fields: Fields, providers: dict[str, object]) -> _Rule:
    provider = fields.text("provider", None)
    if provider not in providers:
        raise fields.wrong("provider", f"{provider!r} is no provider of this file")
    try:
        pattern = re.compile(fields.text("ids", None))
    except re.error as error:
        raise fields.wrong("ids", f"is no regular expression ({error})") from error
    return _Rule(provider, pattern, _values(fields))


def _check_aliases(file: str, entries: dict[tuple[str, str], dict[str, object]]) -> None:
    for (provider, model_id), values in entries.items():
        newest = values.get("newest")
        if newest is not None and (provider, newest) not in entries:
            raise KnowledgeError(file, f"models.{provider}.{model_id}.newest", f"{newest!r} is not listed")


def _values(fields: Fields) -> dict[str, object]:
    """The facts that an entry or rule tells, under the names of `ModelFacts`."""
    told: dict[str, object] = {
        "pinning": _one_of(fields, "pinning", _PINNINGS),
        "newest": fields.text("newest") or None,
        "retires": _day(fields, "retires"),
        "retired": fields.flag("retired", False) or None,
        "rolling": fields.flag("rolling", False) or None,
        "accepts_sampling": _known_flag(fields, "sampling"),
        "has_effort": _known_flag(fields, "effort"),
        "max_output": _count(fields, "max_output"),
        "open_weights": fields.flag("open_weights", False) or None,
        "kind": _one_of(fields, "kind", tuple(sorted(CALL_KINDS))),
    }
    fields.done()
    if told["newest"] and told["pinning"] is None:
        told["pinning"] = "alias"
    return {name: value for name, value in told.items() if value is not None}


def _one_of(fields: Fields, name: str, allowed: tuple[str, ...]) -> str | None:
    value = fields.get(name)
    if value is not None and value not in allowed:
        raise fields.wrong(name, f"must be one of {', '.join(allowed)}")
    return value if isinstance(value, str) else None


def _known_flag(fields: Fields, name: str) -> bool | None:
    return None if fields.get(name) is None else fields.flag(name, False)


def _day(fields: Fields, name: str) -> date | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, date):
        raise fields.wrong(name, "must be a day such as 2027-01-14")
    return value


def _count(fields: Fields, name: str) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise fields.wrong(name, "must be a whole number above 0")
    return value


def revision_kind(revision: object) -> str:
    """How the weights of a hub are held: "commit" (40 hexadecimal digits), "tag", "branch" (`main`), or "" for not."""
    if not isinstance(revision, str):
        return ""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return "commit"
    return "branch" if revision in ("main", "master") else "tag"
