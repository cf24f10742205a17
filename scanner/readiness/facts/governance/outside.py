"""Signs that something in front of the service asks who is calling: an ingress, a proxy, a gateway, the platform."""

from __future__ import annotations

from readiness.facts.core import Core
from readiness.facts.governance.access_knowledge import AccessKnowledge
from readiness.facts.governance.guards import Guard
from readiness.facts.place import Place
from readiness.repository.tree import Role

_NOT_DEPLOYED = frozenset({Role.VENDORED, Role.TEST, Role.EXAMPLE, Role.ARCHIVED, Role.NOTEBOOK})
MAX_SIZE = 300_000


def find_outside(core: Core, knowledge: AccessKnowledge) -> tuple[Guard, ...]:
    """The first sign of each file that deploys the service."""
    found: list[Guard] = []
    for path, text in core.observations.sources.items():
        if core.observations.files[path].role in _NOT_DEPLOYED or len(text) > MAX_SIZE:
            continue
        for sign in knowledge.outside:
            match = sign.pattern.search(text) if sign.files.search(path) else None
            if match is not None and not _is_comment(text, match.start(), match.end()):
                line = text.count("\n", 0, match.end()) + 1
                found.append(Guard(Place(path, line, line), sign.what, "outside"))
                break
    return tuple(found)


def _is_comment(text: str, start: int, end: int) -> bool:
    begin = text.rfind("\n", 0, end) + 1
    return text[begin:end].lstrip().startswith(("#", "//", "{{/*")) and start >= begin - 200
