"""Settings in INI files: `setup.cfg`, `tox.ini`, `pytest.ini`, `.flake8`, `alembic.ini`.

The standard library's reader tells no line numbers and refuses much that the tools themselves accept, so this is a
small line scanner of the same format: sections in brackets, `key = value` or `key: value`; indented lines continue a
value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTION = re.compile(r"\[([^\]]+)\]")
_DELIMITER = re.compile(r"[=:]")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key's value; the lines of a continued value are joined by `\\n`. Lines count from 1."""

    value: str
    line: int
    end_line: int


def read_ini(text: str) -> dict[str, dict[str, Setting]]:
    """Section -> key -> setting. Keys before any section stand in section ""; comments are left out."""
    sections: dict[str, dict[str, Setting]] = {}
    section, key = "", ""
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        continued = sections.get(section, {}).get(key)
        if raw[0] in " \t" and continued is not None:
            joined = f"{continued.value}\n{line}" if continued.value else line
            sections[section][key] = Setting(joined, continued.line, number)
        elif header := _SECTION.match(line):
            section, key = header[1].strip(), ""
            sections.setdefault(section, {})
        elif delimiter := _DELIMITER.search(line):
            key = line[: delimiter.start()].rstrip()
            sections.setdefault(section, {})[key] = Setting(line[delimiter.end() :].lstrip(), number, number)
    return sections
