"""New projects from the template that ships with readiness.

`generate(target, answers)` is what `readiness new` runs: offline, from the installed package or a checkout.
"""

from readiness.scaffold.generate import Generated, generate
from readiness.scaffold.questions import Question, load_questions
from readiness.scaffold.source import Source, find_source

__all__ = ["Generated", "Question", "Source", "find_source", "generate", "load_questions"]
