"""From a request in words to a call of a tool. This stands in for a model: it compares words and makes nothing up.

Whatever takes its place may only propose: the caller sends the proposal on as a call, which the tool's schema checks.
"""

import re

from pydantic import BaseModel

from ..errors import Refused
from ..feedback.clusters import content_words
from .tools import TOOLS, Tool


class Proposal(BaseModel):
    """A call that might be meant; what is missing, the caller must add."""

    tool: str
    arguments: dict[str, str]
    missing: list[str]


def propose(request: str) -> Proposal:
    """The tool whose name and description share most words with the request, with the arguments that have a form.

    Raises:
        Refused: no tool shares a word with it.
    """
    words = set(content_words(request))

    def shared(tool: Tool) -> int:
        return len(words.intersection(content_words(f"{tool.name.replace('_', ' ')} {tool.description}")))

    best = max(TOOLS.values(), key=shared)
    if not shared(best):
        raise Refused(f"No tool does that; there are {', '.join(sorted(TOOLS))}.")
    fields = best.arguments.model_json_schema()["properties"]
    patterns = {name: field["pattern"].strip("^$") for name, field in fields.items() if "pattern" in field}
    found = {name: match[0] for name, pattern in patterns.items() if (match := re.search(pattern, request))}
    return Proposal(tool=best.name, arguments=found, missing=[name for name in fields if name not in found])
