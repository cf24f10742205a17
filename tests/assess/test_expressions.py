"""The language of checks: what an expression may say, and that a typo is an error when it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pytest

from readiness.assess.errors import ExpressionError
from readiness.assess.expressions import expression, message
from readiness.assess.spelling import Scope, check_message, kind_of
from readiness.facts.place import Place


class Owner(NamedTuple):
    team: str


@dataclass(frozen=True, slots=True)
class Timeout:
    seconds: float | None = None
    explicit: bool = False


@dataclass(frozen=True)
class Call:
    name: str
    line: int = 1
    timeout: Timeout = Timeout()
    fallback: Timeout | None = None
    owners: tuple[Owner, ...] = ()
    knobs: dict[str, Timeout] = field(default_factory=dict)
    extra: Any = None

    @property
    def place(self) -> Place:
        return Place("app.py", self.line, self.line)

    @property
    def title(self) -> str:
        return self.name.title()

    @cached_property
    def shortest(self) -> Timeout:
        return self.timeout

    def variant(self, name: str) -> Call:
        return Call(name)


@dataclass
class Facts:
    calls: list[Call] = field(default_factory=list)
    service: bool = True


SCOPE = Scope(Facts, {"call": Call})


@pytest.mark.parametrize(
    "source",
    [
        "service",
        "call.timeout.seconds is number and call.timeout.seconds <= 120",
        "call.fallback.seconds",
        "call.title.lower() in ('a', 'b')",
        "call.shortest.explicit",
        "call.variant('x').timeout.explicit",
        "call.owners[0].team == 'core'",
        "call.owners | map(attribute='team') | list",
        "(call.owners | first).team",
        "call.knobs.any_key.seconds",
        "call.knobs['any_key'].seconds",
        "call.knobs.get('x').seconds",
        "call.knobs.values() | selectattr('explicit')",
        "call.extra.whatever.it.says",
        "calls | selectattr('timeout.explicit') | rejectattr('owners') | list",
        "calls | selectattr('timeout.seconds', 'gt', 3) | map(attribute='name') | join(', ')",
        "(calls + [call]) | map(attribute='timeout.seconds') | max",
        "calls | sort(attribute='name,title') | length > 2",
        "call.timeout if service else call.fallback",
        "calls[1:] | selectattr('name', 'in', ['a'])",
    ],
)
def test_what_exists_can_be_said(source: str) -> None:
    kind_of(source, SCOPE)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("sevrice", "there is no `sevrice`; did you mean `service`?"),
        ("call.timeot", "Call has no `timeot`; did you mean `timeout`?"),
        ("not call.timeout.second", "Timeout has no `second`; did you mean `seconds`?"),
        ("call.fallback.secs", "Timeout has no `secs`"),
        ("call.name.seconds", "str has no `seconds`"),
        ("call.owners.team", "tuple has no `team`"),
        ("call.owners[0].tema", "Owner has no `tema`; did you mean `team`?"),
        ("call.variant('x').nam", "Call has no `nam`; did you mean `name`?"),
        ("call.knobs.any_key.explicitly", "Timeout has no `explicitly`"),
        ("call.knobs.get('x').explicitly", "Timeout has no `explicitly`"),
        ("call.timeout.explict is defined", "Timeout has no `explict`"),
        ("calls | selectattr('timeot')", "Call has no `timeot`"),
        ("calls | selectattr('timeout.explict') | list", "Timeout has no `explict`"),
        ("calls | rejectattr('nam', 'eq', 'a')", "Call has no `nam`"),
        ("calls | map(attribute='timeout.explict')", "Timeout has no `explict`"),
        ("calls | map(attribute='owners') | first | map(attribute='tema')", "Owner has no `tema`"),
        ("(calls | selectattr('service'))", "Call has no `service`"),
        ("calls | sort(attribute='nane')", "Call has no `nane`"),
        ("(calls | first).nane", "Call has no `nane`"),
        ("calls | selectattr(call.name)", "must be written as a text"),
        ("service | selectattr('x')", "needs a list, but bool is none"),
        ("call.owners | map(attribute='team') | map(attribute='x')", "str has no `x`"),
        ("(service and call.timeout).explict", "has no `explict`"),
        ("[call.timeout] | map(attribute='explict')", "Timeout has no `explict`"),
        ("call.timeout.seconds is numbr", "there is no test `numbr`; did you mean `number`?"),
        ("calls | selectattr('name', 'equals', 'a')", "there is no test `equals`"),
        ("calls | frist", "there is no filter `frist`; did you mean `first`?"),
        ("calls | map('uper')", "did you mean `upper`?"),
        ("call.__class__", "`__class__` is private"),
        ("range(3)", "there is no `range`"),
        ("call.timeout <", "does not compile"),
        ("", "is not one expression"),
        ("service }} {{ service", "does not compile"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_suggestion(source: str, complaint: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        kind_of(source, SCOPE)
    assert complaint in str(refusal.value)


def test_messages_follow_types_into_loops() -> None:
    check_message(
        "{% for owner in call.owners %}{{ owner.team }}{% if not loop.last %}, {% endif %}{% endfor %}", SCOPE
    )
    with pytest.raises(ExpressionError, match="Owner has no `tema`"):
        check_message("{% for owner in call.owners %}{{ owner.tema }}{% endfor %}", SCOPE)
    with pytest.raises(ExpressionError, match="`call` hides another"):
        check_message("{% for call in calls %}{{ call.name }}{% endfor %}", SCOPE)
    with pytest.raises(ExpressionError, match="there is no `nobody`"):
        check_message("{% if nobody %}x{% endif %}", SCOPE)
    with pytest.raises(ExpressionError, match="a message cannot use"):
        check_message("{% include 'x' %}", SCOPE)


def test_an_expression_reads_facts_and_what_is_bound() -> None:
    facts = Facts([Call("a", timeout=Timeout(3, True)), Call("b")])
    assert expression("calls | selectattr('timeout.explicit') | map(attribute='name') | first")(facts) == "a"
    assert expression("call.name == 'c' and service")(facts, call=Call("c")) is True
    assert message("{% for one in calls %}{{ loop.index }}{{ one.name }} {% endfor %}")(facts) == "1a 2b"
    assert message("{{ call.name }}:\n  {{ 'slow' if service }}")(facts, call=Call("c")) == "c: slow"


def test_an_empty_selection_is_false_wherever_it_stands() -> None:
    nothing = Facts([Call("a")])
    for lazy in ("selectattr('timeout.explicit')", "select('none')", "rejectattr('name')", "map(attribute='name')"):
        assert not expression(f"(calls | rejectattr('name') | {lazy}) and service")(nothing)
        assert expression(f"not (calls | rejectattr('name') | {lazy})")(nothing)


def test_a_comparison_with_nothing_is_an_error_not_a_verdict() -> None:
    with pytest.raises(ExpressionError, match="TypeError"):
        expression("call.timeout.seconds <= 3")(Facts(), call=Call("a"))
    with pytest.raises(ExpressionError, match="UndefinedError"):
        expression("call.fallback.seconds < 3")(Facts(), call=Call("a"))
    with pytest.raises(ExpressionError, match="no value"):
        expression("calls | first")(Facts())


def test_the_sandbox_holds() -> None:
    with pytest.raises(ExpressionError):
        expression("call.extra.__class__.__mro__")(Facts(), call=Call("a", extra=[]))
    with pytest.raises(ExpressionError):
        expression("call.extra.append(1)")(Facts(), call=Call("a", extra=[]))
