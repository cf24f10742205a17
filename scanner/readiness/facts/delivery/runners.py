"""What task runners would run: make, just, tox, nox, npm, poe, pdm, hatch, mise, Taskfile, compose, shell scripts.

`expand` follows a command into the files of the repository that say what it stands for. Nothing is run, and what the
repository does not say stays the command it was.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from readiness.extract.code import Call, Constant, Function, Member, Name, walk
from readiness.extract.ini import Setting
from readiness.extract.observations import Observations
from readiness.facts.delivery.commands import Command, commands_in, joined
from readiness.facts.delivery.project_tasks import poe_words, project_task
from readiness.facts.delivery.task_files import Line, compose_lines, mise_lines, taskfile_lines

MAX_DEPTH = 4
MAX_COMMANDS = 400
MAX_LINE = 1_000
"""Longer lines of a Makefile declare no rule that a person wrote."""

_MAKE_RULE = re.compile(r"^([A-Za-z0-9_./%-][^:=#\t]*?)\s*::?(?!=)\s*([^#=]*?)(?:##?.*)?$")
_JUST_RULE = re.compile(r"^@?([A-Za-z_][\w-]*)((?:\s+[^:=]+)?)\s*:(?!=)\s*([^#]*)$")
_VARIABLE = re.compile(r"^\s*(?:export\s+|override\s+)?([A-Za-z_]\w*)\s*[:?]?=\s*(.*)$")
_MAKE_VALUED = frozenset({"-f", "--file", "-C", "--directory", "-j", "--jobs", "-o", "-I"})


def expand(observations: Observations, commands: tuple[Command, ...]) -> tuple[Command, ...]:
    """The commands, each replaced by what the repository says it stands for; at most `MAX_COMMANDS` come back."""
    found: list[Command] = []
    for command in commands:
        for one in _expand(observations, command, 0):
            if len(found) >= MAX_COMMANDS:
                return tuple(found)
            found.append(one)
    return tuple(found)


def _expand(observations: Observations, command: Command, depth: int) -> Iterator[Command]:
    inner = _inside(observations, command) if depth < MAX_DEPTH else None
    if not inner:
        yield command
        return
    if command.program in ("docker", "docker-compose", "podman", "nerdctl"):
        yield command  # starting services also builds their images
    for one in inner[:100]:
        # `make test || true` takes in the failure of everything it runs.
        outer = replace(
            one,
            neutralised=command.neutralised or one.neutralised,
            environment=command.environment + one.environment,
            wrappers=command.wrappers + one.wrappers,
            via=(*command.via, command.text),
        )
        yield from _expand(observations, outer, depth + 1)


def _inside(observations: Observations, command: Command) -> list[Command] | None:
    program = command.program
    if program in ("make", "gmake", "$(MAKE)"):
        return _make(observations, command)
    if program == "just":
        return _just(observations, command)
    if program == "tox":
        return _tox(observations, command)
    if program == "nox":
        return _nox(observations, command)
    if program in ("npm", "yarn", "pnpm", "bun"):
        return _npm(observations, command)
    if program in ("docker", "docker-compose", "podman", "nerdctl"):
        return _lines(observations, compose_lines(observations, command), command)
    if program == "mise":
        return _lines(observations, mise_lines(observations, command), command)
    if program in ("task", "go-task") and (lines := taskfile_lines(observations, command)) is not None:
        return _lines(observations, lines, command)
    if program in ("sh", "bash", "zsh", "source", ".") or command.words[0].endswith(".sh"):
        return _script(observations, command)
    return _task(observations, command)


def _lines(observations: Observations, lines: list[Line] | None, command: Command) -> list[Command] | None:
    return _run(observations, lines, command.directory, fail_fast=True) or None if lines else None


def _run(observations: Observations, lines: list[Line], directory: str, fail_fast: bool = False) -> list[Command]:
    found: list[Command] = []
    for one in lines:
        commands = commands_in(one.text, one.path, one.line, directory=directory, fail_fast=fail_fast)
        reason = one.neutralised or ("the runner ignores its failure" if one.ignored else "")
        if reason:
            commands = tuple(replace(command, neutralised=reason) for command in commands)
        found.extend(commands)
    return found


# make and just -----------------------------------------------------------------------------------------------------


def _make(observations: Observations, command: Command) -> list[Command] | None:
    directory = joined(command.directory, command.option("-C", "--directory") or "")
    named = command.option("-f", "--file")
    names = [named] if named else ["GNUmakefile", "makefile", "Makefile"]
    path = next((full for name in names if (full := joined(directory, name)) in observations.sources), None)
    if path is None:
        return None
    rules = _recipes(observations.sources[path], path, "make")
    targets = [
        word
        for before, word in zip(command.words, command.arguments, strict=False)
        if not word.startswith("-") and "=" not in word and before not in _MAKE_VALUED
    ]
    first = next((name for name in rules if not name.startswith(".")), None)
    return _rule_commands(observations, rules, targets or ([first] if first else []), directory)


def _just(observations: Observations, command: Command) -> list[Command] | None:
    names = ("justfile", "Justfile", ".justfile")
    path = next((full for name in names if (full := joined(command.directory, name)) in observations.sources), None)
    if path is None:
        return None
    rules = _recipes(observations.sources[path], path, "just")
    targets = [word for word in command.arguments if word in rules]
    if not command.arguments and rules:
        targets = [next(iter(rules))]
    return _rule_commands(observations, rules, targets, posixpath.dirname(path))


def _rule_commands(
    observations: Observations, rules: dict[str, tuple[list[str], list[Line]]], targets: list[str], directory: str
) -> list[Command] | None:
    wanted, done, lines = list(reversed(targets)), set[str](), list[Line]()
    order: list[str] = []
    while wanted and len(order) < 50:
        name = wanted.pop()
        if name in done or name not in rules:
            continue
        done.add(name)
        order.append(name)
        wanted.extend(reversed(rules[name][0]))
    for name in order:
        lines.extend(rules[name][1])
    return _run(observations, lines, directory) or None


@lru_cache(maxsize=16)
def _recipes(text: str, path: str, kind: str) -> dict[str, tuple[list[str], list[Line]]]:
    """Rule -> (what it depends on, its recipe's lines)."""
    rules: dict[str, tuple[list[str], list[Line]]] = {}
    variables: dict[str, str] = {}
    current: list[list[Line]] = []
    pattern = _MAKE_RULE if kind == "make" else _JUST_RULE
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        line, number = lines[index], index + 1
        while line.endswith("\\") and index + 1 < len(lines):
            index += 1
            line = line[:-1] + "\\\n" + lines[index]
        index += 1
        is_recipe = line.startswith("\t") or (kind == "just" and line.startswith((" ", "\t")))
        if is_recipe:
            body = line.strip()
            marks = re.match(r"^[@+-]*", body)
            prefix = marks.group(0) if marks else ""
            if body and not body.startswith("#"):
                expanded = _variables(body[len(prefix) :], variables)
                for recipe in current:
                    recipe.append(Line(expanded, path, number, "-" in prefix))
        elif len(line) > MAX_LINE:
            continue
        elif (variable := _VARIABLE.match(line)) is not None:
            variables[variable.group(1)] = variable.group(2).strip().strip("'\"")
        elif line.strip() and not line.startswith("#") and (rule := pattern.match(line)) is not None:
            current = []
            needs = rule.group(2 if kind == "make" else 3).replace("&&", " ").split()
            for name in rule.group(1).split() if kind == "make" else [rule.group(1)]:
                before, recipe = rules.setdefault(name, ([], []))
                before.extend(needs[:50])
                current.append(recipe)
    return rules


def _variables(text: str, variables: dict[str, str]) -> str:
    for _ in range(2):
        text = re.sub(
            r"\$[({](\w+)[)}]|\{\{\s*(\w+)\s*\}\}",
            lambda match: variables.get(match.group(1) or match.group(2), match.group(0))[:500],
            text[:5_000],
        )
    return text.replace("$(MAKE)", "make").replace("$$", "$")


# tox and nox -------------------------------------------------------------------------------------------------------


def _tox(observations: Observations, command: Command) -> list[Command] | None:
    named = command.option("-c", "--conf")
    names = [named] if named else ["tox.ini", "setup.cfg"]
    chosen = command.option("-e", "--env") or ""
    for name in names:
        path = joined(command.directory, name)
        sections = observations.ini.get(path, {})
        main = sections.get("tox", sections.get("tox:tox", {}))
        if "testenv" in sections or any(section.startswith("testenv:") for section in sections):
            listed = main.get("envlist", main.get("env_list"))
            environments = _environments(chosen or (listed.value if listed else "py"))
            lines = [line for one in environments for line in _tox_lines(sections, one, path)]
            return _run(observations, lines, posixpath.dirname(path)) or None
    return _tox_toml(observations, command, chosen)


def _environments(text: str) -> list[str]:
    """The names in an environment list; `py{310,311}-x` stays one name, for which the base section holds."""
    return [name.strip() for name in re.split(r",(?![^{]*\})|\n", text) if name.strip()][:30]


def _tox_lines(sections: dict[str, dict[str, Setting]], name: str, path: str) -> list[Line]:
    section = sections.get(f"testenv:{name}", {})
    base = sections.get("testenv", {})
    setting = section.get("commands") or base.get("commands")
    if setting is None:
        return []
    ignored = section.get("ignore_outcome") or base.get("ignore_outcome")
    everything = ignored is not None and ignored.value.lower() in ("true", "1")
    lines: list[Line] = []
    for offset, written in enumerate(_joined_lines(setting.value)):
        if (reference := re.fullmatch(r"\{\[([^\]]+)\]commands\}", written.strip())) is not None:
            other = sections.get(reference.group(1), {}).get("commands")
            lines.extend(Line(one, path, setting.line) for one in _joined_lines(other.value if other else ""))
            continue
        conditional = re.match(r"^([\w.,!-]+):\s+(.*)$", written)
        text = conditional.group(2) if conditional is not None else written
        line = min(setting.line + offset + (0 if setting.line == setting.end_line else 1), setting.end_line)
        lines.append(Line(_tox_values(text.removeprefix("- ")), path, line, everything or text.startswith("- ")))
    return lines


def _joined_lines(value: str) -> list[str]:
    return [line.strip() for line in re.sub(r"\\\n\s*", " ", value).split("\n") if line.strip()]


def _tox_values(text: str) -> str:
    text = re.sub(r"\{posargs:?([^{}]*)\}", r"\1", text)
    text = re.sub(r"\{toxinidir\}/?|\{tox_root\}/?", "", text)
    return re.sub(r"\{env(?:python)?:?[^{}]*\}", "python" if "envpython" in text else "", text)


def _tox_toml(observations: Observations, command: Command, chosen: str) -> list[Command] | None:
    for name, keys in (("tox.toml", ()), ("pyproject.toml", ("tool", "tox"))):
        path = joined(command.directory, name)
        document = observations.document(path)
        root = document.get(*keys) if document is not None else None
        if root is None:
            continue
        listed = [one.value for one in root.elements("env_list") if isinstance(one.value, str)]
        lines: list[Line] = []
        for environment in _environments(chosen) or listed or ["py"]:
            found = root.get("env", environment, "commands") or root.get("env_run_base", "commands")
            for one in found.elements() if found is not None else ():
                words = [word.value for word in one.elements() if isinstance(word.value, str)]
                lines.append(Line(_tox_values(" ".join(f'"{w}"' if " " in w else w for w in words)), path, one.line))
        return _run(observations, lines, command.directory) or None
    return None


def _nox(observations: Observations, command: Command) -> list[Command] | None:
    path = joined(command.directory, command.option("-f", "--noxfile") or "noxfile.py")
    module = observations.modules.get(path)
    if module is None:
        return None
    chosen: list[str] = []
    taking = False
    for word in command.arguments:
        taking = word in ("-s", "--session", "--sessions", "-e") or (taking and not word.startswith("-"))
        if taking and not word.startswith("-"):
            chosen.append(word.split("-")[0].split("(")[0])
    lines: list[Line] = []
    for statement in module.body:
        if not isinstance(statement, Function) or not any(_is_session(one) for one in statement.decorators):
            continue
        named = _session_name(statement)
        if not chosen or named in chosen or statement.name in chosen:
            lines.extend(_session_lines(statement, path))
    return _run(observations, lines, command.directory) or None


def _is_session(decorator: object) -> bool:
    target = decorator.function if isinstance(decorator, Call) else decorator
    return (isinstance(target, Member) and target.name == "session" and isinstance(target.base, Name)) or (
        isinstance(target, Name) and target.id == "session"
    )


def _session_name(function: Function) -> str:
    for decorator in function.decorators:
        given = decorator.keyword("name") if isinstance(decorator, Call) else None
        if isinstance(given, Constant) and isinstance(given.value, str):
            return given.value
    return function.name


def _session_lines(function: Function, path: str) -> list[Line]:
    lines = []
    for node in walk(function):
        if isinstance(node, Call) and isinstance(node.function, Member) and node.function.name in ("run", "run_always"):
            words = [one.value for one in node.arguments if isinstance(one, Constant) and isinstance(one.value, str)]
            if words:
                lines.append(Line(" ".join(f"'{word}'" if " " in word else word for word in words), path, node.line))
    return lines


# scripts and tasks -------------------------------------------------------------------------------------------------


def _npm(observations: Observations, command: Command) -> list[Command] | None:
    words = [word for word in command.arguments if not word.startswith("-")]
    name = words[1] if words[:1] in (["run"], ["run-script"]) and len(words) > 1 else (words[0] if words else "")
    path = joined(command.directory, joined(command.option("--prefix", "--cwd") or "", "package.json"))
    document = observations.document(path)
    script = document.get("scripts", {"t": "test"}.get(name, name)) if document is not None else None
    if script is None or not isinstance(script.value, str):
        return None
    return _run(observations, [Line(script.value, path, script.line)], posixpath.dirname(path)) or None


def _script(observations: Observations, command: Command) -> list[Command] | None:
    words = command.words if command.words[0].endswith(".sh") else command.words[1:]
    name = next((word for word in words if not word.startswith("-")), "")
    path = joined(command.directory, name)
    text = observations.sources.get(path)
    if not name or text is None:
        return None
    first = text.split("\n", 1)[0]
    fail_fast = (first.startswith("#!") and re.search(r"\s-\w*e", first) is not None) or "-e" in command.words[1:2]
    return list(commands_in(text, path, 1, directory=command.directory, fail_fast=fail_fast)) or None


def _task(observations: Observations, command: Command) -> list[Command] | None:
    """A task of pyproject.toml: `poe test`, `pdm run test`, `hatch run test`."""
    name, directory = command.program, command.directory
    words = [word for word in command.arguments if not word.startswith("-")]
    if name in ("poe", "poethepoet"):
        words, inside = poe_words(command)
        directory = joined(directory, inside)
    if name in ("poe", "poethepoet", "task", "pdm", "rye", "pixi") and words:
        name = words[1] if words[0] == "run" and len(words) > 1 and name not in ("poe", "poethepoet") else words[0]
    elif not {"pdm run", "rye run", "pixi run", "hatch run"} & set(command.wrappers[-1:]):
        return None
    lines = project_task(observations, directory, name)
    return _run(observations, lines, directory, fail_fast=True) or None
