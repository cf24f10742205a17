"""The catalogue loads complete checks, and refuses the others with a reason a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness import __version__
from readiness._resources import data_root
from readiness.assess.catalogue import load_catalogue
from readiness.assess.errors import CatalogueError
from readiness.assess.scales import read_debts, read_grades, read_layers
from readiness.facts.place import Place

Write = Callable[..., Path]
GONE = "GONE"
EXAMPLES = [{"verdict": "fail", "files": {"a.py": ""}}, {"verdict": "pass", "files": {"a.py": ""}, "shows": "x"}]


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    place: Place
    closed: bool = False
    alarmed: bool = False
    wired: bool = False
    width: float | None = None
    hinges: tuple[str, ...] = ()


@dataclass
class House:
    doors: list[Door] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    gate: bool = True


def test_a_complete_catalogue_loads(write_catalogue: Write) -> None:
    catalogue = load_catalogue(write_catalogue(), House)
    assert [check.name for check in catalogue.checks] == ["doors-closed", "alarm-rings"]
    assert [layer.name for layer in catalogue.layers] == ["ground", "roof"]
    doors, alarm = catalogue.checks
    assert doors.policy is not None and doors.policy.site_name == "door" and doors.policy.empty == "not-applicable"
    assert doors.fix == "none"
    assert alarm.policy is None and [rung.verdict for rung in alarm.rungs] == ["pass", "partial"]
    assert catalogue.check("alarm-rings") is alarm
    assert catalogue.check("alarm-sings") is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        *(
            ({key: value}, f"checks/ground/doors-closed.yaml, {key}: is ")
            for key in (
                "statement",
                "why",
                "remedy",
                "detection",
                "applies",
                "message",
                "since",
                "debt",
                "weight",
                "effort",
            )
            for value in (GONE, "")
        ),
        ({"why": "  \n"}, "why: is empty; write it"),
        ({"sources": GONE}, "sources: must be a list with at least one entry"),
        ({"sources": []}, "sources: must be a list with at least one entry"),
        ({"sources": [""]}, "sources: each entry must be text"),
        ({"since": 1.0}, "since: must be text, not float; put it in quotes"),
        ({"layer": "roof"}, "layer: `roof` is not the folder it lies in; move the file, or write ground"),
        ({"debt": "technicla"}, "debt: `technicla` is not one of governance, technical; did you mean `technical`?"),
        ({"weight": "huge"}, "weight: `huge` is not one of critical, high, low, medium"),
        ({"effort": "hour"}, "effort: `hour` is not one of days, hours, minutes; did you mean `hours`?"),
        ({"name": "doors-open"}, "name: `doors-open` is not the file's name; call the file doors-open.yaml"),
        ({"name": "Doors Closed"}, "name: `Doors Closed` must be lower-case words"),
        ({"remedi": "x"}, "remedi: no such field; did you mean `remedy`?"),
        ({"each": GONE}, "exactly one of the three says how the check is judged; there is none"),
        ({"worst": "doors"}, "exactly one of the three says how the check is judged; there are each and worst"),
        ({"as": GONE}, "as: is missing"),
        ({"as": "doors"}, "as: `doors` cannot name a site"),
        ({"as": "path"}, "as: `path` cannot name a site"),
        ({"pass": GONE}, "pass: is missing"),
        ({"pass": "door.closd"}, "pass: in `door.closd`: Door has no `closd`; did you mean `closed`?"),
        ({"partial": "width < 3"}, "partial: in `width < 3`: there is no `width`"),
        ({"unknown": "door.closed and"}, "unknown: `{{ (door.closed and"),
        ({"applies": "gates.llm"}, "applies: in `gates.llm`: there is no `gates`; did you mean `gate`?"),
        ({"message": "{{ door.nmae }}"}, "message: in `{{ door.nmae }}`: Door has no `nmae`; did you mean `name`?"),
        ({"message": "{{ door.name"}, "message: `{{ door.name` does not compile"),
        ({"message": "{{ path }}"}, "message: in `{{ path }}`: there is no `path`"),
        ({"each": "gate"}, "each: must be a list of facts, not bool"),
        ({"each": "names"}, "each: must be a list of facts, but str has no `place`"),
        ({"paths": "door.width"}, "paths: must be a list"),
        ({"paths": "door.hinges", "pass": "path.oiled"}, "pass: in `path.oiled`: str has no `oiled`"),
        ({"empty": "nothing"}, "empty: `nothing` is not one of"),
        ({"empty": "fail"}, "empty_message: is missing; say what is wrong when there is no site"),
        ({"implies": ["alarm-sings"]}, "implies: there is no other check `alarm-sings`; did you mean `alarm-rings`?"),
        ({"implies": ["doors-closed"]}, "implies: there is no other check `doors-closed`"),
        ({"fix": "Close It!"}, "fix: `Close It!` must be the name of a codemod"),
        ({"examples": GONE}, "examples: must be a list with at least one entry"),
        ({"examples": EXAMPLES[:1], "false_positives": ""}, "there is no example with verdict pass; add one"),
        ({"examples": EXAMPLES[1:]}, "there is no example with verdict fail; add one"),
        ({"examples": [{"verdict": "fial", "files": {"a": ""}}]}, "example 1, verdict: `fial` is not one of"),
        ({"examples": [{"verdict": "fail", "files": {}}]}, "example 1, files: must hold at least one"),
        ({"examples": [{"verdict": "fail", "files": {"../a": ""}}]}, "`../a` must be a path inside the example"),
        ({"examples": [{"verdict": "fail", "files": {"a": 1}}]}, "the content of a must be text"),
        ({"examples": [{"verdict": "fail", "file": {}}]}, "example 1, file: no such field; did you mean `files`?"),
        ({"false_positives": GONE}, "false_positives: is missing; say what it must not fire on"),
        (
            {"examples": [EXAMPLES[0], {"verdict": "pass", "files": {"a.py": ""}}]},
            "false_positives: are named but no example shows one",
        ),
    ],
)
def test_an_incomplete_check_is_refused(
    write_catalogue: Write, without: object, change: dict[str, Any], complaint: str
) -> None:
    root = write_catalogue({key: without if value == GONE else value for key, value in change.items()})
    with pytest.raises(CatalogueError) as refusal:
        load_catalogue(root, House)
    assert complaint in str(refusal.value)
    assert str(refusal.value).startswith("checks/ground/doors-closed.yaml")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"as": "door"}, "as: belongs to `each` and `worst`; a check with rungs has no sites"),
        ({"rungs": []}, "rungs: must be a list with at least one entry"),
        ({"rungs": [{"verdict": "fail", "when": "doors"}]}, "rungs: no rung is a pass"),
        ({"rungs": [{"verdict": "pass", "when": "doros"}]}, "rung 1, when: in `doros`: there is no `doros`"),
        ({"rungs": [{"verdict": "pass", "if": "doors"}]}, "rung 1, if: no such field"),
        ({"rungs": [{"verdict": "partial", "when": "doors"}]}, "rung 1, message: is missing"),
        ({"rungs": [{"verdict": "pas", "when": "doors"}]}, "did you mean `pass`?"),
        (
            {"rungs": [{"verdict": "partial", "when": "doors", "message": "{{ (found | first).nam }}"}]},
            "rung 1, message: in `{{ (found | first).nam }}`: Door has no `nam`",
        ),
    ],
)
def test_an_incomplete_ladder_is_refused(write_catalogue: Write, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        load_catalogue(write_catalogue(rungs=change), House)
    assert complaint in str(refusal.value)


def test_every_refused_file_is_named_at_once(write_catalogue: Write) -> None:
    with pytest.raises(CatalogueError) as refusal:
        load_catalogue(write_catalogue({"why": ""}, {"remedy": ""}), House)
    assert [problem.split(":")[0] for problem in refusal.value.problems] == [
        "checks/ground/doors-closed.yaml, why",
        "checks/roof/alarm-rings.yaml, remedy",
    ]


def test_yaml_that_loses_a_value_is_refused(write_catalogue: Write) -> None:
    root = write_catalogue()
    path = root / "checks" / "ground" / "doors-closed.yaml"
    path.write_text(path.read_text() + "why: again\n")
    with pytest.raises(CatalogueError, match="`why` is given twice"):
        load_catalogue(root, House)
    path.write_text("why: [")
    with pytest.raises(CatalogueError, match=r"checks/ground/doors-closed\.yaml: is not valid YAML"):
        load_catalogue(root, House)
    path.write_text("- a list")
    with pytest.raises(CatalogueError, match="must hold keys and values"):
        load_catalogue(root, House)


def test_checks_in_a_folder_of_no_layer_are_not_left_out_in_silence(write_catalogue: Write) -> None:
    root = write_catalogue()
    (root / "checks" / "knowledge").mkdir()
    (root / "checks" / "knowledge" / "facts.yaml").write_text("a: 1")
    load_catalogue(root, House)
    (root / "checks" / "grounds").mkdir()
    (root / "checks" / "grounds" / "x.yaml").write_text("a: 1")
    with pytest.raises(CatalogueError, match="there is no layer `grounds`; did you mean `ground`"):
        load_catalogue(root, House)


def test_grades_must_go_down_to_nothing(write_catalogue: Write) -> None:
    scale = {"cap": {"weight": "critical", "grade": "A"}, "stack_threshold": 70}
    for grades in ([{"grade": "A", "from": 90}], [{"grade": "F", "from": 0}, {"grade": "A", "from": 90}]):
        with pytest.raises(CatalogueError, match=r"grades\.yaml, grades: must go down"):
            load_catalogue(write_catalogue(scales={"grades.yaml": {"grades": grades, **scale}}), House)


def test_the_ruler_tells_one_catalogue_from_another(write_catalogue: Write) -> None:
    root = write_catalogue()
    ruler = load_catalogue(root, House).ruler
    assert ruler.version == __version__
    assert ruler.hash.startswith("sha256:") and len(ruler.hash) == 71
    assert load_catalogue(root, House).ruler == ruler
    knowledge = root / "checks" / "knowledge" / "models.yaml"
    knowledge.parent.mkdir()
    knowledge.write_text("a: 1")
    changed = load_catalogue(root, House).ruler.hash
    assert changed != ruler.hash
    knowledge.rename(knowledge.with_name("model.yaml"))
    assert load_catalogue(root, House).ruler.hash not in (changed, ruler.hash)


def test_the_scales_that_ship_are_those_of_the_design() -> None:
    folder = data_root() / "checks"
    assert [layer.name for layer in read_layers(folder / "layers.yaml")] == [
        "model-capability",
        "input-resilience",
        "integration-reliability",
        "safety-governance",
        "observability",
        "scalability-cost",
    ]
    assert {debt.name for debt in read_debts(folder / "debts.yaml")} == {
        "technical",
        "operational",
        "evaluation",
        "integration",
        "governance",
    }
    grades = read_grades(folder / "grades.yaml")
    assert [grades.of(score) for score in (90, 89.9, 75, 60, 40, 39.9)] == ["A", "B", "B", "C", "D", "F"]
    assert [grades.capped(grade) for grade in "ABCDF"] == ["C", "C", "C", "D", "F"]
    assert (grades.cap_weight, grades.stack_threshold) == ("critical", 70)
