"""Opening a repository: which files it consists of, in git and elsewhere, and what was passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from readiness.errors import UsageError
from readiness.repository.configuration import Configuration
from readiness.repository.limits import Limits
from readiness.repository.opening import open_repository
from readiness.repository.tree import Repository, Role, UnreadableError

Make = Callable[[Mapping[str, str]], Path]
Git = Callable[..., str]


def opened(root: Path, limits: Limits | None = None, exclude: tuple[str, ...] = (), **settings: object) -> Repository:
    configuration = Configuration(**settings)  # type: ignore[arg-type]
    return open_repository(root, configuration, limits or Limits(), exclude)


def paths(repository: Repository) -> list[str]:
    return [file.path for file in repository.files]


def reasons(repository: Repository) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in repository.skipped}


PROJECT = {
    ".gitignore": "secret.py\n*.log\n/dist/\n",
    "app/main.py": "print('hello')\n",
    "app/.gitignore": "local_*.py\n!local_kept.py\n",
    "app/local_settings.py": "",
    "app/local_kept.py": "",
    "app/run.log": "",
    "deep/dist/kept.py": "",
    "dist/built.py": "",
    "secret.py": "",
    "tests/test_main.py": "",
}
READ = [".gitignore", "app/.gitignore", "app/local_kept.py", "app/main.py", "deep/dist/kept.py", "tests/test_main.py"]


def test_a_plain_folder_is_walked_as_its_gitignore_says(make_repository: Make) -> None:
    repository = opened(make_repository(PROJECT))
    assert paths(repository) == READ
    assert (repository.name, repository.revision, repository.dirty) == ("repository", None, False)
    assert repository.committed is None
    assert repository.skipped == ()


def test_git_and_the_walk_agree_on_a_fresh_commit(make_repository: Make, commit_all: Callable[[Path], str]) -> None:
    root = make_repository(PROJECT)
    revision = commit_all(root)
    repository = opened(root)
    assert paths(repository) == READ
    assert (repository.name, repository.revision, repository.dirty) == ("repository", revision, False)
    assert repository.committed == date(2026, 3, 4)


def test_only_tracked_files_belong_to_a_work_tree(make_repository: Make, commit_all: Callable[[Path], str]) -> None:
    root = make_repository({"a.py": "", "ignored.py": "", ".gitignore": ""})
    commit_all(root)
    (root / "untracked.py").write_text("")
    (root / ".gitignore").write_text("ignored.py\n")  # tracked nevertheless
    assert paths(opened(root)) == [".gitignore", "a.py", "ignored.py"]


def test_a_folder_of_a_work_tree_is_scanned_on_its_own(
    make_repository: Make, commit_all: Callable[[Path], str]
) -> None:
    root = make_repository({"backend/app/main.py": "", "backend/tests/test_a.py": "", "tests/a.py": "", "back.py": ""})
    revision = commit_all(root)
    repository = opened(root / "backend")
    assert paths(repository) == ["app/main.py", "tests/test_a.py"]
    assert (repository.name, repository.revision) == ("repository/backend", revision)


def test_a_folder_whose_own_name_is_a_class_says_nothing(make_repository: Make) -> None:
    root = make_repository({"examples/app.py": ""}) / "examples"
    assert [file.role for file in opened(root).files] == [Role.SERVING]


def test_an_untracked_folder_of_a_work_tree_is_walked(make_repository: Make, commit_all: Callable[[Path], str]) -> None:
    root = make_repository({"a.py": ""})
    commit_all(root)
    (root / "new").mkdir()
    (root / "new" / "b.py").write_text("")
    repository = opened(root / "new")
    assert (paths(repository), repository.revision) == (["b.py"], None)


def test_a_repository_without_commits_has_no_revision(make_repository: Make, run_git: Git) -> None:
    root = make_repository({"a.py": ""})
    run_git(root, "init", "--quiet")
    assert (paths(opened(root)), opened(root).revision) == (["a.py"], None)
    run_git(root, "add", "a.py")
    (root / "b.py").write_text("")
    assert (paths(opened(root)), opened(root).revision, opened(root).dirty) == (["a.py"], None, False)


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_index_is_read(
    version: str, make_repository: Make, commit_all: Callable[[Path], str], run_git: Git
) -> None:
    names = ["app/main.py", "app/main_long.py", "app/sub/x.py", "z.py"]
    root = make_repository(dict.fromkeys(names, "x = 1\n"))
    commit_all(root)
    run_git(root, "update-index", "--index-version", version)
    (root / "untracked.py").write_text("")
    repository = opened(root)
    assert (paths(repository), repository.dirty) == (names, False)


class TestDirty:
    @pytest.fixture
    def root(self, make_repository: Make, commit_all: Callable[[Path], str]) -> Path:
        root = make_repository({"app/main.py": "x = 1\n", "app/sub/deep.py": "", "README.md": "hello\n"})
        commit_all(root)
        return root

    def test_a_changed_file(self, root: Path) -> None:
        (root / "app" / "main.py").write_text("x = 2\n")
        assert opened(root).dirty

    def test_a_removed_file(self, root: Path) -> None:
        (root / "app" / "main.py").unlink()
        repository = opened(root)
        assert repository.dirty
        assert reasons(repository) == {"app/main.py": "tracked by git, but not in the work tree"}

    def test_a_staged_file(self, root: Path, run_git: Git) -> None:
        (root / "app" / "new.py").write_text("")
        run_git(root, "add", "app/new.py")
        assert opened(root).dirty

    def test_a_file_that_became_a_link(self, root: Path) -> None:
        (root / "README.md").unlink()
        (root / "README.md").symlink_to("app/main.py")
        assert opened(root).dirty

    def test_not_by_an_untracked_file(self, root: Path) -> None:
        (root / "new.py").write_text("")
        assert not opened(root).dirty

    def test_not_by_a_new_date(self, root: Path) -> None:
        os.utime(root / "app" / "main.py", (1, 1))
        assert not opened(root).dirty

    def test_not_by_line_ends(self, root: Path) -> None:
        (root / "app" / "main.py").write_bytes(b"x = 1\r\n")
        assert not opened(root).dirty

    def test_not_where_a_filter_may_have_changed_the_file(
        self, root: Path, commit_all: Callable[[Path], str], run_git: Git
    ) -> None:
        (root / ".gitattributes").write_text("*.py filter=lfs\n")
        commit_all(root)
        (root / "app" / "main.py").write_text("x = 2\n")
        assert not opened(root).dirty

    def test_not_by_a_file_that_a_sparse_checkout_leaves_out(self, root: Path, run_git: Git) -> None:
        run_git(root, "update-index", "--skip-worktree", "README.md")
        (root / "README.md").unlink()
        assert not opened(root).dirty


def test_installed_packages_and_caches_are_named_in_one_line_each(make_repository: Make) -> None:
    files = ["node_modules/a/index.js", "node_modules/b.js", ".venv/lib/x.py", "a/__pycache__/a.pyc", "a/a.py"]
    files += ["env/pyvenv.cfg", "env/lib/x.py"]
    repository = opened(make_repository(dict.fromkeys(files, "")))
    assert paths(repository) == ["a/a.py"]
    assert list(reasons(repository)) == [".venv/", "a/__pycache__/", "env/", "node_modules/"]
    assert "installed packages" in reasons(repository)["env/"]


def test_installed_packages_that_were_committed_are_not_entered_either(
    make_repository: Make, commit_all: Callable[[Path], str]
) -> None:
    root = make_repository({"node_modules/a/index.js": "", "env/pyvenv.cfg": "", "env/lib/x.py": "", "a.py": ""})
    commit_all(root)
    assert (paths(opened(root)), list(reasons(opened(root)))) == (["a.py"], ["env/", "node_modules/"])


def test_what_holds_no_text_is_there_but_not_read(make_repository: Make) -> None:
    repository = opened(make_repository({"a.py": "", "logo.PNG": "", "data/golden.parquet": "", "m.gguf": ""}))
    assert (paths(repository), repository.others) == (["a.py"], ("data/golden.parquet", "logo.PNG", "m.gguf"))
    assert repository.skipped == ()


def test_a_repository_inside_another_is_left_to_its_own_scan(
    make_repository: Make, commit_all: Callable[[Path], str], run_git: Git
) -> None:
    root = make_repository({"a.py": "", "inner/b.py": ""})
    commit_all(root / "inner")
    assert reasons(opened(root)) == {"inner/": "not entered: a git repository of its own"}
    commit_all(root)  # git records it as a submodule
    assert reasons(opened(root)) == {"inner/": "git submodule: a repository of its own"}


@pytest.mark.parametrize("in_git", [False, True])
def test_excluded_paths_are_listed_with_their_reason(
    in_git: bool, make_repository: Make, commit_all: Callable[[Path], str]
) -> None:
    root = make_repository({"a.py": "", "docs/b.py": "", "docs/c/d.py": "", "x/gen_1.py": "", "x/y.py": ""})
    if in_git:
        commit_all(root)
    repository = open_repository(root, Configuration(exclude=("docs",)), exclude=("gen_*.py",))
    assert paths(repository) == ["a.py", "x/y.py"]
    assert reasons(repository) == {
        "docs/": "excluded by configuration",
        "x/gen_1.py": "excluded by configuration",
    }


def test_configuration_tells_what_a_misleading_path_is_for(make_repository: Make) -> None:
    root = make_repository({"tools/app.py": "", "tools/seed.py": "", "app.py": ""})
    repository = opened(root, roles={"tools/seed.py": Role.SCRIPT, "tools/": Role.SERVING})
    assert [file.role for file in repository.files] == [Role.SERVING, Role.SERVING, Role.SCRIPT]


class TestLimits:
    def test_the_size_of_a_file(self, make_repository: Make) -> None:
        root = make_repository(
            {"big.py": "x" * 2049, "big.ipynb": "x" * 2049, "uv.lock": "x" * 2049, "fit.py": "x" * 2048}
        )
        repository = opened(root, Limits(file_bytes=2048))
        assert paths(repository) == ["big.ipynb", "fit.py", "uv.lock"]
        assert reasons(repository) == {"big.py": "too large: 2.001 KiB, the limit is 2 KiB"}

    def test_the_number_of_files(self, make_repository: Make) -> None:
        repository = opened(make_repository({"a.py": "", "b.py": "", "c.py": ""}), Limits(files=2))
        assert (paths(repository), reasons(repository)) == (["a.py", "b.py"], {"c.py": "over the limit of 2 files"})

    def test_the_sum_of_the_sizes(self, make_repository: Make) -> None:
        repository = opened(make_repository({"a.py": "123", "b.py": "456", "c.py": "7"}), Limits(total_bytes=4))
        assert (paths(repository), reasons(repository)) == (
            ["a.py", "c.py"],
            {"b.py": "over the limit of 4 bytes for all files"},
        )

    @pytest.mark.parametrize("in_git", [False, True])
    def test_the_depth(self, in_git: bool, make_repository: Make, commit_all: Callable[[Path], str]) -> None:
        root = make_repository({"a/b/in.py": "", "a/b/c/d/out.py": "", "a/b/c/out.py": ""})
        if in_git:
            commit_all(root)
        repository = opened(root, Limits(depth=2))
        assert (paths(repository), reasons(repository)) == (
            ["a/b/in.py"],
            {"a/b/c/": "not entered: more than 2 directories deep"},
        )

    def test_the_time(self, make_repository: Make, commit_all: Callable[[Path], str]) -> None:
        root = make_repository({"a.py": "", "b.py": ""})
        commit_all(root)
        repository = opened(root, Limits(seconds=0))
        assert paths(repository) == []
        assert reasons(repository) == dict.fromkeys(["a.py", "b.py"], "the 0 seconds for reading were used up")

    def test_the_time_of_a_walk(self, make_repository: Make) -> None:
        repository = opened(make_repository({"a.py": ""}), Limits(seconds=0))
        assert reasons(repository) == {"./": "the 0 seconds for reading were used up"}


def test_files_are_read_when_asked(make_repository: Make) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    (file,) = opened(root).files
    assert (file.read(), file.size) == (b"x = 1\n", 6)
    (root / "a.py").unlink()
    with pytest.raises(UnreadableError, match="cannot be read: no such file or directory"):
        file.read()


def test_a_file_that_grew_over_its_limit_is_not_read(make_repository: Make) -> None:
    root = make_repository({"a.py": "1"})
    (file,) = opened(root, Limits(file_bytes=10)).files
    (root / "a.py").write_text("1" * 11)
    with pytest.raises(UnreadableError, match="too large: 11 bytes, the limit is 10 bytes"):
        file.read()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_closed_file_and_a_closed_folder_are_skipped(make_repository: Make) -> None:
    root = make_repository({"a.py": "", "closed.py": "", "shut/b.py": ""})
    (root / "closed.py").chmod(0)
    (root / "shut").chmod(0)
    try:
        assert reasons(opened(root)) == dict.fromkeys(["closed.py", "shut/"], "cannot be read: permission denied")
        with pytest.raises(UsageError, match="permission denied"):
            opened(root / "shut")
    finally:
        (root / "shut").chmod(0o700)


def test_the_current_directory_has_a_name(make_repository: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_repository({"a.py": ""}))
    assert opened(Path()).name == "repository"


def test_a_path_that_is_no_folder_is_a_usage_error(make_repository: Make) -> None:
    root = make_repository({"a.py": ""})
    with pytest.raises(UsageError, match=r"missing: there is no such folder\. Give the path of a repository\."):
        opened(root / "missing")
    with pytest.raises(UsageError, match=r"a\.py: a file, not a folder\."):
        opened(root / "a.py")
    with pytest.raises(UsageError, match=r"there is no such folder"):
        opened(root / "a.py" / "b")
    with pytest.raises(UsageError, match=r"--exclude: the pattern '\.\./x' leaves the repository"):
        opened(root, exclude=("../x",))
