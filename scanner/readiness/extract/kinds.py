"""What kind of file a path is, by its name alone."""

from __future__ import annotations

import re
from enum import StrEnum

from readiness.extract.locks import lock_tool


class Kind(StrEnum):
    """How a file is read. TEXT files are kept as they are; OTHER files are not opened."""

    PYTHON = "python"
    NOTEBOOK = "notebook"
    YAML = "yaml"
    TOML = "toml"
    JSON = "json"
    JSON_LINES = "json lines"
    TABLE = "table"
    INI = "ini"
    DOTENV = "dotenv"
    DOCKERFILE = "dockerfile"
    REQUIREMENTS = "requirements"
    LOCK = "lock"
    MARKDOWN = "markdown"
    TEXT = "text"
    OTHER = "other"


_BY_SUFFIX: dict[str, Kind] = {
    ".py": Kind.PYTHON, ".pyi": Kind.OTHER, ".ipynb": Kind.NOTEBOOK,
    ".yaml": Kind.YAML, ".yml": Kind.YAML, ".toml": Kind.TOML, ".json": Kind.JSON, ".jsonc": Kind.JSON,
    ".jsonl": Kind.JSON_LINES, ".ndjson": Kind.JSON_LINES, ".csv": Kind.TABLE, ".tsv": Kind.TABLE,
    ".ini": Kind.INI, ".cfg": Kind.INI, ".md": Kind.MARKDOWN, ".mdx": Kind.MARKDOWN, ".markdown": Kind.MARKDOWN,
    ".dockerfile": Kind.DOCKERFILE, ".containerfile": Kind.DOCKERFILE,
}  # fmt: skip

_TEXT_SUFFIXES = frozenset({
    ".bash", ".bat", ".bicep", ".cjs", ".conf", ".css", ".cts", ".ejs", ".env", ".fish", ".go", ".graphql", ".groovy",
    ".hbs", ".hcl", ".html", ".htm", ".http", ".j2", ".java", ".jinja", ".jinja2", ".js", ".jsx", ".kt", ".liquid",
    ".mako", ".mjs", ".mk", ".mts", ".mustache", ".php", ".prisma", ".prompt", ".prompty", ".properties", ".proto",
    ".ps1", ".rb", ".rego", ".rs", ".rst", ".scss", ".sh", ".sql", ".svelte", ".template", ".tf", ".tfvars", ".tmpl",
    ".tpl", ".ts", ".tsx", ".txt", ".vue", ".xml", ".zsh", ".in", ".service", ".example", ".sample", ".dist", ".cff",
})  # fmt: skip

_INI_NAMES = frozenset({".flake8", ".coveragerc", ".pylintrc", "pylintrc", ".bumpversion.cfg", ".editorconfig"})
_JSON_NAMES = frozenset({".babelrc", ".eslintrc", ".prettierrc", ".releaserc"})
_TOML_NAMES = frozenset({"Pipfile"})
_YAML_NAMES = frozenset({".clang-format", ".yamllint", "dvc.lock"})
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".mako")
_DOTENV = re.compile(r"\.env(?:[.\-_][\w.\-]+)?|[\w.\-]+\.env|env\.(?:example|sample|template|dist)|\.envrc")
_DOCKERFILE = re.compile(r"(?:[\w.\-]+[.\-_])?(?:Dockerfile|Containerfile)(?:[.\-_][\w.\-]+)?", re.IGNORECASE)
_NO_DOCKERFILE = (".md", ".py", ".sh", ".yml", ".yaml")
_IGNORE = re.compile(r"\.\w+ignore")
_REQUIREMENTS = re.compile(
    r"(?:[\w.\-]*[.\-_])?(?:requirements?|constraints?)(?:[.\-_][\w.\-]*)?\.(?:txt|in|pip)", re.IGNORECASE
)


def kind_of(path: str) -> Kind:
    """The kind of a file by its path."""
    folder, _, name = path.rpartition("/")
    if lock_tool(name):
        return Kind.LOCK
    if name.endswith(_TEMPLATES):
        return Kind.TEXT
    if _DOTENV.fullmatch(name):
        return Kind.DOTENV
    if _DOCKERFILE.fullmatch(name) and not _IGNORE.search(name) and not name.endswith(_NO_DOCKERFILE):
        return Kind.DOCKERFILE
    if _REQUIREMENTS.fullmatch(name) or _in_requirements(folder, name):
        return Kind.REQUIREMENTS
    for kind, names in (
        (Kind.INI, _INI_NAMES), (Kind.JSON, _JSON_NAMES), (Kind.TOML, _TOML_NAMES), (Kind.YAML, _YAML_NAMES)
    ):  # fmt: skip
        if name in names:
            return kind
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem:
        # No suffix at all (`Makefile`, `CODEOWNERS`), or only one (`.dockerignore`): small texts, as a rule.
        return Kind.TEXT
    suffix = f".{suffix.lower()}"
    return _BY_SUFFIX.get(suffix, Kind.TEXT if suffix in _TEXT_SUFFIXES else Kind.OTHER)


def _in_requirements(folder: str, name: str) -> bool:
    return folder.rpartition("/")[2].lower() == "requirements" and name.endswith((".txt", ".in"))
