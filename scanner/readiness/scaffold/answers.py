"""Answers given beforehand: read, and checked as far as that is possible without the other answers.

What one answer must look like in detail is said by the validators of `copier.yml`, which copier runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from readiness.errors import UsageError
from readiness.scaffold.questions import Question, load_questions

Answer = str | int | float | bool | list[str]

_YES, _NO = ("yes", "true", "on", "1", "y"), ("no", "false", "off", "0", "n")
_LARGEST_FILE = 1_000_000  # bytes


def read_answers(file: Path | None, pairs: Iterable[str]) -> dict[str, Answer]:
    """The answers of a file and of `KEY=VALUE` pairs, which beat the file.

    The file may be the `.copier-answers.yml` of another project: what copier notes for itself there is left out.

    Raises:
        UsageError: the file cannot be read, a pair is none, or an answer is not one.
    """
    given: dict[str, Any] = {}
    if file is not None:
        given |= {name: value for name, value in _read_file(file).items() if not name.startswith("_")}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--answer `{pair}` has no value: write it as KEY=VALUE, such as: --answer ci=gitlab")
        given[name.strip()] = value
    return check_answers(given)


def check_answers(given: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers in their types.

    Raises:
        UsageError: there is no such question, or the value is of another kind or none of the choices.
    """
    questions = {question.name: question for question in load_questions()}
    return {name: _typed(_known(name, questions), value) for name, value in given.items()}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UsageError(f"{path} is too large for a file of answers")
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
    except (UnicodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or not all(isinstance(name, str) for name in loaded):
        raise UsageError(f"{path} must hold one line for each answer, such as: ci: gitlab")
    return loaded


def _known(name: str, questions: Mapping[str, Question]) -> Question:
    if name in questions:
        return questions[name]
    near = get_close_matches(name, questions, n=1, cutoff=0.6)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(questions)}"
    raise UsageError(f"there is no question `{name}`; {hint} (`readiness new --list-questions` explains them)")


def _typed(question: Question, value: Any) -> Answer:
    if question.several:
        return _several(question, value)
    if question.kind == "bool":
        return _yes_or_no(question, value)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _wrong(question, value, _what_to_write(question))
    if question.choices and str(value) not in dict(question.choices):
        raise _wrong(question, value, _what_to_write(question))
    if question.kind == "str":
        return str(value)
    try:
        return int(str(value)) if question.kind == "int" else float(value)
    except ValueError:
        raise _wrong(question, value, _what_to_write(question)) from None


def _several(question: Question, value: Any) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _wrong(question, value, _what_to_write(question))
    names = [str(item).strip() for item in items]
    chosen = [name for name in names if name]
    for name in chosen:
        if name not in dict(question.choices):
            raise _wrong(question, name, _what_to_write(question))
    return [name for name, _ in question.choices if name in chosen]


def _yes_or_no(question: Question, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in (*_YES, *_NO):
        return word in _YES
    raise _wrong(question, value, "write yes or no")


def _what_to_write(question: Question) -> str:
    if question.choices:
        names = [name for name, _ in question.choices]
        if question.several:
            return f"write any of {', '.join(names)}, separated by commas, or nothing"
        return f"write one of {', '.join(names)}"
    number = {"int": "a whole number", "float": "a number"}.get(question.kind, "text")
    return f"write {number}, such as: {question.default}" if question.default else f"write {number}"


def _wrong(question: Question, value: Any, instead: str) -> UsageError:
    return wrong_answer(question.name, value, instead)


def wrong_answer(name: str, value: Any, instead: str) -> UsageError:
    """The error for an answer that cannot be one: the question, what was given, what to write instead."""
    return UsageError(f"`{str(value)[:80]}` cannot be the answer to {name}: {instead[:1].lower()}{instead[1:]}")
