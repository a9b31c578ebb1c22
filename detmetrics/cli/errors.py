"""``detmetrics errors``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import measured, measuring_options, rules_of
from detmetrics.cli.outputs import CSV_SAFE, check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_options, refuse_unused
from detmetrics.foundation.messages import printable

if TYPE_CHECKING:
    from detmetrics.analysis.confusion import ConfusionMatrix
    from detmetrics.analysis.error_kinds import ErrorTypes
    from detmetrics.analysis.hidden import BlindSpots
    from detmetrics.evaluation.result import Evaluation

__all__ = ["errors"]

EXAMPLES = f"""\b
Examples:
  detmetrics errors val.json predictions.json --per-class
  detmetrics errors labels/val runs/detect/predict/labels --confusion --confidence 0.4
  detmetrics errors val.json predictions.json --json errors.json

{exit_codes()}
"""
DEFINITIONS = ("greedy", "ultralytics")
SHARE = click.FloatRange(0, 1, min_open=True)


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option("--iou", type=SHARE, default=0.5, show_default=True, help="A detection is right.")
@click.option(
    "--background", type=SHARE, default=0.1, show_default=True, help="Up to here it is on nothing."
)
@click.option(
    "--image-limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Detections of an image that count, over all classes.",
)
@click.option("--per-class", is_flag=True, help="Add a table of classes.")
@click.option("--confusion", is_flag=True, help="Add the confusion matrix.")
@click.option(
    "--confidence",
    type=float,
    default=0.25,
    show_default=True,
    help="Of the confusion matrix: detections with this score or more.",
)
@click.option(
    "--confusion-iou", type=SHARE, help="Of the confusion matrix; 0.5, and 0.45 for ultralytics."
)
@click.option(
    "--definition",
    type=click.Choice(DEFINITIONS),
    default="greedy",
    show_default=True,
    help="Of the confusion matrix.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write all of it as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a class as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def errors(ground_truth: str, detections: str, **options: Any) -> None:
    """Tell what is wrong with DETECTIONS, and the AP that each kind of error costs.

    Errors are those of TIDE; what no metric of COCO shows is counted too. The definitions stand in
    docs/analyses.md.
    """
    check_outputs(ground_truth, detections, options)
    if not options["background"] < options["iou"]:
        raise click.UsageError("--background must be smaller than --iou")
    rules = rules_of(ground_truth, options)
    heed_warnings(options)  # attention says all of them
    from detmetrics.analysis import blind_spots, confusion_matrix, error_types

    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        refuse_unused(options)
        patience("errors", None)
        errors = error_types(result, options["iou"], options["background"], options["image_limit"])
        spots = blind_spots(result)
        matrix = None
        if options["confusion"]:
            matrix = confusion_matrix(
                result, options["confidence"], options["confusion_iou"], options["definition"]
            )
    _write(result, errors, spots, matrix, options)


def _write(
    result: Evaluation,
    errors: ErrorTypes,
    spots: BlindSpots,
    matrix: ConfusionMatrix | None,
    options: dict[str, Any],
) -> None:
    from detmetrics.reports import error_kinds as report

    per_class = options["per_class"]
    outputs = {}
    if path := options["json_file"]:
        outputs[path] = report.to_json(result, errors, spots, matrix)
    if path := options["csv_file"]:
        outputs[path] = report.to_csv(errors, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = report.to_markdown(errors, spots, matrix, per_class=per_class)
    if "-" not in outputs:
        outputs["-"] = report.to_text(
            errors, spots, matrix, per_class=per_class, width=terminal_width()
        )
    if not options["quiet"]:
        for line in result.attention:
            click.echo(printable(line), err=True)
    write_together(outputs, options)
