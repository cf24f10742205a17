"""From a source to a new version: check, quarantine, merge by key, build aside, publish in one step."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import apsw
import duckdb

from ..audit.chain import content_digest
from ..errors import Refused
from ..settings import root
from ..storage.tables import now
from .checking import check
from .compute import in_batches
from .contract import Contract, Record, load_contract
from .index import build, entries
from .library import Library, Version
from .quarantine import Quarantine, Quarantined
from .sources import Row, TableSource, read

_COLUMNS = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE"}


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
        Refused: the source or the contract cannot be read, there is no room, or another ingest is at work.
    """
    contract = contract or load_contract(root() / "data" / "contract.yaml")
    with _room_in(library), library.locked():
        merge = Merge(library, contract)
        merge.take(read(source))
        # First the quarantine, then the version: stopped in between, the next ingest of the source mends both.
        Quarantine(library.folder).add(merge.bad, contract.key, merge.good)
        return merge.publish()


def replay(library: Library, contract: Contract | None = None) -> Report:
    """Check the quarantined records again and take in those that pass now; the others stay.

    Raises:
        Refused: as in `ingest`.
    """
    contract = contract or load_contract(root() / "data" / "contract.yaml")
    with _room_in(library), library.locked():
        merge, quarantine = Merge(library, contract), Quarantine(library.folder)
        held, tried = list[Quarantined](), list[Quarantined]()
        for row in quarantine.rows():
            known = (row.record or {}).get(contract.key) in merge.records
            (held if row.superseded and known else tried).append(row)
        merge.take(row.as_row() for row in tried)
        report = merge.publish()
        quarantine.keep([*held, *merge.bad])
    return replace(report, quarantined=(*held, *merge.bad))


@contextmanager
def _room_in(library: Library) -> Iterator[None]:
    try:
        yield
    except (OSError, apsw.Error, duckdb.Error) as error:
        why = str(error).partition("\n")[0]
        raise Refused(
            f"It was not finished: {why}. The version in use is whole; make room for {library.folder} and try again."
        ) from error


class Merge:
    """The records of the current version, and what a source changes in them."""

    def __init__(self, library: Library, contract: Contract) -> None:
        self._library, self._contract = library, contract
        self._parent = library.current()
        self.records: dict[str, Record] = {}
        self.good: dict[str, Record] = {}
        self.bad: list[Quarantined] = []
        self._accepted = self._unchanged = 0
        self._sources: tuple[str, ...] = ()
        if parent := self._parent:
            known = library.records(parent)
            if parent.contract == contract.model_dump(mode="json"):
                self.records = {record[contract.key]: record for record in known}
            else:  # what an older contract let in has to meet this one too
                self.take(Row(f"version {parent.id}", line, record) for line, record in enumerate(known, 1))
                self.good, self._accepted = {}, 0

    def take(self, rows: Iterable[Row]) -> None:
        """Check rows and merge those that pass: a known key is replaced, one given twice by a source is refused."""
        taken, key = list(rows), self._contract.key
        self._sources = tuple(dict.fromkeys(row.source for row in taken))
        unique = [name for name, rule in self._contract.fields.items() if rule.unique and name != key]
        owners = {name: {record.get(name): k for k, record in self.records.items()} for name in unique}
        first_lines: dict[tuple[str, str], int] = {}
        checked = in_batches(partial(check_rows, self._contract.model_dump_json()), taken)
        for row, record in zip(taken, checked, strict=True):
            if isinstance(record, list):
                self._refuse(row, *record)
                continue
            name = record[key]
            first = first_lines.setdefault((row.source, name), row.line)
            clash = next((f for f in unique if f in record and owners[f].get(record[f], name) != name), None)
            if self.records.get(name) == record:
                self._unchanged += 1
                self.good[name] = record
            elif first != row.line:
                self._refuse(row, f"{key}: {name!r} is used twice, first in line {first}")
            elif clash:
                self._refuse(row, f"{clash}: {record[clash]!r} is already that of {owners[clash][record[clash]]!r}")
            else:
                self._accepted += 1
                self.records[name] = self.good[name] = record
                for field in unique:
                    owners[field][record.get(field)] = name

    def publish(self) -> Report:
        """Make what has changed a version and the current one, unless nothing has."""
        version = self._parent
        lines = [_canonical(self.records[name]) + "\n" for name in sorted(self.records)]
        digest = content_digest("".join(lines))
        created = bool(lines) and not (version and version.digest == digest)
        if created:
            # It is there already when these very records were current before.
            version = self._library.find(digest[:12]) or self._build(lines, digest)
            self._library.point_at(version)
        stale = self._contract.is_stale(self.good.values())
        return Report(version, created, self._accepted, self._unchanged, tuple(self.bad), stale)

    def _build(self, lines: list[str], digest: str) -> Version:
        contract, folder = self._contract, self._library.workshop()
        ordered = [self.records[name] for name in sorted(self.records)]
        version = Version(
            id=digest[:12],
            digest=digest,
            rows=len(ordered),
            chunks=build(folder / "index.db", in_batches(partial(entries, contract), ordered)),
            contract_version=contract.version,
            contract=contract.model_dump(mode="json"),
            sources=self._sources,
            created_at=now(),
            parent=self._parent.id if self._parent else None,
        )
        columns = json.dumps({name: _COLUMNS.get(rule.type, "VARCHAR") for name, rule in contract.fields.items()})
        table = "SELECT unnest(from_json(line, ?)) FROM (SELECT unnest(?) AS line)"
        with duckdb.connect() as connection:
            connection.sql(table, params=[columns, lines]).write_parquet(str(folder / "records.parquet"))
        self._library.add(folder, version)
        return version

    def _refuse(self, row: Row, *reasons: str) -> None:
        self.bad.append(Quarantined.of(row, reasons, self._contract.version))


def check_rows(contract_json: str, rows: list[Row]) -> list[Record | list[str]]:
    """Check a batch: for each row the record, or the reasons."""
    return [[row.problem] if row.record is None else check(contract_json, row.record) for row in rows]


def _canonical(record: Record) -> str:
    # Two equal records read the same, whatever file format they came in.
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
