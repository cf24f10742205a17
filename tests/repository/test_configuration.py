"""What the owners say about their repository, and what is said to them when it is wrong."""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from readiness.errors import UsageError
from readiness.repository.configuration import SCHEMA, Configuration, load_configuration, parse_date
from readiness.repository.tree import Role

Make = Callable[[Mapping[str, str]], Path]


def test_without_a_file_there_are_only_defaults(tmp_path: Path) -> None:
    assert load_configuration(tmp_path) == Configuration()


def test_every_key(make_repository: Make) -> None:
    root = make_repository({
        "readiness.toml": """
            exclude = ["docs/", "*_generated.py"]
            fail-under = 70
            fail-on = ["critical", "new"]
            baseline = "known/findings.json"
            as-of = 2026-11-01

            [roles]
            "tools/" = "serving"
            "app/legacy/" = "archived"
        """
    })  # fmt: skip
    configuration = load_configuration(root)
    assert configuration.exclude == ("docs/", "*_generated.py")
    assert (dict(configuration.fail_under), configuration.as_of) == ({"": 70.0}, date(2026, 11, 1))
    assert dict(configuration.roles) == {"tools/": Role.SERVING, "app/legacy/": Role.ARCHIVED}
    assert (configuration.fail_on, configuration.baseline) == (("critical", "new"), "known/findings.json")
    assert configuration.source == "readiness.toml"


def test_a_score_for_each_layer(make_repository: Make) -> None:
    root = make_repository({"readiness.toml": "[fail-under]\nscore = 60\nobservability = 50.5\n"})
    assert load_configuration(root).fail_under == {"": 60, "observability": 50.5}


def test_waivers_know_where_they_are_written(make_repository: Make) -> None:
    entry = 'check = "a"\nreason = "b"\nowner = "c"\nexpires = 2027-01-01\n'
    root = make_repository({"readiness.toml": f"fail-under = 1\n\n[[waivers]]\n{entry}\n[[ waivers ]]\n{entry}"})
    assert [(one.source, one.line, one.expires) for one in load_configuration(root).waivers] == [
        ("readiness.toml", 3, "2027-01-01"),
        ("readiness.toml", 9, "2027-01-01"),
    ]
    (root / "readiness.toml").unlink()
    (root / "pyproject.toml").write_text(f"[project]\nname = 'x'\n[[tool.readiness.waivers]]\n{entry}")
    assert [(one.source, one.line) for one in load_configuration(root).waivers] == [("pyproject.toml", 3)]


def test_another_file(make_repository: Make, tmp_path: Path) -> None:
    root = make_repository({"readiness.toml": "fail-under = 1"})
    (tmp_path / "other.toml").write_text("fail-under = 2")
    assert load_configuration(root, tmp_path / "other.toml").fail_under == {"": 2}
    (tmp_path / "pyproject.toml").write_text("[tool.readiness]\nfail-under = 3")
    assert load_configuration(root, tmp_path / "pyproject.toml").fail_under == {"": 3}
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'")
    with pytest.raises(UsageError, match=r"has no table \[tool\.readiness\]"):
        load_configuration(root, tmp_path / "pyproject.toml")


VALID = (
    "",
    "fail-under = 70",
    "[fail-under]\nscore = 1\nobservability = 2",
    'fail-on = "critical"',
    'fail-on = ["new", "llm-timeout-set", "exemptions-in-order"]',
    'exclude = ["docs/"]\nbaseline = "b.json"\nas-of = "2026-01-02"',
    '[roles]\n"tools/" = "serving"',
    '[[waivers]]\ncheck = "llm-timeout-set"\nreason = "r"\nowner = "o"\nexpires = "2027-01-01"',
)
INVALID = (
    "fail-under = 101",
    "fail-under = true",
    "[fail-under]\nscore = 101",
    "fail-on = 3",
    "exclude = 'docs'",
    "baseline = 3",
    'as-of = "tomorrow"',
    '[roles]\n"tools/" = "sevring"',
    "failunder = 3",
    '[[waivers]]\ncheck = "llm-timeout-set"\nowner = "o"\nexpires = "2027-01-01"',
    '[[waivers]]\ncheck = "llm-timeout-set"\nreason = "r"\nowner = "o"\nexpires = "2027-01-01"\nkind = "no"',
    '[[waivers]]\ncheck = "llm-timeout-set"\nreason = "r"\nowner = "o"\nexpires = "2027-01-01"\n'
    'kind = "satisfied-elsewhere"',
)


@pytest.mark.parametrize(("text", "valid"), [*((one, True) for one in VALID), *((one, False) for one in INVALID)])
def test_the_schema_says_what_the_reader_says(make_repository: Make, text: str, valid: bool) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert checker.is_valid(tomllib.loads(text)) == valid
    root = make_repository({"readiness.toml": text})
    if valid:
        load_configuration(root)
        return
    with pytest.raises(UsageError):
        load_configuration(root)


def test_a_table_of_the_project_file(make_repository: Make) -> None:
    root = make_repository({"pyproject.toml": '[project]\nname = "x"\n[tool.readiness]\nas-of = "2026-01-02"\n'})
    configuration = load_configuration(root)
    assert (configuration.as_of, configuration.source) == (date(2026, 1, 2), "pyproject.toml")


def test_the_own_file_wins(make_repository: Make) -> None:
    root = make_repository({"pyproject.toml": "[tool.readiness]\nfail-under = 1", "readiness.toml": "fail-under = 2"})
    assert load_configuration(root).fail_under == {"": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail_under = 3", "readiness.toml: unknown key 'fail_under'. Did you mean 'fail-under'?"),
        ("excludes = []", "readiness.toml: unknown key 'excludes'. Did you mean 'exclude'?"),
        ("zzz = 1", "readiness.toml: unknown key 'zzz'. Known are: exclude, roles, as-of, "),
        ("exclude = 'docs'", "readiness.toml: exclude is a text, a list of patterns was expected: [\"docs/\"]."),
        ("exclude = [1]", "readiness.toml: exclude contains a number, only texts were expected: [\"docs/\"]."),
        ("exclude = ['../x']", "readiness.toml: exclude: the pattern '../x' leaves the repository."),
        ("exclude = ['/etc']", "readiness.toml: exclude: the pattern '/etc' is an absolute path."),
        ("exclude = ['C:/x']", "readiness.toml: exclude: the pattern 'C:/x' is an absolute path."),
        ("exclude = ['!a']", "readiness.toml: exclude: the pattern '!a' starts with '!'."),
        ("exclude = ['']", "readiness.toml: exclude: the pattern '' is empty."),
        ("exclude = ['a\\b']", "readiness.toml: exclude: the pattern 'a\\\\b' contains a character"),
        ("roles = []", "readiness.toml: roles is a list, a table was expected: pattern = \"role\"."),
        ("roles = {a = 'sript'}", "readiness.toml: roles: unknown role 'sript' of 'a'. Did you mean 'script'?"),
        ("roles = {a = true}", "readiness.toml: roles: the role of 'a' is a truth value, a text was expected."),
        ("roles = {'../a' = 'test'}", "readiness.toml: roles: the pattern '../a' leaves the repository."),
        ("fail-under = '70'", "readiness.toml: fail-under is a text, a number from 0 to 100 was expected."),
        ("fail-under = true", "readiness.toml: fail-under is a truth value, a number from 0 to 100 was expected."),
        ("fail-under = 101", "readiness.toml: fail-under is 101, a number from 0 to 100 was expected."),
        ("fail-under = nan", "readiness.toml: fail-under is nan, a number from 0 to 100 was expected."),
        ("as-of = '2026-13-01'", "readiness.toml: as-of: '2026-13-01' is not a date: write YYYY-MM-DD"),
        ("as-of = 2026-01-01T00:00:00Z", "readiness.toml: as-of is a date or a time, a day was expected: 2026-01-31."),
        ("exclude = [", "readiness.toml: not valid TOML: "),
        ("x = " + "[" * 100_000, "readiness.toml: not valid TOML: it is nested too deeply."),
        ("#" * 300_000, "readiness.toml: too large: 293 KiB, the limit is 256 KiB."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_file_and_key(text: str, message: str, make_repository: Make) -> None:
    with pytest.raises(UsageError) as caught:
        load_configuration(make_repository({"readiness.toml": text}))
    assert str(caught.value).startswith(message)


def test_a_mistake_in_the_project_file_names_its_table(make_repository: Make) -> None:
    with pytest.raises(
        UsageError, match=r"^pyproject\.toml, \[tool\.readiness\]: unknown key 'rolls'\. Did you mean 'roles'"
    ):
        load_configuration(make_repository({"pyproject.toml": "[tool.readiness]\nrolls = 1"}))
    with pytest.raises(UsageError, match=r"^pyproject\.toml: tool\.readiness is a number, a table was expected"):
        load_configuration(make_repository({"pyproject.toml": "[tool]\nreadiness = 1"}))
    with pytest.raises(UsageError, match=r"^pyproject\.toml: not valid TOML"):
        load_configuration(make_repository({"pyproject.toml": "[tool.readiness]\nroles ="}))


@pytest.mark.parametrize(
    "text", ["[tool", "{{ cookiecutter.name }}", "tool = 1", "x = 1 # readiness", "[tool.readiness-x]"]
)
def test_a_project_file_that_says_nothing_to_us_is_left_alone(text: str, make_repository: Make) -> None:
    assert load_configuration(make_repository({"pyproject.toml": text})) == Configuration()


def test_a_folder_or_a_link_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    assert load_configuration(tmp_path) == Configuration()
    (tmp_path / "pyproject.toml").rmdir()
    (tmp_path / "pyproject.toml").symlink_to("/dev/zero")
    assert load_configuration(tmp_path) == Configuration()


def test_a_folder_a_link_or_a_pipe_as_configuration_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "readiness.toml"
    path.mkdir()
    with pytest.raises(UsageError, match=r"readiness\.toml: directory\. It must be a plain file"):
        load_configuration(tmp_path)
    path.rmdir()
    path.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match=r"readiness\.toml: symbolic link"):
        load_configuration(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"readiness\.toml: named pipe"):
        load_configuration(tmp_path)


def test_long_dotted_keys_do_not_stall(make_repository: Make) -> None:
    root = make_repository({"readiness.toml": "a" + ".a" * 100_000 + " = 1"})
    start = time.process_time()
    with pytest.raises(UsageError, match="dotted keys are too long"):
        load_configuration(root)
    assert time.process_time() - start < 1


def test_a_day_is_written_in_one_way() -> None:
    assert parse_date("2026-02-28") == date(2026, 2, 28)
    for text in ("2026-2-28", "20260228", "28.02.2026", "2026-W09-6", "2026-02-30", "today", ""):
        with pytest.raises(UsageError, match=r"is not a date: write YYYY-MM-DD"):
            parse_date(text)
