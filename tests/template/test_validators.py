"""A refused answer is told what to write instead, and what is accepted can do no harm in any file."""

from __future__ import annotations

import keyword
import re
import string
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from copier import run_copy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness._resources import data_root
from readiness.errors import UsageError
from readiness.scaffold import Source, generate, load_questions

from .conftest import HERE, Render
from .contents import faults

OWNERS = ("business_owner", "technical_owner", "on_call", "risk_owner", "data_steward")
UNFIT = ['say "hi" to them', "back\\slash at work", "two\nlines of text", "<script>alert</script>", "[[ 7 * 7 ]] is 49",
    "[% if x %] or not", "{{ secrets }} go here", "${HOME} sweet home", "`reboot` now please", "a | b | c | d",
    "tab\there and there", "bell\x07 and whistle", "\u202eesrever ni txet", "line\u2028separator", " leading blank",
    "trailing blank ", "\udc80 half a character", "nul\0 in the middle"]  # fmt: skip
BAD = [
    *(("project_name", value) for value in ("", "A", "123", "R2-D2 Überblick", "Support Answers\n", "x" * 41, "Ends with.")),
    *(("project_slug", value) for value in ("a", "Support", "a--b", "-a", "9a", "test", "fastapi", "support_answers", "x" * 41)),
    *(("package_name", value) for value in ("a", "Support", "class", "json", "pydantic-ai", "9a", "fastapi", "x" * 31)),
    *(("description", value) for value in ("too short", "x" * 161, *UNFIT)),
    *(("organisation", value) for value in ("x", "x" * 61, *UNFIT)),
    *((name, value) for name in OWNERS for value in ("Nobody", "a@example.org", "Ann <ann@example>", "Ann <ann@example.org>\n")),
    *(("on_call", f"{value} <a@example.org>") for value in UNFIT),
    *(("ci", value) for value in ("jenkins", "", "GitHub")),
    ("deploy", ["nomad"]),
    ("deploy", "compose;kubernetes"),
    *((name, "nonsense") for name in ("model_provider", "personal_data", "risk_tier", "licence", "actions")),
    *(("monthly_budget", value) for value in ("500", "0 EUR", "-5 EUR", "5.5 EUR", "500 euro", "500 EUR\n", "9999999999 EUR")),
    *(("latency_slo_ms", value) for value in ("soon", 199, 120001, "4.5", True)),
    *(("availability_slo", value) for value in ("always", 89, 100, "nan", "inf", None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_is_refused_is_told_what_to_write(name: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        generate(tmp_path / "acme-answers", {name: value}, source=HERE)

    message = str(refused.value)
    assert f"cannot be the answer to {name}: " in message
    assert re.search(r": (write|add a word, such as: \w)", message), message
    assert list(tmp_path.iterdir()) == []


def test_every_question_is_refused_something_here() -> None:
    assert {name for name, _ in BAD} == {question.name for question in load_questions()}


@pytest.mark.parametrize(
    ("name", "value"), [("project_name", "123"), ("package_name", "json"), ("availability_slo", 89.0)]
)
def test_copier_itself_says_the_same(name: str, value: object, template: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"'{name}': (Write|Add a word)"):
        run_copy(str(template), tmp_path / "made", data={name: value}, defaults=True, quiet=True)


@pytest.mark.parametrize(
    ("project_name", "slug", "package"),
    [
        ("Support Answers", "support-answers", "support_answers"),
        ("R2-D2", "r2-d2", "r2_d2"),
        ("Test", "test-service", "test_service"),
        ("FastAPI", "fastapi-service", "fastapi_service"),
        ("pydantic.ai", "pydantic-ai-service", "pydantic_ai_service"),
        ("A very long name of a service, no".replace(",", ""), "a-very-long-name-of-a-service-no", "a_very_long_name_of_a_service"),
    ],
)  # fmt: skip
def test_names_are_made_from_the_name_and_always_good(
    project_name: str, slug: str, package: str, tmp_path: Path
) -> None:
    made = generate(tmp_path / "x", {"project_name": project_name}, source=HERE)

    saved = yaml.safe_load((made.folder / ".copier-answers.yml").read_text("utf-8"))
    assert (saved["project_slug"], saved["package_name"]) == (slug, package)


def test_no_package_can_hide_what_the_project_imports(project: Path) -> None:
    settings = yaml.safe_load((data_root() / "copier.yml").read_text("utf-8"))
    reserved = set(settings["reserved_names"]["default"].split())
    template = (project / "template" / "pyproject.toml.jinja").read_text("utf-8")
    libraries = {
        name.replace("-", "_") for name in re.findall(r'^\s+"([a-z][a-z0-9-]+)(?:\[[^"]*)?[>=<][^"]*"', template, re.M)
    }
    words = {name for name in (*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names) if name.islower()}

    assert len(libraries) > 20
    assert {name for name in libraries | words if re.fullmatch("[a-z][a-z0-9_]+", name)} - reserved == set()
    folders = {path.name for path in (project / "template").iterdir() if path.is_dir() and path.name.isidentifier()}
    assert folders - reserved == set()


HOSTILE = {
    "description": ["null and void & nothing: yes, no #1", "- item: 'quoted' & *bold* %percent! @you ~tilde =x", "Ünïcode 日本語 🚀 works; it's 100 % fine"],
    "organisation": ["null", "yes", "1e3", "O'Brien & Söhne", "# not a comment", "a: b #c", "!!python/name:x", "%YAML 1.2", "*alias", "日本語"],
    **{name: ["O'Brien: #1 <o.b+x@ex-ample.co.uk>", "null @team/sub-team", "- yes & no <a_b@example.org>"] for name in OWNERS},
}  # fmt: skip


@pytest.mark.parametrize("turn", range(10))
def test_whatever_is_accepted_comes_through_unharmed(turn: int, render: Render) -> None:
    answers = {name: values[turn % len(values)] for name, values in HOSTILE.items()}
    project = render(answers | {"deploy": ["compose", "kubernetes"], "ci": ("github", "gitlab")[turn % 2]})

    assert list(faults(project)) == []
    service = tomllib.loads((project / "service.toml").read_text("utf-8"))
    assert (service["description"], service["organisation"]) == (answers["description"], answers["organisation"])
    assert (
        tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["description"]
        == answers["description"]
    )
    saved = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert {name: saved[name] for name in answers} == answers


ANYTHING = st.text(min_size=10, max_size=60) | st.text(string.printable, min_size=10, max_size=60)


@pytest.fixture(scope="module")
def form() -> re.Pattern[str]:
    """The pattern that free text must match."""
    settings = yaml.safe_load((data_root() / "copier.yml").read_text("utf-8"))
    return re.compile(settings["text_form"]["default"])


@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=300)
@given(text=ANYTHING)
def test_accepted_text_stands_between_double_quotes_anywhere(text: str, form: re.Pattern[str]) -> None:
    if not form.search(text):
        return
    quoted = f'"{text}"'
    assert tomllib.loads(f"x = {quoted}") == {"x": text}
    assert yaml.safe_load(f"x: {quoted}") == {"x": text}
    assert eval(quoted, {}) == text
    assert not re.search(r"[<>{}$`|\[\]\n\r]", text)


@pytest.mark.parametrize("text", UNFIT)
def test_unfit_text_is_unfit_by_its_form(text: str, form: re.Pattern[str]) -> None:
    assert form.search(text) is None


@pytest.mark.parametrize(
    "text", [text for texts in (HOSTILE["description"], HOSTILE["organisation"]) for text in texts]
)
def test_odd_but_harmless_text_is_fit(text: str, form: re.Pattern[str]) -> None:
    assert form.search(text)


def test_the_source_of_these_projects_is_no_place_of_this_machine(render: Render) -> None:
    assert Source("/the/template", "v0.0.1") == HERE
    assert "readiness-template-" not in (render({}) / ".copier-answers.yml").read_text("utf-8")
