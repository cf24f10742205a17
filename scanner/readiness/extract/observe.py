"""Reads every file of a repository, each by its kind; a file that cannot be read is listed and never loses the run."""

from __future__ import annotations

import gc
import posixpath
from collections.abc import Callable

from readiness.extract.dockerfile import read_dockerfile
from readiness.extract.dotenv import read_dotenv
from readiness.extract.helm import is_template, without_holes
from readiness.extract.ini import read_ini
from readiness.extract.json_file import MAX_BYTES as MAX_JSON
from readiness.extract.json_file import read_json
from readiness.extract.kinds import Kind, kind_of
from readiness.extract.locks import is_explicit_export, read_lock
from readiness.extract.markdown import read_markdown
from readiness.extract.notebook import read_notebook
from readiness.extract.observations import Observations
from readiness.extract.python import read_python
from readiness.extract.records import read_json_lines, read_json_records, read_table, records_of
from readiness.extract.requirements import read_requirements
from readiness.extract.secrets import find_tokens
from readiness.extract.toml_file import read_toml
from readiness.extract.unread import Unread
from readiness.extract.yaml_file import MAX_BYTES as MAX_YAML
from readiness.extract.yaml_file import read_yaml
from readiness.repository.tree import File, Repository, Role, Skipped, UnreadableError

MAX_TEXT = 256 * 1024
"""Other text files than those with a limit of their own are kept up to this size."""

_NULL = b"\x00"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UNLIMITED = frozenset({Kind.PYTHON, Kind.NOTEBOOK, Kind.LOCK, Kind.JSON_LINES, Kind.TABLE, Kind.JSON, Kind.TOML})
_KEPT_WHOLE = frozenset({Kind.PYTHON, Kind.NOTEBOOK})
_RECORDED = "interactions:"
"""How a recording of HTTP traffic (a VCR cassette) begins: test data that says nothing about the project."""

Progress = Callable[[int, int], None]


def observe(repository: Repository, progress: Progress | None = None) -> Observations:
    """Reads every file of the repository.

    `progress`, when given, is told how many files of how many are done. Files are taken in the order of their paths, so
    that two runs give the same observations; vendored files are opened for credentials only.
    """
    files = sorted(repository.files, key=lambda file: file.path)
    observations = Observations(files={file.path: file for file in files})
    unread: list[Skipped] = []
    collecting = gc.isenabled()
    # Trees have no cycles to collect; looking for some would double the time.
    gc.disable()
    try:
        for done, file in enumerate(files, start=1):
            reason = _observe(file, observations)
            if reason:
                unread.append(Skipped(file.path, reason))
            if progress is not None:
                progress(done, len(files))
        _read_included(observations)
    finally:
        if collecting:
            gc.enable()
    observations.unread = tuple(unread)
    return observations


def _observe(file: File, observations: Observations) -> str:
    """Reads one file into the observations; returns the reason when that is not possible."""
    kind = kind_of(file.path)
    if kind is Kind.OTHER or (kind not in _UNLIMITED and file.size > _limit(kind)):
        return "" if kind in (Kind.OTHER, Kind.TEXT) else f"{kind.value} file of more than {_limit(kind) // 1024} kB"
    try:
        source = file.read()
        text = decoded(source, kind)
        if text is None:
            return ""
        if kind in _KEPT_WHOLE or len(text) <= MAX_TEXT:
            observations.sources[file.path] = text
            tokens = find_tokens(file.path, text)
            if tokens:
                observations.tokens[file.path] = tokens
        if file.role is not Role.VENDORED:
            _read(file.path, kind, source, text, observations)
    except Unread as error:
        return error.reason
    except (UnreadableError, OSError) as error:
        return str(error)
    except Exception as error:
        # A file that breaks a reader must not lose the run; it is reported instead.
        return f"could not be read: the {kind.value} reader met {type(error).__name__}, which is a fault in readiness"
    return ""


def _limit(kind: Kind) -> int:
    return MAX_YAML if kind is Kind.YAML else MAX_TEXT


def decoded(source: bytes, kind: Kind) -> str | None:
    """A file's bytes as text with `\\n` line ends, None for what is binary; what is no UTF-8 in it becomes U+FFFD."""
    encoding = next((name for mark, name in _MARKS if source.startswith(mark)), "utf-8")
    if encoding != "utf-16" and kind is not Kind.PYTHON and _NULL in source[:8192]:
        return None
    return source.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def _read(path: str, kind: Kind, source: bytes, text: str, into: Observations) -> None:
    if kind is Kind.PYTHON:
        into.modules[path] = read_python(path, source)
    elif kind is Kind.NOTEBOOK:
        into.modules[path] = read_notebook(path, text.encode("utf-8", "replace"))
    elif is_explicit_export(text) and kind in (Kind.TEXT, Kind.REQUIREMENTS):
        into.locks[path] = read_lock(path, text)
    elif (reader := _READERS.get(kind)) is not None:
        reader(path, text, into)


def _read_toml(path: str, text: str, into: Observations) -> None:
    into.documents[path] = (read_toml(text),)


def _read_json_lines(path: str, text: str, into: Observations) -> None:
    into.records[path] = read_json_lines(path, text)


def _read_table(path: str, text: str, into: Observations) -> None:
    into.records[path] = read_table(path, text)


def _read_lock(path: str, text: str, into: Observations) -> None:
    into.locks[path] = read_lock(path, text)


def _read_dockerfile(path: str, text: str, into: Observations) -> None:
    into.dockerfiles[path] = read_dockerfile(path, text)


def _read_ini(path: str, text: str, into: Observations) -> None:
    into.ini[path] = read_ini(text)


def _read_dotenv(path: str, text: str, into: Observations) -> None:
    into.dotenv[path] = read_dotenv(text)


def _read_markdown(path: str, text: str, into: Observations) -> None:
    into.markdown[path] = read_markdown(path, text)


def _read_requirements(path: str, text: str, into: Observations) -> None:
    into.requirements[path] = read_requirements(path, text)


def _read_yaml(path: str, text: str, into: Observations) -> None:
    if text.lstrip("-\n").startswith(_RECORDED):
        return
    plain = without_holes(text) if is_template(path) else None
    documents = read_yaml(plain or text)
    into.documents[path] = documents
    records = records_of(path, "yaml", documents, text)
    if records is not None:
        into.records[path] = records


def _read_json(path: str, text: str, into: Observations) -> None:
    if len(text) > MAX_JSON:
        records = read_json_records(path, text)
    else:
        document = read_json(text)
        into.documents[path] = (document,)
        records = records_of(path, "json", [document], text)
    if records is not None:
        into.records[path] = records


_READERS: dict[Kind, Callable[[str, str, Observations], None]] = {
    Kind.YAML: _read_yaml, Kind.JSON: _read_json, Kind.TOML: _read_toml, Kind.JSON_LINES: _read_json_lines,
    Kind.TABLE: _read_table, Kind.LOCK: _read_lock, Kind.DOCKERFILE: _read_dockerfile, Kind.INI: _read_ini,
    Kind.DOTENV: _read_dotenv, Kind.MARKDOWN: _read_markdown, Kind.REQUIREMENTS: _read_requirements,
}  # fmt: skip


def _read_included(observations: Observations) -> None:
    """Requirement files that others include (`-r base/runtime.txt`), whatever their name."""
    waiting = sorted(observations.requirements)
    while waiting:
        path = waiting.pop()
        for target, _ in observations.requirements[path].includes:
            included = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            text = observations.sources.get(included)
            if text is not None and included not in observations.requirements and kind_of(included) is Kind.TEXT:
                observations.requirements[included] = read_requirements(included, text)
                waiting.append(included)
    observations.requirements = dict(sorted(observations.requirements.items()))
