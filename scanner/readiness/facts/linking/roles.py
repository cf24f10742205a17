"""What a file of code is for, where its path alone does not tell. rules-of-evidence.md, "Path classes"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from readiness.extract.observations import Observations
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.program import Program
from readiness.facts.linking.units import ModuleInfo, main_guard
from readiness.repository.tree import Role

EVAL_FRAMEWORKS = frozenset(
    {
        "deepeval", "ragas", "inspect_ai", "pydantic_evals", "promptfoo", "trulens", "trulens_eval", "giskard",
        "evidently", "braintrust", "autoevals", "langchain.evaluation", "langsmith.evaluation", "azure.ai.evaluation",
        "mlflow.genai", "lm_eval", "continuous_eval", "uptrain",
    }
)  # fmt: skip
_SAMPLE = re.compile(r"sample|example", re.I)
_RUNS_CODE = re.compile(
    r"(^|/)([^/]*dockerfile[^/]*|containerfile|procfile|[^/]*\.(sh|bash|toml|cfg|tf|bicep)|[^/]*\.ya?ml|package\.json)$",
    re.I,
)
_EVALUATES = re.compile(r"(.*[-_])?(evals?|evaluat(e|ion|or)s?)([-_].*)?", re.I)
_IMPORTABLE = frozenset({Role.SCRIPT, Role.EXAMPLE})
_PROMOTED = (Role.SCRIPT, Role.EXAMPLE, Role.NOTEBOOK)


def refine_roles(program: Program, observations: Observations, entry_points: Iterable[EntryPoint]) -> bool:
    """Correct the roles of modules by their content; answers whether the repository is a demo.

    A demo has no serving code at all, only scripts, examples or notebooks: those are then judged as if they served.
    """
    serving_entries = {e.unit.module.path for e in entry_points if e.kind != "cli"}
    _serve_what_serving_code_imports(program)
    imported = program.imported_paths()
    commands = _commands(observations)
    for info in _evaluations(program, serving_entries):
        info.role = Role.EVAL
    for info in program.modules.values():
        if info.role is not Role.SERVING or info.path in serving_entries:
            continue
        if any(_imports(info, framework) for framework in EVAL_FRAMEWORKS):
            info.role = Role.EVAL
        elif info.path not in imported and "/" not in info.path and _SAMPLE.search(info.path):
            info.role = Role.EXAMPLE
        elif info.path not in imported and main_guard(info.code) and not _referenced(info, commands):
            info.role = Role.SCRIPT
    return _promote(program)


def _evaluations(program: Program, serving_entries: set[str]) -> set[ModuleInfo]:
    """What is called after evaluation, and that nothing but evaluation imports: `evaluate.py`, `evaluators/fluency.py`.

    It must be a program, or what one imports: a package that users import may well be called `evaluation`.
    """
    called = {m for m in program.modules.values() if m.role is Role.SERVING and m.path not in serving_entries}
    found = {m for m in called if any(_EVALUATES.fullmatch(part) for part in m.name.split("."))}
    importers = [m for m in program.modules.values() if m.role in (Role.SERVING, Role.SCRIPT)]
    imports = _all_imports(program) if found else {}
    while used := {m for m in found if any(m in imports[i] for i in importers if i not in found)}:
        found -= used
    programs = [m for m in found if main_guard(m.code)]
    reached = {target for m in programs for target in imports[m]}
    return {m for m in found if m in programs or m in reached}


def _all_imports(program: Program) -> dict[ModuleInfo, set[ModuleInfo]]:
    """The modules of the repository that each module imports, at its top or inside its functions."""
    imports: dict[ModuleInfo, set[ModuleInfo]] = defaultdict(set)
    for unit in program.units:
        for statement in unit.imports.values():
            imports[unit.module].update(program.named_by(statement, unit.module))
    return imports


def _promote(program: Program) -> bool:
    modules = [m for m in program.modules.values() if m.code.body and PurePosixPath(m.path).name != "setup.py"]
    if any(m.role is Role.SERVING and not m.is_package for m in modules):
        return False
    for role in _PROMOTED:
        chosen = [m for m in modules if m.role is role]
        for info in chosen:
            info.role = Role.SERVING
        if chosen:
            return True
    return False


def _serve_what_serving_code_imports(program: Program) -> None:
    """A package called `tools` is no folder of scripts, nor is `research` an example, when the service imports it."""
    if not any(m.role in _IMPORTABLE for m in program.modules.values()):
        return
    imports = _all_imports(program)
    waiting = [m for m in program.modules.values() if m.role is Role.SERVING]
    while waiting:
        for target in imports[waiting.pop()]:
            if target.role in _IMPORTABLE:
                target.role = Role.SERVING
                waiting.append(target)


def _imports(info: ModuleInfo, framework: str) -> bool:
    names = [f"{i.module}.{i.name}" if i.name else i.module for i in info.body.imports.values()]
    return any(n == framework or n.startswith(f"{framework}.") for n in names)


def _commands(observations: Observations) -> str:
    return "\n".join(text for path, text in observations.sources.items() if _RUNS_CODE.search(path))


def _referenced(info: ModuleInfo, commands: str) -> bool:
    tail = ".".join(info.name.split(".")[-2:])
    name = PurePosixPath(info.path).name
    pattern = (
        rf"(?<![\w.]){re.escape(name)}\b|\b{re.escape(tail)}\b(?!\.)"
        if "." in tail
        else rf"(?<![\w.]){re.escape(name)}\b|-m {re.escape(tail)}\b|\b{re.escape(tail)}:\w"
    )
    return re.search(pattern, commands) is not None
