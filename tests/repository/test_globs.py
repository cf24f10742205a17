"""Path patterns mean what they mean in `.gitignore`; git itself is the judge."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.repository.configuration import Configuration
from readiness.repository.globs import Rules
from readiness.repository.opening import open_repository

TREE = [
    "a.py", "b.log", "foo", "foo bar", "#x", "!y", "x[1].py", "a*b", "axb", ".env", "dir/a.py", "dir/sub/a.py",
    "dir/sub/deep/b.log", "dir/foo", "other/dir/a.py", "abc/foo/bar", "abc/x/foo/bar", "build/a", "x/build/a",
    "x/a.pyi", "docs/x/y/z.md", "docs/z.md", "a1.txt",
    "a2.txt", "ab.txt", "é.py", "trail ",
]  # fmt: skip

FILES = [
    "*.py",
    "/a.py",
    "foo",
    "foo/",
    "dir/",
    "/dir",
    "dir/a.py",
    "dir/*.py",
    "**/a.py",
    "dir/**",
    "dir/**/a.py",
    "abc/**/bar",
    "**/foo/bar",
    "**",
    "*",
    "*\n!*/\n!*.py",
    "*.py\n!dir/a.py",
    "dir/\n!dir/a.py",
    "*.log\n!b.log",
    "!a.py\na.py",
    "\\#x\n\\!y",
    "#x",
    "x[[]1].py",
    "x\\[1\\].py",
    "a\\*b",
    "a[!1].txt",
    "a[^1-2].txt",
    "a[0-9].txt",
    "a?.txt",
    "foo\\ bar",
    "trail\\ ",
    "trail   ",
    "/build/",
    "build",
    "docs/*/z.md",
    "docs/**/z.md",
    "docs/*/*",
    "*.py[cio]",
    "d?r/s*",
    "é.py",
    "/*\n!/dir",
    "*/a.py",
    "**/sub/**",
]


@pytest.mark.parametrize("content", FILES)
def test_a_pattern_file_ignores_what_git_ignores(content: str, tmp_path: Path, run_git: Callable[..., str]) -> None:
    root = tmp_path / "root"
    for path in TREE:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    (root / ".gitignore").write_text(content + "\n")
    run_git(root, "init", "--quiet")
    listed = run_git(root, "ls-files", "--others", "--exclude-standard", "-z")
    repository = open_repository(root, Configuration())
    assert [file.path for file in repository.files] == sorted(path for path in listed.split("\0") if path)


def test_a_nearer_pattern_file_wins(tmp_path: Path, run_git: Callable[..., str]) -> None:
    for path, text in {".gitignore": "*.txt\n", "a/.gitignore": "!keep.txt\n/b/\n", "a/b/.gitignore": "!*"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for path in ("keep.txt", "a/keep.txt", "a/drop.txt", "a/b/keep.txt", "a/c/b/x.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    paths = [file.path for file in open_repository(tmp_path, Configuration()).files]
    assert paths == [".gitignore", "a/.gitignore", "a/c/b/x.py", "a/keep.txt"]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a*" * 60 + "b", "a" * 250),
        ("*a" * 60 + "*b", "a" * 250),
        ("**/a/" * 60 + "b", "/".join("a" * 250)),
        ("[a-z]*" * 40 + "!", "a" * 250),
        ("?*" * 100 + "b", "a" * 250),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    rules = Rules.of([pattern])
    start = time.process_time()
    for _ in range(20):
        assert not rules.covers(path) if "/" not in path else not rules.decide(path, directory=False)
    assert time.process_time() - start < 1
