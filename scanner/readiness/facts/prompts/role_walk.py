"""Looks through what a model is given for a message above the user's, and for what opens the user's own turn."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.definitions import Definitions
from readiness.facts.linking.units import ModuleInfo, Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Instance, Items, Known, LambdaValue, Pipe
from readiness.facts.prompts.message_roles import load_message_roles
from readiness.facts.prompts.prompt_files import PromptFiles

MAX_NODES = 800
"""Expressions that are looked at for one call."""

OPENING_WORDS = 5
"""Words before the first hole that make an instruction of what would else be a label such as `Question: `."""

_MESSAGES = re.compile(r"messages?$|msgs$|history$|conversation$|^contents$|^chat$|^turns$", re.I)
_TEXT_METHODS = frozenset(
    {
        "format", "format_map", "strip", "lstrip", "rstrip", "replace", "render", "substitute", "safe_substitute",
        "partial", "invoke", "ainvoke", "format_prompt", "format_messages", "to_string", "to_messages", "encode",
        "pipe",
    }
)  # fmt: skip
_HOLE = re.compile(r"\{|\$\w|%s|%\(|<<")

Seen = tuple[code.Expression, Unit]


@dataclass(slots=True)
class Roles:
    """What was found: a system message, those whose text is a parameter, and messages of any role that are written out.

    `outside`: something is called messages, which means what somebody else sent where none is written out.

    `asked` are the parameters that a system message takes its text from: whoever calls decides.
    """

    system: bool = False
    asked: set[tuple[Unit, str]] = field(default_factory=set)
    written: bool = False
    outside: bool = False


class RoleWalk:
    """Answers `roles(expressions)` and `opens(expression)`."""

    def __init__(self, core: Core) -> None:
        self._core, self._known = core, load_message_roles()
        self._definitions = Definitions(core.resolver)
        self._files = PromptFiles(core.observations, core.resolver, self._definitions)
        self._stores: dict[ModuleInfo, dict[str, list[Seen]]] = {}
        self._left = 0

    # -- roles -------------------------------------------------------------------------------------------------

    def roles(self, expressions: Iterable[Seen], closed: Unit | None = None) -> Roles:
        """What stands in these expressions and what they are made of; parameters of `closed` are not followed."""
        found, seen = Roles(), set[Seen]()
        waiting = deque(expressions)  # the nearest first: far away are the texts that messages are made of
        while waiting and len(seen) < MAX_NODES and not found.system:
            expression, unit = waiting.popleft()
            if (expression, unit) not in seen:
                seen.add((expression, unit))
                waiting.extend(self._look(expression, unit, found, closed))
        return found

    def _look(self, e: code.Expression, unit: Unit, found: Roles, closed: Unit | None) -> list[Seen]:
        match e:
            case code.Mapping(items=items):
                return self._mapping(items, unit, found)
            case code.Sequence(kind="tuple", items=[role, text]) if isinstance(role, code.Constant):
                if role.value in self._known.roles:
                    self._above(text, unit, found)
                found.written = found.written or isinstance(role.value, str)
                return [(text, unit)] if not isinstance(role.value, str) else []
            case code.Sequence(items=items):
                return [(i, unit) for i in items]
            case code.Call():
                return self._call(e, unit, found)
            case code.Name(id=name) if unit is closed and _is_given(name, unit):
                found.outside = True
                return self._stored(name, unit)
            case code.Name() | code.Member() | code.Index():
                return self._followed(e, unit, found)
            case _:
                return [(inner, unit) for inner in _parts(e)]

    def _mapping(
        self, items: list[tuple[code.Expression | None, code.Expression]], unit: Unit, found: Roles
    ) -> list[Seen]:
        keys = {k.value: v for k, v in items if isinstance(k, code.Constant)}
        if "role" not in keys:
            return [(v, unit) for _, v in items]
        if self._is_above(keys["role"], unit):
            text = keys.get("content") or keys.get("parts") or keys.get("text")
            self._above(text, unit, found)
        found.written = found.written or bool(self._texts(keys["role"], unit))
        return [(v, unit) for k, v in items if k is None]

    def _texts(self, e: code.Expression, unit: Unit) -> set[str]:
        """The words a role can be: a literal's, or the name of an enumeration's member."""
        found = {v.value.lower() for v in self._core.resolver.values(e, unit)
                 if isinstance(v, Known) and isinstance(v.value, str)}  # fmt: skip
        for node in code.walk(e):
            if isinstance(node, code.Member):
                name = node.base.name if node.name == "value" and isinstance(node.base, code.Member) else node.name
                found.add(name.lower())
            elif isinstance(node, code.Constant) and isinstance(node.value, str):
                found.add(node.value.lower())
        return found

    def _is_above(self, role: code.Expression, unit: Unit) -> bool:
        return bool(self._texts(role, unit) & self._known.roles)

    def _above(self, text: code.Expression | None, unit: Unit, found: Roles) -> None:
        """A system message was found, with this text."""
        if isinstance(text, code.Constant) and not text.value:
            return
        if isinstance(text, code.Name) and _is_given(text.id, unit):
            found.asked.add((unit, text.id))
        else:
            found.system = True

    def _call(self, call: code.Call, unit: Unit, found: Roles) -> list[Seen]:
        role = call.keyword("role")
        arguments = [*call.arguments, *(k.value for k in call.keywords)]
        if role is not None:
            if self._is_above(role, unit):
                self._above(call.keyword("content") or call.keyword("blocks") or call.keyword("text"), unit, found)
            found.written = True
            return []
        found.outside = found.outside or _MESSAGES.search(last_name(call.function)) is not None
        defined, _ = self._definitions.of(call, unit)
        if defined:
            return list(defined)
        paths = self._paths(call, unit)
        if any(self._known.makes_system(path) for path in paths):
            self._above(next(iter(arguments), None), unit, found)
            return []
        if any(self._known.makes_user(path) for path in paths):
            found.written = True
            return [(a, unit) for a in arguments if isinstance(a, code.Sequence | code.Name | code.Member)]
        if any(self._is_model(path) for path in paths):
            return []  # a model: what it is built with is no message
        if _is_body(call):
            found.outside = True
            return []
        base = [(call.function.base, unit)] if isinstance(call.function, code.Member) else []
        made = [(s.call, s.unit) for v in self._core.resolver.values(call, unit) if isinstance(v, External)
                for s in v.steps if s.call is not call]  # fmt: skip
        return [*base, *((a, unit) for a in arguments), *made, *self._of_values(call, unit)]

    def _is_model(self, path: str) -> bool:
        """Whether a model is built there; a chain is built around one, and may be given a prompt."""
        known = self._core.knowledge.client(path.removesuffix("()"))
        return known is not None and "model" in known[1].knobs

    def _paths(self, call: code.Call, unit: Unit) -> list[str]:
        """The canonical paths of what a call makes, those that a class of the project inherits from included."""
        found: list[str] = []
        for value in self._core.resolver.values(call, unit):
            if isinstance(value, External):
                found.append(value.path)
            elif isinstance(value, Instance):
                bases = self._core.resolver.classes.bases(value.info)
                found += [*bases[1], *(c.node.name for c in (value.info, *bases[0]))]
        return found

    def _followed(self, e: code.Name | code.Member | code.Index, unit: Unit, found: Roles) -> list[Seen]:
        defined, _ = self._definitions.of(e, unit)
        further = list(defined)
        further += self._stored(_key(e), unit)
        if not further:
            further += self._of_values(e, unit)
        found.outside = found.outside or _MESSAGES.search(_last(e)) is not None
        if not further and isinstance(e, code.Member):
            further.append((e.base, unit))  # `prompt.messages`: what holds them
        return further

    def _of_values(self, e: code.Expression, unit: Unit) -> list[Seen]:
        found: list[Seen] = []
        for value in self._core.resolver.values(e, unit):
            match value:
                case Items(literal=literal, unit=owner):
                    found.append((literal, owner))
                case FunctionValue(unit=inner):
                    found += [(r, inner) for r in inner.returns]
                case LambdaValue(node=node, unit=owner):
                    found.append((node.body, owner))
                case Pipe(parts=parts):
                    made = [v for part in parts for v in part if isinstance(v, External)]
                    found += [(s.call, s.unit) for v in made for s in v.steps]
                    functions = [v for part in parts for v in part if isinstance(v, FunctionValue)]
                    found += [(r, f.unit) for f in functions for r in f.unit.returns]
                case External(steps=steps):
                    found += [(s.call, s.unit) for s in steps]
        return found

    def _stored(self, key: str, unit: Unit) -> list[Seen]:
        """What is appended to a list, inserted into it, or assigned to a container's member of this name."""
        module = unit.module
        if module not in self._stores:
            stores: dict[str, list[Seen]] = {}
            self._stores[module] = stores
            for owner in self._core.program.units:
                if owner.module is module:
                    for name, value in _kept(owner):
                        stores.setdefault(name, []).append((value, owner))
        found = self._stores[module].get(key, []) if key else []
        return [(v, u) for v, u in found if "." in key or u is unit or u.parent is unit or unit.parent is u]

    # -- what opens the user's turn ----------------------------------------------------------------------------

    def opens(self, expressions: Iterable[Seen]) -> bool:
        """Whether constant text of some length stands before anything else that the user's turn holds."""
        self._left = MAX_NODES
        return any(self._opens(e, unit, frozenset()) for e, unit in expressions)

    def _opens(self, e: code.Expression, unit: Unit, active: frozenset[Seen]) -> bool:
        if (e, unit) in active or self._left <= 0 or len(active) > 40:
            return False
        self._left -= 1
        active |= {(e, unit)}
        match e:
            case code.Constant(value=str() as text):
                return _is_instruction(text)
            case code.Template(parts=[first, *_]) | code.Operation(operator="+" | "%", operands=[first, *_]):
                return self._opens(first, unit, active)
            case code.Sequence(kind="tuple", items=[code.Constant(), text]):
                return self._opens(text, unit, active)
            case code.Sequence(items=[_, *_] as items):
                asked = next((i for i in items if not self._is_answer(i, unit)), None)
                return asked is not None and self._opens(asked, unit, active)
            case code.Mapping(items=items):
                keys = {k.value: v for k, v in items if isinstance(k, code.Constant)}
                texts = [keys[k] for k in (*self._known.text_keys, "messages", "inputs", "input") if k in keys]
                return any(self._opens(t, unit, active) for t in texts[:1])
            case code.Operation(operator="or" | "|", operands=operands):
                return any(self._opens(o, unit, active) for o in operands)
            case code.Choice(then=then, otherwise=otherwise):
                return self._opens(then, unit, active) or self._opens(otherwise, unit, active)
            case code.Call():
                return self._call_opens(e, unit, active)
            case code.Await(value=inner) | code.Spread(value=inner) | code.Bind(value=inner):
                return self._opens(inner, unit, active)
            case code.Name() | code.Member() | code.Index():
                defined, _ = self._definitions.of(e, unit)
                ways = list(defined) or self._of_values(e, unit)
                empty = [
                    v for v, u in ways if isinstance(v, code.Sequence) and all(self._is_answer(i, u) for i in v.items)
                ]
                stored = self._stored(_key(e), unit) if empty or not ways else []
                return any(self._opens(v, u, active) for v, u in (*ways, *stored[:1])) or self._is_text(e, unit)
            case _:
                return False

    def _is_answer(self, message: code.Expression, unit: Unit) -> bool:
        """Whether a message is a turn of the model's own."""
        match message:
            case code.Mapping(items=items):
                roles = [v for k, v in items if isinstance(k, code.Constant) and k.value == "role"]
            case code.Call():
                roles = [k.value for k in message.keywords if k.name == "role"]
            case _:
                return False
        return any(self._texts(role, unit) & self._known.answering_roles for role in roles)

    def _is_text(self, e: code.Expression, unit: Unit) -> bool:
        return any(
            isinstance(v, Known) and isinstance(v.value, str) and _is_instruction(v.value)
            for v in self._core.resolver.values(e, unit)
        )

    def _call_opens(self, call: code.Call, unit: Unit, active: frozenset[Seen]) -> bool:
        if self._files.reads(call, unit):
            return True
        if isinstance(call.function, code.Name) and call.function.id in ("str", "repr"):
            return False  # a value in words: what it holds is data here
        given = {k.name: k.value for k in call.keywords if k.name}
        texts = [given[k] for k in self._known.text_keys if k in given] or call.arguments[:1]
        defined, _ = self._definitions.of(call, unit)
        if defined:
            return any(self._opens(v, u, active) for v, u in defined)
        if any(self._known.makes_user(path) for path in self._paths(call, unit)):
            return any(self._opens(t, unit, active) for t in texts)
        if isinstance(call.function, code.Member):
            if call.function.name == "join":
                return any(self._opens(t, unit, active) for t in call.arguments[:1])
            if call.function.name in _TEXT_METHODS:
                return self._opens(call.function.base, unit, active)
        ways = [(v, u) for v, u in self._of_values(call, unit) if v is not call]
        folds = last_name(call.function) in ("dedent", "cleandoc")
        kept = call.arguments[:1] if folds else [given[k] for k in self._known.text_keys if k in given]
        return any(self._opens(v, u, active) for v, u in ways) or any(self._opens(t, unit, active) for t in kept)


def _parts(e: code.Expression) -> list[code.Expression]:
    """The expressions that another one is put together from."""
    match e:
        case code.Operation(operands=operands):
            return operands
        case code.Comprehension(element=element, sources=sources):
            return [element, *(s.iterable for s in sources)]
        case code.Choice(then=then, otherwise=otherwise):
            return [then, otherwise]
        case code.Lambda(body=inner) | code.Await(value=inner) | code.Spread(value=inner) | code.Bind(value=inner):
            return [inner]
        case _:
            return []


def _is_instruction(text: str) -> bool:
    """Whether there are some words before the first hole."""
    return len(_HOLE.split(text, maxsplit=1)[0].split()) >= OPENING_WORDS


def _is_given(name: str, unit: Unit) -> bool:
    """Whether a name is a parameter that its function does not bind anew."""
    bound = [b for b in unit.bindings.get(name, ()) if b.how != "augmented" and b.block == ()]
    return unit.parameter(name) is not None and not bound


def _is_body(call: code.Call) -> bool:
    """`await request.json()`: what a caller of the service sent."""
    return isinstance(call.function, code.Member) and call.function.name in ("json", "get_json", "receive_json")


def _key(e: code.Expression) -> str:
    """A name, member or item with a constant key, as one dotted text: `state.messages` of `state["messages"]`."""
    if isinstance(e, code.Index):
        base = dotted(e.base)
        return f"{base}.{_name(e)}" if base and _name(e) else ""
    return dotted(e)


def _last(e: code.Expression) -> str:
    if isinstance(e, code.Index):
        return _name(e)
    return last_name(e)


def _name(index: code.Index) -> str:
    """The constant text in brackets."""
    return index.key.value if isinstance(index.key, code.Constant) and isinstance(index.key.value, str) else ""


def _kept(unit: Unit) -> Iterator[tuple[str, code.Expression]]:
    for call in unit.calls:
        if isinstance(call.function, code.Member) and call.function.name in ("append", "insert", "extend"):
            key = _key(call.function.base)
            if key and call.arguments:
                yield key, call.arguments[-1]
    for container, key_of, value in unit.stores:
        if isinstance(key_of, code.Constant) and isinstance(key_of.value, str) and dotted(container):
            yield f"{dotted(container)}.{key_of.value}", value
    for member, binding in unit.members:
        if dotted(member) and binding.value is not None:
            yield dotted(member), binding.value
