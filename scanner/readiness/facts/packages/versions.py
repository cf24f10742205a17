"""Which version of a distribution runs: rules-of-evidence.md, "Version-aware defaults"."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from readiness.facts.packages.lock_files import satisfies

_OPEN = "999999"


@dataclass(frozen=True, slots=True)
class Installed:
    """What is known of the version in use.

    `version` is exact where a lock that is used or an exact pin tells it, else None; `range` is the PEP 440 specifier
    that the manifests allow ("" for any). `declared` is False for a distribution that no manifest names: it comes with
    another.
    """

    version: str | None
    range: str
    declared: bool = True

    def admits(self, specifier: str, forced: str = "") -> bool | None:
        """Whether the version in use satisfies a PEP 440 specifier.

        Without an exact version the newest one that the range allows stands for it; `forced` narrows the range by
        what the code's own use of an API tells (`<1` for `openai.ChatCompletion`). None when the range leaves nothing
        (the requirements exclude the API, so the code is dead) or is not in PEP 440 form.
        """
        if not specifier:
            return True
        if self.version is not None:
            return satisfies(self.version, specifier)
        newest = newest_of(",".join(part for part in (self.range, forced) if part))
        return None if newest is None else satisfies(newest, specifier)


def newest_of(specifier: str) -> str | None:
    """A version that stands for the newest one a specifier admits; None when it admits none or cannot be read.

    No index is asked: below an exclusive bound `<2` stands `1.999999`, without any bound `999999`.
    """
    try:
        wanted = SpecifierSet(specifier)
        candidates = [Version(_OPEN), *(bound for item in wanted for bound in _bounds(item.operator, item.version))]
    except (InvalidSpecifier, InvalidVersion):
        return None
    fitting = [candidate for candidate in candidates if wanted.contains(candidate, prereleases=True)]
    return str(max(fitting)) if fitting else None


def _bounds(operator: str, written: str) -> list[Version]:
    """The versions next to a clause's bound, from inside."""
    release = Version(written.removesuffix(".*")).release
    if operator in ("==", "~="):
        if written.endswith(".*"):
            return [_version((*release, int(_OPEN)))]
        return [_version((*release[:-1], int(_OPEN)))] if operator == "~=" else [Version(written)]
    if operator in ("<=", ">="):
        return [Version(written)]
    return [_below(release)] if operator in ("<", "!=") else []


def _below(release: tuple[int, ...]) -> Version:
    """A version right below a release: the last part that is not zero goes down by one and everything follows it."""
    parts = list(release)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return _version((*parts[:-1], max(parts[-1] - 1, 0), int(_OPEN))) if parts[-1] else Version("0.dev0")


def _version(parts: tuple[int, ...]) -> Version:
    return Version(".".join(str(part) for part in parts))
