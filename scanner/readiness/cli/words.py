"""Help for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from readiness.errors import UsageError
from readiness.report.sanitize import one_line


def unknown(kind: str, word: str, known: Iterable[str], otherwise: str = "") -> UsageError:
    """The error for a name that does not exist: what was meant, perhaps, or else what there is.

    Args:
        kind: what it should have named (`check`, `layer`).
        word: what was given.
        known: what exists.
        otherwise: what to say when nothing is near; by default the whole list.
    """
    names = list(known)
    near = (
        get_close_matches(word, names, n=1, cutoff=0.85)  # a slip of the finger
        or [name for name in names if word and word in name][:3]
        or get_close_matches(word, names, n=3, cutoff=0.5)
    )
    if near:
        quoted = [f"`{name}`" for name in near]
        choice = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        hint = f"did you mean {choice}?"
    else:
        hint = otherwise or f"there are {', '.join(names)}"
    return UsageError(f"there is no {kind} `{one_line(word)[:80]}`; {hint}")
