"""From a source to a new version: check, quarantine, merge by key, build aside, publish in one step."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb

from ..settings import root
from ..storage.tables import now
from .checking import check
from .compute import batches, map_batches
from .contract import Contract, Kind, Record, load_contract
from .documents import split
from .index import Entry, build, pack
from .library import Library
from .quarantine import Quarantine, Quarantined
from .sources import READABLE, Row, TableSource, download, read_file, read_table
from .versions import Version, canonical, content_digest

_COLUMNS = {Kind.INTEGER: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.BOOLEAN: "BOOLEAN", Kind.DATE: "DATE"}


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did; when it created nothing, the version is the one that was current before."""

    version: Version | None
    created: bool
    accepted: int
    unchanged: int
    quarantined: tuple[Quarantined, ...]
    stale: bool


def ingest(library: Library, source: Path | str | TableSource, contract: Contract | None = None) -> Report:
    """Take the records of a file, a folder, an http address or a table in. Blocking: a thread's work.

    Whatever happens in between, the current version stays whole, and the same source twice adds nothing.

    Raises:
        Refused: the source or the contract cannot be read, or another ingest is at work.
    """
    contract = contract or load_contract(root() / "data" / "contract.yaml")
    with library.locked():
        merge = Merge(library, contract)
        merge.take(_rows(source))
        # First the quarantine, then the version: stopped in between, the next ingest of the source mends both.
        Quarantine(library.folder).add(merge.bad, contract.key, merge.good_keys)
        return merge.publish()


def replay(library: Library, contract: Contract | None = None) -> Report:
    """Check the quarantined records again and take in those that pass now; the others stay.

    Raises:
        Refused: as in `ingest`.
    """
    contract = contract or load_contract(root() / "data" / "contract.yaml")
    with library.locked():
        merge, quarantine = Merge(library, contract), Quarantine(library.folder)
        waiting = {row.id: row for row in quarantine.rows()}
        held = {
            name: row
            for name, row in waiting.items()
            if row.superseded and (row.record or {}).get(contract.key) in merge.records
        }
        merge.take(row.as_row() for name, row in waiting.items() if name not in held)
        report = merge.publish()
        still = {
            row.id: replace(waiting.get(row.id, row), reasons=row.reasons, contract_version=contract.version)
            for row in merge.bad
        }
        quarantine.keep((held | still).values())
    return replace(report, quarantined=(*held.values(), *still.values()))


class Merge:
    """The records of the current version, and what a source changes in them."""

    def __init__(self, library: Library, contract: Contract) -> None:
        self._library, self._contract, self._contract_json = library, contract, contract.model_dump_json()
        self._parent = library.current()
        self.records: dict[str, Record] = {}
        self.bad: list[Quarantined] = []
        self.good_keys: set[str] = set()
        self.accepted = self.unchanged = 0
        self._fresh: list[Record] = []
        self._sources: tuple[str, ...] = ()
        known = library.records(self._parent) if self._parent else []
        if self._parent and self._parent.contract != contract.model_dump(mode="json"):
            # What an older contract let in has to meet this one too.
            self.take(Row(f"version {self._parent.id}", line, record) for line, record in enumerate(known, 1))
            self.good_keys, self.accepted, self._fresh = set(), 0, []
        else:
            self.records = {record[contract.key]: record for record in known}

    def take(self, rows: Iterable[Row]) -> None:
        """Check rows and merge those that pass: a known key is replaced, one given twice by a source is refused."""
        taken, key = list(rows), self._contract.key
        self._sources = tuple(dict.fromkeys(row.source for row in taken))
        unique = [name for name, rule in self._contract.fields.items() if rule.unique and name != key]
        owners = {name: {record.get(name): k for k, record in self.records.items()} for name in unique}
        seen: dict[tuple[str, str], int] = {}
        checked = map_batches(partial(check_rows, self._contract_json), batches(taken))
        for row, result in zip(taken, checked, strict=True):
            if isinstance(result, list):
                self._refuse(row, *result)
                continue
            name = result[key]
            self._fresh.append(result)
            first = seen.setdefault((row.source, name), row.line)
            clash = next((f for f in unique if f in result and owners[f].get(result[f], name) != name), None)
            if self.records.get(name) == result:
                self.unchanged += 1
            elif first != row.line:
                self._refuse(row, f"{key}: {name!r} is used twice, first in line {first}")
            elif clash:
                self._refuse(row, f"{clash}: {result[clash]!r} is already that of {owners[clash][result[clash]]!r}")
                continue
            else:
                self.records[name] = result
                self.accepted += 1
                for field in unique:
                    owners[field][result.get(field)] = name
            self.good_keys.add(name)

    def publish(self) -> Report:
        """Make what has changed a version, unless nothing has."""
        version, created = self._parent, False
        ordered = [self.records[name] for name in sorted(self.records)]
        digest = content_digest(ordered)
        if ordered and not (self._parent and self._parent.digest == digest):
            version, created = self._build(ordered, digest), True
        stale = self._contract.is_stale(self._fresh)
        return Report(version, created, self.accepted, self.unchanged, tuple(self.bad), stale)

    def _build(self, ordered: list[Record], digest: str) -> Version:
        library, contract = self._library, self._contract
        with library.building() as folder:
            entries = map_batches(partial(index_records, contract.key, contract.title, contract.text), batches(ordered))
            version = Version(
                id=digest[:12],
                digest=digest,
                rows=len(ordered),
                documents=len(ordered),
                chunks=build(folder / "index.db", entries),
                contract_version=contract.version,
                contract=contract.model_dump(mode="json"),
                sources=self._sources,
                created_at=now(),
                parent=self._parent.id if self._parent else None,
            )
            _write_parquet(folder / "records.parquet", ordered, contract)
            (folder / "manifest.json").write_text(version.to_json(), encoding="utf-8")
            return library.publish(folder, version)

    def _refuse(self, row: Row, *reasons: str) -> None:
        self.bad.append(Quarantined.of(row, reasons, self._contract.version))


def check_rows(contract_json: str, rows: list[Row]) -> list[Record | list[str]]:
    """Check a batch: for each row the record, or the reasons."""
    return [[row.problem] if row.record is None else check(contract_json, row.record) for row in rows]


def index_records(key: str, title: str, text: str, records: list[Record]) -> list[Entry]:
    """Split and embed a batch of documents."""
    return [entry for record in records for entry in pack(record[key], record[title], split(record[text]))]


def _rows(source: Path | str | TableSource) -> Iterator[Row]:
    if isinstance(source, TableSource):
        yield from read_table(source)
    elif isinstance(source, str):
        with tempfile.TemporaryDirectory() as folder:
            yield from read_file(download(source, Path(folder)))
    else:
        for path in sorted(source.iterdir()) if source.is_dir() else [source]:
            if path == source or path.suffix.lower() in READABLE:
                yield from read_file(path)


def _write_parquet(path: Path, records: list[Record], contract: Contract) -> None:
    lines, texts = path.with_suffix(".jsonl"), [canonical(record) for record in records]
    lines.write_text("\n".join(texts), encoding="utf-8")
    largest = max(1_000_000, *(4 * len(text) for text in texts))  # DuckDB reserves this many bytes for each thread
    kinds = ((name, _COLUMNS.get(rule.type, "VARCHAR")) for name, rule in contract.fields.items())
    columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in kinds)
    options = f"format='newline_delimited', maximum_object_size={largest}, columns={{{columns}}}"
    with duckdb.connect() as connection:
        table = f"SELECT * FROM read_json({_quoted(lines)}, {options})"  # noqa: S608 - every name is quoted
        connection.execute(f"COPY ({table}) TO {_quoted(path)} (FORMAT parquet)")
    lines.unlink()


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"
