"""Every example of every check is a small repository; the whole scanner must give it the verdict it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.assess.catalogue import load_catalogue
from readiness.assess.check import Check, Example


def examples() -> Iterator[Any]:
    for check in load_catalogue().checks:
        for number, example in enumerate(check.examples, 1):
            yield pytest.param(check.name, example, id=f"{check.name}-{number}-{example.verdict}")


@pytest.mark.parametrize(("name", "example"), list(examples()))
def test_an_example_gets_its_verdict(name: str, example: Example, tmp_path: Path) -> None:
    for path, content in example.files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8", newline="")
    report = readiness.scan(tmp_path)
    result = next((check for check in report.checks if check.name == name), None)
    verdict = result.verdict if result is not None else "not-applicable"  # no check is judged where there is no model
    assert verdict == example.verdict, "\n".join(
        [
            example.shows,
            *(f"{finding.path}:{finding.line} {finding.message}" for finding in (result.findings if result else ())),
        ]
    )


@pytest.mark.parametrize("check", load_catalogue().checks, ids=lambda check: check.name)
def test_the_examples_drive_a_check_to_each_verdict_that_it_can_give(check: Check) -> None:
    assert check.verdicts - {example.verdict for example in check.examples} == set()
