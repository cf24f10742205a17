"""Templates of a Helm chart, read without rendering them: control lines become blank, other holes become variables.

What a template says outright (a probe's path, a container's arguments) is there to be read; nothing is evaluated.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# Bounded, so that a hole that never closes costs no more than a long one.
_COMMENT = re.compile(r"\{\{-? ?/\*.{0,4000}?\*/ ?-?\}\}", re.S)
_ACTION = re.compile(r"\{\{-?(.{0,1000}?)-?\}\}", re.S)
_VALUE = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)+)")
_DEFAULT = re.compile(r"""\bdefault\s+["']?([\w./-]+)["']?(?:\s|$)""")
_MANIFEST = re.compile(r"^kind:", re.M)
MAX_HOLES = 2_000


def is_template(path: str) -> bool:
    """Whether a file lies where Helm looks for templates."""
    pure = PurePosixPath(path)
    return "templates" in pure.parts[:-1] and pure.suffix in (".yaml", ".yml")


def without_holes(text: str) -> str | None:
    """The text as YAML, line for line: `{{ .Values.port }}` is `$Values.port`; None where it is no Helm template.

    Without braces, for these would end a plain scalar in `{path: …}`. A default follows a question mark.
    """
    if "{%" in text or not 0 < text.count("{{") <= MAX_HOLES or not _MANIFEST.search(text):
        return None
    text = _COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), text)
    lines = _ACTION.sub(_variable, text).split("\n")
    return "\n".join("" if _is_only_control(line) else line for line in lines)


_CONTROL = "$template"
_HOLE = re.compile(r"\$template|\$Values(?:\.\w+)+(?:\?[\w./-]+)?")


def _variable(match: re.Match[str]) -> str:
    inner, breaks = match.group(1).strip(), "\n" * match.group(0).count("\n")
    named = _VALUE.search(inner)
    if named is None or inner.startswith(("if ", "with ", "range ", "else", "toYaml ")):
        return _CONTROL + breaks
    given = _DEFAULT.search(inner)
    default = given.group(1) if given is not None and not given.group(1).startswith(".") else ""
    return f"$Values{named.group(1)}{'?' + default if default else ''}{breaks}"


def _is_only_control(line: str) -> bool:
    """A line of control, or one that writes whole entries: what it writes is not known here."""
    return bool(line.strip()) and not _HOLE.sub("", line).strip()
