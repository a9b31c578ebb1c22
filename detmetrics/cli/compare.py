"""``detmetrics compare``."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
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
from detmetrics.cli.outputs import CSV_SAFE, check_outputs
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused
from detmetrics.cli.roles import ROLE_OPTIONS, check_role, recorded

if TYPE_CHECKING:
    from detmetrics.analysis.comparison import Comparison

__all__ = ["compare"]

EXAMPLES = f"""\b
Examples:
  detmetrics compare val.json before.json after.json
  detmetrics compare labels/val runs/1/labels runs/2/labels --per-class
  detmetrics compare val.json a.json b.json --confidence 0.4 --json comparison.json

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("a")
@click.argument("b")
@measuring_options
@click.option("--per-class", is_flag=True, help="Add a table of classes.")
@click.option(
    "--iou", type=float, default=0.5, show_default=True, help="Overlap at which an object is found."
)
@click.option("--confidence", type=float, help="Only detections from this score on find an object.")
@added(INTERVAL_OPTIONS)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a metric as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@reading_options
@added(ROLE_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def compare(ground_truth: str, a: str, b: str, **options: Any) -> None:
    """Say whether detections B are better than detections A on the same GROUND_TRUTH.

    Every metric of both, the interval of the difference, how likely B is better, and what only
    one of them finds.
    """
    for detections in (a, b):
        check_outputs(ground_truth, detections, options)
    if [ground_truth, a, b].count("-") > 1:
        raise click.UsageError("standard input can be one of the three files, not more")
    check_role(options)
    rules = rules_of(ground_truth, options)
    heed_warnings(options)
    from detmetrics.analysis.comparison import compare as run
    from detmetrics.formats.loading import read_ground_truth
    from detmetrics.foundation.outputs import write_whole

    with Patience(quiet=options["quiet"]) as patience:
        table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
        result_a, result_b = measured_alike(table, (a, b), rules, options, patience)
        refuse_unused(options)
        comparison = run(
            result_a,
            result_b,
            options["resamples"],
            options["level"],
            options["seed"],
            per_class=bool(options["per_class"] or options["csv_file"] or options["json_file"]),
            iou=options["iou"],
            confidence=options["confidence"],
            progress=lambda share: patience("resampling", share),
        )
    a_told, b_told = recorded([comparison.a, comparison.b], options)
    comparison = replace(comparison, a=a_told, b=b_told)
    write_whole(_outputs(comparison, options))


def _outputs(comparison: Comparison, options: dict[str, Any]) -> dict[str, str | bytes]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports.comparison import to_csv, to_json, to_markdown, to_text

    per_class = options["per_class"]
    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = to_json(comparison)
    if path := options["csv_file"]:
        outputs[path] = to_csv(comparison, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(comparison, per_class=per_class)
    if "-" not in outputs:
        width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
        outputs["-"] = to_text(comparison, per_class=per_class, width=width)
    return outputs
