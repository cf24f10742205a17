"""Literals given to secret settings in configuration files: env files, YAML, TOML, INI, shell, images, JSON.

The reader goes by line and knows no single format, because the same setting is given in all of them. No value leaves
this module, only what it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.secret_words import Strength, mask, secret_name, strength, url_password

MAX_SETTINGS = 200
"""More findings than this in one file say nothing more."""

MAX_LINE = 4_000
"""A longer line of configuration is data, not a setting."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A literal given to a secret setting in a configuration file.

    `name` is the setting's own, `section` the keys above it (YAML, TOML), `overridable` tells that the environment can
    replace it (`${NAME:-literal}`), `in_url` that the secret is the password inside an address.
    """

    name: str
    section: tuple[str, ...]
    line: int
    masked: str
    strength: Strength
    overridable: bool = False
    in_url: bool = False


_CONFIGURATION = re.compile(
    r"(?:^|/)(?:\.env[^/]*|[^/]*\.env(?:\.[^/]*)?|env\.[^/]*|[^/]*\.(?:ya?ml|toml|ini|cfg|conf|properties|sh|bash|tfvars|service)"
    r"(?:\.(?:example|sample|template|dist|tpl))?|[^/]*(?:Docker|Container)file[^/]*|[^/]*\.dockerfile|Procfile|Makefile"
    r"|(?:app)?(?:config|settings|secrets?|credentials)[^/]*\.json)$"
)
_NO_CONFIGURATION = re.compile(
    r"(?:^|/)(?:pyproject\.toml|[^/]*-lock\.ya?ml|mkdocs\.ya?ml|(?:openapi|swagger)[^/]*)$|(?:^|/)(?:locales?|i18n|translations?)/"
)
_EXAMPLES = frozenset({"example", "examples", "x-examples"})
_ENTRY = re.compile(
    r"(?:^|[\s{,;\"'])(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,80})[\"']?\s?(?:=|:=|\?=|:(?=[\s\"']|$))\s?"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s#\"'{\[][^\s]*)"
)
_IMAGE_ENTRY = re.compile(r"ENV (?P<name>[A-Za-z_][A-Za-z0-9_]{0,80}) (?P<value>[^\s=][^=]*)$")
_BLANKS = re.compile(r"\s+")
_DEFAULT = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*):?[-=](?P<value>[^}$]*)\}")


def is_configuration(path: str) -> bool:
    """Whether a file of this name can hold settings: env, YAML, TOML, shell, images, JSON named as configuration."""
    return _CONFIGURATION.search(path) is not None and _NO_CONFIGURATION.search(path) is None


def find_settings(path: str, text: str) -> tuple[Setting, ...]:
    """Literals given to secret settings in a configuration file, and passwords inside addresses there.

    The reader is by line and knows no single format: `NAME=value`, `NAME: value`, `- NAME=value`, `ENV NAME value`, a
    Kubernetes `name:`/`value:` pair, and `${NAME:-literal}` anywhere. Empty values and references are left out.
    """
    if not is_configuration(path):
        return ()
    found: list[Setting] = []
    sections = _Sections(path)
    pair = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or len(line) > MAX_LINE or bare.startswith(("#", "//", ";")):
            continue
        above = sections.above(line)
        if _EXAMPLES.intersection(above):
            continue
        for name, value in _entries(_BLANKS.sub(" ", bare)):
            if name == "name":
                pair = value
            elif name == "value" and pair:
                found.extend(_setting(pair, value, above, number))
                pair = ""
            else:
                found.extend(_setting(name, value, above, number))
        if len(found) >= MAX_SETTINGS:
            break
    return tuple(dict.fromkeys(found))


def _entries(line: str) -> Iterator[tuple[str, str]]:
    """The names and values given in one line; its runs of blanks are single, so that no search can be drawn out."""
    image = _IMAGE_ENTRY.match(line)
    if image is not None:
        yield image["name"], _unquoted(image["value"])
        return
    for match in _ENTRY.finditer(line):
        yield match["name"], _unquoted(match["value"])


def _unquoted(value: str) -> str:
    text = value.strip().rstrip(",")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text.rstrip("\"'") if text.count("{") >= text.count("}") else text.rstrip("}").rstrip("\"'")


def _setting(name: str, value: str, above: tuple[str, ...], line: int) -> Iterator[Setting]:
    """What is given here: the literal itself, or the literals that stand in when a variable is not set."""
    defaults = list(_DEFAULT.finditer(value))
    if not defaults:
        yield from _literal(name, value, above, line, overridable=False)
        return
    given = False
    for default in defaults:
        secret = default["name"] if secret_name(default["name"]) else name
        for setting in _literal(secret, default["value"], above, line, overridable=True):
            given = True
            yield setting
    filled = _DEFAULT.sub(lambda default: default["value"], value)
    if not given and "://" in filled:
        yield from _literal(name, filled, above, line, overridable=True)


def _literal(name: str, value: str, above: tuple[str, ...], line: int, *, overridable: bool) -> Iterator[Setting]:
    if "://" in value:
        looks = url_password(value)
        if looks is not Strength.NOTHING:
            yield Setting(name, above, line, "password in an address, hidden", looks, overridable, in_url=True)
    elif secret_name(name):
        looks = strength(value)
        if looks is not Strength.NOTHING:
            yield Setting(name, above, line, mask(value), looks, overridable)


class _Sections:
    """The keys above the current line: by indentation in YAML, by `[section]` in TOML and INI."""

    def __init__(self, path: str) -> None:
        self._yaml = re.search(r"\.ya?ml", path) is not None
        self._stack: list[tuple[int, str]] = []

    def above(self, line: str) -> tuple[str, ...]:
        bare = line.strip()
        if not self._yaml:
            if bare.startswith("[") and bare.endswith("]"):
                self._stack = [(0, bare.strip("[]").strip())]
            return tuple(name for _, name in self._stack)
        indent = len(line) - len(line.lstrip())
        while self._stack and self._stack[-1][0] >= indent:
            self._stack.pop()
        above = tuple(name for _, name in self._stack)
        if bare.endswith(":") and len(self._stack) < 50:
            self._stack.append((indent, bare[:-1].strip("- \"'")))
        return above
