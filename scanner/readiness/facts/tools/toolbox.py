"""The tools that agents of serving code may use, and for those that change something, who is asked first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Bound, External, FunctionValue, Instance, Items, Known, Values, Variable
from readiness.facts.place import Place
from readiness.facts.tools.approvals import Approval, Approvals, Asking
from readiness.facts.tools.effects import Effects
from readiness.facts.tools.filters import Filter, Filters
from readiness.facts.tools.side_effects import OpenTool, ToolKnowledge, load_side_effects
from readiness.repository.tree import Role

ToolKind = Literal["function", "ready-made", "list"]


@dataclass(slots=True, eq=False)
class RiskyTool:
    """One tool that changes something outside the program, or one list of tools that only the running program knows.

    `effect` says in words what it does and `deed` where. `asking`: a person is asked before it runs ("always"), only
    where somebody switched that on ("optional"), or nobody is ("none"). `hidden`: nothing in the tree says which server
    such a list comes from.
    """

    place: Place
    text: str
    kind: ToolKind
    effect: str
    asking: Asking
    deed: Place
    approval: Place | None = None
    reachable: bool = True
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ToolList:
    """A list of tools that is fetched when the program runs, or a call of one of them by its name."""

    call: code.Call
    unit: Unit
    path: str
    filter: Filter
    is_call: bool


@dataclass(slots=True)
class Toolbox:
    """Every tool of serving code, as the checks of tools share it."""

    core: Core
    taint: Taint | None
    known: ToolKnowledge
    functions: list[Unit] = field(default_factory=list)
    lists: list[ToolList] = field(default_factory=list)
    ready_made: list[tuple[OpenTool, code.Call, Unit]] = field(default_factory=list)
    risky: list[RiskyTool] = field(default_factory=list)
    agents: list[ModelCall] = field(default_factory=list)
    """The agents of serving code, and its calls that are given tools."""

    def texts(self, call: code.Call, unit: Unit) -> Iterator[str]:
        """The texts that a constructor, and what its method belongs to, are given: in lists and mappings too."""
        resolver = self.core.resolver
        base = call.function.base if isinstance(call.function, code.Member) else None
        made = [s for v in resolver.values(base, unit) if isinstance(v, External) for s in v.steps] if base else []
        for inner, home in ((call, unit), *((s.call, s.unit) for s in made)):
            for argument in (*inner.arguments, *(k.value for k in inner.keywords)):
                yield from self._words(resolver.values(argument, home), argument)

    def _words(self, values: Values, argument: code.Expression) -> Iterator[str]:
        """The texts among these values that serving code says: a test may start any server it likes."""
        files = self.core.observations.files
        known = [v for v in values if isinstance(v, Known) and isinstance(v.value, str)]
        yield from (str(v.value) for v in known if v.place[0] not in files or files[v.place[0]].role is Role.SERVING)
        items: list[code.Expression] = [
            v.literal for v in values if isinstance(v, Items) and v.unit.module.role is Role.SERVING
        ]
        for literal in items or [argument]:
            for node in code.walk(literal):
                if isinstance(node, code.Constant) and isinstance(node.value, str):
                    yield node.value

    def texts_of(self, fetched: ToolList) -> Iterator[str]:
        """The texts that say which server a list comes from."""
        return self.texts(fetched.call, fetched.unit)


def find_tools(core: Core, taint: Taint | None, has_agent: bool) -> Toolbox:
    """The tools of serving code; none where no model is given any."""
    box = Toolbox(core, taint, load_side_effects())
    if not has_agent:
        return box
    box.agents = [c for c in core.calls if c.role is Role.SERVING and (c.is_agent or c.setting("tools").given)]
    if taint is not None:
        box.functions = sorted((u for u in taint.sources.tools if _serves(core, u)), key=lambda u: (u.place, u.name))
    _Collector(box).collect()
    box.risky = sorted(_Judge(box).risky(), key=lambda t: (t.place, t.text))
    return box


def _serves(core: Core, unit: Unit) -> bool:
    return unit.module.role is Role.SERVING and core.imports.importable(unit)


class _Collector:
    """Finds lists of tools and ready-made ones, in one walk over the calls of serving code."""

    def __init__(self, box: Toolbox) -> None:
        self._box, self._filters = box, Filters(box.core, box.known)

    def collect(self) -> None:
        known = self._box.known
        for unit in self._box.core.serving_units():
            for call in unit.calls:
                if not isinstance(call.function, code.Name | code.Member):
                    continue
                for value in self._box.core.resolver.values(call.function, unit):
                    if not isinstance(value, External):
                        continue
                    kind, tool = known.lists.find(value.path), known.open_tools.find(value.path)
                    if kind is not None and not self._is_fixed(kind, call):
                        found = self._filters.of(call, unit, kind == "call")
                        self._box.lists.append(ToolList(call, unit, value.path, found, kind == "call"))
                        break
                    if tool is not None:
                        self._box.ready_made.append((tool, call, unit))
                        break

    def _is_fixed(self, kind: str, call: code.Call) -> bool:
        """Whether the one tool that is called is named in the code."""
        first = call.arguments[0] if call.arguments else call.keyword("name")
        return kind == "call" and isinstance(first, code.Constant)


class _Judge:
    def __init__(self, box: Toolbox) -> None:
        self._box, self._core = box, box.core
        self._approvals = Approvals(box.core, box.known)
        self._effects = Effects(box.core, box.taint, box.known)
        self._agents = box.agents
        self._served = any(c.reachable for c in self._agents)
        self._made: dict[Unit, list[tuple[code.Call, Unit]]] = {}
        self._users: dict[Unit, list[ModelCall]] = {}
        self._fetched: dict[code.Call, list[ModelCall]] = {}
        for agent in self._agents:
            for option in (agent, *agent.variants):
                for value in option.setting("tools").resolved:
                    self._enter(value, agent, 3)

    def _enter(self, value: object, agent: ModelCall, depth: int) -> None:  # noqa: C901  # one case per kind of value
        """Which tools an agent has: functions, bare or wrapped, and what fetched the others."""
        match value:
            case FunctionValue(unit) | Bound(function=FunctionValue(unit)):
                self._users.setdefault(unit, []).append(agent)
            case Instance(info):
                for name in ("_run", "_arun", "forward", "run"):
                    if name in info.methods:
                        self._users.setdefault(info.methods[name], []).append(agent)
            case External(steps=steps):
                for step in steps:
                    self._fetched.setdefault(step.call, []).append(agent)
                    for argument in (*step.call.arguments[:3], *(k.value for k in step.call.keywords)) if depth else ():
                        for inner in self._core.resolver.values(argument, step.unit):
                            if isinstance(inner, FunctionValue):
                                self._made.setdefault(inner.unit, []).append((step.call, step.unit))
                                self._users.setdefault(inner.unit, []).append(agent)
            case Items(literal=code.Sequence(items=items), unit=owner) if depth:
                for item in items[:60]:
                    for inner in self._core.resolver.values(item, owner):
                        self._enter(inner, agent, depth - 1)
            case _:
                return

    def risky(self) -> Iterator[RiskyTool]:
        for tool in self._box.functions:
            found = self._function(tool)
            if found is not None:
                yield found
        for known, call, unit in self._box.ready_made:
            place = unit.at(call)
            approval = self._strongest(a for agent in self._with(call, unit) for a in self._approvals.of_agent(agent))
            approval = approval or self._strongest(self._approvals.of_call(call, unit))
            yield RiskyTool(place, last_name(call.function), "ready-made", f"reaches {known.what}",
                            approval.asking if approval else "none", place, approval.place if approval else None,
                            self._runs(unit))  # fmt: skip
        seen: set[Place] = set()
        for fetched in self._box.lists:
            risky = None if fetched.filter.keeps == "named" else self._list(fetched)
            if risky is not None and risky.place not in seen:
                seen.add(risky.place)
                yield risky

    # -- functions -------------------------------------------------------------------------------------------------

    def _function(self, tool: Unit) -> RiskyTool | None:
        deeds = self._effects.below(tool)
        if not deeds:
            return None
        answers = list(self._approvals.of_function(tool, self._made.get(tool, ())))
        for agent in self._users.get(tool, []) or self._around(tool):
            answers += [a for a in self._approvals.of_agent(agent) if a.covers(tool.name)]
        approval = self._strongest(answers)
        deed = deeds[0]
        if approval is None or approval.asking != "always":
            asked = [self._approvals.before(d.call, d.unit, tool) for d in deeds]
            if asked and all(asked):
                approval = asked[0]
            else:
                deed = next(d for d, a in zip(deeds, asked, strict=True) if a is None)
        name = f"{tool.owner.node.name}.{tool.name}" if tool.owner is not None else tool.name
        return RiskyTool(tool.place, name, "function", deed.what, approval.asking if approval else "none",
                         deed.unit.at(deed.call), approval.place if approval else None, self._runs(tool))  # fmt: skip

    def _around(self, tool: Unit) -> list[ModelCall]:
        """The agents of the same module, where the way from a tool to its agent cannot be followed."""
        return [a for a in self._agents if a.unit.module is tool.module]

    # -- lists and ready-made parts --------------------------------------------------------------------------------

    def _with(self, call: code.Call, unit: Unit) -> list[ModelCall]:
        known = self._fetched.get(call)
        return known or [a for a in self._agents if a.unit.module is unit.module]

    def _list(self, fetched: ToolList) -> RiskyTool | None:
        call, unit = fetched.call, fetched.unit
        if not fetched.is_call and self._is_ours(call, unit):
            return None
        answers = [a for agent in self._with(call, unit) for a in self._approvals.of_agent(agent) if a.names is None]
        answers += self._approvals.of_call(call, unit)
        approval = self._strongest(answers)
        if approval is None:
            approval = self._approvals.before(call, unit) if fetched.is_call else self._by_method(call, unit)
        what = "runs any tool of a server" if fetched.is_call else "brings whatever tools a server offers"
        return RiskyTool(unit.at(call), f"{last_name(call.function)}(...)", "list", what,
                         approval.asking if approval else "none", unit.at(call), approval.place if approval else None,
                         self._runs(unit), self._is_hidden(call, unit))  # fmt: skip

    def _by_method(self, call: code.Call, unit: Unit) -> Approval | None:
        """`server.approval_required()`."""
        for above in unit.enclosing(call):
            if isinstance(above, code.Member) and above.name in self._box.known.words["methods"]:
                return Approval(unit.at(above), above.name, "always")
        for other in unit.calls:
            if isinstance(other.function, code.Member) and other.function.name in self._box.known.words["methods"]:
                values = self._core.resolver.values(other.function.base, unit)
                if any(isinstance(v, External) and any(s.call is call for s in v.steps) for v in values):
                    return Approval(unit.at(other), other.function.name, "always")
        return None

    def _is_ours(self, call: code.Call, unit: Unit) -> bool:
        """Whether the server is a file of this repository: its own tools are judged by what they do."""
        files = self._core.observations.files
        for text in self._box.texts(call, unit):
            if text.endswith(".py") and any(path == text or path.endswith("/" + text.lstrip("./")) for path in files):
                return True
        return False

    def _is_hidden(self, call: code.Call, unit: Unit) -> bool:
        """Whether only the environment says which server is asked."""
        given = [*call.arguments, *(k.value for k in call.keywords if k.name in ("url", "server_url", "command"))]
        values = [v for argument in given for v in self._core.resolver.values(argument, unit)]
        return bool(values) and all(isinstance(v, Variable) for v in values)

    def _runs(self, unit: Unit) -> bool:
        return self._served or unit in self._core.started

    def _strongest(self, approvals: Iterator[Approval] | list[Approval] | tuple[Approval, ...]) -> Approval | None:
        found = sorted(approvals, key=lambda a: (("always", "optional", "none").index(a.asking), a.place))
        return found[0] if found and found[0].asking != "none" else None
