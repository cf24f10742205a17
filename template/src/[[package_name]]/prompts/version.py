"""A version of a prompt: a file with front matter and two parts, and how a question is put into it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import frontmatter
import yaml
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from ..answering.answer import Passage, Prompt
from ..errors import NotFound

_environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A version as its file has it; the digest is its identity, model and schema are what it was written for."""

    name: str
    version: str
    model: str
    schema: str
    owner: str
    changelog: str
    system: str
    user: str
    digest: str
    released: bool


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's text: a checkout with other line ends is the same prompt."""
    return hashlib.sha256(path.read_text("utf-8").encode()).hexdigest()


def load(path: Path, released_digest: str | None) -> PromptVersion:
    """Read a version; NotFound says why there is none that can be used."""
    if not path.is_file():
        raise NotFound(f"There is no version {path.stem} of prompt {path.parent.name}: {path} does not exist.")
    try:
        return _parsed(path, path.read_text("utf-8"), released_digest)
    except (TypeError, ValueError, TemplateError, yaml.YAMLError) as problem:
        raise NotFound(f"{path} is no usable prompt: {problem}") from problem


@lru_cache(maxsize=256)
def _parsed(path: Path, text: str, released_digest: str | None) -> PromptVersion:
    head, body = frontmatter.parse(text)
    system, _, user = body.removeprefix("# System\n").partition("\n# User\n")
    if not body.startswith("# System\n") or not user.strip():
        raise ValueError('the text needs a part "# System" and after it a part "# User"')
    if unknown := meta.find_undeclared_variables(_environment.parse(user)) - {"question", "passages"}:
        raise ValueError(f"it uses {', '.join(sorted(unknown))}; there are only question and passages")
    facts = {str(key): str(value) for key, value in head.items()}
    if (facts.get("name"), facts.get("version")) != (path.parent.name, path.stem):
        raise ValueError("name and version in its head are not those of its folder and file")
    digest = digest_of(path)
    released = digest == released_digest
    return PromptVersion(**facts, system=system.strip(), user=user.strip(), digest=digest, released=released)


@lru_cache(maxsize=256)
def _template(text: str) -> Template:
    return _environment.from_string(text)


def render(prompt: PromptVersion, question: str, passages: Sequence[Passage]) -> Prompt:
    """Fill in a question and its passages, as text: nothing in them is ever read as a template or a tag."""
    shown = [
        {"id": _quoted(found.id), "title": _quoted(found.title), "text": _escaped(found.text)} for found in passages
    ]
    user = _template(prompt.user).render(question=_escaped(question), passages=shown)
    return Prompt(prompt.name, prompt.version, prompt.system, user)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', "'")
