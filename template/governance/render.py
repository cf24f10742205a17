"""Writes RACI.md from raci.yaml: `uv run python governance/render.py`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
TITLE = """# Who does what

Written by `uv run python governance/render.py` from [raci.yaml](raci.yaml): change that file, not this one.
"""
LETTERS = "A answers for it, R does it, C is asked before, I is told. Exactly one A each."


def rendered(raci: dict[str, Any]) -> str:
    """The page: the roles, their activities, and whom to call when it burns."""
    roles = raci["roles"]
    held = ((title(key), role["name"], role["contact"], role["answers_for"]) for key, role in roles.items())
    duties = (
        (item["activity"], *(" ".join(item["roles"].get(key, "")) for key in roles), f"`{item['by']}`")
        for item in raci["activities"]
    )
    called = ((title(call["role"]), roles[call["role"]]["contact"], call["when"]) for call in raci["escalation"])
    parts = [
        TITLE,
        "## Roles\n",
        table("Role", "Who", "Contact", "Answers for", rows=held),
        f"## Responsibilities (RACI)\n\n{LETTERS}\n",
        table("Activity", *map(title, roles), "Done with", rows=duties),
        "## Escalation\n",
        table("Call", "Contact", "When", rows=called),
    ]
    return "\n".join(parts)


def title(key: str) -> str:
    """A role's name as people write it."""
    return key.replace("_", " ").capitalize()


def table(*heads: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    (HERE / "RACI.md").write_text(rendered(yaml.safe_load((HERE / "raci.yaml").read_text("utf-8"))), "utf-8")
