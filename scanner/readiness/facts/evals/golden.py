"""Evaluation sets: inputs with what is expected of them, in the repository or pinned by reference.

ML Test Score, Model 6 and Infra 4, and NIST AI 600-1 (MEASURE) ask for one. Records count when their fields say both
what goes in and what should come out, and when they serve evaluation: by where they lie, or by what loads them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.extract.records import REFERENCE_TURN, Records
from readiness.facts.core import Core
from readiness.facts.evals.dvc import dvc_files
from readiness.facts.evals.eval_metrics import is_evaluation
from readiness.facts.evals.eval_tools import CaseShape, Remote, load_eval_tools
from readiness.facts.evals.evals import Evals
from readiness.facts.evals.golden_labels import label_names
from readiness.facts.evals.promptfoo import promptfoo_configurations
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Place
from readiness.repository.tree import Role

SHARE = 0.8
"""At least this share of the records must have both fields."""

MAX_SETTINGS = 200
"""Files of an evaluation folder that are looked through for the names of data."""

_EVAL_PATH = re.compile(r"(?:^|/)(?:[\w-]*evals?|evaluations?|[\w-]*golden[\w-]*|benchmarks?)(?:/|$)", re.I)
_EVAL_NAME = re.compile(
    r"golden|(?:^|[_-])evals?(?:[_-]|$)|evaluation|ground[_-]?truth|test[_-]?set|test[_-]?cases|qa[_-]pairs", re.I
)
_TEST_SPLIT = re.compile(r"(?:^|[_.-])(?:test|holdout|hold[_-]?out|validation|valid|eval|golden)(?:[_.-]|$)", re.I)
_TRANSLATIONS = re.compile(r"(?:^|/)(?:locales?|i18n|translations?|lang(?:uages?)?|l10n)(?:/|$)", re.I)
_TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".json", ".pkl", ".feather", ".npz")
_DVC = re.compile(r"\.dvc$")


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """One evaluation set.

    `source`: "file", "promptfoo", "code", "remote" or "split". `count` is None where the records are not in the
    repository. `referenced`: evaluation or test code, or a configuration of an evaluation tool, reads it. `versioned`:
    what is read tomorrow is what is read today. `seeded`: a split made again with a fixed seed.
    """

    place: Place
    text: str
    source: str
    count: int | None
    referenced: bool = True
    versioned: bool = True
    seeded: bool = False

    @property
    def counts(self) -> int:
        """The records that can be relied upon; a pinned remote set is taken to be large enough."""
        if not (self.referenced and self.versioned) or self.source == "split":
            return 0
        return 20 if self.count is None else self.count

    @property
    def why(self) -> str:
        """What is missing, in words; "" when nothing is."""
        if self.source == "split":
            return "the test split is made again by every training run"
        if not self.versioned:
            return "it lives elsewhere and no version of it is pinned"
        if not self.referenced:
            return "no evaluation reads it"
        return f"it has {self.count} records; 20 are the least that tell anything" if self.counts < 20 else ""


@dataclass(frozen=True, slots=True)
class Golden:
    """All evaluation sets of the repository."""

    sets: tuple[GoldenSet, ...] = ()

    @property
    def usable(self) -> tuple[GoldenSet, ...]:
        """The sets that are read and stay the same."""
        return tuple(s for s in self.sets if s.counts)

    @property
    def records(self) -> int:
        """The records of those sets."""
        return sum(s.counts for s in self.usable)


def find_golden(core: Core, evals: Evals) -> Golden:
    """The evaluation sets of a linked program."""
    finder = _Finder(core, evals)
    found = [
        *finder.files(),
        *finder.configured(),
        *finder.in_code(),
        *finder.remote(),
        *finder.splits(),
        *finder.pinned(),
    ]
    return Golden(tuple(sorted(found, key=lambda s: s.place)))


class _Finder:
    def __init__(self, core: Core, evals: Evals) -> None:
        self._core, self._tools = core, load_eval_tools()
        self._suites = frozenset(s.path for s in evals.suites)
        self._texts: dict[str, list[tuple[ModuleInfo, Unit]]] = {}
        self._units: dict[ModuleInfo, list[Unit]] = defaultdict(list)
        self._settings = [
            (path, text)
            for path, text in core.observations.sources.items()
            if (path.endswith((".yaml", ".yml", ".toml", ".sh")) and _EVAL_PATH.search(path.rpartition("/")[0]))
            or (path.endswith((".sh", "Makefile", "makefile", "justfile")) and any(s in text for s in self._suites))
        ][:MAX_SETTINGS]
        for unit in core.program.units:
            self._units[unit.module].append(unit)
            for node in _strings(unit):
                for name in _file_names(node):
                    self._texts.setdefault(name, []).append((unit.module, unit))
        self._configurations = list(promptfoo_configurations(core.observations))
        self._labels = label_names(core)

    def _is_eval(self, module: ModuleInfo) -> bool:
        return is_evaluation(module) or module.path in self._suites

    # -- files -------------------------------------------------------------------------------------------------

    def files(self) -> Iterator[GoldenSet]:
        """Files of records with an input and an expectation, that evaluations read."""
        configured = {c.place.path for c in self._configurations}
        for path, records in self._core.observations.records.items():
            file = self._core.observations.files.get(path)
            if path in configured or file is None or file.role in (Role.VENDORED, Role.ARCHIVED, Role.NOTEBOOK):
                continue
            if _TRANSLATIONS.search(path) or not self._has_both(path, records) or self._is_corpus(path):
                continue
            readers = self._readers(path)
            evaluated = any(self._is_eval(m) for m, _ in readers) or self._is_configured(path)
            at_home = bool(_EVAL_PATH.search(path.rpartition("/")[0]) or _EVAL_NAME.search(PurePosixPath(path).stem))
            held_out = self._is_split(path) and any(m.role is Role.TEST for m, _ in readers)
            if evaluated or at_home or held_out:
                yield GoldenSet(
                    Place(path, records.line, records.end_line),
                    f"{records.count} records",
                    "file",
                    records.count,
                    referenced=evaluated or any(m.role is Role.TEST for m, _ in readers),
                )

    def _has_both(self, path: str, records: Records) -> bool:
        least = records.count * SHARE
        keys = {key.lower().strip() for key, n in records.keys.items() if n >= least and n}
        if records.count < 1:
            return False
        if REFERENCE_TURN.lower() in keys or (keys & self._tools.input_keys and self._tools.expects(keys)):
            return True
        # Features of a prediction model have names of their own: there the split's name and the label tell.
        own = {key for key, n in records.keys.items() if n >= least and n}
        labelled = bool(own & self._labels) or self._tools.expects(keys)
        return (
            labelled and len(own) > 1 and records.kind == "csv" and bool(_TEST_SPLIT.search(PurePosixPath(path).stem))
        )

    def _readers(self, path: str) -> list[tuple[ModuleInfo, Unit]]:
        """The code that names a file, or the folder it lies in where a folder of cases is read."""
        pure = PurePosixPath(path)
        found = list(self._texts.get(pure.name, ())) or list(self._texts.get(pure.stem, ()))
        found += [reader for module, unit in tuple(found) for reader in self._by_setting(unit, pure.name)]
        if found or len(pure.parts) < 2:
            return found
        folder = pure.parts[-2]
        return [(m, u) for m, u in self._texts.get(folder, ()) if m.role in (Role.EVAL, Role.TEST)]

    def _by_setting(self, unit: Unit, name: str) -> Iterator[tuple[ModuleInfo, Unit]]:
        """The code that reads the setting a file's name is the default of: `ROWS: Path = Path("data/x.json")`."""
        if unit.function is not None or unit.owner is None:
            return
        for setting, bindings in unit.bindings.items():
            nodes = [n for b in bindings if b.value is not None for n in code.walk(b.value)]
            if any(isinstance(n, code.Constant) and name in _file_names(str(n.value)) for n in nodes):
                yield from self._members.get(setting, ())

    @cached_property
    def _members(self) -> dict[str, list[tuple[ModuleInfo, Unit]]]:
        """Where members of each name are read."""
        found: dict[str, list[tuple[ModuleInfo, Unit]]] = defaultdict(list)
        for unit in self._core.program.units:
            for member in dict.fromkeys(n.name for n in unit.parents if isinstance(n, code.Member)):
                found[member].append((unit.module, unit))
            for decorator in unit.function.decorators if unit.function is not None else ():
                for node in code.walk(decorator):
                    if isinstance(node, code.Member):
                        found[node.name].append((unit.module, unit))
        return found

    def _is_configured(self, path: str) -> bool:
        """Whether a configuration of an evaluation tool, or a file of the evaluation folder, names it."""
        name = PurePosixPath(path).name
        if any(f.rpartition("/")[2] == name for c in self._configurations for f in c.files):
            return True
        if any(other != path and name in text for other, text in self._settings):
            return True
        return any(name in command.text for _, command in self._core.ci.commands)

    def _is_corpus(self, path: str) -> bool:
        """Whether the records reach an index or a prompt: whoever names the file builds one, or serves with it."""
        readers = self._readers(path)
        if any(self._builds_index(u) for _, u in readers):
            return True
        serving = any(m.role is Role.SERVING and m.path not in self._suites for m, _ in readers)
        return serving and not any(self._is_eval(m) for m, _ in readers) and not self._is_split(path)

    def _is_split(self, path: str) -> bool:
        """A test split that training code reads too is still one."""
        return path.endswith((".csv", ".tsv")) and bool(_TEST_SPLIT.search(PurePosixPath(path).stem))

    def _builds_index(self, unit: Unit) -> bool:
        around = [unit, *(e.unit for e in self._core.graph.edges.get(unit, ()) if e.unit.module is unit.module)]
        for one in around:
            for call in one.calls:
                if last_name(call.function) in self._tools.builder_methods:
                    return True
                if last_name(call.function) in ("Document", "TextNode"):
                    values = self._core.resolver.values(call.function, one)[:2]
                    if any(isinstance(v, External) and self._tools.index_builders.fullmatch(v.path) for v in values):
                        return True
        return False

    def configured(self) -> Iterator[GoldenSet]:
        """The cases of promptfoo configurations."""
        for one in self._configurations:
            if one.cases and one.checked >= one.cases * SHARE:
                yield GoldenSet(one.place, f"{one.cases} promptfoo tests", "promptfoo", one.cases)

    # -- code --------------------------------------------------------------------------------------------------

    def in_code(self) -> Iterator[GoldenSet]:
        """Cases written in evaluation or test code: constructors of a tool's cases, or literal records."""
        for module in self._core.program.modules.values():
            if module.role is not Role.TEST and not self._is_eval(module):
                continue
            units = self._units[module]
            cases = [(c, u) for u in units for c in u.calls if self._is_case(c, u)]
            if cases:
                first, unit = cases[0]
                yield GoldenSet(unit.at(first), f"{len(cases)} cases in code", "code", len(cases))
            elif self._is_eval(module):
                yield from self._literals(units)

    def _is_case(self, call: code.Call, unit: Unit) -> bool:
        if any(isinstance(n, code.Comprehension | code.Loop) for n in unit.enclosing(call)):
            return False  # built from records that lie elsewhere
        for value in self._core.resolver.values(call.function, unit)[:2]:
            if isinstance(value, External):
                shape = next((s for s in self._tools.cases if s.symbols.fullmatch(value.path)), None)
                if shape is not None:
                    return _gives(call, shape, shape.input) and _gives(call, shape, shape.expectation)
        return False

    def _literals(self, units: Iterable[Unit]) -> Iterator[GoldenSet]:
        for unit in units:
            for bindings in unit.bindings.values():
                for binding in bindings:
                    value = binding.value
                    if isinstance(value, code.Sequence) and binding.how == "value" and value.items:
                        records = [i for i in value.items if isinstance(i, code.Mapping) and self._is_record(i)]
                        if len(records) >= len(value.items) * SHARE:
                            yield GoldenSet(unit.at(value), f"{len(records)} cases in code", "code", len(records))

    def _is_record(self, mapping: code.Mapping) -> bool:
        keys = {str(k.value).lower() for k, _ in mapping.items if isinstance(k, code.Constant)}
        return bool(keys & self._tools.input_keys) and self._tools.expects(keys)

    # -- elsewhere ---------------------------------------------------------------------------------------------

    def remote(self) -> Iterator[GoldenSet]:
        """Evaluation sets that evaluation code reads from a service or a hub."""
        for call, unit, shape in self._matching(
            self._tools.remote_sets, (Role.EVAL, Role.TEST, Role.SERVING, Role.SCRIPT)
        ):
            if not self._is_eval(unit.module) and not (shape.anywhere and self._suites):
                continue
            if shape.data:
                given = call.keyword(shape.data)
                values = self._core.resolver.values(given, unit) if given is not None else ()
                if not any(isinstance(v, Known) and isinstance(v.value, str) for v in values):
                    continue
            pinned = any(call.keyword(name) is not None for name in shape.version)
            yield GoldenSet(unit.at(call), f"{last_name(call.function)}(...)", "remote", None, versioned=pinned)

    def splits(self) -> Iterator[GoldenSet]:
        """Splits that training or test code makes again, the same each time."""
        roles = (Role.SERVING, Role.SCRIPT, Role.TEST, Role.EVAL)
        for call, unit, shape in self._matching(self._tools.splits, roles):
            seeds = [s for name in shape.version if (s := call.keyword(name)) is not None]
            if seeds and not any(isinstance(s, code.Constant) and s.value is None for s in seeds):
                yield GoldenSet(
                    unit.at(call), f"{last_name(call.function)}(...) with a fixed seed", "split", None, seeded=True
                )

    def _matching(
        self, shapes: tuple[Remote, ...], roles: tuple[Role, ...]
    ) -> Iterator[tuple[code.Call, Unit, Remote]]:
        for unit in self._core.program.units:
            if unit.module.role not in roles and unit.module.path not in self._suites:
                continue
            for call in unit.calls:
                if not isinstance(call.function, code.Member | code.Name):
                    continue
                for value in self._core.resolver.values(call.function, unit)[:2]:
                    shape = next(
                        (s for s in shapes if isinstance(value, External) and s.symbols.fullmatch(value.path)), None
                    )
                    if shape is not None:
                        yield call, unit, shape
                        break

    def pinned(self) -> Iterator[GoldenSet]:
        """Sets that DVC tracks: the small file beside them holds their hash."""
        for path in self._core.observations.files:
            stem = PurePosixPath(_DVC.sub("", path)).stem
            if _DVC.search(path) and (_TEST_SPLIT.search(stem) or _EVAL_NAME.search(stem)):
                name = PurePosixPath(_DVC.sub("", path)).name
                yield GoldenSet(
                    Place(path, 1, 1), f"{name}, tracked by DVC", "remote", None, referenced=bool(self._texts.get(name))
                )
        yield from self._outputs()

    def _outputs(self) -> Iterator[GoldenSet]:
        """Splits that a stage of DVC writes once and another one reads: its lock file holds their hash."""
        for path, text in self._core.observations.sources.items():
            if PurePosixPath(path).name != "dvc.lock":
                continue
            written, read = dvc_files(text)
            for file in sorted(written & read):
                if _TEST_SPLIT.search(PurePosixPath(file).stem) and file.endswith(_TABLES):
                    yield GoldenSet(Place(path, 1, 1), f"{file}, tracked by DVC", "remote", None)


def _gives(call: code.Call, shape: CaseShape, names: tuple[str, ...]) -> bool:
    if any(call.keyword(name) is not None for name in names):
        return True
    positions = [shape.positional.index(n) for n in names if n in shape.positional]
    return any(position < len(call.arguments) for position in positions)


def _strings(unit: Unit) -> Iterator[str]:
    """The short texts of a unit, with those of its defaults."""
    roots: list[code.Node] = list(unit.body)
    if unit.function is not None:
        roots += [p.default for p in unit.function.parameters if p.default is not None]
    for statement in roots:
        if isinstance(statement, code.Function | code.Class):
            continue
        for node in _within(statement):
            if isinstance(node, code.Constant) and isinstance(node.value, str) and 2 < len(node.value) < 200:
                yield node.value


def _within(statement: code.Node) -> Iterator[code.Node]:
    stack = [statement]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(c for c in code.children(node) if not isinstance(c, code.Function | code.Class))


def _file_names(text: str) -> Iterator[str]:
    """The names a path in a text may mean: its last part, and the folder of a pattern (`cases/*.yaml`)."""
    parts = [p for p in text.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    if parts and " " not in parts[-1]:
        yield parts[-1].removeprefix("file:")
        if "*" in parts[-1] and len(parts) > 1:
            yield parts[-2]
