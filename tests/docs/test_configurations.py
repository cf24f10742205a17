"""Every configuration that the documentation shows is one: its keys are read, and its checks exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.assess.catalogue import load_catalogue
from readiness.repository.configuration import load_configuration
from readiness.scanning import refuse_unknown_checks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in (ROOT / "docs").rglob("*.md")
    if "```toml" in page.read_text("utf-8") and "checks" not in page.parts
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_configurations_of_a_page(page: Path, tmp_path: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        (tmp_path / "readiness.toml").write_text(block, "utf-8")
        refuse_unknown_checks(load_configuration(tmp_path), load_catalogue())


def test_there_are_some() -> None:
    assert {"accept-a-finding", "hold-the-line", "gate-a-pipeline", "configuration"} <= {page.stem for page in PAGES}
