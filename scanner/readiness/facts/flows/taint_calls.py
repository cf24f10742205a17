"""What calling something gives, where model output goes in or comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.flows.flow_marks import (
    ANY,
    ITEM,
    NONE,
    Given,
    Kind,
    Mark,
    Marks,
    decoded,
    enveloped,
    substitute,
    take,
    through,
    wrap,
)
from readiness.facts.flows.flow_sources import parts_after_model
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, LambdaValue, Values

if TYPE_CHECKING:
    from readiness.facts.flows.taint import Taint

_VANISH = frozenset(
    {
        "startswith", "endswith", "find", "rfind", "index", "rindex", "count", "isdigit", "isnumeric", "isalpha",
        "isalnum", "isdecimal", "islower", "isupper", "isspace", "encode", "append", "extend", "insert", "add",
        "remove", "clear", "__len__", "close",
    }
)  # fmt: skip
"""Methods that give no text: truth values, positions, nothing."""
_STRINGS = frozenset(
    {
        "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "replace", "removeprefix",
        "removesuffix", "expandtabs", "translate", "split", "rsplit", "splitlines", "partition", "rpartition",
        "format", "join", "zfill", "swapcase",
    }
)  # fmt: skip
_SPLITS = frozenset({"split", "rsplit", "splitlines", "partition", "rpartition"})
_SAME = frozenset(
    {
        "json", "model_dump", "model_dump_json", "dict", "to_dict", "as_dict", "copy", "decode", "read", "getvalue",
        "text_content", "result", "get_final_message", "get_final_text", "until_done", "get_final_completion",
        "body", "aiter_text",
    }
)  # fmt: skip
_CALLED = ("forward", "run", "call")
"""What the `__call__` of component libraries runs (torch and dspy, theflow and agent kits, keras)."""
_CUTS = frozenset({"replace", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip"})


class CallResults:
    """The marks of calls."""

    def __init__(self, taint: Taint) -> None:
        self._taint = taint

    def marks(self, call: code.Call, unit: Unit) -> Marks:
        """How model output is inside the result of a call."""
        taint = self._taint
        if call in taint.sources.calls:
            return self._answer(call, unit)
        found: set[Mark] = set()
        callees = taint.callees.get(call, ())
        for callee in callees:
            found |= self._returned(call, unit, callee)
        values = taint.core.resolver.values(call.function, unit)
        for value in values:
            if isinstance(value, ClassValue):
                found |= self._constructed(call, unit, value)
            elif isinstance(value, External):
                found |= self._external(call, unit, value)
            elif isinstance(value, LambdaValue):
                found |= taint.marks(value.node.body, value.unit)
            elif isinstance(value, Instance):
                for method in self.run_by_call(value):
                    found |= self._returned(call, unit, method)
        if isinstance(call.function, code.Member) and not callees:
            found |= self._method(call, call.function, unit)
        return frozenset(found)

    def run_by_call(self, value: Instance) -> list[Unit]:
        """The methods that calling an object runs where a library's base class has its `__call__`."""
        classes = self._taint.core.resolver.classes
        if classes.method(value.info, "__call__") is not None or not classes.bases(value.info)[1]:
            return []
        family = [value.info, *classes.children(value.info)]
        found = [classes.method(info, name) for info in family for name in _CALLED]
        return list(dict.fromkeys(m for m in found if m is not None))

    # -- model calls -------------------------------------------------------------------------------------------

    def _answer(self, call: code.Call, unit: Unit) -> Marks:
        taint = self._taint
        found: Marks = frozenset(taint.sources.result(call))
        if isinstance(call.function, code.Member):
            path = taint.sources.calls[call].value.path
            for value in taint.core.resolver.values(call.function.base, unit):
                for part in parts_after_model(value, path):
                    found = self._piped(found, part, call)
        for node in taint.sources.nodes(call):
            found |= frozenset(m for m in taint.resolved(taint.returns(node)) if m.path)
        return found

    def _piped(self, marks: Marks, part: Values, call: code.Call) -> Marks:
        """What the next part of a pipe makes of a model's answer."""
        whole = frozenset(m for m in marks if not m.path)
        for value in part:
            if isinstance(value, FunctionValue):
                first = _parameters(value.unit)[:1]
                returned = self._taint.returns(value.unit)
                return frozenset(s for m in returned for s in self._filled(m, value.unit, dict.fromkeys(first, marks)))
            if isinstance(value, External):
                family = self._taint.sinks.families.find(value.path)
                if family == "text_parsers":
                    return frozenset(replace(m, whole=False, kind=Kind.TEXT) for m in whole)
                if family in ("loose_parsers", "checked_parsers", "tool_parsers"):
                    kind = Kind.PARSED if family == "loose_parsers" else Kind.CHECKED
                    return through(whole, call, kind)
        return marks

    # -- functions of the repository ---------------------------------------------------------------------------

    def _returned(self, call: code.Call, unit: Unit, callee: Unit) -> Marks:
        """A function's result, its parameters replaced by this call's arguments."""
        if callee.name in ("__init__", "__post_init__"):
            return NONE
        found: set[Mark] = set()
        for mark in self._taint.returns(callee):
            if isinstance(mark.origin, Given):
                if mark.origin.unit is callee:
                    given = self.argument(call, unit, callee, mark.origin.name)
                    found |= substitute(mark, given)
                else:
                    found.add(mark)
            else:
                found.add(replace(mark, site=(call, unit), hops=mark.hops + 1))
        return frozenset(found)

    def _filled(self, mark: Mark, unit: Unit, arguments: dict[str, Marks]) -> Marks:
        if isinstance(mark.origin, Given) and mark.origin.unit is unit:
            return substitute(mark, arguments.get(mark.origin.name, NONE))
        return frozenset({mark})

    def argument(self, call: code.Call, caller: Unit, callee: Unit, name: str) -> Marks:
        """What a call gives one parameter of a function it runs."""
        taint = self._taint
        given = call.keyword(name)
        if given is not None:
            return taint.marks(given, caller)
        found: set[Mark] = set()
        for keyword in call.keywords:
            if keyword.name is None:
                found |= take(taint.marks(keyword.value, caller), name)
        names = _parameters(callee)
        if name in names:
            position = names.index(name)
            plain = call.arguments[: position + 1]
            if position < len(call.arguments) and not any(isinstance(a, code.Spread) for a in plain):
                found |= taint.marks(call.arguments[position], caller)
        parameter = callee.parameter(name)
        if parameter is not None and parameter.kind == "options":
            for keyword in call.keywords:
                if keyword.name is not None and callee.parameter(keyword.name) is None:
                    found |= wrap(taint.marks(keyword.value, caller), keyword.name)
        return frozenset(found)

    def _constructed(self, call: code.Call, unit: Unit, value: ClassValue) -> Marks:
        """An object with declared fields holds what its constructor is given."""
        taint = self._taint
        classes = taint.core.resolver.classes
        found: set[Mark] = set()
        fields = [f for f, known in value.info.attributes.items() if known[0][0].annotation is not None]
        if classes.method(value.info, "__init__") is not None:
            fields = []
        for position, argument in enumerate(call.arguments[: len(fields)]):
            found |= wrap(taint.marks(argument, unit), fields[position])
        is_model = any(taint.sinks.families.find(base) == "models" for base in classes.bases(value.info)[1])
        for keyword in call.keywords:
            marks = taint.marks(keyword.value, unit)
            if keyword.name is not None:
                found |= wrap(marks, keyword.name)
            elif is_model:
                found |= through((m for m in marks if not m.path), call, Kind.CHECKED)
            else:
                found |= marks
        return frozenset(found)

    # -- everything else ---------------------------------------------------------------------------------------

    def _external(self, call: code.Call, unit: Unit, value: External) -> Marks:
        taint = self._taint
        family = taint.sinks.families.find(value.path)
        given = (*call.arguments, *(k.value for k in call.keywords))
        if family is None:
            if not isinstance(call.function, code.Name | code.Member):
                return NONE
            return self._message(call, unit) if _is_class(value.path) else NONE
        found = frozenset(m for argument in given for m in taint.marks(argument, unit))
        if family == "same":
            return found
        inner = frozenset(m for m in found if not m.path)
        if family == "parses":
            return through(inner, call, Kind.PARSED) | decoded(found)
        if family == "validators":
            return through(inner, call, Kind.CHECKED)
        if family in ("searches", "replacements"):
            last = value.path.rpartition(".")[2]
            many = last in ("findall", "finditer", "split")
            cut = through(inner, call)
            return wrap(cut, ITEM) if many else cut
        return NONE

    def _message(self, call: code.Call, unit: Unit) -> Marks:
        """An object of a library keeps what it was given under the names it was given by (`AIMessage(content=…)`)."""
        taint = self._taint
        found: set[Mark] = set()
        for keyword in call.keywords:
            if keyword.name is not None:
                found |= wrap(taint.marks(keyword.value, unit), keyword.name)
        if call.arguments:
            found |= wrap(taint.marks(call.arguments[0], unit), "content")
        return frozenset(found)

    def _method(self, call: code.Call, function: code.Member, unit: Unit) -> Marks:
        """A method called on a value that holds model output."""
        taint = self._taint
        name = function.name
        if name == "join" and call.arguments:
            items = take(taint.marks(call.arguments[0], unit), ITEM)
            return frozenset(replace(m, whole=False) for m in items if not m.path)
        base = taint.marks(function.base, unit)
        if not base:
            return self._parser_method(call, function, unit)
        if name in _VANISH:
            return NONE
        if name in ("get", "pop", "setdefault", "getattr") and call.arguments:
            return take(base, taint.key(call.arguments[0], unit)) if name != "pop" or call.arguments else base
        if name == "pop":
            return take(base, ITEM)
        if name == "values":
            return wrap(take(base, ANY), ITEM)
        if name == "items":
            return wrap(wrap(take(base, ANY), "1"), ITEM)
        if name in _STRINGS:
            text, body = frozenset(m for m in base if not m.path), enveloped(base)
            done = through(text, call) if call.arguments and name in (_CUTS | _SPLITS) else _opened(text)
            return body | (wrap(done, ITEM) if name in _SPLITS else done)
        if name == "json" and (body := decoded(base)):
            return body
        if name in _SAME:
            return base
        return enveloped(base) | frozenset(m for m in base if not m.path and (not m.whole or m.kind is not Kind.TEXT))

    def _parser_method(self, call: code.Call, function: code.Member, unit: Unit) -> Marks:
        """`parser.parse(text)` of an output parser."""
        if function.name not in ("parse", "invoke", "ainvoke", "aparse", "parse_result") or not call.arguments:
            return NONE
        taint = self._taint
        for value in taint.core.resolver.values(function.base, unit):
            family = taint.sinks.families.find(value.path) if isinstance(value, External) else None
            if family in ("loose_parsers", "checked_parsers", "tool_parsers"):
                kind = Kind.PARSED if family == "loose_parsers" else Kind.CHECKED
                return through((m for m in taint.marks(call.arguments[0], unit) if not m.path), call, kind)
        return NONE


def _opened(marks: Iterable[Mark]) -> Marks:
    return frozenset(replace(m, whole=False) for m in marks)


def _parameters(unit: Unit) -> list[str]:
    """The parameters a caller fills, in order."""
    if unit.function is None:
        return []
    names = [p.name for p in unit.function.parameters if p.kind in ("positional", "either")]
    static = any(isinstance(d, code.Name) and d.id == "staticmethod" for d in unit.function.decorators)
    return names[1:] if unit.owner is not None and not static and names else names


def _is_class(path: str) -> bool:
    return path.rpartition(".")[2][:1].isupper()
