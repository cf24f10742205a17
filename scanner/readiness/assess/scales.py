"""What checks are measured by: layers from the bottom up, kinds of debt, and how a score becomes a grade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from readiness.assess.check import POINTS
from readiness.assess.yaml_file import Fields, read_yaml


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the stack and the question it answers."""

    name: str
    title: str
    question: str


@dataclass(frozen=True, slots=True)
class DebtKind:
    """One kind of work that can be owed."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade and the lowest score that earns it."""

    name: str
    least: float


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades, best first; a failed check of weight `cap_weight` allows none above `cap`."""

    steps: tuple[Grade, ...]
    cap: str
    cap_weight: str
    stack_threshold: float

    def of(self, score: float) -> str:
        """Return the grade of a score out of 100."""
        return next((step.name for step in self.steps if score >= step.least), self.steps[-1].name)

    def capped(self, grade: str) -> str:
        """Return the grade, or the cap when the grade is better."""
        order = [step.name for step in self.steps]
        return max(grade, self.cap, key=order.index)


def read_layers(path: Path) -> tuple[Layer, ...]:
    """Read `layers.yaml`, from the bottom layer up.

    Raises:
        CatalogueError: something is missing or misspelt.
    """
    entries = _entries(path, "layers", ("name", "title", "question"))
    return tuple(Layer(entry.text("name"), entry.text("title"), entry.text("question")) for entry in entries)


def read_debts(path: Path) -> tuple[DebtKind, ...]:
    """Read `debts.yaml`.

    Raises:
        CatalogueError: something is missing or misspelt.
    """
    entries = _entries(path, "debts", ("name", "title", "description"))
    return tuple(DebtKind(entry.text("name"), entry.text("title"), entry.text("description")) for entry in entries)


def read_grades(path: Path) -> Grades:
    """Read `grades.yaml`.

    Raises:
        CatalogueError: something is missing or misspelt, or the grades do not go down to 0.
    """
    fields = Fields(read_yaml(path), f"checks/{path.name}", ("grades", "cap", "stack_threshold"))
    entries = [Fields(entry, f"checks/{path.name}", ("grade", "from")) for entry in fields.items("grades")]
    steps = tuple(Grade(entry.text("grade"), entry.number("from")) for entry in entries)
    floors = [step.least for step in steps]
    if floors != sorted(set(floors), reverse=True) or floors[-1] != 0:
        raise fields.refuse("grades", "must go down, best grade first, and the last must begin at 0")
    cap = Fields(fields.mapping("cap"), f"checks/{path.name}, cap", ("weight", "grade"))
    grade = cap.one_of("grade", [step.name for step in steps])
    return Grades(steps, grade, cap.one_of("weight", POINTS), fields.number("stack_threshold"))


def _entries(path: Path, key: str, known: tuple[str, ...]) -> list[Fields]:
    fields = Fields(read_yaml(path), f"checks/{path.name}", (key,))
    entries = [Fields(entry, f"checks/{path.name}", known) for entry in fields.items(key)]
    names = [entry.text("name") for entry in entries]
    if len(names) != len(set(names)):
        raise fields.refuse(key, "a name is given twice")
    return entries
