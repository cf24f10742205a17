"""The images that run the service, what they do for a reproducible build, and who asks after their health."""

from __future__ import annotations

import pytest

from readiness.extract.observe import observe
from readiness.facts.delivery.ci import find_ci
from readiness.facts.delivery.deployment import Deployment, find_deployment
from readiness.facts.delivery.dockerignore import is_ignored
from readiness.facts.delivery.image_points import ImageReport
from readiness.repository.tree import File, Repository, Role

APP = {"app.py": "print('hi')\n"}
GOOD = """FROM python:3.12.8-slim
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen
COPY app.py .
USER app
CMD python app.py
"""
LOCKED = {**APP, "uv.lock": "version = 1\n", "pyproject.toml": "[project]\nname = 'a'\n"}


def deployment(files: dict[str, str]) -> Deployment:
    found = tuple(
        File(path, len(text), Role.EXAMPLE if path.startswith("docs/") else Role.SERVING, text.encode)
        for path, text in files.items()
    )
    observations = observe(Repository("r", None, False, None, found, ()))
    return find_deployment(observations, find_ci(observations))


def image(files: dict[str, str]) -> ImageReport:
    (one,) = deployment(files).images
    return one


def from_(lines: str, **files: str) -> ImageReport:
    return image({**LOCKED, "Dockerfile": lines, **files})


def test_a_good_image_meets_every_point_but_the_build_in_ci() -> None:
    report = from_(GOOD)
    assert [point.met for point in report.all_points] == [True] * 5 + [False]
    assert report.missing == "no CI step builds it"
    assert report.vetoes == ()


@pytest.mark.parametrize("base", ["python", "python:latest", "python:slim-latest", "team/app:production"])
def test_a_moving_base_tag_is_not_pinned(base: str) -> None:
    report = from_(GOOD.replace("python:3.12.8-slim", base))
    assert not report.pinned_tags.met
    assert base in report.missing


def test_images_copied_from_and_side_cars_count_for_the_tags() -> None:
    assert not from_(GOOD.replace("USER", "COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/\nUSER")).pinned_tags.met
    compose = "services:\n  app:\n    build: .\n  db:\n    image: postgres\n"
    assert not image({**LOCKED, "Dockerfile": GOOD, "compose.yaml": compose}).pinned_tags.met


@pytest.mark.parametrize(
    ("install", "locked"),
    [
        ("COPY pyproject.toml uv.lock ./\nRUN uv sync --frozen", True),
        ("COPY . .\nRUN uv sync --locked", True),
        ("RUN --mount=type=bind,source=uv.lock,target=uv.lock uv sync --frozen", True),
        ("ENV UV_FROZEN=1\nCOPY uv.lock .\nRUN uv sync", True),
        ("COPY uv.lock .\nRUN uv sync", False),
        ("COPY pyproject.toml .\nRUN uv sync --frozen", False),
        ("RUN uv sync --frozen\nCOPY . .", False),
        ("COPY . .\nRUN pip install .", False),
    ],
)
def test_a_lock_counts_when_it_is_copied_before_a_frozen_install(install: str, locked: bool) -> None:
    assert from_(f"FROM python:3.12\n{install}\nCMD python app.py\n").has_lock is locked


def test_the_lock_of_a_frontend_is_not_the_lock_of_the_service() -> None:
    dockerfile = (
        "FROM node:20.1.0 AS web\nCOPY package.json package-lock.json ./\nRUN npm ci\n"
        "FROM python:3.12.1\nCOPY . .\nRUN pip install -r requirements.txt\n"
        "COPY --from=web /dist static\nCMD python app.py\n"
    )
    files = {**LOCKED, "package.json": "{}", "package-lock.json": "{}", "requirements.txt": "openai==1.55.3\n"}
    assert not image({**files, "Dockerfile": dockerfile}).has_lock


def test_a_lock_that_dockerignore_keeps_out_does_not_count() -> None:
    files = {**LOCKED, "Dockerfile": "FROM python:3.12\nCOPY . .\nRUN uv sync --frozen\nCMD python app.py\n"}
    assert not image({**files, ".dockerignore": "*.lock\n"}).has_lock


@pytest.mark.parametrize(
    ("user", "unprivileged"), [("USER app", True), ("USER 1000:1000", True), ("USER root", False), ("", False),
                               ("USER app\nUSER root", False), ("ARG WHO=root\nUSER $WHO", False)],
)  # fmt: skip
def test_the_last_user_decides(user: str, unprivileged: bool) -> None:
    assert from_(f"FROM python:3.12\nCOPY app.py .\n{user}\nCMD python app.py\n").is_unprivileged is unprivileged


def test_a_user_set_in_the_stage_built_on_is_inherited() -> None:
    assert from_("FROM python:3.12 AS base\nUSER app\nFROM base\nCOPY app.py .\nCMD python app.py\n").is_unprivileged


@pytest.mark.parametrize(
    ("rules", "kept_out"),
    [
        (".env\n.git\n", True), (".env*\n.git\n", True), ("**/.env\n**/.git\n", True), ("*\n!app.py\n", True),
        (".*\n", True),
        (".env\n", False), (".venv\nenv/\n.git\n", False), ("*\n!.env\n", False), ("", False),
    ],
)  # fmt: skip
def test_a_whole_context_needs_a_dockerignore_without_env_and_git(rules: str, kept_out: bool) -> None:
    files = {**APP, "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD python app.py\n", ".dockerignore": rules}
    assert image(files).clean_context.met is kept_out


def test_docker_reads_the_ignore_file_of_the_context() -> None:
    files = {
        "svc/app.py": "x = 1\n", "svc/docker/Dockerfile": "FROM python:3.12\nCOPY . .\nCMD python app.py\n",
        "compose.yaml": "services:\n  app:\n    build:\n      context: svc\n      dockerfile: docker/Dockerfile\n",
    }  # fmt: skip
    assert not image({**files, ".dockerignore": ".env\n.git\n"}).clean_context.met
    assert image({**files, "svc/.dockerignore": ".env\n.git\n"}).clean_context.met


def test_ignore_rules_apply_in_order() -> None:
    assert is_ignored("docs\n", "docs/a/b.md")
    assert is_ignored("**/*.pyc\n", "a/b/c.pyc")
    assert is_ignored("**/*.pyc\n", "c.pyc")
    assert is_ignored("a/**/c\n", "a/c")
    assert is_ignored("[a-c]?z\n", "bxz")
    assert not is_ignored("**/c\n", "a/bc")
    assert not is_ignored("*.pyc\n", "a/c.pyc")
    assert not is_ignored("*.md\n!README.md\n", "README.md")


@pytest.mark.parametrize(
    ("command", "real"),
    [
        ('CMD ["uvicorn", "app:app"]', True), ("CMD python app.py", True),
        ('ENTRYPOINT ["python"]\nCMD ["/srv/app.py"]', True), ('ENTRYPOINT ["python"]\nCMD ["other.py"]', False),
        ('CMD ["uvicorn", "app:app", "--reload"]', False), ('CMD ["uvicorn", "other:app"]', False), ("CMD bash", False),
        ("", False), ('CMD ["sh", "-c", "uvicorn app:app"]', True), ("CMD python -m missing.module", False),
        ("CMD fastapi dev app.py", False),
    ],
)  # fmt: skip
def test_a_real_command_starts_something_that_exists(command: str, real: bool) -> None:
    assert from_(f"FROM python:3.12\nCOPY app.py .\n{command}\n").real_command.met is real


def test_the_command_of_compose_counts_where_the_image_has_none() -> None:
    compose = "services:\n  app:\n    build: .\n    command: python app.py\n"
    assert image({**APP, "Dockerfile": "FROM python:3.12\nCOPY app.py .\n", "compose.yaml": compose}).real_command.met


def test_ci_builds_the_image_it_names() -> None:
    def workflow(run: str) -> dict[str, str]:
        return {".github/workflows/x.yml": f"on: push\njobs:\n  b:\n    steps:\n      - run: {run}\n"}

    files = {**LOCKED, "Dockerfile": GOOD}
    assert image({**files, **workflow("docker build .")}).built_in_ci.met
    assert not image({**files, **workflow("docker build -f other/Dockerfile .")}).built_in_ci.met
    assert not image(
        {**files, **workflow("docker compose build"), "compose.yaml": "services: {db: {image: 'x:1'}}\n"}
    ).built_in_ci.met


@pytest.mark.parametrize(
    "line",
    ["ARG DB_PASSWORD", "ENV API_KEY=9f8e7d", "ARG DATABASE_URL\nENV DATABASE_URL=${DATABASE_URL}", "COPY .env .",
     "ADD https://example.org/x.tgz /x"],
)  # fmt: skip
def test_secrets_and_unchecked_downloads_are_vetoes(line: str) -> None:
    assert from_(GOOD.replace("USER", f"{line}\nUSER")).vetoes


@pytest.mark.parametrize(
    "line", ["ENV API_KEY=", "ENV TOKENIZERS_PARALLELISM=false", "ENV API_KEY=your-key", "ARG VERSION=1"]
)
def test_placeholders_and_other_settings_are_no_vetoes(line: str) -> None:
    assert from_(GOOD.replace("USER", f"{line}\nUSER")).vetoes == ()


@pytest.mark.parametrize("path", [".devcontainer/Dockerfile", "docs/Dockerfile", "Dockerfile.test", "dev.Dockerfile"])
def test_images_that_do_not_serve_are_left_out(path: str) -> None:
    assert [one.image.dockerfile.path for one in deployment({**LOCKED, "Dockerfile": GOOD, path: GOOD}).images] == [
        "Dockerfile"
    ]


def test_a_side_cars_image_is_not_the_service() -> None:
    assert deployment({"Dockerfile": "FROM mongo:7\nCMD mongod\n"}).images == ()


@pytest.mark.parametrize(
    ("path", "text", "local"),
    [
        ("compose.yaml", "services: {app: {image: 'x:1'}}", False),
        ("docker-compose.dev.yml", "services: {app: {image: 'x:1'}}", True),
        ("compose.yaml", "services: {app: {image: 'x:1', volumes: ['.:/app']}}", True),
        ("compose.yaml", "services: {app: {image: 'x:1', volumes: ['data:/app']}}", False),
        ("compose.yaml", "services: {app: {image: 'x:1', command: uvicorn app:app --reload}}", True),
        ("compose.yaml", "services: {app: {image: 'x:1', environment: {APP_ENV: development}}}", True),
        ("compose.yaml", "services: {app: {image: 'x:1', environment: ['APP_ENV=${APP_ENV:-production}']}}", False),
    ],
)
def test_a_compose_file_says_whether_it_is_for_local_development(path: str, text: str, local: bool) -> None:
    (service,) = deployment({**APP, path: text}).compose
    assert service.is_local is local


def test_a_probe_whose_tool_is_not_in_the_image_cannot_succeed() -> None:
    probe = "HEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1\nCMD python app.py"
    slim = deployment({**APP, "Dockerfile": f"FROM python:3.12-slim\nCOPY app.py .\n{probe}\n"}).probes[0]
    assert (slim.path, slim.port, slim.tool, slim.can_succeed) == ("/health", "8000", "curl", False)
    installed = "RUN apt-get update && apt-get install -y curl\n"
    assert deployment({**APP, "Dockerfile": f"FROM python:3.12-slim\n{installed}{probe}\n"}).probes[0].can_succeed
    assert deployment({**APP, "Dockerfile": f"FROM python:3.12\n{probe}\n"}).probes[0].can_succeed


def test_probes_of_side_cars_are_not_the_services() -> None:
    compose = (
        "services:\n  app:\n    build: .\n    healthcheck:\n      test: [CMD, python, -c, \"urlopen('http://localhost/ready')\"]\n"
        "  db:\n    image: postgres:16\n    healthcheck: {test: pg_isready}\n"
    )
    (probe,) = deployment({**APP, "Dockerfile": GOOD, "compose.yaml": compose}).probes
    assert (probe.service, probe.path, probe.tool, probe.can_succeed) == ("app", "/ready", "python", True)


def test_kubernetes_probes_have_a_role_and_a_path() -> None:
    manifest = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
        "      containers:\n"
        "        - image: app:1\n          livenessProbe: {httpGet: {path: /livez, port: 8000}}\n"
        "          readinessProbe: {httpGet: {path: /readyz, port: 8000}}\n"
    )
    found = deployment({"k8s/app.yaml": manifest})
    assert [(one.role, one.path) for one in found.probes] == [("liveness", "/livez"), ("readiness", "/readyz")]
    assert found.workloads[0].image.tag == "1"


def test_a_platforms_descriptor_can_stand_for_an_image() -> None:
    assert not deployment({"Procfile": "web: python app.py\n"}).equivalents
    pinned = deployment({"Procfile": "web: python app.py\n", "runtime.txt": "python-3.12.8\n"})
    assert [one.kind for one in pinned.equivalents] == ["procfile"]
