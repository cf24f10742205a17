"""Records that the code writes: rows, documents, messages, lines of a file or log; with which fields, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import ClassInfo, Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items, Known, Value
from readiness.facts.place import Place

Field = tuple[code.Expression | None, Unit]
"""What a field is given, and where that is written; None where only its declaration is known."""

_ORM = re.compile(
    r"^(sqlalchemy|sqlmodel|django\.db|tortoise|peewee|mongoengine|beanie|odmantic|pony|flask_sqlalchemy|piccolo|gino|ormar)\b"
)
_ORM_MEMBERS = re.compile(r"\.(Model|Base|Document)$|declarative_base\(\)")
_ADD = frozenset({"add", "add_all", "merge", "bulk_save_objects"})
_SAVE = frozenset({"save", "asave", "insert", "create", "acreate"})
_DOCUMENTS = frozenset(
    {
        "insert_one",
        "insert_many",
        "update_one",
        "replace_one",
        "find_one_and_update",
        "put_item",
        "update_item",
        "insert_rows_json",
        "create_item",
        "upsert_item",
        "insert_row",
        "batch_write_item",
    }
)
_STREAMS = frozenset(
    {
        "produce",
        "send_and_wait",
        "put_record",
        "put_records",
        "xadd",
        "publish",
        "put_events",
        "put_object",
        "upload_blob",
        "upload_from_string",
        "upload_fileobj",
        "lpush",
        "rpush",
        "hset",
        "hmset",
    }
)
_STORES = re.compile(
    r"^(kafka|confluent_kafka|aiokafka|boto3|aioboto3|redis|google\.cloud|azure\.|nats|pika|motor|pymongo|elasticsearch|opensearchpy|supabase|firebase_admin|asyncpg|psycopg|minio)"
)
_SQL = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|update)\s+[\"'`]?([\w.]+)[\"'`]?\s*(?:\(([^)]*)\)|set\s+(.*))?", re.I | re.S
)
_LOG = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log", "msg", "success"})
_LOGGERS = ("logging.", "structlog.", "loguru.", "python_json_logger", "picologging.", "logfire.")
_NESTED = 3


@dataclass(frozen=True, slots=True)
class Written:
    """One line that writes a record. `sink`: table, document, stream, file or log; `target` its table or collection."""

    place: Place
    unit: Unit
    call: code.Call
    sink: str
    target: str
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def durable(self) -> bool:
        """Whether it is kept somewhere: anything but a log."""
        return self.sink != "log"


class Writes:
    """Finds what units write; every answer is remembered."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[Unit, list[Written]] = {}

    def of(self, unit: Unit) -> list[Written]:
        """The records a unit writes."""
        known = self._known.get(unit)
        if known is None:
            known = [w for call in unit.calls for w in self._call(call, unit)]
            known.extend(self._changed(unit, {w.target for w in known if w.sink == "table"}))
            self._known[unit] = known
        return known

    def _call(self, call: code.Call, unit: Unit) -> Iterator[Written]:
        name = last_name(call.function)
        if not isinstance(call.function, code.Member):
            return
        if name in _ADD:
            yield from self._added(call, unit)
        elif name in _DOCUMENTS or (name in ("insert", "upsert", "set", "add", "index") and self._is_store(call, unit)):
            document = self._record(call, unit, "document", self._collection(call, unit))
            if document.fields:
                yield document
        elif (name in _STREAMS or name == "send") and self._is_store(call, unit):
            yield self._record(call, unit, "stream", self._collection(call, unit))
        elif name in _LOG and self._is_logger(call.function.base, unit):
            yield self._record(call, unit, "log", self._logger_name(call.function.base, unit))
        elif name in ("write", "writelines", "dump"):
            record = self._record(call, unit, "file", "")
            if len(record.fields) > 1:
                yield record
        if name in _SAVE:
            yield from self._saved(call, unit)
        if name in ("execute", "executemany", "exec", "fetchval", "fetchrow"):
            yield from self._statement(call, unit)

    # -- rows --------------------------------------------------------------------------------------------------

    def _added(self, call: code.Call, unit: Unit) -> Iterator[Written]:
        """`session.add(Row(...))`, or of a row that was read and changed."""
        for argument in call.arguments[:1]:
            for value in self._core.resolver.values(argument, unit):
                info, given = self._row(value)
                info = info or self._validated(argument, unit)
                if info is None or not self.is_table(info):
                    continue
                fields = self.columns(info)
                if given is not None:
                    fields.update(self._keywords(*given))
                if isinstance(argument, code.Name):
                    fields.update(self._assigned(argument.id, unit))
                yield Written(unit.at(call), unit, call, "table", info.node.name, fields)
                return

    def _validated(self, argument: code.Expression, unit: Unit) -> ClassInfo | None:
        """The table of `Row.model_validate(data)` and other constructors that a base class brings."""
        made = [argument]
        if isinstance(argument, code.Name):
            made = [b.value for b in self._core.resolver.reaching(argument.id, unit, argument) if b.value is not None]
        for expression in made:
            if isinstance(expression, code.Call) and isinstance(expression.function, code.Member):
                for value in self._core.resolver.values(expression.function.base, unit):
                    if isinstance(value, ClassValue):
                        return value.info
        return None

    def _changed(self, unit: Unit, written: set[str]) -> Iterator[Written]:
        """Rows that were read, changed and committed, without being added again."""
        commit = next((c for c in unit.calls if last_name(c.function) == "commit"), None)
        names = dict.fromkeys(m.base.id for m, _ in unit.members if isinstance(m.base, code.Name)) if commit else {}
        for name in names:
            member = next(m for m, _ in unit.members if isinstance(m.base, code.Name) and m.base.id == name)
            for value in self._core.resolver.values(member.base, unit):
                info = self._row(value)[0]
                if info is not None and commit is not None and info.node.name not in written and self.is_table(info):
                    written.add(info.node.name)
                    fields = {**self.columns(info), **self._assigned(name, unit)}
                    yield Written(unit.at(member), unit, commit, "table", info.node.name, fields)

    def _row(self, value: Value) -> tuple[ClassInfo | None, tuple[code.Call, Unit] | None]:
        if isinstance(value, Instance):
            made = (value.call, value.unit) if value.call is not None and value.unit is not None else None
            return value.info, made
        if isinstance(value, External):
            return next(self._classes_in(value, 3), None), None
        return None, None

    def _classes_in(self, value: External, depth: int) -> Iterator[ClassInfo]:
        """The tables that a query speaks of: `session.exec(select(Row)).one()`."""
        for step in reversed(value.steps):
            for argument in step.call.arguments:
                for inner in self._core.resolver.values(argument, step.unit):
                    if isinstance(inner, ClassValue):
                        yield inner.info
                    elif isinstance(inner, External) and depth and inner.steps and inner is not value:
                        yield from self._classes_in(inner, depth - 1)

    def _saved(self, call: code.Call, unit: Unit) -> Iterator[Written]:
        """`Row(...).save()`, `Row.objects.create(...)`, `Row.create(...)`, `await row.insert()`."""
        assert isinstance(call.function, code.Member)
        base = call.function.base
        if isinstance(base, code.Member) and base.name == "objects":
            base = base.base
        for value in self._core.resolver.values(base, unit):
            info = value.info if isinstance(value, ClassValue | Instance) else None
            if info is None or not self.is_table(info):
                continue
            fields = {**self.columns(info), **self._keywords(call, unit)}
            if isinstance(value, Instance) and value.call is not None and value.unit is not None:
                fields.update(self._keywords(value.call, value.unit))
            yield Written(unit.at(call), unit, call, "table", info.node.name, fields)
            return

    def is_table(self, info: ClassInfo) -> bool:
        """Whether a class is stored by an object mapper."""
        own, external = self._core.resolver.classes.bases(info)
        if any(_ORM.search(base) or _ORM_MEMBERS.search(base) for base in external):
            return True
        family = (info, *own)
        if any("__tablename__" in one.attributes or "__tablename__" in one.methods for one in family):
            return True
        return any(last_name(d) == "as_declarative" for one in family for d in one.node.decorators)

    def columns(self, info: ClassInfo) -> dict[str, Field]:
        """The declared columns of a table; private names and methods are none."""
        own = self._core.resolver.classes.bases(info)[0]
        return {
            name: (None, bindings[0][1])
            for one in (*reversed(own), info)
            for name, bindings in one.attributes.items()
            if not name.startswith("_") and name != "metadata" and bindings and bindings[0][1] is one.body
        }

    def _assigned(self, name: str, unit: Unit) -> dict[str, Field]:
        """`row.field = value` in the same unit."""
        found: dict[str, Field] = {}
        for member, binding in unit.members:
            if isinstance(member.base, code.Name) and member.base.id == name and binding.value is not None:
                found[member.name] = (binding.value, unit)
                found.update(self._flat(binding.value, unit, _NESTED))
        return found

    # -- statements, documents, logs -----------------------------------------------------------------------------

    def _statement(self, call: code.Call, unit: Unit) -> Iterator[Written]:
        for argument in call.arguments[:1]:
            for value in self._core.resolver.values(argument, unit):
                match value:
                    case Known(value=str() as text):
                        yield from self._sql(text, call, unit)
                        return
                    case External(path, steps) if path.startswith("sqlalchemy") and steps:
                        if path.startswith("sqlalchemy.text()") and steps[0].call.arguments:
                            first = self._core.resolver.values(steps[0].call.arguments[0], steps[0].unit)[0]
                            if isinstance(first, Known) and isinstance(first.value, str):
                                yield from self._sql(first.value, call, unit)
                        elif "insert()" in path:
                            info = next(self._classes_in(value, 1), None)
                            fields = self.columns(info) if info is not None else {}
                            for step in steps:
                                fields.update(self._keywords(step.call, step.unit))
                            yield Written(unit.at(call), unit, call, "table", info.node.name if info else "", fields)
                        return
                    case _:
                        template = getattr(value, "template", None)
                        if template is not None:
                            parts = [c.value for c in code.walk(template) if isinstance(c, code.Constant)]
                            yield from self._sql(" ".join(p for p in parts if isinstance(p, str)), call, unit)
                            return

    def _sql(self, text: str, call: code.Call, unit: Unit) -> Iterator[Written]:
        match = _SQL.search(text[:4000])
        if match is None:
            return
        if match.group(2) is not None:
            names = [n.strip(" \"'`\n") for n in match.group(2).split(",")]
        else:
            names = re.findall(r"([\w.]+)\s*=", match.group(3) or "")
        arguments: list[code.Expression] = list(call.arguments[1:])
        if len(arguments) == 1 and isinstance(arguments[0], code.Sequence):
            arguments = arguments[0].items
        given = {n: (arguments[i] if i < len(arguments) else None, unit) for i, n in enumerate(names) if n}
        if len(arguments) == 1 and isinstance(arguments[0], code.Mapping):
            given.update(self._flat(arguments[0], unit, 1))
        yield Written(unit.at(call), unit, call, "table", match.group(1), given)

    def _record(self, call: code.Call, unit: Unit, sink: str, target: str) -> Written:
        fields = self._keywords(call, unit)
        for argument in call.arguments:
            fields.update(self._flat(argument, unit, _NESTED))
        return Written(unit.at(call), unit, call, sink, target, fields)

    def _keywords(self, call: code.Call, unit: Unit) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for keyword in call.keywords:
            if keyword.name is None:
                found.update(self._flat(keyword.value, unit, 1))
            else:
                found[keyword.name] = (keyword.value, unit)
                found.update(self._flat(keyword.value, unit, 2))
        return found

    def _flat(self, expression: code.Expression, unit: Unit, depth: int) -> dict[str, Field]:
        """The fields of a mapping given, of mappings in it, and of an object whose constructor names them."""
        found: dict[str, Field] = {}
        if depth == 0 or isinstance(expression, code.Constant | code.Template):
            return found
        if isinstance(expression, code.Operation):
            for operand in expression.operands:
                found.update(self._flat(operand, unit, depth))
            return found
        if isinstance(expression, code.Call) and last_name(expression.function) in (
            "dumps",
            "encode",
            "model_dump",
            "model_dump_json",
            "dict",
            "asdict",
            "json",
            "to_dict",
        ):
            inner = expression.arguments[:1] or (
                [expression.function.base] if isinstance(expression.function, code.Member) else []
            )
            for one in inner:
                found.update(self._flat(one, unit, depth))
        if isinstance(expression, code.Name):
            found.update(
                {
                    k.value: (v, unit)
                    for k, v in unit.items.get(expression.id, ())
                    if isinstance(k, code.Constant) and isinstance(k.value, str)
                }
            )
        for value in self._core.resolver.values(expression, unit)[:4]:
            if isinstance(value, Items):
                found.update(self._literal(value, depth))
            elif isinstance(value, Instance) and value.call is not None and value.unit is not None:
                found.update({k.name: (k.value, value.unit) for k in value.call.keywords if k.name})
        return found

    def _literal(self, value: Items, depth: int) -> dict[str, Field]:
        found: dict[str, Field] = {}
        if isinstance(value.literal, code.Mapping):
            for key, inner in value.literal.items:
                if isinstance(key, code.Constant) and isinstance(key.value, str):
                    if not key.value.startswith("$"):
                        found[key.value] = (inner, value.unit)
                    found.update({k: v for k, v in self._flat(inner, value.unit, depth - 1).items() if k not in found})
                elif key is None:
                    found.update(self._flat(inner, value.unit, depth - 1))
        elif isinstance(value.literal, code.Sequence):
            for item in value.literal.items[:8]:
                found.update(self._flat(item, value.unit, depth - 1))
        elif value.literal.kind == "mapping":
            found.update(self._listed(value.literal, value.unit))
        return found

    def _listed(self, made: code.Comprehension, unit: Unit) -> dict[str, Field]:
        """The fields of `{name: getattr(row, name) for name in ("model", "actor")}`."""
        source = made.sources[0] if made.sources else None
        if source is None or not isinstance(made.key, code.Name) or made.key.id != getattr(source.target, "id", ""):
            return {}
        names = [
            item.value
            for value in self._core.resolver.values(source.iterable, unit)[:2]
            if isinstance(value, Items) and isinstance(value.literal, code.Sequence)
            for item in value.literal.items
            if isinstance(item, code.Constant)
        ]
        return {name: (made.element, unit) for name in names if isinstance(name, str)}

    # -- receivers -----------------------------------------------------------------------------------------------

    def _is_store(self, call: code.Call, unit: Unit) -> bool:
        assert isinstance(call.function, code.Member)
        return any(
            isinstance(v, External) and _STORES.search(v.path) for v in self._core.resolver.values(call.function, unit)
        )

    def _collection(self, call: code.Call, unit: Unit) -> str:
        """The name of a collection or topic: as the code calls the object, or the text that chose it."""
        assert isinstance(call.function, code.Member)
        base = call.function.base
        for value in self._core.resolver.values(base, unit):
            for step in reversed(getattr(value, "steps", ())):
                first = next((a.value for a in step.call.arguments if isinstance(a, code.Constant)), None)
                if isinstance(first, str) and re.fullmatch(r"[\w.-]+", first):
                    return first
        first = next((a.value for a in call.arguments if isinstance(a, code.Constant)), None)
        return dotted(base) or (first if isinstance(first, str) else "")

    def _is_logger(self, base: code.Expression, unit: Unit) -> bool:
        values = self._core.resolver.values(base, unit)
        if any(isinstance(v, External) and v.path.startswith(_LOGGERS) for v in values):
            return True
        resolved = any(isinstance(v, External | Instance | Known) for v in values)
        return not resolved and "log" in (last_name(base) or last_name(getattr(base, "function", base))).lower()

    def _logger_name(self, base: code.Expression, unit: Unit) -> str:
        for value in self._core.resolver.values(base, unit):
            for step in getattr(value, "steps", ()):
                for argument in step.call.arguments[:1]:
                    first = self._core.resolver.values(argument, step.unit)[0]
                    if isinstance(first, Known) and isinstance(first.value, str):
                        return first.value
        return ""
