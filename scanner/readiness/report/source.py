"""Findings with their source lines, as a report may show them, and with what each is known by."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

from readiness.assess.assessment import Finding
from readiness.facts.place import Place
from readiness.report.model import FindingReport
from readiness.report.secrets import mask

LinesOf = Callable[[str, int, int], str]
"""`lines_of(path, line, end_line)`: those lines of a file, joined by newlines; empty where there are none."""

SaidAt = Callable[[Place], tuple[str, str]]
"""What a place says, whatever its layout, and the names of what it lies in (`Agent.run`)."""

_LINES = 5
_WIDTH = 200


class Source:
    """Source lines as a report may show them; lines in `hidden` hold a secret, and are never shown."""

    def __init__(self, lines_of: LinesOf, said_at: SaidAt | None, hidden: frozenset[tuple[str, int]]) -> None:
        self._lines_of = lines_of
        self._said_at = said_at or self._lines_said
        self._hidden = hidden

    def shown(self, place: Place) -> str:
        """The first lines of a place, masked and cut; empty when one of them holds a secret or there are none."""
        if self._is_hidden(place):
            return ""
        last = min(place.end_line, place.line + _LINES - 1)
        lines = self._read(place._replace(end_line=last)).split("\n")[:_LINES]
        # Masked with room to spare, then cut: half a token at the edge would not be known for one.
        masked = mask("\n".join(line.rstrip("\r")[: 2 * _WIDTH] for line in lines)).split("\n")
        return "\n".join(line[:_WIDTH] for line in masked).rstrip()

    def said(self, place: Place, message: str) -> tuple[str, str]:
        """What a place says and what it lies in, never the line number; of a secret's line the message instead."""
        if not place.path or place.line < 1:
            return "", ""
        return (message, "") if self._is_hidden(place) else self._said_at(place)

    def _lines_said(self, place: Place) -> tuple[str, str]:
        return " ".join(self._read(place).split()), ""

    def _read(self, place: Place) -> str:
        if not place.path or place.line < 1:
            return ""
        return self._lines_of(place.path, place.line, max(place.line, place.end_line))

    def _is_hidden(self, place: Place) -> bool:
        lines = range(place.line, max(place.line, place.end_line) + 1)
        return bool(self._hidden) and any((place.path, line) in self._hidden for line in lines)


def finding_reports(check: str, findings: Iterable[Finding], source: Source) -> tuple[FindingReport, ...]:
    """The findings of one check, masked; those that say the same in the same place are told apart by their order."""
    seen: Counter[str] = Counter()
    reports = []
    for finding in findings:
        message = mask(finding.message)
        said, scope = source.said(finding.place, message)
        identity = "\0".join((check, finding.place.path, scope, said))
        seen[identity] += 1
        reports.append(
            FindingReport(
                *finding.place,
                message=message,
                fingerprint=digest(identity, str(seen[identity])),
                verdict=str(finding.verdict),
                source=source.shown(finding.place),
                content=digest(said),
            )
        )
    return tuple(reports)


def digest(*parts: str) -> str:
    """A short name for these texts, the same on every machine."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
