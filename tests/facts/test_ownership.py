"""An owner answers for the repository; an author wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness.extract.observe import observe
from readiness.facts.governance.ownership import Ownership, find_ownership
from readiness.facts.governance.responsibilities import names_nobody
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

Find = Callable[[Mapping[str, str]], tuple[Ownership, ...]]


@pytest.fixture
def find(make_repository: Callable[[Mapping[str, str]], Path]) -> Find:
    """A function that gives what the files say about owners."""

    def found(files: Mapping[str, str]) -> tuple[Ownership, ...]:
        root = make_repository(files)
        return find_ownership(observe(open_repository(root, load_configuration(root))), "assistant")

    return found


TABLE = """\
# Responsibilities

| Activity | Owner |
|---|---|
| Build prompts and code | Assistant team |
| Run and be on call | Platform team |
| Approve releases | {approver} |
"""
MATRIX = """\
# RACI

| Activity | Product | Platform |
|---|---|---|
| Develop | R | C |
| Operate in production | I | R |
| Sign-off before release | A | R |
"""


@pytest.mark.parametrize("text", [TABLE.format(approver="Head of support"), MATRIX])
def test_a_table_that_assigns_everything_is_complete(find: Find, text: str) -> None:
    [owner] = find({"docs/ownership.md": text})
    assert owner.complete
    assert owner.assigns == ("build", "run", "approve")
    assert not owner.escalates


@pytest.mark.parametrize("approver", ["", "TBD", "@your-org/leads", "<name>"])
def test_a_placeholder_is_assigned_nothing(find: Find, approver: str) -> None:
    [owner] = find({"docs/ownership.md": TABLE.format(approver=approver)})
    assert not owner.complete
    assert owner.counts
    assert owner.assigns == ("build", "run")


def test_other_tables_assign_nothing(find: Find) -> None:
    text = "# Settings\n\n| Name | Owner |\n|---|---|\n| build | a |\n| run | b |\n| approve | c |\n"
    assert find({"docs/settings.md": text}) == ()


def test_responsibilities_as_data(find: Find) -> None:
    text = "".join(
        f"- activity: {what}\n  accountable: {who}\n"
        for what, who in (("Build the service", "Ada's team"), ("Run it", "Platform"), ("Approve models", "Risk"))
    )
    [owner] = find({"governance/raci.yaml": text})
    assert owner.complete


@pytest.mark.parametrize("path", ["CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"])
def test_code_owners(find: Find, path: str) -> None:
    owners = find({path: "# who reviews\n* @northwind-care/assistant\n/docs/\n"})
    assert [(owner.place.line, owner.owners, owner.counts) for owner in owners] == [
        (2, ("@northwind-care/assistant",), True)
    ]


@pytest.mark.parametrize("owner", ["@your-org/team", "@OWNER", "@org/team", "@username", "@example/team"])
def test_code_owners_left_over_from_a_template(find: Find, owner: str) -> None:
    assert [found.placeholder for found in find({"CODEOWNERS": f"* {owner}\n"})] == [True]


def test_a_team_of_another_organisation_owns_nothing_here(find: Find) -> None:
    readme = "# Assistant\n\nSee https://github.com/northwind-care/assistant.\n"
    files = {"README.md": readme, "CODEOWNERS": "* @elsewhere/team\n/app/ @northwind-care/team\n/docs/ @somebody\n"}
    assert [owner.placeholder for owner in find(files)] == [True, False, False]


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("pyproject.toml", '[project]\nname = "a"\nmaintainers = [{name = "Ops", email = "ops@northwind.care"}]\n',
         "maintainer"),
        ("setup.cfg", "[metadata]\nmaintainer_email = ops@northwind.care\n", "maintainer"),
        ("setup.py", 'from setuptools import setup\n\nsetup(maintainer_email="ops@northwind.care")\n', "maintainer"),
        ("README.md", "# A\n\n[Contact](mailto:ops@northwind.care)\n", "contact"),
        ("README.md", "# A\n\n## Maintainers\n\n- Ada (https://github.com/ada)\n", "contact"),
        ("SECURITY.md", "# Security\n\n## Reporting a vulnerability\n\nEmail: security@northwind.care\n", "contact"),
        ("catalog-info.yaml", "kind: Component\nspec:\n  owner: group:assistant\n", "catalog"),
        ("docs/runbook.md", "# Runbook\n\n## Escalation\n\nCall platform@northwind.care.\n", "on-call"),
        ("MAINTAINERS", "# who\nAda <ada@northwind.care>\n", "maintainer"),
    ],
)  # fmt: skip
def test_an_owner_with_a_contact(find: Find, path: str, text: str, kind: str) -> None:
    assert [(owner.kind, owner.counts, owner.escalates) for owner in find({path: text})] == [
        (kind, True, kind == "on-call")
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project]\nname = "a"\nauthors = [{name = "A", email = "a@northwind.care"}]\n'),
        ("pyproject.toml", '[project]\nname = "a"\nmaintainers = [{name = "A"}]\n'),
        ("setup.py", 'from setuptools import setup\n\nsetup(author_email="a@northwind.care")\n'),
        ("README.md", "# A\n\nAuthor: A. (a@northwind.care)\n"),
        ("README.md", "# A\n\nThis is a solo-maintainer project.\n"),
        ("README.md", "# A\n\n## Contact\n\nOpen an [issue](https://github.com/ada/assistant/issues).\n"),
        ("README.md", "# A\n\n## Support\n\n```\nsend('ops@northwind.care')\n```\n"),
        ("README.md", "# A\n\n## Contact\n\nyour.name@example.com\n"),
        ("LICENSE", "Copyright A. a@northwind.care\n"),
        ("CODEOWNERS", "# nobody yet\n"),
    ],
)
def test_authorship_is_not_ownership(find: Find, path: str, text: str) -> None:
    assert not any(owner.counts for owner in find({path: text}))


@pytest.mark.parametrize(
    ("owner", "nobody"),
    [
        ("Ada <ada@northwind.care>", False),
        ("[Ada](https://a.b)", False),
        ("Platform", False),
        ("", True),
        ("—", True),
        ("[name]", True),
    ],
)
def test_who_is_nobody(owner: str, nobody: bool) -> None:
    assert names_nobody(owner) is nobody
