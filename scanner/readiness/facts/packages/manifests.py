"""What a repository says it needs: declared distributions, from every manifest that can declare them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.code import Assign, Call, Constant, Expression, Mapping, Module, Name, Sequence, walk
from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.extract.requirements import Requirement, is_exact, normalise, parse_requirement
from readiness.facts.place import Place
from readiness.repository.tree import Role

_SIDE = re.compile(
    r"(?:^|[-_./])(?:dev(?:elop|elopment)?|tests?|testing|docs?|lint|ci|typing|type|typechecking|format|build|release|"
    r"research|notebooks?|bench(?:marks?)?|evals?|tox|local|examples?)(?:$|[-_./])",
    re.IGNORECASE,
)
_CARET = re.compile(r"\^\s*v?([0-9]+(?:\.[0-9]+)*)")
_TILDE = re.compile(r"~\s*(?!=)v?([0-9]+(?:\.[0-9]+)*)")
_CONDA = re.compile(r"(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)\s*((?:[=<>!~].*)?)")


@dataclass(frozen=True, slots=True)
class Declared:
    """One distribution that a manifest asks for.

    `specifier` is in PEP 440 form (Poetry's `^1.2` and `~1.2` are translated); `group` names an optional group or
    extra, "" for what every installation gets. `runtime` is False for groups and files that serve development only.
    `exact` when one release or commit alone satisfies it; `url` when an address stands in for a release.
    """

    name: str
    specifier: str
    place: Place
    manifest: str
    group: str = ""
    runtime: bool = True
    exact: bool = False
    url: str = ""


def is_side(name: str) -> bool:
    """Whether a file's or group's name says that it serves development only (`dev`, `test`, `docs` …)."""
    return _SIDE.search(name) is not None


def declared(observations: Observations) -> tuple[Declared, ...]:
    """Every declared distribution, in the order of the manifests' paths and of their lines."""
    found: list[Declared] = []
    for path, file in observations.files.items():
        if file.role is Role.VENDORED:
            continue
        name = posixpath.basename(path)
        document = observations.document(path)
        if path in observations.requirements:
            found.extend(_requirements(observations, path))
        elif name == "pyproject.toml" and document is not None:
            found.extend(_pyproject(path, document))
        elif name == "Pipfile" and document is not None:
            found.extend(_pipfile(path, document))
        elif re.fullmatch(r"(?:conda[-_.])?env(?:ironment)?(?:[-_.][\w-]+)?\.ya?ml", name) and document is not None:
            found.extend(_environment(path, document))
        elif name == "setup.cfg" and path in observations.ini:
            found.extend(_setup_cfg(observations, path))
        elif name == "setup.py" and path in observations.modules:
            found.extend(_setup_py(path, observations.modules[path]))
    return tuple(found)


def _of(
    requirement: Requirement | None, path: str, line: int, end: int, group: str = "", runtime: bool = True
) -> Iterator[Declared]:
    if requirement is not None and (requirement.name or requirement.url):
        place = Place(path, line, end)
        yield Declared(
            requirement.name, requirement.specifier, place, path, group, runtime, requirement.pinned, requirement.url
        )


def _requirements(observations: Observations, path: str) -> Iterator[Declared]:
    if path.endswith(".in") and path[:-3] + ".txt" in observations.requirements:
        return  # What it asks for is compiled into the list beside it.
    if "constraint" in posixpath.basename(path).lower():
        return  # Constraints install nothing themselves.
    runtime = not is_side(path) and observations.files[path].role is Role.SERVING
    for requirement in observations.requirements[path].required:
        yield from _of(requirement, path, requirement.line, requirement.end_line, runtime=runtime)


def _pyproject(path: str, document: Located) -> Iterator[Declared]:
    yield from _list(path, document.get("project", "dependencies"))
    for group, items in document.items("project", "optional-dependencies"):
        yield from _list(path, items, group, runtime=not is_side(group))
    for group, items in document.items("dependency-groups"):
        yield from _list(path, items, group, runtime=False)
    yield from _table(path, document.get("tool", "poetry", "dependencies"))
    yield from _table(path, document.get("tool", "poetry", "dev-dependencies"), "dev", runtime=False)
    for group, items in document.items("tool", "poetry", "group"):
        yield from _table(path, items.get("dependencies"), group, runtime=not is_side(group))
    for group, items in document.items("tool", "pdm", "dev-dependencies"):
        yield from _list(path, items, group, runtime=False)


def _list(path: str, items: Located | None, group: str = "", runtime: bool = True) -> Iterator[Declared]:
    for item in items.elements() if items is not None else ():
        if isinstance(item.value, str):
            yield from _of(parse_requirement(item.value), path, item.line, item.end_line, group, runtime)


def _table(path: str, table: Located | None, group: str = "", runtime: bool = True) -> Iterator[Declared]:
    """Poetry's and Pipenv's tables: name -> version, or a table with `version`, `git`, `path`."""
    for name, entry in table.items() if table is not None else ():
        if name == "python":
            continue
        written = entry.value if isinstance(entry.value, str) else entry.text("version") or ""
        specifier = _pep440(written)
        url = next((text for key in ("git", "url", "path", "file") if (text := entry.text(key))), "")
        exact = is_exact(specifier) or bool(url and (entry.text("rev") or entry.text("ref") or not entry.text("git")))
        place = Place(path, entry.line, entry.end_line)
        yield Declared(normalise(name), specifier, place, path, group, runtime, exact, url)


def _pipfile(path: str, document: Located) -> Iterator[Declared]:
    yield from _table(path, document.get("packages"))
    yield from _table(path, document.get("dev-packages"), "dev", runtime=False)


def _environment(path: str, document: Located) -> Iterator[Declared]:
    for item in document.elements("dependencies"):
        for inner in item.elements("pip"):
            if isinstance(inner.value, str):
                yield from _of(parse_requirement(inner.value), path, inner.line, inner.end_line)
        match = _CONDA.fullmatch(item.value) if isinstance(item.value, str) else None
        if match is not None and normalise(match[1]) not in ("python", "pip"):
            # conda's `name=1.2=build` pins; `name=1.2` admits 1.2.*.
            written = match[2].strip()
            single = re.fullmatch(r"=([^=]+)(=[^=]+)?", written)
            specifier = (f"=={single[1]}" if single[2] else f"=={single[1]}.*") if single else written
            exact = is_exact(specifier) or bool(single and single[1].count(".") >= 2)
            place = Place(path, item.line, item.end_line)
            yield Declared(normalise(match[1]), specifier, place, path, "", not is_side(path), exact)


def _setup_cfg(observations: Observations, path: str) -> Iterator[Declared]:
    sections = observations.ini[path]
    install = sections.get("options", {}).get("install_requires")
    settings = [("", install)] if install is not None else []
    settings.extend(sections.get("options.extras_require", {}).items())
    for group, setting in settings:
        lines = setting.value.split("\n")
        for index, text in enumerate(lines):
            line = min(setting.line + index, setting.end_line)
            yield from _of(parse_requirement(text), path, line, line, group, not is_side(group))


def _setup_py(path: str, module: Module) -> Iterator[Declared]:
    """`install_requires` and `extras_require` of `setup(…)` where they are literal, also through one name."""
    names = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, Assign) and statement.value is not None
        for target in statement.targets
        if isinstance(target, Name)
    }
    for node in walk(module.body):
        if not isinstance(node, Call):
            continue
        yield from _literals(path, _named(node.keyword("install_requires"), names))
        extras = _named(node.keyword("extras_require"), names)
        for key, value in extras.items if isinstance(extras, Mapping) else ():
            if isinstance(key, Constant) and isinstance(key.value, str):
                yield from _literals(path, _named(value, names), key.value)


def _named(value: Expression | None, names: dict[str, Expression]) -> Expression | None:
    return names.get(value.id) if isinstance(value, Name) else value


def _literals(path: str, value: Expression | None, group: str = "") -> Iterator[Declared]:
    for item in value.items if isinstance(value, Sequence) else ():
        if isinstance(item, Constant) and isinstance(item.value, str):
            requirement = parse_requirement(item.value)
            yield from _of(requirement, path, item.line, item.end_line, group, not is_side(group))


def _pep440(written: str) -> str:
    """Poetry's version constraint as a PEP 440 specifier; alternatives (`||`) are left to the first one."""
    text = written.split("||", maxsplit=1)[0].strip()
    if text in ("", "*"):
        return ""
    clauses = []
    for clause in re.split(r"[,\s]+(?=[\^~<>=!0-9v])", text):
        bare = clause.strip()
        if (caret := _CARET.fullmatch(bare)) is not None:
            clauses.append(f">={caret[1]},<{_next(caret[1], _caret_position(caret[1]))}")
        elif (tilde := _TILDE.fullmatch(bare)) is not None:
            clauses.append(f">={tilde[1]},<{_next(tilde[1], 1 if '.' in tilde[1] else 0)}")
        elif re.fullmatch(r"v?[0-9][\w.+*!-]*", bare):
            clauses.append(f"=={bare}")
        else:
            clauses.append(bare)
    return ",".join(clauses)


def _caret_position(version: str) -> int:
    """Which part `^` keeps: the first one that is not zero, else the last."""
    parts = version.split(".")
    return next((index for index, part in enumerate(parts) if int(part)), len(parts) - 1)


def _next(version: str, position: int) -> str:
    parts = [int(part[:9]) for part in version.split(".")]
    return ".".join(str(part) for part in [*parts[:position], parts[position] + 1])
