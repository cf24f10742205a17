"""The library: every data version in a folder of its own, one of them current. A version never changes."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import duckdb

from ..answering.answer import Passage, Retrieval
from ..errors import Conflict, NotFound
from .contract import Record
from .index import Index
from .versions import Diff, Version


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
        return self._manifest(pointer.read_text().strip()) if pointer.exists() else None

    def versions(self) -> list[Version]:
        """Every version, the newest first."""
        found = [self._manifest(path.parent.name) for path in self.folder.glob("versions/*/manifest.json")]
        return sorted(found, key=lambda version: (version.created_at, version.id), reverse=True)

    def get(self, prefix: str) -> Version:
        """The version whose id begins so.

        Raises:
            NotFound: no version or more than one begins so.
        """
        found = [version for version in self.versions() if prefix and version.id.startswith(prefix)]
        if len(found) != 1:
            raise NotFound(f"{len(found) or 'No'} versions begin with {prefix!r}: `data versions` lists them.")
        return found[0]

    def records(self, version: Version) -> list[Record]:
        """The records of a version, sorted by key."""
        with duckdb.connect() as connection:
            path = str(self.folder / "versions" / version.id / "records.parquet")
            found = connection.execute("SELECT * FROM read_parquet(?)", [path])
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        plain = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return [{k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row.items()} for row in plain]

    def diff(self, before: str, after: str) -> Diff:
        """The keys that were added, removed and changed from one version to another."""
        old, new = ({r[v.contract["key"]]: r for r in self.records(v)} for v in (self.get(before), self.get(after)))
        changed = (key for key in old.keys() & new.keys() if old[key] != new[key])
        return Diff(*(tuple(sorted(keys)) for keys in (new.keys() - old.keys(), old.keys() - new.keys(), changed)))

    def rollback(self, prefix: str) -> Version:
        """Make an earlier version the current one; no version is removed, so the way back is open too."""
        with self.locked():
            version = self.get(prefix)
            self.point_at(version.id)
        return version

    def search(self, question: str, k: int) -> Retrieval:
        """The k nearest passages of the current version; none, of version "none", before the first ingest."""
        version = self.current()
        if version is None:
            return Retrieval((), "none")
        return Retrieval(tuple(self._index(version.id).search(question, k)), version.id)

    def passages(self, version_id: str, ids: Sequence[str]) -> list[Passage]:
        """The passages that an answer from this version cites; none when the version is gone."""
        if not any(version.id == version_id for version in self.versions()):
            return []
        return self._index(version_id).passages(ids)

    def close(self) -> None:
        """Close every index."""
        for index in self._indexes.values():
            index.close()
        self._indexes.clear()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that changes the library; a killed process gives the lock back.

        Raises:
            Conflict: another process is changing it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = apsw.Connection(str(self.folder / "lock.db"))
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except apsw.BusyError:
            lock.close()
            raise Conflict(
                "Another ingest or rollback is at work on this library: try again when it is done."
            ) from None
        try:
            yield
        finally:
            lock.close()

    @contextmanager
    def building(self) -> Iterator[Path]:
        """A folder to build a version in; what a killed ingest left behind is removed first."""
        for left in self.folder.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = self.folder / f".building-{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, version: Version) -> Version:
        """Turn a finished folder into a version and make it the current one, each in one atomic step."""
        target = self.folder / "versions" / version.id
        if not target.exists():  # it does when these very records were current before
            for path in folder.iterdir():
                _flush(path)
            target.parent.mkdir(exist_ok=True)
            folder.rename(target)
            _flush(target.parent)
        self.point_at(version.id)
        return self._manifest(version.id)

    def point_at(self, version_id: str) -> None:
        """Make a version the current one."""
        write_safely(self.folder / "CURRENT", version_id + "\n")

    def _manifest(self, version_id: str) -> Version:
        return Version.from_json((self.folder / "versions" / version_id / "manifest.json").read_text(encoding="utf-8"))

    def _index(self, version_id: str) -> Index:
        if version_id not in self._indexes:
            self._indexes[version_id] = Index(self.folder / "versions" / version_id / "index.db")
        return self._indexes[version_id]


def write_safely(path: Path, text: str) -> None:
    """Replace a file: whoever reads it, and whenever the machine stops, it is the old text or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    _flush(part)
    part.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # only POSIX opens a folder
        return
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
