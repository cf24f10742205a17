"""What a data version is: its records' content hash, and the manifest that says where they came from."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the data; the id is the beginning of the digest of its records."""

    id: str
    digest: str
    rows: int
    documents: int
    chunks: int
    contract_version: str
    contract: dict[str, Any]
    sources: tuple[str, ...]
    created_at: datetime
    parent: str | None

    def to_json(self) -> str:
        """The manifest."""
        return _MANIFEST.dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str) -> "Version":
        """Read a manifest."""
        return _MANIFEST.validate_json(text)


@dataclass(frozen=True, slots=True)
class Diff:
    """The keys in which two versions differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def content_digest(records: Iterable[dict[str, Any]]) -> str:
    """The SHA-256 of sorted records as canonical JSON: what they say counts, not the file format they came in."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(canonical(record).encode() + b"\n")
    return digest.hexdigest()


def canonical(record: dict[str, Any]) -> str:
    """A record as JSON that two equal records share."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_MANIFEST = TypeAdapter(Version)
