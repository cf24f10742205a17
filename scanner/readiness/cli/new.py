"""`readiness new`: the service a model will live in."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.output import emit, emit_page
from readiness.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from readiness.report.page import Page
    from readiness.scaffold import Generated, Question


def new(
    name: Annotated[
        Path | None, typer.Argument(metavar="NAME", help="The folder of the new project.", show_default=False)
    ] = None,
    *,
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", "-a", metavar="KEY=VALUE", help="Answer a question; may be given again."),
    ] = None,
    answers_file: Annotated[
        Path | None, typer.Option("--answers-file", metavar="FILE", help="Take answers from a YAML file.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing; what is missing takes its default.")
    ] = False,
    list_questions: Annotated[
        bool, typer.Option("--list-questions", help="Show what is asked, the choices and the defaults.")
    ] = False,
    template_source: Annotated[
        str | None,
        typer.Option(
            "--template-source",
            metavar="ADDRESS",
            help="Where `copier update` will find the template; also READINESS_TEMPLATE_SOURCE.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all went well.")] = False,
) -> int:
    """Make a new project: the service a model will live in, with everything around the model."""
    from readiness.scaffold import find_source, generate, load_questions
    from readiness.scaffold.answers import read_answers
    from readiness.scaffold.target import check_target

    if list_questions:
        emit_page(lambda page, colour: _list(load_questions(), page))
        return 0
    if name is None:
        raise UsageError("name the folder of the new project, such as: readiness new acme-answers")
    answers = read_answers(answers_file, answer or [])
    source = find_source(template_source)
    check_target(name)  # before anybody is asked anything
    missing = [question.name for question in load_questions() if question.name not in answers]
    ask = not defaults and bool(missing)
    if ask and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "nobody is here to be asked: add --defaults, or give the missing answers with --answer KEY=VALUE or "
            f"--answers-file (missing: {_some(missing)}; `readiness new --list-questions` explains them)"
        )
    made = generate(name, answers, ask=ask, source=source)
    if not quiet:
        emit(_closing(made, name))
    return 0


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if names[4:] else shown


def _closing(made: Generated, name: Path) -> str:
    from readiness.report.sanitize import clean

    text = (
        f"{made.project_name} is in {clean(str(name))}. With Python 3.11 or newer and pip:\n\n"
        f"    cd {clean(shlex.quote(str(name)))}\n"
        f"    pip install uv && uv run {made.package_name} demo\n"
        "    uv run poe test\n\n"
        "What only people can do is listed in MANUAL_STEPS.md.\n"
    )
    if not made.source.updates:
        text += (
            "\nTo take later versions of the template with `copier update`, write the address of a repository of\n"
            "readiness after _src_path in .copier-answers.yml; --template-source writes it from the start.\n"
        )
    if made.source.dirty:
        text += (
            "\nThe template of this checkout has changes that are not committed: `copier update` will take them for\n"
            "changes of yours.\n"
        )
    return text


def _list(questions: tuple[Question, ...], page: Page) -> list[Text]:
    from readiness.report.page import spans

    column = max(len(question.name) for question in questions) + 2
    lines = []
    for question in questions:
        first, *more = page.wrap(page.text(question.help), page.right - column)
        lines.append(spans((question.name.ljust(column), "bold"), first))
        lines += [spans(" " * column, line) for line in more]
        lines += [
            spans((" " * column + line, "dim")) for line in page.wrap(page.text(_form(question)), page.right - column)
        ]
    return lines


def _form(question: Question) -> str:
    """What can be answered, and what is taken otherwise."""
    if question.choices:
        form = f"{'any' if question.several else 'one'} of {', '.join(name for name, _ in question.choices)}"
    else:
        form = {"str": "text", "int": "a whole number", "float": "a number", "bool": "yes or no"}[question.kind]
    default = "made from the name" if question.default is None else question.default
    if question.name == "project_name":
        default = "the folder's name"
    return f"{form} · default: {default}"
