"""A repository as of a revision: the same files by the same rules as in a work tree, out of git's objects alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from readiness.errors import UsageError
from readiness.repository.configuration import Configuration
from readiness.repository.limits import MEBIBYTE, Limits
from readiness.repository.opening import open_repository
from readiness.repository.revision import BlobReader, open_revision
from readiness.repository.tree import Repository, Role, UnreadableError

Make = Callable[[Mapping[str, str]], Path]
Commit = Callable[[Path], str]
Git = Callable[..., str]


def opened(root: Path, revision: str = "HEAD", limits: Limits | None = None, **settings: object) -> Repository:
    return open_revision(root, revision, Configuration(**settings), limits or Limits())  # type: ignore[arg-type]


def contents(repository: Repository) -> dict[str, bytes]:
    return {file.path: file.read() for file in repository.files}


def reasons(repository: Repository) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in repository.skipped}


def told(repository: Repository) -> tuple[Repository, list[tuple[str, int, Role, bytes]]]:
    """All that a repository says, contents included, in a form that can be compared."""
    files = [(file.path, file.size, file.role, file.read()) for file in repository.files]
    return replace(repository, files=()), files


@pytest.fixture
def varied(make_repository: Make, commit_all: Commit, run_git: Git) -> Path:
    """A committed repository with everything that is passed over, and a name that is no UTF-8."""
    root = make_repository(
        {
            "app/main.py": "print('hello')\n",
            "app/empty.py": "",
            "app/notes.md": "\n",
            "big.txt": "x" * 5000,
            "docs/guide.md": "# Guide\n",
            "envs/mine/pyvenv.cfg": "",
            "envs/mine/lib/x.py": "",
            "generated/a_gen.py": "",
            "logo.png": "",
            "node_modules/left/pad.js": "",
            "tests/test_main.py": "",
            "tools/app.py": "",
            "a/b/c/d/deep.py": "",
        }
    )
    (root / "app" / "twin.py").symlink_to("main.py")
    (root / "loop").symlink_to(".")
    (root / "out.py").symlink_to("/etc/passwd")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.py")).write_text("x = 1\n")
    run_git(root, "init", "--quiet")
    (root / "lib" / "other").mkdir(parents=True)
    run_git(root, "update-index", "--add", "--cacheinfo", "160000", "1" * 40, "lib/other")
    commit_all(root)
    return root


@pytest.mark.parametrize("folder", ["", "app", "envs"])
@pytest.mark.parametrize(
    "limits", [Limits(), Limits(file_bytes=4000, depth=3), Limits(files=3), Limits(total_bytes=20)]
)
def test_a_clean_work_tree_and_its_revision_say_the_same(folder: str, limits: Limits, varied: Path) -> None:
    configuration = Configuration(exclude=("*_gen.py", "/docs/"), roles={"tools/": Role.SERVING})
    tree = open_repository(varied / folder, configuration, limits, ("*.cfg",))
    revision = open_revision(varied / folder, "HEAD", configuration, limits, ("*.cfg",))
    assert told(revision) == told(tree)


def test_what_is_passed_over_has_its_reason(varied: Path) -> None:
    repository = opened(varied, limits=Limits(file_bytes=4000))
    assert reasons(repository) == {
        "app/twin.py": "symbolic link to app/main.py, which is read itself",
        "big.txt": "too large: 4.883 KiB, the limit is 3.906 KiB",
        "envs/mine/": "not entered: installed packages, not code of this repository",
        "lib/other/": "git submodule: a repository of its own",
        "loop": "symbolic link",
        "node_modules/": "not entered: installed packages, not code of this repository",
        "out.py": "symbolic link",
    }
    assert repository.others == ("logo.png",)
    assert "caf\\xe9.py" in contents(repository)


def test_an_older_revision_is_read_whatever_the_work_tree_says(
    make_repository: Make, commit_all: Commit, run_git: Git
) -> None:
    root = make_repository({"a.py": "x = 1\n", "gone.py": "y = 1\n"})
    first = commit_all(root)
    run_git(root, "tag", "v1.0")
    (root / "a.py").write_text("x = 2\n")
    (root / "gone.py").unlink()
    second = commit_all(root)
    (root / "a.py").write_text("x = 3\n")
    (root / "untracked.py").write_text("")
    for name in ("v1.0", "HEAD~1", first[:8], "refs/tags/v1.0", "main^"):
        repository = opened(root, name)
        assert (repository.revision, repository.committed) == (first, date(2026, 3, 4))
        assert (repository.name, repository.dirty) == ("repository", False)
        assert contents(repository) == {"a.py": b"x = 1\n", "gone.py": b"y = 1\n"}
    assert (opened(root, "main").revision, contents(opened(root, "main"))) == (second, {"a.py": b"x = 2\n"})


def test_a_folder_that_the_revision_does_not_have(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    (root / "new").mkdir()
    with pytest.raises(UsageError, match=r"new: there is no such folder in revision `HEAD`\."):
        opened(root / "new")


def test_a_revision_without_files(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({})
    revision = commit_all(root)
    assert (opened(root).revision, opened(root).files) == (revision, ())


@pytest.mark.parametrize("name", ["none", "HEAD~9", "v1..main", "^main", "0" * 40, "HEAD:a.py", "main main", "é"])
def test_what_is_no_revision_is_a_usage_error(name: str, make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    with pytest.raises(UsageError) as caught:
        opened(root, name)
    assert str(caught.value) == (
        f"there is no revision `{name}` in this repository. Fetch it first: a shallow clone has only the newest "
        "commits."
    )


def test_a_folder_without_git_is_a_usage_error(make_repository: Make, tmp_path: Path) -> None:
    root = make_repository({"a.py": ""})
    with pytest.raises(UsageError, match="no git repository, so that it has no revisions"):
        opened(root)
    (root / ".git").write_text(f"gitdir: {tmp_path}/elsewhere\n")
    with pytest.raises(UsageError, match="are not followed: name the repository itself"):
        opened(root)


def test_without_commits_there_is_no_revision(make_repository: Make, run_git: Git) -> None:
    root = make_repository({"a.py": ""})
    run_git(root, "init", "--quiet")
    with pytest.raises(UsageError, match="there is no revision `HEAD`"):
        opened(root)


def test_without_git_it_is_said(make_repository: Make, commit_all: Commit, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(UsageError, match=r"the revision `HEAD` cannot be read: git is not installed\."):
        opened(root)


def test_files_are_read_in_any_order_and_more_than_once(make_repository: Make, commit_all: Commit) -> None:
    """They are fetched ahead, a few megabytes at a time."""
    sizes = {"a.ipynb": 3, "b.ipynb": 6, "c.ipynb": 12, "d.ipynb": 1, "e.ipynb": 1}
    root = make_repository({name: name[0] * (size * MEBIBYTE) for name, size in sizes.items()})
    commit_all(root)
    files = opened(root).files
    for file in [*files, *reversed(files), files[0], files[0]]:
        assert file.read() == file.path[:1].encode() * file.size


def test_a_thousand_files_are_a_few_questions(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({f"m{number}.py": f"x = {number}\n" for number in range(1500)})
    commit_all(root)
    assert contents(opened(root)) == {f"m{number}.py": f"x = {number}\n".encode() for number in range(1500)}


def test_the_time_for_reading_is_limited(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    assert reasons(opened(root, limits=Limits(seconds=0))) == {"a.py": "the 0 seconds for reading were used up"}


def test_the_time_is_that_of_reading_too(make_repository: Make, commit_all: Commit) -> None:
    root = make_repository({"a.py": "", "b.py": ""})
    commit_all(root)
    first, _ = opened(root).files
    first.read()
    assert isinstance(first.read, BlobReader)
    first.read.budget.left = 0
    with pytest.raises(UnreadableError, match="the 60 seconds for reading were used up"):
        first.read()


def test_a_damaged_object_costs_its_file_only(make_repository: Make, commit_all: Commit, run_git: Git) -> None:
    root = make_repository({"a.py": "a = 1\n", "b.py": "b = 1\n", "c.py": "c = 1\n"})
    commit_all(root)
    repository = opened(root)
    name = run_git(root, "rev-parse", "HEAD:b.py")
    blob = root / ".git" / "objects" / name[:2] / name[2:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-4])
    first, second, third = repository.files
    assert (first.read(), third.read()) == (b"a = 1\n", b"c = 1\n")
    with pytest.raises(UnreadableError, match="git's object is damaged or missing"):
        second.read()
    blob.unlink()
    assert reasons(opened(root)) == {"b.py": "cannot be read: its content is not in this clone"}


def test_a_shallow_clone_has_its_newest_commit(
    make_repository: Make, commit_all: Commit, run_git: Git, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    commit_all(root)
    (root / "a.py").write_text("x = 2\n")
    commit_all(root)
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", str(clone))
    assert contents(opened(clone)) == {"a.py": b"x = 2\n"}
    with pytest.raises(UsageError, match="a shallow clone has only the newest commits"):
        opened(clone, "HEAD~1")


def test_a_partial_clone_passes_over_what_it_has_left_out(
    make_repository: Make, commit_all: Commit, run_git: Git, tmp_path: Path
) -> None:
    root = make_repository({"a.py": "x = 1\n", "same.py": "", "logo.png": "old\n"})
    commit_all(root)
    (root / "a.py").write_text("x = 2\n")
    (root / "logo.png").write_text("new\n")
    commit_all(root)
    run_git(root, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{root}", str(clone))
    assert contents(opened(clone)) == {"a.py": b"x = 2\n", "same.py": b""}
    older = opened(clone, "HEAD~1")
    assert (contents(older), older.others) == ({"same.py": b""}, ("logo.png",))
    assert reasons(older) == {"a.py": "cannot be read: its content is not in this clone"}


def test_a_repository_with_longer_hashes(make_repository: Make, commit_all: Commit, run_git: Git) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    run_git(root, "init", "--quiet", "--object-format=sha256")
    revision = commit_all(root)
    assert (len(revision), opened(root).revision, contents(opened(root))) == (64, revision, {"a.py": b"x = 1\n"})
