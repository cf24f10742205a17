"""The HTML report in a real browser: its script filters, and no other script runs.

Chromium is started once per test, so it is where the generated projects are run too: with READINESS_RUN_PROJECTS.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from readiness.assess.catalogue import load_catalogue
from readiness.report.html import to_html
from readiness.report.model import Report

from .sample import RATCHET, REPORT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(not os.environ.get("READINESS_RUN_PROJECTS"), reason="READINESS_RUN_PROJECTS=1 starts browsers"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

Show = Callable[..., str]  # (page, fragment)


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """A function that opens a page from disk, without a network, and returns what it has become."""

    def show(page: str, fragment: str = "") -> str:
        file = tmp_path / "report.html"
        file.write_text(page, encoding="utf-8", newline="")
        assert CHROMIUM is not None
        outcome = subprocess.run(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--dump-dom",
                f"{file.as_uri()}{fragment}",
            ],
            capture_output=True, text=True, encoding="utf-8", check=True, timeout=120,
        )  # fmt: skip
        console = [line for line in outcome.stderr.splitlines() if "CONSOLE" in line]
        return "\n".join([outcome.stdout, *console])

    return show


def page_of(report: Report) -> str:
    return to_html(report, load_catalogue())


def visible(shown: str) -> list[str]:
    """The checks that are not hidden, in their order."""
    tags = re.findall(r'<li class="check [^>]*>', shown)
    return [re.findall(r'data-name="([^"]*)"', tag)[0] for tag in tags if ' hidden=""' not in tag]


def counted(shown: str) -> str:
    return re.findall(r'<output id="shown"[^>]*>([^<]*)<', shown)[0]


@pytest.mark.parametrize(
    ("fragment", "names", "count"),
    [
        ("", [check.name for check in REPORT.checks], "5 checks"),
        ("#verdict=fail", ["evals-run-in-ci"], "1 of 5 checks"),
        ("#layer=safety-governance&debt=governance", ["human-approval-for-risky-actions", "output-guardrail"], "2 of"),
        ("#sort=gain&weight=critical&findings=1", ["evals-run-in-ci", "llm-timeout-set"], "2 of 5 checks"),
        ("#text=RESEARCH.py+ChatAnthropic", ["llm-timeout-set"], "1 of 5 checks"),
        ("#text=no+such+words", [], "0 of 5 checks"),
        ("#verdict=splendid&sort=mood", [check.name for check in REPORT.checks], "5 checks"),
    ],
)
def test_the_fragment_filters_and_sorts(show: Show, fragment: str, names: list[str], count: str) -> None:
    shown = show(page_of(REPORT), fragment)
    assert visible(shown) == names
    assert counted(shown).startswith(count)
    assert "CONSOLE" not in shown


def test_the_order_by_name_is_one_list(show: Show) -> None:
    names = visible(show(page_of(REPORT), "#sort=name"))
    assert names == sorted(check.name for check in REPORT.checks)


def test_only_new_findings(show: Show) -> None:
    assert visible(show(page_of(RATCHET), "#new=1")) == ["llm-timeout-set"]


def test_a_link_to_a_check_opens_it(show: Show) -> None:
    shown = show(page_of(REPORT), "#check-llm-timeout-set")
    assert re.findall(r'id="(check-[^"]*)"[^>]*>\s*<details open', shown) == ["check-llm-timeout-set"]


def test_without_scripts_all_checks_are_there_and_no_control_that_would_do_nothing(show: Show) -> None:
    page = re.sub("script-src [^;]*;", "script-src &#39;none&#39;;", page_of(REPORT), count=1)
    shown = show(page, "#verdict=fail")
    assert visible(shown) == [check.name for check in REPORT.checks]
    assert re.search(r'<div id="filters"[^>]* hidden=""', shown)


def test_a_hostile_name_is_text_in_a_browser_too(show: Show) -> None:
    name = "<img src=x onerror=document.title='broken'></h1><script>document.title='broken'</script>"
    shown = show(page_of(replace(REPORT, repository=replace(REPORT.repository, name=name))))
    assert "<img" not in shown.split("</style>")[1]
    assert "<title>broken" not in shown
    assert counted(shown) == "5 checks"


def test_even_markup_that_got_in_could_do_nothing(show: Show) -> None:
    intruder = (
        "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
        "<img src='http://example.org/seen'>"
    )
    shown = show(page_of(REPORT).replace("</main>", f"{intruder}</main>"))
    assert "<title>broken" not in shown
    assert shown.count("Content Security Policy") >= 3
    assert counted(shown) == "5 checks"
