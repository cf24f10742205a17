"""The code cells of a Jupyter notebook, as one Python module whose lines are those of the `.ipynb` file itself."""

from __future__ import annotations

import json
import re

from readiness.extract.code import Module, Node, children
from readiness.extract.python import read_python
from readiness.extract.unread import Unread

MAX_BYTES = 20 * 1024 * 1024
"""Longer notebooks (embedded images, mostly) are not read."""

_MAX_LINES = 50_000
_MAX_TRIES = 100
_PYTHON = frozenset({"", "python", "python3", "ipython", "ipython3"})
_FOREIGN = re.compile(r"%%(?!time\b|timeit\b|capture\b|prun\b)")
_ASSIGNED_MAGIC = re.compile(r"([ \t]*)([A-Za-z_][\w.]*(?:, ?[A-Za-z_][\w.]*)*)[ \t]*=[ \t]*[!%](?!=)")
_HELP = re.compile(r"[ \t]*(?:[A-Za-z_%][\w.*%]*\?{1,2}|\?{1,2}[A-Za-z_%][\w.*]*)[ \t]*")
_SOURCE_KEY = re.compile(r'"source"\s*:\s*')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def read_notebook(path: str, source: bytes) -> Module:
    """The code of a notebook.

    Shell and magic lines become empty, cells in another language are left out. `line` and `end_line` of every node are
    lines of the `.ipynb` file; `Module.cells` gives, for each of its lines, the cell (from 1, all cells counted) and
    the line in it, (0, 0) for lines that are no code. Raises `Unread` when the notebook or its code cannot be read.
    """
    if len(source) > MAX_BYTES:
        raise Unread(f"notebook of more than {MAX_BYTES // 1024 // 1024} MB")
    try:
        text = source.decode("utf-8-sig")
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unread(f"not a valid notebook: {str(error) or 'nested too deeply'}") from None
    if not isinstance(notebook, dict) or not isinstance(_cells(notebook), list):
        raise Unread("not a notebook: it has no list of cells")
    if _language(notebook) not in _PYTHON:
        raise Unread(f"notebook in {_language(notebook)}, not Python")
    lines, origins = _join(_cells(notebook), text)
    try:
        module = read_python(path, "\n".join(lines).encode("utf-8", "replace"))
    except Unread as unread:
        raise Unread(_renumbered(unread.reason, origins)) from None
    _move(module, [origin for _, _, origin in origins])
    where = [(0, 0)] * (text.count("\n") + 1)
    for cell, line, origin in origins:
        if 0 < origin <= len(where):
            where[origin - 1] = (cell, line)
    module.cells = where
    return module


def _cells(notebook: dict[str, object]) -> object:
    """The list of cells; before nbformat 4 it stood inside the first worksheet."""
    sheets = notebook.get("worksheets")
    if "cells" not in notebook and isinstance(sheets, list) and sheets and isinstance(sheets[0], dict):
        return sheets[0].get("cells")
    return notebook.get("cells")


def _language(notebook: dict[str, object]) -> str:
    metadata = notebook.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        inner = metadata.get(part)
        if isinstance(inner, dict) and isinstance(inner.get(key), str):
            return str(inner[key]).lower()
    return ""


def _join(cells: object, text: str) -> tuple[list[str], list[tuple[int, int, int]]]:
    """The lines of all code cells and, for each, (cell, line in cell, line in the file)."""
    lines: list[str] = []
    origins: list[tuple[int, int, int]] = []
    finder = _Finder(text)
    for number, cell in enumerate(cells if isinstance(cells, list) else [], start=1):
        if not isinstance(cell, dict):
            continue
        written = cell.get("source", cell.get("input"))
        chunks = written if isinstance(written, list) else [written]
        # Every cell is looked up in the file, so that the next one's lines are found behind it.
        chunk_lines = finder.lines_of([chunk for chunk in chunks if isinstance(chunk, str)], "source" in cell)
        if cell.get("cell_type") != "code" or len(lines) > _MAX_LINES:
            continue
        cell_lines: list[str] = []
        cell_origins: list[int] = []
        for chunk, origin in zip([chunk for chunk in chunks if isinstance(chunk, str)], chunk_lines, strict=True):
            for line in (chunk.removesuffix("\n")).split("\n"):
                cell_lines.append(line)
                cell_origins.append(origin)
        for index, line in enumerate(_without_magics(cell_lines)):
            lines.append(line)
            origins.append((number, index + 1, cell_origins[index]))
    return lines, origins


class _Finder:
    """Finds where a notebook's source strings stand in the raw file, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def lines_of(self, chunks: list[str], has_source: bool) -> list[int]:
        """The line of each string of one cell's source; the place of the cell where the strings cannot be found."""
        key = _SOURCE_KEY.search(self._text, self._at) if has_source else None
        for _ in range(_MAX_TRIES):
            if key is None:
                break
            starts, end = self._match(chunks, key.end())
            if len(starts) == len(chunks):
                lines = [self._advance(start) for start in starts]
                self._advance(end)
                return lines
            # Something else named "source", inside an output or metadata: the cell's own is further on.
            key = _SOURCE_KEY.search(self._text, key.end())
        return [self._line] * len(chunks)

    def _match(self, chunks: list[str], at: int) -> tuple[list[int], int]:
        """Where the strings from `at` on begin, as far as they are the chunks; and where the last of them ends."""
        starts: list[int] = []
        for chunk in chunks:
            literal = _STRING.search(self._text, at)
            if literal is None or not _same(literal[0], chunk):
                break
            starts.append(literal.start())
            at = literal.end()
        return starts, at

    def _advance(self, at: int) -> int:
        self._line += self._text.count("\n", self._at, at)
        self._at = at
        return self._line


def _same(literal: str, value: str) -> bool:
    try:
        return bool(json.loads(literal) == value)
    except ValueError:
        return False


def _without_magics(lines: list[str]) -> list[str]:
    """The lines as Python: as many as before, magics emptied; all empty when the cell is in another language."""
    first = next((line for line in lines if line.strip()), "")
    if _FOREIGN.match(first.lstrip()):
        return [""] * len(lines)
    cleaned: list[str] = []
    continues = False
    for line in lines:
        bare = line.lstrip()
        indent = line[: len(line) - len(bare)]
        if continues:
            cleaned.append("")
        elif bare.startswith(("!", "%")) or _HELP.fullmatch(line):
            # `pass` keeps a block whole whose only line is a magic.
            cleaned.append(f"{indent}pass")
        elif (assigned := _ASSIGNED_MAGIC.match(line)) is not None:
            cleaned.append(f"{indent}{assigned[2]} = None")
        else:
            cleaned.append(line)
            continue
        continues = line.rstrip().endswith("\\")
    return cleaned


def _move(module: Module, lines: list[int]) -> None:
    """Gives every node the lines of the file: `lines[i]` is where line i + 1 of the joined code stands."""
    stack: list[Node] = list(module.body)
    moved: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in moved:
            continue
        moved.add(id(node))
        if lines:
            node.line = lines[min(max(node.line, 1), len(lines)) - 1]
            node.end_line = lines[min(max(node.end_line, 1), len(lines)) - 1]
        stack.extend(children(node))


def _renumbered(reason: str, origins: list[tuple[int, int, int]]) -> str:
    """A reason of the Python reader with its line told as cell and line."""
    match = re.search(r", line ([0-9]{1,9})", reason)
    if match is None or not 0 < int(match[1]) <= len(origins):
        return reason
    cell, line, _ = origins[int(match[1]) - 1]
    return f"{reason[: match.start()]}, cell {cell}, line {line}{reason[match.end() :]}"
