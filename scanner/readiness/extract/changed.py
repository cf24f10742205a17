"""Which lines of a file say something that its older version did not say.

Of code the statements are compared, not the lines: a formatter changes nothing, and what was only moved within the
file has been said before. A statement that was taken out of a `try` or a `with`, or put into one, counts as changed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping

from readiness.extract.alignment import added
from readiness.extract.code import Module
from readiness.extract.comments import python_comments
from readiness.extract.kinds import Kind, kind_of
from readiness.extract.notebook import read_notebook
from readiness.extract.observations import Observations
from readiness.extract.observe import decoded
from readiness.extract.python import read_python
from readiness.extract.shape import pieces, text_shape
from readiness.extract.unread import Unread

END = 2**31 - 1
"""The last line of a file whose length is not known."""

Lines = tuple[tuple[int, int], ...]
_Said = tuple[Hashable, int, int]
_CELL_COMMENT = re.compile(r'\s*"\s*#')


class Changed:
    """The changed lines of a whole repository; each file is compared once, when it is first asked for."""

    def __init__(self, old: Mapping[str, bytes | None], observations: Observations) -> None:
        self._old = old
        self._observations = observations
        self._lines: dict[str, Lines] = {}

    def touch(self, path: str, line: int, end_line: int) -> bool:
        """Whether something new is said in these lines of a file, or, for line 0, anywhere in it."""
        if path not in self._old:
            return False
        if path not in self._lines:
            self._lines[path] = changed_lines(self._old[path], path, self._observations)
        first, last = (line, max(line, end_line)) if line else (1, END)
        return any(start <= last and first <= end for start, end in self._lines[path])


def changed_lines(old: bytes | None, path: str, observations: Observations) -> Lines:
    """The ranges of lines (from, to) of a file that say something new, in order.

    Parameters:
        old: the older version; None where there is none. Then, and where one of the two cannot be read, the whole file
            is new.
        path: the file.
        observations: the files as they are.
    """
    text = observations.sources.get(path)
    if text is None:
        return ((1, END),)
    module = observations.modules.get(path)
    try:
        before = _read(path, old, module is not None) if old is not None else None
    except Unread:
        before = None
    if before is None:
        return ((1, text.count("\n") + 1),)
    return _merged([*_new(_stated(before[1]), _stated(module)), *_new(_beside(*before), _beside(text, module))])


def _read(path: str, source: bytes, as_code: bool) -> tuple[str, Module | None] | None:
    """The text of a version and, of code, its module; None for what is no text. Raises `Unread`."""
    kind = kind_of(path)
    text = decoded(source, kind)
    if text is None or not as_code:
        return None if text is None else (text, None)
    if kind is Kind.NOTEBOOK:
        return text, read_notebook(path, text.encode("utf-8", "replace"))
    return text, read_python(path, source)


def _stated(module: Module | None) -> list[_Said]:
    """What the statements of code say, and where in the code."""
    return [((one.place, one.text), one.line, one.end_line) for one in pieces(module)] if module is not None else []


def _beside(text: str, module: Module | None) -> list[_Said]:
    """What stands beside statements: comments, a notebook's lines that are no code, every line of other files."""
    lines: Iterable[tuple[int, str]] = enumerate(text.split("\n"), start=1)
    if module is not None and module.cells is None:
        lines = ((number, comment.lstrip("#!: ")) for number, comment in python_comments(text))
    elif module is not None and module.cells is not None:
        cells = module.cells
        lines = ((number, line) for number, line in lines if cells[number - 1] == (0, 0) or _CELL_COMMENT.match(line))
    shapes = ((text_shape(line).rstrip(","), number) for number, line in lines)
    return [(shape, number, number) for shape, number in shapes if shape]


def _new(old: list[_Said], new: list[_Said]) -> Iterator[tuple[int, int]]:
    for index in added([said for said, _, _ in old], [said for said, _, _ in new]):
        _, line, end_line = new[index]
        yield line, end_line


def _merged(ranges: Iterable[tuple[int, int]]) -> Lines:
    """Ranges in order, those that touch made one."""
    merged: list[tuple[int, int]] = []
    for line, end_line in sorted(ranges):
        if merged and line <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_line))
        else:
            merged.append((line, end_line))
    return tuple(merged)
