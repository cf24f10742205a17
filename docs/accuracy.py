"""The tables of the page accuracy.md: what `checks/accuracy.yaml` holds, for people. `docs/generate.py` uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from readiness.assess.accuracy import CheckAccuracy, Share, read_accuracy
from readiness.report.accuracy import in_words, told

FILE = Path(__file__).resolve().parents[1] / "checks" / "accuracy.yaml"
CLASSES = {"A": "production service", "B": "template", "C": "demo", "D": "classic machine learning"}
CAUSES = {
    "ours": "the scanner is wrong",
    "label": "the label is wrong",
    "ambiguous": "careful readers would differ",
    "unexplained": "nobody has looked yet",
}

Data = dict[str, Any]
Row = tuple[object, ...]


def measured() -> Mapping[str, CheckAccuracy]:
    """What was measured, by check."""
    return read_accuracy(FILE, {path.stem for path in FILE.parent.glob("*/*.yaml")}).checks


def summary(data: Data) -> str:
    """The headline numbers, as a list."""
    total = reduce(add, measured().values(), CheckAccuracy())
    calls = data["calls"]
    lines = (
        ("verdicts compared", str(total.labelled)),
        ("the same verdict", told(total.exact)),
        ("complaints that are right", told(total.precision)),
        ("gaps that are seen", told(total.recall)),
        ("model calls that are calls", told(Share(calls["right"], calls["reported"]))),
        ("model calls that are found", told(Share(calls["found"], calls["wanted"]))),
    )
    return "".join(f"- {title}: {value}\n" for title, value in lines)


def of_check(check: Data) -> str:
    """What was measured of a check, and what it is known to get wrong."""
    weaknesses = "".join(f"\n- {weakness}" for weakness in check.get("weaknesses", ()))
    return in_words(measured().get(check["name"], CheckAccuracy())) + ("\n" + weaknesses if weaknesses else "")


def rows(checks: Iterable[Data]) -> list[Row]:
    """One row for each check: its counts with their intervals, and what is known to go wrong."""
    table: list[Row] = [("check", "n", "same verdict", "complaints right", "gaps seen", "known to go wrong")]
    found = measured()
    for check in checks:
        name = check["name"]
        one = found.get(name, CheckAccuracy())
        marked = f"[{name}](reference/checks/{name}.md)" + (" (experimental)" if one.experimental else "")
        weaknesses = " ".join(check.get("weaknesses", ()))
        table.append((marked, one.labelled, told(one.exact), told(one.precision), told(one.recall), weaknesses))
    return table


def disagreements(data: Data) -> list[Row]:
    """One row for each verdict that differs."""
    keys = ("check", "repository", "labelled", "reported")
    found = [(*(one[key] for key in keys), CAUSES[one["cause"]], one["why"]) for one in data["disagreements"]]
    return [("check", "repository", "reader", "scanner", "cause", "why"), *found]


def repositories(data: Data) -> list[Row]:
    """One row for each labelled repository."""
    found = [(one["name"], f"`{one['commit'][:12]}`", CLASSES[one["kind"]]) for one in data["repositories"]]
    return [("repository", "commit", "what it is"), *found]


def readings(data: Data) -> list[Row]:
    """One row for each unlabelled repository whose verdicts were read."""
    found = [
        (one["name"], f"`{one['commit'][:12]}`", one["read"], one["wrong"], one["left"]) for one in data["readings"]
    ]
    return [("repository", "commit", "verdicts read", "wrong at first sight", "wrong after mending"), *found]
