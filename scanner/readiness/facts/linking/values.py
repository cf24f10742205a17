"""What an expression can stand for, as far as reading tells."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.linking.units import ClassInfo, ModuleInfo, Unit


@dataclass(frozen=True, slots=True)
class Step:
    """One call on the way to an external value: the path called, the call, and the unit it stands in.

    `method` is the bare method name of a modifier (`bind`, `with_options`) and empty for other calls.
    """

    path: str
    call: code.Call
    unit: Unit
    method: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """Something from outside the repository, by its canonical path: `openai.OpenAI().chat.completions.create`.

    `()` stands for a call, `[]` for an item. `steps` are the calls on the way, first to last, modifiers included though
    they leave no trace in the path. `typed` tells that only an annotation says so: how it was built is not known.
    """

    path: str
    steps: tuple[Step, ...] = ()
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A value written in the repository. `variable` is the environment variable that may replace it, if any."""

    value: code.Scalar
    place: tuple[str, int]
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that only the environment gives: no default anywhere in the tree."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text with holes."""

    template: code.Expression
    unit: Unit


@dataclass(frozen=True, slots=True)
class Items:
    """A mapping, sequence or comprehension literal."""

    literal: code.Mapping | code.Sequence | code.Comprehension
    unit: Unit


@dataclass(frozen=True, slots=True)
class Pieces:
    """A sequence whose members are known, though no literal in the code says so: a text that was cut, a file's list."""

    members: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function of the repository; `receiver` is what a method is bound to."""

    unit: Unit
    receiver: Instance | None = None


@dataclass(frozen=True, slots=True)
class LambdaValue:
    """An unnamed function."""

    node: code.Lambda
    unit: Unit


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the repository."""

    info: ClassInfo


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the repository; `call` constructed it, None where only its type is known."""

    info: ClassInfo
    call: code.Call | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the repository."""

    info: ModuleInfo


@dataclass(frozen=True, slots=True)
class Generated:
    """What calling a generator function of the repository gives."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Pipe:
    """Runnables joined with `|`; each part with its alternatives."""

    parts: tuple[tuple[Value, ...], ...]
    expression: code.Expression
    unit: Unit


@dataclass(frozen=True, slots=True)
class Bound:
    """A callable with some arguments given (`functools.partial`)."""

    function: Value
    call: code.Call
    unit: Unit


@dataclass(frozen=True, slots=True)
class Unknown:
    """What reading cannot tell."""

    reason: str = ""


Value = (
    External
    | Known
    | Variable
    | Text
    | Items
    | Pieces
    | FunctionValue
    | LambdaValue
    | ClassValue
    | Instance
    | ModuleValue
    | Generated
    | Pipe
    | Bound
    | Unknown
)
Values = tuple[Value, ...]
"""Alternatives, the default first."""

NO_CALL = code.Call(0, 0, code.Name(0, 0, ""), [], [])
"""In a `Bound`, for a method whose arguments are still to come."""

MAX_ALTERNATIVES = 64
"""Alternatives kept of one expression; more is a registry, not a choice."""
