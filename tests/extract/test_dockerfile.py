"""A Dockerfile is read as Docker reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.extract.dockerfile import Dockerfile, parse_image, read_dockerfile
from readiness.extract.unread import Unread


def read(text: str) -> Dockerfile:
    return read_dockerfile("Dockerfile", text)


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("python", "python", "", ""),
        ("python:3.12-slim", "python", "3.12-slim", ""),
        ("registry.example:5000/team/app", "registry.example:5000/team/app", "", ""),
        ("registry.example:5000/team/app:1.2", "registry.example:5000/team/app", "1.2", ""),
        ("python:3.12@sha256:abc", "python", "3.12", "sha256:abc"),
        ("python:${VERSION:-3.12}", "python", "${VERSION:-3.12}", ""),
    ],
)
def test_an_image_reference_has_name_tag_and_digest(text: str, name: str, tag: str, digest: str) -> None:
    image = parse_image(text)
    assert (image.name, image.tag, image.digest) == (name, tag, digest)


def test_arguments_before_the_first_from_fill_in_the_base() -> None:
    assert read("ARG V=3.12\nFROM python:${V}-slim\n").final.base.tag == "3.12-slim"
    assert read("FROM python:${V:-3.11}\n").final.base.tag == "3.11"
    assert not read("FROM python:$V\n").final.base.is_resolved


def test_a_continued_instruction_keeps_its_lines_and_drops_comments() -> None:
    run = read(
        "FROM a:1\nRUN apt-get update && \\\n    # not shell\n    apt-get install curl\nUSER app\n"
    ).final.instructions
    assert (run[0].line, run[0].end_line) == (2, 4)
    assert "not shell" not in run[0].text
    assert (run[1].name, run[1].line) == ("USER", 5)


def test_the_escape_directive_changes_the_continuation_character() -> None:
    instructions = read("# escape=`\nFROM a:1\nRUN one `\n    two\n").final.instructions
    assert instructions[0].words == ("one", "two")


def test_a_heredoc_is_the_body_of_its_instruction() -> None:
    instructions = read("FROM a:1\nRUN <<EOF\nUSER root\nEOF\nUSER app\n").final.instructions
    assert [one.name for one in instructions] == ["RUN", "USER"]
    assert instructions[0].heredocs == ((3, "USER root"),)


def test_exec_and_shell_form_give_the_same_words() -> None:
    exec_form = read('FROM a:1\nCMD ["python", "app.py"]\n').final.instructions[0]
    shell_form = read("FROM a:1\nCMD python app.py\n").final.instructions[0]
    assert exec_form.words == shell_form.words == ("python", "app.py")
    assert exec_form.is_json
    assert not shell_form.is_json


def test_env_is_read_in_both_forms() -> None:
    old, new = read('FROM a:1\nENV A b c\nENV X=1 Y="two words"\n').final.instructions
    assert old.pairs == (("A", "b c"),)
    assert new.pairs == (("X", "1"), ("Y", "two words"))


def test_stages_know_what_they_build_on_and_what_they_copy_from() -> None:
    dockerfile = read(
        "FROM python:3.12 AS base\nUSER app\nFROM base AS build\nRUN make\nFROM node:22 AS web\nFROM base\n"
        "COPY --from=build /x /x\nCMD run\n"
    )
    assert [stage.name for stage in dockerfile.stages] == ["base", "build", "web", ""]
    assert [one.name for one in dockerfile.effective(dockerfile.final)] == ["USER", "COPY", "CMD"]
    assert [stage.name for stage in dockerfile.contributing(dockerfile.final)] == ["base", "build", ""]


@pytest.mark.parametrize("text", ["", "RUN echo\n", "FROM {{ image }}\n", "FROM\n", "FROM a:1\n" * 300])
def test_what_is_no_dockerfile_is_unread_with_a_reason(text: str) -> None:
    with pytest.raises(Unread) as refused:
        read(text)
    assert refused.value.reason


@given(st.text(alphabet="FROM aAS\n\\\"'[]<EOFRUN$={}#-", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        dockerfile = read(text)
    except Unread:
        return
    for stage in dockerfile.stages:
        assert all(1 <= one.line <= one.end_line <= text.count("\n") + 1 for one in stage.instructions)
