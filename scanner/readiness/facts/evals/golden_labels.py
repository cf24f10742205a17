"""The columns that a prediction model is trained to predict, as far as the code that trains it names them."""

from __future__ import annotations

import re

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name

_TARGET = re.compile(r"^(?:y|y_\w+|\w*target\w*|\w*label\w*)$", re.I)
_TARGET_KEY = re.compile(r"^(?:target|label)(?:_(?:column|col|name|variable|feature))?$", re.I)


def label_names(core: Core) -> frozenset[str]:
    """Names of label columns: `y = data["price"]`, `data.drop("price")`, `TARGET = "price"`, `target: price`."""
    found: set[str] = set()
    if not any(c.kind == "predict" for c in core.calls):
        return frozenset()
    for unit in core.program.units:
        found |= _in_unit(unit)
    for documents in core.observations.documents.values():
        for document in documents[:1]:
            for key, value in document.items():
                if _TARGET_KEY.match(key) and isinstance(value.value, str):
                    found.add(value.value)
    return frozenset(found)


def _in_unit(unit: Unit) -> set[str]:
    found: set[str] = set()
    for name, bindings in unit.bindings.items():
        if _TARGET.match(name):
            for binding in bindings:
                found |= _column(binding.value)
    for call in unit.calls:
        for keyword in call.keywords:
            if keyword.name == "stratify" or _TARGET.match(keyword.name or ""):
                inner = keyword.value
                if isinstance(inner, code.Call) and len(inner.arguments) == 1:  # `targets=np.array(batch["tag"])`
                    inner = inner.arguments[0]
                found |= _column(inner)
        if last_name(call.function) in ("drop", "pop"):
            for argument in (*call.arguments[:1], *(k.value for k in call.keywords if k.name in ("columns", "labels"))):
                texts = argument.items if isinstance(argument, code.Sequence) else [argument]
                found.update(t.value for t in texts if isinstance(t, code.Constant) and isinstance(t.value, str))
    return found


def _column(value: code.Expression | None) -> set[str]:
    key = value.key if isinstance(value, code.Index) else value
    return (
        {key.value} if isinstance(key, code.Constant) and isinstance(key.value, str) and len(key.value) < 80 else set()
    )
