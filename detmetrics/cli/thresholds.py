"""``detmetrics thresholds``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import measured, measuring_options, remark, rules_of
from detmetrics.cli.options import OBJECTIVE
from detmetrics.cli.outputs import check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_options, refuse_unused
from detmetrics.foundation.errors import RulesError

if TYPE_CHECKING:
    from detmetrics.analysis.thresholds import OperatingPoints
    from detmetrics.rules import Rules

__all__ = ["thresholds"]

YAML, JSON = (".yaml", ".yml"), (".json",)

EXAMPLES = f"""\b
Examples:
  detmetrics thresholds val.json predictions.json
  detmetrics thresholds val.json predictions.json --per-class -o thresholds.yaml
  detmetrics thresholds val.json predictions.json --objective precision:0.9 --iou 0.75
  detmetrics thresholds labels runs/labels --objective fppi:0.1 --json -

{exit_codes()}
A class for which the objective is not reached has no threshold (null), and the table
says why.
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option(
    "--objective",
    type=OBJECTIVE,
    default="f1",
    show_default=True,
    help="f1, f2, f0.5: the best F-beta; precision:P, recall:R, fppi:F: the most recall at a "
    "precision of P or more, the most precision at a recall of R or more, the most recall at F "
    "false positives an image or fewer.",
)
@click.option("--iou", type=float, help="A match overlaps by so much.  [default: 0.5]")
@click.option("--area", default="all", show_default=True, help="An area range of the rules.")
@click.option("--per-class", is_flag=True, help="A threshold for each class, not one for all.")
@click.option(
    "--average",
    type=click.Choice(["micro", "macro"]),
    default="micro",
    show_default=True,
    help="What one threshold for all is the best of: pooled counts, or means over classes.",
)
@click.option(
    "--output",
    "-o",
    "output_file",
    metavar="FILE",
    help="Write thresholds and their numbers, as .yaml or .json.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write the same as JSON.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def thresholds(ground_truth: str, detections: str, **options: Any) -> None:
    """Say which confidence to run a detector at, by DETECTIONS against GROUND_TRUTH.

    A threshold keeps the detections with score >= threshold. The numbers are those that the file
    gives once it is filtered so.
    """
    check_outputs(ground_truth, detections, options)
    _check_output(options["output_file"])
    rules, iou = _rules_at(ground_truth, options)
    heed_warnings(options)  # what is remarked says all of them
    from detmetrics.analysis.thresholds import operating_points

    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        refuse_unused(options)
        points = operating_points(
            result,
            options["objective"],
            iou,
            options["area"],
            per_class=options["per_class"],
            average=options["average"],
        )
    remark(result, options)
    write_together(_outputs(points, options), options)
    if (path := options["output_file"]) and not options["quiet"]:
        known = sum(threshold is not None for threshold in points.thresholds.values())
        click.echo(f"{path}: thresholds of {known} of {len(points.classes)} classes", err=True)


def _check_output(path: str | None) -> None:
    if path is not None and not path.lower().endswith(YAML + JSON):
        raise click.UsageError(f"--output: expected a name that ends in .yaml or .json, got {path}")


def _rules_at(ground_truth: str, options: dict[str, Any]) -> tuple[Rules, float]:
    """The rule set at one threshold of the overlap, which is all that is looked at."""
    rules, iou = rules_of(ground_truth, options), options["iou"]
    try:
        if rules.class_rules:  # each class has a threshold of its own
            if iou is not None:
                raise click.UsageError(f"--iou: rules {rules.name} have one for each class")
            iou = rules.iou_thresholds[0]
        else:
            iou = 0.5 if iou is None else iou
            index = rules.threshold_index(iou)
            iou = iou if index is None else rules.iou_thresholds[index]
            rules = rules.replace(iou_thresholds=iou)
        rules.area_index(options["area"])
    except RulesError as error:
        raise click.UsageError(str(error)) from None
    return rules, iou


def _outputs(points: OperatingPoints, options: dict[str, Any]) -> dict[str, str]:
    """What was asked for, by path; the table where nothing else takes standard output."""
    from detmetrics.reports.thresholds import to_json, to_text, to_yaml

    outputs = {}
    if path := options["output_file"]:
        outputs[path] = to_json(points) if path.lower().endswith(JSON) else to_yaml(points)
    if path := options["json_file"]:
        outputs[path] = to_json(points)
    if "-" not in outputs:
        outputs["-"] = to_text(points, terminal_width())
    return outputs
