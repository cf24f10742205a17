"""A small catalogue to load and break, about facts as small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

DELETE = object()

SITES = {
    "name": "doors-closed",
    "statement": "Every door is closed.",
    "layer": "ground",
    "debt": "technical",
    "weight": "critical",
    "effort": "hours",
    "since": "0.1.0",
    "why": "Open doors let the cold in.",
    "sources": ["A house, any winter."],
    "applies": "gate",
    "each": "doors",
    "as": "door",
    "pass": "door.closed",
    "partial": "door.width is number and door.width < 10",
    "message": "{{ door.name }} is open",
    "detection": "It looks at every door.",
    "remedy": "Close it.",
    "false_positives": "A door that is painted on.",
    "examples": [
        {"verdict": "fail", "files": {"a.py": "x = 1\n"}},
        {"verdict": "pass", "files": {"a.py": "x = 2\n"}, "shows": "a painted door"},
    ],
}
RUNGS = {
    **{key: value for key, value in SITES.items() if key not in ("each", "as", "pass", "partial")},
    "name": "alarm-rings",
    "statement": "The alarm rings somewhere.",
    "layer": "roof",
    "debt": "governance",
    "weight": "low",
    "effort": "days",
    "message": "there is no alarm",
    "rungs": [
        {"verdict": "pass", "when": "doors | selectattr('alarmed')"},
        {
            "verdict": "partial",
            "when": "doors | selectattr('wired')",
            "message": "wired, but {{ found | length }} silent",
        },
    ],
}
SCALES = {
    "layers.yaml": {
        "layers": [
            {"name": "ground", "title": "Ground", "question": "Does it stand?"},
            {"name": "roof", "title": "Roof", "question": "Is it dry?"},
        ]
    },
    "debts.yaml": {
        "debts": [
            {"name": "technical", "title": "Technical", "description": "Work on walls."},
            {"name": "governance", "title": "Governance", "description": "Work on rules."},
        ]
    },
    "grades.yaml": {
        "grades": [{"grade": "A", "from": 90}, {"grade": "C", "from": 50}, {"grade": "F", "from": 0}],
        "cap": {"weight": "critical", "grade": "C"},
        "stack_threshold": 70,
    },
}


@pytest.fixture
def write_catalogue(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the catalogue, with changes to the check of sites and of rungs, and returns its root."""

    def write(
        sites: dict[str, Any] | None = None, rungs: dict[str, Any] | None = None, scales: dict[str, Any] | None = None
    ) -> Path:
        folder = tmp_path / "house" / "checks"
        for check, change in ((SITES, sites or {}), (RUNGS, rungs or {})):
            content = {key: value for key, value in {**check, **change}.items() if value is not DELETE}
            path = folder / str(check["layer"]) / f"{check['name']}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        for name, content in {**SCALES, **(scales or {})}.items():
            (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        return folder.parent

    return write


@pytest.fixture
def without() -> object:
    """The value that takes a field out of a check."""
    return DELETE
