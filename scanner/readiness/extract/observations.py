"""What was read in a repository, file by file, before anything is linked or judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.extract.code import Module
from readiness.extract.data import Located
from readiness.extract.dockerfile import Dockerfile
from readiness.extract.dotenv import Entry
from readiness.extract.ini import Setting
from readiness.extract.locks import Lock
from readiness.extract.markdown import Markdown
from readiness.extract.records import Records
from readiness.extract.requirements import Requirements
from readiness.extract.secrets import Token
from readiness.repository.tree import File, Skipped


@dataclass(slots=True)
class Observations:
    """Every file's content in the shape of its kind, by path; paths are sorted, so that walking them is repeatable.

    A file stands under its kind and, as far as it is text, in `sources` too. A file that is in `unread` stands under no
    kind: nothing may be concluded from its absence there.
    """

    files: dict[str, File] = field(default_factory=dict)
    """Every file that may be read, also those of no kind below; with its role and size."""

    modules: dict[str, Module] = field(default_factory=dict)
    """Python files, and the code cells of notebooks; line numbers are those of the file itself, `.ipynb` too."""

    documents: dict[str, tuple[Located, ...]] = field(default_factory=dict)
    """YAML (one entry per document in the file), TOML and JSON files (always one)."""

    ini: dict[str, dict[str, dict[str, Setting]]] = field(default_factory=dict)
    """`setup.cfg`, `tox.ini`, `pytest.ini`, `.flake8` and their like: section -> key -> value with its line."""

    dotenv: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """Files of environment variables: `.env`, `.env.example`, `production.env` and their like."""

    dockerfiles: dict[str, Dockerfile] = field(default_factory=dict)
    requirements: dict[str, Requirements] = field(default_factory=dict)
    locks: dict[str, Lock] = field(default_factory=dict)
    markdown: dict[str, Markdown] = field(default_factory=dict)

    records: dict[str, Records] = field(default_factory=dict)
    """JSON lines, CSV, and lists of mappings in JSON and YAML: what may be data to evaluate with."""

    tokens: dict[str, tuple[Token, ...]] = field(default_factory=dict)
    """Texts that look like credentials, of any text file; only files that have one."""

    sources: dict[str, str] = field(default_factory=dict)
    """The text of every text file that was read (decoded, line ends as `\\n`), for facts and reports to show lines."""

    unread: tuple[Skipped, ...] = ()
    """Files that should have been read and could not be, each with its reason."""

    def document(self, path: str) -> Located | None:
        """The first (usually the only) document of a YAML, TOML or JSON file; None where it was not read."""
        found = self.documents.get(path, ())
        return found[0] if found else None

    def line(self, path: str, number: int) -> str:
        """The text of one line, without its end; empty where there is none."""
        lines = self.sources.get(path, "").split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""
