"""Reading the catalogue's YAML, with errors that name the file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from readiness.assess.errors import CatalogueError
from readiness.assess.spelling import suggestion

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there, about ten times faster


class _Loader(_Base):  # type: ignore[misc]
    """Safe, and it refuses a key that is given twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.constructor.ConstructorError(None, None, f"`{twice}` is given twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        CatalogueError: the file cannot be read, is not YAML, or holds something else.
    """
    name = f"checks/{path.parent.name}/{path.name}" if path.parent.name != "checks" else f"checks/{path.name}"
    try:
        content = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 - _Loader is a safe loader
    except OSError as error:
        raise CatalogueError([f"{name}: cannot be read: {error.strerror}"]) from error
    except yaml.YAMLError as error:
        raise CatalogueError([f"{name}: is not valid YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(content, dict):
        raise CatalogueError([f"{name}: must hold keys and values, not {type(content).__name__}"])
    return content


class Fields:
    """The fields of one mapping, each read once and with the type it must have; errors name the file and the field."""

    def __init__(self, content: object, where: str, known: Collection[str]) -> None:
        self.where = where
        if not isinstance(content, dict):
            raise CatalogueError([f"{where}: must hold keys and values ({', '.join(known)})"])
        self._content = content
        for key in content:
            if key not in known:
                raise CatalogueError([f"{where}, {key}: no such field{suggestion(str(key), known)}"])

    def __contains__(self, field: str) -> bool:
        return field in self._content

    def refuse(self, field: str, problem: str) -> CatalogueError:
        """Return the error that `field` has this problem."""
        return CatalogueError([f"{self.where}, {field}: {problem}"])

    def text(self, field: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there and not be empty."""
        value = self._content.get(field)
        if value is None and default is not None:
            return default
        if value is None or value == "":
            raise self.refuse(field, "is missing; write it")
        if not isinstance(value, str):
            raise self.refuse(field, f"must be text, not {type(value).__name__}; put it in quotes")
        if not value.strip() and default is None:
            raise self.refuse(field, "is empty; write it")
        return value.strip()

    def one_of(self, field: str, known: Collection[str], default: str | None = None) -> str:
        """Return a text that must be one of `known`."""
        value = self.text(field, default)
        if value not in known:
            raise self.refuse(field, f"`{value}` is not one of {', '.join(sorted(known))}{suggestion(value, known)}")
        return value

    def expression(self, field: str, default: str | None = None) -> str:
        """Return an expression; `true` and `false` need no quotes."""
        value = self._content.get(field)
        if isinstance(value, bool):
            return "true" if value else "false"
        return self.text(field, default)

    def number(self, field: str) -> float:
        """Return a number that must be there."""
        value = self._content.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(field, "must be a number")
        return float(value)

    def items(self, field: str, required: bool = True) -> list[object]:
        """Return a list; when required it must be there and not be empty."""
        value = self._content.get(field)
        if value is None and not required:
            return []
        if not isinstance(value, list) or (required and not value):
            raise self.refuse(field, "must be a list with at least one entry" if required else "must be a list")
        return value

    def texts(self, field: str, required: bool = True) -> tuple[str, ...]:
        """Return a list of texts, none of them empty."""
        values = self.items(field, required)
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise self.refuse(field, "each entry must be text; put it in quotes")
        return tuple(str(value).strip() for value in values)

    def mapping(self, field: str) -> dict[object, object]:
        """Return a mapping that must be there and not be empty."""
        value = self._content.get(field)
        if not isinstance(value, dict) or not value:
            raise self.refuse(field, "must hold at least one key and value")
        return value
