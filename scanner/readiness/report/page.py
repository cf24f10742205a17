"""What the terminal formats share: glyphs, colours, and lines that never overflow.

A page is a list of `rich.text.Text` lines. Nothing is ever parsed as markup, and every text of a repository goes
through `sanitize` first, so a line is as wide as it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from readiness.report.sanitize import clean, one_line, source_line

ColorSystem = Literal["standard", "256", "truecolor", "windows"]

NARROWEST, WIDEST = 72, 100

INDENT = 3


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs a page draws with; `ASCII` is for encodings that carry nothing else."""

    full: str
    empty: str
    dot: str
    more: str
    bar: str
    dash: str
    marks: dict[str, str]


RICH = Glyphs(
    full="█",
    empty="░",
    dot="·",
    more="…",
    bar="│",
    dash="–",
    marks={"pass": "✓", "partial": "~", "fail": "✗", "unknown": "?", "not-applicable": "–"},
)
ASCII = Glyphs(
    full="#",
    empty=".",
    dot="-",
    more="...",
    bar="|",
    dash="-",
    marks={"pass": "+", "partial": "~", "fail": "x", "unknown": "?", "not-applicable": "-"},
)

GRADE_STYLES = {"A": "bold green", "B": "bold green", "C": "bold yellow", "D": "bold red", "F": "bold red"}
VERDICT_STYLES = {"pass": "green", "partial": "yellow", "fail": "red", "unknown": "magenta", "not-applicable": "dim"}


@dataclass(frozen=True, slots=True)
class Page:
    """How wide a page is and what its encoding can carry."""

    width: int
    encoding: str
    glyphs: Glyphs

    @classmethod
    def of(cls, width: int = 80, encoding: str = "utf-8") -> Page:
        """A page for a terminal of this width; widths beyond what reads well are brought back to it."""
        return cls(max(NARROWEST, min(width, WIDEST)), encoding, glyphs_for(encoding))

    @property
    def right(self) -> int:
        """The column where content ends."""
        return self.width - INDENT

    def text(self, text: str) -> str:
        """A message, safe and on one line."""
        return one_line(self._own(text), self.encoding)

    def name(self, text: str) -> str:
        """A path or a name, safe, with every blank kept."""
        return clean(text, self.encoding)

    def source(self, text: str) -> str:
        """A line of source, safe, with its indentation."""
        return source_line(text, self.encoding)

    def place(self, path: str, line: int, cells: int) -> str:
        """`path:line` in at most so many cells, a long path cut at its beginning; empty where there is no place."""
        if not path:
            return ""
        tail = f":{line}" if line > 0 else ""
        if cells <= len(tail) + 8:
            return ""
        name = self.name(path)
        shown = self.fit_end(name, cells - len(tail))
        folder = shown.find("/")
        if shown != name and 0 < folder < len(shown) // 2:  # rather a whole folder less than half a name
            shown = self.glyphs.more + shown[folder:]
        return shown + tail

    def fit(self, text: str, cells: int) -> str:
        """The beginning of a text in at most so many cells."""
        if cell_len(text) <= cells:
            return text
        return _prefix(text, cells - len(self.glyphs.more)) + self.glyphs.more[: max(cells, 0)]

    def fit_end(self, text: str, cells: int) -> str:
        """The end of a text in at most so many cells."""
        if cell_len(text) <= cells:
            return text
        return self.glyphs.more[: max(cells, 0)] + _prefix(text[::-1], cells - len(self.glyphs.more))[::-1]

    def wrap(self, text: str, cells: int, lines: int | None = None) -> list[str]:
        """A text broken at blanks into lines of at most so many cells; what exceeds `lines` is visibly cut."""
        rows: list[str] = []
        rest = text
        while rest:
            if lines is not None and len(rows) == lines - 1:
                rows.append(self.fit(rest, cells))
                break
            row = _line_of(rest, cells)
            rows.append(row.rstrip(" "))
            rest = rest[len(row) :].lstrip(" ")
        return rows

    def _own(self, text: str) -> str:
        """Our own signs, in the page's encoding."""
        if self.glyphs is ASCII:
            return text.replace("…", "...").replace("•", "*").replace("–", "-").replace("·", "-")
        return text


def glyphs_for(encoding: str) -> Glyphs:
    """The richest glyphs that the encoding can carry."""
    signs = "".join((RICH.full, RICH.empty, RICH.dot, RICH.more, RICH.bar, RICH.dash, *RICH.marks.values()))
    try:
        signs.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return RICH


def row(left: Text, right: Text, width: int) -> Text:
    """One line with something at each end; `left` must leave room."""
    line = left.copy()
    line.append(" " * max(1, width - line.cell_len - right.cell_len))
    return line.append_text(right)


def spans(*parts: tuple[str, str] | str) -> Text:
    """A line from (text, style) pairs; never parsed as markup."""
    return Text.assemble(*parts, end="")


def style_of(score: float) -> str:
    """Green where a layer stands, yellow and red below."""
    if score >= 70:
        return "green"
    return "yellow" if score >= 40 else "red"


def render(lines: Iterable[Text], color_system: ColorSystem | None) -> str:
    """The page as text: plain, or with colours for a terminal of that kind."""
    if color_system is None:
        return "".join(f"{line.plain.rstrip()}\n" for line in lines)
    console = Console(
        file=StringIO(),
        force_terminal=True,
        color_system=color_system,
        no_color=False,
        width=10_000,  # the lines are laid out already
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for line in lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
    return captured.get()


def count(number: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(names: Iterable[str], join: Callable[[str], str], limit: int = 3) -> str:
    """`a, b, c and 2 more`."""
    shown = [join(name) for name in names]
    rest = len(shown) - limit
    if rest > 0:
        return f"{', '.join(shown[:limit])} and {rest} more"
    return ", ".join(shown)


def _prefix(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > cells:
            return text[:index]
    return text


def _line_of(text: str, cells: int) -> str:
    """The longest beginning of a text that ends at a blank and fits; a word that is too long is cut."""
    if cell_len(text) <= cells:
        return text
    head = _prefix(text, cells)
    if text[len(head) : len(head) + 1] == " ":
        return head
    blank = head.rfind(" ")
    if blank > 0:
        return head[:blank]
    return head or text[:1]
