"""A word is no practice: what every repository is full of satisfies no check and fails none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness import scan
from readiness.scaffold import Source, generate

from .noise import MUCH_USED, NOISE
from .service import FILES

Make = Callable[[Mapping[str, str]], Path]


def verdicts(root: Path) -> dict[str, str]:
    return {check.name: check.verdict for check in scan(root).checks}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("demo")
    return verdicts(with_noise(folder, {}))


def with_noise(folder: Path, noise: Mapping[str, str]) -> Path:
    """The demo in a folder, with these texts at the ends of its files."""
    for name in dict.fromkeys([*FILES, *noise]):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(FILES.get(name, "") + noise.get(name, ""), "utf-8")
    return folder


def test_the_demo_leaves_most_to_be_said(before: dict[str, str]) -> None:
    """Otherwise there would be nothing for noise to change."""
    unsatisfied = [name for name, verdict in before.items() if verdict in {"fail", "partial"}]
    assert len(unsatisfied) > len(before) / 2
    assert len(MUCH_USED) >= 200


# Where noise goes in a service that is well kept: a module of its own, and the README.
KEPT = {
    "src/support_answers/odds.py": [
        ("unused imports of much used packages", "app.py"),
        ("unused imports of packages of the field", "app.py"),
        ("words in comments, names and constants", "app.py"),
        ("look-alikes", "app.py"),
    ],
    "README.md": [("common words in the README", "README.md")],
}

# Twilio's client is no model, and yet somebody who may keep us waiting: whether it does is not known.
TOLD = {"look-alikes": {"outbound-timeouts": "unknown"}}


@pytest.mark.parametrize("kind", NOISE)
def test_noise_changes_no_verdict(kind: str, before: dict[str, str], tmp_path: Path) -> None:
    after = verdicts(with_noise(tmp_path, NOISE[kind]))
    assert {name: verdict for name, verdict in after.items() if verdict != before[name]} == TOLD.get(kind, {})


def test_noise_breaks_nothing_that_is_there(tmp_path: Path) -> None:
    project = tmp_path / "support-answers"
    generate(project, {}, source=Source("/the/template", "v0.0.1"))
    before = verdicts(project)
    for path, kinds in KEPT.items():
        with (project / path).open("a", encoding="utf-8") as file:
            file.write("".join(NOISE[kind][name] for kind, name in kinds))
    assert {
        name: (before[name], verdict) for name, verdict in verdicts(project).items() if verdict != before[name]
    } == {}
