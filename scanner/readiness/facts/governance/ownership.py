"""Who answers for the repository: responsibilities, code owners, catalogue entries, maintainers, whom to call.

Authorship is not ownership: packaging `authors`, an "Author" line, the holder of the licence and a link to the issues
say who wrote it, not who answers for it tonight. A placeholder (`@your-org/team`) names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from readiness.extract import code
from readiness.extract.data import Located
from readiness.extract.markdown import Heading, Markdown
from readiness.extract.observations import Observations
from readiness.facts.governance.responsibilities import (
    Duty,
    assigned_duties,
    duties_of_table,
    names_nobody,
    unnamed_in,
    unnamed_roles,
)
from readiness.facts.place import Place
from readiness.repository.tree import Role

OwnershipKind = Literal["responsibilities", "code-owners", "catalog", "maintainer", "contact", "on-call"]

_NOT_READ = frozenset({Role.VENDORED, Role.TEST, Role.ARCHIVED})
_CODE_OWNERS = re.compile(r"^(?:\.github/|\.gitlab/|docs/)?CODEOWNERS$")
_OWNERS_FILE = re.compile(r"(?:^|/)(?:OWNERS|MAINTAINERS|OWNERS\.ya?ml|MAINTAINERS\.txt)$")
_CATALOG = re.compile(r"(?:^|/)(?:catalog-info|service|opslevel|cortex)\.ya?ml$")
_CONTACT_FILE = re.compile(
    r"^(?:\.github/|docs/)?(?:README|SUPPORT|SECURITY|GOVERNANCE|MAINTAINERS|OWNERS|CONTACT)\b[^/]*$", re.I
)
_RUNBOOK = re.compile(
    r"runbook|playbook|on-?call|escalation|incident|operations|governance|ownership|responsib|raci", re.I
)
_SECTION = re.compile(
    r"\b(?:maintainers?|maintained by|owners?|ownership|contacts?|support|reporting a vulnerability)\b", re.I
)
_WARNING = re.compile(r"\b(?:escalat\w*|on-?call|pager|incident contacts?)\b", re.I)
_TOLD = re.compile(
    r"\b(?:contact|maintain(?:er|ers|ed by)|owner|owned by|support|escalat\w*|on-?call|reach (?:out|us))\b", re.I
)
_ADDRESS = re.compile(r"(?<![\w.+-])(?:mailto:)?([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})(?![\w@])")
_PROFILE = re.compile(
    r"https?://(?:www\.)?(?:github\.com/[\w-]{1,39}(?=[)\s/>\]]|$)(?!/[\w-])|linkedin\.com/in/|(?:twitter|x)\.com/\w|t\.me/\w)"
    r"|(?<![\w/@.`])@[A-Za-z][\w-]{1,38}(?:/[\w-]+)?(?![\w.@])|(?<![\w#(/])#[a-z][a-z0-9_-]{3,40}\b"
)
_HOME = re.compile(r"https://(?:github|gitlab)\.com/([\w.-]{1,39})/[\w.-]")
_PAGER = re.compile(
    r"pagerduty\.com/(?:service|integration|escalation)|opsgenie\.com/(?:service|team|component)|pagerduty-service-id"
)
_NO_ADDRESS = re.compile(
    r"@(?:example|test|localhost|domain|email|company|yourdomain)\b|^(?:git|you|your|user|name|noreply|no-reply)[@.]",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Ownership:
    """One thing that says who answers for the repository.

    `owners` as written, `assigns` what a table of responsibilities assigns to somebody, `escalates` whether it says
    whom to call when it burns, `placeholder` whether it names nobody. `unnamed` are roles that answer for something and
    of whom only a placeholder's address is known.
    """

    place: Place
    text: str
    kind: OwnershipKind
    owners: tuple[str, ...] = ()
    assigns: tuple[Duty, ...] = ()
    escalates: bool = False
    placeholder: bool = False
    unnamed: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether building, running and approving are each assigned to somebody."""
        return len(self.assigns) == 3 and not (self.placeholder or self.unnamed)

    @property
    def counts(self) -> bool:
        """Whether it names anybody at all."""
        return not self.placeholder


def find_ownership(observations: Observations, repository: str = "") -> tuple[Ownership, ...]:
    """Everything that says who answers for the repository, by place.

    Args:
        observations: what was read.
        repository: the repository's own name. Where addresses of the package or links to the repository tell its
            organisation, a team of another one in `CODEOWNERS` (left over from a template) is a placeholder.
    """
    organisation = _organisation(observations, repository)
    found: list[Ownership] = []
    for path in sorted(observations.files):
        if observations.files[path].role in _NOT_READ and not _CONTACT_FILE.match(path):
            continue
        text = observations.sources.get(path, "")
        if _CODE_OWNERS.match(path):
            found.extend(_code_owners(path, text, organisation))
        elif _OWNERS_FILE.search(path):
            found.extend(_owners_file(path, text))
        elif path in observations.markdown:
            found.extend(_of_markdown(observations.markdown[path], text))
        elif path in observations.documents:
            found.extend(_of_document(path, observations.documents[path]))
        elif PurePosixPath(path).name == "setup.py" and path in observations.modules:
            found.extend(_of_setup(observations.modules[path]))
        for key, setting in observations.ini.get(path, {}).get("metadata", {}).items():
            if key == "maintainer_email" and _address(setting.value):
                place = Place(path, setting.line, setting.line)
                found.append(Ownership(place, "maintainer with an address", "maintainer"))
    return tuple(sorted(dict.fromkeys(found), key=lambda owner: (owner.place, owner.kind)))


# --- files of owners -----------------------------------------------------------------------------------------------


def _code_owners(path: str, text: str, organisation: str) -> Iterator[Ownership]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        owners = tuple(word for word in words[1:] if "@" in word)
        if not owners or words[0].startswith(("[", "^[")):
            continue
        real = [owner for owner in owners if not names_nobody(owner) and not _is_foreign(owner, organisation)]
        shown = ", ".join(owners[:3])
        yield Ownership(Place(path, number, number), f"{words[0]} {shown}", "code-owners", owners, placeholder=not real)


def _is_foreign(owner: str, organisation: str) -> bool:
    team, slash, _ = owner.removeprefix("@").partition("/")
    return bool(slash and organisation and owner.startswith("@") and team.lower() != organisation)


def _organisation(observations: Observations, repository: str) -> str:
    """The one organisation, in lower case, that the package's addresses or the README's links to itself name."""
    package = observations.document("pyproject.toml")
    addresses = [
        address.value
        for keys in (("project", "urls"), ("tool", "poetry", "urls"), ("tool", "poetry"))
        for _, address in (package.items(*keys) if package is not None else ())
        if isinstance(address.value, str)
    ]
    names = {match[1].lower() for address in addresses for match in _HOME.finditer(address)}
    if not names and repository:
        link = re.compile(rf"github\.com/([\w.-]{{1,39}})/{re.escape(repository)}(?![\w-])", re.IGNORECASE)
        names = {match[1].lower() for match in link.finditer(observations.sources.get("README.md", ""))}
    return names.pop() if len(names) == 1 else ""


def _owners_file(path: str, text: str) -> Iterator[Ownership]:
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#", 1)[0].strip(" -*\t")
        if bare and not bare.endswith(":") and not names_nobody(bare):
            yield Ownership(Place(path, number, number), f"owner in {PurePosixPath(path).name}", "maintainer", (bare,))
            return


def _of_document(path: str, documents: tuple[Located, ...]) -> Iterator[Ownership]:
    name = PurePosixPath(path).name
    for document in documents:
        if _CATALOG.search(path):
            yield from _of_catalog(path, document)
        elif name in ("pyproject.toml", "Chart.yaml", "package.json"):
            for keys in (("project", "maintainers"), ("tool", "poetry", "maintainers"), ("maintainers",)):
                for entry in document.elements(*keys):
                    written = entry.text("email") or (entry.value if isinstance(entry.value, str) else "")
                    if _address(written):
                        place = Place(path, entry.line, entry.end_line)
                        yield Ownership(place, "maintainer with an address", "maintainer")
        elif re.search(r"raci|responsib|ownership|owners", name, re.IGNORECASE):
            yield from _of_assignments(path, document)


def _of_catalog(path: str, document: Located) -> Iterator[Ownership]:
    owner = document.get("spec", "owner") or document.get("owner") or document.get("team")
    if owner is not None and isinstance(owner.value, str) and owner.value.strip():
        place = Place(path, owner.line, owner.end_line)
        nobody = names_nobody(owner.value)
        yield Ownership(place, f"owner: {owner.value}", "catalog", (owner.value,), placeholder=nobody)
    for key, value in document.items("metadata", "annotations"):
        if key.startswith(("pagerduty.com/", "opsgenie.com/")) and isinstance(value.value, str) and value.value:
            yield Ownership(Place(path, value.line, value.end_line), key, "on-call", escalates=True)


def _of_assignments(path: str, document: Located) -> Iterator[Ownership]:
    """Responsibilities as data: a mapping or a list of activities, each with who is accountable or responsible."""
    rows: list[tuple[str, str]] = []
    escalation: Located | None = None
    for key, entry in document.walk():
        who = entry.text("accountable") or entry.text("responsible") or entry.text("owner")
        if who is not None:
            what = entry.text("activity") or entry.text("name") or entry.text("task") or str(key)
            rows.append((what, who))
        if isinstance(key, str) and _WARNING.search(key) and entry.value:
            escalation = entry
    if len(rows) >= 3:
        duties = assigned_duties(rows)
        place = Place(path, document.line, document.end_line)
        yield Ownership(
            place, f"{len(rows)} responsibilities", "responsibilities", assigns=duties, placeholder=not duties
        )
    if escalation is not None and not _names_only_placeholders(escalation, document):
        place = Place(path, escalation.line, escalation.end_line)
        yield Ownership(place, "escalation", "on-call", escalates=True)


def _names_only_placeholders(escalation: Located, document: Located) -> bool:
    """Whether everybody who is to be called is a role, or has an address, that is a placeholder's."""
    told = [v.value for _, v in escalation.walk() if isinstance(v.value, str)]
    roles = [document.get("roles", text) or document.get(text) for text in told if len(text) < 60]
    reached = [v.value for role in roles if role is not None for _, v in role.walk() if isinstance(v.value, str)]
    addresses = [text for text in (*told, *reached) if _ADDRESS.search(text)]
    return bool(addresses) and not any(_address(text) for text in addresses)


def _of_setup(module: code.Module) -> Iterator[Ownership]:
    for node in code.walk(module.body):
        if isinstance(node, code.Keyword) and node.name == "maintainer_email":
            value = node.value
            if isinstance(value, code.Constant) and isinstance(value.value, str) and _address(value.value):
                place = Place(module.path, node.line, node.end_line)
                yield Ownership(place, "maintainer with an address", "maintainer")


# --- documents -----------------------------------------------------------------------------------------------------


def _of_markdown(document: Markdown, text: str) -> Iterator[Ownership]:
    lines = text.split("\n")
    unnamed = unnamed_roles(document.tables)
    for table in document.tables:
        duties = duties_of_table(table, _title_above(document, table.line), unnamed)
        if duties is not None:
            place = Place(document.path, table.line, table.end_line)
            rows = "\n".join(lines[table.line - 1 : table.end_line])
            escalates = bool(_address(rows) or _PAGER.search(rows)) and bool(_WARNING.search(rows))
            yield Ownership(
                place, f"{len(table.rows)} responsibilities", "responsibilities", (), duties, escalates, not duties,
                unnamed_in(table, unnamed),
            )  # fmt: skip
    if not (_CONTACT_FILE.match(document.path) or _RUNBOOK.search(document.path)):
        return
    fenced = {line for fence in document.fences for line in range(fence.line, fence.end_line + 1)}
    inside = _section_lines(document, _SECTION)
    warned = _section_lines(document, _WARNING)
    for number, line in enumerate(lines, 1):
        if number in fenced or not line.strip():
            continue
        told = _TOLD.search(line) is not None
        address = _address(line)
        if _PAGER.search(line):
            yield Ownership(Place(document.path, number, number), "a pager", "on-call", escalates=True)
        elif number in warned or _WARNING.search(line):
            if address or _reachable(line):
                place = Place(document.path, number, number)
                yield Ownership(place, "whom to call", "on-call", escalates=True)
        elif (address and (told or number in inside)) or (number in inside and _reachable(line)):
            yield Ownership(Place(document.path, number, number), "a contact", "contact")


def _reachable(line: str) -> bool:
    found = _PROFILE.search(line)
    return found is not None and not names_nobody(found.group())


def _address(text: str) -> str:
    """The first e-mail address in a text that can be somebody's."""
    for match in _ADDRESS.finditer(text):
        if not _NO_ADDRESS.search(match[1]) and not names_nobody(match[1]):
            return match[1]
    return ""


def _section_lines(document: Markdown, title: re.Pattern[str]) -> set[int]:
    """The lines of sections with such a heading, as far as they go: a README's own title is no section."""
    return {
        line
        for heading in document.headings
        if heading.level > 1 or not document.path.startswith("README")
        if title.search(heading.text) and not _is_authorship(heading)
        for line in range(heading.line + 1, heading.section_end + 1)
    }


def _is_authorship(heading: Heading) -> bool:
    return re.search(r"\bauthors?\b|\blicen[cs]e\b|\bcontribut", heading.text, re.IGNORECASE) is not None


def _title_above(document: Markdown, line: int) -> str:
    """The headings a line stands under, joined."""
    return " / ".join(h.text for h in document.headings if h.line < line <= h.section_end)
