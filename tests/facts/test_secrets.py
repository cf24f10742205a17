"""Where a secret lies decides what it costs; what it says decides whether it can work at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness.extract.observe import observe
from readiness.facts.delivery.ci import find_ci
from readiness.facts.delivery.compose import find_compose
from readiness.facts.governance.secrets import find_secrets, started_for_production
from readiness.facts.linking.program import Program
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository

HEX = "9f4c1be07ad2483e" + "6b5d90c7f1a8e3b2"
COMPOSE = "services:\n  db:\n    image: postgres:17.2\n    environment:\n      POSTGRES_PASSWORD: assistant\n"

Found = list[tuple[str, int, str, str]]
Find = Callable[[Mapping[str, str]], Found]


@pytest.fixture
def find(make_repository: Callable[[Mapping[str, str]], Path]) -> Find:
    """A function that gives (path, line, kind, where) of every secret in the files."""

    def found(files: Mapping[str, str]) -> Found:
        root = make_repository(files)
        observations = observe(open_repository(root, load_configuration(root)))
        program = Program((module, observations.files[path].role) for path, module in observations.modules.items())
        secrets = find_secrets(observations, program, find_compose(observations, find_ci(observations)))
        assert not any("assistant" in secret.text or HEX in secret.text for secret in secrets)
        return [(s.place.path, s.place.line, s.kind.value, s.where.value) for s in secrets]

    return found


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (f'client = OpenAI(api_key="{HEX}")', "provider-key"),
        (f'os.environ["OPENAI_API_KEY"] = "{HEX}"', "provider-key"),
        (f'SETTINGS = {{"openai": {{"api_key": "{HEX}"}}}}', "provider-key"),
        ('key = os.getenv("JWT_SECRET", "changeme")\nprint(key)', "working-default"),
        ('JWT_SECRET = os.getenv("JWT_SECRET") or "changeme"\nprint(JWT_SECRET)', "working-default"),
        ('class Settings(BaseSettings):\n    secret_key: str = "changeme"\n\nSettings().secret_key', "working-default"),
        ('class Settings(BaseSettings):\n    secret_key: SecretStr = Field("changeme")\n\nSettings().secret_key',
         "working-default"),
        ('app.config["SECRET_KEY"] = "your-secret-key"', "credential"),
        ('jwt.encode(claims, "changeme", algorithm="HS256")', "credential"),
        ('psycopg.connect(host="db", password="assistant")', "credential"),
        ('create_engine("postgresql://app:assistant@db/app")', "credential"),
        ('if x_token != "letmein":\n    raise HTTPException(403)', "credential"),
        ('if password == "letmein":\n    show()', "credential"),
        ('hmac.compare_digest(token, "letmein")', "credential"),
    ],
)  # fmt: skip
def test_literals_in_code(find: Find, source: str, kind: str) -> None:
    found = find({"app.py": source + "\n"})
    assert [(kind, where) for _, _, kind, where in found] == [(kind, "code")]


@pytest.mark.parametrize(
    "source",
    [
        'key = os.environ["OPENAI_API_KEY"]',
        'client = OpenAI(api_key="ollama")',
        'client = OpenAI(api_key=os.getenv("OPENAI_API_KEY", "dummy"))',
        'PASSWORD = "password"',
        'label = tokenizer(pad_token="[PAD]", eos_token="</s>")',
        'password = st.text_input("Your password", type="password")',
        'if key == "your-key":\n    raise ValueError("set a key")',
        'token = data.get("token", "")',
        'class TestingConfig:\n    SECRET_KEY = "changeme"\n\nTestingConfig.SECRET_KEY',
    ],
)
def test_what_is_no_secret_in_code(find: Find, source: str) -> None:
    assert find({"app.py": source + "\n"}) == []


def test_a_key_that_the_service_compares_works_from_a_sample(find: Find) -> None:
    sample = {".env.example": "API_KEY=sample_api_key\n"}
    verified = "def check(header):\n    if header != str(config.API_KEY):\n        raise Forbidden\n"
    assert find({**sample, "app.py": "client = Client(config.API_KEY)\n"}) == []
    assert find({**sample, "app.py": verified}) == [(".env.example", 1, "credential", "sample")]


def test_what_asks_to_be_replaced_is_nothing_in_a_sample_and_works_where_it_was_left(find: Find) -> None:
    text = "JWT_SECRET=your-jwt-secret\nPOSTGRES_PASSWORD=your-password\n"
    assert find({".env.example": text}) == []
    assert find({".env": text}) == [(".env", 1, "credential", "production-configuration")]


def test_a_default_that_no_code_reads(find: Find) -> None:
    unread = 'import os\n\nJWT_SECRET = os.getenv("JWT_SECRET", "changeme")\n'
    assert find({"config.py": unread}) == [("config.py", 3, "working-default", "unread")]
    read = {"config.py": unread, "app.py": "from config import JWT_SECRET\n"}
    assert find(read) == [("config.py", 3, "working-default", "code")]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("docker-compose.yml", "production-configuration"),
        ("compose.dev.yaml", "local-development"),
        (".devcontainer/compose.yaml", "local-development"),
        ("examples/compose.yaml", "sample"),
        ("archive/old/compose.yaml", "archived"),
    ],
)
def test_the_same_password_in_different_files(find: Find, path: str, where: str) -> None:
    assert [(kind, place) for _, _, kind, place in find({path: COMPOSE})] == [("credential", where)]


@pytest.mark.parametrize("path", ["tests/compose.yaml", ".github/workflows/ci.yml", ".circleci/config.yml"])
def test_databases_of_test_runs_are_nothing(find: Find, path: str) -> None:
    assert find({path: COMPOSE}) == []


def test_a_key_in_a_workflow_is_a_leak(find: Find) -> None:
    workflow = f"on: push\nenv:\n  OPENAI_API_KEY: {HEX}\n"
    assert find({".github/workflows/ci.yml": workflow}) == [(".github/workflows/ci.yml", 3, "provider-key", "ci")]


def test_a_provider_key_lies_nowhere_well(find: Find) -> None:
    key = "sk-" + "qXvRtLmZkWbNcHpDyJfGsQaTeUoViKxBzMwPrLhY"
    found = find({"tests/test_app.py": f'KEY = "{key}"\n', "docs/guide.md": f"Use {key}\n"})
    assert [(path, kind) for path, _, kind, _ in found] == [
        ("docs/guide.md", "provider-key"),
        ("tests/test_app.py", "provider-key"),
    ]


def test_the_password_of_a_side_car(find: Find) -> None:
    text = "services:\n  grafana:\n    environment:\n      - GF_SECURITY_ADMIN_PASSWORD=admin\n"
    assert [where for *_, where in find({"docker-compose.yml": text})] == ["side-car"]


def test_what_a_production_target_starts_is_shipped(find: Find) -> None:
    mounted = COMPOSE + "    volumes:\n      - ./app:/app\n"
    files = {"docker-compose.yml": mounted, "app/main.py": "x = 1\n"}
    assert [where for *_, where in find(files)] == ["local-development"]
    makefile = "up-production:\n\tAPP_ENV=production docker compose up -d\n"
    assert [where for *_, where in find({**files, "Makefile": makefile})] == ["production-configuration"]


def test_which_compose_files_a_target_starts(make_repository: Callable[[Mapping[str, str]], Path]) -> None:
    root = make_repository(
        {
            "Makefile": "dev:\n\tdocker compose up\n\ndeploy:\n\tdocker-compose -f deploy/stack.yaml up -d\n",
            "scripts/deploy.sh": "docker stack deploy -c swarm.yaml app\n",
        }
    )
    observations = observe(open_repository(root, load_configuration(root)))
    started = started_for_production(observations)
    assert {"deploy/stack.yaml", "swarm.yaml"} <= started
    assert "docker-compose.yml" not in started


def test_an_address_that_people_read_shows_how_one_looks(find: Find) -> None:
    source = "import streamlit as st\nst.text_input('URI', placeholder='mysql://user:pass@hostname:port/db')\n"
    assert find({"app.py": source}) == []
    assert find({"app.py": f"import streamlit as st\nst.text_input('Key', help='redis://a:{HEX}@host/0')\n"}) != []
