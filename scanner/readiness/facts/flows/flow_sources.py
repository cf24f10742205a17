"""Where model text comes from: the results of generative calls, and what models pass to tools."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall, Setting
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import BODY, ITEM, Kind, Mark, ToolInput
from readiness.facts.flows.sinks import SinkKnowledge
from readiness.facts.flows.tool_knowledge import load_tools
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import (
    Bound,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Items,
    Pipe,
    Value,
    Values,
)

_ARGUMENT_STEPS = frozenset({"arguments", "args", "input", "partial_json"})
_SCHEMA_METHODS = frozenset(
    {"parse", "structured_predict", "astructured_predict", "with_structured_output", "as_structured_llm"}
)

_SAFE_TYPES = frozenset({"int", "float", "bool", "Literal", "Decimal", "UUID", "date", "datetime"})


class Sources:
    """The calls whose results are model output, and the functions whose parameters are."""

    def __init__(self, core: Core, sinks: SinkKnowledge) -> None:
        self._core, self._sinks = core, sinks
        self.calls: dict[code.Call, ModelCall] = {}
        for call in core.calls:
            if call.generates and call.is_invocation:
                for node, _ in call.runs:
                    self.calls.setdefault(node, call)
        self._own = load_tools()
        self._gives_tools = any(
            c.is_agent or s.given or s.unresolved for c in core.calls if c.generates for s in (c.setting("tools"),)
        )
        self.tools = frozenset(self._tools())
        self._paths = {name: tuple(_steps(path) for path in sdk.text) for name, sdk in core.knowledge.sdks.items()}
        self.groups: dict[Unit, set[Unit]] = defaultdict(set)
        for nodes in core.graph.registered.values():
            group = set(nodes)
            for unit in group:
                self.groups[unit] |= group

    def result(self, call: code.Call) -> Iterator[Mark]:
        """The marks of a model call's own result."""
        found = self.calls[call]
        site = (call, next((unit for node, unit in found.runs if node is call), found.unit))
        paths = self._paths.get(found.sdk.name, ())
        if found.sdk.endpoints:
            yield from (Mark(found, Kind.TEXT, (BODY, *path), site=site) for path in paths)
            return
        if is_structured(found):
            yield Mark(found, Kind.CHECKED, whole=True, site=site)
            if not found.value.path.endswith(".parse"):
                return
        else:
            yield Mark(found, Kind.TEXT, whole=True, site=site)
        for path in paths:
            kind = Kind.ARGUMENTS if path[-1] in _ARGUMENT_STEPS else Kind.TEXT
            yield Mark(found, kind, path, site=site)
            if found.streams or found.setting("stream").given:
                yield Mark(found, kind, (ITEM, *path), site=site)

    def nodes(self, call: code.Call) -> Iterator[Unit]:
        """The functions that a graph run by this call consists of: their results are in its result."""
        for step in self.calls[call].value.steps:
            yield from self._core.graph.registered.get(step.call, ())

    def tool_input(self, unit: Unit, name: str) -> Mark | None:
        """The mark of a parameter of a function that models may call; None where its type lets no text through."""
        parameter = unit.parameter(name)
        if unit not in self.tools or parameter is None:
            return None
        if parameter.annotation is not None and is_safe_type(self._core, parameter.annotation, unit.parent or unit):
            return None
        return Mark(ToolInput(unit), Kind.ARGUMENTS)

    def _tools(self) -> Iterator[Unit]:
        for call in self._core.calls:
            for option in (call, *call.variants):
                yield from self._functions(option.setting("tools").resolved, 3)
        for unit in self._core.program.units:
            if unit.function is not None and self._is_tool(unit, unit.function):
                yield unit
            for node in unit.calls:
                for value in self._core.resolver.values(node.function, unit):
                    if isinstance(value, External) and self._sinks.is_tool(f"{value.path}()"):
                        for argument in (*node.arguments[:3], *(k.value for k in node.keywords)):
                            yield from self._functions(self._core.resolver.values(argument, unit), 2)

    def _is_tool(self, unit: Unit, function: code.Function) -> bool:
        """Whether a decorator makes a function a tool, or it is what a tool class runs."""
        for decorator in function.decorators:
            for value in self._core.resolver.values(decorator, unit.parent or unit):
                if isinstance(value, External) and self._sinks.is_tool(value.path):
                    return True
        return (unit.name in ("_run", "_arun", "forward") and self._is_tool_class(unit)) or self._is_own_tool(
            unit, function
        )

    def _is_own_tool(self, unit: Unit, function: code.Function) -> bool:
        """Whether it runs a tool that the project writes as a class: `execute` of `class FileTool(Tool)`."""
        if not self._gives_tools or unit.owner is None or unit.name not in self._own.own_runs:
            return False
        own = self._core.resolver.classes.bases(unit.owner)[0]
        named = any(_last_word(base.node.name) in self._own.own_bases for base in own)
        return named and any(not _is_empty(statement) for statement in function.body)

    def _is_tool_class(self, unit: Unit) -> bool:
        bases = self._core.resolver.classes.bases(unit.owner)[1] if unit.owner else []
        return any(self._sinks.is_tool(f"{base}()") for base in bases)

    def _functions(self, values: Values, depth: int) -> Iterator[Unit]:
        """The functions of the repository in a list of tools, bare or wrapped."""
        for value in values:
            match value:
                case FunctionValue(unit) | Bound(function=FunctionValue(unit)):
                    yield unit
                case Instance(info) if self._is_tool_instance(info.methods.get("_run")):
                    yield from (m for n, m in info.methods.items() if n in ("_run", "_arun"))
                case Items(literal=code.Sequence(items=items), unit=owner) if depth > 0:
                    for item in items[:60]:
                        yield from self._functions(self._core.resolver.values(item, owner), depth - 1)
                case _:
                    continue

    def _is_tool_instance(self, run: Unit | None) -> bool:
        return run is not None and self._is_tool_class(run)


def _last_word(name: str) -> str:
    return re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+", name)[-1] if re.search(r"[A-Za-z]", name) else name


def _is_empty(statement: code.Statement) -> bool:
    """A line of a method that stands for others: its docstring, `...`, `pass`, `raise NotImplementedError`."""
    if isinstance(statement, code.Evaluate):
        return isinstance(statement.value, code.Constant)
    return not isinstance(statement, code.Return | code.Assign | code.If | code.Try | code.Loop | code.With)


def is_structured(call: ModelCall) -> bool:
    """Whether the result of a call is an object of a declared type, not text."""
    schema = call.schema
    if call.gives_message:
        return False
    last = call.value.path.rpartition(".")[2]
    if schema.method in _SCHEMA_METHODS or (last in _SCHEMA_METHODS and "llama_index" in call.value.path):
        return True
    if last == "parse" and schema.given:
        return True
    return call.sdk.name in ("instructor", "pydantic-ai", "openai-agents") and schema.given and not names_text(schema)


def names_text(schema: Setting) -> bool:
    """Whether the declared output type is plain text after all (`output_type=str`)."""
    return any(isinstance(v, External) and v.path == "str" for v in schema.resolved)


def parts_after_model(value: Value, is_model: str) -> tuple[Values, ...]:
    """The parts of a pipe after the one whose path begins like the model that was called."""
    if not isinstance(value, Pipe):
        return ()
    flat = _flat(value, 0)
    position = max((i for i, part in enumerate(flat) if any(_leads(v, is_model) for v in part)), default=None)
    return tuple(flat[position + 1 :]) if position is not None else ()


def _flat(pipe: Pipe, depth: int) -> list[Values]:
    found: list[Values] = []
    for part in pipe.parts:
        inner = next((v for v in part if isinstance(v, Pipe)), None)
        found.extend(_flat(inner, depth + 1) if inner is not None and depth < 10 else [part])
    return found


def _leads(value: Value, path: str) -> bool:
    return isinstance(value, External) and bool(value.path) and path.startswith(value.path)


def is_safe_type(core: Core, annotation: code.Expression, unit: Unit) -> bool:
    """Whether an annotation allows only numbers, dates, or members of a fixed set."""
    if isinstance(annotation, code.Index):
        return last_name(annotation.base) == "Literal" or (
            last_name(annotation.base) in ("Optional", "list", "List") and is_safe_type(core, annotation.key, unit)
        )
    if last_name(annotation) in _SAFE_TYPES:
        return True
    for value in core.resolver.values(annotation, unit):
        if isinstance(value, ClassValue):
            return any(base.startswith("enum.") for base in core.resolver.classes.bases(value.info)[1])
    return False


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[]", f".{ITEM}").split("."))
