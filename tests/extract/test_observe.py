"""A repository is read file by file; what cannot be read is listed and loses nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from readiness.extract.observations import Observations
from readiness.extract.observe import MAX_TEXT, observe
from readiness.repository.tree import File, Repository, Role, UnreadableError

Observed = Callable[[Mapping[str, "str | bytes"]], Observations]


def test_every_file_stands_under_its_kind(observed: Observed) -> None:
    found = observed(
        {
            "app.py": "x = 1\n",
            "config.yaml": "a: 1\n",
            "pyproject.toml": "[project]\nname = 'x'\n",
            "data/golden.jsonl": '{"question": "a"}\n',
            "evals/cases.yaml": "- {question: a}\n- {question: b}\n",
            "docker/Dockerfile.api": "FROM python:3.12\n",
            ".env.example": "KEY=1\n",
            "setup.cfg": "[metadata]\nname = x\n",
            "requirements/base.txt": "openai\n",
            "README.md": "# x\n",
            "uv.lock": "version = 1\n",
            "prompts/system.j2": "You are {{ name }}\n",
            "Makefile": "test:\n\tpytest\n",
            "logo.png": b"\x89PNG\x00",
        }
    )
    assert not found.unread
    assert list(found.modules) == ["app.py"]
    assert list(found.documents) == ["config.yaml", "evals/cases.yaml", "pyproject.toml"]
    counts = {path: records.count for path, records in found.records.items()}
    assert counts == {"data/golden.jsonl": 1, "evals/cases.yaml": 2}
    assert list(found.dockerfiles) == ["docker/Dockerfile.api"]
    assert list(found.dotenv) == [".env.example"] and list(found.ini) == ["setup.cfg"]
    assert list(found.requirements) == ["requirements/base.txt"]
    assert list(found.markdown) == ["README.md"] and list(found.locks) == ["uv.lock"]
    assert found.sources["prompts/system.j2"] == "You are {{ name }}\n"
    assert found.line("Makefile", 2) == "\tpytest" and found.line("Makefile", 9) == ""
    assert "logo.png" in found.files and "logo.png" not in found.sources


def test_broken_files_are_listed_with_their_reason_and_stand_under_no_kind(observed: Observed) -> None:
    found = observed(
        {
            "a.py": "def (:\n",
            "b.yaml": "a:\n\t- b\n",
            "chart/templates/c.yaml": "{{- if .Values.x }}\na: b\n{{- end }}\n",
            "d.json": "{",
            "e.toml": "x",
            "f.ipynb": "[]",
            "g.py": b"# coding: nonsense\n",
            "h.py": "(" * 100_000,
            "i.yaml": "x: y\n" * 200_000,
            "ok.py": "x = 1\n",
        }
    )
    assert [skipped.path for skipped in found.unread] == [
        "a.py", "b.yaml", "chart/templates/c.yaml", "d.json", "e.toml", "f.ipynb", "g.py", "h.py", "i.yaml",
    ]  # fmt: skip
    assert all(skipped.reason for skipped in found.unread)
    assert list(found.modules) == ["ok.py"] and not found.documents


def test_a_file_that_vanishes_loses_only_itself() -> None:
    def gone() -> bytes:
        raise UnreadableError("permission denied")

    files = (File("a.py", 1, Role.SERVING, gone), File("b.py", 1, Role.SERVING, lambda: b"x = 1"))
    found = observe(Repository("sample", None, False, None, files, ()))
    assert [(skipped.path, skipped.reason) for skipped in found.unread] == [("a.py", "permission denied")]
    assert list(found.modules) == ["b.py"]


def test_bytes_of_any_encoding_become_text_with_plain_line_ends(observed: Observed) -> None:
    found = observed(
        {
            "a.md": "# é\r\ntext\r".encode("utf-8-sig"),
            "b.txt": "x".encode("utf-16"),
            "c.txt": b"caf\xe9",
            "d.txt": b"\x00\x01",
            "e.txt": b"x" * (MAX_TEXT + 1),
        }
    )
    assert found.sources == {"a.md": "# é\ntext\n", "b.txt": "x", "c.txt": "caf\ufffd"}
    assert found.markdown["a.md"].headings[0].text == "é"


def test_lists_that_others_include_are_read_whatever_their_name(observed: Observed) -> None:
    files = {"requirements.txt": "-r deps/runtime.txt\n", "deps/runtime.txt": "openai\n", "notes.txt": "openai\n"}
    found = observed(files)
    assert list(found.requirements) == ["deps/runtime.txt", "requirements.txt"]


def test_recorded_traffic_is_no_configuration(observed: Observed) -> None:
    assert not observed({"tests/cassettes/a.yaml": "interactions:\n- request: {}\n"}).documents


def test_vendored_files_are_kept_as_text_only() -> None:
    files = (File("node_modules/a/setup.py", 6, Role.VENDORED, lambda: b"x = 1\n"),)
    found = observe(Repository("sample", None, False, None, files, ()))
    assert not found.modules and "node_modules/a/setup.py" in found.sources


def test_progress_and_order_do_not_depend_on_the_order_of_files() -> None:
    files = [File(f"{name}.py", 5, Role.SERVING, lambda: b"x = 1") for name in "cab"]
    seen: list[tuple[int, int]] = []
    found = observe(Repository("s", None, False, None, tuple(files), ()), lambda done, of: seen.append((done, of)))
    assert list(found.modules) == ["a.py", "b.py", "c.py"] and seen == [(1, 3), (2, 3), (3, 3)]
