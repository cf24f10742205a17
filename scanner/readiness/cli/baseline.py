"""`readiness baseline`: take note of what is found today, so that only what is new counts from now on."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.options import AsOf, ConfigFile, Exclude, Isolated, configuration_of, scanned
from readiness.cli.output import emit
from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.report.baseline import Baseline
    from readiness.report.model import Report


def baseline(
    path: Annotated[Path, typer.Argument(help="The folder of the repository.")] = Path(),
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file; default: the configuration's `baseline`, or readiness-baseline.json in the folder.",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what is fixed from the file there is, and add nothing.")
    ] = False,
    as_of: AsOf = None,
    exclude: Exclude = None,
    config: ConfigFile = None,
    isolated: Isolated = False,
) -> int:
    """Write the findings of today into a file that `scan --baseline` knows them by.

    What is suppressed or waived is not written: it has its own reason. Findings in files that cannot be read now stay.
    """
    from readiness.report.baseline import FILE_NAME, baseline_of, pruned, rewritten, to_text

    configuration = configuration_of(path, config, isolated)
    target = output or path / (configuration.baseline or FILE_NAME)
    old = _existing(target)
    if prune and old is None:
        raise UsageError(f"{target} does not exist, so there is nothing to prune; leave out --prune to write it")
    everything = replace(configuration, baseline=None)
    report = scanned(path, everything, as_of=as_of, exclude=exclude, waivers=not isolated)

    def exists(where: str) -> bool:
        return os.path.lexists(path / where)

    new = baseline_of(report)
    if old is not None:
        new = pruned(old, report, exists) if prune else rewritten(old, new, report, exists)
    emit(to_text(new), target)
    sys.stderr.write(f"readiness: {_told(target, old, new, report)}\n")
    return 0


def _existing(target: Path) -> Baseline | None:
    from readiness.assess.catalogue import load_catalogue
    from readiness.report.baseline import from_text

    try:
        return from_text(target.read_text(encoding="utf-8"), str(target), load_catalogue().names)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{target} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeError as error:
        raise UsageError(f"{target} is not UTF-8 text; write another file with --output") from error


def _told(target: Path, old: Baseline | None, new: Baseline, report: Report) -> str:
    from readiness.report.page import count

    total = count(len(new.findings), "finding")
    score = f", score {report.score.value:.1f}" if report.score else ""
    if old is None:
        return f"wrote {target}: {total}{score}"
    before, after = ({one.fingerprint for one in each.findings} for each in (old, new))
    changes = f"{len(after - before)} added, {len(before - after)} taken out"
    return f"wrote {target}: {total} ({changes}){score}"
