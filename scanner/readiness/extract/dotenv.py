"""Files of environment variables: `KEY=value`, one a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=(.*)")
_QUOTED = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable; `value` without quotes and trailing comment. `commented` for a sample that is commented out."""

    key: str
    value: str
    line: int
    commented: bool = False


def read_dotenv(text: str) -> tuple[Entry, ...]:
    """The variables of a file of environment variables; lines that set none are passed over."""
    entries = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.lstrip()
        commented = line.startswith("#")
        match = _ENTRY.fullmatch(line.lstrip("# \t") if commented else raw.rstrip("\r"))
        if match is not None:
            entries.append(Entry(match[1], _value(match[2]), number, commented))
    return tuple(entries)


def _value(written: str) -> str:
    quoted = _QUOTED.match(written)
    if quoted is not None:
        return quoted[1] if quoted[1] is not None else quoted[2]
    bare = written.strip()
    if bare.startswith("#"):
        return ""
    return re.split(r"[ \t]#", bare, maxsplit=1)[0].rstrip()
