"""A hostile repository is opened: nothing of it runs, nothing outside it is read, nothing changes, nothing hangs."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from readiness.repository.configuration import Configuration, load_configuration
from readiness.repository.limits import Limits
from readiness.repository.opening import open_repository
from readiness.repository.tree import Repository, UnreadableError

Commit = Callable[[Path], str]
Git = Callable[..., str]

SCANNER = Path(__file__).resolve().parents[2] / "scanner"

# Opens a repository and reads every file, with a hook that notes each program, connection and write.
WATCHED = """
import json, sys
from pathlib import Path
seen = {"programs": [], "others": []}
def hook(event, arguments):
    if event == "subprocess.Popen":
        seen["programs"].append([str(word) for word in arguments[1]])
    elif event.startswith(("socket.", "os.exec", "os.system", "os.spawn", "os.posix_spawn", "ctypes.", "webbrowser.")):
        seen["others"].append(event)
    elif event in {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}:
        seen["others"].append(event)
    elif event in {"compile", "exec"} and sys.argv[1] in str(getattr(arguments[0], "co_filename", arguments[-1])):
        seen["others"].append(event)
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository
sys.addaudithook(hook)
root = Path(sys.argv[1])
repository = open_repository(root, load_configuration(root))
for file in repository.files:
    file.read()
seen["paths"] = [file.path for file in repository.files]
seen["revision"] = repository.revision
print(json.dumps(seen))
"""


def watched(root: Path, **environment: str) -> dict[str, list[str]]:
    """What happens when `root` is opened in a process of its own, started in that folder."""
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, str(root)],
        env={**os.environ, "PYTHONPATH": str(SCANNER), **environment},
        cwd=root,
        check=True,
        capture_output=True,
        timeout=60,
    )
    seen: dict[str, list[str]] = json.loads(run.stdout)
    return seen


def fingerprint(root: Path) -> str:
    """A hash over every name, kind, size, date and content below `root`."""
    digest = hashlib.sha256()
    for directory, folders, files in os.walk(os.fsencode(root)):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = directory + b"/" + name
            status = os.lstat(path)
            digest.update(repr((path, status.st_mode, status.st_size, status.st_mtime_ns)).encode())
            if stat.S_ISREG(status.st_mode) and status.st_size < 10_000_000:
                digest.update(Path(os.fsdecode(path)).read_bytes())
    return digest.hexdigest()


def opened(root: Path, limits: Limits | None = None) -> Repository:
    return open_repository(root, load_configuration(root), limits or Limits())


def reasons(repository: Repository) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in repository.skipped}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("x = 1\n")
    return root


class TestGitConfiguration:
    """A `.git` that was delivered with the repository must not run anything (a zip file, a cache of a pipeline)."""

    EVIL: ClassVar = {
        "fsmonitor": "[core]\n\tfsmonitor = {run}\n",
        "include": "[include]\n\tpath = evil.inc\n",
        "filter": '[filter "evil"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n\trequired = true\n',
        "textconv": '[diff "evil"]\n\ttextconv = {run}\n\tcommand = {run}\n[diff]\n\texternal = {run}\n',
        "hooks": "[core]\n\thooksPath = hooks\n",
        "pager": "[core]\n\tpager = {run}\n\teditor = {run}\n\tsshCommand = {run}\n\taskPass = {run}\n",
        "alias": '[alias]\n\trev-list = "!{run}"\n\tls-files = "!{run}"\n\tversion = "!{run}"\n',
        "signature": "[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {run}\n",
        "credential": "[credential]\n\thelper = {run}\n",
        "promisor": (
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n"
            '[protocol "file"]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n'
            '[remote "origin"]\n\turl = {outside}\n\tpromisor = true\n\tuploadpack = "{run};git-upload-pack"\n'
        ),
    }

    @pytest.fixture
    def marker(self, tmp_path: Path) -> Path:
        return tmp_path / "marker"

    @pytest.fixture
    def arm(self, root: Path, marker: Path, tmp_path: Path, commit_all: Commit) -> Callable[[str], Path]:
        """A function that commits the repository and then adds one evil configuration to it."""

        def add(name: str) -> Path:
            script = tmp_path / "evil.sh"
            script.write_text(f"#!/bin/sh\ntouch '{marker}'\nexit 1\n")
            script.chmod(0o755)
            (root / ".gitattributes").write_text("* filter=evil diff=evil\n")
            commit_all(root)
            directory = root / ".git"
            (directory / "evil.inc").write_text(self.EVIL["fsmonitor"].format(run=script))
            for hook in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
                (directory / "hooks").mkdir(exist_ok=True)
                (directory / "hooks" / hook).write_text(script.read_text())
                (directory / "hooks" / hook).chmod(0o755)
            with (directory / "config").open("a") as config:
                config.write(self.EVIL[name].format(run=script, outside=tmp_path))
            (root / "app" / "main.py").write_text("x = 2\n")  # whatever looks for changes has a reason to look
            return root

        return add

    @pytest.mark.parametrize("name", EVIL)
    def test_runs_nothing(self, name: str, arm: Callable[[str], Path], marker: Path) -> None:
        root = arm(name)
        before = fingerprint(root)
        seen = watched(root)
        assert seen["paths"] == [".gitattributes", "app/main.py"]
        assert seen["revision"]
        assert not marker.exists()
        assert fingerprint(root) == before

    def test_fetches_nothing_that_is_missing(self, arm: Callable[[str], Path], marker: Path, run_git: Git) -> None:
        """A partial clone fetches a missing commit through a program that its own configuration names."""
        root = arm("promisor")
        revision = run_git(root, "rev-parse", "HEAD")
        (root / ".git" / "objects" / revision[:2] / revision[2:]).unlink()
        seen = watched(root)
        assert (seen["paths"], seen["revision"]) == ([".gitattributes", "app/main.py"], None)
        assert not marker.exists()
        with suppress(subprocess.CalledProcessError):
            run_git(root, "-c", "protocol.allow=never", "cat-file", "-e", "HEAD")
        assert marker.exists(), "the trap does not work, so that this test shows nothing"

    def test_a_sparse_index_is_not_expanded(self, arm: Callable[[str], Path], marker: Path, run_git: Git) -> None:
        """Where a folder is one entry of the index, listing the files reads its tree, or fetches it."""
        root = arm("promisor")
        (root / "app" / "main.py").write_text("x = 1\n")
        tree = run_git(root, "rev-parse", "HEAD:app")
        with suppress(subprocess.CalledProcessError):  # a hook of the repository fails afterwards
            run_git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "nothing")
        (root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
        marker.unlink(missing_ok=True)
        watched(root)
        assert not marker.exists()
        with suppress(subprocess.CalledProcessError):
            run_git(root, "ls-files")
        assert marker.exists(), "the trap does not work, so that this test shows nothing"

    @pytest.mark.parametrize(
        ("name", "command"), [("fsmonitor", "status"), ("include", "status"), ("filter", "status")]
    )
    def test_the_traps_work(
        self, name: str, command: str, arm: Callable[[str], Path], marker: Path, run_git: Git
    ) -> None:
        """Without this, the tests above could pass because nothing is wrong with the repositories."""
        root = arm(name)
        with suppress(subprocess.CalledProcessError):
            run_git(root, command)
        assert marker.exists()

    def test_the_only_program_is_one_git_command(self, root: Path, commit_all: Commit) -> None:
        commit_all(root)
        seen = watched(root)
        commands = [[word for word in program if not word.startswith("-")] for program in seen["programs"]]
        assert [command[-2:] for command in commands if "version" not in command] == [["rev-list", "HEAD"]]
        assert all(command[0] == "git" for command in commands)
        assert seen["others"] == []


class TestGitDirectory:
    @pytest.fixture
    def other(self, tmp_path: Path, commit_all: Commit) -> Path:
        """A repository elsewhere, whose files must never appear."""
        other = tmp_path / "other"
        other.mkdir()
        (other / "stolen.py").write_text("secret = 1\n")
        commit_all(other)
        return other

    def test_the_environment_does_not_redirect(self, root: Path, other: Path, commit_all: Commit) -> None:
        revision = commit_all(root)
        directory = other / ".git"
        seen = watched(
            root,
            GIT_DIR=str(directory),
            GIT_WORK_TREE=str(other),
            GIT_INDEX_FILE=str(directory / "index"),
            GIT_OBJECT_DIRECTORY=str(directory / "objects"),
            GIT_COMMON_DIR=str(directory),
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0="core.worktree",
            GIT_CONFIG_VALUE_0=str(other),
        )
        assert (seen["paths"], seen["revision"]) == (["app/main.py"], revision)

    def test_a_git_file_that_points_elsewhere_is_not_followed(self, root: Path, other: Path) -> None:
        (root / ".git").write_text(f"gitdir: {other}/.git\n")
        repository = opened(root)
        assert ([file.path for file in repository.files], repository.revision) == (["app/main.py"], None)

    def test_a_git_link_that_points_elsewhere_is_not_followed(self, root: Path, other: Path) -> None:
        (root / ".git").symlink_to(other / ".git")
        repository = opened(root)
        assert ([file.path for file in repository.files], repository.revision) == (["app/main.py"], None)

    def test_a_work_tree_elsewhere_is_not_followed(
        self, root: Path, other: Path, commit_all: Commit, run_git: Git
    ) -> None:
        revision = commit_all(root)
        run_git(root, "config", "core.worktree", str(other))
        repository = opened(root)
        assert [file.path for file in repository.files] == ["app/main.py"]
        assert (repository.revision, repository.dirty) == (revision, False)

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give files away")
    def test_another_owner_is_no_obstacle(self, root: Path, commit_all: Commit) -> None:
        revision = commit_all(root)
        for path in [root, *root.rglob("*")]:
            os.chown(path, 12345, 12345)
        assert opened(root).revision == revision

    @pytest.mark.parametrize("content", ["", "nonsense\n", "ref: refs/heads/none\n", "ref: ../../x\n", "0" * 40 + "\n"])
    def test_a_damaged_head_leaves_the_files(self, content: str, root: Path, commit_all: Commit) -> None:
        commit_all(root)
        (root / ".git" / "HEAD").write_text(content)
        repository = opened(root)
        assert ([file.path for file in repository.files], repository.revision) == (["app/main.py"], None)
        assert not repository.dirty

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: data[:40],
            lambda data: b"DIRC" + struct.pack(">2I", 2, 4_000_000_000) + bytes(20),
            lambda data: b"DIRC" + struct.pack(">2I", 9, 1) + data[12:],
            lambda data: data.replace(b"app/main.py", b"../oops.pyz")[:-20] + bytes(20),
            lambda data: data.replace(b"app/main.py", b"/etc/passwd")[:-20] + bytes(20),
            lambda data: data.replace(b"app/main.py", b".git/config")[:-20] + bytes(20),
            lambda data: data[:-20] + b"link" + bytes(4) + bytes(20),
            lambda data: b"\xff" * 5000,
        ],
    )
    def test_a_damaged_index_is_answered_by_a_walk(
        self, damage: Callable[[bytes], bytes], root: Path, commit_all: Commit
    ) -> None:
        commit_all(root)
        index = root / ".git" / "index"
        index.write_bytes(damage(index.read_bytes()))
        (root / "untracked.py").write_text("")
        assert [file.path for file in opened(root).files] == ["app/main.py", "untracked.py"]

    def test_an_index_that_never_ends_is_answered_by_a_walk(self, root: Path, commit_all: Commit) -> None:
        commit_all(root)
        (root / ".git" / "index").unlink()
        (root / ".git" / "index").symlink_to("/dev/zero")
        assert [file.path for file in opened(root).files] == ["app/main.py"]


class TestLinks:
    @pytest.fixture(params=["walk", "git"])
    def linked(self, request: pytest.FixtureRequest, root: Path, tmp_path: Path, commit_all: Commit) -> Path:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret.py").write_text("secret = 1\n")
        (root / "loop").symlink_to(".")
        (root / "self.py").symlink_to("self.py")
        (root / "up").symlink_to("..")
        (root / "secret.py").symlink_to(outside / "secret.py")
        (root / "folder").symlink_to(outside)
        (root / "gone.py").symlink_to("nowhere")
        (root / "zero.py").symlink_to("/dev/zero")
        (root / "twin.py").symlink_to("app/main.py")
        if request.param == "git":
            commit_all(root)
        return root

    def test_are_never_followed(self, linked: Path) -> None:
        repository = opened(linked)
        assert [file.path for file in repository.files] == ["app/main.py"]
        links = ["folder", "gone.py", "loop", "secret.py", "self.py", "up", "zero.py"]
        assert reasons(repository) == {
            **dict.fromkeys(links, "symbolic link"),
            "twin.py": "symbolic link to app/main.py, which is read itself",
        }

    def test_a_tracked_folder_that_became_a_link(self, root: Path, tmp_path: Path, commit_all: Commit) -> None:
        commit_all(root)
        outside = tmp_path / "outside"
        (root / "app").rename(outside)
        (root / "app").symlink_to(outside)
        repository = opened(root)
        assert (repository.files, reasons(repository)) == ((), {"app": "symbolic link"})

    def test_a_file_that_becomes_a_link_or_a_pipe_before_it_is_read(self, root: Path) -> None:
        (file,) = opened(root).files
        path = root / "app" / "main.py"
        for replace in (lambda: path.symlink_to("/dev/zero"), lambda: os.mkfifo(path), path.mkdir):
            path.unlink()
            replace()
            with pytest.raises(UnreadableError, match=r"symbolic link|named pipe|directory"):
                file.read()


def test_pipes_sockets_and_devices_are_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    os.mkfifo(root / ".gitignore")
    os.mkfifo(root / "pyproject.toml")
    there = Path.cwd()
    os.chdir(root)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.py")
    finally:
        os.chdir(there)
    repository = opened(root)
    assert [file.path for file in repository.files] == ["app/main.py"]
    pipes = dict.fromkeys([".gitignore", "pipe.py", "pyproject.toml"], "named pipe")
    assert reasons(repository) == {**pipes, "socket.py": "socket"}


def test_files_of_any_size_cost_nothing(root: Path) -> None:
    for name in ("sparse.py", "sparse.ipynb", ".gitignore", "pyproject.toml"):
        with (root / name).open("wb") as file:
            file.truncate(1 << 30)
    (root / "line.py").write_bytes(b"x" * 12_000_000)
    start = time.process_time()
    repository = opened(root)
    assert time.process_time() - start < 1
    assert [file.path for file in repository.files] == ["app/main.py"]
    assert reasons(repository)["sparse.ipynb"] == "too large: 1024 MiB, the limit is 20 MiB"
    assert reasons(repository)["line.py"] == "too large: 11.44 MiB, the limit is 1 MiB"


@pytest.fixture
def deep(root: Path) -> Iterator[Path]:
    """Nine hundred folders inside one another, taken apart afterwards from the inside: cleaners recurse."""
    here = Path.cwd()
    os.chdir(root)
    try:
        for _ in range(900):
            Path("d").mkdir()
            os.chdir("d")
        Path("x.py").write_text("")
        os.chdir(here)
        yield root
        os.chdir(root)
        for _ in range(900):
            os.chdir("d")
        Path("x.py").unlink()
        for _ in range(900):
            os.chdir("..")
            Path("d").rmdir()
    finally:
        os.chdir(here)


def test_folders_of_any_depth_are_cut_off(deep: Path) -> None:
    repository = opened(deep)
    assert [file.path for file in repository.files] == ["app/main.py"]
    assert list(reasons(repository).values()) == ["not entered: more than 100 directories deep"]


def test_many_files_are_cut_off(root: Path) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(5000):
        os.mknod(many / f"{number:04}.py")
    (many / "more").mkdir()
    repository = opened(root, Limits(files=1000))
    assert len(repository.files) == 1000
    assert reasons(repository)["many/4999.py"] == "over the limit of 1000 files"
    assert reasons(repository)["many/more/"] == "not entered: too many files in this repository"


@pytest.mark.parametrize("in_git", [False, True])
def test_names_of_any_kind_are_kept_and_can_be_written(in_git: bool, root: Path, commit_all: Commit) -> None:
    names = [
        b"new\nline.py",
        b"\x1b[31m.py",
        b"::error::x.py",
        b"%0A.py",
        b"<img onerror=x>.py",
        b"a|b`c.py",
        b"-rf.py",
    ]
    names += ["\u202egpj.py".encode(), b"latin-\xe9.py", b"'; --.py", b" lead.py", b"{{ 7*7 }}.py"]
    for name in names:
        (root / os.fsdecode(name)).write_bytes(name)
    if in_git:
        commit_all(root)
    repository = opened(root)
    read = {file.path: file.read() for file in repository.files}
    assert read.pop("app/main.py") == b"x = 1\n"
    assert sorted(read) == sorted(name.decode("utf-8", "backslashreplace") for name in names)
    assert sorted(read.values()) == sorted(names)
    assert "latin-\\xe9.py" in read
    json.dumps(list(read)).encode("utf-8")
    assert repository.skipped == ()


def test_two_names_that_look_the_same_in_print_are_told_apart(root: Path) -> None:
    for name in (b"\xe9.py", b"\\xe9.py"):
        (root / os.fsdecode(name)).touch()
    repository = opened(root)
    assert [file.path for file in repository.files] == ["\\xe9.py", "app/main.py"]
    assert reasons(repository) == {"\\xe9.py": "another file's name looks the same in print"}


def test_an_ignore_file_cannot_stall_the_walk(root: Path) -> None:
    (root / ".gitignore").write_text("\n".join(["*a" * 100 + "b", "**/a/" * 80 + "b", "[" * 500, "[z-a]*"] * 100))
    for number in range(100):
        (root / ("a" * 200 + str(number))).write_text("")
    start = time.process_time()
    assert len(opened(root).files) == 102
    assert time.process_time() - start < 3


def test_opening_and_reading_changes_nothing(root: Path, commit_all: Commit) -> None:
    (root / "readiness.toml").write_text('exclude = ["**"]\n')
    for _ in range(2):
        before = fingerprint(root)
        repository = open_repository(root, Configuration())
        for file in repository.files:
            file.read()
        assert fingerprint(root) == before
        commit_all(root)


def test_a_configuration_that_hides_everything_says_so(root: Path) -> None:
    (root / "readiness.toml").write_text('exclude = ["**"]\n')
    repository = opened(root)
    assert repository.files == ()
    assert set(reasons(repository).values()) == {"excluded by configuration"}
