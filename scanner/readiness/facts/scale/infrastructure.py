"""Limits of what stands in front of the service: proxies, ingresses, gateways of a cloud."""

from __future__ import annotations

import re

from readiness.facts.core import Core
from readiness.facts.place import Evidence, Place
from readiness.facts.scale.knowledge import ScaleKnowledge
from readiness.repository.tree import Role

_FILES = re.compile(r"\.(conf|template|nginx|tmpl|tpl|cfg|tf|j2|ya?ml)$|(^|/)(nginx[^/]*|Caddyfile)$")
_NAMING = ("name", "kind", "Type", "type")


def find_in_front(core: Core, known: ScaleKnowledge) -> tuple[Evidence, ...]:
    """Every rate limit that a manifest or the configuration of a proxy or gateway sets, by place."""
    observations, found = core.observations, []
    for path, documents in observations.documents.items():
        if observations.files[path].role is not Role.SERVING:
            continue
        for document in documents:
            for key, value in document.find(*known.limit_keys):
                if str(value.value) not in ("0", "None", "False"):
                    found.append(Evidence(Place(path, value.line, value.end_line), key))
            for _, value in document.find(*_NAMING):
                if isinstance(value.value, str) and value.value in known.limit_names:
                    found.append(Evidence(Place(path, value.line, value.end_line), str(value.value)))
    for path, text in observations.sources.items():
        if observations.files[path].role is Role.SERVING and _FILES.search(path):
            for match in known.limit_lines.finditer(text):
                line = text.count("\n", 0, match.end()) + 1
                found.append(Evidence(Place(path, line, line), match.group(0).strip()))
    return tuple(sorted(found))
