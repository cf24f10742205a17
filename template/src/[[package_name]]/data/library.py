"""The library: every data version in a folder of its own, one of them current. A version never changes."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
import duckdb
from pydantic import BaseModel, ConfigDict

from ..answering.answer import Passage, Retrieval
from ..errors import Conflict, NotFound
from .contract import Record
from .index import Index


class Version(BaseModel):
    """A version of the data, as its manifest has it; the id is the beginning of the digest of its records."""

    model_config = ConfigDict(frozen=True)

    id: str
    digest: str
    rows: int
    chunks: int
    contract_version: str
    contract: dict[str, Any]
    sources: tuple[str, ...]
    created_at: datetime
    parent: str | None


@dataclass(frozen=True, slots=True)
class Diff:
    """The keys in which two versions differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class Library:
    """The data versions under a folder.

    Args:
        folder: holds versions/ID/, the pointer CURRENT and the quarantine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._indexes: dict[str, Index] = {}

    def current(self) -> Version | None:
        """The version that answers are given from, or nothing before the first ingest."""
        pointer = self.folder / "CURRENT"
        return self.find(pointer.read_text().strip()) if pointer.exists() else None

    def find(self, version_id: str) -> Version | None:
        """The version with this id, if there is one."""
        manifest = self._of(version_id) / "manifest.json"
        return Version.model_validate_json(manifest.read_text(encoding="utf-8")) if manifest.exists() else None

    def versions(self) -> list[Version]:
        """Every version, the newest first."""
        found = [version for path in self.folder.glob("versions/*") if (version := self.find(path.name))]
        return sorted(found, key=lambda version: (version.created_at, version.id), reverse=True)

    def get(self, prefix: str) -> Version:
        """The one version whose id begins so, or NotFound."""
        found = [version for version in self.versions() if prefix and version.id.startswith(prefix)]
        if len(found) != 1:
            raise NotFound(f"{len(found) or 'No'} versions begin with {prefix!r}: `data versions` lists them.")
        return found[0]

    def records(self, version: Version) -> list[Record]:
        """The records of a version, sorted by key."""
        with duckdb.connect() as connection:
            path = str(self._of(version.id) / "records.parquet")
            rows = connection.execute("SELECT to_json(record) FROM read_parquet(?) AS record", [path]).fetchall()
        return [{name: value for name, value in json.loads(row).items() if value is not None} for (row,) in rows]

    def diff(self, before: str, after: str) -> Diff:
        """The keys that were added, removed and changed from one version to another."""
        old, new = ({r[v.contract["key"]]: r for r in self.records(v)} for v in (self.get(before), self.get(after)))
        changed = (key for key in old.keys() & new.keys() if old[key] != new[key])
        return Diff(*(tuple(sorted(keys)) for keys in (new.keys() - old.keys(), old.keys() - new.keys(), changed)))

    def rollback(self, prefix: str) -> Version:
        """Make an earlier version the current one; no version is removed, so the way back is open too."""
        with self.locked():
            version = self.get(prefix)
            self.point_at(version)
        return version

    def search(self, question: str, k: int) -> Retrieval:
        """The k nearest passages of the current version; none, of version "none", before the first ingest."""
        version = self.current()
        if version is None:
            return Retrieval((), "none")
        return Retrieval(tuple(self._index(version.id).search(question, k)), version.id)

    def passages(self, version_id: str, ids: Sequence[str]) -> list[Passage]:
        """The passages that an answer from this version cites; none when the version is gone."""
        return self._index(version_id).passages(ids) if self.find(version_id) else []

    def close(self) -> None:
        """Close every index."""
        for index in self._indexes.values():
            index.close()
        self._indexes.clear()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that changes the library, or Conflict; a killed process gives the lock back."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = apsw.Connection(str(self.folder / "lock.db"))
        try:
            lock.execute("BEGIN EXCLUSIVE")
            yield
        except apsw.BusyError as busy:
            raise Conflict(
                "Another ingest or rollback is at work on this library: try again when it is done."
            ) from busy
        finally:
            lock.close()

    def workshop(self) -> Path:
        """An empty folder to build a version in; what a killed ingest left there is gone."""
        folder = self.folder / ".building"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def add(self, folder: Path, version: Version) -> None:
        """Turn a finished folder into a version, in one atomic step."""
        (folder / "manifest.json").write_text(version.model_dump_json(indent=1), encoding="utf-8")
        for path in folder.iterdir():
            _flush(path)
        self._of(version.id).parent.mkdir(exist_ok=True)
        folder.rename(self._of(version.id))

    def point_at(self, version: Version) -> None:
        """Make a version the current one, in one atomic step."""
        write_safely(self.folder / "CURRENT", version.id + "\n")

    def _of(self, version_id: str) -> Path:
        return self.folder / "versions" / version_id

    def _index(self, version_id: str) -> Index:
        if version_id not in self._indexes:
            self._indexes[version_id] = Index(self._of(version_id) / "index.db")
        return self._indexes[version_id]


def write_safely(path: Path, text: str) -> None:
    """Replace a file: whoever reads it, and whenever the machine stops, it is the old text or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    _flush(part)
    part.replace(path)


def _flush(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
