"""Values outside the code: sample environments, manifests, settings files (rules-of-evidence.md, "Resolution")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.linking.prompt_assets import PromptAssets
from readiness.facts.linking.values import Known, Pieces
from readiness.repository.tree import Role

_PLACEHOLDER = re.compile(
    r"^$|^<.*>$|^\.\.\.|^x{3,}|^your[-_ ]|[-_]here$|change[-_]?me|^todo|^sk-\.\.\.|^\$\{|^placeholder|^replace"
    r"|^none$|^null$",
    re.I,
)
_SAMPLE = re.compile(r"(example|sample|template|dist|default)", re.I)
_MANIFEST = re.compile(r"(^|/)(docker-)?compose[^/]*\.ya?ml$|(^|/)(app|apprunner|render|serverless|template)\.ya?ml$")
_DEFAULT = re.compile(r"^\$\{[A-Za-z0-9_]+:?-([^}]*)\}$")
_NOT_SETTINGS = re.compile(
    r"(^|/)(pyproject\.toml|package(-lock)?\.json|tsconfig[^/]*\.json|[^/]*lock[^/]*|openapi[^/]*)$|(^|/)(\.github|tests?|node_modules)/"
)


class Configured:
    """The `Settings` a resolver asks: what the repository itself sets for a variable or a key.

    A serving manifest beats the tracked sample environment; placeholders count as not set.
    """

    def __init__(self, observations: Observations) -> None:
        self._variables: dict[str, Known] = {}
        self.prompts = PromptAssets(observations)
        self._documents = [
            (path, documents[0])
            for path, documents in observations.documents.items()
            if documents and not _NOT_SETTINGS.search(path) and observations.files[path].role is Role.SERVING
        ]
        for name, value, path, line in (*_manifests(observations), *_samples(observations)):
            if not _PLACEHOLDER.search(value):
                self._variables.setdefault(name, Known(_typed(value), (path, line), name))

    def variable(self, name: str) -> Known | None:
        """The value the repository's manifests or sample environment give a variable."""
        return self._variables.get(name)

    def entry(self, keys: tuple[str, ...]) -> Known | None:
        """The value under a key path in a settings file; keys compare without case, as their loaders do."""
        wanted = [k.lower() for k in keys if k.lower() not in ("get", "settings")]
        for path, document in self._documents:
            found = _descend(document, wanted)
            if found is not None and not isinstance(found.value, dict | list):
                return Known(found.value, (path, found.line))
        return None

    def in_file(self, file: str, key: str) -> Known | Pieces | None:
        """The value, or the list of values, that the settings file of this name gives a key of its top level."""
        named = [(p, d) for p, d in self._documents if p.rpartition("/")[2] == file]
        for path, document in sorted(named, key=lambda pair: pair[0].count("/")):
            found = _descend(document, [key.lower()])
            if found is None or isinstance(found.value, dict):
                continue
            if not isinstance(found.value, list):
                return Known(found.value, (path, found.line))
            known = [(e.value, e.line) for e in found.elements()]
            members = [Known(v, (path, line)) for v, line in known if not isinstance(v, dict | list)]
            return Pieces(tuple(members)) if len(members) == len(known) else None
        return None


def _descend(document: Located, keys: list[str]) -> Located | None:
    here: Located | None = document
    for key in keys:
        if here is None or not isinstance(here.value, dict):
            return None
        here = next((inner for name, inner in here.value.items() if name.lower() == key), None)
    return here


def _samples(observations: Observations) -> Iterator[tuple[str, str, str, int]]:
    paths = sorted(observations.dotenv, key=lambda p: (p.count("/"), not _SAMPLE.search(p), p))
    for path in paths:
        for entry in observations.dotenv[path]:
            if not entry.commented:
                yield entry.key, entry.value, path, entry.line


def _manifests(observations: Observations) -> Iterator[tuple[str, str, str, int]]:
    for path, documents in observations.documents.items():
        if not _MANIFEST.search(path):
            continue
        for document in documents:
            built = [service for _, service in document.items("services") if service.get("build") is not None]
            # What this repository builds is set before what runs beside it: `OLLAMA_HOST` of the image of Ollama
            # is where that listens, not where the service finds it.
            first = [e for service in built for e in service.find("environment")]
            for _, environment in (*first, *document.find("environment", "env", "envVars")):
                for name, value, line in _pairs(environment):
                    default = _DEFAULT.match(value)
                    text = default.group(1) if default else value
                    if "$" not in text:
                        yield name, text, path, line


def _pairs(environment: Located) -> Iterator[tuple[str, str, int]]:
    for key, value in environment.items():
        if isinstance(value.value, str | int | float):
            yield key, str(value.value), value.line
    for item in environment.elements():
        if isinstance(item.value, str) and "=" in item.value:
            key, _, text = item.value.partition("=")
            yield key, text, item.line
            continue
        name, found = item.text("name") or item.text("key"), item.get("value")
        if name and found is not None and isinstance(found.value, str | int | float):
            yield name, str(found.value), found.line


def _typed(value: str) -> str | int | float | bool:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
