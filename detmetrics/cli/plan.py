"""``detmetrics plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import (
    INTERVAL_OPTIONS,
    added,
    measured_alike,
    measuring_options,
    rules_of,
)
from detmetrics.cli.options import DIFFERENCES
from detmetrics.cli.outputs import check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused

if TYPE_CHECKING:
    from detmetrics.analysis.planning import SampleSize

__all__ = ["plan"]

EXAMPLES = f"""\b
Examples:
  detmetrics plan val.json baseline.json candidate.json
  detmetrics plan val.json baseline.json candidate.json --difference 0.003,0.005 --power 0.9

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("a")
@click.argument("b")
@click.option(
    "--difference",
    "differences",
    type=DIFFERENCES,
    help="Differences of a metric that are to be seen.  [default: 0.005,0.01,0.02]",
)
@click.option(
    "--power",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.8,
    show_default=True,
    help="How often a difference is to be seen.",
)
@added(INTERVAL_OPTIONS)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def plan(ground_truth: str, a: str, b: str, **options: Any) -> None:
    """Say how many images it takes to see a difference between models like A and B.

    Both are measured on the images of GROUND_TRUTH: how much their difference depends on the
    images tells how many others would need.
    """
    for detections in (a, b):
        check_outputs(ground_truth, detections, options)
    if [ground_truth, a, b].count("-") > 1:
        raise click.UsageError("standard input can be one of the files, not more")
    rules = rules_of(ground_truth, options)
    heed_warnings(options)
    from detmetrics.analysis.planning import DIFFERENCES as USUAL
    from detmetrics.analysis.planning import sample_size
    from detmetrics.formats.loading import read_ground_truth

    with Patience(quiet=options["quiet"]) as patience:
        table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
        one, other = measured_alike(table, (a, b), rules, options, patience)
        refuse_unused(options)
        found = sample_size(
            one,
            other,
            options["differences"] or USUAL,
            options["power"],
            options["level"],
            resamples=options["resamples"],
            seed=options["seed"],
            progress=lambda share: patience("resampling", share),
        )
    write_together(_outputs(found, options), options)


def _outputs(found: SampleSize, options: dict[str, Any]) -> dict[str, str | bytes]:
    from detmetrics.reports.planning import to_json, to_text

    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = to_json(found)
    if "-" not in outputs:
        outputs["-"] = to_text(found, width=terminal_width())
    return outputs
