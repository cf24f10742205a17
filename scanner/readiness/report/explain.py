"""One check of the catalogue, explained: why it matters, what it looks like, how it is decided and how to mend it."""

from __future__ import annotations

from rich.text import Text

from readiness.assess.accuracy import CheckAccuracy
from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check, Example
from readiness.report.accuracy import in_words
from readiness.report.page import Page, spans

_INDENT = "  "
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".md": "markdown"}


def explain(check: Check, catalogue: Catalogue, page: Page, *, colour: bool = False) -> list[Text]:
    """The page that `readiness explain CHECK` prints; code is highlighted when there is colour."""
    numbers = {layer.name: (number, layer.title) for number, layer in enumerate(catalogue.layers, start=1)}
    number, title = numbers.get(check.layer, (0, check.layer))
    measured = catalogue.accuracy.checks.get(check.name, CheckAccuracy())
    counts = ("experimental: it does not count",) if measured.experimental else ()
    facts = (f"{title} (layer {number})", f"{check.debt} debt", check.weight, *counts, f"{check.effort} to mend")
    place = f" {page.glyphs.dot} ".join(facts)
    lines = [
        spans((check.name, "bold")),
        *(spans((line, "dim")) for line in page.wrap(page.text(place), page.width)),
        Text(),
        *(spans((line, "")) for line in page.wrap(page.text(check.statement), page.width)),
    ]
    lines += _prose("Why", check.why, page)
    bad = next((example for example in check.examples if example.verdict == "fail"), None)
    good = next((example for example in check.examples if example.verdict == "pass"), None)
    lines += _example("Not ready", "fail", bad, page, colour)
    lines += _example("Ready", "pass", good, page, colour)
    lines += _prose("How it is decided", check.detection, page)
    lines += _prose("What it must not fire on", check.false_positives, page)
    lines += _prose("What to do", check.remedy, page)
    lines += _mend(check)
    lines += _prose("How often it is right", _accuracy(check, measured), page)
    return lines + _sources(check, page)


def _accuracy(check: Check, measured: CheckAccuracy) -> str:
    """What was measured, as a sentence, and what is known to go wrong, as a list."""
    known = [f"- {weakness}" for weakness in check.weaknesses]
    return "\n".join([in_words(measured), *known])


def _heading(title: str) -> list[Text]:
    return [Text(), spans((title, "bold"))]


def _prose(title: str, text: str, page: Page) -> list[Text]:
    """A titled text: its paragraphs are wrapped anew, its list items keep to themselves."""
    if not text.strip():
        return []
    lines = _heading(title)
    for position, paragraph in enumerate(_paragraphs(text)):
        if position and not paragraph.startswith("- "):
            lines.append(Text())
        hang = "  " if paragraph.startswith("- ") else ""
        wrapped = page.wrap(page.text(paragraph), page.width - 2 * len(_INDENT))
        lines += [Text(f"{_INDENT}{hang if row else ''}{line}") for row, line in enumerate(wrapped)]
    return lines


def _paragraphs(text: str) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            paragraphs.append([])
        elif stripped.startswith("- "):
            paragraphs.append([stripped])
        else:
            paragraphs[-1].append(stripped)
    return [" ".join(words) for words in paragraphs if words]


def _example(title: str, verdict: str, example: Example | None, page: Page, colour: bool) -> list[Text]:
    if example is None:
        return []
    style = "green" if verdict == "pass" else "red"
    lines = [Text(), spans((page.glyphs.marks[verdict], style), " ", (title, "bold"))]
    for position, (path, content) in enumerate(example.files.items()):
        if position:
            lines.append(Text())
        lines.append(spans(_INDENT, (page.fit(page.name(path), page.width - 2), "cyan")))
        lines += [Text(_INDENT + "  ").append_text(line) for line in _code(path, content, page, colour)]
    return lines


def _code(path: str, content: str, page: Page, colour: bool) -> list[Text]:
    lines = content.rstrip("\n").split("\n")
    shown = [part for line in lines for part in _folded(page.source(line), page)]
    language = _LANGUAGES.get(path[path.rfind(".") :] if "." in path else "")
    if not colour or language is None:
        return [Text(line) for line in shown]
    from rich.syntax import Syntax  # brings every lexer with it: only where colours are seen

    highlighted = Syntax("", language, theme="ansi_dark", background_color="default").highlight("\n".join(shown))
    return list(highlighted.split("\n", allow_blank=True))[: len(shown)]


def _folded(line: str, page: Page) -> list[str]:
    """A line of code in as many lines as it needs, the further ones set in: code that is cut cannot be copied."""
    code = line.lstrip(" ")
    blanks = min(len(line) - len(code), page.width // 2)
    first, *rest = page.wrap(code, page.width - 4 - blanks - 4) or [""]
    return [" " * blanks + first, *(" " * (blanks + 4) + part for part in rest)]


def _mend(check: Check) -> list[Text]:
    if check.implies:
        return [Text(), spans(_INDENT, ("It also settles: ", "dim"), ", ".join(check.implies))]
    return []


def _sources(check: Check, page: Page) -> list[Text]:
    lines = _heading("Sources")
    for source in check.sources:
        wrapped = page.wrap(page.text(source), page.width - 4)
        lines += [spans((f"{_INDENT}{'- ' if not row else '  '}{line}", "dim")) for row, line in enumerate(wrapped)]
    return lines
