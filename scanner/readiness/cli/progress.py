"""A progress bar on standard error, for scans that let a person wait."""

from __future__ import annotations

import os
import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds before a bar appears: what is over at once needs none."""

_STEP = 0.1


class Watch:
    """Shows how far a scan is, when a terminal watches and it takes long; gone when the scan is done."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._next = monotonic() + PATIENCE
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that `done` of `total` steps of a stage are done; one step or none is shown as "busy"."""
        now = monotonic()
        if not self._watched or (now < self._next and (self._progress is None or stage == self._stage)):
            return
        if self._progress is None:
            self._progress = _bar()
            self._progress.start()
        counted = total > 1
        count = f"{done}/{total}" if counted else ""
        if self._task is None or stage != self._stage:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(stage, total=total if counted else None, count=count)
        self._progress.update(self._task, completed=done, count=count)
        self._next, self._stage = now + _STEP, stage


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        console=Console(file=sys.stderr),
        transient=True,
    )
