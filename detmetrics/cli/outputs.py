"""Where commands may write: not over their input, and each file once; and in which order.

Several files of one command are renamed one after the other, those first that have no room to say
what they belong to. Those after them hold the digests of what was written before, so that it shows
where a machine stopped between two of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

__all__ = ["CSV_SAFE", "check_outputs", "terminal_width", "write_together"]

KINDS = ("json", "csv", "markdown", "junit", "save", "output", "ledger")
WITNESSES = ("markdown_file", "json_file")
"""The files with room for digests, in the order in which they are written after all others."""


def write_together(
    outputs: Mapping[str, str | bytes],
    options: Mapping[str, Any],
    before: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Write what a command made, by path; the last files hold the digests of those before them.

    options: those of the command, which name the files; before: files that were written already.

    Raises:
        OutputError: a path cannot be written; nothing was changed.
    """
    from detmetrics.foundation.outputs import write_whole

    asked = [options.get(name) for name in WITNESSES]
    witnesses = [path for path in asked if path is not None and path in outputs]
    last = {"-", *witnesses}  # what is printed is printed once all else could be written
    ordered = {path: text for path, text in outputs.items() if path not in last}
    for path in witnesses:
        ordered[path] = _witnessed(path, outputs[path], _digests({**before, **ordered}))
    write_whole({**ordered, **{path: text for path, text in outputs.items() if path == "-"}})


def _digests(outputs: Mapping[str, str | bytes]) -> dict[str, str]:
    """The SHA-256 of each file, as ``sha256sum`` prints it; streams are none."""
    import hashlib

    from detmetrics.foundation.outputs import encoded

    return {
        path: hashlib.sha256(encoded(content)).hexdigest()
        for path, content in outputs.items()
        if path != "-" and not _is_device(path)
    }


def _witnessed(path: str, content: str | bytes, digests: Mapping[str, str]) -> str | bytes:
    """A text with the digests of other files, where there are some and it is a file."""
    if not digests or path == "-" or not isinstance(content, str) or _is_device(path):
        return content
    told = json.dumps(dict(digests), sort_keys=True)
    if not content.startswith("{"):
        safe = told.replace("--", "-\\u002d")  # a name must not end the comment
        return f"{content}\n<!-- written_with: {safe} -->\n"
    return content.rstrip().removesuffix("}").rstrip() + f',\n  "written_with": {told}\n}}\n'


CSV_SAFE = click.option(
    "--csv-safe",
    is_flag=True,
    help="With --csv, put ' before names that a spreadsheet would run as formulas.",
)


def terminal_width() -> int | None:
    """Characters a line of the terminal that standard output is; None where it is none."""
    if not (sys.stdout and sys.stdout.isatty()):
        return None
    import shutil

    return shutil.get_terminal_size().columns


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
            asked = [kind for kind, _ in outputs if f"{kind}_file" in options and kind != "ledger"]
            *first, last = (f"--{kind}" for kind in asked)
            raise click.UsageError(
                f"only one of {', '.join(first)} and {last} can be standard output"
            )
        if target in taken and not _is_device(path):
            raise click.UsageError(f"--{kind} would write to the same file as {taken[target]}")
        taken[target] = f"--{kind}"


def _is_device(path: str) -> bool:
    """A device or a pipe takes any number of outputs."""
    return path != "-" and os.path.exists(path) and not os.path.isfile(path)
