"""Measures how often the checks are right: compares reports with labels and writes `checks/accuracy.yaml`.

    python docs/measure.py REPORTS LABELS --day 2026-11-21

REPORTS holds one `OWNER__NAME.json` for each repository (`readiness scan --format json`), LABELS a file of the same
name with a reader's verdicts: `{"repository", "commit", "checks": {NAME: {"verdict", "confidence"}}, "call_sites"}`.
What readers were not sure of (`"confidence": "low"`) is left out. The causes of disagreements that still exist are
kept, and so are the readings of unlabelled repositories; a new disagreement waits for its cause, and a test with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scanner"))  # this checkout, whatever is installed

from readiness.assess.accuracy import COUNTS, compare  # noqa: E402

FILE = ROOT / "checks" / "accuracy.yaml"
HEAD = "# Written by docs/measure.py, but for the causes of disagreements and the readings, which people write.\n"
NEAR = 2  # a call is the same when a reader noted it so many lines away, as statements span lines

Data = dict[str, Any]
Pair = tuple[str, str]


def measure(reports: Path, labels: Path, kinds: dict[str, str]) -> Data:
    """What `accuracy.yaml` says of these reports; a disagreement is yet without a cause."""
    pairs: dict[str, list[Pair]] = defaultdict(list)
    calls: Counter[str] = Counter(wanted=0, found=0, reported=0, right=0)
    repositories, disagreements = [], []
    for file in sorted(labels.glob("*.json")):
        label, report = (json.loads((folder / file.name).read_text("utf-8")) for folder in (labels, reports))
        name = label["repository"]
        repositories.append({"name": name, "commit": label["commit"], "kind": kinds.get(name, "")})
        calls.update(count_calls(label, report))
        for check, pair in verdicts(label, report):
            pairs[check].append(pair)
            if pair[0] != pair[1]:
                both = {"labelled": pair[0], "reported": pair[1]}
                disagreements.append({"check": check, "repository": name, **both, "cause": "unexplained", "why": ""})
    counted = {name: compare(found) for name, found in sorted(pairs.items())}
    return {
        "repositories": repositories,
        "calls": dict(calls),
        "checks": {name: {key: getattr(found, key) for key in COUNTS} for name, found in counted.items()},
        "disagreements": sorted(disagreements, key=lambda one: (one["check"], one["repository"])),
    }


def verdicts(label: Data, report: Data) -> Iterator[tuple[str, Pair]]:
    """Each check that both know, with the reader's verdict and ours."""
    said = {check["name"]: check["verdict"] for check in report["checks"]}
    for name, entry in sorted(label["checks"].items()):
        if name in said and entry.get("confidence") != "low":
            wanted = "not-applicable" if entry["verdict"] == "na" else entry["verdict"]
            yield name, (wanted, said[name])


def count_calls(label: Data, report: Data) -> dict[str, int]:
    """The model calls of serving code that reader and scanner found, and how many of them the other found too."""
    kinds = ("call_sites", "embedding_sites", "prediction_sites")
    noted = {(site["path"], site["line"]) for kind in kinds for site in label.get(kind, [])}
    wanted = [(site["path"], site["line"]) for site in label.get("call_sites", []) if site.get("path_class") == "prod"]
    rows = report["model_calls"]
    built = [row["constructor"] for row in rows if row["constructor"]]
    seen = {(row["path"], row["line"]) for row in (*rows, *built)}
    serving = [(row["path"], row["line"]) for row in rows if row["role"] == "serving"]
    return {
        "wanted": len(wanted),
        "found": sum(near(place, seen) for place in wanted),
        "reported": len(serving),
        "right": sum(near(place, noted) for place in serving),
    }


def near(place: tuple[str, int], others: set[tuple[str, int]]) -> bool:
    """Whether one of the others is the same place, or a few lines away."""
    path, line = place
    return any((path, line + offset) in others for offset in range(-NEAR, NEAR + 1))


def explained(disagreements: list[Data], before: list[Data]) -> list[Data]:
    """The disagreements, each with the cause that was found for the same one before."""
    key = ("check", "repository", "labelled", "reported")
    known = {tuple(one[part] for part in key): one for one in before}
    return [known.get(tuple(one[part] for part in key), one) for one in disagreements]


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=Path, metavar="REPORTS")
    parser.add_argument("labels", type=Path, metavar="LABELS")
    parser.add_argument("--day", required=True, help="the day of the measurement, YYYY-MM-DD")
    parser.add_argument("--kinds", type=Path, help="a JSON list of {repository, class}; by default what is known")
    given = parser.parse_args()
    before: Data = yaml.safe_load(FILE.read_text("utf-8")) if FILE.is_file() else {}
    kinds = {one["name"]: one["kind"] for one in before.get("repositories", [])}
    if given.kinds:
        kinds = {one["repository"]: one["class"] for one in json.loads(given.kinds.read_text("utf-8"))}
    content = {"measured": given.day, **measure(given.reports, given.labels, kinds)}
    content["disagreements"] = explained(content["disagreements"], before.get("disagreements", []))
    content["readings"] = before.get("readings", [])
    FILE.write_text(HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=116), "utf-8")
    waiting = sum(one["cause"] == "unexplained" for one in content["disagreements"])
    print(f"{FILE.relative_to(ROOT)}: {len(content['checks'])} checks, {waiting} disagreements without a cause")
    return 0


if __name__ == "__main__":
    sys.exit(main())
