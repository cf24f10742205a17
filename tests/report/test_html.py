"""The HTML report: complete, safe whatever a repository is called, legible, and the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.assess.catalogue import load_catalogue
from readiness.report.badge import COLOURS, NEUTRAL
from readiness.report.html import to_html
from readiness.report.html.prose import blocks
from readiness.report.html.stack import LENGTH, stack
from readiness.report.json import to_json
from readiness.report.model import (
    AttestationReport,
    EvidenceReport,
    FindingReport,
    FixedReport,
    ModelCallReport,
    PlaceReport,
    ProblemReport,
    Report,
    SkippedReport,
)
from readiness.report.sanitize import clean
from readiness.report.saved import from_json

from .sample import LAYERS, NO_MODEL, PINNED, RATCHET, REPORT, TIMEOUT, TROUBLED

CATALOGUE = load_catalogue()
VOID = {"meta", "link", "input", "br", "hr", "img"}
# What SVG writes as `<line …/>`.
SHAPES = {"line", "rect", "polygon"}
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass
class Node:
    """An element with its attributes, its children and its own text."""

    tag: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    parts: list[str | Node] = field(default_factory=list)

    def every(self, *tags: str, **attributes: str) -> Iterator[Node]:
        """All elements below, in order."""
        for child in self.children:
            wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
            if (not tags or child.tag in tags) and wanted.items() <= child.attributes.items():
                yield child
            yield from child.every(*tags, **attributes)

    def one(self, *tags: str, **attributes: str) -> Node:
        """The only such element."""
        (found,) = self.every(*tags, **attributes)
        return found

    @property
    def text(self) -> str:
        """All text below, runs of white space as one."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        """All text below."""
        return "".join(part if isinstance(part, str) else part.raw for part in self.parts)


class Strict(HTMLParser):
    """Builds the tree and insists that every element is closed by its own end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        self.open[-1].parts.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES, tag
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def parse(page: str) -> Node:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == [parser.root]
    return parser.root


def page_of(report: Report) -> Node:
    return parse(to_html(report, CATALOGUE))


def shape(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes."""
    return [(node.tag, tuple(node.attributes)) for node in parse(page).every()]


EVERY = pytest.mark.parametrize("report", [REPORT, TROUBLED, RATCHET, NO_MODEL])


@EVERY
def test_the_page_is_well_formed_and_its_links_stay_within_it(report: Report) -> None:
    page = page_of(report)
    ids = [node.attributes["id"] for node in page.every() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for node in page.every():
        assert not node.attributes.keys() & {"src", "style", "action", "srcset", "data"}
        assert not [name for name in node.attributes if name.startswith("on")]
        if "href" in node.attributes:
            assert node.tag == "a"
            assert node.attributes["href"].removeprefix("#") in ids
        if "aria-labelledby" in node.attributes:
            assert node.attributes["aria-labelledby"] in ids


@EVERY
def test_landmarks_headings_and_tables_are_what_a_screen_reader_needs(report: Report) -> None:
    page = page_of(report)
    for landmark in ("header", "nav", "main", "footer", "h1"):
        page.one(landmark)
    levels = [int(node.tag[1]) for node in page.every("h1", "h2", "h3", "h4", "h5")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in page.every("table"):
        assert all(cell.attributes.get("scope") in ("col", "row") for cell in table.every("th"))
        assert all(next(row.every()).tag == "th" for row in table.every("tr"))
    for picture in page.every("svg"):
        assert picture.attributes.get("aria-label") or picture.attributes.get("aria-hidden") == "true"
    for control in page.every("input", "select"):
        assert any(control in label.every() for label in page.every("label"))


@EVERY
def test_only_the_named_style_and_script_may_run(report: Report) -> None:
    page = page_of(report)
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest(page.one('style').raw)}'",
        "script-src": f"'sha256-{digest(page.one('script').raw)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.one("meta", name="referrer").attributes["content"] == "no-referrer"


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@EVERY
def test_the_same_report_gives_the_same_page(report: Report) -> None:
    assert to_html(report, CATALOGUE) == to_html(from_json(to_json(report)), CATALOGUE)


def test_the_headline_says_score_interval_gate_and_what_is_waived() -> None:
    verdict = page_of(RATCHET).one("section", class_="verdict").text
    assert "66.1 of 100 grade C" in verdict
    assert "Between 61.0 and 74.0: 93 % of what applies could be decided" in verdict
    assert "62.4 (C) without suppressions and waivers: 3.7 points of the score" in verdict
    assert "1 critical check fails, and while one does, no grade is better than C: evals-run-in-ci." in verdict
    assert "The gate is not met: 1 of 2 demands fails." in verdict
    assert "✓ met --fail-under 60 the score 66.1 is not under 60" in verdict
    assert "✗ not met --fail-on new 2 new findings" in verdict


def test_a_score_on_thin_evidence_is_provisional_and_a_cap_is_told() -> None:
    verdict = page_of(TROUBLED).one("section", class_="verdict").text
    assert "Provisional. Only 61 % could be decided" in verdict
    assert "The points alone would be grade B, but 2 critical checks fail: evals-run-in-ci, llm-timeout-set." in verdict
    assert "1 place cannot be imported and so earns nothing" in verdict


def test_a_gate_that_is_met_says_so() -> None:
    assert RATCHET.gate is not None
    met = replace(RATCHET, gate=replace(RATCHET.gate, met=True, demands=RATCHET.gate.demands[:1]))
    assert "The gate is met." in page_of(met).one("section", class_="verdict").text


def test_who_was_judged_and_when() -> None:
    header = page_of(TROUBLED).one("header").text
    for said in ("a561c88d0c1f2b3a4958677685940312fedcba98 with uncommitted changes", "2026-11-20", "1.0.0"):
        assert said in header
    assert "LLM service, agent, RAG" in header


def test_a_repository_without_a_model_gets_one_sentence() -> None:
    page = page_of(NO_MODEL)
    assert "todo-list uses no AI model that readiness can see, so there is nothing to score." in page.one("main").text
    assert not list(page.every("svg"))
    assert [node.text for node in page.every("h2")] == ["No score"]


def test_what_changed_since_the_baseline() -> None:
    text = page_of(RATCHET).one("main").text
    assert "A finding is new where readiness-baseline.json does not know it; no other is reported." in text
    assert "The score was 58.0 (D) and is 66.1 (C) now: +8.1 points." in text
    assert "new llm-timeout-set src/core/llm.py:75 ChatOpenAI.ainvoke has no timeout" in text
    tallies = page_of(RATCHET).one("dl", class_="tallies").children
    assert [tally.one("dt").text + tally.one("dd").text for tally in tallies] == ["new2", "known1", "moved1", "fixed1"]
    assert "output-tokens-capped src/core/llm.py no limit of output tokens" in text


def test_scores_of_two_rulers_are_not_compared() -> None:
    assert RATCHET.scope is not None and RATCHET.scope.before is not None
    other = replace(RATCHET.scope, before=replace(RATCHET.scope.before, same_ruler=False))
    text = page_of(replace(RATCHET, scope=other)).one("main").text
    assert "the two numbers cannot be compared" in text
    assert "+8.1" not in text


def test_with_a_baseline_only_new_findings_are_listed() -> None:
    page = page_of(RATCHET)
    timeout = page.one("li", id="check-llm-timeout-set")
    assert [frame.one("code").text for frame in timeout.every("li", class_="frame is-fail")] == ["src/core/llm.py:75"]
    assert "Not reported: 1 known and moved." in timeout.text
    assert timeout.attributes["data-new"] == "1"
    assert page.one("li", id="check-evals-run-in-ci").attributes["data-findings"] == "0"
    page.one("input", name="new")
    assert not list(page_of(REPORT).every("input", name="new"))


def test_every_check_is_there_with_its_verdict_its_reason_and_its_remedy() -> None:
    page = page_of(REPORT)
    for check in REPORT.checks:
        shown = page.one("li", id=f"check-{check.name}")
        assert shown.attributes["data-verdict"] == check.verdict
        for said in (check.statement, check.weight, f"{check.debt} debt", f"readiness explain {check.name}"):
            assert said in shown.text
        known = CATALOGUE.check(check.name)
        assert known is not None
        assert known.why.split("`")[0].split("\n")[0][:60] in shown.text
    timeout = page.one("li", id="check-llm-timeout-set").text
    assert "~ partial 64 %" in timeout and "+3.1 minutes of work" in timeout
    assert "Looked at 14 places: 9 pass, 5 fail." in timeout
    assert "What to do" in timeout and "OpenAI(timeout=30.0)" in timeout


def test_a_frame_has_the_numbers_of_its_lines() -> None:
    first = next(page_of(REPORT).one("li", id="check-llm-timeout-set").every("pre"))
    assert [line.text for line in first.every("span")] == ["75", "76", "77", "78", "79", "…"]
    assert first.raw.endswith("79    ],\n…2 more lines\n")


def test_a_place_that_is_accused_is_not_evidence_as_well() -> None:
    accused = TIMEOUT.findings[0]
    both = replace(TIMEOUT, evidence=(EvidenceReport(accused.path, accused.line, accused.line, "the same place"),))
    assert "the same place" not in page_of(replace(REPORT, checks=(both,))).text


def test_a_check_that_the_catalogue_does_not_know_is_shown_without_reasons() -> None:
    other = replace(TIMEOUT, name="some-other-check")
    shown = page_of(replace(REPORT, checks=(other,), actions=())).one("li", id="check-some-other-check")
    assert "Why it matters" not in shown.text
    assert other.statement in shown.text


def test_what_could_not_be_decided_is_no_finding() -> None:
    shown = page_of(REPORT).one("li", id="check-output-guardrail")
    assert "Could not be decided ? unknown src/service/app.py:40 the guard comes from a plugin" in shown.text
    assert shown.attributes["data-findings"] == "0"


def test_an_experimental_check_is_marked() -> None:
    assert "experimental: in no score" in page_of(TROUBLED).one("li", id="check-output-guardrail").text
    assert "experimental" not in page_of(REPORT).text


def test_what_the_owners_accept_or_state_is_told_apart_from_what_was_measured() -> None:
    text = page_of(RATCHET).one("section", aria_labelledby="accepted").text
    fault = RATCHET.exemptions[-1].finding
    assert fault is not None and f"expired readiness.toml:11 {fault.message}" in text
    assert "Satisfied elsewhere: https://wiki.brightwater.io/gateway" in text
    assert "a waiver of platform@brightwater.io, until 2027-06-30" in text
    text = page_of(TROUBLED).one("main").text
    assert "Stated, not measured: beside the score and never in it." in text
    assert "expired: ended on 2026-10-01" in text


def test_the_map_has_a_row_a_layer_and_a_column_a_debt() -> None:
    table = page_of(REPORT).one("table", class_="map")
    assert [cell.text for cell in next(table.every("tr")).every("th")] == [
        "Layer", "Technical", "Operational", "Evaluation", "Integration", "Governance", "All",
    ]  # fmt: skip
    rows = [row.text for row in table.one("tbody").every("tr")]
    assert rows[0] == "6 Scalability & cost control 50.0 – – – – 41.0 3 checks"
    assert rows[-1] == "1 Model capability 50.0 1 check – – – – 81.2 4 checks"


def test_debts_are_in_days_the_largest_first() -> None:
    table = page_of(REPORT).one("table", class_="debts")
    assert "What is owed: 21.5 days of work" in table.text
    assert [row.text.split()[0] for row in table.one("tbody").every("tr")] == [
        "Evaluation", "Operational", "Governance", "Technical", "Integration",
    ]  # fmt: skip


@pytest.mark.parametrize("height", range(len(LAYERS) + 1))
def test_the_stack_breaks_at_the_first_layer_that_does_not_stand(height: int) -> None:
    assert REPORT.score is not None
    report = replace(REPORT, score=replace(REPORT.score, stack_height=height))
    drawn = stack(report, CATALOGUE)
    assert drawn is not None
    states = ["standing"] * height + ["broken"] * (height < len(LAYERS)) + ["fallen"] * (len(LAYERS) - height - 1)
    assert [stone.state for stone in drawn.stones] == states
    assert f"The stack stands {height} of 6 layers high" in page_of(report).text
    level = [stone for stone in drawn.stones if stone.state == "standing"]
    assert all(stone.turn == 0 for stone in level)
    assert ("rests on nothing" in drawn.reason) is (height < len(LAYERS) - 1)


@given(score=st.floats(0, 69.9) | st.none())
def test_what_a_broken_layer_scores_ends_before_its_fracture(score: float | None) -> None:
    assert REPORT.score is not None
    layers = (replace(LAYERS[0], score=score), *LAYERS[1:])
    drawn = stack(replace(REPORT, layers=layers, score=replace(REPORT.score, stack_height=0)), CATALOGUE)
    assert drawn is not None
    broken = drawn.stones[0]
    left, right = broken.pieces
    edge = [float(corner.split(",")[0]) for corner in left.outline.split()][1:-1]
    assert 12 + broken.track <= min(edge) and broken.strip <= drawn.notch - 12
    assert max(edge) < LENGTH and right.turn
    assert ("is not scored" in drawn.reason) is (score is None)


def test_long_lists_are_cut_and_counted() -> None:
    finding = replace(TIMEOUT.findings[0], source="x = 1\n" * 4)
    evidence = EvidenceReport("src/a.py", 1, 5, "text", "y = 2\n" * 4)
    checks = tuple(
        replace(TIMEOUT, name=f"check-number-{number}", findings=(finding,) * 1_000, evidence=(evidence,) * 1_000)
        for number in range(80)
    )
    skipped = tuple(SkippedReport(f"data/{number}.json", "larger than 2 MB") for number in range(5_000))
    page = to_html(replace(REPORT, checks=checks, skipped=skipped, actions=()), CATALOGUE)
    assert len(page.encode()) < 5_000_000
    text = parse(page).text
    assert "and 980 more: readiness scan --check check-number-7 " in text
    assert "5000 files and why" in text and "and 4800 more" in text


@dataclass(frozen=True)
class Words:
    """The sample, with one text wherever a repository or its owners choose the words."""

    text: str

    @property
    def report(self) -> Report:
        """The report full of it."""
        text = self.text
        finding = FindingReport(text, 3, 9, text, "0" * 16, source=text, state="new")
        evidence = EvidenceReport(f"{text}/b", 7, 7, text, text)
        check = replace(TIMEOUT, name=text, statement=text, findings=(finding,) * 2, evidence=(evidence,))
        assert RATCHET.scope is not None and RATCHET.gate is not None
        return replace(
            RATCHET,
            repository=replace(RATCHET.repository, name=text, revision=text, kinds=(text, "agent")),
            checks=(check, replace(PINNED, evidence=(evidence,))),
            actions=tuple(replace(action, check=text) for action in RATCHET.actions) * 4,
            layers=(replace(LAYERS[0], title=text), *LAYERS[1:]),
            model_calls=(ModelCallReport(text, 3, text, text, text, text, PlaceReport(text, 4), True, text, text),),
            attestations=tuple(
                AttestationReport(text, text, text, text, text, text, standing, text, text, 3, 9)
                for standing in ("attested", "expired", "malformed")
            ),
            suppressed=tuple(
                replace(one, check=text, path=text, reason=text, message=text, owner=text, expires=text, evidence=text)
                for one in RATCHET.suppressed
            ),
            exemptions=tuple(replace(one, finding=finding) for one in RATCHET.exemptions),
            problems=(ProblemReport(text, 1, text),),
            skipped=(SkippedReport(text, text),),
            scope=replace(
                RATCHET.scope, baseline=text, since=text, base=text, fixed=(FixedReport(text, text, text, "0"),)
            ),
            gate=replace(RATCHET.gate, demands=(replace(RATCHET.gate.demands[0], demand=text, says=text),)),
            as_of=text,
        )


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=60),
    st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=60),
    st.text(alphabet="<>&\"'`={}/!-\x1b\x00\x0b\u202e\u2066\u2028\udcff\ud800 \n\r\tax", min_size=1, max_size=60),
    st.sampled_from(
        (
            "<img src=x onerror=alert(1)>",
            "</script><script>alert(1)</script>",
            "</style></title></textarea><!--",
            '" onmouseover="alert(1)" x=\'',
            "{{ 7 * 7 }}{% raw %}",
            "\x1b[31mred\x1b]8;;\x07",
            "\u202egnp.exe",
            "::error::\r\n%0A | ` &lt;b&gt; ]]>",
            "a" * 10_000,
        )
    ),
)


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_no_text_of_a_repository_becomes_markup_or_acts_on_the_reader(text: str) -> None:
    page = to_html(Words(text).report, CATALOGUE)
    harmless = to_html(Words(re.sub(r"\S", "x", text)).report, CATALOGUE)
    assert shape(page) == shape(harmless)
    assert not [sign for sign in page if unicodedata.category(sign) in HIDDEN and sign != "\n"]
    assert "onerror" not in {name for _, names in shape(page) for name in names}


@settings(max_examples=30, deadline=None)
@given(HOSTILE.filter(lambda text: len(text) <= 60))
def test_a_name_is_shown_as_it_is(text: str) -> None:
    assert page_of(Words(text).report).one("h1").raw == clean(text)


def test_prose_is_paragraphs_lists_and_code() -> None:
    first, items, last, odd = blocks("Set `a=1`\nonce.\n\n- one\n- two\n  lines\n\nThen rest.\n\nA lone ` tick.")
    assert [(span.text, span.code) for span in first.items[0]] == [("Set ", False), ("a=1", True), (" once.", False)]
    assert items.is_list and [item[0].text for item in items.items] == ["one", "two lines"]
    assert not last.is_list and last.items[0][0].text == "Then rest."
    assert odd.items[0][0].text == "A lone ` tick."


STYLE = files("readiness.report.html").joinpath("page.css").read_text(encoding="utf-8")
_COLOUR = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
LIGHT, DARK = (dict(_COLOUR.findall(block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL))
GRADES = {f"grade-{name.lower()}": colour for name, colour in (*COLOURS.items(), ("none", NEUTRAL))}
SCHEMES = {"light": LIGHT | GRADES, "dark": LIGHT | DARK | GRADES}
LETTERS = "abcdf"
TEXT = [
    *product(("ink", "soft", "tone-none", *(f"tone-{letter}" for letter in LETTERS)), ("paper", "sunk")),
    *(("ink", f"wash-{letter}") for letter in LETTERS),
    *(("on-grade", grade) for grade in GRADES),
]
SIGNS = list(product(("edge", "focus"), ("paper", "sunk")))


def test_every_colour_is_named_so_that_it_can_be_measured() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|:\s*(?:white|black)\b", rules)
    # Grounds for text are those that TEXT measures.
    grounds = set(re.findall(r"background: var\(--([a-z-]+)\)", rules))
    assert grounds == {ground for _, ground in TEXT}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_and_signs_stand_out_from_their_ground(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for pairs, least in ((TEXT, 4.5), (SIGNS, 3.0)):  # WCAG 2, level AA
        for front, ground in pairs:
            assert contrast(colours[front], colours[ground]) >= least, (front, ground)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
