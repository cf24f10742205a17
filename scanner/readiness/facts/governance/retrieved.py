"""What the retrieval of a repository does, and which of the five things around it are there."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.facts.place import Evidence, Place


@dataclass(frozen=True, slots=True)
class Search:
    """One place that searches: `bounded` how many it takes at most, `owned` whether it is filtered by an owner."""

    place: Place
    text: str
    bounded: bool
    owned: bool


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What the retrieval of the repository does; each item with the places that show it.

    `searches` are those that some entry point can reach, `dead` those in code that cannot be imported. `shared`: the
    store holds documents of several owners. `thresholds` that only a setting switches on are in `optional`.
    """

    searches: tuple[Search, ...] = ()
    dead: tuple[Search, ...] = ()
    shared: bool = False
    thresholds: tuple[Evidence, ...] = ()
    optional: tuple[Evidence, ...] = ()
    empty: tuple[Evidence, ...] = ()
    sources: tuple[Evidence, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether every search takes a bounded number of passages."""
        return bool(self.searches) and all(search.bounded for search in self.searches)

    @property
    def owned(self) -> bool:
        """Whether every search is filtered by the owner."""
        return bool(self.searches) and all(search.owned for search in self.searches)

    @property
    def items(self) -> float:
        """How many of bounded, threshold, empty path and sources (and, in a shared store, owner) are there."""
        threshold = 1.0 if self.thresholds else 0.5 if self.optional else 0.0
        owner = 1.0 if self.shared and self.owned else 0.0
        return self.bounded + threshold + bool(self.empty) + bool(self.sources) + owner

    @property
    def constrained(self) -> bool:
        """Three of the four, or in a shared store four of the five with the owner's filter among them."""
        return self.items >= 4 and self.owned if self.shared else self.items >= 3

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there, in plain words."""
        found = (
            (self.bounded, "a bound on the number of passages"),
            (bool(self.thresholds), "a threshold or a reranker that is on by default"),
            (self.owned or not self.shared, "a filter by owner on every search"),
            (bool(self.empty), "a way for when nothing is found"),
            (bool(self.sources), "the sources beside the answer"),
        )
        return tuple(words for there, words in found if not there)
