"""Where commands may write: not over their input, and each file once."""

from __future__ import annotations

import os
from typing import Any

import click

__all__ = ["CSV_SAFE", "check_outputs"]

KINDS = ("json", "csv", "markdown", "output", "ledger")

CSV_SAFE = click.option(
    "--csv-safe",
    is_flag=True,
    help="With --csv, put ' before names that a spreadsheet would run as formulas.",
)


def check_outputs(ground_truth: str, detections: str, options: dict[str, Any]) -> None:
    """Refuse outputs that would overwrite an input or each other.

    Raises:
        UsageError: two of all the files are one, or an option is of no output.
    """
    if options.get("csv_safe") and not options["csv_file"]:
        raise click.UsageError("--csv-safe is of --csv FILE, which is not given")
    if ground_truth == detections == "-":
        raise click.UsageError("standard input can be one of the two files, not both")
    outputs = [(kind, options.get(f"{kind}_file")) for kind in KINDS]
    inputs = [path for path in (ground_truth, detections) if path != "-"]
    taken = {os.path.realpath(path): "an input" for path in inputs}
    for kind, path in outputs:
        if path == "":
            raise click.UsageError(f"--{kind}: the name of the file is empty")
        if path is None:
            continue
        target = path if path == "-" else os.path.realpath(path)
        if path == "-" and [given for _, given in outputs].count("-") > 1:
            raise click.UsageError(
                "only one of --json, --csv and --markdown can be standard output"
            )
        if target in taken and not _is_device(path):
            raise click.UsageError(f"--{kind} would write to the same file as {taken[target]}")
        taken[target] = f"--{kind}"


def _is_device(path: str) -> bool:
    """A device or a pipe takes any number of outputs."""
    return path != "-" and os.path.exists(path) and not os.path.isfile(path)
