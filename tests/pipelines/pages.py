"""The examples of a page of the documentation, read back."""

from __future__ import annotations

import re
from pathlib import Path


def examples(page: Path) -> list[str]:
    """The YAML of a page, in order."""
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def rows(page: Path, heading: str) -> list[tuple[str, ...]]:
    """The rows of the table under a heading, without its head; code marks of single words are left out."""
    section = page.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line) for line in lines]
