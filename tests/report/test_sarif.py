"""SARIF: what GitHub requires, within its limits; states, suppressions and places; harmless whatever a name holds."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readiness.assess.accuracy import Accuracy, CheckAccuracy
from readiness.assess.catalogue import Catalogue
from readiness.report.findings import EXEMPTIONS, reported
from readiness.report.model import CheckReport, FindingReport, Report, RulerReport, SkippedReport
from readiness.report.sarif import MOST_BYTES, MOST_RESULTS, to_sarif

from .sample import NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED
from .shelf import CATALOGUE

REPORTS = (REPORT, TROUBLED, RATCHET, NO_MODEL)
OFFICIAL_SCHEMA = "READINESS_SARIF_SCHEMA"

# What a hostile repository puts into names and contents; lone surrogates are the bytes of a name that is no UTF-8.
EVIL = (
    *("\n", "\r", "\r\n", "\x1b[31m", "\x00", "\u202e", "\u2066", "\u2028", "\ufeff", "\udcff", "\ud800", "\x9b", "\t"),
    *("\n::error::no", "::stop-commands::x", "%0A::error::no", "##[error]no", "<img src=x onerror=alert(1)>", "]]>"),
    *('"', "'", "\\", "`", "|", ",", ":", "%", "#", "?", " ", "/", "{0}", "[x](y)", "<!-- -->", "&amp;", "\uffff", "ö"),
)
WORST = "".join(EVIL)
HOSTILE = st.lists(st.sampled_from(EVIL) | st.text(st.characters(exclude_categories=()), max_size=5), max_size=12).map(
    "".join
)


def run(report: Report, catalogue: Catalogue = CATALOGUE, **options: bool) -> dict[str, Any]:
    log = json.loads(to_sarif(report, catalogue, **options))
    (one,) = log["runs"]
    assert isinstance(one, dict)
    return one


def results(report: Report, **options: bool) -> list[dict[str, Any]]:
    found = run(report, **options)["results"]
    assert isinstance(found, list)
    return found


def rule(name: str, report: Report = REPORT, catalogue: Catalogue = CATALOGUE) -> dict[str, Any]:
    (one,) = (one for one in run(report, catalogue)["tool"]["driver"]["rules"] if one["id"] == name)
    assert isinstance(one, dict)
    return one


def place(result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]


def with_finding(finding: FindingReport, check: CheckReport = TIMEOUT) -> Report:
    return replace(REPORT, checks=(replace(check, findings=(finding,)),))


def made_hostile(text: str) -> Report:
    """RATCHET with this text wherever a repository has a say; the length of every list is kept."""

    def finding(one: FindingReport) -> FindingReport:
        return replace(one, path=text, message=text, source=f"{text}\n{text}", fingerprint=text)

    return replace(
        RATCHET,
        ruler=RulerReport(text, text),
        repository=replace(RATCHET.repository, name=text, revision=text),
        checks=tuple(replace(one, findings=tuple(map(finding, one.findings))) for one in RATCHET.checks),
        suppressed=tuple(
            replace(one, path=text, message=text, reason=text, owner=text, evidence=text, expires=text)
            for one in RATCHET.suppressed
        ),
        exemptions=tuple(
            replace(one, check=text, path=text, reason=text, finding=finding(one.finding) if one.finding else None)
            for one in RATCHET.exemptions
        ),
        skipped=(SkippedReport(text, text),),
        gate=RATCHET.gate
        and replace(RATCHET.gate, demands=tuple(replace(one, demand=text, says=text) for one in RATCHET.gate.demands)),
    )


def hidden(text: str) -> list[str]:
    """The characters of a text that a reader would not see, or be misled by; line breaks are not among them."""
    categories = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return [one for one in text if one != "\n" and unicodedata.category(one) in categories]


def texts(value: Any) -> Iterator[str]:
    """Every text in decoded JSON, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.items() for part in item for text in texts(part))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts(item))


def assert_github_accepts(log: dict[str, Any]) -> None:
    """GitHub's list of required properties, none of them empty, and its limits."""
    assert log["$schema"] and log["version"] == "2.1.0"
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert one["tool"]["driver"]["name"] and one["automationDetails"]["id"] == "readiness/"
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert len(rule["id"]) > 0 and len(rule["name"]) <= 255 and rule["name"] != rule["id"]
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024 and 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"] and rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert len(rule["properties"]["tags"]) <= 10 and "security-severity" not in rule["properties"]
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    assert len(one["results"]) <= 5000
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"] and result["level"] in ("error", "warning", "note")
        uri, region = place(result)
        assert uri.isascii() and uri.isprintable() and not set(uri) & set(' :?#\\"<>')
        assert (region["startLine"], region["startColumn"]) >= (1, 1)
        assert (region["endLine"], region["endColumn"]) > (region["startLine"], region["startColumn"])


@pytest.mark.parametrize("report", REPORTS)
def test_github_accepts_it(report: Report) -> None:
    text = to_sarif(report, CATALOGUE)
    assert_github_accepts(json.loads(text))
    assert text.endswith("}\n") and text.count("\n") == 1


@pytest.mark.skipif(OFFICIAL_SCHEMA not in os.environ, reason=f"{OFFICIAL_SCHEMA} names no file")
@pytest.mark.parametrize("report", [*REPORTS, made_hostile(WORST)])
def test_the_standard_accepts_it(report: Report) -> None:
    """The schema of the standard is not ours to hand on: who has it names the file in READINESS_SARIF_SCHEMA."""
    schema = json.loads(Path(os.environ[OFFICIAL_SCHEMA]).read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(json.loads(to_sarif(report, CATALOGUE)))


def test_a_result_for_each_finding_worst_first() -> None:
    found = [(one["ruleId"], place(one)[0], one["level"]) for one in results(REPORT)]
    assert found == [
        ("evals-run-in-ci", ".github/workflows/ci.yml", "error"),
        ("llm-timeout-set", "src/agents/research.py", "error"),
        ("llm-timeout-set", "src/core/llm.py", "error"),
    ]
    assert "baselineState" not in results(REPORT)[0]


def test_with_a_baseline_only_what_is_new_is_a_result() -> None:
    found = [(one["ruleId"], one["baselineState"]) for one in results(RATCHET) if "suppressions" not in one]
    assert found == [("llm-timeout-set", "new"), (EXEMPTIONS, "new")]
    accepted = [one["baselineState"] for one in results(RATCHET) if "suppressions" in one]
    assert accepted == ["unchanged", "unchanged"]  # the standard: a state on each result, or on none


def test_since_a_revision_nothing_has_a_state_of_a_baseline() -> None:
    scope = RATCHET.scope and replace(RATCHET.scope, baseline=None, since="main", base="a" * 40)
    assert not any("baselineState" in one for one in results(replace(RATCHET, scope=scope)))


def test_what_is_accepted_is_suppressed_with_its_reason() -> None:
    found = {one["ruleId"]: one["suppressions"] for one in results(RATCHET) if "suppressions" in one}
    assert found == {
        "llm-timeout-set": [{"kind": "inSource", "justification": "runs at night, under a job limit"}],
        "fallback-path": [
            {
                "kind": "external",
                "justification": "satisfied elsewhere: the gateway of the platform falls back; evidence "
                "https://wiki.brightwater.io/gateway; owner platform@brightwater.io; until 2027-06-30",
            }
        ],
    }


def test_what_is_accepted_can_be_left_out_for_hosts_that_do_not_know_the_mark() -> None:
    assert not any("suppressions" in one for one in results(RATCHET, suppressed=False))
    assert len(results(RATCHET, suppressed=False)) == len(reported(RATCHET))


@pytest.mark.parametrize(
    ("weight", "verdict", "level"),
    [
        ("critical", "fail", "error"),
        ("critical", "partial", "warning"),
        ("high", "fail", "error"),
        ("high", "partial", "warning"),
        ("medium", "fail", "warning"),
        ("medium", "partial", "warning"),
        ("low", "fail", "note"),
        ("low", "partial", "note"),
    ],
)
def test_levels(weight: str, verdict: str, level: str) -> None:
    finding = replace(TIMEOUT.findings[0], verdict=verdict)
    (one,) = results(with_finding(finding, replace(TIMEOUT, weight=weight)))
    assert one["level"] == level


def test_a_fingerprint_is_given_twice_under_the_name_github_reads_and_under_ours() -> None:
    assert results(REPORT)[0]["partialFingerprints"] == {
        "primaryLocationLineHash": "2f1e2d3c4b5a6978:1",
        "readiness/v1": "2f1e2d3c4b5a6978",
    }
    assert "partialFingerprints" not in results(TROUBLED)[-1]  # a saved report from before suppressed ones had any


def test_a_rule_tells_why_what_to_do_and_how_to_accept() -> None:
    told = rule("llm-timeout-set")
    assert told["shortDescription"]["text"] == "Every call has a timeout."
    assert told["fullDescription"]["text"].startswith("Every call has a timeout. A call that hangs holds a worker, a")
    for text in told["help"].values():
        assert "It happens:\n- at night\n- on a holiday" in text
        assert "Set `timeout=` once, on the client." in text
        assert "`readiness explain llm-timeout-set`" in text
        assert "`# readiness: ignore[llm-timeout-set] reason`" in text
    assert told["properties"]["tags"] == ["input-resilience", "technical"]
    assert told["defaultConfiguration"] == {"level": "error"}


def test_rules_are_those_that_were_judged_found_or_not() -> None:
    ids = [one["id"] for one in run(RATCHET)["tool"]["driver"]["rules"]]
    assert ids[:2] == ["evals-run-in-ci", "llm-timeout-set"]  # known to the catalogue, in its order
    assert ids[-1] == EXEMPTIONS and EXEMPTIONS not in [one["id"] for one in run(REPORT)["tool"]["driver"]["rules"]]
    assert "no-hardcoded-secrets" not in ids  # of the catalogue, not of the report
    assert not run(NO_MODEL)["tool"]["driver"]["rules"]


def test_a_check_of_another_ruler_is_named() -> None:
    assert rule("output-guardrail")["shortDescription"]["text"] == "What the model says is checked before it is shown."
    assert "has no check `output-guardrail`" in rule("output-guardrail")["help"]["text"]


@pytest.mark.parametrize(
    ("right", "complaints", "precision"),
    [
        (0, 0, "medium"),  # nothing is known
        (4, 4, "medium"),  # too few to know
        (5, 5, "high"),
        (40, 40, "very-high"),
        (85, 100, "medium"),
        (3, 4, "low"),  # experimental
    ],
)
def test_precision_is_what_was_measured(right: int, complaints: int, precision: str) -> None:
    measured = CheckAccuracy(labelled=complaints, wanted=right, reported=complaints, both=right)
    catalogue = replace(CATALOGUE, accuracy=Accuracy(checks={"llm-timeout-set": measured}))
    assert rule("llm-timeout-set", catalogue=catalogue)["properties"]["precision"] == precision


@pytest.mark.parametrize(
    ("line", "end_line", "source", "region"),
    [
        (3, 3, "a = 1", (3, 1, 3, 6)),
        (3, 4, "a(\n  b)", (3, 1, 4, 5)),
        (3, 9, "a(\n  b,", (3, 1, 9, 2)),  # its end is not shown
        (3, 3, "", (3, 1, 3, 2)),  # a secret
        (0, 0, "", (1, 1, 1, 2)),
        (7, 3, "", (7, 1, 7, 2)),
    ],
)
def test_a_region_is_whole_lines(line: int, end_line: int, source: str, region: tuple[int, ...]) -> None:
    (one,) = results(with_finding(FindingReport("a.py", line, end_line, "no", "f", source=source)))
    found = place(one)[1]
    assert tuple(found[key] for key in ("startLine", "startColumn", "endLine", "endColumn")) == region


def test_a_snippet_says_where_it_is_cut() -> None:
    (one,) = results(with_finding(replace(TIMEOUT.findings[0], end_line=99)))
    assert place(one)[1]["snippet"]["text"].endswith("    *history,\n    ],\n…")


def test_what_concerns_the_whole_repository_is_said_at_its_readme() -> None:
    (one,) = results(with_finding(FindingReport("", 0, 0, "no evaluation is run", "f")))
    assert place(one)[0] == "README.md"
    assert one["locations"][0]["message"]["text"] == "It concerns the repository as a whole."


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("src/a b.py", "src/a%20b.py"),
        ("50%.py", "50%25.py"),
        ("c#/a?.py", "c%23/a%3F.py"),
        ("new\nline.py", "new%0Aline.py"),
        ("https://x.py", "https%3A//x.py"),
        ("grün.py", "gr%C3%BCn.py"),
        ("caf\udce9.py", "caf%E9.py"),
    ],
)
def test_a_path_is_a_percent_encoded_reference(path: str, uri: str) -> None:
    (one,) = results(with_finding(FindingReport(path, 1, 1, "no", "f")))
    assert place(one)[0] == uri
    assert unquote_to_bytes(uri) == os.fsencode(path)


def test_a_message_is_a_sentence_without_links_or_placeholders() -> None:
    (one,) = results(with_finding(FindingReport("a.py", 1, 1, "see [here](https://x.example) {0}", "f")))
    assert one["message"]["text"] == "see [here] (https://x.example) {{0}}."


def test_files_that_were_not_read_are_notified() -> None:
    (one,) = run(TROUBLED)["invocations"]
    assert one["executionSuccessful"]
    assert [note["message"]["text"] for note in one["toolExecutionNotifications"]] == [
        "Not read: larger than 2 MB",
        "Not read: does not parse: line 4: invalid syntax",
    ]


def test_notifications_are_bounded() -> None:
    many = tuple(SkippedReport(f"{number}.py", "does not parse") for number in range(1000))
    notes = run(replace(REPORT, skipped=many))["invocations"][0]["toolExecutionNotifications"]
    assert len(notes) == 101
    assert notes[-1]["message"]["text"] == "900 further files were not read: the JSON report lists them."


def test_the_headline_has_both_scores_and_the_gate() -> None:
    told = run(RATCHET)["properties"]
    assert (told["score"], told["grade"], told["rawScore"], told["rawGrade"]) == (66.1, "C", 62.4, "C")
    assert told["stackHeight"] == 2 and told["ruler"]["version"] == "1.0.0"
    assert told["gate"]["met"] is False and len(told["gate"]["demands"]) == 2
    assert "rawScore" not in run(REPORT)["properties"]


def test_without_a_model_there_is_no_score_and_that_is_said() -> None:
    assert run(NO_MODEL)["properties"]["score"] is None
    assert run(NO_MODEL)["results"] == []
    (note,) = run(NO_MODEL)["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "The repository uses no AI model, so there is no score."


@pytest.mark.parametrize("name", ["short.py", "ü" * 2000])
def test_more_than_a_host_takes_is_left_out_and_counted(name: str) -> None:
    many = tuple(FindingReport(f"{number:04}{name}", 1, 1, "no", "f") for number in range(6000))
    text = to_sarif(replace(REPORT, checks=(replace(TIMEOUT, findings=many), *REPORT.checks[:2])), CATALOGUE)
    (one,) = json.loads(text)["runs"]
    kept = len(one["results"])
    assert kept <= MOST_RESULTS and len(text.encode()) < 10_000_000
    assert kept == MOST_RESULTS or len(text.encode()) > MOST_BYTES * 0.9
    assert one["results"][0]["ruleId"] == "evals-run-in-ci"  # worst first: of the same weight, by path
    assert one["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == (
        f"{6001 - kept} further results are left out: a host accepts no more."
    )


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
@example(WORST)
def test_no_name_and_no_content_does_harm(text: str) -> None:
    written = to_sarif(made_hostile(text), CATALOGUE)
    log = json.loads(written)
    assert_github_accepts(log)
    assert len(log["runs"][0]["results"]) == len(results(RATCHET))
    assert not hidden(written) and written.count("\n") == 1
    assert not [one for one in texts(log) if hidden(one)]
