"""`readiness new`: a project from the package's own template, offline, whole or not at all."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

import readiness
from readiness.cli import main
from readiness.scaffold import load_questions

SOURCE = str(Path(readiness.__file__).parents[1])


@pytest.fixture(autouse=True)
def beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_template: Path, use_template: Callable[[Path], None]
) -> None:
    """An empty folder to work in."""
    use_template(small_template)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("READINESS_TEMPLATE_SOURCE", raising=False)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m readiness new …` in a bare environment, with nothing on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "readiness", "new", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def saved(folder: Path | str) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(Path(folder, ".copier-answers.yml").read_text("utf-8"))
    return loaded


def test_a_project_with_every_default_named_after_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "acme-answers", "--defaults"]) == 0

    written = capsys.readouterr()
    assert written.err == ""
    assert written.out.startswith("Acme Answers is in acme-answers. ")
    assert "    pip install uv && uv run acme_answers demo\n    uv run poe test\n" in written.out
    assert tomllib.loads(Path("acme-answers/pyproject.toml").read_text())["project"]["name"] == "acme-answers"
    assert Path("acme-answers/src/acme_answers/__init__.py").is_file()
    assert [path.name for path in Path().iterdir()] == ["acme-answers"]
    assert Path("acme-answers").stat().st_mode & 0o777 == Path("acme-answers/src").stat().st_mode & 0o777


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "acme", "--defaults", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_answers_from_the_command_line_beat_those_of_a_file() -> None:
    Path("answers.yml").write_text("_src_path: /elsewhere\nci: gitlab\ndeploy: [kubernetes]\nactions: true\n")
    given = ["-a", "ci=github", "--answer", "project_name=R2-D2 Help", "-a", "latency_slo_ms=900"]

    assert main(["new", "x", "--defaults", "--answers-file", "answers.yml", *given]) == 0

    wanted = {"ci": "github", "deploy": ["kubernetes"], "actions": True, "project_slug": "r2-d2-help"}
    assert saved("x").items() >= {**wanted, "package_name": "r2_d2_help", "latency_slo_ms": 900}.items()
    assert saved("x")["_src_path"] != "/elsewhere"


def test_the_answers_of_one_project_make_another() -> None:
    assert main(["new", "one", "--defaults", "-a", "ci=gitlab"]) == 0
    assert main(["new", "two", "--answers-file", "one/.copier-answers.yml"]) == 0  # nothing is missing, nobody is asked
    assert saved("one") == saved("two")


def test_an_empty_list_is_an_answer() -> None:
    assert main(["new", "x1", "--defaults", "-a", "deploy=", "-q"]) == 0
    assert saved("x1")["deploy"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-a", "cii=github"], "there is no question `cii`; did you mean `ci`?"),
        (["-a", "colour=red"], "there is no question `colour`; there are project_name, project_slug"),
        (["-a", "text_form=x"], "there is no question `text_form`"),
        (["-a", "_src_path=x"], "there is no question `_src_path`"),
        (["-a", "ci"], "write it as KEY=VALUE, such as: --answer ci=gitlab"),
        (["-a", "ci=jenkins"], "`jenkins` cannot be the answer to ci: write one of github, gitlab"),
        (["-a", "deploy=compose,nomad"], "`nomad` cannot be the answer to deploy: write any of compose, kubernetes"),
        (["-a", "actions=perhaps"], "`perhaps` cannot be the answer to actions: write yes or no"),
        (["-a", "latency_slo_ms=soon"], "cannot be the answer to latency_slo_ms: write a whole number, such as: 4000"),
        (["-a", "package_name=json"], "add a word, such as: json_service"),
        (["-a", "project_name=Ü"], "letters from a to z"),
        (["--answers-file", "none.yml"], "none.yml cannot be read"),
        (["--answers-file", "list.yml"], "list.yml must hold one line for each answer, such as: ci: gitlab"),
        (["--answers-file", "broken.yml"], "broken.yml is not YAML"),
        (["--answers-file", "binary.yml"], "binary.yml is not YAML"),
        (["--template-source", "../here"], "write an address, or the path of a clone of readiness"),
        (["--template-source", "https://ann:secret@example.org/r.git"], "has a password in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("list.yml").write_text("- ci\n")
    Path("broken.yml").write_text("ci: [\n")
    Path("binary.yml").write_bytes(b"\xff\xfe\x00")

    assert main(["new", "new-one", "--defaults", *arguments]) == 2

    written = capsys.readouterr()
    assert words in written.err
    assert "secret" not in written.err
    assert written.out == ""
    assert sorted(path.name for path in Path().iterdir()) == ["binary.yml", "broken.yml", "list.yml"]


def test_a_folder_whose_name_gives_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "123", "--defaults"]) == 2
    assert "made from the folder's name; give another with --answer project_name=" in capsys.readouterr().err
    assert main(["new", "123", "--defaults", "-a", "project_name=One Two Three"]) == 0


def test_without_a_name_and_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["new"]) == 2
    assert "readiness new acme-answers" in capsys.readouterr().err
    done = run("acme", "-a", "ci=gitlab")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nobody is here to be asked: add --defaults, or give the missing answers" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(Path().iterdir()) == []


def test_only_an_empty_folder_is_filled(capsys: pytest.CaptureFixture[str]) -> None:
    Path("full").mkdir()
    Path("full/keep.txt").write_text("mine")
    Path("file").write_text("mine")
    Path("dangling").symlink_to("nowhere")
    refused = {
        "full": "is not empty (it has keep.txt)",
        "file": "is a file",
        "dangling": "link to nowhere",
        "file/below": "cannot be",
        "a" * 300: "cannot be",
    }
    for name, words in refused.items():
        assert main(["new", name, "--defaults"]) == 2
        assert words in capsys.readouterr().err
    assert sorted(path.name for path in Path().rglob("*")) == ["dangling", "file", "full", "keep.txt"]


def test_an_empty_folder_a_fresh_repository_a_link_and_a_new_parent_are_fine() -> None:
    Path("empty").mkdir()
    Path("cloned/.git").mkdir(parents=True)
    Path("cloned/.git/HEAD").write_text("ref: refs/heads/main\n")
    Path("aim").mkdir()
    Path("link").symlink_to("aim")
    for name in ("empty", "cloned", "link", "new/parent/project"):
        assert main(["new", name, "--defaults", "-q"]) == 0
        assert Path(name, "pyproject.toml").is_file()
    assert Path("cloned/.git/HEAD").is_file()
    assert Path("link").is_symlink()
    assert saved("aim")["project_name"] == "Aim"


def test_this_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dot-answers").mkdir()
    monkeypatch.chdir(tmp_path / "dot-answers")
    assert main(["new", ".", "--defaults", "-q"]) == 0
    assert Path("pyproject.toml").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["dot-answers"]
    assert saved(".")["project_name"] == "Dot Answers"


def test_a_failure_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(text: str, source: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        sys.modules["readiness.scaffold.generate"], "_with_origin", fail
    )  # the function hides its module
    assert main(["new", "deep/down/acme", "--defaults"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_the_users_settings_and_git_do_not_leak_in(tmp_path: Path) -> None:
    (tmp_path / "settings.yml").write_text("defaults:\n  organisation: Leaked\n")
    (tmp_path / "gitconfig").write_text("[init]\n\tdefaultBranch = [[leaked\n")
    done = run("acme", "--defaults", COPIER_SETTINGS_PATH=str(tmp_path / "settings.yml"), HOME=str(tmp_path),
               GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"), GIT_DIR=str(tmp_path), GIT_WORK_TREE="/")  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert saved(tmp_path / "acme")["organisation"] == "Example Organisation"


def test_without_git_and_without_network(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n\ndef refused(*arguments, **options):\n    raise AssertionError('the network was asked')\n\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused\n"
    )
    done = run("acme", "--defaults", PATH=str(tmp_path / "bin"), PYTHONPATH=f"{SOURCE}{os.pathsep}{tmp_path}")

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "acme" / "pyproject.toml").is_file()


def test_the_questions_are_listed_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "--list-questions"]) == 0
    shown = capsys.readouterr().out
    assert re.findall(r"^(\w+) ", shown, re.M) == [question.name for question in load_questions()]
    assert "one of github, gitlab · default: github" in shown
    assert "any of compose, kubernetes · default: compose" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_help_does_not_wait_for_copier() -> None:
    code = "import sys; from readiness.cli import main; main(['new', '-h']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(re.findall(r"'([\w.]+)'", done.stdout)) & {"copier", "yaml", "rich", "readiness.scaffold"}


def type_into(arguments: list[str], script: list[tuple[str, bytes]]) -> tuple[int, str]:
    """Run `readiness new …` in a terminal, type the keys when the words appear: the exit code, and what was shown."""
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "readiness", "new", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "TERM": "xterm"},
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    ) as asking:  # fmt: skip
        os.close(terminal)
        shown, waiting = b"", list(script)
        with suppress(OSError):  # what Linux says when the other end is closed
            while select.select([keyboard], [], [], 30)[0] and (chunk := os.read(keyboard, 4096)):
                shown += chunk
                if b"\x1b[6n" in chunk:
                    os.write(keyboard, b"\x1b[1;1R")  # where the cursor is
                if waiting and waiting[0][0].encode() in shown:
                    os.write(keyboard, waiting.pop(0)[1])
        if asking.poll() is None and waiting:
            asking.kill()
        code = asking.wait(30)
    os.close(keyboard)
    return code, shown.decode()


def test_a_person_is_asked_what_is_missing(tmp_path: Path) -> None:
    """Enter takes each default; Ctrl-C leaves nothing behind."""
    given = [f"{question.name}={question.default}" for question in load_questions() if question.default is not None]
    answers = [word for pair in given if not pair.startswith("project_name=") for word in ("-a", pair)]
    clear = b"\x15"  # Ctrl-U
    asked = [("service called?", clear + b"Test\r"), ("addresses, images", b"\r"), ("and the command", b"\r")]

    code, shown = type_into(["asked", *answers], asked)
    assert code == 0, shown
    assert saved("asked").items() >= {"project_name": "Test", "package_name": "test_service"}.items()

    code, shown = type_into(["stopped", *answers], [("service called?", b"\x03")])
    assert code == 130, shown
    assert [path.name for path in tmp_path.iterdir()] == ["asked"]
