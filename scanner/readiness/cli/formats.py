"""The forms of a report, and where each of them goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.cli.output import STDOUT
from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from readiness.report.model import Report


class Format(StrEnum):
    """The forms of a report."""

    TERMINAL = "terminal"
    JSON = "json"
    SARIF = "sarif"
    GITLAB = "gitlab"
    JUNIT = "junit"
    GITHUB = "github"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Target:
    """One form of the report and the file it goes to; None is the standard output."""

    form: Format
    path: Path | None


_NAMED = re.compile(r"([a-z]+)=(.+)")


def targets(form: Format | None, outputs: Iterable[str]) -> tuple[Target, ...]:
    """Where the report goes, in which form.

    Args:
        form: what `--format` says, if it was given.
        outputs: what each `--output` says: `FILE`, for the form of `--format`, or `FORMAT=FILE`; `-` is the standard
            output, which gets the report of `--format` unless one of these takes it.

    Raises:
        UsageError: an unknown form, a file for two forms, or two for the standard output.
    """
    texts = list(outputs)
    found = [_target(form or Format.TERMINAL, text) for text in texts]
    own = any(_NAMED.fullmatch(text) is None for text in texts)  # `--format` has its file
    if not own and not any(one.path is None for one in found):
        found = [Target(form or Format.TERMINAL, None), *found]
    places = [one.path for one in found]
    for place in places:
        if places.count(place) > 1:
            raise UsageError(f"two reports would go to {place or 'the standard output'}; name a file for each form")
    return tuple(found)


def _target(form: Format, text: str) -> Target:
    named = _NAMED.fullmatch(text)
    if named is None:
        return Target(form, _path(text))
    if named[1] not in tuple(Format):
        raise unknown("format", named[1], tuple(Format), f"a file whose name has a `=` is written ./{text}")
    return Target(Format(named[1]), _path(named[2]))


def _path(text: str) -> Path | None:
    return None if Path(text) == STDOUT else Path(text)


def rendered(report: Report, form: Format) -> str:
    """The report in a form other than the terminal's, as text."""
    if form is Format.JSON:
        from readiness.report.json import to_json

        return to_json(report)
    if form is Format.GITLAB:
        from readiness.report.gitlab import to_gitlab

        return to_gitlab(report)
    if form is Format.JUNIT:
        from readiness.report.junit import to_junit

        return to_junit(report)
    if form is Format.GITHUB:
        from readiness.report.github import to_github

        return to_github(report)
    if form is Format.MARKDOWN:
        from readiness.report.markdown import to_markdown

        return to_markdown(report)
    return _with_catalogue(report, form)


def _with_catalogue(report: Report, form: Format) -> str:
    from readiness.assess.catalogue import load_catalogue

    if form is Format.SARIF:
        from readiness.report.sarif import to_sarif

        return to_sarif(report, load_catalogue())
    from readiness.report.html import to_html

    return to_html(report, load_catalogue())
