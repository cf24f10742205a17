"""Tables of responsibilities: who builds, who runs, who approves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from readiness.extract.markdown import Table

Duty = Literal["build", "run", "approve"]

_DUTIES: tuple[tuple[Duty, re.Pattern[str]], ...] = (
    (
        "build",
        re.compile(
            r"\b(?:build|develop|implement|chang(?:e|ing)|train|write|author|maintain|code|prompts?|design)", re.I
        ),
    ),
    (
        "run",
        re.compile(
            r"\b(?:run|operat|deploy|on-?call|incident|monitor|rollback|roll back|serv(?:e|ing)|production|alert)", re.I
        ),
    ),
    (
        "approve",
        re.compile(
            r"\b(?:approv|sign[- ]?off|accept|release|go[- ]?live|authori[sz]|review|risk|decid|decision)", re.I
        ),
    ),
)
_ABOUT = re.compile(
    r"responsib|\braci\b|\bown(?:s|er|ers|ership)\b|accountab|\broles?\b|who (?:does|runs|owns|decides)", re.I
)
_RESPONSIBLE = re.compile(r"responsib|accountab", re.I)
_WHO = re.compile(
    r"responsible|accountable|owner|\bwho\b|\brole\b|\bteam\b|\bperson\b|\bdri\b|approver|^r$|^a$|contact", re.I
)
_SOFTWARE = re.compile(r"(?:sub-?)?agents?(?: name)?|bots?|models?|modules?|class(?:es)?", re.I)
"""The first column of a table that says what parts of the software do: no people are in it."""
_MARK = re.compile(r"\b[RA]\b")
"""In a matrix: is responsible, is accountable."""
_BRACKETED = re.compile(r"<([\w.+-]{1,64}@[\w.-]{1,190})>|\[([^\[\]]{1,80})\]\([^()]{1,300}\)")
_NOBODY = re.compile(
    r"^[\W_]*$|[<>\[\]{}%]|\b(?:todo|tbd|tba|fixme|n/a|none|nobody|unassigned|placeholder)\b|\byour[-_ ]?"
    r"|\bchange[-_ ]?me"
    r"|^@?(?:my-?)?(?:org|organi[sz]ation|company|owner|username|user|team|example|acme)(?:[-_]?name)?(?:/.*)?$|@example\.",
    re.IGNORECASE,
)


def names_nobody(owner: str) -> bool:
    """Whether an owner is a placeholder: `@your-org/team`, `@OWNER`, `TBD`, `<name>`, an empty cell."""
    return _NOBODY.search(_BRACKETED.sub(r"\1\2", owner.strip())) is not None


def assigned_duties(rows: Iterable[tuple[str, str]]) -> tuple[Duty, ...]:
    """Which of building, running and approving the rows (what, who) give to somebody."""
    given = [what for what, who in rows if not names_nobody(who)]
    return tuple(duty for duty, words in _DUTIES if any(words.search(what) for what in given))


def unnamed_roles(tables: Iterable[Table]) -> frozenset[str]:
    """The roles of which a table says only how a placeholder could be reached: `On call | on-call@example.org`."""
    return frozenset(
        row[0].strip("*_` ").lower()
        for table in tables
        for row in table.rows
        if any("@" in cell for cell in row[1:]) and all(names_nobody(cell) for cell in row[1:] if "@" in cell)
    )


def unnamed_in(table: Table, unnamed: frozenset[str]) -> tuple[str, ...]:
    """The columns of a matrix that answer for something, and stand for nobody."""
    header = [cell.strip("*_` ") for cell in table.header]
    return tuple(
        cell
        for index, cell in enumerate(header)
        if index and cell.lower() in unnamed and any(_MARK.search(row[index]) for row in table.rows if index < len(row))
    )


def duties_of_table(table: Table, title: str, unnamed: frozenset[str] = frozenset()) -> tuple[Duty, ...] | None:
    """What a table assigns to somebody; None where it is no table of responsibilities.

    It is one when it has at least three rows and a column for who, under a heading about responsibilities or with a
    RACI's header. A matrix whose columns are roles (`Activity | Product | Platform`) assigns by its marks R and A, to
    those of its roles that are not `unnamed`.
    """
    header = [cell.strip("*_` ") for cell in table.header]
    if len(table.rows) < 3 or len(header) < 2 or _SOFTWARE.fullmatch(header[0]):
        return None
    columns = [index for index, cell in enumerate(header) if index and _WHO.search(cell)]
    matrix = all(any(re.fullmatch(r"\W*[RA](?:\W+[RACI])*\W*", cell) for cell in row[1:]) for row in table.rows)
    about = _ABOUT.search(title) or any(_RESPONSIBLE.search(cell) for cell in header)
    if not (about and (columns or matrix)):
        return None
    columns = [i for i in columns or range(1, len(header)) if header[i].lower() not in unnamed]
    rows = []
    for row in table.rows:
        cells = [row[index] for index in columns if index < len(row)]
        who = [cell for cell in cells if not names_nobody(cell) and cell.strip("*_` ").lower() not in unnamed]
        rows.append((row[0] if row else "", who[0] if who else ""))
    return assigned_duties(rows)
