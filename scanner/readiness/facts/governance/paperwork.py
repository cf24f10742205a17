"""Documents as those who must rely on them read them: sections with text, labelled lines, front matter, references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from readiness.extract.data import Located
from readiness.extract.markdown import Markdown
from readiness.extract.observations import Observations
from readiness.extract.yaml_file import read_yaml
from readiness.facts.place import Place
from readiness.repository.tree import Role

FOREIGN = frozenset({Role.VENDORED, Role.TEST, Role.ARCHIVED})
"""Documents of these are about something else."""

MAX_PATHS = 400
_LABEL = re.compile(
    r"^[\s>*+-]{0,8}(?:\*\*|__)?([A-Za-z][\w /()'-]{1,50}?)(?:\*\*|__)?\s*:\s*(?:\*\*|__)?\s*(\S.{0,400})$"
)
_PATH = re.compile(r"`([\w./-]{3,200})`|\]\(<?([\w./-]{3,200})(?:#[\w-]*)?>?\)")
_WORD = re.compile(r"\w{2,}")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_UNWRITTEN = re.compile(
    r"\b(?:todo|tbd|tba|fixme|to be (?:written|filled|completed|done)|lorem ipsum|fill (?:this )?in|xxx)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Written:
    """One thing a document says: under which heading or label, the text, and where."""

    title: str
    text: str
    place: Place

    def says(self, words: int) -> bool:
        """Whether it has text of at least this many words that is no reminder to write some."""
        return len(_WORD.findall(self.text)) >= words and _UNWRITTEN.search(self.text) is None


def sections(document: Markdown, text: str) -> Iterator[Written]:
    """The sections of a document, each with its own text, subsections included."""
    lines = text.split("\n")
    for heading in document.headings:
        body = _COMMENT.sub(" ", "\n".join(lines[heading.line : heading.section_end]))
        body = "\n".join(line for line in body.split("\n") if not line.lstrip().startswith("#"))
        yield Written(heading.text, body, Place(document.path, heading.line, max(heading.line, heading.section_end)))


def labels(document: Markdown, text: str) -> Iterator[Written]:
    """Lines `Owner: the search team`, rows of two-column tables, and keys of the front matter."""
    for number, line in enumerate(text.split("\n"), 1):
        match = _LABEL.match(line) if len(line) < 600 and ":" in line else None
        if match is not None:
            yield Written(match[1].strip(), match[2].strip(" *_"), Place(document.path, number, number))
    for table in document.tables:
        for row, cells in enumerate(table.rows):
            if len(cells) == 2 and cells[0] and cells[1]:
                line_of = table.line + 2 + row
                yield Written(cells[0].strip("*_ "), cells[1], Place(document.path, line_of, line_of))
    yield from _front(document.path, text)


def _front(path: str, text: str) -> Iterator[Written]:
    for key, located in front_matter(text):
        if isinstance(located.value, str | int | float) and not isinstance(located.value, bool):
            yield Written(str(key), str(located.value), Place(path, located.line + 1, located.end_line + 1))


def front_matter(text: str) -> list[tuple[str | int, Located]]:
    """The keys, nested ones too, of the YAML between the `---` lines at the top; lines count from the first `---`."""
    if not text.startswith("---\n"):
        return []
    end = text.find("\n---", 4)
    if end < 0 or end > 20_000:
        return []
    try:
        documents = read_yaml(text[4:end])
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    return [(key, located) for document in documents for key, located in document.walk() if key is not None]


def references(text: str, path: str, files: frozenset[str]) -> Iterator[tuple[str, int]]:
    """The files of the repository that a document names, by links and between backticks, with the line."""
    folder = path.rpartition("/")[0]
    for count, match in enumerate(_PATH.finditer(text)):
        if count > MAX_PATHS:
            return
        written = (match[1] or match[2]).removeprefix("./")
        for candidate in (_joined(folder, written), written):
            if candidate in files or f"{candidate.rstrip('/')}/" in files:
                yield candidate, text.count("\n", 0, match.start()) + 1
                break


def known_paths(observations: Observations) -> frozenset[str]:
    """Every file, and every folder with a `/` at its end."""
    folders = {path[: i + 1] for path in observations.files for i, letter in enumerate(path) if letter == "/"}
    return frozenset(observations.files) | frozenset(folders)


def _joined(folder: str, written: str) -> str:
    parts = folder.split("/") if folder else []
    for part in written.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
