"""An attestation stands for its owner's word, and for no longer than they gave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from readiness import Report, scan

APP = """\
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()


@app.post("/ask")
def ask(question: str) -> str:
    answer = OpenAI().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""
"""
ENTRY = """\
  - claim: provider-contract
    owner: legal@brightwater.io
    evidence: contract.md
    date: 2026-10-01
    expires: 2027-10-01
"""
TODAY = date(2026, 11, 21)

Attest = Callable[..., Report]


@pytest.fixture
def attest(make_repository: Callable[[Mapping[str, str]], Path]) -> Attest:
    """A function that scans a service with this `readiness.attest.yaml`."""

    def scanned(text: str, name: str = "readiness.attest.yaml", today: date = TODAY) -> Report:
        files = {"app.py": APP, "contract.md": "# Contract\n"} | ({name: text} if text else {})
        return scan(make_repository(files), as_of=today)

    return scanned


def entries(*texts: str) -> str:
    return "attestations:\n" + "".join(texts)


def test_what_stands_is_shown_and_changes_no_number(attest: Attest) -> None:
    without, report = attest(""), attest(entries(ENTRY))
    (found,) = report.attestations
    assert (found.claim, found.standing, found.problem) == ("provider-contract", "attested", "")
    assert (found.path, found.line, found.end_line) == ("readiness.attest.yaml", 2, 6)
    assert report.score == without.score
    assert [(one.name, one.verdict) for one in report.checks] == [(one.name, one.verdict) for one in without.checks]


def test_a_check_may_be_attested_and_keeps_its_verdict(attest: Attest) -> None:
    report = attest(entries(ENTRY.replace("provider-contract", "llm-timeout-set")), name="readiness.attest.yml")
    assert report.attestations[0].standing == "attested"
    check = report.check("llm-timeout-set")
    assert check is not None and check.verdict != "pass"


@pytest.mark.parametrize(("today", "standing"), [(date(2027, 10, 1), "attested"), (date(2027, 10, 2), "expired")])
def test_it_ends_with_its_last_day(attest: Attest, today: date, standing: str) -> None:
    assert attest(entries(ENTRY), today=today).attestations[0].standing == standing


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("provider-contract", "provider-contrakt", "did you mean `provider-contract`"),
        ("    owner: legal@brightwater.io\n", "", "owner must be given"),
        ("legal@brightwater.io", "TBD", "nobody"),
        ("contract.md", "contracts.md", "neither a web address nor a file"),
        ("2026-10-01", "October", "no day: write YYYY-MM-DD"),
        ("2027-10-01", "2026-09-01", "not after its date"),
        ("2026-10-01", "2026-12-24", "later than the day of this report"),
        ("owner:", "ownr: x\n    owner:", "did you mean `owner`"),
    ],
)
def test_what_is_malformed_says_what_to_mend(attest: Attest, old: str, new: str, told: str) -> None:
    (found,) = attest(entries(ENTRY.replace(old, new))).attestations
    assert found.standing == "malformed"
    assert told in found.problem


@pytest.mark.parametrize(
    "text", ["- just\n- a list\n", "attestations: yes\n", "attestations: [1]\n", "a: [\n", "a: &x [*x]\n"]
)
def test_a_file_that_holds_no_attestations_is_a_finding_and_no_crash(attest: Attest, text: str) -> None:
    (found,) = attest(text).attestations
    assert found.standing == "malformed" and found.problem and found.path == "readiness.attest.yaml"


def test_the_second_of_two_files_is_a_finding(
    attest: Attest, make_repository: Callable[[Mapping[str, str]], Path]
) -> None:
    files = {"app.py": APP, "contract.md": "# C\n"}
    both = {name: entries(ENTRY) for name in ("readiness.attest.yaml", "readiness.attest.yml")}
    standings = [one.standing for one in scan(make_repository(files | both), as_of=TODAY).attestations]
    assert standings == ["attested", "attested", "malformed"]
