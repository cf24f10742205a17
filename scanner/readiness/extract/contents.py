"""What the files say at a place, whatever their layout: what a finding is known by, and what a suppression covers."""

from __future__ import annotations

from functools import cached_property

from readiness.extract.code import Class, Function, Module, walk
from readiness.extract.observations import Observations
from readiness.extract.shape import Piece, piece_at, pieces, text_shape


class Contents:
    """The contents of a repository by place; each file is taken apart once, when it is first asked for."""

    def __init__(self, observations: Observations) -> None:
        self._observations = observations
        self._modules: dict[str, _ModuleContents] = {}

    def said(self, path: str, line: int, end_line: int) -> str:
        """The statement (of a compound one, its head) that a place lies in, or the place's own lines; no layout."""
        piece = self._piece(path, line)
        if piece is not None:
            return piece.text
        last = max(line, end_line)
        return text_shape("\n".join(self._observations.line(path, number) for number in range(line, last + 1)))

    def scope(self, path: str, line: int) -> str:
        """The names of the classes and functions around a line (`Agent.run`), empty at the top and in other files."""
        module = self._module(path)
        return module.scope(line) if module is not None else ""

    def extent(self, path: str, line: int, end_line: int) -> tuple[int, int]:
        """The lines of the statement that a place lies in; where there is none, those of the place itself."""
        piece = self._piece(path, line)
        return (piece.line, piece.end_line) if piece is not None else (line, max(line, end_line))

    def _piece(self, path: str, line: int) -> Piece | None:
        module = self._module(path)
        return piece_at(module.pieces, line) if module is not None else None

    def _module(self, path: str) -> _ModuleContents | None:
        known = self._modules.get(path)
        if known is None and (module := self._observations.modules.get(path)) is not None:
            known = self._modules[path] = _ModuleContents(module)
        return known


class _ModuleContents:
    def __init__(self, module: Module) -> None:
        self._module = module

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        return pieces(self._module)

    @cached_property
    def _definitions(self) -> list[tuple[int, int, str]]:
        found = [node for node in walk(self._module.body) if isinstance(node, Class | Function)]
        return [(node.line, node.end_line, node.name or "") for node in found]

    def scope(self, line: int) -> str:
        return ".".join(name for first, last, name in self._definitions if first <= line <= last)
