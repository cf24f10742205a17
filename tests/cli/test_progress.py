"""The progress bar: only for people, only when they wait."""

from __future__ import annotations

import io
import sys

import pytest

from readiness.cli.progress import PATIENCE, Watch


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr("readiness.cli.progress.monotonic", turned)
    return turned


def told(stream: io.StringIO, clock: Clock, wait: float, monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    with Watch() as watch:
        watch("reading", 1, 10)
        clock.now += wait
        watch("reading", 5, 10)
        watch("linking", 0, 1)
    return stream.getvalue()


def test_a_person_who_waits_sees_how_far_it_is(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = told(Terminal(), clock, PATIENCE + 0.1, monkeypatch)
    assert "reading" in shown
    assert "linking" in shown


def test_what_is_over_at_once_shows_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Terminal(), clock, PATIENCE / 2, monkeypatch) == ""


def test_a_pipe_and_a_dumb_terminal_see_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(io.StringIO(), clock, PATIENCE + 0.1, monkeypatch) == ""
    assert told(Terminal(), clock, PATIENCE + 0.1, monkeypatch, term="dumb") == ""
