"""Where a fact is: nothing is asserted that cannot be shown."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A span of lines in one file; `path` is relative to the scanned root with `/`, lines count from 1."""

    path: str
    line: int
    end_line: int


class Evidence(NamedTuple):
    """A place and, in a few words, what is there ("ChatOpenAI(...)", "uses: docker/build-push-action")."""

    place: Place
    text: str
