"""The file of known findings: the same bytes for the same findings, read back whole, hostile names harmless."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.errors import UsageError
from readiness.report.baseline import baseline_of, from_text, pruned, rewritten, to_text, with_baseline
from readiness.report.findings import every
from readiness.report.json import to_json
from readiness.report.model import CheckReport, FindingReport, Report, SkippedReport

from .sample import EVALS, NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED

HOSTILE = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)


def finding(path: str, line: int, content: str, fingerprint: str, verdict: str = "fail") -> FindingReport:
    return FindingReport(path, line, line, "wrong", fingerprint * 16, verdict, content=content * 16)


def report(*findings: FindingReport, check: CheckReport = TIMEOUT) -> Report:
    return replace(REPORT, checks=(replace(check, findings=findings),))


def states(old: Report, new: Report, *files: str) -> list[str]:
    """The states of the findings of `new` beside a baseline of `old`, when only `files` exist."""
    laid = with_baseline(new, baseline_of(old), "b.json", lambda path: path in files)
    check = laid.checks[0]
    return [one.state for one in check.findings]


@pytest.mark.parametrize("sample", [REPORT, TROUBLED, RATCHET, NO_MODEL])
def test_what_is_written_is_read_back(sample: Report) -> None:
    baseline = baseline_of(sample)
    assert from_text(to_text(baseline), "b.json") == baseline
    assert from_text(to_json(sample), "report.json") == baseline


def test_it_has_everything_that_is_found_whatever_is_reported() -> None:
    assert len(baseline_of(RATCHET).findings) == len(every(RATCHET)) == 4


def test_one_line_for_each_finding() -> None:
    text = to_text(baseline_of(REPORT))
    assert sum('"fingerprint"' in line for line in text.splitlines()) == len(baseline_of(REPORT).findings)
    assert json.loads(text)["score"] == 62.4


@given(HOSTILE, HOSTILE)
def test_hostile_names_are_data(path: str, message: str) -> None:
    hostile = report(replace(TIMEOUT.findings[0], path=path, message=message))
    text = to_text(baseline_of(hostile))
    assert text.encode("utf-8")
    (entry,) = from_text(text, "b.json").findings
    assert entry.fingerprint == TIMEOUT.findings[0].fingerprint


def test_the_same_fingerprint_is_known() -> None:
    old, new = report(finding("a.py", 3, "c", "1")), report(finding("a.py", 30, "d", "1"))
    assert states(old, new, "a.py") == ["known"]


def test_the_same_content_in_the_same_file_is_known() -> None:
    old, new = report(finding("a.py", 3, "c", "1")), report(finding("a.py", 30, "c", "2"))
    assert states(old, new, "a.py") == ["known"]


def test_the_same_content_elsewhere_has_moved_when_its_file_is_gone() -> None:
    old, new = report(finding("a.py", 3, "c", "1")), report(finding("b.py", 3, "c", "2"))
    assert states(old, new, "b.py") == ["moved"]
    assert states(old, new, "a.py", "b.py") == ["new"]


def test_a_check_that_was_renamed_keeps_what_is_known() -> None:
    old = baseline_of(report(finding("a.py", 3, "c", "1"), check=replace(TIMEOUT, name="call-timeout")))
    read = from_text(to_text(old), "b.json", {"call-timeout": TIMEOUT.name})
    laid = with_baseline(report(finding("a.py", 8, "c", "2")), read, "b.json", lambda path: True)
    assert [one.state for one in laid.checks[0].findings] == ["known"]


def test_one_entry_knows_one_finding() -> None:
    old = report(finding("a.py", 3, "c", "1"))
    new = report(finding("a.py", 3, "c", "2"), finding("a.py", 9, "c", "3"))
    assert states(old, new, "a.py") == ["known", "new"]


def test_what_got_worse_is_new_and_what_got_better_is_not() -> None:
    half, whole = finding("a.py", 3, "c", "1", "partial"), finding("a.py", 3, "c", "1")
    assert states(report(half), report(whole), "a.py") == ["new"]
    assert states(report(whole), report(half), "a.py") == ["known"]


def test_another_check_is_another_finding() -> None:
    old, new = report(finding("a.py", 3, "c", "1")), report(finding("a.py", 3, "c", "2"), check=EVALS)
    assert states(old, new, "a.py") == ["new"]


def test_what_is_gone_is_fixed_unless_nobody_looked() -> None:
    old, new = report(finding("a.py", 3, "c", "1"), finding("b.py", 3, "d", "2")), report()
    laid = with_baseline(new, baseline_of(old), "b.json", lambda path: True)
    assert laid.scope is not None
    assert [one.path for one in laid.scope.fixed] == ["a.py", "b.py"]
    unread = replace(new, skipped=(SkippedReport("a.py", "does not parse"),))
    laid = with_baseline(unread, baseline_of(old), "b.json", lambda path: True)
    assert laid.scope is not None
    assert [one.path for one in laid.scope.fixed] == ["b.py"]
    undecided = replace(new, checks=(replace(TIMEOUT, findings=(), verdict="unknown"),))
    assert with_baseline(undecided, baseline_of(old), "b.json", lambda path: True).scope.fixed == ()  # type: ignore[union-attr]


def test_pruning_takes_out_and_never_adds() -> None:
    old = baseline_of(report(finding("a.py", 3, "c", "1"), finding("b.py", 3, "d", "2")))
    now = report(finding("a.py", 8, "c", "1"), finding("new.py", 1, "e", "3"))
    assert [one.path for one in pruned(old, now, lambda path: True).findings] == ["a.py"]


def test_writing_again_adds_and_forgets_nothing_unseen() -> None:
    old = baseline_of(report(finding("a.py", 3, "c", "1"), finding("b.py", 3, "d", "2")))
    now = replace(report(finding("new.py", 1, "e", "3")), skipped=(SkippedReport("b.py", "does not parse"),))
    again = rewritten(old, baseline_of(now), now, lambda path: True)
    assert [one.path for one in again.findings] == ["b.py", "new.py"]


def test_the_score_of_then_stands_beside_it() -> None:
    laid = with_baseline(RATCHET, baseline_of(REPORT), "b.json", lambda path: True)
    assert laid.scope is not None and laid.scope.before is not None
    assert (laid.scope.before.value, laid.scope.before.same_ruler) == (62.4, True)
    other = replace(REPORT, ruler=replace(REPORT.ruler, hash="sha256:" + "cd" * 32))
    laid = with_baseline(RATCHET, baseline_of(other), "b.json", lambda path: True)
    assert laid.scope is not None and laid.scope.before is not None
    assert not laid.scope.before.same_ruler


@pytest.mark.parametrize(
    "text",
    ["", "[" * 100_000, "{}", "[]", '"x"', '{"readiness_baseline": "2"}', '{"schema_version": "9"}',
     '{"readiness_baseline": "1", "ruler": {}, "score": 1, "grade": "A", "findings": []}',
     '{"readiness_baseline": "1", "ruler": {"version": "1", "hash": "x"}, "score": "1", "grade": "A", "findings": []}',
     '{"readiness_baseline": "1", "ruler": {"version": "1", "hash": "x"}, "score": 1, "grade": "A", "findings": [1]}',
    ],
)  # fmt: skip
def test_what_is_no_baseline_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError, match=r"^b\.json "):
        from_text(text, "b.json")
