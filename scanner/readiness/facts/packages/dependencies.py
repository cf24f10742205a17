"""Dependencies: what is declared, what is locked, what is installed from the lock, and which version therefore runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from readiness.extract.observations import Observations
from readiness.extract.requirements import normalise
from readiness.facts.packages.installs import Install, InstallCommand, installs
from readiness.facts.packages.lock_files import MANIFESTS, LockFile, lock_files
from readiness.facts.packages.manifests import Declared, declared, is_side
from readiness.facts.packages.versions import Installed
from readiness.facts.place import Place
from readiness.repository.tree import Role

_EXPORT = "conda-explicit"
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class RequirementList:
    """What one manifest asks for at run time, and how much of it is exact; `text` says it in a few words."""

    place: Place
    text: str
    exact: int
    total: int


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Facts about the dependencies of the whole repository."""

    declared: tuple[Declared, ...]
    locks: tuple[LockFile, ...]
    """Lock files that serve the application, fully locked requirement lists among them."""
    installs: tuple[Install, ...]
    _by_name: dict[str, list[Declared]] = field(default_factory=dict)

    @property
    def deciding_installs(self) -> tuple[Install, ...]:
        """The installations of the images; where no image installs anything, those of CI."""
        images = tuple(install for install in self.installs if install.where == "image")
        return images or tuple(install for install in self.installs if install.where == "ci")

    @property
    def locked_installs(self) -> tuple[Install, ...]:
        """Those of `deciding_installs` that take a lock which fits its manifest."""
        return tuple(item for item in self.deciding_installs if item.lock and item.lock not in self._stale)

    @property
    def unlocked_installs(self) -> tuple[Install, ...]:
        """Those of `deciding_installs` that resolve something anew."""
        return tuple(item for item in self.deciding_installs if item.unlocked)

    @property
    def stale_locks(self) -> tuple[LockFile, ...]:
        """Lock files that no longer fit their manifest."""
        return tuple(lock for lock in self.locks if lock.in_sync is False)

    @property
    def used_locks(self) -> tuple[LockFile, ...]:
        """Locks that an image or a CI step installs from; without image and CI, those of the documented command."""
        real = [item for item in self.installs if item.where != "docs"]
        used = {item.lock for item in (real or self.installs)}
        return tuple(lock for lock in self.locks if lock.path in used)

    @property
    def lists(self) -> tuple[RequirementList, ...]:
        """The manifests that ask for something at run time. Beside a lock's own manifest, plain lists are exports."""
        by_manifest: dict[str, list[Declared]] = {}
        for item in self.declared:
            if item.runtime:
                by_manifest.setdefault(item.manifest, []).append(item)
        return tuple(_list(manifest, items) for manifest, items in by_manifest.items())

    @property
    def mostly_exact_lists(self) -> tuple[RequirementList, ...]:
        """The lists, when at least half of all that they ask for together is exact; none otherwise."""
        lists = self.lists
        total = sum(item.total for item in lists)
        return lists if total and sum(item.exact for item in lists) >= _HALF * total else ()

    @property
    def ranges(self) -> tuple[Declared, ...]:
        """Run-time dependencies that more than one release satisfies."""
        return tuple(item for item in self.declared if item.runtime and not item.exact)

    def version_of(self, distribution: str) -> Installed:
        """What is known of the version of a distribution that runs (rules-of-evidence.md, "Version-aware defaults").

        A lock that nothing installs is not used. Among several locks the first by path that holds it counts.
        """
        name = normalise(distribution)
        wanted = self._by_name.get(name, [])
        specifier = next((item.specifier for item in wanted if item.exact and item.specifier), "") or (
            wanted[0].specifier if wanted else ""
        )
        for lock in self.used_locks:
            versions = lock.packages.get(name)
            if versions:
                return Installed(versions[-1], specifier, bool(wanted))
        exact = next((item.specifier for item in wanted if item.exact and item.specifier.startswith("==")), "")
        return Installed(exact.lstrip("= ") or None, specifier, bool(wanted))

    @property
    def _stale(self) -> frozenset[str]:
        return frozenset(lock.path for lock in self.stale_locks)


def dependencies(observations: Observations, commands: Iterable[InstallCommand] = ()) -> Dependencies:
    """The facts. `commands` are the shell texts of images, CI and documents, each with its place."""
    found = declared(observations)
    locks = tuple(lock for lock in lock_files(observations, found) if _serves(observations, lock))
    serving = [command for command in commands if _counts(observations, command)]
    done = installs(observations, locks, serving)
    used = {install.lock for install in done}
    # A platform export proves nothing unless something installs from it.
    locks = tuple(lock for lock in locks if lock.tool != _EXPORT or lock.path in used)
    by_name: dict[str, list[Declared]] = {}
    for item in sorted(found, key=lambda entry: not entry.runtime):
        by_name.setdefault(item.name, []).append(item)
    return Dependencies(found, locks, done, by_name)


def _serves(observations: Observations, lock: LockFile) -> bool:
    file = observations.files.get(lock.path)
    is_list = lock.tool not in MANIFESTS and is_side(lock.path)
    return file is not None and file.role is Role.SERVING and not is_list


def _counts(observations: Observations, command: InstallCommand) -> bool:
    """Whether a command belongs to the application: not to an example, a test image or an editor's container."""
    if command.where != "image":
        return True
    file = observations.files.get(command.place.path)
    serving = file is None or file.role is Role.SERVING
    return serving and ".devcontainer" not in command.place.path and not is_side(command.place.path.rpartition("/")[2])


def _list(manifest: str, items: list[Declared]) -> RequirementList:
    exact = sum(item.exact for item in items)
    first = next((item for item in items if not item.exact), items[0])
    return RequirementList(first.place, f"{exact} of {len(items)} exact in {manifest}", exact, len(items))
