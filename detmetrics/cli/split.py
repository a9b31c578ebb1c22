"""``detmetrics split``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.options import RATIOS
from detmetrics.cli.outputs import write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
    say_notes,
)

if TYPE_CHECKING:
    from detmetrics.datasets.splitting import Split

__all__ = ["split"]

EXAMPLES = f"""\b
Examples:
  detmetrics split annotations.json -o parts
  detmetrics split labels --image-dir images --ratios 8:1:1 --seed 7
  detmetrics split annotations.json --group-by '^(seq[0-9]+)_'
  detmetrics split boxes.csv --group-by column=video

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("source")
@click.option("--ratios", type=RATIOS, default="6:2:2", show_default=True, help="Of images.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other parts.")
@click.option(
    "--group-by",
    metavar="PATTERN",
    help="Keep images together whose names have the same match (its first group, if it has one), "
    "or column=NAME, the same value in a column of a table or a field of COCO images.",
)
@click.option("--output", "-o", default="splits", show_default=True, help="A new folder.")
@click.option("--force", is_flag=True, help="Take the place of what is there.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the table as JSON.")
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def split(source: str, **options: Any) -> None:
    """Deal the images of SOURCE into train, validation and test parts.

    The same seed gives the same parts anywhere. Classes are spread evenly, rare ones first; equal
    images, and with --group-by sequences, stay in one part.
    """
    if source == "-":
        raise click.UsageError("split reads its source twice, so it cannot be standard input")
    from detmetrics.datasets.grouping import groups_of
    from detmetrics.datasets.split_files import part_files
    from detmetrics.datasets.splitting import split as run
    from detmetrics.foundation.outputs import write_tree

    heed_warnings(options)
    reading = reading_of(options)
    with Patience(quiet=options["quiet"]) as patience:
        split = run(
            source,
            ratios=options["ratios"],
            seed=options["seed"],
            group_by=groups_of(source, options["group_by"], reading),
            reading=reading,
            progress=patience,
        )
    refuse_unused(options)
    say_notes(split.ground_truth.notes, options)
    target = options["output"]
    files = part_files(split, source, os.path.abspath(target))
    write_tree(target, files, force=options["force"])
    outputs = {}
    if path := options["json_file"]:
        outputs[path] = json.dumps(split.to_dict(), indent=2, sort_keys=True) + "\n"
    if "-" not in outputs:
        outputs["-"] = _text(split, target)
    before = {os.path.join(target, name): content for name, content in files.items()}
    write_together(outputs, options, before)


def _text(split: Split, target: str) -> str:
    from detmetrics.reports.split import to_text

    return to_text(split, target)
