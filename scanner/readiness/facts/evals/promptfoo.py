"""Configurations of promptfoo: their cases, what they assert of each, and the files their cases lie in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.place import Place
from readiness.repository.tree import Role

_GROUNDED = frozenset({"context-faithfulness", "moderation", "guardrails", "is-refusal", "not-is-refusal", "pi"})
_RETRIEVAL = frozenset({"context-recall", "context-relevance"})
MAX_TESTS = 5_000


@dataclass(frozen=True, slots=True)
class Promptfoo:
    """One configuration. `checked` cases have a non-empty `assert`, their own or the default; `files` hold more cases.

    `kinds` maps each type of assertion to what it is about; `trivial` is whether every threshold in it is nothing.
    """

    place: Place
    cases: int
    checked: int
    kinds: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    trivial: bool


def promptfoo_configurations(observations: Observations) -> Iterator[Promptfoo]:
    """Every promptfoo configuration of the repository: YAML or JSON with prompts or providers, and tests."""
    for path, documents in observations.documents.items():
        file = observations.files.get(path)
        if not documents or file is None or file.role is Role.VENDORED:
            continue
        root = documents[0]
        if root.get("tests") is not None and (root.get("prompts") is not None or root.get("providers") is not None):
            yield _read(path, root)


def _read(path: str, root: Located) -> Promptfoo:
    default = list(root.elements("defaultTest", "assert"))
    tests = [t for t in root.elements("tests") if isinstance(t.value, dict)][:MAX_TESTS]
    listed = [t.value for t in root.elements("tests") if isinstance(t.value, str)]
    single = root.text("tests")
    assertions = [a for t in tests for a in t.elements("assert")] + default
    types = {a.text("type") or "" for a in assertions} - {""}
    thresholds = [t.value for a in assertions if (t := a.get("threshold")) is not None]
    at = root.get("tests")
    return Promptfoo(
        place=Place(path, at.line if at else 1, at.end_line if at else 1),
        cases=len(tests),
        checked=sum(1 for t in tests if default or list(t.elements("assert"))),
        kinds=tuple((name, _kind(name)) for name in sorted(types)),
        files=tuple(str(one).removeprefix("file://") for one in (*listed, *([single] if single else []))),
        trivial=bool(thresholds) and all(isinstance(t, int | float) and t <= 0 for t in thresholds),
    )


def _kind(name: str) -> str:
    if name in _GROUNDED:
        return "grounded"
    return "retrieval" if name in _RETRIEVAL else "task"
