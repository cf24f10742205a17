"""What has changed since a revision: content by content, across renames, from where the histories part."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from readiness.errors import UsageError
from readiness.repository.changes import Changes, changes_since
from readiness.repository.configuration import Configuration
from readiness.repository.opening import open_repository
from readiness.repository.revision import open_revision

Make = Callable[[Mapping[str, str]], Path]
Commit = Callable[[Path], str]
Git = Callable[..., str]

LONG = "".join(f"line_{number} = {number}\n" for number in range(20))


def since(root: Path, revision: str = "HEAD", **settings: object) -> Changes:
    configuration = Configuration(**settings)  # type: ignore[arg-type]
    return changes_since(root, revision, open_repository(root, configuration))


def test_nothing_has_changed(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    revision = commit_all(root)
    os.utime(root / "a.py", (1, 1))
    changes = since(root)
    assert (changes.revision, changes.base, changes.shared_history) == ("HEAD", revision, True)
    assert (dict(changes.old), len(changes.old), changes.moved) == ({}, 0, {})


def test_new_and_changed_files_have_their_older_versions(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "x = 1\n", "b.py": "", "c.py": "", "gone.py": LONG})
    commit_all(root)
    (root / "a.py").write_text("x = 2\n")
    (root / "b.py").write_text("y = 1\n")
    (root / "new.py").write_text("z = 1\n")
    (root / "gone.py").unlink()
    commit_all(root)
    (root / "a.py").write_text("x = 3\n")  # not committed: what counts is what lies there now
    (root / "untracked.py").write_text("")
    assert dict(since(root, "HEAD~1").old) == {"a.py": b"x = 1\n", "b.py": b"", "new.py": None}
    assert dict(since(root).old) == {"a.py": b"x = 2\n"}


def test_line_ends_are_no_change(make_repository: Make, commit_all: Commit, run_git: Git) -> None:
    root = make_repository({"a.py": "x = 1\ny = 2\n"})
    commit_all(root)
    (root / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert dict(since(root).old) == {}


def test_what_others_have_done_since_does_not_count(make_repository: Make, commit_all: Commit, run_git: Git) -> None:
    root = make_repository({"a.py": "x = 1\n", "b.py": "y = 1\n"})
    base = commit_all(root)
    run_git(root, "checkout", "--quiet", "-b", "feature")
    (root / "a.py").write_text("x = 2\n")
    commit_all(root)
    run_git(root, "checkout", "--quiet", "main")
    (root / "b.py").write_text("y = 2\n")
    commit_all(root)
    run_git(root, "checkout", "--quiet", "feature")
    changes = since(root, "main")
    assert (changes.base, changes.shared_history, dict(changes.old)) == (base, True, {"a.py": b"x = 1\n"})


def test_a_shallow_clone_compares_with_the_revision_itself(
    make_repository: Make, commit_all: Commit, run_git: Git, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    commit_all(root)
    run_git(root, "checkout", "--quiet", "-b", "feature")
    (root / "a.py").write_text("x = 2\n")
    commit_all(root)
    run_git(root, "checkout", "--quiet", "main")
    (root / "a.py").write_text("x = 3\n")
    theirs = commit_all(root)
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=feature", f"file://{root}", str(clone))
    run_git(clone, "fetch", "--quiet", "--depth=1", "origin", "main:main")
    changes = since(clone, "main")
    assert (changes.base, changes.shared_history, dict(changes.old)) == (theirs, False, {"a.py": b"x = 3\n"})


def test_only_what_is_scanned_is_compared(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"app/a.py": "x = 1\n", "app/docs/b.py": "", "other/c.py": ""})
    commit_all(root)
    for name in ("app/a.py", "app/docs/b.py", "other/c.py"):
        (root / name).write_text("new = 1\n")
    assert dict(since(root / "app", exclude=("docs/",)).old) == {"a.py": b"x = 1\n"}


def test_a_folder_that_is_new(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    (root / "app").mkdir()
    (root / "app" / "b.py").write_text("")
    commit_all(root)
    assert dict(since(root / "app", "HEAD~1").old) == {"b.py": None}


def test_another_revision_can_be_compared_too(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    for number in (1, 2, 3):
        (root / "a.py").write_text(f"x = {number}\n")
        commit_all(root)
    repository = open_revision(root, "HEAD~1", Configuration())
    assert dict(changes_since(root, "HEAD~2", repository).old) == {"a.py": b"x = 1\n"}
    assert dict(changes_since(root, "HEAD~1", repository).old) == {}


def test_a_file_that_cannot_be_read_now_is_not_compared(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    commit_all(root)
    (root / "new.py").write_text("x = 2\n")
    commit_all(root)
    repository = open_repository(root, Configuration())
    (root / "a.py").unlink()
    (root / "new.py").unlink()
    assert dict(changes_since(root, "HEAD~1", repository).old) == {"new.py": None}


def test_a_repository_of_another_place_cannot_be_compared(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    commit_all(root)
    repository = replace(open_repository(root, Configuration()), revision="0" * 40)
    with pytest.raises(UsageError, match=r"the revision `HEAD` cannot be read: git could not do it\."):
        changes_since(root, "HEAD", repository)


class TestRenames:
    def test_the_same_content(self, make_repository: Make, commit_all: Commit) -> None:
        root = make_repository({"a.py": LONG, "b.py": LONG, "kept.py": LONG})
        commit_all(root)
        (root / "app").mkdir()
        (root / "a.py").rename(root / "app" / "new.py")
        (root / "b.py").rename(root / "app" / "b.py")
        (root / "app" / "copy.py").write_text(LONG)
        commit_all(root)
        changes = since(root, "HEAD~1")
        assert changes.moved == {"app/b.py": "b.py", "app/copy.py": "a.py"}
        assert dict(changes.old) == {"app/b.py": LONG.encode(), "app/copy.py": LONG.encode(), "app/new.py": None}

    def test_much_the_same_lines(self, make_repository: Make, commit_all: Commit) -> None:
        other = LONG.replace("line", "row")
        root = make_repository({"a.py": LONG, "b.py": other, "c.txt": LONG})
        commit_all(root)
        for name in ("a.py", "b.py", "c.txt"):
            (root / name).unlink()
        (root / "x.py").write_text("    " + LONG.replace("\n", "\n    ") + "more = 1\n")
        (root / "y.py").write_text(other.replace("= 1\n", "= 2\n"))
        (root / "z.py").write_text("nothing = 'alike'\n")
        (root / "empty.py").write_text("")
        commit_all(root)
        changes = since(root, "HEAD~1")
        assert changes.moved == {"x.py": "a.py", "y.py": "b.py"}
        assert changes.old["x.py"] == LONG.encode()
        assert (changes.old["z.py"], changes.old["empty.py"]) == (None, None)

    def test_the_more_alike_wins(self, make_repository: Make, commit_all: Commit) -> None:
        root = make_repository({"a.py": LONG, "b.py": LONG + "more = 1\nlast = 1\n"})
        commit_all(root)
        (root / "a.py").unlink()
        (root / "b.py").unlink()
        (root / "new.py").write_text(LONG + "more = 1\nlast = 2\n")
        commit_all(root)
        assert since(root, "HEAD~1").moved == {"new.py": "b.py"}

    def test_a_copy_of_what_is_still_there_is_new(self, make_repository: Make, commit_all: Commit) -> None:
        root = make_repository({"a.py": LONG, "docs/sub/b.py": LONG, "big.py": LONG + "x" * 2_000_000})
        commit_all(root)
        (root / "copy.py").write_text(LONG)
        commit_all(root)
        changes = since(root, "HEAD~1", exclude=("docs/",))
        assert (dict(changes.old), changes.moved) == ({"copy.py": None}, {})

    def test_a_link_is_no_older_version(self, make_repository: Make, commit_all: Commit) -> None:
        root = make_repository({"a.py": LONG})
        (root / "b.py").symlink_to("a.py")
        commit_all(root)
        (root / "b.py").unlink()
        (root / "b.py").write_text("a.py")
        assert dict(since(root).old) == {"b.py": None}


class TestFilters:
    """A filter writes out other contents than git stores, as Git LFS does; nothing has changed by that."""

    @pytest.fixture
    def filtered(self, make_repository: Make, commit_all: Commit, run_git: Git) -> Path:
        root = make_repository({".gitattributes": "*.txt filter=upper\n", "a.txt": "small\n"})
        commit_all(root)
        run_git(root, "config", "filter.upper.smudge", "tr a-z A-Z")
        run_git(root, "config", "filter.upper.clean", "tr A-Z a-z")
        (root / "a.txt").unlink()
        run_git(root, "checkout", "--quiet", "--", "a.txt")
        assert (root / "a.txt").read_text() == "SMALL\n"
        return root

    def test_what_git_has_written_out_is_unchanged(self, filtered: Path) -> None:
        assert dict(since(filtered).old) == {}

    def test_what_was_changed_then_is_seen(self, filtered: Path) -> None:
        (filtered / "a.txt").write_text("OTHER\n")
        os.utime(filtered / "a.txt", (1, 1))
        assert dict(since(filtered).old) == {"a.txt": b"small\n"}

    def test_another_revision_has_no_work_tree(self, filtered: Path, commit_all: Commit) -> None:
        (filtered / "a.txt").write_text("OTHER\n")
        commit_all(filtered)
        changes = changes_since(filtered, "HEAD~1", open_revision(filtered, "HEAD", Configuration()))
        assert dict(changes.old) == {"a.txt": b"small\n"}


def test_an_older_version_that_is_missing_is_none(make_repository: Make, commit_all: Commit, run_git: Git) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    commit_all(root)
    name = run_git(root, "rev-parse", "HEAD:a.py")
    (root / "a.py").write_text("x = 2\n")
    (root / ".git" / "objects" / name[:2] / name[2:]).unlink()
    assert dict(since(root).old) == {"a.py": None}


def test_without_git_there_are_no_changes(make_repository: Make) -> None:
    root = make_repository({"a.py": ""})
    with pytest.raises(UsageError, match="no git repository"):
        since(root)
    with pytest.raises(UsageError, match="there is no such folder"):
        changes_since(root / "none", "HEAD", open_repository(root, Configuration()))


def test_a_revision_that_does_not_exist(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    with pytest.raises(UsageError, match="there is no revision `none` in this repository"):
        since(root, "none")
