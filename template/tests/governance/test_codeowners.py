"""CODEOWNERS asks those who hold the roles, for files that exist."""

from pathlib import Path
from typing import Any


def lines(root: Path) -> list[list[str]]:
    text = (root / "CODEOWNERS").read_text("utf-8")
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def fits(root: Path, pattern: str) -> bool:
    """Whether a pattern of the kinds used here fits a file: everything, a folder, a file."""
    if pattern == "*":
        return True
    assert pattern.startswith("/"), f"{pattern}: begin at the root, so that it fits what it says"
    path = root / pattern.strip("/")
    return any(path.iterdir()) if pattern.endswith("/") else path.is_file()


def test_every_line_fits_a_file(root: Path) -> None:
    assert [pattern for pattern, *_owners in lines(root) if not fits(root, pattern)] == []


def test_every_owner_holds_a_role_and_every_role_owns_something(root: Path, raci: dict[str, Any]) -> None:
    contacts = {role["contact"] for role in raci["roles"].values()}
    assert all(owners for _pattern, *owners in lines(root))
    assert {owner for _pattern, *owners in lines(root) for owner in owners} == contacts


def test_everything_has_an_owner_and_the_narrow_lines_come_last(root: Path) -> None:
    patterns = [pattern for pattern, *_owners in lines(root)]
    assert patterns[0] == "*"
    shadowed = [
        (earlier, later)
        for at, earlier in enumerate(patterns)
        for later in patterns[at + 1 :]
        if earlier.startswith(later)
    ]
    assert shadowed == []
