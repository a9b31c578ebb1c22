"""``detmetrics check``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import BAD_INPUT, exit_codes
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_CATEGORIES,
    UNKNOWN_IMAGES,
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
)
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted

if TYPE_CHECKING:
    from detmetrics.datasets.checks.checking import CheckReport

__all__ = ["check"]

EXAMPLES = f"""\b
Examples:
  detmetrics check labels/val
  detmetrics check val.json predictions.json --ignore D4
  detmetrics check val.json --select D101,D2 --json -
  detmetrics check --splits train.json val.json test.json
  detmetrics check --explain D206

{exit_codes()}
Data with errors are bad input.
"""


@click.command(epilog=EXAMPLES)
@click.argument("paths", nargs=-1, metavar="GROUND_TRUTH [DETECTIONS]")
@click.option("--splits", is_flag=True, help="The paths are parts of one data set: any overlap?")
@click.option("--select", multiple=True, metavar="CODES", help="Only these, as D1,D204.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these, as D4,D305.")
@click.option("--explain", metavar="CODE", help="Say what a code means, its cause and its cure.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the findings as JSON.")
@reading_options
@UNKNOWN_IMAGES
@UNKNOWN_CATEGORIES
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def check(paths: tuple[str, ...], **options: Any) -> None:
    """Look for faults in GROUND_TRUTH, and in DETECTIONS with it.

    Every fault has a code that never changes, a severity, a count and its first places.
    """
    if options["explain"]:
        click.echo(_explained(options["explain"]))
        return
    _check_usage(paths, options)
    heed_warnings(options)  # findings say all of them
    report = _run(paths, options)
    if not report.errors:  # what could not be read asked for nothing
        refuse_unused(options)
    doubtful = [found for found in report.findings if found.code.severity == "warning"]
    outputs = {}
    if options["json_file"]:
        text = json.dumps(report.to_dict(), indent=2, sort_keys=True)
        outputs[options["json_file"]] = f"{text}\n"
    if "-" not in outputs:
        from detmetrics.reports.checks import to_text

        outputs["-"] = to_text(report)
    from detmetrics.foundation.outputs import write_whole

    write_whole(outputs)
    if report.errors or (doubtful and options["warnings"] == "error"):
        sys.exit(BAD_INPUT)


def _check_usage(paths: tuple[str, ...], options: dict[str, Any]) -> None:
    if options["splits"] and len(paths) < 2:
        raise click.UsageError("--splits compares at least two parts of a data set")
    if not options["splits"] and not 1 <= len(paths) <= 2:
        raise click.UsageError("give ground truth, or ground truth and detections")
    if not options["splits"] and paths == ("-", "-"):
        raise click.UsageError("standard input can be one of the two files, not both")


def _codes(given: tuple[str, ...]) -> list[str]:
    return [code.strip() for text in given for code in text.split(",") if code.strip()]


def _run(paths: tuple[str, ...], options: dict[str, Any]) -> CheckReport:
    from detmetrics.datasets.checks.checking import check as run
    from detmetrics.datasets.checks.checking import check_parts
    from detmetrics.datasets.checks.chosen_codes import chosen

    codes = {name: _codes(options[name]) for name in ("select", "ignore")}
    try:
        chosen(**codes)
    except InputError as error:
        raise click.UsageError(str(error)) from None
    reading = reading_of(options)
    if options["splits"]:
        return check_parts(paths, reading=reading, **codes)
    with Patience(quiet=options["quiet"]) as patience:
        found = paths[1] if len(paths) == 2 else None
        return run(
            paths[0],
            found,
            select=codes["select"],
            ignore=codes["ignore"],
            unknown_images=options["unknown_images"],
            unknown_categories=options["unknown_categories"],
            reading=reading,
            progress=patience,
        )


def _explained(wanted: str) -> str:
    from detmetrics.datasets.checks.codes import CODES

    found = CODES.get(wanted.upper())
    if found is None:
        known = f"there are {counted(len(CODES), 'code')}: {', '.join(CODES)}"
        raise click.UsageError(f"--explain: no code {wanted!r}; {known}")
    return (
        f"{found.code} ({found.severity}): {found.title}\n\n"
        f"Cause: {found.cause}\n\nCure: {found.cure}"
    )
