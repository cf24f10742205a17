"""Prompt files that bring the settings of their call with them: a YAML front matter, then the messages (`.prompty`)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.extract.unread import Unread
from readiness.extract.yaml_file import read_yaml
from readiness.facts.linking.values import Known

ASSET = ".prompty"

_ROLE = re.compile(r"^\s*#?\s*(system|developer|user|assistant)\s*:\s*$", re.I | re.M)
_ENVIRONMENT = re.compile(r"^\$\{\s*env:[^:}]+(?::([^}]*))?\}$", re.I)


class PromptAssets:
    """Answers what a prompt file says under a key of its front matter, and what its system message is."""

    def __init__(self, observations: Observations) -> None:
        self._sources = {p: t for p, t in observations.sources.items() if p.endswith(ASSET)}
        self._read: dict[str, tuple[Located | None, str, int]] = {}

    def find(self, written: str, beside: str) -> str | None:
        """The tracked file that a name written in the module `beside` means: the nearest one of that name."""
        name = PurePosixPath(written)
        if name.suffix != ASSET:
            return None
        near = [*PurePosixPath(beside).parents]
        found = [p for p in self._sources if f"/{p}".endswith("/" + "/".join(n for n in name.parts if n not in "./.."))]
        return min(found, key=lambda p: (_distance(near, p), p), default=None)

    def entry(self, path: str, keys: list[str]) -> Known | None:
        """The value under a key path of the file's front matter; `system` alone is the text of its system message.

        Known without a value where the file leaves it to the environment.
        """
        front, body, line = self._parts(path)
        if keys == ["system"]:
            text = _system(body)
            return Known(text, (path, line)) if text else None
        found = front.get(*keys) if front is not None else None
        if found is None or found.value is None:
            return None
        place = (path, found.line + 1)
        if isinstance(found.value, dict | list):
            return Known(keys[-1], place)  # a mapping: that it is given is what counts
        variable = _ENVIRONMENT.match(found.value) if isinstance(found.value, str) else None
        return Known(variable.group(1) if variable else found.value, place)

    def _parts(self, path: str) -> tuple[Located | None, str, int]:
        if path not in self._read:
            self._read[path] = _split(self._sources[path])
        return self._read[path]


def _split(text: str) -> tuple[Located | None, str, int]:
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return None, text, 1
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), 0)
    try:
        documents = read_yaml("\n".join(lines[1:end])) if end else ()
    except Unread:
        documents = ()
    return (documents[0] if documents else None), "\n".join(lines[end + 1 :]), end + 2


def _system(body: str) -> str:
    """What stands under the first `system:` line, up to the next role."""
    roles = list(_ROLE.finditer(body))
    for index, role in enumerate(roles):
        if role.group(1).lower() in ("system", "developer"):
            end = roles[index + 1].start() if index + 1 < len(roles) else len(body)
            return body[role.end() : end].strip()
    return ""


def _distance(near: list[PurePosixPath], path: str) -> int:
    """How many folders up from the module the folder is that holds the file."""
    folders = set(PurePosixPath(path).parents)
    return next((i for i, folder in enumerate(near) if folder in folders), len(near))
