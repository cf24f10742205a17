"""The commands that a project's documents name: in shell blocks, in the table of daily commands, within sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_PROGRAMS = ("uv", "pip", "git", "copier", "docker", "helm", "kubectl", "curl", "promtool")
_NAMED = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{'|'.join(_PROGRAMS)}) \S")
_KEEPS = re.compile(r"[A-Z_]+=\S+$|[A-Z_]+=\$\(.*\)$")
_COMMENT = re.compile(r"\s{2,}# .*$")


@dataclass(frozen=True)
class Command:
    """One command as a document has it.

    Args:
        document: the path of the document in the project.
        text: the command, its continued lines joined and without the remark behind it.
    """

    document: str
    text: str


def commands(project: Path, package: str) -> list[Command]:
    """Every command of a project's README, manual steps and guide for contributors, each once, in the order of reading.

    Those in runbooks and governance are held by the project's own tests: some of them end a service for good.
    """
    found: dict[str, Command] = {}
    for document in ("README.md", "MANUAL_STEPS.md", "CONTRIBUTING.md"):
        for text in _of((project / document).read_text("utf-8"), package):
            found.setdefault(text, Command(document, text))
    return list(found.values())


def _of(text: str, package: str) -> Iterator[str]:
    for block in _BLOCK.findall(text):
        yield from _lines(block)
    prose = _BLOCK.sub("", text)
    daily = prose.partition("\n## Every day\n")[2].partition("\n## ")[0]
    for span in _SPAN.findall(daily):
        if not _NAMED.match(span) and re.match(r"[a-z]+ [a-z]", span):
            yield f"uv run {package} {span}"
    for span in _SPAN.findall(prose):
        if _NAMED.match(span) and "…" not in span and span != "uv run":
            yield span


def _lines(block: str) -> Iterator[str]:
    """The commands of a block; a line that keeps something in a variable goes with the next one, which needs it."""
    kept = ""
    for line in block.replace("\\\n", " ").splitlines():
        command = " ".join(_COMMENT.sub("", line).split())
        if not command or command.startswith("#"):
            continue
        if _KEEPS.match(command):
            kept += f"{command}\n"
        else:
            yield kept + command
            kept = ""
    if kept:
        yield kept.rstrip()
