"""A hostile repository is read at a revision: nothing of it runs, nothing is fetched or written, nothing has no end."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.errors import UsageError
from readiness.repository import git_command
from readiness.repository.changes import changes_since
from readiness.repository.configuration import Configuration
from readiness.repository.opening import open_repository
from readiness.repository.revision import open_revision
from readiness.repository.tree import Repository, UnreadableError

Make = Callable[[Mapping[str, str]], Path]
Commit = Callable[[Path], str]
Git = Callable[..., str]

SCANNER = Path(__file__).resolve().parents[2] / "scanner"
ALLOWED = {"rev-parse", "rev-list", "merge-base", "ls-tree", "cat-file", "version"}

# Reads a repository at HEAD~1 and what has changed since, with a hook that notes each program, connection and write.
WATCHED = """
import json, os, sys
from pathlib import Path
seen = {"programs": [], "others": []}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def hook(event, arguments):
    if event == "subprocess.Popen":
        seen["programs"].append([str(word) for word in arguments[1]])
    elif event.startswith(("socket.", "os.exec", "os.system", "os.spawn", "os.posix_spawn", "ctypes.")):
        seen["others"].append(event)
    elif event in {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}:
        seen["others"].append(event)
    elif event == "open" and not isinstance(arguments[0], int) and arguments[2] & WRITES:
        seen["others"].append(f"open {arguments[0]}")
from readiness.errors import UsageError
from readiness.repository.changes import changes_since
from readiness.repository.configuration import Configuration
from readiness.repository.opening import open_repository
from readiness.repository.revision import open_revision
import git
sys.addaudithook(hook)
root = Path(sys.argv[1])
try:
    repository = open_revision(root, "HEAD~1", Configuration())
    seen["files"] = {file.path: file.read().decode() for file in repository.files}
    seen["skipped"] = {skipped.path: skipped.reason for skipped in repository.skipped}
    changes = changes_since(root, "HEAD~1", open_repository(root, Configuration()))
    seen["old"] = {path: old and old.decode() for path, old in changes.old.items()}
except UsageError as error:
    seen["error"] = str(error)
print(json.dumps(seen))
"""


def watched(root: Path, **environment: str) -> dict[str, object]:
    run = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, str(root)],
        env={**os.environ, "PYTHONPATH": str(SCANNER), **environment},
        cwd=root,
        check=True,
        capture_output=True,
        timeout=60,
    )
    seen: dict[str, object] = json.loads(run.stdout)
    return seen


def state(root: Path) -> dict[str, object]:
    """Every name below `root`, with its kind, its size and its date."""
    return {
        str(path): (status.st_mode, status.st_size, status.st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if (status := path.lstat()) and not stat.S_ISDIR(status.st_mode)
    }


def opened(root: Path, revision: str = "HEAD") -> Repository:
    return open_revision(root, revision, Configuration())


def write_object(root: Path, kind: str, content: bytes) -> bytes:
    """Store an object, whatever it says, and return its name."""
    data = f"{kind} {len(content)}\0".encode() + content
    name = hashlib.sha1(data).digest()
    path = root / ".git" / "objects" / name.hex()[:2] / name.hex()[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    return name


def commit_tree(root: Path, tree: bytes) -> str:
    """Make a commit of a tree, and a branch `forged` of it."""
    who = "A <a@example.org> 1772666999 +0000"
    name = write_object(root, "commit", f"tree {tree.hex()}\nauthor {who}\ncommitter {who}\n\nx\n".encode()).hex()
    (root / ".git" / "refs" / "heads" / "forged").write_text(f"{name}\n")
    return name


@pytest.fixture
def root(make_repository: Make, commit_all: Commit) -> Path:
    """A repository with two commits."""
    root = make_repository({".gitattributes": "* filter=evil diff=evil\n", "app/main.py": "x = 1\n"})
    commit_all(root)
    (root / "app" / "main.py").write_text("x = 2\n")
    commit_all(root)
    return root


class TestConfiguration:
    """A `.git` that was delivered with the repository must not run anything."""

    EVIL = (
        "[core]\n\trepositoryformatversion = 1\n\tfsmonitor = {run}\n\thooksPath = hooks\n\tpager = {run}\n"
        "\teditor = {run}\n\tsshCommand = {run}\n\taskPass = {run}\n\tgitProxy = {run}\n"
        "\talternateRefsCommand = {run}\n"
        '[filter "evil"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n\trequired = true\n'
        '[diff "evil"]\n\ttextconv = {run}\n\tcommand = {run}\n[diff]\n\texternal = {run}\n'
        '[alias]\n\trev-parse = "!{run}"\n\tls-tree = "!{run}"\n\tcat-file = "!{run}"\n\tmerge-base = "!{run}"\n'
        "[pager]\n\tls-tree = {run}\n\trev-list = {run}\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {run}\n"
        '[protocol "file"]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n'
        '[remote "origin"]\n\turl = {outside}\n\tpromisor = true\n\tuploadpack = "{run};git-upload-pack"\n'
        "[extensions]\n\tpartialClone = origin\n"
    )

    @pytest.fixture
    def marker(self, tmp_path: Path) -> Path:
        return tmp_path / "marker"

    @pytest.fixture
    def armed(self, root: Path, marker: Path, tmp_path: Path) -> Path:
        script = tmp_path / "evil.sh"
        script.write_text(f"#!/bin/sh\ntouch '{marker}'\nexit 1\n")
        script.chmod(0o755)
        hooks = root / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for hook in ("reference-transaction", "post-index-change", "post-checkout", "fsmonitor-watchman"):
            (hooks / hook).write_text(script.read_text())
            (hooks / hook).chmod(0o755)
        (root / ".git" / "config").write_text(self.EVIL.format(run=script, outside=tmp_path))
        return root

    def test_runs_nothing_and_writes_nothing(self, armed: Path, marker: Path) -> None:
        before = state(armed)
        seen = watched(armed)
        assert seen["files"] == {".gitattributes": "* filter=evil diff=evil\n", "app/main.py": "x = 1\n"}
        assert seen["old"] == {"app/main.py": "x = 1\n"}
        programs = seen["programs"]
        assert isinstance(programs, list)
        assert {program[0] for program in programs} == {"git"}
        assert {next(word for word in program[1:] if word in ALLOWED) for program in programs} <= ALLOWED
        assert seen["others"] == []
        assert not marker.exists()
        assert state(armed) == before

    @pytest.mark.parametrize("partial", [False, True])
    @pytest.mark.parametrize("missing", ["HEAD~1:app/main.py", "HEAD~1:app", "HEAD~1^{tree}", "HEAD~1"])
    def test_fetches_nothing_that_is_missing(
        self, missing: str, partial: bool, armed: Path, marker: Path, run_git: Git
    ) -> None:
        """A partial clone fetches what is missing through a program that its own configuration names."""
        name = run_git(armed, "rev-parse", missing)
        if partial:
            (armed / ".git" / "objects" / "pack" / "pack-1.promisor").write_text("")
        (armed / ".git" / "objects" / name[:2] / name[2:]).unlink()
        marker.unlink(missing_ok=True)
        seen = watched(armed)
        if missing == "HEAD~1:app/main.py":
            assert seen["skipped"] == {"app/main.py": "cannot be read: its content is not in this clone"}
            assert seen["old"] == {"app/main.py": None}
        else:
            assert str(seen["error"]).startswith(("the revision `HEAD~1` cannot be read", "there is no revision"))
        assert not marker.exists()
        with suppress(subprocess.CalledProcessError):
            run_git(armed, "cat-file", "-e", name)
        assert marker.exists(), "the trap does not work, so that this test shows nothing"

    def test_the_traps_work(self, armed: Path, marker: Path, run_git: Git) -> None:
        with suppress(subprocess.CalledProcessError):
            run_git(armed, "status")
        assert marker.exists()

    def test_the_environment_does_not_redirect(self, root: Path, tmp_path: Path, commit_all: Commit) -> None:
        other = tmp_path / "other"
        other.mkdir()
        for number in (1, 2):
            (other / "stolen.py").write_text(f"secret = {number}\n")
            commit_all(other)
        directory = str(other / ".git")
        seen = watched(
            root, GIT_DIR=directory, GIT_COMMON_DIR=directory, GIT_WORK_TREE=str(other),
            GIT_OBJECT_DIRECTORY=f"{directory}/objects", GIT_ALTERNATE_OBJECT_DIRECTORIES=f"{directory}/objects",
            GIT_NAMESPACE="x", GIT_LITERAL_PATHSPECS="0",
        )  # fmt: skip
        assert seen["files"] == {".gitattributes": "* filter=evil diff=evil\n", "app/main.py": "x = 1\n"}


class TestNames:
    """What a user, or a pipeline out of somebody's branch name, gives as a revision."""

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "-",
            "--all",
            "--upload-pack=x",
            "--help",
            "-c",
            "HEAD\n--all",
            "HEAD\0",
            "\x1b[2J",
            "a" * 1001,
            "\u202ex",
        ],
    )
    def test_is_refused_before_git_sees_it(self, name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(git_command, "_start", None)
        with pytest.raises(UsageError, match="is no revision") as caught:
            opened(root, name)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize(
        "name",
        ["HEAD:app", "HEAD:app/main.py", ":/commit", ":app/main.py", "@{u}", "@{-1}", "HEAD..HEAD~1", "^HEAD", "HEAD^@",
         "HEAD^!", "HEAD --all", "$(touch x)", "`touch x`", "main;touch x", "refs/heads/*", "../../x", "HEAD^{blob}"],
    )  # fmt: skip
    def test_is_one_commit_or_none(self, name: str, root: Path) -> None:
        before = state(root)
        with pytest.raises(UsageError, match="there is no revision"):
            opened(root, name)
        assert state(root) == before

    @settings(max_examples=60, deadline=None)
    @given(name=st.text(min_size=1, max_size=20))
    def test_whatever_it_is_there_is_an_answer(self, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        root = tmp_path_factory.getbasetemp() / "named"
        if not root.exists():
            (root / ".git" / "objects").mkdir(parents=True)
            (root / ".git" / "refs").mkdir()
            (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        with pytest.raises(UsageError):
            opened(root, name)


class TestObjects:
    def test_a_tree_that_spells_out_a_million_million_files(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tree = write_object(root, "tree", b"100644 f\0" + write_object(root, "blob", b""))
        for _ in range(12):
            tree = write_object(root, "tree", b"".join(b"40000 %d\0" % number + tree for number in range(10)))
        commit_tree(root, tree)
        with pytest.raises(UsageError, match=r"`forged` cannot be read: git has more to say than the \d+ bytes"):
            opened(root, "forged")

    @pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"a/../../b", b"/etc"])
    def test_a_path_that_leaves_the_repository(self, name: bytes, root: Path) -> None:
        blob = write_object(root, "blob", b"x = 1\n")
        commit_tree(root, write_object(root, "tree", b"100644 %s\0" % name + blob))
        with pytest.raises(UsageError, match=r"`forged` cannot be read: a tree is damaged\."):
            opened(root, "forged")

    def test_names_that_no_one_should_print(self, root: Path) -> None:
        blob = write_object(root, "blob", b"x = 1\n")
        names = [b"\n::error::.py", b"\x1b[2J.py", b"\xe2\x80\xae.py", b"\xff.py"]
        content = b"".join(b"100644 %s\0" % name + blob for name in sorted(names))
        commit_tree(root, write_object(root, "tree", content))
        assert {file.path: file.read() for file in opened(root, "forged").files} == dict.fromkeys(
            ["\n::error::.py", "\x1b[2J.py", "\u202e.py", "\\xff.py"], b"x = 1\n"
        )

    def test_a_blob_that_is_no_blob(self, root: Path) -> None:
        tree = write_object(root, "tree", b"")
        commit_tree(root, write_object(root, "tree", b"100644 a.py\0" + tree + b"120000 b.py\0" + tree))
        skipped = {one.path: one.reason for one in opened(root, "forged").skipped}
        assert skipped == {"a.py": "cannot be read: its content is not in this clone", "b.py": "symbolic link"}

    def test_links_lead_nowhere(self, root: Path) -> None:
        long = write_object(root, "blob", b"x" * 100_000)
        out = write_object(root, "blob", b"/etc/passwd")
        entries = b"120000 long.py\0" + long + b"120000 out.py\0" + out
        commit_tree(root, write_object(root, "tree", entries))
        repository = opened(root, "forged")
        assert repository.files == ()
        assert {one.reason for one in repository.skipped} == {"symbolic link"}

    def test_an_object_that_says_it_is_small(self, root: Path) -> None:
        """What is unpacked ends where the object says, however much follows."""
        data = b"blob 3\0" + b"x" * 50_000_000
        name = hashlib.sha1(data).digest()
        path = root / ".git" / "objects" / name.hex()[:2] / name.hex()[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(data))
        commit_tree(root, write_object(root, "tree", b"100644 a.py\0" + name))
        for file in opened(root, "forged").files:
            with suppress(UnreadableError):
                assert len(file.read()) == 3

    def test_objects_of_another_repository_are_not_borrowed(self, root: Path, tmp_path: Path) -> None:
        (root / ".git" / "objects" / "info").mkdir(exist_ok=True)
        (root / ".git" / "objects" / "info" / "alternates").write_text(f"{tmp_path}/other/.git/objects\n")
        with pytest.raises(UsageError, match=r"cannot be read: its objects lie in another repository"):
            opened(root)
        with pytest.raises(UsageError, match=r"cannot be read: its objects lie in another repository"):
            changes_since(root, "HEAD", open_repository(root, Configuration()))

    @pytest.mark.parametrize("folder", ["objects", "objects/pack", "objects/aa"])
    def test_objects_behind_a_link_are_not_read(self, folder: str, root: Path, tmp_path: Path) -> None:
        directory = root / ".git" / folder
        if directory.exists():
            directory.rename(tmp_path / "elsewhere")
        directory.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match=r"cannot be read: its objects lie behind a symbolic link"):
            opened(root)


class TestEndless:
    @pytest.mark.parametrize(
        ("name", "revision"),
        [
            ("HEAD", "main"),
            ("packed-refs", "none"),
            ("refs/heads/main", "main"),
            ("shallow", "main"),
            ("config", "main"),
        ],
    )
    def test_a_file_of_git_that_never_ends(self, name: str, revision: str, root: Path) -> None:
        """Git itself would read it until the memory is used up."""
        path = root / ".git" / name
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/zero")
        with pytest.raises(UsageError, match=r"there is no revision|cannot be read"):
            opened(root, revision)

    def test_a_git_that_waits_for_ever(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(git_command, "_SECONDS", 1)
        (root / ".git" / "packed-refs").unlink(missing_ok=True)
        os.mkfifo(root / ".git" / "packed-refs")
        with pytest.raises(UsageError, match=r"cannot be read: git took more than 1 seconds\."):
            opened(root, "none")
