"""``detmetrics stats``."""

from __future__ import annotations

import json
from typing import Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
    say_notes,
)

__all__ = ["stats"]

EXAMPLES = f"""\b
Examples:
  detmetrics stats labels/train --image-dir images/train
  detmetrics stats annotations.json --json -

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the numbers as JSON.")
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def stats(ground_truth: str, **options: Any) -> None:
    """Count what GROUND_TRUTH holds: images, objects an image, classes, sizes, outlines."""
    from detmetrics.datasets.overview import stats as run
    from detmetrics.foundation.outputs import write_whole

    heed_warnings(options)  # the table says all of them
    with Patience(quiet=options["quiet"]) as patience:
        counted = run(ground_truth, reading=reading_of(options), progress=patience)
    refuse_unused(options)
    say_notes(counted.ground_truth.notes, options)
    outputs = {}
    if path := options["json_file"]:
        outputs[path] = json.dumps(counted.to_dict(), indent=2, sort_keys=True) + "\n"
    if "-" not in outputs:
        from detmetrics.reports.overview import to_text

        outputs["-"] = to_text(counted)
    write_whole(outputs)
