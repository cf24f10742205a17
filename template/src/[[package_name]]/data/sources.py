"""Where records come from: files, addresses and database tables, read row by row. A bad row is no reason to stop."""

import asyncio
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import httpx2 as httpx
from sqlalchemy import make_url, select, table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from ..errors import Refused

MAX_DOWNLOAD_BYTES = 200_000_000
PATIENCE_S = 30  # what does not answer for so long is not there
READABLE = (".jsonl", ".csv", ".parquet")
_KEPT = 2_000  # characters of an unreadable line; the file itself stays where it is


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: a record, or the text of what is none and why."""

    source: str
    line: int
    record: dict[str, Any] | None
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table or a view in the database at this address."""

    address: str
    name: str


def read(source: Path | str | TableSource) -> Iterator[Row]:
    """The rows of a file, of a folder's files, of an http address or of a table.

    Raises:
        Refused: it is not there, cannot be reached, or is nothing that can be read.
    """
    if isinstance(source, TableSource):
        yield from _table(source)
    elif isinstance(source, str):
        with TemporaryDirectory() as folder:
            yield from _file(_download(source, Path(folder)))
    elif source.is_dir():
        for path in sorted(path for path in source.iterdir() if path.suffix.lower() in READABLE):
            yield from _file(path)
    else:
        yield from _file(source)


def parse(source: str, line: int, raw: str) -> Row:
    """A line of JSON as a row."""
    problem = ""
    try:
        record = json.loads(raw)
        if not isinstance(record, dict) or any(isinstance(value, dict | list) for value in record.values()):
            problem = "not a flat JSON object"
    except (ValueError, RecursionError) as error:
        problem = f"not JSON: {error}"
    if problem:
        return Row(source, line, None, raw[:_KEPT].encode(errors="backslashreplace").decode(), problem)
    return Row(source, line, record)


def _file(path: Path) -> Iterator[Row]:
    readers = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise Refused(f"{path.name} is none of {', '.join(READABLE)}: convert it first.")
    try:
        yield from readers[path.suffix.lower()](path)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


# Bytes that are not UTF-8 become surrogates, which no field of type string accepts.


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as handle:
        for line, raw in enumerate(handle, 1):
            if raw.strip():
                yield parse(path.name, line, raw.strip())


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.DictReader(handle, restkey="(more)")
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(path.name, reader.line_num, None, "", f"not CSV: {error}")
                continue
            if "(more)" in record:
                yield Row(path.name, reader.line_num, None, json.dumps(record), "more cells than the header has names")
            else:
                yield Row(path.name, reader.line_num, record)


def _parquet(path: Path) -> Iterator[Row]:
    # As text: what a column means is the contract's to say, and every format is then treated alike.
    rows = "SELECT to_json(row) FROM (SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)) AS row"
    try:
        with duckdb.connect() as connection:
            found = connection.execute(rows, [str(path)])
            line = 0
            while batch := found.fetchmany(1000):
                for (raw,) in batch:
                    line += 1
                    yield Row(path.name, line, json.loads(raw))
    except duckdb.Error as error:
        raise Refused(f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _download(url: str, folder: Path) -> Path:
    size = 0
    try:
        target = folder / Path(httpx.URL(url).path).name
        if target.suffix.lower() not in READABLE:
            raise Refused(f"The address must begin with http:// or https:// and end in one of {', '.join(READABLE)}.")
        answer = httpx.stream("GET", url, follow_redirects=True, timeout=PATIENCE_S)
        with answer as response, target.open("wb") as handle:
            for chunk in response.raise_for_status().iter_bytes():
                size += len(chunk)
                if size > MAX_DOWNLOAD_BYTES:
                    raise Refused(f"{target.name} is larger than {MAX_DOWNLOAD_BYTES} bytes: it was not fetched.")
                handle.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(f"The address cannot be fetched over http: {str(error).splitlines()[0]}") from error
    return target


def _table(source: TableSource) -> list[Row]:
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    schema, _, name = source.name.rpartition(".")
    statement = select(text("*")).select_from(table(name, schema=schema or None))

    async def fetch() -> list[Row]:
        address = make_url(source.address)
        address = address.set(drivername=drivers.get(address.drivername, address.drivername))
        engine = create_async_engine(address, connect_args={"timeout": PATIENCE_S})
        try:
            async with engine.connect() as connection:
                found = (await connection.execute(statement)).mappings()
                return [Row(f"table {source.name}", line, dict(row)) for line, row in enumerate(found, 1)]
        finally:
            await engine.dispose()

    try:
        return asyncio.run(fetch())
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise Refused(f"The table cannot be read: {str(error).splitlines()[0]}") from error
