"""``detmetrics evaluate``."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import BELOW_BOUND, CROSSCHECK_DIFFERS, SOME_FAILED, exit_codes
from detmetrics.cli.in_parts import (
    PARTS_OPTIONS,
    check_parts,
    first_part,
    intervals_in_parts,
    measured_in_parts,
)
from detmetrics.cli.measuring import (
    CLASSES,
    IMAGE_OPTIONS,
    INTERVAL_OPTIONS,
    SHAPE,
    added,
    measured,
    rules_of,
)
from detmetrics.cli.options import AREAS, LIMITS, MINIMUM, THRESHOLDS
from detmetrics.cli.outputs import CSV_SAFE, check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_CATEGORIES,
    UNKNOWN_IMAGES,
    heed_warnings,
    reading_options,
    refuse_unused,
)
from detmetrics.cli.roles import ROLE_OPTIONS, check_role, recorded
from detmetrics.foundation.errors import RulesError
from detmetrics.foundation.messages import no_such, printable
from detmetrics.rules import Rules
from detmetrics.rules.setting_table import CHOICES

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import Intervals
    from detmetrics.analysis.crosschecking import Crosscheck
    from detmetrics.evaluation.measurement import Measurement
    from detmetrics.evaluation.result import Evaluation

__all__ = ["evaluate"]

EXAMPLES = f"""\b
Examples:
  detmetrics evaluate val.json predictions.json
  detmetrics evaluate labels/val runs/detect/predict/labels --per-class --sort AP
  detmetrics evaluate VOC2007/Annotations results --images ImageSets/Main/test.txt
  detmetrics evaluate VOC2007/Annotations results --rules voc2007 --per-class
  detmetrics evaluate boxes.csv predictions.csv --columns image=file,class=label
  detmetrics evaluate val.json predictions.json.gz --json result.json --fail-under AP=0.40
  zcat predictions.json.gz | detmetrics evaluate val.json - --crosscheck
  detmetrics evaluate test.json predictions.json --role test --ledger test.looks
  detmetrics evaluate val.json boxes_of_a_language_model.json --scores none
  detmetrics evaluate val.json predictions.json --classes person,car --iou-thresholds 0.5
  detmetrics evaluate set/gt set/detections --in-parts --state run7 --workers 8

{exit_codes(BELOW_BOUND, CROSSCHECK_DIFFERS, SOME_FAILED)}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option(
    "--rules",
    metavar="NAME|FILE",
    help="What counts: a rule set (detmetrics rules lists them) or a TOML file of settings. "
    "Options below change it where they are given.  [default: coco; of DOTA's files dota]",
)
@SHAPE
@click.option("--per-class", is_flag=True, help="Add a table of classes.")
@click.option("--sort", metavar="COLUMN", help="Sort the classes: class, AP, AP50, ...")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the result as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a class as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@click.option("--iou-thresholds", type=THRESHOLDS, help="Such as 0.5,0.75 or 0.5:0.95:0.05.")
@click.option("--max-detections", type=LIMITS, help="An image and class; such as 1,10,100 or inf.")
@click.option(
    "--area-ranges",
    type=AREAS,
    help="In square pixels, such as tiny:0:256; far:0:25:height, tiny:0:0.01:share (of the "
    "image), tall:0:0.5:aspect, left:0:0.3:x, top:0:0.3:y or edge:0:0.05:border.",
)
@CLASSES
@added(IMAGE_OPTIONS)
@reading_options
@click.option(
    "--difficult",
    type=click.Choice(CHOICES["difficult"]),
    help="What an object is that VOC calls difficult; COCO's rules: crowd.",
)
@click.option("--class-agnostic", is_flag=True, help="Pool the classes of an image.")
@click.option(
    "--ignore",
    type=click.Choice(CHOICES["ignore"]),
    help="What an ignore flag in the ground truth does; COCO's rules overwrite it with iscrowd.",
)
@UNKNOWN_IMAGES
@UNKNOWN_CATEGORIES
@click.option(
    "--fail-under",
    type=MINIMUM,
    multiple=True,
    help="Exit with 3 where the metric is lower or undefined; may be given several times.",
)
@click.option(
    "--ci",
    is_flag=True,
    help="Add confidence intervals; with --in-parts from 40 half-samples of the parts unless "
    "--resamples is given.",
)
@added(INTERVAL_OPTIONS)
@click.option("--crosscheck", is_flag=True, help="Compare every cell with pycocotools.")
@added(ROLE_OPTIONS)
@added(PARTS_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def evaluate(ground_truth: str, detections: str, **options: Any) -> None:
    """Measure DETECTIONS against GROUND_TRUTH and print the metrics of a benchmark.

    Each is a file or a folder in any known format (detmetrics formats lists them), gzipped or
    not; - is standard input. What each is taken for is said on standard error.
    """
    _check_usage(ground_truth, detections, options)
    rules = _rules(ground_truth, detections, options)
    if options["scores"] == "none":
        rules = _unscored(rules, options)
    if options["crosscheck"]:
        _require_followed(rules, options["shape"])
    minimums = _minimums(options["fail_under"], rules)
    _check_sort(options["sort"], rules)
    heed_warnings(options)  # the report says all of them
    result: Measurement
    intervals, checked = None, None
    if options["in_parts"]:
        result = in_parts = measured_in_parts(ground_truth, detections, rules, options)
        intervals = intervals_in_parts(in_parts, options) if options["ci"] else None
    else:
        result, intervals, checked = _whole(ground_truth, detections, rules, options)
    _write(result, checked, intervals, options)
    low = [line for name, least in minimums if (line := _below(result, name, least))]
    for line in low:
        click.echo(line, err=True)
    if checked is not None and not checked.agrees:
        sys.exit(CROSSCHECK_DIFFERS)
    if low:
        sys.exit(BELOW_BOUND)


def _whole(
    ground_truth: str, detections: str, rules: Rules, options: dict[str, Any]
) -> tuple[Evaluation, Intervals | None, Crosscheck | None]:
    """The evaluation of all images at once, and what was asked for beside it."""
    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        refuse_unused(options)
        intervals = _intervals(result, patience, options) if options["ci"] else None
        checked = None
        if options["crosscheck"]:
            from detmetrics.analysis.crosschecking import crosscheck

            patience("pycocotools", None)
            checked = crosscheck(result)
    (result,) = recorded([result], options)
    return result, intervals, checked


def _check_usage(ground_truth: str, detections: str, options: dict[str, Any]) -> None:
    check_outputs(ground_truth, detections, options)
    check_role(options)
    check_parts(ground_truth, detections, options)
    if options["sort"] and not (options["per_class"] or options["csv_file"]):
        raise click.UsageError("--sort orders the table of classes: add --per-class")


def _rules(ground_truth: str, detections: str, options: dict[str, Any]) -> Rules:
    """The rule set that was named, with the settings that were given."""
    names = ("iou_thresholds", "max_detections", "area_ranges", "difficult", "ignore")
    changes = {name: options[name] for name in names if options[name] is not None}
    if options["class_agnostic"]:
        changes["class_agnostic"] = True
    if options["in_parts"] and not options["rules"]:
        ground_truth = first_part(ground_truth, detections)
    try:
        rules = rules_of(ground_truth, options)
        if "area_ranges" in changes:  # who asks for ranges wants to see them
            changes["metrics"] = (*rules.metrics, "ap_area")
        return rules.replace(**changes)
    except RulesError as error:
        raise click.UsageError(str(error)) from None


def _unscored(rules: Rules, options: dict[str, Any]) -> Rules:
    """The rules for detections without scores; what needs them is wrong usage."""
    from detmetrics.rules.unscored import without_scores

    for name in ("max_detections", "crosscheck"):
        if options[name]:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} needs scores. Fix: leave out {option} or --scores none"
            )
    return without_scores(rules)


def _require_followed(rules: Rules, shape: str) -> None:
    from detmetrics.analysis.crosschecking import require_followed

    try:
        require_followed(rules if shape == "auto" else rules.replace(shape=shape))
    except RulesError as error:
        raise click.UsageError(f"--crosscheck: {error}") from None


def _minimums(asked: tuple[tuple[str, float], ...], rules: Rules) -> tuple[tuple[str, float], ...]:
    from detmetrics.metrics.summary import metrics_of

    known = [metric.name for metric in metrics_of(rules)]
    for name, least in asked:
        if name not in known:
            raise click.UsageError(f"--fail-under: {no_such('metric', name, known)}")
        if not 0 <= least <= 1:
            raise click.UsageError(
                f"--fail-under: {name}: expected a number from 0 to 1, as metrics are (0.4, not "
                f"40), got {least:g}"
            )
    return asked


def _check_sort(column: str | None, rules: Rules) -> None:
    from detmetrics.metrics.summary import metrics_of

    known = ("class", "ground_truths", "detections", *(m.name for m in metrics_of(rules)))
    if column is not None and column not in known:
        raise click.UsageError(f"cannot sort by {column!r}; there are {', '.join(known)}")


def _below(result: Measurement, name: str, least: float) -> str | None:
    value = result.summary[name]
    if value >= least:
        return None
    if math.isnan(value):
        return f"{name} is undefined ({result.summary.undefined[name]}), asked for {least:g}"
    shown = f"{value:.6g}" if float(f"{value:.6g}") < least else repr(value)
    return f"{name} is {shown}, below {least:g}"


def _intervals(result: Evaluation, patience: Patience, options: dict[str, Any]) -> Intervals:
    from detmetrics.analysis.bootstrap import confidence_intervals

    return confidence_intervals(
        result,
        options["resamples"],
        options["level"],
        options["seed"],
        per_class=bool(options["per_class"] or options["csv_file"]),
        progress=lambda share: patience("resampling", share),
    )


def _write(
    result: Measurement,
    checked: Crosscheck | None,
    intervals: Intervals | None,
    options: dict[str, Any],
) -> None:
    outputs = _outputs(result, checked, intervals, options)
    if "-" in outputs:
        remarks = [] if options["quiet"] else [*result.attention]
        if checked and not (options["quiet"] and checked.agrees):
            remarks += str(checked).split("\n")
        for line in remarks:
            click.echo(printable(line), err=True)
    else:
        outputs["-"] = _text(result, checked, intervals, options)
    write_together(outputs, options)


def _outputs(
    result: Measurement,
    checked: Crosscheck | None,
    intervals: Intervals | None,
    options: dict[str, Any],
) -> dict[str, str]:
    """What was asked for, by path."""
    outputs = {}
    if path := options["json_file"]:
        from detmetrics.reports.json import to_json

        outputs[path] = to_json(result, checked, intervals)
    if path := options["csv_file"]:
        from detmetrics.reports.csv import to_csv

        outputs[path] = to_csv(
            result, sort=options["sort"], intervals=intervals, safe=options["csv_safe"]
        )
    if path := options["markdown_file"]:
        from detmetrics.reports.markdown import to_markdown

        outputs[path] = to_markdown(
            result, per_class=options["per_class"], sort=options["sort"], intervals=intervals
        )
    return outputs


def _text(
    result: Measurement,
    checked: Crosscheck | None,
    intervals: Intervals | None,
    options: dict[str, Any],
) -> str:
    from detmetrics.reports.text import to_text

    text = to_text(
        result,
        per_class=options["per_class"],
        sort=options["sort"],
        width=terminal_width(),
        intervals=intervals,
    )
    return f"{text}\n{checked}\n" if checked else text
