"""Suppressions beside the code and waivers in the configuration: what they do to the score, and what they owe."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from readiness import scan
from readiness.cli import main
from readiness.errors import UsageError
from readiness.report.model import CheckReport, Report

from .conftest import write

CAP = "output-tokens-capped"
SECOND = '    reply = client.chat.completions.create(model="gpt-4o"'


def of(report: Report, name: str) -> CheckReport:
    check = report.check(name)
    assert check is not None
    return check


def edit(root: Path, path: str, old: str, new: str) -> None:
    file = root / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def standings(report: Report) -> list[tuple[str, str]]:
    return [(one.check, one.standing) for one in report.exemptions]


def faults(report: Report) -> list[str]:
    return [one.finding.message for one in report.exemptions if one.finding is not None]


def test_without_exemptions_there_is_no_raw_score(service: Path) -> None:
    report = scan(service)
    assert report.score is not None
    assert report.score.raw is None
    assert (report.suppressed, report.exemptions) == ((), ())


def test_a_suppression_takes_its_place_out_of_the_sums(service: Path) -> None:
    before = scan(service)
    edit(
        service,
        "app/llm.py",
        '    reply = client.chat.completions.create(model="gpt-4o", messages',
        f"    # readiness: ignore[{CAP}] only the nightly job calls it\n"
        '    reply = client.chat.completions.create(model="gpt-4o", messages',
    )
    report = scan(service)
    assert [finding.line for finding in of(before, CAP).findings] == [7, 15]
    assert [finding.line for finding in of(report, CAP).findings] == [7]
    (accepted,) = report.suppressed
    assert (accepted.check, accepted.path, accepted.line) == (CAP, "app/llm.py", 16)
    assert (accepted.reason, accepted.origin) == ("only the nightly job calls it", "code")
    assert standings(report) == [(CAP, "used")]
    assert faults(report) == []


def test_the_raw_score_is_that_of_the_repository_without_the_comment(service: Path) -> None:
    raw = scan(service).score
    for call in ("reply = client.chat.completions.create(model=", "reply = client.chat.completions.create(\n"):
        edit(service, "app/llm.py", call, f"# readiness: ignore[{CAP}] a proxy in front has one\n    {call}")
    report = scan(service)
    assert raw is not None and report.score is not None and report.score.raw is not None
    assert (of(report, CAP).verdict, of(report, CAP).findings) == ("pass", ())  # the third call has a limit
    assert report.score.value > report.score.raw.value == raw.value
    assert scan(service, waivers=False).score == raw


@pytest.mark.parametrize("place", ["reply = client.chat.completions.create(", 'model="gpt-4o-2024-08-06",'])
def test_a_comment_at_any_line_of_the_statement_speaks_of_it(service: Path, place: str) -> None:
    edit(service, "app/llm.py", f"{place}\n", f"{place}  # readiness: ignore[{CAP}] a proxy in front has one\n")
    assert [finding.line for finding in of(scan(service), CAP).findings] == [15]


def test_a_comment_on_another_line_does_not(service: Path) -> None:
    edit(service, "app/llm.py", "client = OpenAI()\n", f"client = OpenAI()  # readiness: ignore[{CAP}] no reason\n")
    report = scan(service)
    assert len(of(report, CAP).findings) == 2
    assert standings(report) == [(CAP, "unused")]
    assert faults(report) == [f"the suppression of {CAP} covers no finding any more: take it out"]


def test_text_that_looks_like_a_comment_is_none(service: Path) -> None:
    text = f'note = "# readiness: ignore[{CAP}] in a text"; reply = client.chat.completions.create(model="gpt-4o"'
    edit(service, "app/llm.py", 'reply = client.chat.completions.create(model="gpt-4o"', text)
    report = scan(service)
    assert len(of(report, CAP).findings) == 2
    assert report.exemptions == ()


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        (f"ignore[{CAP}]", f"the suppression of {CAP} gives no reason, and so accepts nothing"),
        ("ignore because it is late", "this suppression names no check, and so accepts nothing"),
        (
            "ignore[output-tokens-caped] a proxy",
            "names `output-tokens-caped`, which is no check; did you mean `output-tokens",
        ),
    ],
)
def test_what_is_not_in_order_accepts_nothing(service: Path, comment: str, fault: str) -> None:
    edit(service, "app/llm.py", SECOND, f"    # readiness: {comment}\n{SECOND}")
    report = scan(service)
    assert len(of(report, CAP).findings) == 2
    assert [one.standing for one in report.exemptions] == ["malformed"]
    assert fault in faults(report)[0]
    assert report.score is not None and report.score.raw is None


def test_one_comment_may_name_several_checks(service: Path) -> None:
    comment = f"# readiness: ignore[{CAP}, llm-errors-handled] the gateway does both"
    edit(service, "app/llm.py", '(model="gpt-4o", ', f'(  {comment}\n        model="gpt-4o", ')
    report = scan(service)
    assert {one.check for one in report.suppressed} == {CAP, "llm-errors-handled"}


def test_a_suppression_in_a_dockerfile(service: Path) -> None:
    before = of(scan(service), "container-image-reproducible")
    assert before.verdict == "fail"
    text = f"# readiness: ignore[{before.name}] built by the platform\nFROM python:3.12\n"
    edit(service, "Dockerfile", "FROM python:3.12\n", text)
    assert "Dockerfile" in {one.path for one in scan(service).suppressed}


WAIVER = """
    [[waivers]]
    check = "{check}"
    reason = "the gateway of the platform does it"
    owner = "platform team"
    expires = {expires}
    {more}
"""


def waiver(check: str = CAP, expires: str = "2027-01-31", more: str = "") -> str:
    return WAIVER.format(check=check, expires=expires, more=more)


def test_a_waiver_covers_the_paths_it_names(service: Path) -> None:
    write(service, {"readiness.toml": waiver(more='path = "app/"')})
    report = scan(service)
    assert of(report, CAP).findings == ()
    assert {(one.origin, one.owner, one.expires) for one in report.suppressed} == {
        ("configuration", "platform team", "2027-01-31")
    }
    write(service, {"readiness.toml": waiver(more='path = "jobs/"')})
    report = scan(service)
    assert of(report, CAP).verdict == "fail"
    assert standings(report) == [(CAP, "unused")]
    assert [(one.path, one.line) for one in report.exemptions] == [("readiness.toml", 1)]


def test_what_is_absent_is_waived_without_a_path(service: Path) -> None:
    assert of(scan(service), "ci-runs-tests").verdict == "fail"
    write(service, {"readiness.toml": waiver("ci-runs-tests")})
    assert of(scan(service), "ci-runs-tests").verdict == "not-applicable"


def test_satisfied_elsewhere_counts_as_done(service: Path) -> None:
    more = 'kind = "satisfied-elsewhere"\n    evidence = "https://wiki.brightwater.io/gateway"'
    write(service, {"readiness.toml": waiver(more=more)})
    report = scan(service)
    assert (of(report, CAP).verdict, of(report, CAP).satisfaction) == ("pass", 1.0)
    assert {one.evidence for one in report.suppressed} == {"https://wiki.brightwater.io/gateway"}
    assert report.score is not None and report.score.raw is not None
    assert report.score.value > report.score.raw.value


@pytest.mark.parametrize(
    ("as_of", "standing"), [("2027-01-30", "used"), ("2027-01-31", "used"), ("2027-02-01", "expired")]
)
def test_a_waiver_holds_on_its_last_day(service: Path, as_of: str, standing: str) -> None:
    write(service, {"readiness.toml": waiver()})
    report = scan(service, as_of=date.fromisoformat(as_of))
    assert standings(report) == [(CAP, standing)]
    assert (report.score is not None and report.score.raw is not None) == (standing == "used")


@pytest.mark.parametrize("day", ['"31.01.2027"', '"never"', "12", "2027-01-31T08:00:00", '"2027-1-31"'])
def test_a_day_that_is_no_day_counts_as_expired(service: Path, day: str) -> None:
    write(service, {"readiness.toml": waiver(expires=day)})
    report = scan(service)
    assert standings(report) == [(CAP, "expired")]
    assert "which is no day, and so counts as expired" in faults(report)[0]
    assert of(report, CAP).verdict == "fail"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            waiver("output-tokens-caped"),
            "readiness.toml:1: there is no check `output-tokens-caped`; did you mean `output-t",
        ),
        ('[[waivers]]\ncheck = "x"\nowner = "a"\nexpires = 2027-01-01', "entry 1: reason is missing"),
        ('[[waivers]]\ncheck = "x"\nreason = "a"\nexpires = 2027-01-01', "entry 1: owner is missing"),
        (waiver(more='why = "x"'), "entry 1: unknown key 'why'"),
        (waiver(more='path = "../x"'), "leaves the repository"),
        (waiver(more='kind = "elsewhere"'), "kind is 'elsewhere', one of accepted and satisfied-elsewhere"),
        (waiver(more='kind = "satisfied-elsewhere"'), "evidence is missing"),
        ('waivers = "all"', "must be tables"),
    ],
)
def test_a_wrong_waiver_is_a_wrong_configuration(service: Path, text: str, message: str) -> None:
    write(service, {"readiness.toml": text})
    with pytest.raises(UsageError) as refused:
        scan(service)
    assert message in str(refused.value)


def test_nobody_cannot_own_a_waiver(service: Path) -> None:
    write(service, {"readiness.toml": waiver().replace("platform team", "TBD")})
    report = scan(service)
    assert standings(report) == [(CAP, "malformed")]
    assert of(report, CAP).verdict == "fail"


def test_audits_see_the_repository_without_its_own_word(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = scan(service).score
    edit(service, "app/llm.py", SECOND, f"    # readiness: ignore[{CAP}] late\n{SECOND}")
    write(service, {"readiness.toml": waiver("ci-runs-tests") + '\n[roles]\n"app/" = "archived"\n'})
    assert raw is not None
    shown = {}
    for option in ("--no-waivers", "--isolated"):
        assert main(["scan", str(service), "-q", option]) == 0
        shown[option] = capsys.readouterr().out
    assert f"   {int(raw.value)}  {raw.grade}   " in shown["--isolated"]
    assert "without waivers" not in shown["--no-waivers"] + shown["--isolated"]
    assert shown["--no-waivers"] != shown["--isolated"]  # the roles of the configuration still hold


def test_a_former_name_still_works(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    import readiness.scanning
    from readiness.assess.catalogue import load_catalogue

    catalogue = load_catalogue()
    checks = tuple(
        replace(check, formerly=("output-capped",)) if check.name == CAP else check for check in catalogue.checks
    )
    monkeypatch.setattr(readiness.scanning, "_catalogue", lambda: replace(catalogue, checks=checks))
    write(service, {"readiness.toml": waiver("output-capped")})
    assert {one.check for one in scan(service).suppressed} == {CAP}
