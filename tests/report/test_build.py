"""From an assessment to a report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import jsonschema

from readiness.assess.assessment import (
    Action,
    Assessment,
    Debt,
    Finding,
    LayerScore,
    Result,
    Ruler,
    Score,
    Sites,
    Verdict,
)
from readiness.assess.catalogue import Catalogue
from readiness.facts.place import Evidence, Place
from readiness.report.build import build_report
from readiness.report.json import schema, to_data
from readiness.report.model import FileCounts, ProblemReport, Report
from readiness.repository.tree import Repository, Skipped

from .shelf import CATALOGUE

KEY = "sk-" + "aB3dE6gH9jK2mN5pQ8rS1tU4"
FILES = {
    "src/llm.py": ["client = OpenAI()", "", "reply = client.chat.completions.create(", "    model=MODEL,", ")"],
    "src/settings.py": ["import os", f'SECRET = "{KEY}"', 'pin = "tiny-pin-1"'],
}


def lines_of(path: str, line: int, end_line: int) -> str:
    return "\n".join(FILES.get(path, [])[line - 1 : end_line])


def finding(path: str, line: int, end_line: int, message: str = "no timeout") -> Finding:
    return Finding(Place(path, line, end_line), message, Verdict.FAIL)


def result(
    check: str, *findings: Finding, verdict: Verdict = Verdict.FAIL, evidence: tuple[Evidence, ...] = ()
) -> Result:
    return Result(check, verdict, 1 / 3, Sites(1, 0, 2, 0), evidence, findings, gain=3.14159)


def report_of(*results: Result, lines: Callable[[str, int, int], str] = lines_of, score: float = 62.44) -> Report:
    assessment = Assessment(
        ruler=Ruler("1.0.0", "sha256:" + "0" * 64),
        score=Score(score, 58.06, 71.21, "C", "C", ("llm-timeout-set",), 1, 0.79996),
        layers=tuple(
            LayerScore(layer.name, 89.96 if not number else None, 4 if not number else 0)
            for number, layer in enumerate(CATALOGUE.layers)
        ),
        debts=(Debt("technical", 1.25, 1 / 3),),
        grid={("model-capability", "technical"): 33.33},
        results=results,
        actions=(Action("llm-timeout-set", 3.14159, "minutes"),),
    )
    repository = Repository(
        name="demo",
        revision="a561c88",
        dirty=False,
        committed=date(2026, 11, 1),
        files=(),
        skipped=(Skipped("z.bin", "binary"), Skipped("a.bin", "binary")),
    )
    return build_report(
        repository=repository,
        assessment=assessment,
        catalogue=CATALOGUE,
        files=FileCounts(read=2, python=2, notebooks=0, skipped=0),
        gates={"llm": True, "agent": False},
        kinds=["llm-service"],
        lines_of=lines,
        problems=[ProblemReport("b.py", 2, "imports nothing"), ProblemReport("a.py", 1, f"reads {KEY}")],
        skipped=[Skipped("m.py", "does not parse"), Skipped("z.bin", "binary")],
        as_of=date(2026, 11, 20),
    )


def test_what_is_built_is_valid() -> None:
    report = report_of(result("llm-timeout-set", finding("src/llm.py", 3, 5)))
    jsonschema.Draft202012Validator(schema()).validate(to_data(report))


def test_numbers_are_rounded_once_and_scores_never_up() -> None:
    report = report_of(result("llm-timeout-set"), score=89.96)
    assert report.score is not None
    assert (report.score.value, report.score.low, report.score.high) == (89.9, 58.0, 71.3)
    assert report.layers[0].score == 89.9
    assert report.checks[0].satisfaction == 0.333
    assert report.checks[0].gain == report.actions[0].gain == 3.1
    assert report.score.provisional


def test_a_whole_number_stays_whole() -> None:
    score = report_of(score=58.1).score
    assert score is not None
    assert score.value == 58.1


def test_a_score_without_unknowns_has_no_interval() -> None:
    score = report_of(score=71.21).score
    assert score is not None
    assert score.value == score.high == 71.2


def test_only_the_layers_of_the_stack_stand() -> None:
    assert [layer.standing for layer in report_of().layers] == [True, False]


def test_every_file_passed_over_is_told_once_and_counted() -> None:
    report = report_of()
    assert [one.path for one in report.skipped] == ["a.bin", "m.py", "z.bin"]
    assert report.repository.files.skipped == 3


def test_undecided_checks_have_no_satisfaction() -> None:
    for verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE):
        assert report_of(result("llm-timeout-set", verdict=verdict)).checks[0].satisfaction is None


def test_a_finding_shows_its_first_lines() -> None:
    (check,) = report_of(result("llm-timeout-set", finding("src/llm.py", 3, 5))).checks
    assert check.findings[0].source == "reply = client.chat.completions.create(\n    model=MODEL,\n)"


def test_source_is_cut_to_what_a_reader_takes_in() -> None:
    (check,) = report_of(
        result("llm-timeout-set", finding("src/llm.py", 1, 400)),
        lines=lambda path, line, end_line: "\n".join(["x y " * 300] * (end_line - line + 1)),
    ).checks
    lines = check.findings[0].source.split("\n")
    assert len(lines) == 5
    assert max(len(line) for line in lines) <= 200


def test_a_place_without_a_file_has_no_source() -> None:
    (check,) = report_of(result("llm-timeout-set", finding("", 0, 0))).checks
    assert check.findings[0].source == ""


def fingerprints(report: Report) -> list[str]:
    return [one.fingerprint for check in report.checks for one in check.findings]


def test_a_fingerprint_survives_moving_and_reindenting() -> None:
    before = fingerprints(report_of(result("llm-timeout-set", finding("src/llm.py", 3, 5))))
    moved = ["# new", "# lines", *(f"    {line}" for line in FILES["src/llm.py"])]
    after = fingerprints(
        report_of(
            result("llm-timeout-set", finding("src/llm.py", 5, 7)),
            lines=lambda path, line, end_line: "\n".join(moved[line - 1 : end_line]),
        )
    )
    assert before == after


def test_fingerprints_tell_checks_paths_contents_and_repetitions_apart() -> None:
    repeated = [finding("src/llm.py", 1, 1), finding("src/llm.py", 1, 1), finding("src/llm.py", 3, 3)]
    report = report_of(
        result("llm-timeout-set", *repeated, finding("src/settings.py", 1, 1)),
        result("no-hardcoded-secrets", finding("src/llm.py", 1, 1)),
    )
    assert len(set(fingerprints(report))) == 5


def test_a_secret_is_in_no_part_of_a_report() -> None:
    report = report_of(
        result(
            "llm-timeout-set",
            finding("src/settings.py", 1, 3),
            finding("src/llm.py", 1, 1, f"key {KEY}"),
            evidence=(Evidence(Place("src/settings.py", 2, 2), f"SECRET = '{KEY}'"),),
        ),
        result("no-hardcoded-secrets", finding("src/settings.py", 2, 2, "a key is written here")),
    )
    assert KEY not in repr(report)
    timeout, secrets = report.checks
    assert secrets.findings[0].source == ""
    assert timeout.findings[0].source == "", "another check must not show the line that holds the secret"


def test_a_secret_that_looks_like_nothing_known_is_hidden_by_its_line() -> None:
    report = report_of(
        result("llm-timeout-set", evidence=(Evidence(Place("src/settings.py", 3, 3), "a pin"),)),
        result("no-hardcoded-secrets", finding("src/settings.py", 3, 3, "a pin is written here")),
    )
    assert "tiny-pin-1" not in repr(report)
    other = report_of(
        result("no-hardcoded-secrets", finding("src/settings.py", 3, 3, "a pin is written here")),
        lines=lambda path, line, end_line: "another value",
    )
    assert fingerprints(report) == fingerprints(other), "a fingerprint must not let anyone test guesses"


def test_the_fix_is_told_in_the_words_of_the_contract() -> None:
    report = report_of(result("llm-timeout-set"), result("no-hardcoded-secrets"), result("evals-run-in-ci"))
    assert [check.fix for check in report.checks] == ["codemod", "none", "scaffold"]


def test_the_catalogue_fills_in_what_a_check_is() -> None:
    assert isinstance(CATALOGUE, Catalogue)
    (check,) = report_of(result("llm-timeout-set")).checks
    assert (check.layer, check.debt, check.weight, check.effort) == ("input-resilience", "technical", "high", "minutes")
    assert check.statement == "Every call has a timeout."
