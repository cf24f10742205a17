"""What a call is given: by keyword, by position, through `**options`, inside a mapping or a configuration object."""

from __future__ import annotations

from dataclasses import replace

from readiness.extract import code
from readiness.facts.calls.options import Given, Options
from readiness.facts.linking.prompt_assets import ASSET
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Instance, Items, Known, Unknown, Value, Values, Variable
from readiness.facts.place import Place


class Arguments:
    """Looks up arguments of calls; `find` answers None where an argument is surely not given."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._options = Options(resolver)

    def find(self, call: code.Call, unit: Unit, path: str, positional: tuple[str, ...] = ()) -> Given | None:
        """The argument at `path`: a keyword, or a dotted way into a mapping or constructor given as keyword."""
        name, _, inner = path.partition(".")
        given = self._direct(call, unit, name, positional)
        if given is None or not inner:
            return given
        if any(isinstance(v, Known) and str(v.value).endswith(ASSET) for v in given.values):
            return self._in_file(given, unit, inner.split("."))
        return self._inside(given, inner.split("."))

    def _in_file(self, given: Given, unit: Unit, keys: list[str]) -> Given | None:
        """What the prompt file that is named says; unresolved where it is not in the repository."""
        prompts = self._resolver.settings.prompts
        names = [v.value for v in given.values if isinstance(v, Known)]
        paths = [path for name in names if (path := prompts.find(str(name), unit.module.path)) is not None]
        if not paths:
            return Given((), given.place)
        found = [entry for path in paths if (entry := prompts.entry(path, keys)) is not None]
        if not found:
            return None
        (path, line), known = found[0].place, tuple(f for f in found if f.value is not None)
        return Given(known, Place(path, line, line), conditional=len(found) < len(paths))

    def _direct(self, call: code.Call, unit: Unit, name: str, positional: tuple[str, ...]) -> Given | None:
        argument = call.keyword(name)
        if argument is None and name in positional:
            index = positional.index(name)
            if index < len(call.arguments) and not any(isinstance(a, code.Spread) for a in call.arguments[:index]):
                argument = call.arguments[index]
                # `FallbackModel(first, *others)`: the rest stands in a list.
                argument = argument.value if isinstance(argument, code.Spread) else argument
        if argument is not None:
            return Given(self._resolver.values(argument, unit), unit.at(argument), argument, unit=unit)
        for keyword in call.keywords:
            if keyword.name is None:
                found = self._options.find(keyword.value, unit, name)
                if found is not None:
                    return found
        return None

    def entry(self, value: Value, name: str) -> Given | None:
        """The entry of a mapping literal, of `dict(…)`, or of a configuration object's constructor."""
        match value:
            case Items(literal=code.Mapping(items=items), unit=unit):
                for key, inner in items:
                    if isinstance(key, code.Constant) and key.value == name:
                        return Given(self._resolver.values(inner, unit), unit.at(inner), inner, unit=unit)
                for key, inner in items:
                    if key is None and (found := self._options.find(inner, unit, name)) is not None and found.values:
                        return found
            case External(_, steps) if steps:
                return self._direct(steps[-1].call, steps[-1].unit, name, ())
            case Instance(_, call, owner) if owner is not None and call is not None:
                member = self._resolver.classes.member(value, name)
                return Given(member, owner.at(call)) if not isinstance(member[0], Unknown) else None
        return None

    def _inside(self, given: Given, names: list[str]) -> Given | None:
        current: Given | None = given
        for name in names:
            if current is None or not current.values:
                return current
            inner = [self.entry(value, name) for value in current.values]
            found = next((i for i in inner if i is not None), None)
            if found is None and all(isinstance(v, Unknown | Variable) for v in current.values):
                return Given((), current.place, current.expression)
            if found is not None and current.conditional and not found.conditional:
                found = replace(found, conditional=True)
            current = found
        return current


def scalar(values: Values) -> code.Scalar:
    """The first value that is written in the repository; None where there is none."""
    return next((v.value for v in values if isinstance(v, Known)), None)
