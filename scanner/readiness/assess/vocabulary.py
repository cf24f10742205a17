"""The types behind a check's words: what members a fact has and what a list of facts holds, read from annotations.

Checks are data, facts are typed Python. This is what lets a typo in a check be an error when the catalogue loads. It
knows what annotations say and is silent (`Any`) about everything else, so that it never refuses what would work.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

Hint = Any
"""A type annotation, evaluated: a class, a generic alias, a union, `Any`, or a `Method`."""


class _Missing:
    """The answer "there is no such member" or "this is no list"."""


MISSING: Hint = _Missing()


@dataclass(frozen=True, slots=True)
class Method:
    """A function of a class, as long as it has not been called."""

    returns: Hint


def alternatives(hint: Hint) -> tuple[Hint, ...]:
    """Return the members of a union (None included), or the hint alone; literals count as the type of their values."""
    origin = cast(object, get_origin(hint))
    if origin is Union or origin is types.UnionType:
        return tuple(inner for argument in get_args(hint) for inner in alternatives(argument))
    if origin is Annotated:
        return alternatives(get_args(hint)[0])
    if origin is Literal:
        return tuple(dict.fromkeys(type(value) for value in get_args(hint)))
    return (hint,)


def union(hints: Iterable[Hint]) -> Hint:
    """Return one hint for a value that is any of these; what is unknown makes the whole unknown."""
    members = tuple(hints)
    if not members or any(member is Any for member in members):
        return Any
    if any(isinstance(member, Method) for member in members):
        return members[0] if len(members) == 1 else Any
    return Union[members]  # noqa: UP007 - built at run time from a tuple


def list_of(hint: Hint) -> Hint:
    """Return the type of a list of such values."""
    return types.GenericAlias(list, (hint,))


def member(hint: Hint, name: str) -> Hint:
    """Return the type of `value.name` in Jinja, for a value of type `hint`; MISSING when no alternative has it."""
    found = [_member(alternative, name) for alternative in alternatives(hint)]
    known = [kind for kind in found if kind is not MISSING]
    return union(known) if known else MISSING


def element(hint: Hint) -> Hint:
    """Return the type of what iterating over a value of type `hint` yields; MISSING when it is no list of anything."""
    found = [_element(alternative) for alternative in alternatives(hint)]
    known = [kind for kind in found if kind is not MISSING]
    return union(known) if known else MISSING


def member_names(hint: Hint) -> list[str]:
    """Return the public names that `member` finds, sorted: what a suggestion may be drawn from."""
    names: set[str] = set()
    for alternative in alternatives(hint):
        owner = _owner(alternative)
        if isinstance(owner, type) and owner is not types.NoneType:
            names.update(_annotations(owner))
            names.update(dir(owner))
    return sorted(name for name in names if not name.startswith("_"))


def title(hint: Hint) -> str:
    """Return a hint in words for an error message."""
    names = [
        getattr(alternative, "__name__", None) or str(alternative)
        for alternative in alternatives(hint)
        if alternative is not types.NoneType
    ]
    return " or ".join(dict.fromkeys(names)) or "None"


def _owner(hint: Hint) -> Any:
    """Return the class of a generic alias, and any other hint as it is."""
    origin = cast(object, get_origin(hint))
    return hint if origin is None else origin


def _member(hint: Hint, name: str) -> Hint:
    if hint is types.NoneType or isinstance(hint, Method) or name.startswith("_"):
        return MISSING
    owner = _owner(hint)
    if owner is Any or owner is object or not isinstance(owner, type):
        return Any
    if issubclass(owner, Mapping):
        return _mapping_member(owner, get_args(hint), name)
    annotated = _annotations(_owner(hint)).get(name, MISSING)
    if annotated is not MISSING:
        return annotated
    attribute = inspect.getattr_static(owner, name, MISSING)
    if attribute is MISSING:
        return MISSING
    if isinstance(attribute, property) and attribute.fget is not None:
        return _returned(attribute.fget)
    if isinstance(attribute, cached_property):
        return _returned(attribute.func)
    if isinstance(attribute, staticmethod | classmethod):
        return Method(_returned(attribute.__func__))
    if isinstance(attribute, types.FunctionType):
        return Method(_returned(attribute))
    return Any


def _mapping_member(owner: type, arguments: tuple[Hint, ...], name: str) -> Hint:
    key, value = arguments if len(arguments) == 2 else (Any, Any)
    methods = {
        "get": Method(Any if value is Any else value | None),
        "keys": Method(list_of(key)),
        "values": Method(list_of(value)),
        "items": Method(list_of(list_of(union((key, value))))),
    }
    if name in methods:
        return methods[name]
    return Any if hasattr(owner, name) else value  # Jinja reads a key where there is no attribute


def _element(hint: Hint) -> Hint:
    if hint is types.NoneType or isinstance(hint, Method):
        return MISSING
    owner = _owner(hint)
    if owner is Any or owner is object or not isinstance(owner, type):
        return Any
    if owner is str:
        return str
    if not issubclass(owner, Iterable) or hasattr(owner, "_fields"):  # a named tuple is one fact, not a list
        return MISSING
    arguments = get_args(hint)
    if owner is tuple:
        return union(argument for argument in arguments if argument is not Ellipsis)
    return arguments[0] if arguments else Any


@cache
def _annotations(owner: Hashable) -> dict[str, Hint]:
    """Return the evaluated annotations of a class and its bases; one that cannot be evaluated is `Any`, yet exists."""
    assert isinstance(owner, type)
    try:
        return get_type_hints(owner)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {name: Any for base in owner.__mro__ for name in inspect.get_annotations(base)}


@cache
def _returned(function: Callable[..., object]) -> Hint:
    try:
        return get_type_hints(function).get("return", Any)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return Any
