"""Keys are found by their shape, settings by their name; placeholders are neither, and no value is kept."""

from __future__ import annotations

import time

import pytest

from readiness.extract.secret_settings import find_settings
from readiness.extract.secret_words import Strength, secret_name, strength, url_password
from readiness.extract.secrets import find_tokens

# Put together here, so that no file of this project holds anything that looks like a key.
LETTERS = "qXvRtLmZkWbNcHpDyJfGsQaTeUoViKxBzMwPrLhY"
DIGITS = "7Kq2Vx9Lm4Tz8Rb3Nw6Yc1Hd5Jf0Gs7Pa2Ue9Xk4Q"
HEX = "9f4c1be07ad2483e6b5d90c7f1a8e3b2"
KEYS = [
    ("OpenAI-style key", "sk-" + LETTERS),
    ("OpenAI-style key", "sk-" + "proj-" + DIGITS + "_" + DIGITS),
    ("OpenAI-style key", "sk-" + HEX),
    ("Anthropic key", "sk-" + "ant-api03-" + DIGITS + "-" + DIGITS),
    ("OpenRouter key", "sk-" + "or-v1-" + HEX + HEX[::-1]),
    ("Google API key", "AI" + "za" + DIGITS[:35]),
    ("Hugging Face token", "hf" + "_" + LETTERS[:34]),
    ("Groq key", "gsk" + "_" + DIGITS + "Wm5Yt8Rq"),
    ("Tavily key", "tv" + "ly-" + DIGITS[:32]),
    ("AWS access key id", "AK" + "IA" + "Q7XVR2TLM5ZKWBNC"),
]


@pytest.mark.parametrize(("title", "key"), KEYS)
def test_a_key_is_known_by_its_shape(title: str, key: str) -> None:
    [token] = find_tokens("notes.txt", f"first line\nkey: {key}\n")
    assert (token.title, token.line, token.kind) == (title, 2, "provider-key")


@pytest.mark.parametrize("key", [key for _, key in KEYS])
def test_what_is_kept_of_a_key_does_not_give_it_away(key: str) -> None:
    [token] = find_tokens("notes.txt", key)
    assert key[-16:] not in repr(token)
    assert f"({len(key)} characters)" in token.masked


@pytest.mark.parametrize(
    "text",
    [
        "sk-...",
        "sk-your-openai-api-key-goes-here",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-test-" + DIGITS,
        "sk-1234567890abcdef1234567890abcdef",
        "sk-" + LETTERS[:30] + "****",
        "sk-" + LETTERS[:30] + "...",
        "AK" + "IAIOSFODNN7EXAMPLE",
        "task-" + DIGITS,
        "https://host/files/sk-" + LETTERS,
        'class="sk-toggleable__content-arrow sk-estimator-doc-link-2"',
        "hf_hub_download_and_cache_the_model_files",
    ],
)
def test_placeholders_and_lookalikes_are_no_keys(text: str) -> None:
    assert find_tokens("notes.txt", text) == ()


def test_a_key_in_the_output_of_a_notebook_is_found() -> None:
    key = "sk-" + LETTERS
    source = '{"cells": [{"outputs": [{"text": ["export KEY\\n' + key + '\\n"]}]}]}'
    assert [token.title for token in find_tokens("demo.ipynb", source)] == ["OpenAI-style key"]


def test_the_google_key_of_a_web_app_names_its_project_only() -> None:
    key = "AI" + "za" + DIGITS[:35]
    web = f'const app = {{apiKey: "{key}", authDomain: "shop.firebaseapp.com"}}'
    assert find_tokens("app.js", web) == ()
    assert len(find_tokens("app.js", f'const key = "{key}"')) == 1


def test_a_private_key_needs_a_body() -> None:
    head, foot = "-----BEGIN " + "PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    assert find_tokens("help.md", f"It starts with {head} and ends with {foot}") == ()
    [token] = find_tokens("key.pem", f"{head}\n{DIGITS}{DIGITS}\n{foot}\n")
    assert (token.kind, token.line, token.end_line) == ("private-key", 1, 3)


@pytest.mark.parametrize(
    ("value", "looks"),
    [
        ("", "nothing"),
        ("${JWT_SECRET}", "nothing"),
        ("${{ secrets.KEY }}", "nothing"),
        ("os.environ/OPENAI_API_KEY", "nothing"),
        ("/run/secrets/password", "nothing"),
        ("OPENAI_API_KEY", "nothing"),
        ("<your key>", "placeholder"),
        ("sk-...", "placeholder"),
        ("nokeyneeded", "placeholder"),
        ("your-secret-key", "advice"),
        ("postgres", "word"),
        ("dummy-key-for-development", "word"),
        ("4f7c3a52-9f0e-4a55-8f0d-3b1c5f6f2a10", "word"),
        (HEX, "generated"),
        (DIGITS, "generated"),
    ],
)
def test_what_a_value_looks_like(value: str, looks: str) -> None:
    assert strength(value) == looks


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "jwt_secret",
        "SECRET_KEY",
        "POSTGRES_PASSWORD",
        "hfToken",
        "apiKey",
        "PGPASSWORD",
        "DB_PASS",
        "FIRST_SUPERUSER_PASSWORD",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["MAX_TOKENS", "TOKEN_LIMIT", "token_url", "tokenizer", "PASSWORD_MIN_LENGTH", "secret_name", "DB_PASSWORD_FILE",
     "eos_token", "next_page_token", "reset_password", "existingSecret", "pass", "primary_key"],
)  # fmt: skip
def test_names_that_only_sound_alike(name: str) -> None:
    assert not secret_name(name)


def test_a_password_in_an_address() -> None:
    assert url_password("postgresql://app:devpass@db:5432/app") is Strength.WORD
    assert url_password("postgresql://app:${PASSWORD}@db/app") is Strength.NOTHING
    assert url_password("postgresql://user:password@localhost/app") is Strength.ADVICE
    assert url_password("https://example.org/a:b@c") is Strength.NOTHING


FORMATS = {
    ".env": "POSTGRES_PASSWORD=devpass\n",
    "a.env": "export POSTGRES_PASSWORD='devpass'  # local\n",
    "compose.yaml": "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: devpass\n",
    "list.yaml": "environment:\n  - POSTGRES_PASSWORD=devpass\n",
    "quoted.yaml": 'environment:\n  - "POSTGRES_PASSWORD=devpass"\n',
    "flow.yaml": "environment: {A: b, POSTGRES_PASSWORD: devpass}\n",
    "default.yaml": "environment:\n  - POSTGRES_PASSWORD=${POSTGRES_PASSWORD:-devpass}\n",
    "pod.yaml": "env:\n  - name: POSTGRES_PASSWORD\n    value: devpass\n",
    "Dockerfile": "FROM scratch\nENV A=1 \\\n    POSTGRES_PASSWORD=devpass\n",
    "old.Dockerfile": "ENV POSTGRES_PASSWORD devpass\n",
    "entrypoint.sh": 'export POSTGRES_PASSWORD="${POSTGRES_PASSWORD:-devpass}"\n',
    "settings.toml": '[db]\npostgres_password = "devpass"\n',
    "config.json": '{"db": {"postgres_password": "devpass"}}\n',
}


@pytest.mark.parametrize("path", FORMATS)
def test_one_setting_in_every_format(path: str) -> None:
    [setting] = find_settings(path, FORMATS[path])
    assert setting.name.lower() == "postgres_password"
    assert setting.strength is Strength.WORD
    assert setting.line == FORMATS[path][: FORMATS[path].index("devpass")].count("\n") + 1
    assert "devpass" not in repr(setting)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yaml", "environment:\n  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it}\n"),
        ("compose.yaml", "# POSTGRES_PASSWORD: devpass\n"),
        ("compose.yaml", "POSTGRES_PASSWORD:\n  file: x\n"),
        ("openapi.yaml", "password: hunter2\n"),
        ("spec.yaml", "examples:\n  - password: hunter2\n"),
        ("pyproject.toml", 'password = "hunter2"\n'),
        ("notes.md", "PASSWORD=hunter2\n"),
        (".env", "MAX_TOKENS=4096\nPASSWORD=\n"),
    ],
)
def test_what_sets_nothing(path: str, text: str) -> None:
    assert find_settings(path, text) == ()


@pytest.mark.parametrize("text", ["a" * 2_000_000, "a:b@://" * 200_000, "${A:-" * 200_000, 'k="a ' * 200_000])
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    started = time.perf_counter()
    find_tokens("a.yaml", text)
    find_settings("a.yaml", text)
    assert time.perf_counter() - started < 5


def test_letters_and_numbers_counted_up_in_turns_are_no_key() -> None:
    assert not find_tokens("test.py", "sk-" + "prod-" + "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6")
