"""Does anybody look at why a completion ended? check `stop-reason-checked`.

The ends are read near the call: in the function that asks, in those that call it, and in the helpers of these. A word
that is compared with nothing tells nothing; one that is only written down is no detection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.flows.flow_sources import is_structured
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Instance, Items, Known
from readiness.facts.place import Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk_files import Fields, read_yaml

CUT, REFUSED, TOOLS, LOGGED, EMPTY = "cut", "refused", "tools", "logged", "empty"
MAX_HOPS = 3
"""Callers above a call in which the end of its answer may be looked at."""
_COMPARISONS = frozenset({"==", "!=", "in", "not in"})


@dataclass(frozen=True, slots=True)
class Ending:
    """One generative call, and what is noticed of the end of its answer.

    `cut` and `refused`: such an answer is told from a complete one, by the code or by a framework that raises.
    `noticed`: something is, though neither of the two: an empty answer, a call of a tool, or the word is written to a
    log. `unseen`: nobody is seen to make the call, and other code does look.
    """

    place: Place
    text: str
    reachable: bool
    cut: bool
    refused: bool
    noticed: bool
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class EndingKnowledge:
    """`checks/knowledge/endings.yaml`; `words` maps a word to the end it names."""

    words: dict[str, str]
    telling: dict[str, str]
    common: frozenset[str]
    errors: dict[str, str]
    raising: dict[str, tuple[str, ...]]
    not_raising: frozenset[str]
    writing: frozenset[str]


@cache
def load_endings(file: Path | None = None) -> EndingKnowledge:
    """Read `endings.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "endings.yaml"
    fields = Fields(path.name, "", read_yaml(path))
    fields.text("checked", None)
    fields.get("notes")
    words = {word: end for end in (CUT, REFUSED, "complete", TOOLS) for word in fields.texts(end)}
    raising = {}
    for name, ends in fields.mapping("raising").items():
        if not isinstance(ends, list) or not set(ends) <= {CUT, REFUSED}:
            raise fields.wrong(f"raising.{name}", "must be a list of cut and refused")
        raising[name] = tuple(map(str, ends))
    known = EndingKnowledge(
        words=words,
        telling={name: str(end) for name, end in fields.mapping("telling").items()},
        common=frozenset(fields.texts("common")),
        errors={name: str(end) for name, end in fields.mapping("errors").items()},
        raising=raising,
        not_raising=frozenset(fields.texts("not_raising")),
        writing=frozenset(fields.texts("writing")),
    )
    fields.done()
    return known


def find_endings(core: Core, calls: Iterable[ModelCall], taint: Taint | None) -> list[Ending]:
    """What is noticed of the end of each of these calls' answers."""
    finder = _Finder(core, taint)
    return [finder.ending(call) for call in calls]


class _Finder:
    def __init__(self, core: Core, taint: Taint | None) -> None:
        self._core, self._taint, self._known = core, taint, load_endings()
        stops = {step for sdk in core.knowledge.sdks.values() for path in sdk.stop for step in path.split(".")[-2:]}
        self._common = self._known.common
        self._names = {s.replace("[]", "") for s in stops} & (
            {s.rpartition(".")[2] for sdk in core.knowledge.sdks.values() for s in sdk.stop} | set(self._known.telling)
        )
        self._asking = {unit for call in core.calls if call.generates for _, unit in call.runs}
        self._noticed = {unit: found for unit in core.serving_units() if (found := self._of_unit(unit))}
        self._inner: dict[ModelCall, list[ModelCall]] = defaultdict(list)
        for call in core.calls:
            if call.inside is not None and call.generates:
                self._inner[call.inside].append(call)

    def ending(self, call: ModelCall) -> Ending:
        """The fact about one call; an agent notices what the call in it notices that writes its answer."""
        asked = call.answered_by or call
        found = set(self._raised(call)) | self._raised(asked)
        for one in dict.fromkeys((call, asked, *(self._inner[call] if asked is call else ()))):
            for unit in self._near(one):
                found |= self._noticed.get(unit, frozenset())
        found |= self._empty(asked)
        unseen = not call.is_invocation and not call.is_agent and bool(self._noticed) and not found
        return Ending(call.place, call.text, call.reachable, CUT in found, REFUSED in found, bool(found), unseen)

    def _raised(self, call: ModelCall) -> set[str]:
        if is_structured(call) and call.sdk.name not in self._known.not_raising:
            return {CUT, REFUSED}
        return set(self._known.raising.get(call.sdk.name, ())) if call.is_agent else set()

    def _near(self, call: ModelCall) -> Iterator[Unit]:
        """The units that ask, those that call them, and the helpers of all these that ask no model themselves."""
        own = [unit for _, unit in call.runs]
        known = set(own)
        layer = list(known)
        for _ in range(MAX_HOPS):
            above = {e.unit for unit in layer for e in self._core.graph.callers.get(unit, ()) if e.is_call}
            layer = [u for u in above if u not in known and u not in self._asking and u.module.role is call.role]
            known |= set(layer)
        helpers = {e.unit for unit in known for e in self._core.graph.edges.get(unit, ()) if e.unit not in self._asking}
        yield from known | helpers

    # -- what one unit notices ---------------------------------------------------------------------------------

    def _of_unit(self, unit: Unit) -> frozenset[str]:
        found: set[str] = set()
        reads = [n for n in unit.parents if isinstance(n, code.Expression) and self._is_read(n, unit)]
        names = {t.id for n in reads for t in _kept(n, unit)}
        reads += [n for n in unit.parents if isinstance(n, code.Name) and n.id in names and n not in reads]
        for read in reads:
            found |= self._told(read, unit)
        for handler in unit.parents:
            if isinstance(handler, code.Handler):
                found |= self._caught(handler)
        return frozenset(found)

    def _is_read(self, node: code.Expression, unit: Unit) -> bool:
        match node:
            case code.Member(base=base, name=name):
                return name in self._names and not self._is_own(base, unit) and not _is_target(node, unit)
            case code.Index(base=base, key=code.Constant(value=str() as name)):
                return name in self._names and not _is_target(node, unit)
            case code.Call(function=code.Member(name="get"), arguments=[code.Constant(value=str() as name), *_]):
                return name in self._names
            case code.Call(function=code.Name(id="getattr"), arguments=[_, code.Constant(value=str() as name), *_]):
                return name in self._names
            case code.Name(id=name):
                return name in self._names and name not in self._common and not _is_target(node, unit)
            case _:
                return False

    def _is_own(self, base: code.Expression, unit: Unit) -> bool:
        """Whether a member belongs to an object of the repository: its own word, not a provider's."""
        if any(isinstance(n, code.Handler) and n.name == last_name(base) for n in unit.enclosing(base)):
            return True
        values = self._core.resolver.values(base, unit)
        return bool(values) and all(isinstance(v, Instance) for v in values)

    def _told(self, node: code.Expression, unit: Unit) -> set[str]:
        """What the place of a read tells apart."""
        name = _name_of(node)
        inner: code.Node = node
        for above in unit.enclosing(node):
            if isinstance(above, code.Operation) and above.operator in _COMPARISONS:
                return self._compared(above, inner, unit)
            if isinstance(above, code.Switch) and inner is above.subject:
                return {w for values, _, _ in above.cases for v in values for w in self._words(v, unit)} & {
                    CUT,
                    REFUSED,
                }
            if isinstance(above, code.Call) and last_name(above.function) in self._known.writing:
                return {LOGGED} if name not in self._common else set()
            if isinstance(above, code.If | code.Choice) and inner is above.test:
                return {self._known.telling[name]} if name in self._known.telling else set()
            if isinstance(above, code.Assign) and any(isinstance(t, code.Index | code.Member) for t in above.targets):
                return set()
            if isinstance(above, code.Statement):
                return set()
            inner = above
        return set()

    def _compared(self, e: code.Operation, read: code.Node, unit: Unit) -> set[str]:
        others = [o for o in e.operands if o is not read]
        words = {w for o in others for w in self._words(o, unit)}
        if not words:
            telling = self._known.telling.get(_name_of(read), "")
            return (
                {telling}
                if telling and any(isinstance(o, code.Constant) and o.value is None for o in others)
                else set()
            )
        branch = next((a for a in unit.enclosing(e) if isinstance(a, code.Statement)), None)
        if isinstance(branch, code.Loop) or (isinstance(branch, code.If) and _only_leaves(branch)):
            return {TOOLS}
        if "complete" in words:
            return {CUT, REFUSED}
        return words

    def _words(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        """The ends that an expression names: a word, several, or a member of an SDK's enumeration."""
        for value in self._core.resolver.values(expression, unit):
            match value:
                case Known(value=str() as word) if word in self._known.words:
                    yield self._known.words[word]
                case External(path) if path.rpartition(".")[2] in self._known.words:
                    yield self._known.words[path.rpartition(".")[2]]
                case Items(literal=code.Sequence(items=items), unit=owner):
                    for item in items[:20]:
                        if item is not expression:
                            yield from self._words(item, owner)
                case _:
                    if isinstance(expression, code.Member) and expression.name in self._known.words:
                        yield self._known.words[expression.name]

    def _caught(self, handler: code.Handler) -> set[str]:
        types = handler.type.items if isinstance(handler.type, code.Sequence) else [handler.type]
        return {self._known.errors[last_name(t)] for t in types if t is not None and last_name(t) in self._known.errors}

    # -- empty answers -----------------------------------------------------------------------------------------

    def _empty(self, call: ModelCall) -> set[str]:
        """Whether the code that asks tests the answer for being there, and does not go on with it if not."""
        if self._taint is None:
            return set()
        for unit in dict.fromkeys(unit for _, unit in call.runs):
            for branch in dict.fromkeys(unit.parents.values()):
                if isinstance(branch, code.If) and any(isinstance(s, code.Raise | code.Return) for s in branch.body):
                    tested = _missing(branch.test)
                    if tested is not None and any(m.origin is call for m in self._taint.found(tested, unit)):
                        return {EMPTY}
        return set()


def _missing(test: code.Expression) -> code.Expression | None:
    """What a test finds missing: `not x`, `x is None`, `len(x) == 0`; of several joined by `or`, the first."""
    match test:
        case code.Operation(operator="or", operands=operands):
            return next((m for o in operands if (m := _missing(o)) is not None), None)
        case code.Operation(operator="not", operands=[code.Name() | code.Member() | code.Index() as what]):
            return what
        case code.Operation(operator="not", operands=[code.Call(function=code.Member(base=what, name="strip"))]):
            return what
        case code.Operation(operator="is" | "==", operands=[what, code.Constant(value=None | "" | 0)]):
            if isinstance(what, code.Call) and last_name(what.function) == "len" and what.arguments:
                return what.arguments[0]
            return what
        case _:
            return None


def _kept(node: code.Expression, unit: Unit) -> Iterator[code.Name]:
    """The names that a read is kept under."""
    above = unit.parents.get(node)
    if isinstance(above, code.Assign) and above.value is node:
        yield from (t for t in above.targets if isinstance(t, code.Name))


def _name_of(node: code.Node) -> str:
    match node:
        case code.Member(name=name) | code.Name(id=name) | code.Index(key=code.Constant(value=str() as name)):
            return name
        case code.Call(arguments=arguments):
            return next((a.value for a in arguments if isinstance(a, code.Constant) and isinstance(a.value, str)), "")
        case _:
            return ""


def _is_target(node: code.Expression, unit: Unit) -> bool:
    above = unit.parents.get(node)
    return isinstance(above, code.Assign) and any(t is node for t in above.targets)


def _only_leaves(branch: code.If) -> bool:
    """Whether a branch does nothing but end a loop: the end of a stream, whatever the reason."""
    return not branch.otherwise and all(isinstance(s, code.Jump) for s in branch.body)
