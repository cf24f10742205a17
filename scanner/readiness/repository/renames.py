"""Which new files are old ones under another name: those with the same content, then those with much the same lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from readiness.repository.commit import blob_names
from readiness.repository.index import Entry
from readiness.repository.limits import MEBIBYTE
from readiness.repository.objects import Blobs, sizes_of
from readiness.repository.tree import File, UnreadableError

_MOST_COMPARED = 200
_LARGEST_COMPARED = MEBIBYTE
_MOST_LINES = 5000
_ALIKE = 0.5  # as git: half of the lines of both


def renamed(top: str, base: str, files: Sequence[File], vanished: Mapping[str, Entry]) -> dict[str, str]:
    """The former paths of renamed files, by their new ones; each former path is given once.

    Parameters:
        top: the work tree.
        base: the commit of the older version.
        files: those whose path is new.
        vanished: what was at paths that are no more.

    Raises:
        GitFailedError: git cannot read the older versions.
    """
    if not files or not vanished:
        return {}
    found = _identical(files, vanished)
    former = set(found.values())
    left = {path: entry for path, entry in vanished.items() if path not in former}
    return found | _similar(top, base, [file for file in files if file.path not in found], left)


def _identical(files: Sequence[File], vanished: Mapping[str, Entry]) -> dict[str, str]:
    by_name: defaultdict[bytes, list[str]] = defaultdict(list)
    for path, entry in sorted(vanished.items()):
        by_name[entry.sha].append(path)
    length = len(next(iter(by_name)))
    found: dict[str, str] = {}
    for file in files:
        content = _content(file)
        for name in blob_names(content, length) if content else ():
            paths = by_name.get(name)
            if paths:
                same = [path for path in paths if _name(path) == _name(file.path)]
                found[file.path] = (same or paths)[0]
                paths.remove(found[file.path])
                break
    return found


def _similar(top: str, base: str, files: Sequence[File], vanished: Mapping[str, Entry]) -> dict[str, str]:
    endings = {_ending(file.path) for file in files}
    former = dict(islice(((p, e) for p, e in sorted(vanished.items()) if _ending(p) in endings), _MOST_COMPARED))
    if not former:
        return {}
    sizes = sizes_of(top, base, (entry.sha for entry in former.values()))
    blobs = Blobs(top, {name: size for name, size in sizes.items() if size <= _LARGEST_COMPARED})
    for entry in former.values():
        blobs.announce(entry.sha)
    lines = {path: _lines(_blob(blobs, entry)) for path, entry in former.items()}
    pairs = sorted(_pairs(files[:_MOST_COMPARED], lines))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, new, old in pairs:
        if new not in found and old not in taken:
            found[new] = old
            taken.add(old)
    return found


def _pairs(files: Sequence[File], lines: Mapping[str, frozenset[bytes]]) -> Iterator[tuple[float, bool, str, str]]:
    """(how unlike, whether the names differ, new path, former path) of all that are alike enough."""
    for file in files:
        own = _lines(_content(file))
        for path, other in lines.items():
            if own and other and _ending(path) == _ending(file.path):
                share = 2 * len(own & other) / (len(own) + len(other))
                if share >= _ALIKE:
                    yield -share, _name(path) != _name(file.path), file.path, path


def _lines(content: bytes) -> frozenset[bytes]:
    """The different lines of a content, without the white space around them."""
    found = (line.strip() for line in content.splitlines())
    return frozenset(islice((line for line in found if line), _MOST_LINES))


def _content(file: File) -> bytes:
    """What is in a file; nothing where it is too large to compare, or cannot be read."""
    try:
        return file.read() if file.size <= _LARGEST_COMPARED else b""
    except UnreadableError:
        return b""


def _blob(blobs: Blobs, entry: Entry) -> bytes:
    try:
        return blobs.read(entry.sha)
    except UnreadableError:
        return b""


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _ending(path: str) -> str:
    stem, dot, ending = _name(path).rpartition(".")
    return ending.lower() if stem and dot else ""
