"""What has not been looked at for too long fails here."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

Calendar = dict[str, Any]
_NOT_REVIEWED = {"RACI.md", "render.py", "reviews.yaml"}  # written by a command, code, and the calendar itself


@pytest.fixture
def calendar(root: Path) -> Calendar:
    found: Calendar = yaml.safe_load((root / "governance" / "reviews.yaml").read_text("utf-8"))
    return found


def due(calendar: Calendar, review: dict[str, Any]) -> date:
    """The last day on which a review is in time."""
    if review["last_reviewed"] == "never":
        first: date = review.get("made_on", calendar["made_on"])
        return first + timedelta(days=calendar["first_review_days"])
    last: date = review["last_reviewed"]
    return last + timedelta(days=review["review_every"])


def overdue(calendar: Calendar, today: date) -> list[str]:
    """Each review that is late, and what to do about it."""
    return [
        f"{review['subject']} was due on {due(calendar, review)} (last reviewed: {review['last_reviewed']}): "
        f"the {review['owner']} reviews it and writes the day into governance/reviews.yaml"
        for review in calendar["reviews"]
        if today > due(calendar, review)
    ]


def test_nothing_is_overdue(calendar: Calendar) -> None:
    late = overdue(calendar, datetime.now(UTC).date())
    assert not late, "\n" + "\n".join(late)


def test_a_review_is_late_the_day_after_it_was_due() -> None:
    reviews = [
        {"subject": "a", "owner": "risk_owner", "review_every": 90, "last_reviewed": date(2026, 1, 1)},
        {"subject": "b", "owner": "risk_owner", "review_every": 90, "last_reviewed": "never"},
    ]
    reviews.append(reviews[1] | {"subject": "c", "made_on": date(2026, 3, 1)})
    calendar = {"made_on": date(2026, 1, 1), "first_review_days": 60, "reviews": reviews}
    assert overdue(calendar, date(2026, 3, 2)) == []
    (never,) = overdue(calendar, date(2026, 3, 3))
    assert never.startswith("b was due on 2026-03-02 (last reviewed: never): the risk_owner reviews it")
    assert len(overdue(calendar, date(2026, 4, 1))) == 1
    assert len(overdue(calendar, date(2026, 4, 2))) == 2


def test_everything_that_ages_is_in_the_calendar(calendar: Calendar, root: Path, roles: set[str]) -> None:
    subjects = [review["subject"] for review in calendar["reviews"]]
    assert len(subjects) == len(set(subjects))
    assert [subject for subject in subjects if not (root / subject).is_file()] == []
    papers = {path.name for path in (root / "governance").iterdir() if path.is_file()} - _NOT_REVIEWED
    assert {f"governance/{name}" for name in papers} <= set(subjects)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for review in calendar["reviews"]:
        assert review["owner"] in roles and 1 <= review["review_every"] <= 400, review
        last = review["last_reviewed"]
        assert last == "never" or calendar["made_on"] <= last <= tomorrow, f"{last} is no day of a review: {review}"


def test_what_was_never_reviewed_is_a_step_for_people(calendar: Calendar, root: Path) -> None:
    steps = (root / "MANUAL_STEPS.md").read_text("utf-8")
    never = [review["subject"] for review in calendar["reviews"] if review["last_reviewed"] == "never"]
    assert [subject for subject in never if f"`{subject}`" not in steps] == []
