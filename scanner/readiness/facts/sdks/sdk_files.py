"""`checks/knowledge/sdks/*.yaml` -> `Sdk`: every field checked, every brace expanded, and an error names its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml

from readiness.facts.sdks.sdk import (
    CALL_KINDS,
    KNOBS,
    CallKind,
    CallPattern,
    Client,
    Defaults,
    Endpoint,
    Knob,
    KnowledgeError,
    Sdk,
)
from readiness.facts.sdks.symbols import expand, roots

MAX_NESTING = 8
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WRITTEN = re.compile(r"[\w.(){},*]+")
_SYMBOL = re.compile(r"\w+(?:\(\))*(?:\.\w+(?:\(\))*)*")
_AT = re.compile(r"\w+(?:\[\w*\])?(?:\.\w+(?:\[\w*\])?)*")
_VERSIONS = re.compile(r"(?:(?:~=|[=!<>]=|[<>])\d[\w.*]*)(?:,(?:~=|[=!<>]=|[<>])\d[\w.*]*)*")
_SHORTHAND = re.compile(r"@(\w+)")
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")
_NUMBERS = {"timeout", "chunk_timeout", "retries", "output_cap", "steps"}


def read_yaml(path: Path) -> Any:
    """The data of one YAML file. Raises `KnowledgeError` where it cannot be read or is no YAML."""
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are the safe ones
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise KnowledgeError(path.name, "file", f"cannot be read as YAML ({error})") from error


def read_sdk(path: Path) -> Sdk:
    """One SDK file. Raises `KnowledgeError` with the file and the field that is wrong."""
    return _SdkFile(path.name).sdk(read_yaml(path), path.stem)


class Fields:
    """One mapping of a file under inspection: typed access, and an error for every key nobody asked for."""

    def __init__(self, file: str, where: str, data: object, shorthand: dict[str, str] | None = None) -> None:
        if not isinstance(data, dict):
            raise KnowledgeError(file, where, "must be a mapping")
        self.file, self.where = file, where
        self.shorthand = shorthand if shorthand is not None else {}
        self.data: dict[object, object] = data
        self._asked: set[object] = set()

    def wrong(self, name: str, what: str) -> KnowledgeError:
        """The error to raise about one field."""
        return KnowledgeError(self.file, f"{self.where}.{name}".lstrip("."), what)

    def get(self, name: str) -> object:
        """The value as it stands, None where it is absent."""
        self._asked.add(name)
        return self.data.get(name)

    def text(self, name: str, default: str | None = "") -> str:
        """A text; `default` None makes it required."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "must be a text that is not empty")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one text alone."""
        value = self.get(name)
        if value is None:
            return ()
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            raise self.wrong(name, "must be a text or a list of texts")
        return tuple(cast(list[str], items))

    def mapping(self, name: str) -> dict[str, object]:
        """A mapping with text keys."""
        value = self.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.wrong(name, "must be a mapping with text keys")
        return cast(dict[str, object], value)

    def items(self, name: str) -> list[Fields]:
        """A list of mappings."""
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        where = f"{self.where}.{name}".lstrip(".")
        return [Fields(self.file, f"{where}[{index}]", item, self.shorthand) for index, item in enumerate(value)]

    def symbols(self, name: str) -> tuple[str, ...]:
        """A list of symbols, shorthands (`@client`) written out and braces expanded; one with stars stays a pattern."""
        found: list[str] = []
        for pattern in self.texts(name):
            try:
                written = self.written_out(pattern)
                if not _WRITTEN.fullmatch(written) or written.count("{") != written.count("}"):
                    raise ValueError("is not a canonical path such as 'openai.OpenAI().chat'")
                if "*" in written:
                    roots(written)  # raises where the braces of its beginning do not match
                    found.append(written)
                else:
                    found += expand(written)
            except ValueError as error:
                raise self.wrong(name, f"{pattern!r}: {error}") from error
        return tuple(dict.fromkeys(found))

    def written_out(self, pattern: str) -> str:
        """The pattern with its shorthands replaced. Raises ValueError for one that is unknown or refers to itself."""
        for _ in range(MAX_NESTING):
            names = set(_SHORTHAND.findall(pattern))
            if not names:
                return pattern
            for name in names - self.shorthand.keys():
                raise ValueError(f"@{name} is not among the shorthands of this file")
            pattern = _SHORTHAND.sub(lambda match: self.shorthand[match.group(1)], pattern)
        raise ValueError("its shorthands refer to each other in a circle")

    def done(self) -> None:
        """Raise for the first key that nobody asked for: most often a typing mistake."""
        for key in self.data:
            if key not in self._asked:
                raise self.wrong(str(key), f"is no field; known are {', '.join(sorted(map(str, self._asked)))}")


class _SdkFile:
    """Reads the parts of one SDK file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._knobs: dict[int, dict[str, tuple[Knob, ...]]] = {}
        self._defaults: dict[int, tuple[Defaults, ...]] = {}

    def sdk(self, data: object, name: str) -> Sdk:
        fields = Fields(self.file, "", data)
        fields.get("shared")  # anchors that several entries refer to
        fields.get("notes")  # where each default comes from, for people
        self.shorthand(fields)
        sdk = Sdk(
            name=name,
            title=fields.text("title", None),
            distribution=fields.text("distribution", None),
            provider=fields.text("provider"),
            in_process=fields.flag("in_process", False),
            clients=tuple(self.client(item) for item in fields.items("clients")),
            calls=tuple(self.call(item) for item in fields.items("calls")),
            modifiers=(*fields.texts("modifiers"), *fields.texts("selectors")),
            selectors=fields.texts("selectors"),
            stand_ins=self.stand_ins(fields),
            defaults=self.defaults(fields),
            text=self.paths(fields, "text"),
            usage=self.paths(fields, "usage"),
            stop=self.paths(fields, "stop"),
            exceptions=fields.symbols("exceptions"),
            endpoints=tuple(self.endpoint(item) for item in fields.items("endpoints")),
            versions=fields.text("versions"),
            aliases=self.aliases(fields),
            checked=fields.text("checked", None),
        )
        fields.done()
        if not _MONTH.fullmatch(sdk.checked):
            raise fields.wrong("checked", "must be a month such as 2026-11, in quotes")
        if not sdk.calls:
            raise fields.wrong("calls", "must list at least one call")
        return sdk

    def shorthand(self, fields: Fields) -> None:
        """Names for what many symbols share, given to every part of the file."""
        for name, value in fields.mapping("shorthand").items():
            if not isinstance(value, str):
                raise fields.wrong(f"shorthand.{name}", "must be a text")
            fields.shorthand[name] = value

    def client(self, fields: Fields) -> Client:
        client = Client(
            symbols=fields.symbols("symbols"),
            positional=fields.texts("positional"),
            knobs=self.knobs(fields),
            defaults=self.defaults(fields),
            provider=fields.text("provider"),
            generates=fields.flag("generates", True),
            subclassed=fields.flag("subclassed", False),
            inner=fields.texts("inner"),
            distribution=fields.text("distribution"),
        )
        fields.done()
        if not client.symbols:
            raise fields.wrong("symbols", "must name at least one constructor")
        return client

    def call(self, fields: Fields) -> CallPattern:
        call = CallPattern(
            kind=self.kind(fields, "kind", fields.get("kind")),
            symbols=fields.symbols("symbols"),
            positional=fields.texts("positional"),
            knobs=self.knobs(fields),
            defaults=self.defaults(fields),
            streams=fields.flag("streams", False),
            agent=fields.flag("agent", False),
            needs_model=fields.flag("needs_model", False),
            gives_message=fields.flag("gives_message", False),
            inner=fields.texts("inner"),
            kind_by=fields.text("kind_by"),
            kinds={value: self.kind(fields, "kinds", kind) for value, kind in fields.mapping("kinds").items()},
        )
        fields.done()
        if not call.symbols:
            raise fields.wrong("symbols", "must name at least one call")
        if bool(call.kind_by) != bool(call.kinds):
            raise fields.wrong("kind_by", "and `kinds` go together")
        return call

    def endpoint(self, fields: Fields) -> Endpoint:
        endpoint = Endpoint(
            needle=fields.text("needle", None),
            kind=self.kind(fields, "kind", fields.get("kind")),
            provider=fields.text("provider"),
            needs=fields.texts("needs"),
        )
        fields.done()
        return endpoint

    def kind(self, fields: Fields, name: str, value: object) -> CallKind:
        if value not in CALL_KINDS:
            raise fields.wrong(name, f"{value!r} must be one of {', '.join(sorted(CALL_KINDS))}")
        return cast(CallKind, value)

    def knobs(self, fields: Fields) -> dict[str, tuple[Knob, ...]]:
        """The knobs of one entry; entries that share an anchor share the answer, since YAML gives them one object."""
        given = fields.mapping("knobs")
        known = self._knobs.get(id(given))
        if known is not None:
            return known
        knobs: dict[str, tuple[Knob, ...]] = {}
        for name, value in given.items():
            if name not in KNOBS:
                raise fields.wrong(f"knobs.{name}", f"is no knob; known are {', '.join(KNOBS)}")
            entries = value if isinstance(value, list) else [value]
            knobs[name] = tuple(self.knob(fields, f"knobs.{name}", entry) for entry in entries)
        if given:
            self._knobs[id(given)] = knobs
        return knobs

    def knob(self, fields: Fields, name: str, entry: object) -> Knob:
        at, scale = entry, 1.0
        if isinstance(entry, dict) and set(entry) <= {"at", "scale"}:
            at, given = entry.get("at"), entry.get("scale", 1.0)
            if not isinstance(given, int | float) or isinstance(given, bool) or given <= 0:
                raise fields.wrong(name, "`scale` must be a number above 0")
            scale = float(given)
        if not isinstance(at, str) or not _AT.fullmatch(at):
            raise fields.wrong(name, f"{at!r} must be a keyword or a dotted path into one")
        return Knob(at, scale)

    def defaults(self, fields: Fields) -> tuple[Defaults, ...]:
        """The defaults of one entry; shared like the knobs."""
        given = fields.get("defaults")
        if given is None:
            return ()
        if id(given) not in self._defaults:
            self._defaults[id(given)] = tuple(self.default(item) for item in fields.items("defaults"))
        return self._defaults[id(given)]

    def default(self, fields: Fields) -> Defaults:
        versions = fields.text("versions").replace(" ", "")
        if versions and not _VERSIONS.fullmatch(versions):
            raise fields.wrong("versions", f"{versions!r} must be a version range such as '>=1,<2'")
        numbers: dict[str, float | None] = {}
        for name in sorted(_NUMBERS & set(map(str, fields.data))):
            value = fields.get(name)
            if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
                raise fields.wrong(name, "must be a number, or null for none at all")
            numbers[name] = value
        known = frozenset(map(str, fields.data)) - {"versions", "distribution"}
        whole = {name: None if value is None else int(value) for name, value in numbers.items()}
        defaults = Defaults(
            versions=versions,
            distribution=fields.text("distribution"),
            known=known,
            timeout=numbers.get("timeout"),
            chunk_timeout=numbers.get("chunk_timeout"),
            retries=whole.get("retries"),
            output_cap=whole.get("output_cap"),
            steps=whole.get("steps"),
            model=fields.text("model") or None,
            sampling=fields.flag("sampling", False),
        )
        fields.done()
        return defaults

    def paths(self, fields: Fields, name: str) -> tuple[str, ...]:
        found = fields.texts(name)
        for path in found:
            if not _AT.fullmatch(path):
                raise fields.wrong(name, f"{path!r} must be a member path such as 'choices[].message.content'")
        return found

    def stand_ins(self, fields: Fields) -> dict[str, str]:
        found: dict[str, str] = {}
        for symbol, argument in fields.mapping("stand_ins").items():
            if not _SYMBOL.fullmatch(symbol) or not isinstance(argument, str) or not argument.isidentifier():
                raise fields.wrong(f"stand_ins.{symbol}", "must name one class and the argument it stands for")
            found[symbol] = argument
        return found

    def aliases(self, fields: Fields) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern, target in fields.mapping("aliases").items():
            if not isinstance(target, str) or not _SYMBOL.fullmatch(target):
                raise fields.wrong(f"aliases.{pattern}", "must name one symbol")
            try:
                sources = expand(pattern)
            except ValueError as error:
                raise fields.wrong(f"aliases.{pattern}", str(error)) from error
            for source in sources:
                if not _SYMBOL.fullmatch(source):
                    raise fields.wrong(f"aliases.{pattern}", f"{source!r} is not a symbol")
                if source != target:  # braces may well expand to the target itself
                    found[source] = target
        return found
