"""What a file is for, by its path (rules-of-evidence.md, "Path classes")."""

from __future__ import annotations

import pytest

from readiness.repository.roles import role_of
from readiness.repository.tree import Role


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("app/main.py", Role.SERVING),
        ("Dockerfile", Role.SERVING),
        (".github/workflows/ci.yml", Role.SERVING),
        ("lib/site-packages/x/__init__.py", Role.VENDORED),
        ("third_party/x.py", Role.VENDORED),
        ("app/chat_pb2.py", Role.VENDORED),
        ("app/chat_pb2_grpc.py", Role.VENDORED),
        ("db/migrations/0001_initial.py", Role.VENDORED),
        ("evals/run.py", Role.EVAL),
        ("benchmark/latency.py", Role.EVAL),
        ("tests/test_api.py", Role.TEST),
        ("app/test_api.py", Role.TEST),
        ("app/api_test.py", Role.TEST),
        ("app/tests.py", Role.TEST),
        ("conftest.py", Role.TEST),
        ("archive/old_app.py", Role.ARCHIVED),
        ("legacy/app.py", Role.ARCHIVED),
        ("docs/conf.py", Role.EXAMPLE),
        ("exercise_notebooks/model.py", Role.EXAMPLE),
        ("getting-started/app.py", Role.EXAMPLE),
        ("Examples/app.py", Role.EXAMPLE),
        ("explore.ipynb", Role.NOTEBOOK),
        ("scripts/seed.py", Role.SCRIPT),
        ("tools/release.py", Role.SCRIPT),
    ],
)
def test_a_path_has_a_role(path: str, role: Role) -> None:
    assert role_of(path) is role


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("tests/evals/run.py", Role.EVAL),  # eval before test
        ("tests/llm-evaluator/data/set.jsonl", Role.EVAL),
        ("tests/evaluation/test_metrics.py", Role.TEST),
        ("tests/migrations/0001.py", Role.VENDORED),  # vendored before all
        ("legacy/tests/test_a.py", Role.TEST),  # test before archived
        ("docs/old/app.py", Role.ARCHIVED),  # archived before example
        ("docs/tour.ipynb", Role.EXAMPLE),  # example before notebook
        ("scripts/try.ipynb", Role.NOTEBOOK),  # notebook before script
    ],
)
def test_the_first_class_that_matches_wins(path: str, role: Role) -> None:
    assert role_of(path) is role


@pytest.mark.parametrize(
    "path",
    [
        "app/contest.py",
        "app/latest.py",
        "app/evaluate.py",
        "app/demonstrate.py",
        "app/tooling/x.py",
        "app/docstore/x.py",
    ],
)
def test_a_word_inside_another_word_is_no_class(path: str) -> None:
    assert role_of(path) is Role.SERVING


@pytest.mark.parametrize("path", ["examples.py", "scripts.py", "docs", "legacy.py"])
def test_a_folder_name_says_nothing_about_a_file_of_that_name(path: str) -> None:
    assert role_of(path) is Role.SERVING
