"""Days as people write them into files and command lines: YYYY-MM-DD, and no other spelling."""

from __future__ import annotations

from datetime import date


def day_of(text: str) -> date | None:
    """The day that a text names; None where it names none. ISO 8601 knows other spellings; reports know one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
