"""The JSON report: valid by its published schema, the same bytes every time, readable again."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.errors import UsageError
from readiness.report import model
from readiness.report.json import JSON_NAMES, schema, to_data, to_json
from readiness.report.model import Report, SkippedReport
from readiness.report.saved import from_json

from .sample import NO_MODEL, RATCHET, REPORT, TROUBLED

VALIDATOR = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("report", [REPORT, TROUBLED, RATCHET, NO_MODEL])
def test_reports_are_valid(report: Report) -> None:
    VALIDATOR.validate(json.loads(to_json(report)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), "2"),
        (("score", "grade"), "E"),
        (("score", "value"), 101),
        (("layers", 0, "name"), "model-capacity"),
        (("checks", 0, "verdict"), "ok"),
        (("ruler", "hash"), "md5:00"),
    ],
)
def test_the_schema_refuses_what_is_no_report(path: tuple[str | int, ...], value: object) -> None:
    data: Any = json.loads(to_json(REPORT))
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)


def test_the_schema_describes_every_key_and_no_other() -> None:
    """A key added to the model is added to the schema in the same change."""
    described = schema()
    keys = {name: set(of["properties"]) for name, of in described["$defs"].items()}
    keys["report"] = set(described["properties"])
    keys["files"] = set(described["$defs"]["repository"]["properties"]["files"]["properties"])
    names = {"RulerReport": "ruler", "RepositorySummary": "repository", "FileCounts": "files", "ScoreSummary": "score"}
    names |= {"GridCell": "cell", "SiteCounts": "sites", "ModelCallReport": "model_call", "Report": "report"}
    for name, kind in vars(model).items():
        if is_dataclass(kind) and name != "PlaceReport":
            written = {JSON_NAMES.get(field.name, field.name) for field in fields(kind)}
            assert written == keys[names.get(name, name.removesuffix("Report").lower())], name


def test_the_contract_keys_come_first_and_in_order() -> None:
    keys = list(to_data(REPORT))
    assert keys[:4] == ["schema_version", "ruler", "repository", "score"]
    assert list(to_data(REPORT)["checks"][0]["sites"]) == ["pass", "partial", "fail", "unknown"]


def test_the_same_report_is_the_same_bytes() -> None:
    assert to_json(REPORT).encode() == to_json(replace(REPORT)).encode()
    assert to_json(REPORT).endswith("}\n")


def test_names_stay_readable_and_bytes_that_are_no_text_are_shown() -> None:
    report = replace(REPORT, skipped=(SkippedReport("größe/\udcff\ud800.py", "\x1b"),))
    written = to_json(report).encode()
    assert json.loads(written)["skipped"] == [{"path": "größe/\\xff\\ud800.py", "reason": "\x1b"}]
    assert "größe".encode() in written


@pytest.mark.parametrize("report", [REPORT, TROUBLED, RATCHET, NO_MODEL])
def test_a_saved_report_is_read_back_whole(report: Report) -> None:
    assert from_json(to_json(report)) == report


def test_keys_of_a_later_version_are_ignored_and_later_keys_may_be_missing() -> None:
    data = to_data(REPORT)
    data["later"] = {"x": 1}
    data["checks"][0]["later"] = []
    del data["as_of"]
    assert from_json(json.dumps(data)) == replace(REPORT, as_of=None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is not JSON"),
        ("[]", "is not a readiness report"),
        ('{"schema_version": "7"}', "has schema_version '7'"),
        ('{"schema_version": "1"}', "`ruler` is missing"),
        (
            to_json(REPORT).replace('"stack_height": 2', '"stack_height": "two"'),
            "`score.stack_height` should be a whole",
        ),
        (to_json(REPORT).replace('"layers": [', '"layers": 1, "was": ['), "`layers` should be a list"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_report_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("[", r"\[")):
        from_json(text, "old.json")


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_name_gives_valid_json_that_every_reader_accepts(name: str) -> None:
    report = replace(REPORT, repository=replace(REPORT.repository, name=name))
    VALIDATOR.validate(json.loads(to_json(report).encode("utf-8")))


def test_every_field_has_a_type_that_can_be_read_back() -> None:
    plain = {str, int, float, bool, type(None), tuple, dict}
    for kind in vars(model).values():
        if is_dataclass(kind) and isinstance(kind, type):
            for hint in get_type_hints(kind).values():
                for part in get_args(hint) or (hint,):
                    assert part is Ellipsis or part in plain or is_dataclass(part), (kind, hint)
