"""Where records come from: files, addresses and database tables, read row by row. A bad row is no reason to stop."""

import asyncio
import csv
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib import request
from urllib.parse import urlsplit

import duckdb
from sqlalchemy import make_url, select, table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from ..errors import Refused

MAX_LINE_BYTES = 1_000_000
MAX_DOWNLOAD_BYTES = 200_000_000
MAX_DOWNLOAD_S = 300.0
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
    """A table's name, or a query, in the database at this address."""

    address: str
    query: str


def read_file(path: Path) -> Iterator[Row]:
    """The rows of a JSONL, CSV or Parquet file.

    Raises:
        Refused: the file is not there or is none of them.
    """
    readers = dict(zip(READABLE, (_jsonl, _csv, _parquet), strict=True))
    if path.suffix.lower() not in readers:
        raise Refused(f"{path.name} is none of {', '.join(READABLE)}: convert it first.")
    try:
        yield from readers[path.suffix.lower()](path)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


def parse(source: str, line: int, raw: str) -> Row:
    """A line of JSON as a row."""
    try:
        record = json.loads(raw)
    except RecursionError:
        return Row(source, line, None, raw[:_KEPT], "not usable: nested too deeply")
    except ValueError as error:
        return Row(source, line, None, raw[:_KEPT], f"not JSON: {error}")
    if not isinstance(record, dict):
        return Row(source, line, None, raw[:_KEPT], "not a JSON object")
    if any(isinstance(value, dict | list) for value in record.values()):
        return Row(source, line, None, raw[:_KEPT], "not a flat record: a value is a list or an object")
    return Row(source, line, record)


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open("rb") as handle:
        for line, (raw, whole) in enumerate(_lines(handle), 1):
            try:
                decoded = raw.decode("utf-8-sig").strip()
            except UnicodeDecodeError as error:
                shown = raw.decode(errors="backslashreplace")[:_KEPT]
                yield Row(path.name, line, None, shown, f"not UTF-8: {error.reason} at byte {error.start}")
                continue
            if not whole:
                yield Row(path.name, line, None, decoded[:_KEPT], f"longer than {MAX_LINE_BYTES} bytes")
            elif decoded:
                yield parse(path.name, line, decoded)


def _lines(handle: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Every line, cut at the limit, and whether it is whole; memory stays bounded whatever the file is."""
    while raw := handle.readline(MAX_LINE_BYTES):
        whole = raw.endswith(b"\n") or len(raw) < MAX_LINE_BYTES
        rest = raw
        while not whole and rest and not rest.endswith(b"\n"):
            rest = handle.readline(MAX_LINE_BYTES)
        yield (raw if whole else raw[:_KEPT]), whole


def _csv(path: Path) -> Iterator[Row]:
    # Bytes that are not UTF-8 become surrogates, which no field of type string accepts.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.DictReader(iter(lambda: handle.readline(MAX_LINE_BYTES), ""))
        while True:
            try:
                record: dict[str | None, Any] = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(path.name, reader.line_num, None, "", f"not CSV: {error}")
                continue
            if None in record:
                cells = json.dumps({name or "": value for name, value in record.items()})
                yield Row(path.name, reader.line_num, None, cells, "more cells than the header has names")
            else:
                yield Row(path.name, reader.line_num, {str(name): value for name, value in record.items()})


def _parquet(path: Path) -> Iterator[Row]:
    try:
        with duckdb.connect() as connection:
            # As text: what a column means is the contract's to say, and every format is then treated alike.
            found = connection.execute("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)", [str(path)])
            names, line = [column[0] for column in found.description or []], 0
            while rows := found.fetchmany(1000):
                for values in rows:
                    line += 1
                    yield Row(path.name, line, dict(zip(names, values, strict=True)))
    except duckdb.Error as error:
        raise Refused(f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def download(url: str, folder: Path) -> Path:
    """Fetch a file over http or https; size and time are limited, and no other scheme is followed.

    Raises:
        Refused: it cannot be had, is too large or too slow, or the address does not end in a readable kind.
    """
    opener = request.OpenerDirector()  # the default one would also open files and FTP
    for handler in (request.HTTPHandler, request.HTTPSHandler, request.HTTPRedirectHandler):
        opener.add_handler(handler())
    opener.add_handler(request.HTTPErrorProcessor())
    opener.add_handler(request.HTTPDefaultErrorHandler())
    parts = urlsplit(url)
    target = folder / Path(parts.path).name
    if parts.scheme not in {"http", "https"} or target.suffix.lower() not in READABLE:
        raise Refused(f"The address must begin with http:// or https:// and end in one of {', '.join(READABLE)}.")
    deadline, size = time.monotonic() + MAX_DOWNLOAD_S, 0
    try:
        with opener.open(url, timeout=30) as response, target.open("wb") as handle:
            while chunk := response.read1(65_536):
                size += len(chunk)
                if size > MAX_DOWNLOAD_BYTES or time.monotonic() > deadline:
                    raise Refused(f"{target.name} is too large or too slow: it was not fetched to its end.")
                handle.write(chunk)
    except (OSError, ValueError, AttributeError) as error:  # AttributeError: a redirect to a scheme without a handler
        raise Refused(f"{parts.hostname}: {target.name} cannot be fetched: {error}") from error
    return target


def read_table(source: TableSource) -> list[Row]:
    """The rows of a table or a query, over the database's async driver.

    Raises:
        Refused: the database cannot be reached, or does not know the table.
    """
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    is_query = source.query.lstrip()[:7].lower() in {"select ", "with "} or " " in source.query.strip()
    statement = text(source.query) if is_query else select(text("*")).select_from(table(source.query))

    async def fetch() -> list[Row]:
        address = make_url(source.address)
        engine = create_async_engine(address.set(drivername=drivers.get(address.drivername, address.drivername)))
        try:
            async with engine.connect() as connection:
                found = (await connection.execute(statement)).mappings()
                return [Row(f"table {source.query}"[:60], line, dict(row)) for line, row in enumerate(found, 1)]
        finally:
            await engine.dispose()

    try:
        return asyncio.run(fetch())
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise Refused(f"The table cannot be read: {str(error).splitlines()[0]}") from error
