"""GitHub, as far as the action sees it: events, a repository to push to, and a runner."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .runner import Outcome, Runner

PUSH = {
    "repository": "acme/answers",
    "token": "a-token",
    "event_name": "push",
    "ref_name": "main",
    "event": {"repository": {"default_branch": "main"}},
}
PULL_REQUEST = {
    **PUSH,
    "event_name": "pull_request",
    "ref_name": "7/merge",
    "event": {**PUSH["event"], "pull_request": {"number": 7}},  # type: ignore[dict-item]
}


class Host:
    """GitHub, as far as the action sees it: a run of the action is a call."""

    def __init__(self, action: Path, root: Path, hub: Path, machine: Mapping[str, str]) -> None:
        """Keep everything below `root`."""
        self.action, self.root, self.hub = action, root, hub
        programs = root / "programs"
        programs.mkdir()
        stand_in = Path(__file__).with_name("gh.py")
        (programs / "gh").write_text(f'#!/bin/sh\nexec {sys.executable} {stand_in} "$@"\n', "utf-8")
        (programs / "gh").chmod(0o755)
        path, state = f"{programs}:{machine['PATH']}", str(root / "comments.json")
        self.environment = {**machine, "PATH": path, "GH_STATE": state}

    def __call__(
        self,
        workspace: Path,
        done: Mapping[str, dict[str, str]],
        inputs: Mapping[str, str],
        github: Mapping[str, Any] = PUSH,
        environ: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run the steps that are not done, on what is in the workspace."""
        temporary = self.root / f"run-{len(list(self.root.glob('run-*')))}"
        temporary.mkdir()
        context = {**github, "server_url": f"file://{self.hub.parents[1]}"}
        runner = Runner(self.action, workspace, temporary, {**self.environment, **(environ or {})}, context)
        return runner.run({name.replace("_", "-"): value for name, value in inputs.items()}, done)
