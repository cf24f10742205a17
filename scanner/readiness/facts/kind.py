"""Which gates are open, and in a few words what kind of repository it is. rules-of-evidence.md, "Gates"."""

from __future__ import annotations

import re

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.gates import Gates
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.usage import load_usage
from readiness.facts.linking.values import External
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.repository.tree import Role

_SERVICE_FILES = re.compile(r"(^|/)(procfile|wsgi\.py|serverless\.ya?ml|app\.yaml)$", re.I)
_BUILT = ("pyproject.toml", "setup.py", "setup.cfg")
_STATEMENTS = frozenset({"execute", "fetch", "fetchall", "fetch_all", "fetchrow", "exec_driver_sql"})
_NEAREST = re.compile(r"<=>|<#>|\bvec_distance_\w+\(|\bbm25\(|\bts_rank(?:_cd)?\(|\bvec_search\(", re.I)
_SERVICE_KINDS = frozenset({"http", "websocket", "ui", "bot", "queue", "lambda", "mcp"})


def find_gates(core: Core) -> Gates:
    """The gates of a linked program."""
    serving = [c for c in core.calls if c.role is Role.SERVING]
    usage = load_usage(knowledge_folder() / "kinds.yaml")
    paths = _external_paths(core, (Role.SERVING,))
    loading = paths | _external_paths(core, (Role.SCRIPT,))
    llm = any(c.generates for c in serving)
    embed = any(c.kind in ("embed", "rerank", "transcribe", "speak", "moderate", "image") for c in serving)
    predict = any(c.kind == "predict" for c in serving)
    service = _is_service(core)
    entries = [e for e in core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]
    reaching = [e for e in entries if any(_runs(core, c, core.reached_from(e)) for c in serving)]
    return Gates(
        llm=llm,
        embed=embed,
        predict=predict,
        service=service,
        http=service and bool(reaching),
        agent=any(c.is_agent or c.setting("tools").given for c in serving if c.generates),
        rag=(llm or embed)
        and (usage.retrieval.has_any(paths) or (embed and usage.comparison.has_any(paths)) or _searches_by_sql(core)),
        chat=llm and any(_runs(core, c, core.reached_from(e)) for e in reaching for c in serving if c.generates),
        media=usage.media.has_any(paths) and (llm or embed or predict),
        host=predict or any(c.sdk.in_process for c in serving),
        data=usage.ingestion.has_any(loading),
        outbound=usage.outbound.has_any(paths),
        is_async=any(_is_async(u) for u in (*(c.unit for c in serving), *(e.unit for e in reaching))),
        ui_only=bool(reaching) and all(e.kind == "ui" for e in reaching),
        library=not service and any(name in core.observations.files for name in _BUILT),
        demo=core.demo,
    )


def _searches_by_sql(core: Core) -> bool:
    """Whether serving code asks a database for what is nearest: by vectors (pgvector, sqlite-vec) or ranked words."""
    return any(searches_by_sql(core, call, unit) for unit in core.serving_units() for call in unit.calls)


def searches_by_sql(core: Core, call: code.Call, unit: Unit) -> bool:
    """Whether a statement of SQL asks for what is nearest."""
    if last_name(call.function) not in _STATEMENTS or not call.arguments:
        return False
    text = core.resolver.constant(call.arguments[0], unit)
    return isinstance(text, str) and _NEAREST.search(text[:4_000]) is not None


def _is_async(unit: Unit) -> bool:
    return unit.function is not None and unit.function.is_async


def _runs(core: Core, call: ModelCall, reached: dict[Unit, int]) -> bool:
    return any(unit in reached for _, unit in call.runs)


def _is_service(core: Core) -> bool:
    if any(e.kind in _SERVICE_KINDS and e.unit.module.role is Role.SERVING for e in core.entry_points):
        return True
    files = core.observations.files
    runs = any(i.name in ("CMD", "ENTRYPOINT") for path, d in core.observations.dockerfiles.items()
               if files[path].role is Role.SERVING for i in d.effective(d.final))  # fmt: skip
    return runs or any(_SERVICE_FILES.search(path) for path in files)


def _external_paths(core: Core, roles: tuple[Role, ...]) -> set[str]:
    """The canonical paths of everything external that units of these roles call."""
    found: set[str] = set()
    for unit in core.program.units:
        if unit.module.role in roles:
            for call in unit.calls:
                if isinstance(call.function, code.Member | code.Name):
                    for value in core.resolver.values(call.function, unit):
                        if isinstance(value, External):
                            found.add(value.path)
    return found


def kinds_of(core: Core, gates: Gates) -> tuple[str, ...]:
    """What the repository is, in slugs of the JSON report, the most telling first."""
    noun = "service" if gates.service else "library" if gates.library else "application"
    names = []
    if gates.demo:
        names.append("demo")
    if gates.llm:
        names.append(f"llm-{noun}")
    elif gates.embed:
        names.append(f"embedding-{noun}")
    elif gates.predict:
        names.append(f"prediction-{noun}")
    if gates.agent:
        names.append("agent")
    if gates.rag:
        names.append("rag")
    if gates.predict and gates.llm:
        names.append("prediction")
    return tuple(names)
