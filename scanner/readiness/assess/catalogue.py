"""The catalogue: every check, the layers, debts and grades they are measured by, and which version of it this is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from readiness._resources import data_root, version
from readiness.assess.accuracy import Accuracy, read_accuracy
from readiness.assess.assessment import Ruler
from readiness.assess.attesting import Claim, read_claims
from readiness.assess.check import Check
from readiness.assess.check_file import read_check
from readiness.assess.errors import CatalogueError
from readiness.assess.scales import DebtKind, Grades, Layer, read_debts, read_grades, read_layers
from readiness.assess.spelling import suggestion

KNOWLEDGE = "knowledge"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a repository is measured with. `checks` are ordered by layer from the bottom, then by name."""

    checks: tuple[Check, ...]
    layers: tuple[Layer, ...]
    debts: tuple[DebtKind, ...]
    grades: Grades
    ruler: Ruler
    accuracy: Accuracy = field(default_factory=Accuracy)
    """How often each check was right where somebody looked."""
    claims: tuple[Claim, ...] = ()
    """What no scanner can see, and owners may attest."""

    def check(self, name: str) -> Check | None:
        """Return the check that has or had that name, None when there is none."""
        current = self.names.get(name)
        return next((check for check in self.checks if check.name == current), None)

    @property
    def names(self) -> dict[str, str]:
        """Every name that a check has or had, with the name it has now."""
        former = {name: check.name for check in self.checks for name in check.formerly}
        return former | {check.name: check.name for check in self.checks}

    @property
    def attestable(self) -> dict[str, str]:
        """What may be attested, with its sentence: the claims, and every check (its control may lie elsewhere)."""
        statements = {check.name: check.statement for check in self.checks}
        return {claim.name: claim.title for claim in self.claims} | {
            name: statements[current] for name, current in self.names.items()
        }


def load_catalogue(root: Path | None = None, facts: type | None = None) -> Catalogue:
    """Read and verify `checks/` under `root`; by default the catalogue that ships with readiness, which is read once.

    Every expression is checked against the type `facts`, by default the facts that readiness gathers.

    Raises:
        CatalogueError: with every file that is incomplete or says something that does not exist.
    """
    vocabulary = facts or _facts()
    return _shipped(vocabulary) if root is None else _load(root / "checks", vocabulary)


@cache
def _shipped(vocabulary: type) -> Catalogue:
    return _load(data_root() / "checks", vocabulary)


def _load(folder: Path, vocabulary: type) -> Catalogue:
    layers = read_layers(folder / "layers.yaml")
    debts = read_debts(folder / "debts.yaml")
    grades = read_grades(folder / "grades.yaml")
    problems = _stray_folders(folder, layers)
    checks: list[Check] = []
    for layer in layers:
        for path in sorted((folder / layer.name).glob("*.y*ml")):
            try:
                checks.append(read_check(path, layer.name, {debt.name for debt in debts}, vocabulary))
            except CatalogueError as error:
                problems.extend(error.problems)
    if not problems:  # a check that was refused would be missed here a second time
        problems.extend(_dangling(checks))
        problems.extend(_taken(checks))
    if problems:
        raise CatalogueError(problems)
    accuracy = read_accuracy(folder / "accuracy.yaml", {check.name for check in checks})
    claims = read_claims(folder / "attestable.yaml") if (folder / "attestable.yaml").is_file() else ()
    ruler = Ruler(version(), content_hash(folder))
    return Catalogue(tuple(checks), layers, debts, grades, ruler, accuracy, claims)


def content_hash(folder: Path) -> str:
    """Return "sha256:…" over the path and bytes of every file under `folder`, knowledge included, hidden files not."""
    digest = hashlib.sha256()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files):
        if not any(part.startswith((".", "__pycache__")) for part in name.split("/")):
            content = files[name].read_bytes()
            digest.update(f"{len(name.encode())}:{name}{len(content)}:".encode())
            digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _facts() -> type:
    # Imported when needed: a catalogue can be read with another vocabulary, without the facts and all they import.
    from readiness.facts.facts import Facts

    return Facts


def _stray_folders(folder: Path, layers: Iterable[Layer]) -> list[str]:
    """Return a problem for each folder of checks that belongs to no layer: its checks would be left out in silence."""
    known = {layer.name for layer in layers}
    return [
        f"checks/{path.name}: there is no layer `{path.name}`{suggestion(path.name, known)}"
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in {*known, KNOWLEDGE} and any(path.glob("*.y*ml"))
    ]


def _taken(checks: list[Check]) -> list[str]:
    """Return a problem for each former name that is another's, or is used again."""
    seen = {check.name for check in checks}
    problems = []
    for check in checks:
        for name in check.formerly:
            if name in seen:
                problems.append(f"checks/{check.layer}/{check.name}.yaml, formerly: `{name}` names another check")
            seen.add(name)
    return problems


def _dangling(checks: list[Check]) -> list[str]:
    known = {check.name for check in checks}
    return [
        f"checks/{check.layer}/{check.name}.yaml, implies: there is no other check `{name}`{suggestion(name, known)}"
        for check in checks
        for name in check.implies
        if name not in known or name == check.name
    ]
