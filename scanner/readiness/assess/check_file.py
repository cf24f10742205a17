"""One file of `checks/<layer>/` becomes one `Check`, or is refused with what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import cast

from readiness.assess.assessment import Verdict
from readiness.assess.check import HOURS, POINTS, Check, Effort, Empty, Example, Rung, SitePolicy, Weight
from readiness.assess.errors import ExpressionError
from readiness.assess.spelling import Scope, check_message, kind_of
from readiness.assess.vocabulary import MISSING, Hint, element, list_of, member, title
from readiness.assess.yaml_file import Fields, read_yaml

_SITE_KEYS = ("each", "worst", "as", "pass", "partial", "unknown", "drop", "paths", "empty", "empty_message")
_KEYS = (
    *("name", "statement", "layer", "debt", "weight", "effort", "since", "why", "sources", "applies"),
    *_SITE_KEYS,
    *(
        "rungs",
        "message",
        "detection",
        "remedy",
        "fix",
        "implies",
        "false_positives",
        "weaknesses",
        "formerly",
        "examples",
    ),
)
_EMPTY = ("not-applicable", "unknown", "fail", "pass")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FIX = re.compile(r"none|[a-z][a-z0-9-]*|scaffold: [a-z][a-z0-9-]*")
_TAKEN = frozenset({"caller", "found", "loop", "path", "result", "self"})


def read_check(path: Path, layer: str, debts: Collection[str], facts: type) -> Check:
    """Read one check, which lies in the folder of `layer`; its expressions speak about `facts`.

    Raises:
        CatalogueError: the check is incomplete, or says something that does not exist.
    """
    fields = Fields(read_yaml(path), f"checks/{layer}/{path.name}", _KEYS)
    name = fields.text("name")
    if not _NAME.fullmatch(name):
        raise fields.refuse("name", f"`{name}` must be lower-case words joined by `-`")
    if path.name != f"{name}.yaml":
        raise fields.refuse("name", f"`{name}` is not the file's name; call the file {name}.yaml or change the name")
    if fields.text("layer") != layer:
        stated = fields.text("layer")
        raise fields.refuse("layer", f"`{stated}` is not the folder it lies in; move the file, or write {layer}")
    speller = _Speller(fields, Scope(facts))
    examples = _examples(fields)
    false_positives = _false_positives(fields, examples)
    policy, rungs = _policy(fields, speller)
    return Check(
        name=name,
        statement=fields.text("statement"),
        layer=layer,
        debt=fields.one_of("debt", debts),
        weight=cast(Weight, fields.one_of("weight", POINTS)),
        effort=cast(Effort, fields.one_of("effort", HOURS)),
        since=fields.text("since"),
        why=fields.text("why"),
        sources=fields.texts("sources"),
        applies=speller.expression("applies"),
        detection=fields.text("detection"),
        remedy=fields.text("remedy"),
        false_positives=false_positives,
        examples=examples,
        policy=policy,
        rungs=rungs,
        message=fields.text("message"),
        fix=_fix(fields),
        implies=fields.texts("implies", required=False),
        weaknesses=fields.texts("weaknesses", required=False),
        formerly=fields.texts("formerly", required=False),
    )


class _Speller:
    """Reads the expressions and messages of one file, each checked as it is read."""

    def __init__(self, fields: Fields, scope: Scope) -> None:
        self.fields = fields
        self.scope = scope

    def binding(self, **names: Hint) -> _Speller:
        return _Speller(self.fields, self.scope.binding(**names))

    def of(self, fields: Fields) -> _Speller:
        return _Speller(fields, self.scope)

    def kind(self, field: str) -> Hint:
        return self._spelt(field, self.fields.expression(field))

    def expression(self, field: str, default: str | None = None) -> str:
        source = self.fields.expression(field, default)
        if source:
            self._spelt(field, source)
        return source

    def message(self, field: str, default: str | None = None) -> str:
        source = self.fields.text(field, default)
        try:
            check_message(source, self.scope)
        except ExpressionError as error:
            raise self.fields.refuse(field, str(error)) from error
        return source

    def _spelt(self, field: str, source: str) -> Hint:
        try:
            return kind_of(source, self.scope)
        except ExpressionError as error:
            raise self.fields.refuse(field, str(error)) from error


def _policy(fields: Fields, speller: _Speller) -> tuple[SitePolicy | None, tuple[Rung, ...]]:
    given = [key for key in ("each", "worst", "rungs") if key in fields]
    if len(given) != 1:
        found = f"there are {' and '.join(given)}" if given else "there is none"
        raise fields.refuse("each, worst or rungs", f"exactly one of the three says how the check is judged; {found}")
    if given[0] == "rungs":
        for key in _SITE_KEYS:
            if key in fields:
                raise fields.refuse(key, "belongs to `each` and `worst`; a check with rungs has no sites")
        speller.message("message")
        return None, _rungs(fields, speller)
    return _sites(fields, speller, given[0]), ()


def _sites(fields: Fields, speller: _Speller, key: str) -> SitePolicy:
    name = fields.text("as")
    if not name.isidentifier() or name in _TAKEN or speller.scope.kind(name) is not MISSING:
        taken = ", ".join(sorted(_TAKEN))
        raise fields.refuse("as", f"`{name}` cannot name a site: take another word than a fact's or one of {taken}")
    site = _fact(fields, key, speller.kind(key))
    on_site = speller.binding(**{name: site})
    on_path = on_site
    if "paths" in fields:
        path = element(on_site.kind("paths"))
        if path is MISSING:
            raise fields.refuse("paths", "must be a list")
        on_path = on_site.binding(path=path)
    on_path.message("message")
    empty = fields.one_of("empty", _EMPTY, "pass" if key == "worst" else "not-applicable")
    if empty == "fail" and "empty_message" not in fields:
        raise fields.refuse("empty_message", "is missing; say what is wrong when there is no site")
    return SitePolicy(
        kind="worst" if key == "worst" else "each",
        sites=fields.expression(key),
        site_name=name,
        passes=on_path.expression("pass"),
        partial=on_path.expression("partial", ""),
        unknown=on_path.expression("unknown", ""),
        drop=on_site.expression("drop", ""),
        paths=fields.expression("paths", ""),
        empty=cast(Empty, empty),
        empty_message=speller.message("empty_message", ""),
    )


def _fact(fields: Fields, key: str, sites: Hint) -> Hint:
    """Return the type of the elements of `sites`, which must be facts: things with a place."""
    site = element(sites)
    if site is MISSING:
        raise fields.refuse(key, f"must be a list of facts, not {title(sites)}")
    if member(site, "place") is MISSING:
        raise fields.refuse(key, f"must be a list of facts, but {title(site)} has no `place`")
    return site


def _rungs(fields: Fields, speller: _Speller) -> tuple[Rung, ...]:
    rungs = []
    for number, entry in enumerate(fields.items("rungs"), 1):
        rung = Fields(entry, f"{fields.where}, rung {number}", ("verdict", "when", "message"))
        verdict = rung.one_of("verdict", list(Verdict))
        kind = speller.of(rung).kind("when")
        inside = element(kind)
        found = speller.of(rung).binding(found=list_of(object if inside is MISSING else inside))
        rungs.append(Rung(verdict, rung.expression("when"), found.message("message", "")))
        if verdict == Verdict.PARTIAL and "message" not in rung:
            raise rung.refuse("message", "is missing; say what is still wrong on this rung")
    if not any(rung.verdict == Verdict.PASS for rung in rungs):
        raise fields.refuse("rungs", "no rung is a pass")
    return tuple(rungs)


def _examples(fields: Fields) -> tuple[Example, ...]:
    examples = []
    for number, entry in enumerate(fields.items("examples"), 1):
        example = Fields(entry, f"{fields.where}, example {number}", ("verdict", "files", "shows"))
        files = example.mapping("files")
        for name, content in files.items():
            if not isinstance(name, str) or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise example.refuse("files", f"`{name}` must be a path inside the example")
            if not isinstance(content, str):
                raise example.refuse("files", f"the content of {name} must be text")
        verdict = example.one_of("verdict", list(Verdict))
        examples.append(Example(verdict, cast(dict[str, str], files), example.text("shows", "")))
    for verdict in (Verdict.FAIL, Verdict.PASS):
        if not any(example.verdict == verdict for example in examples):
            raise fields.refuse("examples", f"there is no example with verdict {verdict.value}; add one")
    return tuple(examples)


def _false_positives(fields: Fields, examples: tuple[Example, ...]) -> str:
    if "false_positives" not in fields:
        raise fields.refuse("false_positives", "is missing; say what it must not fire on, or give it an empty text")
    text = fields.text("false_positives", "")
    if text and not any(example.shows for example in examples):
        raise fields.refuse("false_positives", "are named but no example shows one; add `shows:` to an example")
    return text


def _fix(fields: Fields) -> str:
    fix = fields.text("fix", "none")
    if not _FIX.fullmatch(fix):
        raise fields.refuse("fix", f'`{fix}` must be the name of a codemod, "scaffold: <component>" or none')
    return fix
