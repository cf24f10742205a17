"""Credentials in the tree: where each one lies, and whether it is a key somebody issued or a default that works."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.extract.observations import Observations
from readiness.extract.secret_settings import Setting, find_settings
from readiness.extract.secret_words import Strength, accepted_by
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.governance.secret_code import CodeLiteral, code_literals, unread_names, verified_names
from readiness.facts.linking.program import Program
from readiness.facts.place import Place
from readiness.repository.tree import Role


class SecretKind(StrEnum):
    """What a secret is good for."""

    PROVIDER_KEY = "provider-key"
    """Issued by somebody else: it must be revoked."""
    CREDENTIAL = "credential"
    """Fixed in the file: a password, a private key."""
    WORKING_DEFAULT = "working-default"
    """Used when nothing else is set."""


class Where(StrEnum):
    """What kind of file a secret lies in."""

    CODE = "code"
    PRODUCTION = "production-configuration"
    ENTRYPOINT = "entrypoint"
    LOCAL = "local-development"
    SAMPLE = "sample"
    SIDE_CAR = "side-car"
    """The password of a third-party program that runs beside the service: Grafana, pgAdmin."""
    SCRIPT = "script"
    """Scripts, notebooks and evaluations: code that does not serve."""
    UNREAD = "unread"
    """A setting in code that no code reads."""
    ARCHIVED = "archived"
    TEST = "test"
    CI = "ci"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret in the tree; `text` says what it is without saying it, `name` is the setting's, if it has one."""

    place: Place
    text: str
    kind: SecretKind
    where: Where
    name: str = ""


_CI = re.compile(
    r"^\.github/|^\.gitlab-ci|^\.circleci/|^\.travis\.yml$|azure-pipelines[^/]*$|bitbucket-pipelines\.yml$|^Jenkinsfile$"
)
_SAMPLE = re.compile(r"(?:^|[._-])(?:examples?|samples?|template|tpl|dist)(?:[._-]|$)", re.IGNORECASE)
_LOCAL = re.compile(
    r"(?:^|[/._-])(?:dev|develop|development|local|localhost|test|tests|testing|ci|override|devcontainer|vscode|idea)"
    r"(?=[/._-]|$)"
)
_SIDE_CARS = re.compile(r"^(?:GF_|PGADMIN_|ME_CONFIG_|FLOWER_|KIBANA_|PORTAINER_|LANGFUSE_INIT_)")
_SIDE_CAR_SECTIONS = frozenset(
    {"grafana", "pgadmin", "pgadmin4", "mongo-express", "flower", "portainer", "kibana", "jupyter", "redisinsight"}
)
_NOT_SERVING = {
    Role.TEST: Where.TEST,
    Role.EVAL: Where.SCRIPT,
    Role.SCRIPT: Where.SCRIPT,
    Role.NOTEBOOK: Where.SCRIPT,
    Role.EXAMPLE: Where.SAMPLE,
    Role.ARCHIVED: Where.ARCHIVED,
}


def find_secrets(observations: Observations, program: Program, compose: Iterable[ComposeService]) -> tuple[Secret, ...]:
    """Every secret in the tree, by place; one line is told once.

    Args:
        observations: what was read.
        program: its code, linked.
        compose: the services of its compose files, which know whether their file is for local development.
    """
    shipped = started_for_production(observations)
    compose_services = tuple(compose)
    local = {one.path: one.is_local and one.path not in shipped for one in compose_services}
    local.update(_env_files(compose_services, local))
    literals = tuple(item for item in code_literals(program) if item.in_url or _can_work(item.name, item.strength))
    settings = tuple((path, s) for path, s in _settings(observations) if s.in_url or _can_work(s.name, s.strength))
    asked = [literal.name for literal in literals] + [setting.name for _, setting in settings]
    asked += [target.id for literal in literals for target in literal.targets if isinstance(target, code.Name)]
    undecided = frozenset(name.lower() for name in asked if accepted_by(name) is None)
    verified = verified_names(program, undecided, observations.sources) if undecided else frozenset()
    unread = unread_names(program, literals, observations.sources)
    found = [*_tokens(observations, local)]
    found.extend(_in_files(observations, settings, verified, local, _replaced(program)))
    found.extend(_in_code(literals, verified, unread))
    by_line: dict[tuple[str, int], Secret] = {}
    for secret in found:
        by_line.setdefault((secret.place.path, secret.place.line), secret)
    return tuple(sorted(by_line.values(), key=lambda secret: secret.place))


def _env_files(compose: Iterable[ComposeService], local: Mapping[str, bool]) -> dict[str, bool]:
    """The files of variables that compose files name: for local development where all that do are."""
    found: dict[str, bool] = {}
    for service in compose:
        for path in service.env_files:
            found[path] = found.get(path, True) and local[service.path]
    return {path: is_local for path, is_local in found.items() if is_local}


def _can_work(name: str, looks: Strength) -> bool:
    """Whether a literal can matter at all: a sample key for somebody else's service, most of what is found, cannot."""
    return looks is Strength.GENERATED or (looks is not Strength.PLACEHOLDER and accepted_by(name) != "other")


def _tokens(observations: Observations, local: Mapping[str, bool]) -> Iterator[Secret]:
    for path, tokens in observations.tokens.items():
        role = observations.files[path].role
        if role is Role.VENDORED:
            continue
        where = _where(path, role, local)
        for token in tokens:
            place = Place(path, token.line, token.end_line)
            if token.kind == "provider-key":
                yield Secret(place, f"{token.title} {token.masked}", SecretKind.PROVIDER_KEY, where)
            elif where is not Where.TEST:
                yield Secret(place, f"a private key ({token.masked})", SecretKind.CREDENTIAL, where)


def _settings(observations: Observations) -> Iterator[tuple[str, Setting]]:
    for path, text in observations.sources.items():
        if observations.files[path].role is not Role.VENDORED:
            for setting in find_settings(path, text):
                yield path, setting


def _in_files(
    observations: Observations,
    settings: Iterable[tuple[str, Setting]],
    verified: frozenset[str],
    local: Mapping[str, bool],
    replaced: frozenset[str],
) -> Iterator[Secret]:
    for path, setting in settings:
        where = _where(path, observations.files[path].role, local)
        if where is Where.PRODUCTION and setting.name in replaced and path.endswith((".ini", ".cfg")):
            where = Where.UNREAD
        if _is_side_car(setting):
            where = where if where in (Where.TEST, Where.CI) else Where.SIDE_CAR
        kind = _kind(setting.name, setting.strength, where, setting.name.lower() in verified, setting.in_url)
        if kind is SecretKind.CREDENTIAL and setting.overridable:
            kind = SecretKind.WORKING_DEFAULT
        if kind is not None:
            text = f"{setting.name}: {setting.masked}"
            yield Secret(Place(path, setting.line, setting.line), text, kind, where, setting.name)


def _replaced(program: Program) -> frozenset[str]:
    """Options of a configuration file that code sets itself before it reads them (Alembic's `set_main_option`)."""
    return frozenset(
        call.arguments[0].value
        for call, _ in program.calls_by_name.get("set_main_option", ())
        if len(call.arguments) == 2
        and isinstance(call.arguments[0], code.Constant)
        and isinstance(call.arguments[0].value, str)
    )


def _in_code(literals: Iterable[CodeLiteral], verified: frozenset[str], unread: frozenset[str]) -> Iterator[Secret]:
    for literal in literals:
        where = _NOT_SERVING.get(literal.unit.module.role, Where.CODE)
        names = {target.id for target in literal.targets if isinstance(target, code.Name)}
        if where is Where.CODE and names and names <= unread:
            where = Where.UNREAD
        known = literal.verified or literal.name.lower() in verified or any(n.lower() in verified for n in names)
        kind = _kind(literal.name, literal.strength, where, known, literal.in_url)
        if kind is SecretKind.CREDENTIAL and literal.overridable:
            kind = SecretKind.WORKING_DEFAULT
        if kind is not None:
            what = "default of " if literal.overridable else ""
            text = f"{what}{literal.name}: {literal.masked}"
            yield Secret(literal.unit.at(literal.node), text, kind, where, literal.name)


def _kind(name: str, looks: Strength, where: Where, verified: bool, in_url: bool) -> SecretKind | None:
    """What a literal is, or None where it cannot work (rules-of-evidence.md, "Working default secrets")."""
    acceptor = "store" if in_url else accepted_by(name) or ("service" if verified else None)
    if where in (Where.TEST, Where.CI):
        # Databases of a test run are nothing; what somebody issued is a leak in a workflow and a fixture in a test.
        leaked = where is Where.CI and looks is Strength.GENERATED and acceptor in ("other", None)
        return SecretKind.PROVIDER_KEY if leaked else None
    if looks is Strength.GENERATED:
        return SecretKind.CREDENTIAL if acceptor in ("service", "store") else SecretKind.PROVIDER_KEY
    if looks is Strength.WORD:
        return SecretKind.CREDENTIAL if acceptor in ("service", "store") else None
    if looks is Strength.ADVICE:
        works = (acceptor == "service" or in_url) and where is not Where.SAMPLE
        return SecretKind.CREDENTIAL if works else None
    return None


def _where(path: str, role: Role, local: Mapping[str, bool]) -> Where:
    name = PurePosixPath(path).name
    if _CI.search(path):
        return Where.CI
    if role is Role.TEST:
        return Where.TEST
    if _SAMPLE.search(name) and not name.endswith(".py"):
        return Where.SAMPLE
    if role in _NOT_SERVING and role is not Role.SCRIPT:
        return _NOT_SERVING[role]
    if local.get(path, _LOCAL.search(path) is not None and not name.endswith((".py", ".ipynb"))):
        return Where.LOCAL
    if name.endswith((".sh", ".bash")) or name == "Makefile":
        return Where.ENTRYPOINT
    if role is Role.SCRIPT:
        return Where.SCRIPT
    return Where.CODE if name.endswith((".py", ".js", ".ts", ".tsx", ".jsx")) else Where.PRODUCTION


def _is_side_car(setting: Setting) -> bool:
    if _SIDE_CARS.match(setting.name):
        return True
    return any(section.lower() in _SIDE_CAR_SECTIONS for section in setting.section)


_UP = re.compile(
    r"docker[ -]compose\b(?P<options>[^\n;&|]{0,300}?)\s(?:up|start|run)\b"
    r"|docker stack deploy\b(?P<stack>[^\n;&|]{0,300})"
)
_FILE = re.compile(r"(?:-f|--file|-c|--compose-file)[ =](\S+)")
_COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_RECIPE = re.compile(r"^(?=[A-Za-z0-9_.-][^:=\n]{0,200}:(?!=))", re.MULTILINE)
_PRODUCTION = re.compile(r"\bprod(?:uction)?\b|\bdeploy", re.IGNORECASE)


def started_for_production(observations: Observations) -> frozenset[str]:
    """Compose files that a production target of a Makefile, or a deploy script, starts: shipped configuration.

    A target is for production if it says so, in its name or among the environments that it takes.
    """
    found: set[str] = set()
    for path, text in observations.sources.items():
        name = PurePosixPath(path).name
        if name in ("Makefile", "makefile", "GNUmakefile", "justfile"):
            parts = [part for part in _RECIPE.split(text) if _PRODUCTION.search(part)]
        elif name.endswith(".sh") and _PRODUCTION.search(name.replace("_", "-")):
            parts = [text]
        else:
            continue
        folder = PurePosixPath(path).parent
        for match in (match for part in parts for match in _UP.finditer(part)):
            named = _FILE.findall(match["options"] or match["stack"] or "")
            for file in named or _COMPOSE_NAMES:
                found.update(str(base / file).removeprefix("./") for base in (folder, PurePosixPath()))
    return frozenset(found)
