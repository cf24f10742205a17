"""What each route to a model says it answers with, and whether a test holds it to that (api-contract-published)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.extract.data import Located
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTests
from readiness.facts.inputs.contract_knowledge import load_contracts
from readiness.facts.inputs.contract_tests import ContractTests
from readiness.facts.inputs.request_knowledge import load_requests
from readiness.facts.inputs.request_types import Shape, Shapes
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.routes import Routes
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Instance
from readiness.facts.place import Place

_EVENT_HOPS = 2
"""How far from its handler a stream's events are written."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One route to a model: what publishes the shape of its answer, and which test reads it ("" for neither)."""

    place: Place
    text: str
    typed_by: str
    tested_by: str

    @property
    def missing(self) -> str:
        """What it lacks, in words."""
        lacks = [] if self.typed_by else ["says nothing of the shape of its answer"]
        if not self.tested_by:
            lacks.append("no test reads what it answers")
        return ", and ".join(lacks)


def find_contracts(core: Core, requests: Iterable[RequestEntry], tests: CollectedTests) -> tuple[Contract, ...]:
    """The contracts of all routes that answer a program: pages, bots and constant answers are left out."""
    finder = _Finder(core, tests)
    routes = [r for r in requests if r.entry.kind in ("http", "websocket", "lambda") and finder.answers_programs(r)]
    return tuple(finder.contract(route) for route in routes)


class _Finder:
    def __init__(self, core: Core, tests: CollectedTests) -> None:
        self._core, self._knowledge = core, load_contracts()
        self._shapes = Shapes(core, load_requests())
        self._routes = Routes(core)
        self._tests = ContractTests(core, tests, self._knowledge)
        self._published: list[tuple[list[str], str]] | None = None

    def contract(self, request: RequestEntry) -> Contract:
        return Contract(request.place, request.text, self._typed(request), self._tests.reading(request.entry))

    # -- which routes have one ---------------------------------------------------------------------------------

    def answers_programs(self, request: RequestEntry) -> bool:
        """Whether a route answers a program with something: not a page, not a constant, not kept out of the schema."""
        entry = request.entry
        calls = [*entry.app, *([entry.decorator] if entry.decorator is not None else [])]
        if any(_is_false(call.keyword("include_in_schema")) for call in calls):
            return False
        shown = entry.decorator.keyword("response_class") if entry.decorator is not None else None
        if shown is not None and self._is_page(shown, entry.unit.parent or entry.unit):
            return False
        if entry.kind == "websocket" or entry.unit.function is None:
            return True
        returned = [r for unit in entry.units for r in unit.returns]
        if not returned or all(_is_constant(r) for r in returned):
            return bool(entry.unit.yields) or self._sends(entry.unit)
        return not all(_is_constant(r) or self._is_page(r, u) for u in entry.units for r in u.returns)

    @staticmethod
    def _sends(unit: Unit) -> bool:
        """Whether a handler answers by a call: `self.write(…)`, `self.wfile.write(…)`, `resp.media = …`."""
        if any(member.name in ("media", "text", "body", "data") for member, _ in unit.members):
            return True
        return any(last_name(c.function) in ("write", "send_json", "send") and c.arguments for c in unit.calls)

    def _is_page(self, expression: code.Expression, unit: Unit) -> bool:
        return any(
            isinstance(v, External) and v.path.removesuffix("()") in self._knowledge.pages
            for v in self._core.resolver.values(expression, unit)[:4]
        )

    # -- typed -------------------------------------------------------------------------------------------------

    def _typed(self, request: RequestEntry) -> str:
        entry = request.entry
        function = entry.unit.function
        if function is None:
            return ""
        scope = entry.unit.parent or entry.unit
        for decorator in function.decorators:
            if isinstance(decorator, code.Call):
                for keyword in decorator.keywords:
                    if keyword.name in self._knowledge.declaring and self._says(keyword.value, scope):
                        return f"{keyword.name}="
                if last_name(decorator.function) in self._knowledge.decorators and any(
                    self._says(a, scope) for a in (*decorator.arguments, *(k.value for k in decorator.keywords))
                ):
                    return f"@{last_name(decorator.function)}"
        if function.returns is not None and self._is_typed(self._shapes.of(function.returns, entry.unit)):
            return "its return annotation"
        return self._in_schema(request) or self._events(entry.unit)

    def _says(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an argument of a decorator tells a shape: a model, or a mapping of statuses to models or content."""
        if isinstance(expression, code.Mapping):
            return any(_is_success(k) and self._says_content(v, unit) for k, v in expression.items)
        if isinstance(expression, code.Call):
            return self._described(expression, unit)
        return self._is_typed(self._shapes.of(expression, unit))

    def _described(self, call: code.Call, unit: Unit) -> bool:
        """`AnswerSchema(many=True)`, or a project function that returns the mapping of answers."""
        for value in self._core.resolver.values(call, unit)[:4]:
            if isinstance(value, Instance):
                return True
        return any(
            isinstance(r, code.Mapping) and any(_is_success(k) and self._says_content(v, u) for k, v in r.items)
            for edge in self._core.graph.edges.get(unit, ())
            if edge.node is call or (isinstance(edge.node, code.Call) and edge.node is call)
            for u in (edge.unit,)
            for r in u.returns
        )

    def _says_content(self, expression: code.Expression, unit: Unit) -> bool:
        if not isinstance(expression, code.Mapping):
            return self._is_typed(self._shapes.of(expression, unit))
        keys = {k.value: v for k, v in expression.items if isinstance(k, code.Constant)}
        if "model" in keys:
            return True
        content = keys.get("content")
        return isinstance(content, code.Mapping) and any(
            isinstance(v, code.Mapping) and v.items for _, v in content.items
        )

    def _is_typed(self, shape: Shape) -> bool:
        if shape.form == "list":
            return shape.element is not None and self._is_typed(shape.element)
        return shape.form in ("record", "scalar", "text")

    def _in_schema(self, request: RequestEntry) -> str:
        """The checked-in OpenAPI document that gives an answer of the route a schema."""
        if self._published is None:
            self._published = list(_published(self._core))
        for path in self._routes.paths(request.entry):
            given = [part for part in path.split("/") if part]
            for wanted, file in self._published:
                if wanted and len(wanted) <= len(given) and all(map(_same, given[-len(wanted) :], wanted)):
                    return file
        return ""

    def _events(self, handler: Unit) -> str:
        """What a stream's events are made of: a model of the project, or a protocol's types."""
        if not all(self._is_stream(r, handler) for r in handler.returns):
            return ""
        near = [u for u, hops in self._core.graph.reach([handler]).items() if hops <= _EVENT_HOPS]
        for unit in near:
            for expression in (*(y.value for y in unit.yields), *map(_sent, unit.calls)):
                if expression is not None and self._is_event(expression, unit):
                    return f"the events of {unit.name}"
        return ""

    def _is_stream(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an answer is sent as it is made, and not put together from what the handler returns."""
        if isinstance(expression, code.Call) and last_name(expression.function).endswith("Response"):
            return True
        values = self._core.resolver.values(expression, unit)[:4]
        return any(isinstance(v, External) and v.path.removesuffix("()").endswith("Response") for v in values)

    def _is_event(self, expression: code.Expression, unit: Unit) -> bool:
        return any(isinstance(n, code.Call) and self._writes_event(n, unit) for n in code.walk(expression))

    def _writes_event(self, call: code.Call, unit: Unit) -> bool:
        values = self._core.resolver.values
        if last_name(call.function) in self._knowledge.dumps and isinstance(call.function, code.Member):
            typed = (v.info for v in values(call.function.base, unit)[:4] if isinstance(v, Instance))
            if any(self._shapes.is_model(info) for info in typed):
                return True
        paths = (v.path for v in values(call.function, unit)[:3] if isinstance(v, External))
        return any(path.partition(".")[0] in self._knowledge.protocols for path in paths)


def _sent(call: code.Call) -> code.Expression | None:
    """What a call sends down a socket."""
    if last_name(call.function) in ("send_json", "send_text", "send") and call.arguments:
        return call.arguments[0]
    return None


def _is_false(expression: code.Expression | None) -> bool:
    return isinstance(expression, code.Constant) and expression.value is False


def _is_constant(expression: code.Expression) -> bool:
    """Whether an answer is the same for everybody: `{"status": "ok"}`, `"", 204`, nothing."""
    match expression:
        case code.Constant():
            return True
        case code.Mapping(items=items):
            return all(k is not None and _is_constant(v) for k, v in items)
        case code.Sequence(items=items):
            return all(_is_constant(item) for item in items)
        case code.Member(name=name) if name.isupper():  # `status.HTTP_200_OK`
            return True
        case code.Call(arguments=arguments, keywords=keywords):
            response = last_name(expression.function).endswith(
                ("Response", "Exception", "jsonify", "jsonable_encoder", "dumps")
            )
            return response and all(_is_constant(a) for a in (*arguments, *(k.value for k in keywords)))
        case _:
            return False


def _is_success(key: code.Expression | None) -> bool:
    return isinstance(key, code.Constant) and str(key.value)[:1] in ("2", "d")


def _same(given: str, wanted: str) -> bool:
    return given == wanted or (given[:1] in "{<:" and wanted[:1] in "{<:")


def _published(core: Core) -> Iterator[tuple[list[str], str]]:
    """The paths of checked-in OpenAPI documents whose successful answers have a schema."""
    for path, documents in core.observations.documents.items():
        document = documents[0] if documents else None
        if (
            document is None
            or document.get("paths") is None
            or not (document.get("openapi") or document.get("swagger"))
        ):
            continue
        for route, operations in document.items("paths"):
            if any(_has_schema(operation) for _, operation in operations.items()):
                yield [part for part in route.split("/") if part], path


def _has_schema(operation: Located) -> bool:
    for status, response in operation.items("responses"):
        if status[:1] in ("2", "d") and (
            response.get("schema") is not None
            or response.get("$ref") is not None
            or any(content.get("schema") is not None for _, content in response.items("content"))
        ):
            return True
    return False
