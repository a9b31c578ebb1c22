"""``detmetrics plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import measured, measuring_options, remark, rules_of
from detmetrics.cli.outputs import check_outputs
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_options, refuse_unused
from detmetrics.foundation.errors import InputError, RulesError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from detmetrics.evaluation.result import Evaluation
    from detmetrics.rules import Rules

__all__ = ["plot"]

KINDS = ("pr", "confidence", "confusion", "errors", "classes", "sizes", "reliability")
# Which figures an option is about: one that would change nothing is refused.
ABOUT = {
    "class_name": ("pr", "confidence", "reliability"),
    "iou": ("pr", "confidence", "confusion", "errors", "reliability"),
    "confidence": ("confusion",),
    "counts": ("confusion",),
    "metric": ("classes",),
    "ci": ("classes",),
}
NAMES = {"class_name": "--class"}

EXAMPLES = f"""\b
Examples:
  detmetrics plot val.json predictions.json --kind pr -o curves.png
  detmetrics plot val.json predictions.json --kind pr --class person -o person.svg
  detmetrics plot labels/val runs/labels --kind confusion --confidence 0.4 -o confusion.pdf
  detmetrics plot val.json predictions.json --kind classes --ci -o classes.png

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    required=True,
    help="pr: precision over recall; confidence: precision, recall and F1 over the score; "
    "confusion: the matrix; errors: TIDE's kinds; classes: AP of each; sizes: AP and recall by "
    "area; reliability: precision over the score.",
)
@click.option(
    "--output",
    "-o",
    "output_file",
    metavar="FILE",
    required=True,
    help="Where to: .png, .svg or .pdf.",
)
@click.option(
    "--class", "class_name", metavar="NAME", help="One class; for pr, confidence and reliability."
)
@click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    help="A match overlaps by so much.  [default: 0.5; of --kind pr --class several of the rules]",
)
@click.option("--confidence", type=float, help="Of the confusion matrix.  [default: 0.25]")
@click.option("--counts", is_flag=True, help="Counts in the confusion matrix, not shares of rows.")
@click.option("--metric", metavar="NAME", help="Of --kind classes; the first of the rules.")
@click.option("--ci", is_flag=True, help="Of --kind classes: 95% confidence intervals.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def plot(ground_truth: str, detections: str, **options: Any) -> None:
    """Draw DETECTIONS against GROUND_TRUTH: one figure in one file.

    What each figure shows stands in docs/figures.md. Figures need matplotlib: pip install
    'detmetrics[plots]'.
    """
    check_outputs(ground_truth, detections, options)
    suffix = _suffix(options["output_file"])
    _check_usage(options)
    rules = _rules_at(ground_truth, options)
    heed_warnings(options)  # what is remarked says all of them
    from detmetrics.foundation.outputs import write_whole
    from detmetrics.reports.figures import figure_bytes, matplotlib_module

    matplotlib_module("figure")  # said before anything long begins
    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        refuse_unused(options)
        drawn = _figure(result, options, patience)
        patience("drawing", None)
        content = figure_bytes(drawn, suffix)
    remark(result, options)
    write_whole({options["output_file"]: content})


def _suffix(path: str) -> str:
    from detmetrics.reports.figures import suffix_of

    try:
        return suffix_of(path)
    except InputError as error:
        raise click.UsageError(f"--output: {error}") from None


def _check_usage(options: dict[str, Any]) -> None:
    for name, kinds in ABOUT.items():
        given = options[name] is not None and options[name] is not False
        if given and options["kind"] not in kinds:
            option = NAMES.get(name, f"--{name}")
            raise click.UsageError(
                f"{option} is about --kind {', '.join(kinds)}, got --kind {options['kind']}"
            )


def _rules_at(ground_truth: str, options: dict[str, Any]) -> Rules:
    """The rule set; at the threshold that was asked for, where it lacks it and needs it."""
    rules, iou = rules_of(ground_truth, options), options["iou"]
    if options["kind"] in ("confusion", "errors") or iou is None:
        return rules  # their definitions take any overlap
    if rules.threshold_index(iou) is not None:
        return rules
    try:
        return rules.replace(iou_thresholds=iou)
    except RulesError as error:
        raise click.UsageError(str(error)) from None


def _figure(result: Evaluation, options: dict[str, Any], patience: Patience) -> Figure:
    kind, iou, name = options["kind"], options["iou"], options["class_name"]
    plots = result.plot
    if kind == "confusion":
        confidence = 0.25 if options["confidence"] is None else options["confidence"]
        over = "counts" if options["counts"] else "ground_truths"
        return plots.confusion(confidence, iou, over=over)
    if kind == "errors":
        return plots.errors() if iou is None else plots.errors(iou)
    if kind == "classes":
        return _classes(result, options, patience)
    if kind == "sizes":
        return plots.sizes()
    figure: Figure = getattr(plots, kind)(name, iou)
    return figure


def _classes(result: Evaluation, options: dict[str, Any], patience: Patience) -> Figure:
    intervals = None
    if options["ci"]:
        from detmetrics.analysis import confidence_intervals

        intervals = confidence_intervals(
            result, per_class=True, progress=lambda share: patience("resampling", share)
        )
    return result.plot.classes(options["metric"], intervals)
