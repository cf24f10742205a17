"""Records that were not accepted: kept with the reasons until they are replayed. The file may be edited by hand."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..audit.chain import content_digest
from ..errors import Refused
from ..storage.tables import now
from .library import write_safely
from .sources import Row, parse


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that was not accepted; without a record there is the text of what was none."""

    id: str
    source: str
    line: int
    at: datetime
    contract_version: str
    reasons: tuple[str, ...]
    record: dict[str, Any] | None
    text: str = ""
    superseded: bool = False
    """Another record with its key was accepted at the same time or later: it must not overwrite that one."""

    @classmethod
    def of(cls, row: Row, reasons: Iterable[str], contract_version: str) -> "Quarantined":
        """A row and why it was refused; the same row of the same source has the same id."""
        name = content_digest(f"{row.source}\n{row.line}\n{row.record!a}\n{row.text}")[:12]
        said = tuple(reason.encode(errors="backslashreplace").decode() for reason in reasons)
        return cls(name, row.source, row.line, now(), contract_version, said, row.record, row.text)

    def as_row(self) -> Row:
        """The row once more; a text that was mended by hand may be a record by now."""
        return Row(self.source, self.line, self.record) if self.record else parse(self.source, self.line, self.text)


_ROW = TypeAdapter(Quarantined)


class Quarantine:
    """The quarantine of the library in this folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "quarantine.jsonl"

    def rows(self) -> list[Quarantined]:
        """Everything that waits, the oldest first; Refused names the line that somebody edited wrongly."""
        rows = []
        for number, line in enumerate(self.path.read_bytes().splitlines() if self.path.exists() else [], 1):
            try:
                rows.append(_ROW.validate_python(json.loads(line)))
            except ValueError as error:
                raise Refused(f"{self.path}, line {number} is not as it must be: {error}") from error
        return rows

    def add(self, new: Iterable[Quarantined], key: str, accepted: Iterable[str]) -> None:
        """Add rows that are not there yet, and mark those whose key was accepted from elsewhere."""
        rows, taken = {row.id: row for row in (*new, *self.rows())}.values(), set(accepted)
        marked = [replace(row, superseded=True) if (row.record or {}).get(key) in taken else row for row in rows]
        self.keep(sorted(marked, key=lambda row: (row.at, row.source, row.line)))

    def keep(self, rows: Iterable[Quarantined]) -> None:
        """Keep exactly these rows."""
        write_safely(self.path, "".join(json.dumps(asdict(row), default=str) + "\n" for row in rows))
