"""What kind of repository it is: the gates that open checks. rules-of-evidence.md, "Gates"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gates:
    """Each gate is about what the code does, and never closes on the worse design."""

    llm: bool = False
    embed: bool = False
    predict: bool = False
    service: bool = False
    http: bool = False
    agent: bool = False
    risk: bool = False
    """An agent has a tool that changes something outside the program, or tools that only the running program knows."""
    rag: bool = False
    parse: bool = False
    chat: bool = False
    media: bool = False
    host: bool = False
    data: bool = False
    outbound: bool = False
    is_async: bool = False
    ui_only: bool = False
    """Every entry point that reaches a model is a page of a UI framework."""
    library: bool = False
    """Build metadata and nothing that runs as a service."""
    demo: bool = False
    """No serving code at all: scripts, examples or notebooks are judged in its place."""

    @property
    def model(self) -> bool:
        """Whether any model is used."""
        return self.llm or self.embed or self.predict
