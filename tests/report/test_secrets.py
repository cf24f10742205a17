"""No secret travels in a report; ordinary code stays readable."""

from __future__ import annotations

import pytest

from readiness.report.secrets import MASK, mask

# Put together here, so that no scanner of this project takes them for real.
BODY = "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA"
SECRETS = [
    "sk-" + BODY,
    "sk-proj-" + BODY,
    "sk-ant-api03-" + BODY,
    "ghp_" + BODY,
    "hf_" + BODY,
    "glpat-" + BODY[:20],
    "xoxb-" + "123456789012-" + BODY,
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "AIza" + BODY + "abc",
    "eyJ" + BODY + "." + BODY + "." + BODY,
    BODY + BODY,
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", 'client = OpenAI(api_key="{}")', "-H 'Authorization: Bearer {}'"])
def test_tokens_are_masked_wherever_they_stand(secret: str, around: str) -> None:
    shown = mask(around.format(secret))
    assert secret not in shown
    assert secret[8:] not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('password = "hunter2hunter2"', "hunter2"),
        ("SECRET_KEY: 'change-me-please'", "change-me"),
        ('"api_key": "abcdefgh"', "abcdefgh"),
        ("postgresql://app:swordfish@db/app", "swordfish"),
    ],
)
def test_values_of_things_named_like_secrets_are_masked(line: str, secret: str) -> None:
    assert secret not in mask(line)


@pytest.mark.parametrize(
    "line",
    [
        "reply = await client.chat.completions.create(model=MODEL, messages=messages)",
        "uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8",
        "FROM python:3.12-slim@sha256:9c1d9ed7593f2552a4ea47362ec0d2ddf5923458a53d0c8e30edf8b398c94a31",
        'api_key = os.environ["OPENAI_API_KEY"]',
        "weights = hf_hub_download(repo_id, npm_config_cache, hf_transfer)",
        'DATABASE_URL = f"postgresql://{user}:{password}@{host}/app"',
        "from project_management.artificial_intelligence.retrieval_augmented_generation import x1234",
        "tests/integration/test_research_assistant_with_2_tools_and_4_agents.py",
    ],
)
def test_ordinary_code_is_left_alone(line: str) -> None:
    assert mask(line) == line


def test_masking_twice_changes_nothing() -> None:
    for secret in SECRETS:
        once = mask(f'token = "{secret}"')
        assert mask(once) == once
