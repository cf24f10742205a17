"""YAML keeps its lines, its keys stay text, and no file can make the reader work for long."""

from __future__ import annotations

from textwrap import dedent

import pytest

from readiness.extract.data import Located
from readiness.extract.unread import Unread
from readiness.extract.yaml_file import MAX_BYTES, read_yaml


def one(text: str) -> Located:
    (document,) = read_yaml(dedent(text))
    return document


def test_an_entry_runs_from_its_key_to_the_end_of_its_value() -> None:
    workflow = one(
        """\
        name: CI
        jobs:
          test:
            steps:
              - run: |
                  make
                  make test
              - uses: actions/checkout@v4

        # the end
        permissions: {}
        """
    )
    jobs = workflow.get("jobs")
    assert jobs is not None and (jobs.line, jobs.end_line) == (2, 8)
    run = workflow.get("jobs", "test", "steps", 0, "run")
    assert run is not None and (run.line, run.end_line, run.value) == (5, 7, "make\nmake test\n")


def test_keys_are_text_as_written_and_scalars_follow_the_core_schema() -> None:
    assert one("on: push\n3.11: yes\nno: 0x1F\ntrue: 1e3\nversion: 3.10\nempty:\nquoted: '1'").plain() == {
        "on": "push", "3.11": "yes", "no": 31, "true": 1000.0, "version": 3.1, "empty": None, "quoted": "1",
    }  # fmt: skip


def test_merge_keys_are_filled_in_and_what_is_written_out_wins() -> None:
    text = "base: &b {image: a, tty: true}\nother: &o {image: b, user: me}\nweb:\n  <<: [*b, *o]\n  image: c\n"
    assert one(text).get("web").plain() == {"image": "c", "tty": True, "user": "me"}  # type: ignore[union-attr]


def test_tags_are_not_acted_on() -> None:
    assert one('a: !Ref Queue\nb: !Sub [x, y]\nc: !!python/object/apply:os.system ["true"]').plain() == {
        "a": "Queue", "b": ["x", "y"], "c": ["true"],
    }  # fmt: skip


def test_every_document_of_a_file_is_read() -> None:
    assert [document.plain() for document in read_yaml("---\na: 1\n---\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


def test_a_template_hole_is_text_and_a_template_is_not_yaml() -> None:
    assert one('a: "{{ x }}"\nb: {{ .Values.image }}\nc: ${{ secrets.KEY }}').plain() == {
        "a": "{{ x }}", "b": "{{ .Values.image }}", "c": "${{ secrets.KEY }}",
    }  # fmt: skip
    with pytest.raises(Unread, match="template"):
        read_yaml("{{- if .Values.on }}\na: b\n{{- end }}\n")


def test_what_is_wrong_is_said_with_its_line() -> None:
    with pytest.raises(Unread, match="line 2"):
        read_yaml("a:\n\t- b\n")


def test_an_alias_bomb_costs_what_its_text_costs() -> None:
    levels = "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    bomb = one("a0: &a0 [x, x]\n" + levels)
    assert sum(1 for _ in bomb.walk()) < 500
    bomb.plain()


def test_nothing_contains_itself() -> None:
    assert one("a: &a [*a]\nb: &b\n  <<: *b\n").plain() == {"a": [None], "b": {}}


MERGED = "".join(f"m{i}: {{<<: *b}}\n" for i in range(500))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 20_000,
        "{a: " * 5_000,
        "? " * 20_000,
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2_000)),
        "b: &b {" + ",".join(f"k{i}: 1" for i in range(5_000)) + "}\n" + MERGED,
        "a: \x00",
        "a: \udc80",
        '"' + "a" * 1000,
        "x" * (MAX_BYTES + 1),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_files_are_refused(text: str) -> None:
    with pytest.raises(Unread):
        read_yaml(text)
