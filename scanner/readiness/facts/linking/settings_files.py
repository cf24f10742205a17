"""What settings classes read: their variables' names, and pydantic-settings' sources for TOML, YAML and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import External, Known, Pieces

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

_SOURCES = {
    "TomlConfigSettingsSource": "toml_file",
    "YamlConfigSettingsSource": "yaml_file",
    "JsonConfigSettingsSource": "json_file",
}
"""The classes that read a file, and the name under which `model_config` may say which."""

_ALIASES = ("validation_alias", "alias", "env")
"""Arguments of a field that name its variable: the prefix of the class is not put before those."""


class SettingsFiles:
    """Looks a field of a settings class up in the file that its class reads."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._files: dict[ClassInfo, tuple[str, ...]] = {}

    def value(self, info: ClassInfo, name: str) -> Known | Pieces | None:
        """What the class's file in the repository sets a field to, or None."""
        if info not in self._files:
            self._files[info] = ()  # a path that is made of the very settings says nothing
            family = (info, *self._resolver.classes.bases(info)[0])
            self._files[info] = tuple(dict.fromkeys(f for one in family for f in self._read_by(one)))
        for file in self._files[info]:
            found = self._resolver.settings.in_file(file, name)
            if found is not None:
                return found
        return None

    def variables(self, info: ClassInfo, name: str) -> tuple[str, ...]:
        """The variables that a field of a settings class is read from: its own names, or its name after the prefix."""
        family = (info, *self._resolver.classes.bases(info)[0])
        for owner in family:
            for binding, unit in owner.attributes.get(name, ()):
                if isinstance(binding.value, code.Call):
                    given = [found for one in _ALIASES if (found := binding.value.keyword(one)) is not None]
                    own = [text for one in given for text in self._texts(one, unit)]
                    if own:
                        return tuple(dict.fromkeys(variant for text in own for variant in (text, text.upper())))
        prefix = next((text for one in family for text in self._prefixes(one)), "")
        return ((prefix + name).upper(),)

    def _prefixes(self, info: ClassInfo) -> Iterator[str]:
        """What a class puts before the names of its variables, in any of the ways pydantic has had for it."""
        for keyword in info.node.keywords:
            if keyword.name == "env_prefix":
                yield from self._texts(keyword.value, info.unit)
        for binding, unit in info.attributes.get("model_config", ()):
            match binding.value:
                case code.Call() as call:
                    given = call.keyword("env_prefix")
                    yield from self._texts(given, unit) if given is not None else ()
                case code.Mapping(items=items):
                    for key, value in items:
                        if isinstance(key, code.Constant) and key.value == "env_prefix":
                            yield from self._texts(value, unit)
        inner = info.body.classes.get("Config") if info.body is not None else None
        for binding, unit in inner.attributes.get("env_prefix", ()) if inner is not None else ():
            if binding.value is not None:
                yield from self._texts(binding.value, unit)

    def _texts(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        """The texts an expression gives, those of `AliasChoices("A", "B")` and of a list among them."""
        match expression:
            case code.Call(arguments=inner) | code.Sequence(items=inner):
                for one in inner:
                    yield from self._texts(one, unit)
            case _:
                for value in self._resolver.values(expression, unit):
                    if isinstance(value, Known) and isinstance(value.value, str):
                        yield value.value

    def _read_by(self, info: ClassInfo) -> Iterator[str]:
        """The names of the files that a class adds to its sources."""
        for method in info.methods.values():
            for call in method.calls:
                source = last_name(call.function)
                if source in _SOURCES and self._is_source(call, method):
                    named = call.keyword(_SOURCES[source]) or next(iter(call.arguments[1:]), None)
                    yield from self._named(named, method) if named is not None else self._configured(info, source)

    def _is_source(self, call: code.Call, unit: Unit) -> bool:
        values = self._resolver.values(call.function, unit)
        return any(isinstance(v, External) and v.path.startswith("pydantic_settings.") for v in values)

    def _configured(self, info: ClassInfo, source: str) -> Iterator[str]:
        for binding, unit in info.attributes.get("model_config", ()):
            if isinstance(binding.value, code.Call):
                named = binding.value.keyword(_SOURCES[source])
                if named is not None:
                    yield from self._named(named, unit)

    def _named(self, path: code.Expression, unit: Unit) -> Iterator[str]:
        """The last component of a path where it is written: `root() / "app.toml"`, `Path(HOME, "app.toml")`."""
        match path:
            case code.Operation(operator="/", operands=[*_, last]):
                yield from self._named(last, unit)
            case code.Call(arguments=[*_, last]):
                yield from self._named(last, unit)
            case code.Sequence(items=items):
                for item in items:
                    yield from self._named(item, unit)
            case code.Call():
                return
            case _:
                for value in self._resolver.values(path, unit):
                    if isinstance(value, Known) and isinstance(value.value, str):
                        yield value.value.rpartition("/")[2]
