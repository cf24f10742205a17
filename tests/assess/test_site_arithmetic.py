"""How sites become a verdict: the table of CATALOGUE, "Site arithmetic", row by row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.assess.arithmetic import Outcome, by_share, by_worst, of_paths, of_variants
from readiness.assess.assessment import Sites, Verdict

LETTERS = {"p": Verdict.PASS, "h": Verdict.PARTIAL, "f": Verdict.FAIL, "u": Verdict.UNKNOWN}
SITES = st.lists(st.tuples(st.sampled_from(list(LETTERS.values())), st.booleans()), min_size=1, max_size=12)


def verdicts(letters: str) -> list[Verdict]:
    """p pass, h half (partial), f fail, u unknown; a capital is the same in code that nothing reaches."""
    return [LETTERS[letter.lower()] for letter in letters]


def reached(letters: str) -> list[bool]:
    return [letter.islower() for letter in letters]


@pytest.mark.parametrize(
    ("sites", "verdict", "satisfaction"),
    [
        ("p", "pass", 1.0),
        ("p" * 19 + "f", "pass", 1.0),  # exactly 95 %
        ("p" * 18 + "f", "partial", 18 / 19),
        ("ppfff", "partial", 0.4),  # exactly 40 %
        ("pffh", "fail", 0.0),
        ("h", "partial", 0.5),
        ("f", "fail", 0.0),
        ("uuu", "unknown", None),
        ("upu", "pass", 1.0),
        ("ufp", "partial", 0.5),
        ("pFF", "pass", 1.0),  # dead sites leave the mean
        ("fPPP", "fail", 0.0),
        ("uP", "unknown", None),  # what is reached is not known; what is dead cannot stand in for it
        ("PPP", "partial", 0.5),  # nothing is reached: never more than partial
        ("PPF", "partial", 0.5),
        ("PFF", "fail", 0.0),
        ("HHF", "fail", 0.0),
        ("HHHHF", "partial", 0.4),
        ("UU", "unknown", None),
    ],
)
def test_the_mean_decides(sites: str, verdict: str, satisfaction: float | None) -> None:
    outcome = by_share(verdicts(sites), reached(sites))
    assert (outcome.verdict, outcome.satisfaction) == (verdict, satisfaction)


@pytest.mark.parametrize(
    ("sites", "verdict", "satisfaction"),
    [
        ("ppp", "pass", 1.0),
        ("pppf", "fail", 0.0),
        ("pph", "partial", 0.5),
        ("uf", "fail", 0.0),
        ("up", "pass", 1.0),
        ("uu", "unknown", None),
        ("pF", "partial", 0.5),  # harm that nothing reaches yet
        ("F", "partial", 0.5),
        ("P", "pass", 1.0),
        ("U", "unknown", None),
        ("uF", "partial", 0.5),
        ("fP", "fail", 0.0),
    ],
)
def test_the_worst_decides(sites: str, verdict: str, satisfaction: float | None) -> None:
    outcome = by_worst(verdicts(sites), reached(sites))
    assert (outcome.verdict, outcome.satisfaction) == (verdict, satisfaction)


@pytest.mark.parametrize(
    ("paths", "mean", "worst"),
    [
        ("p", "pass", "pass"),
        ("pf", "partial", "fail"),
        ("ph", "pass", "partial"),  # 0.75 is a tie, and ties go up
        ("hf", "partial", "fail"),  # 0.25 is one too
        ("fff", "fail", "fail"),
        ("hfff", "fail", "fail"),
        ("pppf", "pass", "fail"),
        ("uf", "fail", "fail"),
        ("uu", "unknown", "unknown"),
    ],
)
def test_several_paths_to_one_site(paths: str, mean: str, worst: str) -> None:
    assert of_paths(verdicts(paths), worst=False) == mean
    assert of_paths(verdicts(paths), worst=True) == worst


@pytest.mark.parametrize(
    ("default", "others", "verdict"),
    [
        ("p", "", "pass"),
        ("p", "pp", "pass"),
        ("p", "pf", "partial"),
        ("p", "ffff", "partial"),
        ("p", "u", "pass"),
        ("h", "f", "partial"),
        ("f", "pp", "fail"),
        ("u", "f", "unknown"),
    ],
)
def test_other_values_of_a_site_lower_a_pass_and_nothing_else(default: str, others: str, verdict: str) -> None:
    assert of_variants(LETTERS[default], verdicts(others)) == verdict


def test_only_the_sites_that_entered_are_counted() -> None:
    outcome = by_share(verdicts("phfuPF"), reached("phfuPF"))
    assert outcome == Outcome(Verdict.PARTIAL, 0.5, Sites(1, 1, 1, 1), (0, 1, 2, 3))


@settings(deadline=None)
@given(SITES)
def test_the_order_of_sites_does_not_matter(sites: list[tuple[Verdict, bool]]) -> None:
    for judge in (by_share, by_worst):
        forward = judge([verdict for verdict, _ in sites], [reach for _, reach in sites])
        backward = judge([verdict for verdict, _ in sites[::-1]], [reach for _, reach in sites[::-1]])
        assert (forward.verdict, forward.satisfaction) == (backward.verdict, backward.satisfaction)


@settings(deadline=None)
@given(SITES, st.data())
def test_mending_a_site_never_lowers_the_satisfaction(sites: list[tuple[Verdict, bool]], data: st.DataObject) -> None:
    bad = [place for place, (verdict, _) in enumerate(sites) if verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    if not bad:
        return
    mended = list(sites)
    place = data.draw(st.sampled_from(bad))
    mended[place] = (Verdict.PASS, sites[place][1])
    for judge in (by_share, by_worst):
        before = judge([verdict for verdict, _ in sites], [reach for _, reach in sites]).satisfaction
        after = judge([verdict for verdict, _ in mended], [reach for _, reach in mended]).satisfaction
        assert before is None or after is None or after >= before


@settings(deadline=None)
@given(SITES)
def test_what_nothing_reaches_is_worth_half_at_most(sites: list[tuple[Verdict, bool]]) -> None:
    outcome = by_share([verdict for verdict, _ in sites], [False] * len(sites))
    assert outcome.verdict != Verdict.PASS
    assert outcome.satisfaction is None or outcome.satisfaction <= 0.5
