"""What the owners state about what no file can show: the entries of `readiness.attest.yaml`, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.place import Place

FILE_NAMES = ("readiness.attest.yaml", "readiness.attest.yml")
FIELDS = ("claim", "owner", "evidence", "date", "expires")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Attestation:
    """One entry; a field that is missing or no text is empty. `fault` says why it is no entry at all.

    `evidence_found` is False only where the evidence is a path and the repository has no such file.
    """

    place: Place
    claim: str = ""
    owner: str = ""
    evidence: str = ""
    date: str = ""
    expires: str = ""
    unknown_fields: tuple[str, ...] = ()
    evidence_found: bool = True
    fault: str = ""


def find_attestations(observations: Observations) -> tuple[Attestation, ...]:
    """The entries of the file at the root, in its order; an entry with a `fault` where the file is not to be read."""
    present = [name for name in FILE_NAMES if name in observations.files]
    found = [one for name in present for one in _entries(name, observations)]
    if len(present) > 1:
        found.append(Attestation(Place(present[1], 1, 1), fault=f"{present[0]} exists too: keep one of the two files"))
    return tuple(found)


def _entries(name: str, observations: Observations) -> Iterator[Attestation]:
    document = observations.document(name)
    if document is None:
        reasons = [file.reason for file in observations.unread if file.path == name]
        yield Attestation(Place(name, 1, 1), fault=reasons[0] if reasons else "the file is empty")
        return
    listed = document.get("attestations")
    if listed is None or not isinstance(listed.value, list):
        yield Attestation(Place(name, document.line, document.line), fault="it needs a list under `attestations:`")
        return
    for entry in listed.value[:_MOST]:
        yield _entry(name, entry, observations)
    if len(listed.value) > _MOST:
        rest = listed.value[_MOST]
        yield Attestation(Place(name, rest.line, rest.line), fault=f"only the first {_MOST} entries are read")


def _entry(name: str, entry: Located, observations: Observations) -> Attestation:
    place = Place(name, entry.line, entry.end_line)
    if not isinstance(entry.value, dict):
        return Attestation(place, fault=f"an entry holds {', '.join(FIELDS)}")
    given = {field: (entry.text(field) or "").strip() for field in FIELDS}
    evidence = given["evidence"]
    return Attestation(
        place,
        **given,
        unknown_fields=tuple(key for key in entry.value if key not in FIELDS),
        evidence_found=is_address(evidence) or evidence.partition("#")[0].removeprefix("./") in observations.files,
    )


def is_address(evidence: str) -> bool:
    """Whether evidence lies on the web, and not in the repository."""
    return evidence.startswith(("https://", "http://"))
