"""What must hold for every file of a generated project: it loads as what it is, and nothing of the template is left."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import yaml

from readiness._resources import data_root

_QUESTIONS = [name for name in yaml.safe_load((data_root() / "copier.yml").read_text("utf-8")) if name[0] != "_"]
# A delimiter that was left always has an expression or a statement in it; TOML's [[tables]], bash's [[ tests ]], nested
# lists and log formats such as [%(levelname)s] have none.
_LEFT = re.compile(
    rf"\[\[-?\s*(?:{'|'.join(_QUESTIONS)}|_copier_\w+|_folder_name)\b"
    r"|\[%[-+]?\s*(?:if|elif|else|endif|for|endfor|set|endset|raw|endraw|macro|include|import|from|block|filter|with)\b"
    r"|\s[-+]?%\](?=\s|$)"
    r"|\[#-?\s.*?\s-?#\]"
    r"|^[ \t]*# %(?!%)",
    re.MULTILINE,
)
# In prose and pages two brackets mean nothing else; elsewhere they are tables, tests, lists and patterns.
_PROSE = {".md", ".html", ".css", ".txt"}
_GENERATED = ("__pycache__", ".pyc")


def files(project: Path) -> list[str]:
    """Every file of a project, sorted."""
    return sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if not path.is_dir())


def faults(project: Path) -> Iterator[str]:
    """Each thing that is wrong with a file, in words."""
    for path in files(project):
        yield from (f"{path}: {what}" for what in _faults_of(project / path, path))


def _faults_of(file: Path, path: str) -> Iterator[str]:
    if _LEFT.search(path) or "[" in path or path.endswith((".jinja", *_GENERATED)):
        yield "its name is the template's, not the project's"
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeError:
        if file.suffix not in {".png", ".parquet", ".ico", ".woff2"}:
            yield "no UTF-8 text"
        return
    for found in _LEFT.finditer(text):
        yield f"line {text.count(chr(10), 0, found.start()) + 1}: {found[0].strip()!r} is left of the template"
    if file.suffix in _PROSE and ("[[" in text or "]]" in text):
        yield "double brackets in prose"
    try:
        _load(file, path, text)
    except (ValueError, yaml.YAMLError, SyntaxError) as error:
        yield f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _load(file: Path, path: str, text: str) -> None:
    if file.suffix == ".py":
        ast.parse(text)
    elif file.suffix == ".toml":
        tomllib.loads(text)
    elif file.suffix == ".json":
        json.loads(text)
    elif file.suffix == ".jsonl" and not path.startswith("data/sample/"):  # those have bad records for the quarantine
        for line in text.removesuffix("\n").split("\n"):  # not splitlines: a text may hold U+2028
            json.loads(line)
    elif file.suffix in {".yaml", ".yml"} and "/templates/" not in path:  # a chart's templates are no YAML yet
        list(yaml.safe_load_all(text))
