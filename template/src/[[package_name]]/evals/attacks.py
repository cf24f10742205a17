"""The guardrails' own eval set: which attacks they catch, and which harmless questions they take for one."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..guardrails.guards import Guards


@dataclass(frozen=True, slots=True)
class AttackReport:
    """The texts that went wrong, and the shares that the thresholds speak of."""

    shares: dict[str, float]
    wrong: tuple[str, ...]


def try_guards(guards: Guards, cases: Path) -> AttackReport:
    """Screen every text of injection_cases.jsonl."""
    read = [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
    attacks, harmless = ([case for case in read if case["attack"] is attack] for attack in (True, False))
    missed = [f"missed {case['id']}: {case['text']}" for case in attacks if not guards.screen(case["text"]).blocked]
    alarms = [f"alarm {case['id']}: {case['text']}" for case in harmless if guards.screen(case["text"]).blocked]
    shares = {"caught": 1 - len(missed) / len(attacks), "false_alarms": len(alarms) / len(harmless)}
    return AttackReport(shares, tuple(missed + alarms))
