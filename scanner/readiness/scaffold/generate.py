"""A new project: the template rendered by copier, offline, and put in place whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from readiness._resources import data_root
from readiness.errors import UsageError
from readiness.scaffold.answers import check_answers, wrong_answer
from readiness.scaffold.source import Source, find_source
from readiness.scaffold.target import check_target, filled_at_once, name_from

ANSWERS_FILE = ".copier-answers.yml"

_REFUSED = re.compile(r"Validation error for question '(?P<name>\w+)': (?P<instead>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Generated:
    """A project that was made: where, what it is called, and where its updates will come from."""

    folder: Path
    project_name: str
    package_name: str
    source: Source


def generate(
    target: Path | str, answers: Mapping[str, Any] | None = None, *, ask: bool = False, source: Source | None = None
) -> Generated:
    """Make a new project in the folder `target`.

    Args:
        target: a folder that does not exist yet or has nothing in it but `.git`; its name is the project's, unless the
            answers have another.
        answers: by name, as `load_questions` lists them; what is missing is asked or takes its default.
        ask: ask a person, who sits at this terminal, for what is missing.
        source: where updates of the template come from; by default what `find_source` finds.

    Raises:
        UsageError: the target cannot be used, or an answer is refused. Nothing has been written then.
    """
    given = check_answers(answers or {})
    folder = check_target(Path(target))
    origin = source or find_source()
    suggested = {"project_name": name_from(folder)}
    with filled_at_once(folder) as fresh:
        _render(fresh, given, suggested, ask=ask)
        file = fresh / ANSWERS_FILE
        text = file.read_text("utf-8")
        file.write_text(_with_origin(text, origin), "utf-8")
    final = yaml.safe_load(text)
    return Generated(folder, final["project_name"], final["package_name"], origin)


def _render(fresh: Path, given: Mapping[str, Any], suggested: Mapping[str, Any], *, ask: bool) -> None:
    with _staged_template() as template, _nobodys_settings(template):
        from copier import run_copy  # here and not above: it is slow to import, and reads the environment as it loads
        from copier.errors import InteractiveSessionError

        try:
            run_copy(
                str(template),
                fresh,
                data=dict(given),
                user_defaults=dict(suggested),
                defaults=not ask,
                overwrite=True,
                quiet=True,
            )
        except InteractiveSessionError as error:
            raise UsageError("nobody is here to be asked: add --defaults, or give the answers") from error
        except ValueError as error:
            refused = _REFUSED.fullmatch(str(error))
            if refused is None:
                raise  # nothing that other answers would mend
            raise _refusal(refused["name"], refused["instead"], given, suggested) from error


def _refusal(name: str, instead: str, given: Mapping[str, Any], suggested: Mapping[str, Any]) -> UsageError:
    if name in given:
        return wrong_answer(name, given[name], instead)
    if name in suggested:
        instead += f" (this one was made from the folder's name; give another with --answer {name}=...)"
    return wrong_answer(name, suggested.get(name, "the default"), instead)


@contextmanager
def _staged_template() -> Iterator[Path]:
    """The template alone, in a folder that is no git repository: copier would clone the last tag of one."""
    with tempfile.TemporaryDirectory(prefix="readiness-template-") as folder:
        staged = Path(folder)
        shutil.copy(data_root() / "copier.yml", staged)
        # What pip compiled where it installed the template belongs to that machine.
        shutil.copytree(
            data_root() / "template", staged / "template", ignore=shutil.ignore_patterns("__pycache__", "*.py[co]")
        )
        yield staged


@contextmanager
def _nobodys_settings(folder: Path) -> Iterator[None]:
    """Copier and the git it asks see nothing of the user's configuration, nor of a hook that called us."""
    settings = folder / "no-settings.yml"
    settings.write_text("{}\n", "utf-8")
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("GIT_")]:
        del os.environ[name]
    os.environ |= {
        "COPIER_SETTINGS_PATH": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of copier's, about things that were decided here
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _with_origin(text: str, source: Source) -> str:
    """The answers file with the address and the commit of the template, instead of the folder it was rendered from."""
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(("_src_path:", "_commit:"))]
    first = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    origin = yaml.safe_dump({"_commit": source.commit, "_src_path": source.address}, allow_unicode=True, width=10_000)
    return "".join((*lines[:first], origin, *lines[first:]))
