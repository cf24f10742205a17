"""What a file is for, told from its path alone.

The rules are those of rules-of-evidence.md, "Path classes"; the first one that matches decides. What needs a file's
contents (an import of an evaluation framework, a `__main__` guard, a sample that nobody imports) is refined by the
facts. Only the path below the scanned root counts: the root's own name says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from readiness.repository.tree import Role

# `vendor` and the gRPC stubs beside `*_pb2.py` are not named by the catalogue; they are the same thing by other names.
_VENDORED = re.compile(r"site-packages|node_modules|third[-_]party|_?vendor(ed)?|migrations")
_GENERATED = re.compile(r".*_pb2(_grpc)?\.pyi?", re.DOTALL)
_EVAL = re.compile(r"evals?|benchmarks?")
_TEST = re.compile(r"tests?|testing")
_EVAL_IN_TESTS = re.compile(r"(.*[-_])?(evals?|evaluat(ion|or)s?)([-_].*)?")
_TEST_MODULE = re.compile(r"test_.*\.py|.*_test\.py|tests\.py|conftest\.py", re.DOTALL)
_ARCHIVED = re.compile(r"archived?|legacy|old|deprecated|attic")
_EXAMPLE = re.compile(
    r"examples?|docs?|cookbook|samples?|demos?|tutorials?|exercise.*|course|research|playground|quickstart"
    r"|getting[-_]started",
    re.DOTALL,
)
_NOTEBOOK = re.compile(r".*\.ipynb", re.DOTALL)
_SCRIPT = re.compile(r"scripts?|tools")

_Matcher = Callable[[str], object]
_NEVER: _Matcher = re.compile(r"(?!)").fullmatch
_ALWAYS: _Matcher = re.compile(r".*", re.DOTALL).fullmatch

_RULES: tuple[tuple[Role, _Matcher, _Matcher], ...] = (
    # role, what a directory above the file matches, what its name matches
    (Role.VENDORED, _VENDORED.fullmatch, _GENERATED.fullmatch),
    (Role.EVAL, _EVAL.fullmatch, _NEVER),
    (Role.TEST, _TEST.fullmatch, _TEST_MODULE.fullmatch),
    (Role.ARCHIVED, _ARCHIVED.fullmatch, _NEVER),
    (Role.EXAMPLE, _EXAMPLE.fullmatch, _NEVER),
    (Role.NOTEBOOK, _NEVER, _NOTEBOOK.fullmatch),
    (Role.SCRIPT, _SCRIPT.fullmatch, _NEVER),
    (Role.SERVING, _NEVER, _ALWAYS),
)


def role_of(path: str) -> Role:
    """The role of the file at `path`, relative to the scanned root with `/`. Upper and lower case are the same."""
    directory, _, name = path.lower().rpartition("/")
    by_directory = _rank_of(directory)
    for rank, (role, _, name_matches) in enumerate(_RULES):
        if rank == by_directory or name_matches(name):
            return Role.EVAL if role is Role.TEST and _evaluates(directory, name) else role
    raise AssertionError("the last rule matches every name")


def _evaluates(directory: str, name: str) -> bool:
    """Whether what lies among the tests is no test: `tests/llm-evaluator/run.py` and its data."""
    return not _TEST_MODULE.fullmatch(name) and any(_EVAL_IN_TESTS.fullmatch(part) for part in directory.split("/"))


@lru_cache(maxsize=4096)
def _rank_of(directory: str) -> int:
    """The first rule that one of the directories matches; files lie together, so that few are looked at twice."""
    directories = directory.split("/")
    for rank, (_, directory_matches, _) in enumerate(_RULES):
        if any(directory_matches(name) for name in directories):
            return rank
    return len(_RULES)
