"""What a repository's owners say about their repository: `readiness.toml`, or `[tool.readiness]` in `pyproject.toml`.

    exclude = ["docs/", "*_generated.py"]    # paths that are not read, in the language of .gitignore
    as-of = 2026-11-01                       # the day the report is made for
    fail-under = 70                          # exit code 1 below this score
    fail-on = ["critical", "new"]            # exit code 1 for a finding of this weight, of this check, or a new one
    baseline = "readiness-baseline.json"     # findings that are known

    [roles]                                  # what a file is for, where its path misleads
    "tools/" = "serving"

    [[waivers]]                              # findings that are accepted (waivers.py)

`readiness.toml` wins: where it exists, `pyproject.toml` is not looked at. The files belong to the scanned repository
and are hostile input: patterns only (no regular expressions), paths only below the root, everything bounded.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

from readiness.errors import UsageError
from readiness.repository.days import day_of
from readiness.repository.globs import LONGEST_PATTERN
from readiness.repository.limits import KIBIBYTE
from readiness.repository.reading import read_bytes
from readiness.repository.toml import TomlError, parse_toml
from readiness.repository.tree import Role, UnreadableError
from readiness.repository.waivers import MOST_WAIVERS, WAIVER_SCHEMA, Waiver, located, read_waivers

FILE_NAME = "readiness.toml"
SCHEMA = Path(__file__).with_name("configuration.schema.json")
"""The JSON Schema of the file, for editors; docs/generate.py writes it from `KEYS`."""

_PROJECT_FILE = "pyproject.toml"
_LARGEST_FILE = 256 * KIBIBYTE
_MOST_PATTERNS = 200
_ROLE_NAMES = tuple(role.value for role in Role)
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a truth value"),
    (str, "a text"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "a table"),
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one repository, checked.

    Parameters:
        exclude: patterns of paths that are not read (the language of `.gitignore`, relative to the root, no `!`).
        roles: pattern -> role; the first pattern that matches a file decides, before the path classes.
        fail_under: the score under which the command fails, 0 to 100; by layer, "" for the whole.
        fail_on: weights and checks whose findings make the command fail, or `new`.
        baseline: the file of known findings, relative to the root.
        waivers: findings that are accepted.
        as_of: the day the report is made for; by default that of the commit or of our tables, whichever is later.
        source: the name of the file the settings come from; None when there is none.
    """

    exclude: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    as_of: date | None = None
    fail_under: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    fail_on: tuple[str, ...] = ()
    baseline: str | None = None
    waivers: tuple[Waiver, ...] = ()
    source: str | None = None


def load_configuration(root: Path, file: Path | None = None) -> Configuration:
    """Read the configuration of the repository at `root`; the defaults where it has none.

    A `pyproject.toml` that cannot be read or parsed holds no configuration, unless it mentions `tool.readiness`: a
    project that is broken elsewhere can still be scanned.

    Parameters:
        root: the scanned folder.
        file: the file to read in place of the repository's own, which must exist.

    Raises:
        UsageError: the file cannot be read or parsed, an unknown key, a wrong type or value; names file and key.
    """
    if file is not None and file.name != _PROJECT_FILE:
        return _own(str(file), file)
    if file is None and os.path.lexists(root / FILE_NAME):
        return _own(FILE_NAME, root / FILE_NAME)
    path = file or root / _PROJECT_FILE
    if file is not None:
        _text(str(file), file)  # who names a file means it
    project = _project_table(path)
    if project is not None:
        table, text = project
        return _configuration(f"{_PROJECT_FILE}, [tool.readiness]", table, text)
    if file is not None:
        raise UsageError(f"{file}: has no table [tool.readiness].")
    return Configuration()


def _own(name: str, path: Path) -> Configuration:
    text = _text(name, path)
    return _configuration(name, _parse(name, text), text)


def parse_date(text: str) -> date:
    """Read a day written as YYYY-MM-DD.

    Raises:
        UsageError: the text is not such a day.
    """
    day = day_of(text)
    if day is None:
        raise UsageError(f"{text[:40]!r} is not a date: write YYYY-MM-DD, for example 2026-01-31.")
    return day


def checked_pattern(text: str, source: str) -> str:
    """Return `text` when it is a pattern below the root.

    Parameters:
        text: the pattern, in the language of `.gitignore`.
        source: where it was written, for the message: "--exclude", "readiness.toml: exclude".

    Raises:
        UsageError: empty, too long, absolute, with `..` or `\\`, or a negation.
    """
    shown = f"{source}: the pattern {text[:80]!r}"
    if not text.strip().strip("/"):
        raise UsageError(f"{shown} is empty. Name a file, a folder, or a pattern such as 'docs/' or '*_generated.py'.")
    if len(text) > LONGEST_PATTERN:
        raise UsageError(f"{shown} is longer than {LONGEST_PATTERN} characters.")
    if text.startswith(("/", "~")) or text[1:2] == ":":
        raise UsageError(f"{shown} is an absolute path. Patterns are relative to the root of the repository.")
    if ".." in text.split("/"):
        raise UsageError(f"{shown} leaves the repository. Patterns stay below its root; remove '..'.")
    if "\\" in text or "\0" in text or "\n" in text:
        raise UsageError(f"{shown} contains a character that patterns do not have. Separate folders with '/'.")
    if text.startswith(("!", "#")):
        raise UsageError(f"{shown} starts with {text[0]!r}. Only what is to be matched can be written.")
    return text


def _text(name: str, path: Path) -> str:
    try:
        return read_bytes(str(path), _LARGEST_FILE).decode("utf-8-sig")
    except UnreadableError as error:
        raise UsageError(f"{name}: {error}. It must be a plain file.") from error
    except UnicodeError as error:
        raise UsageError(f"{name}: not UTF-8 text.") from error


def _parse(name: str, text: str) -> Mapping[str, object]:
    try:
        return parse_toml(text)
    except TomlError as error:
        raise UsageError(f"{name}: not valid TOML: {error}.") from error


def _project_table(path: Path) -> tuple[Mapping[str, object], str] | None:
    """The table `[tool.readiness]` of a `pyproject.toml`, and the file's text; None where there is none."""
    try:
        text = read_bytes(str(path), _LARGEST_FILE).decode("utf-8-sig")
    except (UnreadableError, UnicodeError):
        return None
    if "readiness" not in text:
        return None  # most projects: nothing to parse
    try:
        parsed = parse_toml(text)
    except TomlError:
        if "tool.readiness" not in text:
            return None
        parsed = _parse(_PROJECT_FILE, text)
    tools = parsed.get("tool")
    if not isinstance(tools, dict) or "readiness" not in tools:
        return None
    table = tools["readiness"]
    if not isinstance(table, dict):
        raise UsageError(f"{_PROJECT_FILE}: tool.readiness is {_kind(table)}, a table was expected.")
    return table, text


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration: how its value is read and checked, its JSON Schema, and what it means."""

    name: str
    read: Callable[[str, object], object]
    schema: Mapping[str, object]
    meaning: str


def _configuration(source: str, table: Mapping[str, object], text: str) -> Configuration:
    known = {key.name: key for key in KEYS}
    name = source.partition(",")[0]
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{source}: unknown key {key[:80]!r}{_nearest(key, known)}")
        values[key.replace("-", "_")] = known[key].read(f"{source}: {key}", value)
    configuration = Configuration(**values, source=name)  # type: ignore[arg-type]
    return replace(configuration, waivers=located(configuration.waivers, text, name))


def _nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(word[:80].lower().replace("_", "-"), names, n=1)
    return f". Did you mean {close[0]!r}?" if close else f". Known are: {', '.join(names)}."


def _kind(value: object) -> str:
    """A TOML value's type, in words."""
    for kind, words in _KINDS:
        if isinstance(value, kind):
            return words
    return "a date or a time"


def _patterns(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f'{where} is {_kind(value)}, a list of patterns was expected: ["docs/"].')
    if len(value) > _MOST_PATTERNS:
        raise UsageError(f"{where} has {len(value)} patterns, at most {_MOST_PATTERNS} are allowed.")
    for item in value:
        if not isinstance(item, str):
            raise UsageError(f'{where} contains {_kind(item)}, only texts were expected: ["docs/"].')
    return tuple(checked_pattern(item, where) for item in value)


def _roles(where: str, value: object) -> Mapping[str, Role]:
    if not isinstance(value, dict):
        raise UsageError(f'{where} is {_kind(value)}, a table was expected: pattern = "role".')
    if len(value) > _MOST_PATTERNS:
        raise UsageError(f"{where} has {len(value)} patterns, at most {_MOST_PATTERNS} are allowed.")
    roles: dict[str, Role] = {}
    for pattern, name in value.items():
        checked_pattern(pattern, where)
        if not isinstance(name, str):
            raise UsageError(f"{where}: the role of {pattern!r} is {_kind(name)}, a text was expected.")
        if name not in _ROLE_NAMES:
            raise UsageError(f"{where}: unknown role {name[:80]!r} of {pattern!r}{_nearest(name, _ROLE_NAMES)}")
        roles[pattern] = Role(name)
    return MappingProxyType(roles)


def _score(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where} is {_kind(value)}, a number from 0 to 100 was expected.")
    if not 0 <= value <= 100:
        raise UsageError(f"{where} is {value}, a number from 0 to 100 was expected.")
    return float(value)


def _scores(where: str, value: object) -> Mapping[str, float]:
    if isinstance(value, dict):
        named = {("" if name == "score" else name): _score(f"{where}.{name}", each) for name, each in value.items()}
        return MappingProxyType(named)
    return MappingProxyType({"": _score(where, value)})


def _words(where: str, value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError(f'{where} is {_kind(value)}, a list of texts was expected: ["critical", "new"].')
    return tuple(words[:_MOST_PATTERNS])


def _waivers(where: str, value: object) -> tuple[Waiver, ...]:
    return read_waivers(where, value, checked_pattern)


def _below_root(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} is {_kind(value)}, the path of a file was expected.")
    if not value or value.startswith(("/", "~")) or value[1:2] == ":" or ".." in value.split("/") or "\\" in value:
        raise UsageError(f"{where}: {value[:80]!r} is no path below the root of the repository.")
    return value


def _day(where: str, value: object) -> date:
    if isinstance(value, str):
        try:
            return parse_date(value)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise UsageError(f"{where} is {_kind(value)}, a day was expected: 2026-01-31.")
    return value


_CHECK_OR_WEIGHT = {"type": "string", "anyOf": [{"$ref": "#/$defs/check"}, {"$ref": "#/$defs/weight"}]}
_PATTERN_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN}
_SCORE_SCHEMA = {"type": "number", "minimum": 0, "maximum": 100}

KEYS = (
    Key(
        "exclude",
        _patterns,
        {"type": "array", "items": _PATTERN_SCHEMA, "maxItems": _MOST_PATTERNS},
        "Patterns of what is not read. The report lists it as skipped.",
    ),
    Key(
        "roles",
        _roles,
        {"type": "object", "additionalProperties": {"enum": list(_ROLE_NAMES)}, "maxProperties": _MOST_PATTERNS},
        "Pattern → role: what files are for, where their paths mislead. The first pattern that fits decides.",
    ),
    Key(
        "as-of",
        _day,
        {"type": "string", "format": "date"},
        "The day the report is made for; without it, the day of the commit, or that of the tables of models in this "
        "version of readiness where it is later.",
    ),
    Key(
        "fail-under",
        _scores,
        {
            "anyOf": [
                _SCORE_SCHEMA,
                {
                    "type": "object",
                    "properties": {"score": _SCORE_SCHEMA},
                    "propertyNames": {"anyOf": [{"const": "score"}, {"$ref": "#/$defs/layer"}]},
                    "additionalProperties": _SCORE_SCHEMA,
                },
            ]
        },
        "`scan` exits with 1 under this score; as a table, `score` for the whole and a number for each layer.",
    ),
    Key(
        "fail-on",
        _words,
        {"anyOf": [_CHECK_OR_WEIGHT, {"type": "array", "items": _CHECK_OR_WEIGHT, "maxItems": _MOST_PATTERNS}]},
        "`scan` exits with 1 for a finding of this weight or a heavier one, of this check, or (`new`) for a new one.",
    ),
    Key(
        "baseline",
        _below_root,
        {"type": "string", "minLength": 1},
        "The file of known findings, relative to the root: only what is not in it is reported.",
    ),
    Key(
        "waivers",
        _waivers,
        {"type": "array", "items": WAIVER_SCHEMA, "maxItems": MOST_WAIVERS},
        "Findings that are accepted, or satisfied elsewhere.",
    ),
)
"""Every key, in the order in which the documentation has them."""
