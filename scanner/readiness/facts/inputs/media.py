"""Files, images and sound that come in from outside and reach a model. check bounded-media-input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.input_limits import InputChannel
from readiness.facts.inputs.media_knowledge import load_media
from readiness.facts.inputs.size_tests import length_tests, refuses
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External
from readiness.facts.place import Place

HOPS = 6
"""Functions between a handler and the line that looks at the type of a file."""

_KEEPING = frozenset({"get", "splitext", "str", "Path", "PurePath", "any", "all", "not", "bool", "set", "lower"})
_TELLING = frozenset({"error", "warning", "stop", "abort", "Error", "Warning", "toast"})


@dataclass(slots=True, eq=False)
class MediaChannel:
    """One way by which media come in.

    `sized`: something bounds them (bytes, or pixels). `typed`: something takes certain kinds only. `unpacked`: archives
    are opened, and nothing bounds what comes out. `unreached`: the bound stands in a file the service does not read.
    """

    place: Place
    text: str
    sized: bool
    typed: bool
    unpacked: bool = False
    unreached: bool = False
    importable: bool = True

    @property
    def bounded(self) -> bool:
        """Whether a bound holds for all that comes in."""
        return self.sized and not self.unpacked and not self.unreached


def find_media(core: Core, channels: Iterable[InputChannel]) -> list[MediaChannel]:
    """The channels for media: uploads that reach a model, widgets, and messages with media parts that code builds."""
    return _Finder(core).find([c for c in channels if c.kind == "upload"])


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_media()
        self._typing: dict[tuple[Unit, bool], bool] = {}
        self._of_type: dict[Unit, bool] = {}

    def find(self, uploads: list[InputChannel]) -> list[MediaChannel]:
        """All channels, by place."""
        found = [self._upload(channel) for channel in uploads]
        found += self._beside_text()
        if not found and any(not c.is_probe for c in self._core.calls):
            found += self._widgets()
        if not found:
            found += self._parts()
        return sorted(found, key=lambda c: (c.place, c.text))

    def _upload(self, channel: InputChannel) -> MediaChannel:
        entry = channel.entry.entry
        reached = [u for u, hops in self._core.reached_from(entry).items() if hops <= HOPS]
        sized = channel.limit in ("field", "check", "widget", "body") or self._shrinks(reached)
        typed = self._types(reached, set(entry.units)) or self._draws_typed(reached)
        return MediaChannel(
            channel.place, channel.text, sized, typed, self._unpacks(reached), channel.unreached, channel.importable
        )

    # -- uploads without a route of their own ------------------------------------------------------------------

    def _beside_text(self) -> Iterator[MediaChannel]:
        """Text boxes of a chat that take files or sound as well."""
        names = {b.argument: b for b in self._known.inputs_beside_text}
        for name in ("chat_input", "ChatInterface"):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit not in self._core.reached:
                    continue
                for keyword in call.keywords:
                    beside = names.get(keyword.name or "")
                    if beside is not None and not _is_off(keyword.value):
                        reached = self._near(unit)
                        typed = beside.fixed or _is_set(call.keyword(beside.types)) or self._types(reached, {unit})
                        yield MediaChannel(
                            unit.at(call), f"{name}({keyword.name}=...)", self._sizes(reached), typed,
                            self._unpacks(reached), importable=self._core.imports.importable(unit),
                        )  # fmt: skip

    def _widgets(self) -> Iterator[MediaChannel]:
        """Widgets for files on pages whose way to the model is not seen, as in applications of components."""
        for unit in self._core.serving_units():
            for call in unit.calls:
                for path in self._paths(call, unit):
                    widget = next((w for w in self._known.widgets if path in w.symbols), None)
                    if widget is not None and not _is_output(call):
                        near = self._near(unit)
                        yield MediaChannel(
                            unit.at(call), f"{last_name(call.function)}(...)",
                            _is_set(call.keyword(widget.limit)) or self._sizes(near),
                            widget.fixed or _is_set(call.keyword(widget.types)) or self._types(near, {unit}),
                            self._unpacks(near), importable=self._core.imports.importable(unit),
                        )  # fmt: skip
                        break

    def _parts(self) -> Iterator[MediaChannel]:
        """Parts of messages with an image, sound or a document that is not written in the code."""
        for unit in self._core.serving_units():
            if unit.function is None or unit not in self._core.reached or self._answers_tool(unit):
                continue
            for node in unit.parents:
                if isinstance(node, code.Mapping) and self._is_part(node):
                    near = [unit, *(e.unit for e in self._core.graph.callers.get(unit, ()))]
                    yield MediaChannel(
                        unit.at(node), f"a part of a message in {unit.name}",
                        self._sizes(near) or self._shrinks(near) or _is_low(node), self._types(near, set(near)),
                        importable=self._core.imports.importable(unit),
                    )  # fmt: skip

    def _answers_tool(self, unit: Unit) -> bool:
        """Whether a function writes the answer of a tool: its picture is the program's own, as a screenshot is."""
        return any(
            isinstance(node, code.Mapping)
            and any(
                _key(k) in ("type", "role") and isinstance(v, code.Constant) and v.value in self._known.result_kinds
                for k, v in node.items
            )
            for node in unit.parents
        )

    def _is_part(self, node: code.Mapping) -> bool:
        kinds = [v.value for k, v in node.items if _key(k) == "type" and isinstance(v, code.Constant)]
        if not any(kind in self._known.part_kinds for kind in kinds):
            return False
        data = [v for k, v in node.items if _key(k) in self._known.part_keys]
        return any(isinstance(n, code.Name | code.Member | code.Call) for v in data for n in code.walk(v))

    def _near(self, unit: Unit) -> list[Unit]:
        """What runs around a widget: its page, and for a method its class, whose callbacks take what it sends."""
        own = list(unit.owner.methods.values()) if unit.owner is not None else []
        return [u for u, hops in self._core.graph.reach([unit, *own]).items() if hops <= HOPS]

    def _paths(self, call: code.Call, unit: Unit) -> Iterator[str]:
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, External):
                yield value.path
            elif isinstance(value, ClassValue):
                yield from self._core.resolver.classes.bases(value.info)[1]

    # -- bounds ------------------------------------------------------------------------------------------------

    def _sizes(self, units: Iterable[Unit]) -> bool:
        return any(True for unit in units for _ in length_tests(unit, returning=False))

    def _shrinks(self, units: Iterable[Unit]) -> bool:
        return any(
            isinstance(call.function, code.Member)
            and call.function.name in self._known.shrinkers
            and any(isinstance(v, External) and v.path.startswith(("PIL.", "cv2.", "wand."))
                    for v in self._core.resolver.values(call.function, unit))
            for unit in units
            for call in unit.calls
        )  # fmt: skip

    def _unpacks(self, units: Iterable[Unit]) -> bool:
        """Whether an archive is unpacked by a function that does not look at what its members come to."""
        return any(
            last_name(call.function) in self._known.unpackers and not any(True for _ in length_tests(unit))
            for unit in units
            for call in unit.calls
        )

    # -- types -------------------------------------------------------------------------------------------------

    def _draws_typed(self, units: Iterable[Unit]) -> bool:
        return any(
            widget.fixed or _is_set(call.keyword(widget.types))
            for unit in units
            for call in unit.calls
            for path in self._paths(call, unit)
            for widget in self._known.widgets
            if path in widget.symbols
        )

    def _types(self, units: Iterable[Unit], handlers: set[Unit]) -> bool:
        """Whether some function refuses what is of another type."""
        return any(self._refuses_types(unit, unit in handlers) for unit in units)

    def _refuses_types(self, unit: Unit, returning: bool) -> bool:
        known = self._typing.get((unit, returning))
        if known is None:
            names = self._typed_names(unit)
            known = self._typing[unit, returning] = any(
                isinstance(node, code.If)
                and (self._is_type(node.test, unit) or _mentions(node.test, names))
                and _turns_away(node, returning)
                for node in (*unit.parents, *unit.body)
            ) or self._decodes(unit)
        return known

    def _is_type(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an expression is made from what says the type of a file, here or in a function that it calls."""
        for node in _made_of(expression):
            if isinstance(node, code.Member) and node.name in self._known.type_names:
                return True
            if isinstance(node, code.Name) and node.id in self._known.type_names:
                return True
            if isinstance(node, code.Call):
                name = last_name(node.function)
                if name in ("splitext", "endswith") and (name == "splitext" or _of_extensions(node)):
                    return True
                if any(path in self._known.type_checkers for path in self._paths(node, unit)):
                    return True
                targets = (e.unit for e in self._core.graph.edges.get(unit, ()) if e.node is node and e.is_call)
                if any(self._answers_type(target) for target in targets):
                    return True
        return False

    def _answers_type(self, unit: Unit) -> bool:
        """Whether a function of the repository returns something looked up by a file's type."""
        known = self._of_type.get(unit)
        if known is None:
            self._of_type[unit] = False  # a function that calls itself answers nothing more
            names = self._typed_names(unit)
            known = self._of_type[unit] = any(
                self._is_type(key, unit) or _mentions(key, names) for value in unit.returns for key in _keys_of(value)
            )
        return known

    def _typed_names(self, unit: Unit) -> set[str]:
        """The names that hold the type of a file, or what was looked up by it."""
        return {
            name
            for name, bindings in unit.bindings.items()
            if any(b.how == "value" and b.value is not None and self._is_type(b.value, unit) for b in bindings)
        }

    def _decodes(self, unit: Unit) -> bool:
        """Whether a function opens an image and refuses what is none: `Image.open(...)` under a handler that raises."""
        for node in (*unit.parents, *unit.body):
            if isinstance(node, code.Try) and any(
                isinstance(n, code.Raise) for h in node.handlers for n in code.walk(h.body)
            ):
                for inner in code.walk(node.body):
                    if isinstance(inner, code.Call) and any(p == "PIL.Image.open" for p in self._paths(inner, unit)):
                        return True
        return False


def _turns_away(branch: code.If, returning: bool) -> bool:
    """Whether some side of a branch, or of the branches after it, ends what is being done."""
    node: code.Statement = branch
    while isinstance(node, code.If):
        if refuses(node.body, None, returning) or refuses(node.otherwise, None, returning) or _tells(node):
            return True
        if len(node.otherwise) != 1:
            return False
        node = node.otherwise[0]
    return False


def _tells(branch: code.If) -> bool:
    """Whether a side only says that something is wrong, as pages do."""
    for side in (branch.body, branch.otherwise):
        for statement in side:
            value = statement.value if isinstance(statement, code.Evaluate) else None
            if isinstance(value, code.Call) and last_name(value.function) in _TELLING:
                return True
    return False


def _made_of(expression: code.Expression) -> Iterator[code.Node]:
    """The parts of an expression, without what it hands to functions that make something else of it."""
    stack: list[code.Node] = [expression]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, code.Call):
            stack.append(node.function)
            if last_name(node.function) in _KEEPING:
                stack.extend(node.arguments)
        else:
            stack.extend(code.children(node))


def _keys_of(value: code.Expression) -> Iterator[code.Expression]:
    """What a value is looked up by (`KINDS[suffix]`, `KINDS.get(suffix)`), or the value where it is a plain name."""
    if isinstance(value, code.Name | code.Member):
        yield value
    for node in code.walk(value):
        if isinstance(node, code.Index):
            yield node.key
        elif isinstance(node, code.Call) and last_name(node.function) == "get" and node.arguments:
            yield node.arguments[0]


def _mentions(expression: code.Expression, names: set[str]) -> bool:
    return any(isinstance(n, code.Name) and n.id in names for n in code.walk(expression))


def _of_extensions(call: code.Call) -> bool:
    return any(
        isinstance(n, code.Constant) and isinstance(n.value, str) and n.value.startswith(".")
        for a in call.arguments
        for n in code.walk(a)
    ) or any(isinstance(a, code.Name) and a.id.isupper() for a in call.arguments)


def _key(key: code.Expression | None) -> object:
    return key.value if isinstance(key, code.Constant) else None


def _is_low(node: code.Mapping) -> bool:
    """`detail: low` asks for a small picture whatever was sent."""
    return any(isinstance(n, code.Constant) and n.value == "low" for n in code.walk(node))


def _is_set(argument: code.Expression | None) -> bool:
    return argument is not None and not (isinstance(argument, code.Constant) and argument.value is None)


def _is_off(argument: code.Expression) -> bool:
    return isinstance(argument, code.Constant) and not argument.value


def _is_output(call: code.Call) -> bool:
    """A widget that only shows something (`interactive=False`)."""
    given = call.keyword("interactive")
    return isinstance(given, code.Constant) and given.value is False
