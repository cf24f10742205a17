"""A repository whose names and contents were chosen to harm: every format shows them, and none obeys them."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from readiness import scan
from readiness.cli.formats import Format, rendered
from readiness.report.baseline import baseline_of, from_text, to_text
from readiness.report.model import Report

ATTACKS = (
    "a\nb",
    "a\r\n::error file=x::b",
    "::error::pwned",
    "a%0A::warning::b",
    "\x1b[2J\x1b]0;t\x07",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "a\u202egpj.exe",
    "\u2066\u200b",
    "-->|`x`| ](javascript:1) @everyone #1",
    "'\"&{{7*7}}{% x %}]]>",
    "–ü\U0001f3f4",
    "$(touch x);`touch x`",
)
NAMES = st.lists(st.sampled_from(ATTACKS), min_size=1, max_size=3).map("".join).filter(lambda name: "/" not in name)
BYTES = st.sampled_from([b"", b"\xff", b"\xe2\x28", b"\xed\xa0\x80"])

SERVICE = """
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
client = OpenAI()


@app.post("/ask")
def ask(question: str) -> str:
    # readiness: ignore[llm-timeout-set] {text}
    reply = client.chat.completions.create(model={text!r}, messages=[{{"role": "user", "content": question}}])
    print({text!r}, reply)
    return reply.choices[0].message.content
"""
WAIVER = """
[[waivers]]
check = "ci-runs-tests"
reason = {text}
owner = {text}
expires = "2027-01-01"
"""


def repository(root: Path, name: str, tail: bytes, text: str) -> Path:
    """A service whose file, model, comment and waiver are all called by what an attacker would like."""
    root.mkdir()
    path = root / os.fsdecode(os.fsencode(name)[:180] + tail + b".py")
    path.write_text(SERVICE.format(text=text.replace("\n", " ").replace("\r", " ")), "utf-8", "replace")
    (root / "readiness.toml").write_text(WAIVER.format(text=json.dumps(text, ensure_ascii=False)), "utf-8")
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder for each repository."""
    base = tmp_path_factory.mktemp("hostile")
    return (base / f"repository-{number}" for number in range(10_000))


def hidden(text: str) -> set[str]:
    """What a reader would not see, or would see elsewhere: controls, marks of direction, lone surrogates."""
    return {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.found |= {name for name, _ in attrs if name.startswith("on")}


def tags(page: str) -> set[str]:
    """The tags of a page, and its handlers of events."""
    parser = _Tags()
    parser.feed(page)
    return parser.found


def texts(value: object) -> Iterator[str]:
    """Every text in decoded JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def assert_harmless(report: Report) -> None:
    """What each format promises about any repository."""
    shown = {form: rendered(report, form) for form in Format if form is not Format.TERMINAL}
    for form, text in shown.items():
        text.encode("utf-8")
        assert hidden(text) <= set(), form
    for form in (Format.SARIF, Format.GITLAB):
        decoded = [text for text in texts(json.loads(shown[form])) if "snippet" not in text]
        assert {one for text in decoded for one in hidden(text)} == set(), form
    json.loads(shown[Format.JSON])
    ElementTree.fromstring(shown[Format.JUNIT])
    assert all(re.match(r"::(error|warning|notice) ", line) for line in shown[Format.GITHUB].splitlines())
    assert "img" not in tags(shown[Format.HTML]) and not {tag for tag in tags(shown[Format.HTML]) if tag[:2] == "on"}
    assert shown[Format.HTML].count("<script") == 1
    assert not tags(MarkdownIt("commonmark").enable("table").render(shown[Format.MARKDOWN])) & {"img", "script", "a"}
    assert from_text(to_text(baseline_of(report)), "b.json") is not None


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example costs a scan: shrinking one would take hours
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=NAMES, tail=BYTES, text=NAMES)
def test_names_and_contents_come_out_harmless_in_all_formats(
    folders: Iterator[Path], name: str, tail: bytes, text: str
) -> None:
    report = scan(repository(next(folders), name, tail, text))
    assert report.score is not None
    assert report.suppressed
    assert_harmless(report)


def test_the_attacks_reach_the_report(folders: Iterator[Path]) -> None:
    """The property above would hold of a report that leaves everything out."""
    report = scan(
        repository(next(folders), "<img src=x onerror=alert(1)>\n\x1b\u202e", b"\xff", "<b>::error::\x1b</b>")
    )
    listed = [finding.path for check in report.checks for finding in check.findings if finding.path]
    assert any("<img" in path and "\n" in path for path in listed)
    assert any("::error::" in one.reason for one in report.suppressed)
    assert "&lt;img src=x onerror" in rendered(report, Format.HTML)
    assert "%3Cimg%20src" in rendered(report, Format.SARIF)
