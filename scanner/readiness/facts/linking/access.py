"""What parts of values stand for: members, items, what iterating and entering give."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.pieces import CUTTING
from readiness.facts.linking.units import STATES, Unit
from readiness.facts.linking.values import (
    MAX_ALTERNATIVES,
    NO_CALL,
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Generated,
    Instance,
    Items,
    Known,
    ModuleValue,
    Pieces,
    Pipe,
    Unknown,
    Value,
    Values,
)

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

COMPOSERS = ("langchain_core.runnables.", "langchain.schema.runnable.")
"""Packages whose constructors join runnables."""

_CURRENT = {"flask.current_app": "flask.Flask()", "quart.current_app": "quart.Quart()"}
"""The name under which a framework hands out the application that answers."""

_RUNNABLES = frozenset(
    {
        "langchain_core.runnables.chain", "langchain_core.runnables.base.chain", "langchain.schema.runnable.chain",
        "langchain_core.tools.tool", "langchain.tools.tool", "langchain.agents.tool",
    }
)  # fmt: skip
"""Decorators after which `f.invoke(x)` runs `f(x)`."""
_RUNS = frozenset({"invoke", "ainvoke", "batch", "abatch", "stream", "astream", "run", "arun"})

_LOADERS = frozenset(
    {
        "dynaconf.Dynaconf", "omegaconf.OmegaConf.load", "yaml.safe_load", "yaml.load", "tomllib.load", "toml.load",
        "tomllib.loads", "json.load", "hydra.compose",
    }
)  # fmt: skip


class Access:
    """Resolves `value.name`, `value[key]` and their like."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._written: dict[code.Mapping, dict[code.Scalar, list[int]]] = {}
        self._stored: defaultdict[code.Mapping, list[tuple[code.Expression, code.Expression, Unit]]] | None = None
        """Where each key of a mapping literal stands, for those whose keys are all constants."""

    def member(self, value: Value, name: str) -> Values:  # noqa: C901  # one case per kind of value
        """What `value.name` stands for."""
        match value:
            case External():
                return self._external_member(value, name)
            case ModuleValue(info):
                found = self._resolver.exported(info, name)
                if found:
                    return found
                inner = self._resolver.program.by_name.get(f"{info.name}.{name}")
                return (ModuleValue(inner),) if inner else (Unknown(name),)
            case Instance() | ClassValue():
                return self._resolver.classes.member(value, name)
            case Pipe():
                return tuple(
                    found
                    for part in value.parts
                    for inner in part
                    if isinstance(inner, External | Pipe)
                    for nested in (inner, *self._composed(inner))
                    for found in self.member(nested, name)
                )
            case Items(literal=code.Mapping() | code.Comprehension()) if name in ("get", "pop", "setdefault"):
                return (Bound(value, NO_CALL, value.unit),)
            case Items(literal=code.Mapping()) if name in ("values", "items"):
                return (value,)
            case Known(value=str()) if name in ("strip", "lower", "upper", "format") or name in CUTTING:
                return (Bound(value, NO_CALL, self._resolver.program.units[0]),)
            case Known() if name == "value":  # a member of an enumeration: its value is what was assigned
                return (value,)
            case FunctionValue(unit) if name in _RUNS and self._is_runnable(unit):
                return (value,)
            case FunctionValue() | Bound() if name in ("delay", "apply_async", "remote", "run", "s"):
                return (value,)
            case FunctionValue(unit) if unit.function is not None and unit.function.decorators:
                # Only a decorator that makes a property of it gives a method members.
                return self._resolver.each(self._resolver.returned(unit), lambda v: self.member(v, name))
            case _:
                return (Unknown(name),)

    def _is_runnable(self, unit: Unit) -> bool:
        """Whether a decorator makes a runnable or tool of a function: running that runs the function."""
        decorators = unit.function.decorators if unit.function is not None else []
        named = (d.function if isinstance(d, code.Call) else d for d in decorators)
        return any(
            isinstance(v, External) and v.path in _RUNNABLES
            for d in named
            for v in self._resolver.values(d, unit.parent or unit)
        )

    def _external_member(self, value: External, name: str) -> Values:
        path, steps, typed = value.path, value.steps, value.typed
        if path.rpartition(".")[2] in STATES and name in self._resolver.program.stored:
            return self._resolver.each(self._resolver.program.kept(name), lambda pair: self._resolver.binding(*pair))
        if path in _CURRENT and (found := self._put_on(_CURRENT[path], name)):
            return found
        entry = self._setting(path, name)
        return (entry,) if entry else (External(self._resolver.canonical(f"{path}.{name}"), steps, typed),)

    def _put_on(self, application: str, name: str) -> Values:
        """What the code puts on the application that a framework hands out as the current one."""
        found: list[Value] = []
        for member, binding, unit in self._resolver.program.put_on.get(name, ())[:MAX_ALTERNATIVES]:
            owners = self._resolver.values(member.base, unit)
            if any(isinstance(owner, External) and owner.path == application for owner in owners):
                found.extend(self._resolver.binding(binding, unit))
        return tuple(found)

    def _composed(self, composer: Value) -> Values:
        """The runnables given to a composing runnable (`RunnablePassthrough.assign(answer=prompt | model)`)."""
        if not isinstance(composer, External) or not composer.path.startswith(COMPOSERS) or not composer.steps:
            return ()
        step = composer.steps[-1]
        given = (*step.call.arguments, *(k.value for k in step.call.keywords))
        found = [v for argument in given for v in self._resolver.values(argument, step.unit)]
        for value in tuple(found):
            if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                found.extend(self._resolver.union((inner for _, inner in value.literal.items), value.unit))
        return tuple(v for v in found if isinstance(v, External | Pipe))

    def item(self, value: Value, key: code.Expression | None, unit: Unit) -> Values:
        """What `value[key]` stands for; every item where the key is not known."""
        keys = [v.value for v in self._resolver.values(key, unit) if isinstance(v, Known)] if key is not None else []
        match value:
            case Items(literal=code.Mapping(items=items) as mapping, unit=owner):
                if not items:
                    return self._put_into(mapping, keys)
                exact = self._under(keys, mapping, owner) if keys else []
                if exact and not self._is_chosen_by_callers(key, unit):
                    return self._resolver.union(exact, owner)
                # A registry that callers choose from: the default first, every other entry after it.
                rest = (v for k, v in items if k is not None and v not in exact)
                return self._resolver.union((*exact, *islice(rest, MAX_ALTERNATIVES + 1)), owner)
            case Items(literal=code.Sequence() as sequence, unit=owner):
                return self._of_sequence(sequence, keys, owner)
            case Pieces(members=members):
                chosen = [members[k] for k in keys if isinstance(k, int) and -len(members) <= k < len(members)]
                return tuple(chosen) or members
            case External(path, steps, typed):
                if path == "os.environ" and keys:
                    return (self._resolver.environment.variable(str(keys[0]), ()),)
                if keys and path.rpartition(".")[2] in STATES and str(keys[0]) in self._resolver.program.stored:
                    return self.member(value, str(keys[0]))
                if keys and isinstance(keys[0], str) and (entry := self._setting(path, keys[0])):
                    return (entry,)
                return (External(f"{path}[]", steps, typed),)
            case Items(literal=code.Comprehension()):
                return self.items_of(value)
            case ClassValue():  # `Generic[T]`
                return (value,)
            case _:
                return (Unknown(),)

    def _of_sequence(self, sequence: code.Sequence, keys: list[code.Scalar], owner: Unit) -> Values:
        items = sequence.items
        if len(keys) == 1 and isinstance(keys[0], int) and -len(items) <= keys[0] < len(items):
            return self._resolver.values(items[keys[0]], owner)
        found = self._resolver.union([i for i in items if not isinstance(i, code.Spread)], owner)
        spread = [i for i in items if isinstance(i, code.Spread)]
        if not spread:
            return found
        # A list may be made of itself: `messages = [*messages, reply]`.
        inner = self._resolver.once(
            ("spread", sequence), lambda: self._resolver.each(self._resolver.union(spread, owner), self._spread)
        )
        return (*found, *inner)

    def _spread(self, value: Value) -> Values:
        """What `*value` puts into a sequence: its items, where they are written down."""
        return self.items_of(value) if isinstance(value, Items | Pieces) else (value,)

    def _put_into(self, mapping: code.Mapping, keys: list[code.Scalar]) -> Values:
        """What the program puts into an empty mapping under a key, or under any where the key is not known."""
        stored = self._stored
        if stored is None:
            stored = self._stored = defaultdict(list)
            for unit in self._resolver.program.units:
                for base, key, value in unit.stores:
                    if isinstance(base, code.Name | code.Member):
                        for target in self._resolver.values(base, unit)[:2]:
                            if isinstance(target, Items) and isinstance(target.literal, code.Mapping):
                                stored[target.literal].append((key, value, unit))
        entries = stored.get(mapping, [])[:MAX_ALTERNATIVES]
        named = [e for e in entries if isinstance(e[0], code.Constant) and e[0].value in keys]
        # What is put there under a key that only the caller knows may be under this one too.
        named += [e for e in entries if not isinstance(e[0], code.Constant)] if keys else []
        found = self._resolver.each(named or entries, lambda e: self._resolver.values(e[1], e[2]))
        return found or (Unknown(),)

    def _under(self, keys: list[code.Scalar], mapping: code.Mapping, owner: Unit) -> list[code.Expression]:
        """The values of a mapping literal under some keys, in the order they are written."""
        index = self._written.get(mapping)
        if index is None:
            index = defaultdict(list)
            for position, (key, _) in enumerate(mapping.items):
                if key is not None:
                    index[self._resolver.constant(key, owner)].append(position)
            if all(isinstance(key, code.Constant) for key, _ in mapping.items):  # others may be told better later
                self._written[mapping] = index
        positions = sorted({position for key in keys for position in index.get(key, ())})
        return [mapping.items[position][1] for position in positions]

    def _is_chosen_by_callers(self, key: code.Expression | None, unit: Unit) -> bool:
        return isinstance(key, code.Name) and unit.parameter(key.id) is not None

    def items_of(self, value: Value) -> Values:
        """What iterating over a value gives."""
        match value:
            case Items(literal=code.Comprehension(element=element), unit=unit):
                return self._resolver.values(element, unit)
            case ClassValue(info) if any("Enum" in base for base in self._resolver.classes.bases(info)[1]):
                return tuple(v for name in info.attributes for v in self._resolver.classes.member(value, name))
            case Generated(unit):
                return self._resolver.union([y.value for y in unit.yields if y.value is not None], unit)
            case _:
                return self.item(
                    value, None, value.unit if isinstance(value, Items) else self._resolver.program.units[0]
                )

    def entered(self, value: Value) -> Values:
        """What `with value as x` gives: a context manager of a library mostly gives itself."""
        match value:
            case Generated():
                return self.items_of(value)
            case Instance(info):
                enter = info.methods.get("__aenter__") or info.methods.get("__enter__")
                return self._resolver.returned(enter) if enter else (value,)
            case _:
                return (value,)

    def part(self, value: Value, position: int) -> Values:
        """The `position`-th member of an unpacked value."""
        match value:
            case Items(literal=code.Sequence(items=items), unit=unit) if position < len(items):
                return self._resolver.values(items[position], unit)
            case Pieces(members=members) if -len(members) <= position < len(members):
                return (members[position],)
            case External(path, steps, typed):
                return (External(f"{path}[]", steps, typed),)
            case _:
                return (Unknown(),)

    def _setting(self, path: str, key: str) -> Known | None:
        """A key read from a settings loader: the repository's own settings file answers."""
        root, found, rest = path.partition("()")
        if not found or root not in _LOADERS or "(" in rest:
            return None
        keys = tuple(k for k in rest.replace("[]", "").split(".") if k)
        return self._resolver.settings.entry((*keys, key))
