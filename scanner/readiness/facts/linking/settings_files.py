"""The files that settings classes read: pydantic-settings' sources for TOML, YAML and JSON, and what stands in them."""

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
