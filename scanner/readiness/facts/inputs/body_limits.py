"""Limits on a whole request that this repository writes down: in code, in a proxy's configuration, in an ingress."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.request_knowledge import RequestKnowledge
from readiness.facts.inputs.size_tests import refuses
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_NGINX = re.compile(r"^\s*client_max_body_size\s+(\S+?)\s*;", re.M)
_CADDY = re.compile(r"^\s*max_size\s+\d+\S*\s*$", re.M)
_ANNOTATIONS = (
    "nginx.ingress.kubernetes.io/proxy-body-size",
    "nginx.org/client-max-body-size",
    "maxRequestBodyBytes",
    "max_request_bytes",
)
_CONFIGURATIONS = re.compile(r"\.(conf|template|nginx|tmpl|tpl)$|(^|/)(nginx[^/]*|Caddyfile)$")


def find_body_limits(core: Core, knowledge: RequestKnowledge) -> tuple[Evidence, ...]:
    """Every bound on the size of a request's body, by place."""
    found = [*_in_code(core, knowledge), *_in_files(core)]
    return tuple(sorted(found))


def _in_code(core: Core, knowledge: RequestKnowledge) -> Iterator[Evidence]:
    for unit in core.serving_units():
        for key, value in (pair for pairs in unit.items.values() for pair in pairs):
            if isinstance(key, code.Constant) and key.value in knowledge.body_limit_keys and not _is_none(value):
                yield Evidence(unit.at(key), f"{key.value} bounds the body of a request")
        for member, binding in unit.members:  # `app.config["X"] = …` on a member's item is read from the source below
            if member.name in knowledge.body_limit_keys and binding.value is not None and not _is_none(binding.value):
                yield Evidence(unit.at(member), f"{member.name} bounds the body of a request")
        for name in knowledge.body_limit_keys & unit.bindings.keys():
            for binding in unit.bindings[name]:
                if (
                    binding.value is not None
                    and not _is_none(binding.value)
                    and (unit.is_module or unit.owner is not None)
                ):
                    yield Evidence(
                        Place(unit.module.path, binding.line, binding.line), f"{name} bounds the body of a request"
                    )
        for statement in (*unit.parents, *unit.body):
            if isinstance(statement, code.Assign):
                yield from _configured(statement, unit, knowledge)
        for call in unit.calls:
            yield from _argument(call, unit, core, knowledge)
        yield from _middleware(unit)


def _configured(statement: code.Assign, unit: Unit, knowledge: RequestKnowledge) -> Iterator[Evidence]:
    """`app.config["MAX_CONTENT_LENGTH"] = …`."""
    for target in statement.targets:
        if (
            isinstance(target, code.Index)
            and isinstance(target.key, code.Constant)
            and isinstance(target.base, code.Member)
        ) and (
            target.key.value in knowledge.body_limit_keys
            and statement.value is not None
            and not _is_none(statement.value)
        ):
            yield Evidence(unit.at(target), f"{target.key.value} bounds the body of a request")


def _argument(call: code.Call, unit: Unit, core: Core, knowledge: RequestKnowledge) -> Iterator[Evidence]:
    for symbols, argument in knowledge.body_limit_arguments:
        given = call.keyword(argument)
        if given is not None and not _is_none(given):
            values = core.resolver.values(call.function, unit)
            if any(isinstance(v, External) and v.path in symbols for v in values):
                yield Evidence(unit.at(call), f"{argument} bounds the body of a request")
    if isinstance(call.function, code.Member) and call.function.name in ("update", "from_mapping"):
        for keyword in call.keywords:
            if keyword.name in knowledge.body_limit_keys and not _is_none(keyword.value):
                yield Evidence(unit.at(call), f"{keyword.name} bounds the body of a request")


def _middleware(unit: Unit) -> Iterator[Evidence]:
    """A function that reads the `content-length` header, compares it and refuses."""
    branches = [n for n in (*unit.parents, *unit.body) if isinstance(n, code.If)]
    for branch in branches:
        compares = any(
            isinstance(n, code.Operation) and n.operator.startswith((">", "<")) for n in code.walk(branch.test)
        )
        if compares and refuses(branch.body) and _reads_length(branch.test, unit):
            yield Evidence(unit.at(branch), "refuses a request whose Content-Length is too large")


def _reads_length(test: code.Expression, unit: Unit) -> bool:
    expressions: list[code.Expression] = [test]
    for node in code.walk(test):
        if isinstance(node, code.Name):
            expressions.extend(b.value for b in unit.bindings.get(node.id, ()) if b.value is not None)
    words = (n.value for e in expressions for n in code.walk(e) if isinstance(n, code.Constant))
    return any(
        isinstance(w, str | bytes) and w in ("content-length", "Content-Length", b"content-length") for w in words
    )


def _in_files(core: Core) -> Iterator[Evidence]:
    observations = core.observations
    for path, text in observations.sources.items():
        if observations.files[path].role is not Role.SERVING or not _CONFIGURATIONS.search(path):
            continue
        for match in (*_NGINX.finditer(text), *_CADDY.finditer(text)):
            if match.lastindex and match.group(1) == "0":
                continue  # nginx's way to say "no limit"
            line = text.count("\n", 0, match.start() + len(match.group(0)) - len(match.group(0).lstrip())) + 1
            yield Evidence(Place(path, line, line), match.group(0).strip())
    for path, documents in observations.documents.items():
        for document in documents:
            for key, value in document.find(*_ANNOTATIONS):
                if str(value.value) not in ("0", "None"):
                    yield Evidence(Place(path, value.line, value.end_line), f"{key}: {value.value}")


def _is_none(expression: code.Expression) -> bool:
    return isinstance(expression, code.Constant) and expression.value is None
