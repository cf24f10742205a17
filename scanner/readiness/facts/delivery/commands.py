"""What a command line runs in the end: wrappers (`uv run`, `docker exec`) taken off, each with its place."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from readiness.facts.delivery.shell import Simple, simple_commands
from readiness.facts.place import Place

MAX_UNWRAPPED = 12

_ASSIGNMENT = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$", re.S)
_REDIRECT = re.compile(r"^\d*[<>]")
_PYTHON = re.compile(r"^(?:python|python\d(?:\.\d+)?|py|pypy3?)(?:\.exe)?$")
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash"})

# wrapper -> the options that take a value; everything before the first other word is the wrapper's own
_SIMPLE_WRAPPERS: dict[str, frozenset[str]] = {
    "sudo": frozenset({"-u", "-g", "-C", "-h", "-p", "--user", "--group"}),
    "env": frozenset({"-u", "-C", "-S", "--unset", "--chdir"}),
    "time": frozenset(), "nohup": frozenset(), "exec": frozenset(), "command": frozenset(), "builtin": frozenset(),
    "xvfb-run": frozenset({"-s", "-n", "-e", "-f", "-p", "-w", "--server-args", "--server-num"}),
    "nice": frozenset({"-n"}),
    "dumb-init": frozenset(), "tini": frozenset(), "gosu": frozenset(),
    "doppler": frozenset({"-p", "-c", "--project", "--config"}),
    "dotenv": frozenset({"-f", "--file"}),
    "op": frozenset({"--env-file"}),
    "npx": frozenset({"-p", "--package"}),
    "bunx": frozenset(), "pnpx": frozenset(),
    "uvx": frozenset({"--from", "--with", "-p", "--python", "--with-requirements", "--index-url"}),
    "pipx": frozenset({"--spec", "--pip-args", "--python"}),
}  # fmt: skip
_SUBCOMMAND_WRAPPERS: dict[tuple[str, ...], frozenset[str]] = {
    ("uv", "run"): frozenset({
        "--with", "--with-requirements", "--with-editable", "--extra", "--no-extra", "--group", "--no-group",
        "--only-group", "--package", "--python", "-p", "--env-file", "--directory", "--project", "--index",
        "--index-url", "--extra-index-url", "--default-index", "--config-file", "--cache-dir",
        "--refresh-package", "-P", "--upgrade-package",
    }),
    ("uv", "tool", "run"): frozenset({"--from", "--with", "-p", "--python"}),
    ("poetry", "run"): frozenset(), ("pipenv", "run"): frozenset(), ("pdm", "run"): frozenset({"-p", "--project"}),
    ("rye", "run"): frozenset(), ("pixi", "run"): frozenset({"-e", "--environment", "--manifest-path"}),
    ("hatch", "run"): frozenset(), ("hatch", "-e"): frozenset(),
    ("conda", "run"): frozenset({"-n", "--name", "-p", "--prefix"}),
    ("micromamba", "run"): frozenset({"-n", "--name", "-p", "--prefix"}),
    ("mamba", "run"): frozenset({"-n", "--name", "-p", "--prefix"}),
    ("coverage", "run"): frozenset(
        {"--source", "--rcfile", "--omit", "--include", "--data-file", "--context", "--concurrency"}
    ),
    ("pnpm", "exec"): frozenset(), ("yarn", "exec"): frozenset(), ("npm", "exec"): frozenset(),
    ("npm", "x"): frozenset(),
}  # fmt: skip
_DOCKER_RUN = frozenset({
    "-e", "--env", "-v", "--volume", "-p", "--publish", "--name", "--network", "--net", "-w", "--workdir", "-u",
    "--user", "--env-file", "--entrypoint", "--mount", "--platform", "-l", "--label", "--add-host", "-m",
    "--memory", "--cpus", "--gpus", "--shm-size", "-h", "--hostname", "--ipc", "--ulimit", "--restart",
    "--pull", "--link", "--cap-add", "--device", "--index", "--log-driver", "--tmpfs", "--dns",
    "--security-opt", "--ip", "--pid",
})  # fmt: skip
_COMPOSE_GLOBAL = frozenset({"-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory"})


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command after its wrappers: `words[0]` is the program that runs.

    `place` is where the command stands, which may be a Makefile or script that a CI step starts; `text` is what is
    written there. `directory` is the working directory relative to the root ("" for the root). `environment` are the
    assignments in front of it, `wrappers` what was taken off (`uv run`, `docker run`), `neutralised` why its failure
    does not count ("" when it does). `via` are the commands that led here (`make test`), the first one first.
    """

    words: tuple[str, ...]
    text: str
    place: Place
    directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    wrappers: tuple[str, ...] = ()
    neutralised: str = ""
    via: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The program's name without its folder; `python -m pytest` is `pytest`."""
        return self.words[0].rsplit("/", 1)[-1] if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows the program."""
        return self.words[1:]

    def option(self, *names: str) -> str | None:
        """The value of an option (`--flag value`, `--flag=value`, `-fvalue`); None where it is absent."""
        for index, word in enumerate(self.words[1:], start=1):
            for name in names:
                if word == name:
                    return self.words[index + 1] if index + 1 < len(self.words) else ""
                if name.startswith("--") and word.startswith(name + "="):
                    return word[len(name) + 1 :]
                if len(name) == 2 and name[0] == "-" and word.startswith(name) and not word.startswith("--"):
                    return word[2:].removeprefix("=")
        return None


@lru_cache(maxsize=2_048)
def commands_in(
    script: str,
    path: str,
    line: int,
    *,
    directory: str = "",
    fail_fast: bool = True,
    pipe_fails: bool = False,
    via: tuple[str, ...] = (),
    last_line: int | None = None,
) -> tuple[Command, ...]:
    """The commands of a shell text that begins at `line` of the file `path`; `cd` is followed.

    Args:
        script: The text.
        path: The file it stands in.
        line: The line of its first line.
        directory: Where it starts, relative to the root.
        fail_fast: Whether its shell was started with `-e`.
        pipe_fails: Whether its shell was started with `-o pipefail`.
        via: The commands that led to this text.
        last_line: No command is placed below this line (for values that were folded into fewer lines).
    """
    found: list[Command] = []
    for simple in simple_commands(script, fail_fast=fail_fast, pipe_fails=pipe_fails):
        here = line + simple.line if last_line is None else min(line + simple.line, last_line)
        place = Place(path, here, here)
        for command in _unwrap(simple, place, directory, via):
            if command.program in ("cd", "pushd"):
                target = command.words[1] if len(command.words) > 1 else ""
                directory = joined(directory, target)
            elif command.words:
                found.append(command)
    return tuple(found)


def joined(directory: str, target: str) -> str:
    """A folder relative to the root: `target` as seen from `directory`; variables that name the root are the root."""
    target = re.sub(
        r"^(?:\$\{\{\s*github\.workspace\s*\}\}|\$\{?[A-Z_]*(?:WORKSPACE|PROJECT_DIR|BUILD_DIR)\}?|~/project)",
        ".",
        target,
    )
    target = re.sub(r"^(?:~/repo|\$\{?(?:PWD|HOME)\}?|\$\(pwd\))", ".", target)
    if target.startswith("/"):
        return ""  # an absolute path of the build machine says nothing about the repository
    path = posixpath.normpath(posixpath.join(directory, target or "."))
    return "" if path in (".", "/") or path.startswith("..") else path


def _unwrap(simple: Simple, place: Place, directory: str, via: tuple[str, ...]) -> Iterator[Command]:
    words = list(_without_redirects(simple.words))
    environment: list[tuple[str, str]] = []
    wrappers: list[str] = []
    for _ in range(MAX_UNWRAPPED):
        while words and (match := _ASSIGNMENT.match(words[0])):
            environment.append((match.group(1), match.group(2)))
            words = words[1:]
        if not words:
            return
        inner = _inner_shell(words)
        if inner is not None:
            nested = simple_commands(inner, fail_fast=False)
            for one in nested[:200]:
                if _inner_shell(list(one.words)) is None:  # one shell inside another is enough
                    reason = simple.neutralised or one.neutralised
                    yield from _unwrap(Simple(one.words, one.text, simple.line, reason), place, directory, via)
            return
        taken = _take_wrapper(words)
        if taken is None:
            break
        name, words, inside = taken
        wrappers.append(name)
        if inside:
            directory = joined(directory, inside)
    yield Command(
        words=tuple(words),
        text=simple.text,
        place=place,
        directory=directory,
        environment=tuple(environment),
        wrappers=tuple(wrappers),
        neutralised=simple.neutralised,
        via=via,
    )


def _without_redirects(words: tuple[str, ...]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif _REDIRECT.match(word):
            skip = word.rstrip("<>&") == "" or word in ("2>", "1>", "2>>", "1>>")
        else:
            yield word


def _inner_shell(words: list[str]) -> str | None:
    """The text a shell is given with `-c`, or None."""
    if words[0].rsplit("/", 1)[-1] not in _SHELLS:
        return None
    for index, word in enumerate(words[1:5], start=1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return words[index + 1] if index + 1 < len(words) else None
    return None


def _take_wrapper(words: list[str]) -> tuple[str, list[str], str] | None:
    """(the wrapper's name, the words it runs, the folder it changes to), or None where there is no wrapper."""
    program = words[0].rsplit("/", 1)[-1]
    if _PYTHON.match(program):
        return _take_python(words)
    if program == "timeout":
        rest = _after_options(words[1:], frozenset({"-s", "-k", "--signal", "--kill-after"}))
        return ("timeout", rest[1:], "") if len(rest) > 1 else None
    if program in ("docker", "podman", "docker-compose", "nerdctl"):
        return _take_docker(program, words)
    for names, valued in _SUBCOMMAND_WRAPPERS.items():
        if program == names[0] and tuple(words[1 : len(names)]) == names[1:]:
            return _take_subcommand(names, words[len(names) :], valued)
    if program in _SIMPLE_WRAPPERS:
        rest = _after_options(words[1:], _SIMPLE_WRAPPERS[program])
        if program in ("doppler", "dotenv", "op", "pipx") and rest[:1] in (["run"], ["--"]):
            rest = _after_options(rest[1:], _SIMPLE_WRAPPERS[program])
        elif program == "gosu":
            rest = rest[1:]
        elif program in ("doppler", "op", "pipx"):
            return None
        return (program, rest, "") if rest else None
    return None


def _take_python(words: list[str]) -> tuple[str, list[str], str] | None:
    rest = words[1:]
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-"):
        if rest[0].startswith("-m") and not rest[0].startswith("--") and len(rest[0]) > 2:
            return "python -m", [rest[0][2:], *rest[1:]], ""
        rest = rest[2:] if rest[0] in ("-W", "-X") else rest[1:]
    if len(rest) > 1 and rest[0] == "-m":
        return "python -m", rest[1:], ""
    return None


def _take_subcommand(
    names: tuple[str, ...], rest: list[str], valued: frozenset[str]
) -> tuple[str, list[str], str] | None:
    inside = ""
    for index, word in enumerate(rest[:-1]):
        if word in ("--directory", "--project") and names == ("uv", "run"):
            inside = rest[index + 1]
        if not word.startswith("-"):
            break
    module = names in (("uv", "run"), ("coverage", "run"))
    after = _after_options(rest, valued, stop=frozenset({"-m", "--module"}) if module else frozenset())
    if module and after[:1] in (["-m"], ["--module"]):
        after = after[1:]
    if names[0] == "hatch":
        after = [after[0].rpartition(":")[2], *after[1:]] if after and names[1] == "run" else []
    return (" ".join(names), after, inside) if after else None


def _take_docker(program: str, words: list[str]) -> tuple[str, list[str], str] | None:
    rest = words[1:]
    compose = program == "docker-compose"
    if rest[:1] == ["compose"]:
        compose, rest = True, rest[1:]
    if compose:
        rest = _after_options(rest, _COMPOSE_GLOBAL)
    elif rest[:1] == ["container"]:
        rest = rest[1:]
    if rest[:1] not in (["run"], ["exec"]):
        return None
    verb = rest[0]
    entrypoint = next((rest[index + 1] for index, word in enumerate(rest[:-1]) if word == "--entrypoint"), "")
    after = _after_options(rest[1:], _DOCKER_RUN)
    command = ([entrypoint] if entrypoint else []) + after[1:]
    return (
        (f"{program}{' compose' if compose and program == 'docker' else ''} {verb}", command, "") if command else None
    )


def _after_options(words: list[str], valued: Iterable[str], stop: frozenset[str] = frozenset()) -> list[str]:
    taking = frozenset(valued)
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] not in stop:
        if words[index] == "--":
            return words[index + 1 :]
        index += 2 if words[index] in taking else 1
    return words[index:]
