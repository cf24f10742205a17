"""Ways around a guard: branches that skip it because a setting is not there, and what the shipped default does."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.governance.credentials import Credentials
from readiness.facts.governance.turning_away import TurningAway, leaves
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, dotted
from readiness.facts.linking.values import External, Known, Variable

_PASSES = 3


class Switches:
    """Looks for branches that lead around a node of a unit."""

    def __init__(self, resolver: Resolver, credentials: Credentials, away: TurningAway) -> None:
        self._resolver, self._credentials, self._away = resolver, credentials, away
        self._escapes: dict[Unit, list[tuple[code.If, list[code.Node], str]]] = {}
        self._of_request: dict[Unit, frozenset[str]] = {}
        self._tests: dict[code.Expression, bool] = {}

    def around(self, unit: Unit, node: code.Node) -> str | None:
        """The setting without which a node is skipped, "" where nothing skips it.

        None where a caller who shows nothing is let past it: then it is no guard at all.
        """
        inner: code.Node = node
        above = list(unit.enclosing(node))
        if not above and node not in unit.body:
            return ""
        for outer in above:
            if isinstance(outer, code.If) and inner in (*outer.body, *outer.otherwise):
                is_then = inner in outer.body
                other = outer.otherwise if is_then else outer.body
                if not self._ends(other, unit) and not self._always(outer.test, unit, is_then):
                    if not self._is_setting(outer.test, unit):
                        is_question = inner is node and node in self._away.denials(unit)
                        presence = not is_question and self._is_presence(outer.test, unit)
                        if presence and not self._refuses_below(outer, unit):
                            return None
                    else:
                        return _written(outer.test)
            inner = outer
        return self._left_before(unit, node, above)

    def _left_before(self, unit: Unit, node: code.Node, above: list[code.Node]) -> str:
        """The setting whose absence ends the function before the node is reached."""
        if unit not in self._escapes:
            self._escapes[unit] = list(self._find_escapes(unit))
        for branch, around, setting in self._escapes[unit]:
            before = branch is not node and branch.line < node.line and branch not in above
            if before and all(outer in above for outer in around):
                return setting
        return ""

    def _find_escapes(self, unit: Unit) -> Iterator[tuple[code.If, list[code.Node], str]]:
        """The branches of a unit that end it for want of a setting: (the branch, what it stands in, the setting)."""
        for statement in (*unit.body, *unit.parents):
            if not isinstance(statement, code.If):
                continue
            for block, when in ((statement.body, True), (statement.otherwise, False)):
                passes = bool(block) and leaves(block) and not self._ends_in_denial(block, unit)
                optional = passes and self._is_setting(statement.test, unit)
                if optional and not self._always(statement.test, unit, not when):
                    yield statement, list(unit.enclosing(statement)), _written(statement.test)

    def _refuses_below(self, branch: code.If, unit: Unit) -> bool:
        """Whether what comes after a branch, without leaving, turns away who went around it."""
        return any(d.line > branch.end_line for d in self._away.denials(unit))

    def _ends(self, block: list[code.Statement], unit: Unit) -> bool:
        """Whether the other side of a branch turns away, or asks something else that does."""
        inside = {n for s in block for n in code.walk(s)}
        look = self._credentials.look(unit)
        return (
            any(isinstance(n, code.Raise) for n in inside)
            or any(d in inside for d in self._away.denials(unit))
            or any(c in inside for c in (*look.raising, *look.answering))
            or (leaves(block) and self._is_negative(block))
        )

    def _ends_in_denial(self, block: list[code.Statement], unit: Unit) -> bool:
        inside = {n for s in block for n in code.walk(s)}
        return any(isinstance(n, code.Raise) for n in inside) or any(d in inside for d in self._away.denials(unit)) \
            or self._is_negative(block)  # fmt: skip

    def _is_negative(self, block: list[code.Statement]) -> bool:
        """`return False`: whoever asked is told no."""
        last = block[-1]
        return isinstance(last, code.Return) and isinstance(last.value, code.Constant) and last.value.value is False

    def _is_setting(self, test: code.Expression, unit: Unit) -> bool:
        """Whether a test is about the configuration and not about the request."""
        known = self._tests.get(test)
        if known is None:
            look = self._credentials.look(unit)
            names = {n.id for n in code.walk(test) if isinstance(n, code.Name)}
            known = bool(names) and not names & self._asked_for(unit)
            if known and look.names:
                held = frozenset(look.names - self._settings(unit, look.names))
                known = not self._credentials.mentions(test, unit, held)
            self._tests[test] = known
        return known

    def _asked_for(self, unit: Unit) -> frozenset[str]:
        """The names of a unit that come with the request: its parameters, what is made of them, and what is around."""
        known = self._of_request.get(unit)
        if known is not None:
            return known
        names = {p.name for p in (unit.function.parameters if unit.function else ())} - {"self", "cls"}
        outer = unit.parent
        if outer is not None and outer.function is not None:
            names |= self._asked_for(outer) | set(outer.bindings)
        for _ in range(_PASSES):
            before = len(names)
            for name, bindings in unit.bindings.items():
                if name not in names and any(b.value is not None and _uses(b.value, names) for b in bindings):
                    names.add(name)
            if len(names) == before:
                break
        known = self._of_request[unit] = frozenset(names)
        return known

    def _settings(self, unit: Unit, names: frozenset[str]) -> set[str]:
        """Names that sound like a credential and hold a configured one: `webhook_secret = settings.webhook_secret`."""
        return {
            name
            for name in names
            for b in unit.bindings.get(name, ())
            if b.value is not None and not self._credentials.mentions(b.value, unit, frozenset())
        }

    def _is_presence(self, test: code.Expression, unit: Unit) -> bool:
        """Whether a test only asks if there is a credential at all."""
        look = self._credentials.look(unit)
        return self._credentials.mentions(test, unit, look.names)

    def _always(self, test: code.Expression, unit: Unit, wanted: bool) -> bool:
        """Whether a test comes out as wanted by what the repository ships."""
        return self._truth(test, unit) is wanted

    def _truth(self, test: code.Expression, unit: Unit) -> bool | None:
        match test:
            case code.Operation(operator="not", operands=[operand]):
                inner = self._truth(operand, unit)
                return None if inner is None else not inner
            case code.Operation(operator="and" | "or" as operator, operands=operands):
                each = [self._truth(o, unit) for o in operands]
                decided = operator == "or"
                return decided if decided in each else None if None in each else not decided
            case code.Operation(
                operator="is" | "==" | "is not" | "!=" as operator, operands=[left, code.Constant(value=value)]
            ):
                known = self._known(left, unit)
                return None if known is None else (known.value == value) is (operator in ("is", "=="))
            case _:
                known = self._known(test, unit)
                return None if known is None else bool(known.value)

    def _known(self, expression: code.Expression, unit: Unit) -> Known | None:
        """The value by default; a variable that nothing sets is nothing."""
        first = self._resolver.values(expression, unit)[0]
        if isinstance(first, Variable):
            return Known(None, (unit.module.path, expression.line), first.name)
        if isinstance(first, External):
            return None
        return first if isinstance(first, Known) else None


def _uses(expression: code.Expression, names: set[str]) -> bool:
    return any(isinstance(n, code.Name) and n.id in names for n in code.walk(expression))


def _written(test: code.Expression) -> str:
    """The setting a test is about, as written: `settings.AUTH_SECRET`."""
    for node in code.walk(test):
        name = dotted(node) if isinstance(node, code.Member | code.Name) else ""
        if name and not name.endswith((".get", ".lower")):
            return name.removeprefix("self.")
    return "a setting"
