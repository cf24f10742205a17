"""Where model text becomes part of a page, and whether it is made harmless first. check model-output-escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import Kind
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known, Text, Values
from readiness.facts.place import Place
from readiness.facts.rendering.frontend import Frontend
from readiness.facts.rendering.knowledge import RenderingKnowledge, Sink, load_rendering
from readiness.repository.tree import Role

_READ = re.compile(r"(?:builtins\.)?(?:open|codecs\.open|io\.open)\(\)\.read\(\)|pathlib\.Path\(\)\.read_text\(\)")
_SETTING = re.compile(r"(?:os\.(?:environ|getenv)|streamlit\.secrets)\b")
_NUMBERS = frozenset({"len", "int", "float", "round", "sum", "max", "min", "count"})
Source = Literal["model", "other"]
_SAID = frozenset({"answer", "message", "msg", "response", "reply", "completion", "generated"})
_OF_TEMPLATES = frozenset(
    (  # noqa: SIM905 - words read better as words
        "html markdown write caption text title header subheader HTML Markdown Chatbot ChatInterface HTMLResponse "
        "HttpResponse Response Markup mark_safe SafeString format_html render_template_string render TemplateResponse "
        "render_template"
    ).split()
)


@dataclass(slots=True, eq=False)
class RenderedText:
    """One place that takes text as markup. `source`: whose text it is; `sanitised`: made harmless."""

    place: Place
    text: str
    source: Source
    sanitised: bool = False
    reachable: bool = True


@dataclass(slots=True)
class Rendering:
    """Whether code of this repository shows answers on a page, and the places that take text as markup."""

    shows: bool = False
    texts: list[RenderedText] = field(default_factory=list)

    @property
    def raw(self) -> list[RenderedText]:
        """The places where text is markup as it comes."""
        return [t for t in self.texts if not t.sanitised]

    @property
    def sanitises(self) -> bool:
        """Whether some place makes model text harmless first."""
        return any(t.sanitised for t in self.texts)


def find_rendering(core: Core, taint: Taint | None, generates: bool) -> Rendering:
    """How serving code shows what models write; nothing where no model writes."""
    if not generates:
        return Rendering()
    known = load_rendering()
    finder, frontend = _Finder(core, taint, known), Frontend(core, known)
    found = Rendering(texts=[RenderedText(m.place, m.text, "model", m.sanitised) for m in frontend.markup])
    found.texts += finder.texts()
    found.texts.sort(key=lambda t: (t.place, t.text))
    found.shows = frontend.exists or finder.shows or bool(found.texts)
    return found


class _Finder:
    def __init__(self, core: Core, taint: Taint | None, known: RenderingKnowledge) -> None:
        self._core, self._taint, self._known = core, taint, known
        running = {unit for call in core.calls if call.generates for _, unit in call.runs}
        pages = [e for e in core.entry_points if e.kind == "ui" and e.unit.module.role is Role.SERVING]
        self.shows = bool(pages)
        self._pages = {unit for e in pages if running & core.reached_from(e).keys() for unit in core.reached_from(e)}

    def texts(self) -> list[RenderedText]:
        """The places in Python code that take text as markup."""
        found: list[RenderedText] = []
        for unit in self._core.serving_units():
            if self._core.imports.importable(unit):
                found.extend(self._in(unit))
        return found

    def _in(self, unit: Unit) -> Iterator[RenderedText]:
        for call in unit.calls:
            if any(k.name == "outputs" for k in call.keywords):
                yield from self._outputs(call, unit)
            if last_name(call.function) not in _OF_TEMPLATES and call.keyword("unsafe_allow_html") is None:
                continue
            values = self._core.resolver.values(call.function, unit)
            paths = [v.path for v in values if isinstance(v, External)]
            if unit in self._core.reached and any(self._known.pages.find(path) is not None for path in paths):
                self.shows = True
            sink = next((s for path in paths if (s := self._known.sinks.find(path)) is not None), None)
            if sink is None and call.keyword("unsafe_allow_html") is not None:
                sink = Sink("unsafe_allow_html")
            if sink is not None and self._is_open(call, unit, sink):
                yield from self._taken(call, unit, sink)

    def _is_open(self, call: code.Call, unit: Unit, sink: Sink) -> bool:
        if not sink.keyword:
            return True
        given = call.keyword(sink.keyword)
        values = self._core.resolver.values(given, unit) if given is not None else ()
        return any(isinstance(v, Known) and bool(v.value) is not sink.off for v in values[:1])

    def _taken(self, call: code.Call, unit: Unit, sink: Sink) -> Iterator[RenderedText]:
        name = last_name(call.function)
        reachable = unit in self._core.reached or unit.is_module
        if sink.off:
            yield RenderedText(
                unit.at(call), f"{name} shows answers with sanitising switched off", "model", False, reachable
            )
            return
        given = call.keyword(sink.parameter or "content") or call.keyword("body")
        given = given or (call.arguments[0] if call.arguments else None)
        if given is None:
            return
        model = [p for p in self._pieces(given, unit, 3) if self._is_models(p, unit)]
        if model:
            safe = all(self._is_safe(p, unit, 3) for p in model) or self._is_safe(given, unit, 3)
            yield RenderedText(unit.at(call), f"{name} takes what a model wrote as markup", "model", safe, reachable)
        elif sink.keyword and not self._is_static(given, unit, 3) and not self._is_safe(given, unit, 3):
            shown = unit in self._pages and any(self._is_said(p) for p in self._pieces(given, unit, 3))
            what = "what is said in the chat" if shown else "text of others"
            source: Source = "model" if shown else "other"
            safe = self._is_escaped(given, unit)
            if shown or not safe:
                yield RenderedText(unit.at(call), f"{name} takes {what} as markup", source, safe, reachable)

    def _is_said(self, piece: code.Expression) -> bool:
        """Whether a piece is a message of a conversation that a page keeps, by its name."""
        names = [last_name(n) for n in code.walk(piece) if isinstance(n, code.Expression)]
        words = {word for name in names for word in name.lower().split("_")}
        return not _SAID.isdisjoint(words)

    # -- Gradio ----------------------------------------------------------------------------------------------------

    def _outputs(self, call: code.Call, unit: Unit) -> Iterator[RenderedText]:
        """What a callback returns for a component that takes markup."""
        function = call.keyword("fn") or (call.arguments[0] if call.arguments else None)
        outputs = call.keyword("outputs")
        if function is None or outputs is None or self._taint is None:
            return
        components = self._components(outputs, unit)
        markup = [
            i
            for i, values in enumerate(components)
            if any(isinstance(v, External) and self._is_markup(v) for v in values)
        ]
        handlers = (
            [v.unit for v in self._core.resolver.values(function, unit) if isinstance(v, FunctionValue)]
            if markup
            else []
        )
        for handler in handlers[:3]:
            marks = [m for m in self._taint.resolved(self._taint.returns(handler)) if m.kind is not Kind.ARGUMENTS]
            places = {m.path for m in marks}
            for position in markup:
                if any(self._fits(path, position, len(components)) for path in places):
                    given = [r for r in handler.returns if self._is_models(r, handler)]
                    safe = bool(given) and all(self._is_safe(r, handler, 3) for r in given)
                    text = f"{handler.name} gives a component for markup what a model wrote"
                    reached = handler in self._core.reached
                    yield RenderedText(handler.place, text, "model", safe, reached)
                    break

    def _fits(self, path: tuple[str, ...], position: int, count: int) -> bool:
        head = tuple(step for step in path if step != "[]")
        return (not head and count == 1) or (bool(head) and head[0] == str(position))

    def _components(self, outputs: code.Expression, unit: Unit) -> list[Values]:
        if isinstance(outputs, code.Sequence):
            return [self._core.resolver.values(item, unit) for item in outputs.items]
        for value in self._core.resolver.values(outputs, unit):
            if isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                return [self._core.resolver.values(item, value.unit) for item in value.literal.items]
        return [self._core.resolver.values(outputs, unit)]

    def _is_markup(self, value: External) -> bool:
        sink = self._known.sinks.find(value.path.removesuffix("()"))
        return sink is not None and sink.parameter == "value"

    # -- text ------------------------------------------------------------------------------------------------------

    def _is_models(self, expression: code.Expression, unit: Unit) -> bool:
        if self._taint is None:
            return False
        return any(m.kind is not Kind.ARGUMENTS and not m.path for m in self._taint.found(expression, unit))

    def _pieces(self, expression: code.Expression, unit: Unit, depth: int) -> Iterator[code.Expression]:
        """What a text is put together from."""
        match expression:
            case code.Template(parts=parts) | code.Operation(operator="+" | "%", operands=parts):
                for part in parts:
                    yield from self._pieces(part, unit, depth)
            case code.Call(function=code.Member(base=base, name="replace" | "format" | "join")):
                for part in (base, *expression.arguments, *(k.value for k in expression.keywords)):
                    yield from self._pieces(part, unit, depth)
            case code.Name(id=name) if depth and name in unit.bindings and unit.parameter(name) is None:
                for binding in unit.bindings[name]:
                    if binding.value is not None and isinstance(
                        binding.value, code.Template | code.Operation | code.Call
                    ):
                        yield from self._pieces(binding.value, binding.unit or unit, depth - 1)
                yield expression
            case code.Constant():
                return
            case _:
                yield expression

    def _is_safe(self, expression: code.Expression, unit: Unit, depth: int) -> bool:
        """Whether a sanitiser made the text, here or in the function of the repository that gives it."""
        if depth == 0:
            return False
        match expression:
            case code.Call(function=code.Name() | code.Member() as function):
                for value in self._core.resolver.values(function, unit):
                    if isinstance(value, External) and self._known.sanitisers.find(value.path) is not None:
                        return True
                    if isinstance(value, FunctionValue) and value.unit.returns:
                        return all(self._is_safe(r, value.unit, depth - 1) for r in value.unit.returns)
                if isinstance(function, code.Member) and function.name in ("replace", "strip", "join", "format"):
                    parts = [function.base, *expression.arguments]
                    return all(isinstance(p, code.Constant) or self._is_safe(p, unit, depth - 1) for p in parts)
                return False
            case code.Name(id=name):
                bound = [b for b in unit.bindings.get(name, ()) if b.value is not None]
                return bool(bound) and all(self._is_safe(b.value, b.unit or unit, depth - 1) for b in bound if b.value)
            case code.Template(parts=parts) | code.Operation(operator="+", operands=parts):
                own = [p for p in parts if not isinstance(p, code.Constant) and self._is_models(p, unit)]
                return bool(own) and all(self._is_safe(p, unit, depth - 1) for p in own)
        return False

    def _is_escaped(self, text: code.Expression, unit: Unit, seen: frozenset[tuple[Unit, str]] = frozenset()) -> bool:
        """Whether a text is the program's own but for what a sanitiser made, through its names and functions."""
        if self._is_static(text, unit, 3):
            return True
        match text:
            case code.Template(parts=parts) | code.Operation(operator="+" | "%", operands=parts):
                return all(self._is_escaped(p, unit, seen) for p in parts)
            case code.Choice(then=then, otherwise=otherwise):
                return self._is_escaped(then, unit, seen) and self._is_escaped(otherwise, unit, seen)
            case code.Comprehension(element=one) | code.Index(base=one):
                return self._is_escaped(one, unit, seen)
            case code.Name(id=name) if name in unit.bindings and unit.parameter(name) is None:
                return (unit, name) in seen or self._is_bound_to_escaped(name, unit, seen | {(unit, name)})
            case code.Call(function=code.Name() | code.Member()):
                return self._is_safe(text, unit, 2) or self._gives_escaped(text, unit, seen)
            case code.Name() | code.Member() if (unit, dotted(text) or "") not in seen:
                values = self._core.resolver.values(text, unit)
                seen |= {(unit, dotted(text) or "")}
                return bool(values) and all(
                    isinstance(v, Known) or (isinstance(v, Text) and self._is_escaped(v.template, v.unit, seen))
                    for v in values
                )
        return False

    def _is_bound_to_escaped(self, name: str, unit: Unit, seen: frozenset[tuple[Unit, str]]) -> bool:
        """Whether all that a name of a unit stands for is escaped; `text = escape(text)` ends what it was before."""
        values = [(b, b.value) for b in unit.bindings[name]]
        ends = [
            i
            for i, (b, v) in enumerate(values)
            if v is not None and not b.block and _mentions(v, name)
            and self._is_safe(v.element if isinstance(v, code.Comprehension) else v, b.unit or unit, 3)
        ]  # fmt: skip
        kept = values[ends[-1] :] if ends else values
        return all(v is not None and self._is_escaped(v, b.unit or unit, seen) for b, v in kept)

    def _gives_escaped(self, call: code.Call, unit: Unit, seen: frozenset[tuple[Unit, str]]) -> bool:
        """Whether a function of the project, or a method of an escaped text, gives nothing but escaped text."""
        function = call.function
        made = [v.unit for v in self._core.resolver.values(function, unit) if isinstance(v, FunctionValue)]
        if made:
            inside = seen | {(u, "()") for u in made}
            return all(
                (u, "()") not in seen and bool(u.returns) and all(self._is_escaped(r, u, inside) for r in u.returns)
                for u in made
            )
        if not isinstance(function, code.Member) or function.name not in ("replace", "strip", "join", "format"):
            return False
        given = (function.base, *call.arguments, *(k.value for k in call.keywords))
        return all(self._is_escaped(g, unit, seen) for g in given)

    def _is_static(self, expression: code.Expression, unit: Unit, depth: int) -> bool:
        """Whether a text is the program's own, but for numbers in it."""
        if isinstance(expression, code.Constant):
            return True
        if isinstance(expression, code.Template | code.Operation):
            parts = expression.parts if isinstance(expression, code.Template) else expression.operands
            if isinstance(parts[0], code.Constant) and str(parts[0].value).lstrip().startswith("<style"):
                return True
            return depth > 0 and all(self._is_static(p, unit, depth - 1) for p in parts)
        if isinstance(expression, code.Call) and last_name(expression.function) in _NUMBERS:
            return True
        values = self._core.resolver.values(expression, unit)
        return bool(values) and all(
            isinstance(v, Known)
            or (isinstance(v, Text) and depth > 0 and self._is_static(v.template, v.unit, depth - 1))
            or (isinstance(v, External) and (self._is_own_file(v) or _SETTING.match(v.path) is not None))
            for v in values
        )

    def _is_own_file(self, value: External) -> bool:
        """Whether a text is read from a file whose name is written in the code."""
        if not _READ.fullmatch(value.path) or not value.steps[0].call.arguments:
            return False
        step = value.steps[0]
        names = self._core.resolver.values(step.call.arguments[0], step.unit)
        return bool(names) and all(isinstance(n, Known) for n in names)


def _mentions(value: code.Expression, name: str) -> bool:
    return any(isinstance(n, code.Name) and n.id == name for n in code.walk(value))
