"""The index of one version: documents in passages, found by words (FTS5, BM25) and vectors (sqlite-vec).

It is one SQLite file that never changes.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import apsw
import sqlite_vec  # type: ignore[import-untyped]

from ..answering.answer import Passage
from .contract import Contract, Record
from .embedding import content_words, embed

Entry = tuple[str, str, str, bytes]
"""Id, title, text and packed vector of a passage."""

_PASSAGE_CHARACTERS = 500
_CANDIDATES = 50
_MAX_TERMS = 64
_SEARCH = """
SELECT p.id, p.title, p.text, -bm25(words, 2.0, 1.0), 1 - vec_distance_cosine(p.vector, ?)
FROM words JOIN passages p ON p.number = words.rowid WHERE words MATCH ? ORDER BY bm25(words, 2.0, 1.0) LIMIT ?
"""
_PASSAGE = "SELECT id, title, text FROM passages WHERE id = ?"


def entries(contract: Contract, records: list[Record]) -> list[Entry]:
    """The index entries of documents: their passages, with ids KEY#1, KEY#2 and so on."""
    found = []
    for record in records:
        title = record[contract.title]
        for number, text in enumerate(split(record[contract.text]), 1):
            vector = sqlite_vec.serialize_float32(embed(f"{title}\n{text}"))
            found.append((f"{record[contract.key]}#{number}", title, text, vector))
    return found


def split(text: str, limit: int = _PASSAGE_CHARACTERS) -> list[str]:
    """The passages of a text, each at most `limit` characters: paragraphs, then sentences, then words."""
    pieces: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        sentences = [paragraph] if len(paragraph) <= limit else re.split(r"(?<=[.!?])\s+", paragraph)
        joint = "\n\n"
        for part in (part for sentence in sentences for part in textwrap.wrap(sentence, limit)):
            if pieces and len(pieces[-1]) + len(joint) + len(part) <= limit:
                pieces[-1] += joint + part
            else:
                pieces.append(part)
            joint = " "
    return pieces


def build(path: Path, found: Iterable[Entry]) -> int:
    """Write the index; gives the number of passages."""
    connection, count = _open(path.as_posix(), apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE), 0
    with connection:
        connection.execute(
            "CREATE TABLE passages(number INTEGER PRIMARY KEY, id TEXT UNIQUE, title, text, vector BLOB)"
        )
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(title, body, content='', tokenize='unicode61')")
        for count, (passage_id, title, text, vector) in enumerate(found, 1):
            connection.execute("INSERT INTO passages VALUES(?, ?, ?, ?, ?)", (count, passage_id, title, text, vector))
            terms = (count, " ".join(content_words(title)), " ".join(content_words(text)))
            connection.execute("INSERT INTO words(rowid, title, body) VALUES(?, ?, ?)", terms)
    connection.close()
    return count


class Index:
    """An index opened for reading; any thread may search it."""

    def __init__(self, path: Path) -> None:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        self._connection = _open(f"{path.resolve().as_uri()}?immutable=1", flags)
        self._lock = Lock()

    def search(self, question: str, limit: int) -> list[Passage]:
        """The nearest passages, best first; none when no content word of the question is in any of them."""
        terms = list(dict.fromkeys(content_words(question)))[:_MAX_TERMS]
        if not terms:
            return []
        query = " OR ".join('"' + term.replace('"', "") + '"' for term in terms)
        vector = sqlite_vec.serialize_float32(embed(question))
        with self._lock:
            rows: list[Any] = self._connection.execute(_SEARCH, (vector, query, max(limit, _CANDIDATES))).fetchall()
        found = [Passage(row[0], row[1], row[2], _score(row[3], row[4])) for row in rows]
        return sorted(found, key=lambda passage: (-passage.score, passage.id))[:limit]

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in their order; an unknown id is left out."""
        with self._lock:
            rows = [self._connection.execute(_PASSAGE, (name,)).fetchall() for name in ids]
        known = {str(i): Passage(str(i), str(title), str(text)) for found in rows for i, title, text in found}
        return [known[name] for name in ids if name in known]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _score(bm25: float, nearness: float | None) -> float:
    # Two thirds words, brought to 0..1, and one third vector: the mix that found most on the sample questions.
    return round((2 * bm25 / (bm25 + 4) + max(0.0, nearness or 0.0)) / 3, 4)


def _open(address: str, flags: int) -> apsw.Connection:
    connection = apsw.Connection(address, flags=flags)
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.enable_load_extension(False)
    return connection
