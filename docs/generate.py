"""Writes every part of the documentation that repeats what the project already knows.

    python docs/generate.py            write
    python docs/generate.py --check    write nothing; name what has drifted, and exit with 1

Check pages come from `checks/`, the command reference from the command line itself, sample output from scanning the
pilot. Inside other pages, what stands between `<!-- generated: NAME -->` and `<!-- end generated -->` is replaced.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scanner"))  # this checkout, whatever is installed

import accuracy  # noqa: E402
from typer.main import get_command  # noqa: E402

from readiness.assess.check import HOURS, POINTS  # noqa: E402
from readiness.cli.app import app  # noqa: E402
from readiness.report.findings import EXEMPTIONS, WEIGHTS  # noqa: E402
from readiness.report.gate import NEW  # noqa: E402
from readiness.repository.configuration import KEYS, SCHEMA  # noqa: E402

DOCS = ROOT / "docs"
CHECKS = ROOT / "checks"
CHECK_PAGES = DOCS / "reference" / "checks"
PILOT = Path("docs/tutorials/pilot")
BLOCK = re.compile(r"(<!-- generated: (?P<name>[^>]+?) -->\n).*?(<!-- end generated -->)", re.DOTALL)
POLICY = ("applies", "each", "worst", "as", "paths", "drop", "unknown", "pass", "partial", "rungs")
DO_NOT_EDIT = "<!-- Written by docs/generate.py. Edit the source, not this page. -->\n\n"

Data = dict[str, Any]


@cache
def data(path: str) -> Data:
    """A file of `checks/`, as it is written there."""
    loaded: Data = yaml.safe_load((CHECKS / path).read_text("utf-8"))
    return loaded


@cache
def checks() -> tuple[Data, ...]:
    """All checks, in the order of the stack and then by name."""
    return tuple(
        data(str(path.relative_to(CHECKS)))
        for layer in data("layers.yaml")["layers"]
        for path in sorted((CHECKS / layer["name"]).glob("*.yaml"))
    )


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def table(*rows: tuple[object, ...]) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = (tuple(str(cell).replace("|", "\\|").replace("\n", " ").strip() for cell in row) for row in rows)
    lines = [head, tuple("---" for _ in head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# --- blocks -----------------------------------------------------------------------------------------------------------


def layers_block(link: str) -> str:
    """The layers, top of the stack first, with their checks counted; `link` leads to the folder of check pages."""
    layers = data("layers.yaml")["layers"]
    rows: list[tuple[object, ...]] = [("", "layer", "asks", "checks")]
    for height, layer in reversed(list(enumerate(layers, 1))):
        count = sum(check["layer"] == layer["name"] for check in checks())
        rows.append((height, f"[{layer['title']}]({link}#{layer['name']})", layer["question"], count))
    return table(*rows) + f"\n{len(checks())} checks in all.\n"


def debts_block() -> str:
    """The debts, with their checks counted."""
    rows = [
        (debt["title"], debt["description"], sum(check["debt"] == debt["name"] for check in checks()))
        for debt in data("debts.yaml")["debts"]
    ]
    return table(("debt", "what it is, and who pays", "checks"), *rows)


def weights_block() -> str:
    """What each weight counts, and how many checks have it."""
    rows = [(weight, points, sum(check["weight"] == weight for check in checks())) for weight, points in POINTS.items()]
    return table(("weight", "counts", "checks"), *rows)


def efforts_block() -> str:
    """What each effort stands for."""
    return table(("effort", "hours"), *((effort, f"{hours:g}") for effort, hours in HOURS.items()))


def grades_block() -> str:
    """From which score each grade begins, and when a layer stands."""
    known = data("grades.yaml")
    rows = [(grade["grade"], grade["from"]) for grade in known["grades"]]
    return table(("grade", "from"), *rows) + f"\nA layer *stands* from {known['stack_threshold']}.\n"


def claims_block() -> str:
    """What owners may attest."""
    rows = [(f"`{one['name']}`", one["title"], one["reason"], one["seen"]) for one in data("attestable.yaml")["claims"]]
    return table(("claim", "what it says", "why no scanner knows", "what readiness looks at instead"), *rows)


def example_check_block() -> str:
    """One check file, whole, without its examples' bulk."""
    text = (CHECKS / "integration-reliability" / "llm-timeout-set.yaml").read_text("utf-8")
    return fenced(text, "yaml")


def report_keys_block() -> str:
    """The keys of the JSON report, from its schema."""
    schema = json.loads((ROOT / "scanner/readiness/report/report.schema.json").read_text("utf-8"))
    return table(("key", "type", "meaning"), *schema_rows(schema, schema, ""))


def configuration_keys_block() -> str:
    """The keys of the configuration."""
    return table(("key", "meaning"), *((f"`{key.name}`", key.meaning) for key in KEYS))


def configuration_schema() -> str:
    """The JSON Schema of `readiness.toml`, from the keys that are read and the names that exist."""
    names = [name for check in checks() for name in (check["name"], *check.get("formerly", ()))]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "readiness.toml",
        "description": "What the owners of a repository say about it, for readiness.",
        "type": "object",
        "properties": {key.name: {"description": key.meaning, **key.schema} for key in KEYS},
        "additionalProperties": False,
        "$defs": {
            "check": {"enum": [*sorted(names), EXEMPTIONS]},
            "layer": {"enum": [layer["name"] for layer in data("layers.yaml")["layers"]]},
            "weight": {"enum": [*WEIGHTS, NEW]},
        },
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_rows(schema: Data, node: Data, prefix: str) -> Iterator[tuple[str, str, str]]:
    """One row for each property, those of objects and of lists of objects included."""
    for name, value in node.get("properties", {}).items():
        target = resolve(schema, value)
        items = resolve(schema, target.get("items", {}))
        yield f"`{prefix}{name}`", type_name(schema, target), value.get("description", target.get("description", ""))
        yield from schema_rows(schema, target, f"{prefix}{name}.")
        yield from schema_rows(schema, items, f"{prefix}{name}[].")


def resolve(schema: Data, node: Data) -> Data:
    """Follow a `$ref` within the schema; of alternatives, the one that is not null."""
    for options in (node.get("anyOf"), node.get("oneOf")):
        if options:
            return resolve(schema, next(option for option in options if option.get("type") != "null"))
    if "$ref" not in node:
        return node
    target: Any = schema
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return resolve(schema, target)


def type_name(schema: Data, node: Data) -> str:
    """The type in words: the values of an enumeration, a list of what."""
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    kind = node.get("type", "")
    if kind == "array":
        return f"list of {type_name(schema, resolve(schema, node.get('items', {})))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


# --- real output ------------------------------------------------------------------------------------------------------


@cache
def output(*arguments: str, mended: bool = False) -> str:
    """What the command prints beside a copy of the pilot: as in a clone, without its ever-changing revision."""
    with tempfile.TemporaryDirectory() as folder:
        pilot = Path(folder, PILOT)
        shutil.copytree(ROOT / PILOT, pilot, ignore=shutil.ignore_patterns("__pycache__"))
        if mended:
            mend(pilot)
        finished = subprocess.run(
            [sys.executable, "-m", "readiness", *arguments],
            cwd=folder,
            env={
                **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "SYSTEMROOT")},
                "PYTHONPATH": os.pathsep.join([str(ROOT / "scanner"), *filter(None, sys.path)]),
                "PYTHONUTF8": "1",
                "NO_COLOR": "1",
                "TERM": "dumb",
                "COLUMNS": "80",
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    if finished.returncode != 0:
        sys.exit(f"readiness {' '.join(arguments)} ended with {finished.returncode}:\n{finished.stderr}")
    return "\n".join(line.rstrip() for line in finished.stdout.strip("\n").splitlines()) + "\n"


def mend(pilot: Path) -> None:
    """The edit of the tutorial's third step."""
    for name in ("assistant.py", "search.py"):
        file = pilot / name
        file.write_text(file.read_text("utf-8").replace("client = OpenAI()", "client = OpenAI(timeout=30)"), "utf-8")


def block(name: str, page: Path) -> str:
    """What stands in the block `name` of `page`."""
    blocks: dict[str, Callable[[], str]] = {
        "layers": lambda: layers_block(os.path.relpath(CHECK_PAGES / "index.md", page.parent)),
        "debts": debts_block,
        "weights": weights_block,
        "efforts": efforts_block,
        "grades": grades_block,
        "example check": example_check_block,
        "report keys": report_keys_block,
        "configuration keys": configuration_keys_block,
        "claims": claims_block,
        "accuracy summary": lambda: accuracy.summary(data("accuracy.yaml")),
        "accuracy": lambda: table(*accuracy.rows(checks())),
        "accuracy disagreements": lambda: table(*accuracy.disagreements(data("accuracy.yaml"))),
        "accuracy repositories": lambda: table(*accuracy.repositories(data("accuracy.yaml"))),
        "accuracy readings": lambda: table(*accuracy.readings(data("accuracy.yaml"))),
        "scan": lambda: fenced(output("scan", str(PILOT)), "text"),
        "mended": lambda: fenced(output("scan", str(PILOT), mended=True), "text"),
        "new": lambda: fenced(output("new", "acme-answers", "--defaults", "--template-source", str(ROOT)), "text"),
        "explain llm-timeout-set": lambda: fenced(output("explain", "llm-timeout-set"), "text"),
    }
    if name not in blocks:
        sys.exit(f"{page.relative_to(ROOT)}: there is no generated block {name!r}; there are {', '.join(blocks)}")
    return blocks[name]()


# --- whole pages ------------------------------------------------------------------------------------------------------


def check_page(check: Data) -> str:
    """One check: what, why, how it is decided, how to mend it, on what it must not fire, examples, sources."""
    titles = {item["name"]: item["title"] for item in data("layers.yaml")["layers"] + data("debts.yaml")["debts"]}
    policy = {key: check[key] for key in POLICY if key in check}
    facts = (titles[check["layer"]], titles[check["debt"]], check["weight"], check["effort"], check["since"])
    sections = [
        f"# {check['name']}\n\n{check['statement'].strip()}\n",
        table(("layer", "debt", "weight", "effort", "since"), facts),
        f"## Why\n\n{check['why'].strip()}\n",
        f"## How it is decided\n\n{check.get('detection', '').strip()}\n\n"
        + fenced(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True, width=100), "yaml"),
        f"## How to mend it\n\n{check['remedy'].strip()}\n",
        f"## What it must not fire on\n\n{check.get('false_positives', '').strip()}\n",
        f"## How often it is right\n\n{accuracy.of_check(check)}\n",
        "## Examples\n\n" + "\n".join(example(item) for item in check["examples"]),
        "## Sources\n\n" + "".join(f"- {source.strip()}\n" for source in check["sources"]),
    ]
    return DO_NOT_EDIT + "\n".join(sections)


def example(item: Data) -> str:
    """An example repository and the verdict it must get."""
    shows = f": {item['shows'].strip()}" if item.get("shows") else ""
    languages = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".md": "markdown"}
    files = "\n".join(
        f"`{path}`\n\n" + fenced(str(text), languages.get(Path(path).suffix, ""))
        for path, text in item["files"].items()
    )
    return f"### {item['verdict']}{shows}\n\n{files}"


def check_index() -> str:
    """All checks, by layer."""
    parts = [DO_NOT_EDIT + f"# Checks\n\n{len(checks())} checks, from the bottom of the stack to its top.\n"]
    for layer in data("layers.yaml")["layers"]:
        rows = [
            (f"[{check['name']}]({check['name']}.md)", check["statement"], check["debt"], check["weight"])
            for check in checks()
            if check["layer"] == layer["name"]
        ]
        heading = f'<a id="{layer["name"]}"></a>\n\n## {layer["title"]}\n\n{layer["question"]}\n'
        parts.append(heading + ("\n" + table(("check", "statement", "debt", "weight"), *rows) if rows else ""))
    return "\n".join(parts)


def cli_page() -> str:
    """The commands with their arguments and options, as the command line itself declares them."""
    parts = [DO_NOT_EDIT + "# Command line\n\nExit codes are [a page of their own](exit-codes.md).\n"]
    for name, command in sorted(get_command(app).commands.items()):  # type: ignore[attr-defined]
        module = vars(import_module(f"readiness.cli.{name}"))
        kinds = module[name].__annotations__
        rows = [
            (spelling(parameter, values(kinds[parameter.name], module)), getattr(parameter, "help", "") or "")
            for parameter in command.params
        ]
        text = " ".join((command.help or "").split("\f")[0].split("\n\n")[0].split())
        parts.append(f"## readiness {name}\n\n{text}\n" + ("\n" + table(("given", "meaning"), *rows) if rows else ""))
    return "\n".join(parts)


def values(annotation: str, module: dict[str, Any]) -> list[str]:
    """The words that a parameter of this type admits; none where anything of the kind is admitted."""
    kinds = (module.get(word) for word in re.findall(r"\w+", annotation))
    return [member.value for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum) for member in kind]


def spelling(parameter: Any, admitted: list[str]) -> str:
    """How a parameter is written: an option with all its names and its value, an argument in capitals."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    value = " or ".join(f"`{word}`" for word in admitted) or (f"`{parameter.metavar}`" if parameter.metavar else "")
    names = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
    return f"{names}: {value}" if value else names


def pages() -> dict[Path, str]:
    """Every file that is generated or has generated blocks, with its text."""
    found = {CHECK_PAGES / f"{check['name']}.md": check_page(check) for check in checks()}
    found[CHECK_PAGES / "index.md"] = check_index()
    found[DOCS / "reference" / "cli.md"] = cli_page()
    found[SCHEMA] = configuration_schema()
    for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        text = page.read_text("utf-8")
        if page not in found and PILOT not in page.relative_to(ROOT).parents and BLOCK.search(text):
            found[page] = BLOCK.sub(lambda match, page=page: match[1] + block(match["name"], page) + match[3], text)
    return found


def drifted(wanted: dict[Path, str]) -> list[Path]:
    """The files that are not what they should be, and check pages of checks that no longer exist."""
    different = [page for page, text in wanted.items() if not page.is_file() or page.read_text("utf-8") != text]
    return sorted({*different, *(page for page in CHECK_PAGES.glob("*.md") if page not in wanted)})


def main() -> int:
    """Write, or with `--check` only compare."""
    wanted = pages()
    changed = drifted(wanted)
    for page in changed:
        print(page.relative_to(ROOT))
    if "--check" in sys.argv[1:]:
        return 1 if changed else 0
    for page in changed:
        if page in wanted:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(wanted[page], "utf-8")
        else:
            page.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
