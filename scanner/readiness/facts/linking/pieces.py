"""Texts that are cut at a separator: `provider, _, model = "openai:gpt-5".partition(":")`."""

from __future__ import annotations

from dataclasses import replace

from readiness.facts.linking.values import Known, Pieces

CUTTING = frozenset({"partition", "rpartition", "split", "rsplit"})
"""Methods of a text that cut it and give its pieces."""


def cut(text: Known, method: str, separator: object, most: object = None) -> Pieces | None:
    """The pieces of a text, each as well known as the whole; None where reading does not tell how it is cut."""
    if not isinstance(text.value, str) or not isinstance(separator, str) or not separator:
        return None
    limit = most if isinstance(most, int) and not isinstance(most, bool) else -1
    match method:
        case "partition":
            pieces = list(text.value.partition(separator))
        case "rpartition":
            pieces = list(text.value.rpartition(separator))
        case "split":
            pieces = text.value.split(separator, limit)
        case "rsplit":
            pieces = text.value.rsplit(separator, limit)
        case _:
            return None
    return Pieces(tuple(replace(text, value=piece) for piece in pieces))
