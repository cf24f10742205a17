"""Requirement lists, lock files, Markdown, INI, environment files and records."""

from __future__ import annotations

from textwrap import dedent

import pytest

from readiness.extract.dotenv import read_dotenv
from readiness.extract.ini import read_ini
from readiness.extract.locks import read_lock
from readiness.extract.markdown import read_markdown
from readiness.extract.records import read_json_lines, read_json_records, read_table
from readiness.extract.requirements import parse_requirement, read_requirements
from readiness.extract.unread import Unread


def test_requirements_in_all_their_forms() -> None:
    found = read_requirements(
        "requirements.txt",
        dedent(
            """\
            -r base.txt
            --constraint constraints.txt
            --no-binary :all:
            # a comment
            Open_AI==1.2.3  # why
            httpx[http2,brotli]>=0.27,<1 ; python_version >= "3.11"
            tool @ git+https://example.org/tool.git@main
            -e ./libs/core
            certifi==2024.1.1 \\
                --hash=sha256:aaaa \\
                --hash=sha256:bbbb
                # via httpx
            numpy==1.*
            ???
            """
        ),
    )
    assert found.includes == (("base.txt", 1),) and found.constraints == (("constraints.txt", 2),)
    openai, httpx, tool, core, certifi, numpy = found.required
    assert (openai.name, openai.specifier, openai.pinned, openai.line) == ("open-ai", "==1.2.3", True, 5)
    assert (httpx.extras, httpx.pinned, httpx.marker) == (("brotli", "http2"), False, 'python_version >= "3.11"')
    assert (tool.name, tool.pinned) == ("tool", False) and tool.url.endswith("@main")
    assert (core.name, core.url, core.editable) == ("", "./libs/core", True)
    assert (certifi.hashed, certifi.via, certifi.line, certifi.end_line) == (True, True, 9, 11)
    assert not numpy.pinned


def test_a_git_address_is_pinned_by_a_commit_only() -> None:
    for reference, pinned in (("", False), ("@v1", False), ("@" + "0a" * 20, True)):
        requirement = parse_requirement(f"git+https://example.org/x.git{reference}#egg=x")
        assert requirement is not None and (requirement.name, requirement.pinned) == ("x", pinned)


LOCKS = {
    "uv.lock": 'version = 1\n\n[[package]]\nname = "app"\nversion = "0.1"\nsource = { editable = "." }\n\n'
    '[[package]]\nname = "Open_AI"\nversion = "1.2"\nsource = { registry = "r" }\n',
    "poetry.lock": '[[package]]\nname = "open-ai"\nversion = "1.2"\n\n[package.extras]\nversion = "9"\n\n'
    '[metadata]\ncontent-hash = "abc"\n',
    "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "open-ai"\nversion = "1.2"\n',
    "pdm.lock": '[metadata]\ncontent_hash = "sha256:abc"\n\n[[package]]\nname = "open-ai"\nversion = "1.2"\n',
    "Pipfile.lock": '{"_meta": {"hash": {"sha256": "abc"}}, "default": {"open-ai": {"version": "==1.2"}}}',
    "conda-lock.yml": "package:\n- name: open-ai\n  version: '1.2'\n  manager: pip\n",
    "conda.env.txt": "@EXPLICIT\nhttps://example.org/noarch/open-ai-1.2-py_0.conda#abc\n",
}


@pytest.mark.parametrize("name", LOCKS)
def test_every_tool_s_lock_tells_the_versions(name: str) -> None:
    assert read_lock(f"app/{name}", LOCKS[name]).packages["open-ai"] == ("1.2",)


def test_the_project_itself_is_locked_to_no_version() -> None:
    assert read_lock("uv.lock", LOCKS["uv.lock"]).packages["app"] == ()


def test_the_recorded_hash_has_its_line() -> None:
    lock = read_lock("poetry.lock", LOCKS["poetry.lock"])
    assert (lock.content_hash, lock.line) == ("abc", 9)


@pytest.mark.parametrize(
    ("name", "text"), [("uv.lock", "<<<<<<< HEAD\n"), ("Pipfile.lock", "["), ("Pipfile.lock", "[]")]
)
def test_a_broken_lock_is_refused(name: str, text: str) -> None:
    with pytest.raises(Unread):
        read_lock(name, text)


def test_markdown_is_read_by_its_structure() -> None:
    found = read_markdown(
        "README.md",
        dedent(
            """\
            # Title #
            Text with a [link](docs/a.md "t") here.

            ```Bash
            # no heading
            pip install x
            ```
            Second
            ------
            | name | limit |
            |------|:-----:|
            | a    | 1     |

            ### Third
            """
        ),
    )
    assert [(h.level, h.text, h.line, h.section_end) for h in found.headings] == [
        (1, "Title", 1, 15), (2, "Second", 8, 15), (3, "Third", 14, 15),
    ]  # fmt: skip
    assert [(link.text, link.target, link.line) for link in found.links] == [("link", "docs/a.md", 2)]
    assert [(fence.language, fence.line, fence.end_line) for fence in found.fences] == [("bash", 4, 7)]
    assert [(table.header, table.rows) for table in found.tables] == [(("name", "limit"), (("a", "1"),))]


HOSTILE = ["# " + " " * 4_900 + "x", "|" * 4_900 + "\n" + "|-" * 2_400, "[" * 4_900, "- " * 2_400, " " * 4_900 + "="]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_markdown_ends_soon(text: str) -> None:
    assert read_markdown("a.md", f"{text}\n" * 20).lines == 20 * (text.count("\n") + 1) + 1


def test_ini_keeps_lines_and_continued_values() -> None:
    found = read_ini("[metadata]\nname = x\n[options]\ninstall_requires =\n    a>=1\n    # no\n    b\nzip: yes\n")
    assert (found["options"]["install_requires"].value, found["options"]["install_requires"].line) == ("a>=1\nb", 4)
    assert found["options"]["zip"].value == "yes"


def test_environment_files() -> None:
    entries = read_dotenv("A=1 # why\nexport B='x # y'\n#C=sample\nno variable\nD=\n")
    assert [(entry.key, entry.value, entry.line, entry.commented) for entry in entries] == [
        ("A", "1", 1, False), ("B", "x # y", 2, False), ("C", "sample", 3, True), ("D", "", 5, False),
    ]  # fmt: skip


def test_records_are_counted_with_their_keys() -> None:
    text = '{"question": "a", "answer": "b"}\n\n{"question": "c", "answer": ""}\nbroken\n'
    lines = read_json_lines("golden.jsonl", text)
    assert (lines.count, lines.broken, lines.keys) == (2, 1, {"question": 2, "answer": 1})
    table = read_table("golden.csv", 'question,answer\n"a, b",c\n\nd,\n')
    assert (table.count, table.keys) == (2, {"question": 2, "answer": 1})
    listed = read_json_records("golden.json", '{"cases": [{"question": "a"}], "ids": [1, 2, 3]}')
    assert listed is not None and (listed.under, listed.count) == ("cases", 1)
